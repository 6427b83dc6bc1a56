# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long clients were refused, and what was forecast: from the lab's ledger and a module's result. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

Spans = t.Sequence[t.Tuple[float, float]]


def spans(account: t.Mapping[str, t.Any], since: float = 0.0) -> list[tuple[float, float]]:
    """The windows of one partition's account that begin at or after a lab time."""
    return [(float(start), float(end)) for start, end in account["refused_windows"] if start >= since]


def refused(ledger: t.Mapping[str, t.Any], since: float = 0.0) -> float:
    """Lab seconds for which the worst partition of a table was not served in full.

    From its first refusal to the end of its last one: the last of its clients writes again, not only the first.
    """
    return max((_whole(spans(account, since)) for account in ledger["per_partition"].values()), default=0.0)


def longest(ledger: t.Mapping[str, t.Any], since: float = 0.0) -> float:
    """Lab seconds of the longest single window of any partition of a table, in which nobody could write to it."""
    found = (end - start for account in ledger["per_partition"].values() for start, end in spans(account, since))
    return max(found, default=0.0)


def _whole(windows: Spans) -> float:
    return max(end for _start, end in windows) - min(start for start, _end in windows) if windows else 0.0


@dataclasses.dataclass(frozen=True)
class Moved:
    """One table that was cut over. Lab seconds.

    `drain`: from the fence proved on every primary to everything confirmed on the target. `forecast`: as the module
    told it before the fence. `missing`: acknowledged writes that the target lacked when the module had ended.
    """

    table: str
    refused: float
    drain: float
    forecast: t.Mapping[str, t.Any]
    missing: int

    @property
    def overhead(self) -> float:
        """What the window has beside the drain."""
        return self.refused - self.drain

    @property
    def error(self) -> float:
        """How far the forecast (median) was off, as a share of what clients saw."""
        return abs(float(self.forecast["window_p50"]) - self.refused) / self.refused

    @property
    def within_p95(self) -> bool:
        """Whether the window was not longer than the forecast's p95."""
        return self.refused <= float(self.forecast["window_p95"])


def moved(told: t.Mapping[str, t.Any], ledger: t.Mapping[str, t.Any], since: float) -> Moved:
    """Of one entry of a cutover's `tables`, and the table's ledger."""
    window = told["window"]
    return Moved(
        table=str(told["name"]),
        refused=refused(ledger, since),
        drain=float(window["drained"]) - float(window["all_denied"]),
        forecast=told["forecast"],
        missing=int(ledger["missing"]),
    )
