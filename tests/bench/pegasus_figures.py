# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was measured of Pegasus to figures with their bars. Pure."""

from __future__ import annotations

import collections
import statistics
import typing as t

from bench import pegasus_deaths
from bench.figures import Figure, percentile, spread
from bench.pegasus_cutovers import Flow
from bench.pegasus_deaths import Held
from bench.pegasus_liars import DEFECTS, Asked
from bench.pegasus_windows import Moved

BESIDE_DRAIN = 8.0
BEYOND = 5.0
RIGHT_REASON = 99.0
FORECAST = 20.0
SHORTER = 10.0
"""How many times shorter than the reference's a window shall be one day; a goal, and no bar yet."""
REFERENCE_WAITS = 20.0
"""The reference waits for 40 s behind its block, which reaches the servers over 30 s: its worst partition is never
refused for less than this, or it is not the reference any more."""


def _lab(profile: str, factor: float) -> str:
    own = f" (our own processing counts {factor:g} times)" if factor != 1 else " (real time)"
    return f"lab {profile}, 8 partitions, clock x{factor:g}{own}"


def _spread(values: t.Sequence[float], **facts: t.Any) -> Figure:
    """Median, p95 and maximum."""
    told: dict[str, t.Any] = {**spread(values), **facts}
    return Figure(runs=len(values), **told)


def fast(ours: t.Sequence[Moved], theirs: t.Sequence[Flow], factor: float, seed: int) -> t.Iterator[Figure]:
    """W1, from 2.6 on; ``theirs``: what the reference flow did at an empty backlog, in labs of 2.5 of the same run."""
    if not ours:
        return
    where = _lab("2.6", factor)
    windows = [one.refused for one in theirs if one.switched]
    yield _spread(
        [one.overhead for one in ours],
        id="W1",
        case=f"{where}: refused window of the worst partition, first refusal to the last client's, without the drain",
        unit="s",
        must_be=BESIDE_DRAIN,
        judged="p95",
        seed=seed,
    )
    yield _spread(
        [one.refused for one in ours],
        id="W1",
        case=f"{where}: refused window as clients saw it",
        unit="s",
        reference=statistics.median(windows) if windows else None,
        seed=seed,
    )
    if windows:
        flow = f"reference flow, {_lab('2.5', factor)} (it cannot run on 2.6)"
        yield _spread(
            windows,
            id="W1",
            case=f"{flow}: refused window as clients saw it, at an empty backlog",
            unit="s",
            must_be=REFERENCE_WAITS,
            at_least=True,
            seed=seed,
        )
        yield Figure(
            id="W1",
            case=f"{where}: how many times shorter than the reference's the refused window is, p95 to p95 (the goal is "
            f"{SHORTER:g})",
            value=percentile(windows, 0.95) / percentile([one.refused for one in ours], 0.95),
            unit="times",
            at_least=True,
            runs=len(ours),
            seed=seed,
        )
    yield _spread(
        [one.drain for one in ours],
        id="W1",
        case=f"{where}: its drain (the duplication sync, every 10 s, confirms)",
        unit="s",
        seed=seed,
    )
    yield _lost("W1", where, ours, seed)
    yield from _forecast("W1", where, ours, seed)


def strict(ours: t.Sequence[Moved], theirs: t.Sequence[Flow], factor: float, seed: int) -> t.Iterator[Figure]:
    """W2 with last_mutation strict, and what the reference flow did in the same labs."""
    where = f"{_lab('2.5', factor)}, last_mutation strict"
    flow = f"reference flow, {_lab('2.5', factor)}, same labs"
    if ours:
        lost = [one.missing for one in theirs]
        yield _lost("W2", where, ours, seed, sum(lost) if lost else None)
        yield _spread(
            [one.refused for one in ours],
            id="W2",
            case=f"{where}: refused window as clients saw it (the empty write comes 100 to 200 s after the fence)",
            unit="s",
            seed=seed,
        )
        yield from _forecast("W2", where, ours, seed, must_be=FORECAST)
    if theirs:
        finished = [one for one in theirs if one.switched]
        yield Figure(
            id="W2",
            case=f"{flow}: acknowledged writes missing on the target at the switch, all cutovers",
            value=sum(one.missing for one in theirs),
            unit="writes",
            max=max(one.missing for one in theirs),
            must_be=1,
            at_least=True,
            runs=len(theirs),
            seed=seed,
        )
        yield Figure(
            id="W2",
            case=f"{flow}: cutovers that it reported as successful and that lost writes",
            value=100 * sum(one.success and one.missing > 0 for one in theirs) / len(theirs),
            unit="%",
            must_be=1,
            at_least=True,
            runs=len(theirs),
            seed=seed,
        )
        if finished:
            yield _spread(
                [one.refused for one in finished],
                id="W1",
                case=f"{flow} (it cannot run on 2.6): refused window as clients saw it, at an empty backlog",
                unit="s",
                must_be=REFERENCE_WAITS,
                at_least=True,
                seed=seed,
            )


