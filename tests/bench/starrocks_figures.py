# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was measured of StarRocks to figures with their bars. Pure."""

from __future__ import annotations

import collections
import statistics
import typing as t

from bench.figures import Figure, spread
from bench.prediction import Predicted
from bench.starrocks_again import Again
from bench.starrocks_sizes import Looked
from bench.starrocks_windows import Window

BESIDE_TRANSFER = 45.0
LOOK_SECONDS = 30.0
PREFLIGHT_MEGABYTES = 300.0
AGAIN_SECONDS = 5.0
PREDICTED = 99.0


def _clock(factor: float) -> str:
    own = f"clock x{factor:g}, our own processing counts {factor:g} times" if factor != 1 else "real time"
    return f"lab 4.1, sync tool at work, {own}"


def windows(ours: t.Sequence[Window], theirs: t.Sequence[Window], factor: float, seed: int) -> t.Iterator[Figure]:
    """W5, ours, with what the manual procedure took of the same labs as the reference."""
    if not ours:
        return
    where = f"{_clock(factor)}, {min(one.partitions for one in ours):,} partitions"
    yield _spread(
        [one.beside for one in ours],
        id="W5",
        case=f"{where}: writes stopped to every partition proved equal, without the transfer (the tool's intervals as "
        "the role sets them, 10 s)",
        unit="s",
        must_be=BESIDE_TRANSFER,
        judged="p95",
        reference=statistics.median(one.beside for one in theirs) if theirs else None,
        seed=seed,
    )
    yield _spread(
        [one.seconds for one in ours],
        id="W5",
        case=f"{where}: the same with the transfer (the longest replication that ended in it)",
        unit="s",
        reference=statistics.median(one.seconds for one in theirs) if theirs else None,
        seed=seed,
    )
    yield Figure(
        "W5",
        f"{where}: acknowledged rows missing on the target when it was proved equal, all cutovers",
        sum(one.missing for one in ours),
        "rows",
        must_be=0,
        runs=len(ours),
        seed=seed,
    )
    yield Figure(
        "W5",
        f"{where}: cutovers within the forecast's p95",
        100 * sum(one.seconds <= one.forecast for one in ours) / len(ours),
        "%",
        runs=len(ours),
        seed=seed,
    )


def by_hand(theirs: t.Sequence[Window], factor: float, seed: int) -> t.Iterator[Figure]:
    """W5, the reference."""
    if not theirs:
        return
    where = f"the manual's procedure, {_clock(factor)}, {min(one.partitions for one in theirs):,} partitions"
    yield _spread(
        [one.seconds for one in theirs],
        id="W5",
        case=f"{where}: writes stopped to compared equal (tool as shipped: 180 s metadata, 300 s report)",
        unit="s",
        seed=seed,
    )
    yield Figure(
        "W5",
        f"{where}: reports after the stop that said nothing was left, when something was, of all cutovers",
        sum(one.early for one in theirs),
        "reports",
        runs=len(theirs),
        seed=seed,
    )


def preflights(looked: t.Sequence[tuple[str, Looked]], seed: int) -> t.Iterator[Figure]:
    """P5."""
    for name, one in looked:
        where = f"lab 4.1, {name}: preflight of {one.tables:,} tables, {one.partitions:,} partitions"
        yield Figure("P5", f"{where}, start of the process included", one.run.seconds, "s", LOOK_SECONDS, seed=seed)
        yield Figure("P5", f"{where}: peak memory", one.run.megabytes, "MB", PREFLIGHT_MEGABYTES, seed=seed)
        yield Figure("P5", f"{where}: requests that both clusters received", one.requests, "requests", seed=seed)


def comparisons(looked: t.Sequence[Looked], seed: int) -> t.Iterator[Figure]:
    """P6."""
    if not looked:
        return
    where = f"lab 4.1, comparison of {looked[0].partitions:,} partitions on both sides"
    yield _spread(
        [one.run.seconds for one in looked],
        id="P6",
        case=f"{where}, start of the process included",
        unit="s",
        must_be=LOOK_SECONDS,
        judged="max",
        seed=seed,
    )
    yield _spread([one.run.megabytes for one in looked], id="P6", case=f"{where}: peak memory", unit="MB", seed=seed)
    yield Figure(
        "P6",
        f"{where}: requests that both clusters received",
        max(one.requests for one in looked),
        "requests",
        runs=len(looked),
        seed=seed,
    )


def again(tables: int, whole: Again, steps: Again, seed: int) -> t.Iterator[Figure]:
    """P8, of the whole playbook, and of the modules by themselves for those who use them so."""
    for name, one in (
        ("the modules that cut over and put back, again in one play", steps),
        ("playbooks/starrocks.yml again", whole),
    ):
        where = f"lab 4.1, finished migration of {tables:,} tables, {name}"
        cpu = f" ({one.played.cpu_seconds:.1f} s CPU)"
        yield Figure("P8", f"{where}{cpu}", one.played.seconds, "s", must_be=AGAIN_SECONDS, seed=seed)
        yield Figure("P8", f"{where}: mutating calls that the lab received", one.calls, "calls", must_be=0, seed=seed)
        yield Figure("P8", f"{where}: changed tasks", one.played.changed, "changed", must_be=0, seed=seed)


def predictions(found: t.Sequence[Predicted], seed: int) -> t.Iterator[Figure]:
    """P9."""
    if not found:
        return
    counted = collections.Counter(one.profile.partition(",")[0] for one in found)
    count = sum(max(len(one.told), len(one.sent)) for one in found)
    refused = sum(1 for one in found if one.sent_code)
    modules = ", ".join(f"{name} {number}" for name, number in sorted(counted.items()))
    about = f"lab, {len(found)} random states ({modules}), {count} calls, {refused} states refused (same refusal)"
    shared: dict[str, t.Any] = {"unit": "%", "runs": len(found), "seed": seed, "at_least": True, "must_be": PREDICTED}
    yield Figure(
        "P9",
        f"{about}: calls predicted with the same arguments",
        100 * sum(one.right for one in found) / max(1, count),
        **shared,
    )
    yield Figure(
        "P9", f"{about}: states predicted in full", 100 * sum(one.same for one in found) / len(found), **shared
    )
    yield Figure(
        "P9", f"{about}: states in the same order", 100 * sum(one.same_order for one in found) / len(found), **shared
    )


def _spread(values: t.Sequence[float], **facts: t.Any) -> Figure:
    """Median, p95 and maximum."""
    told: dict[str, t.Any] = {**spread(values), **facts}
    return Figure(runs=len(values), **told)