def accept(ours: t.Sequence[Moved], factor: float, seed: int) -> t.Iterator[Figure]:
    """W2 with last_mutation accept: the window and its forecast."""
    if not ours:
        return
    where = f"{_lab('2.5', factor)}, last_mutation accept"
    yield _spread(
        [one.refused for one in ours],
        id="W2",
        case=f"{where}: refused window as clients saw it",
        unit="s",
        seed=seed,
    )
    yield Figure(
        id="W2",
        case=f"{where}: acknowledged writes not on the target yet at the switch, as a share of the partitions (at most "
        "one mutation of each was accepted by name)",
        value=100 * sum(one.missing for one in ours) / (8 * len(ours)),
        unit="%",
        must_be=100,
        runs=len(ours),
        seed=seed,
    )
    yield from _forecast("W2", where, ours, seed)


def _lost(name: str, where: str, ours: t.Sequence[Moved], seed: int, reference: int | None = None) -> Figure:
    return Figure(
        id=name,
        case=f"{where}: acknowledged writes missing on the target after the switch, all cutovers",
        value=sum(one.missing for one in ours),
        unit="writes",
        must_be=0,
        reference=reference,
        runs=len(ours),
        seed=seed,
    )


def _forecast(
    name: str, where: str, ours: t.Sequence[Moved], seed: int, must_be: float | None = None
) -> t.Iterator[Figure]:
    yield _spread(
        [100 * one.error for one in ours],
        id=name,
        case=f"{where}: forecast (median) off from the window that clients saw",
        unit="%",
        must_be=must_be,
        seed=seed,
    )
    yield Figure(
        id=name,
        case=f"{where}: windows within the forecast's p95",
        value=100 * sum(one.within_p95 for one in ours) / len(ours),
        unit="%",
        runs=len(ours),
        seed=seed,
    )


def deaths(found: t.Sequence[Held], factor: float, seed: int) -> t.Iterator[Figure]:
    """W8."""
    if not found:
        return
    where = f"{_lab('2.6', factor)}; killed: {pegasus_deaths.by_victim(found)}"
    shared: dict[str, t.Any] = {"runs": len(found), "seed": seed}
    yield _spread(
        [one.beyond for one in found],
        id="W8",
        case=f"{where}: refused at a stretch beyond the budget, worst partition (after both, it is run again at once)",
        unit="s",
        must_be=BEYOND,
        judged="max",
        seed=seed,
    )
    yield Figure(
        id="W8",
        case="the same: tables that stayed fenced",
        value=sum(not one.freed for one in found),
        unit="tables",
        must_be=0,
        **shared,
    )
    yield Figure(
        id="W8",
        case="the same: acknowledged writes missing where the clients are",
        value=sum(one.missing for one in found),
        unit="writes",
        must_be=0,
        **shared,
    )


def lies(
    asked: t.Sequence[Asked], theirs: t.Mapping[str, t.Sequence[Flow]], factor: float, seed: int
) -> t.Iterator[Figure]:
    """S3."""
    told = [one for one in asked if one.reached]
    if told:
        kinds = collections.Counter(one.liar for one in told)
        where = f"lab 2.5 and 2.6, clock x{factor:g}, liars: {_counts(kinds)}"
        wrong = collections.Counter(one.liar for one in told if one.false_ready)
        shared: dict[str, t.Any] = {"runs": len(told), "seed": seed}
        yield Figure(
            id="S3",
            case=f"{where}: let through, or switched with writes missing{f' ({_counts(wrong)})' if wrong else ''}",
            value=sum(one.false_ready for one in told),
            unit="false ready",
            must_be=0,
            reference=sum(one.success and one.missing > 0 for flows in theirs.values() for one in flows) or None,
            **shared,
        )
        others = collections.Counter(f"{one.liar}: {one.reason}" for one in told if not one.right)
        yield Figure(
            id="S3",
            case=f"the same: refused for the right reason{f' (else {_counts(others)})' if others else ''}",
            value=100 * sum(one.right for one in told) / len(told),
            unit="%",
            at_least=True,
            must_be=RIGHT_REASON,
            **shared,
        )
        yield Figure(
            id="S3",
            case="the same: tables left fenced",
            value=sum(one.left_fenced for one in told),
            unit="tables",
            must_be=0,
            **shared,
        )
    for case, flows in theirs.items():
        what, shows = DEFECTS[case]
        yield Figure(
            id="S3",
            case=f"reference flow, lab 2.5, {case}: {what}; reported success {sum(one.success for one in flows)}, "
            f"acknowledged writes lost {sum(one.missing for one in flows)} of "
            f"{sum(one.acknowledged for one in flows)}, left with writes "
            f"refused for ever {sum(one.blocked for one in flows)}, median window "
            f"{statistics.median(one.refused for one in flows):.1f} s",
            value=sum(shows(one) for one in flows),
            unit=f"of {len(flows)}",
            must_be=1,
            at_least=True,
            runs=len(flows),
            seed=seed,
        )


def _counts(found: t.Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
