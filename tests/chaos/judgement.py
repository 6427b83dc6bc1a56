# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a case converged, told from the lab's side and from the journal file. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from bench.moves import Move


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What was found when a case was over.

    `switches`: region id -> how often its leader changed. `extra_calls`: mutating requests of the run after the end.
    `settings_before` and `settings_after`: everything on the cluster that a migration may switch.
    """

    leaders: t.Mapping[int, int | None]
    states: t.Mapping[int, str]
    switches: t.Mapping[int, int]
    missing_writes: int
    settings_before: t.Mapping[str, t.Any]
    settings_after: t.Mapping[str, t.Any]
    extra_calls: t.Sequence[str]
    extra_changed: bool
    ended: bool
    journal: t.Sequence[str]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is wrong with a case, sorted by the figure that it counts for. Empty lists: converged."""

    not_converged: tuple[str, ...]
    double: tuple[str, ...]
    settings: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong."""
        return [*self.not_converged, *self.double, *self.settings]


def judge(moves: t.Sequence[Move], found: Evidence) -> Verdict:
    """Judge the end of a case in which exactly these moves were wanted."""
    wrong: list[str] = []
    double: list[str] = []
    if not found.ended:
        wrong.append("it did not end well in any of the runs")
    for move in moves:
        region, target = move["region_id"], move["to_peer"]
        if found.leaders.get(region) != target:
            wrong.append(f"region {region} is led by {found.leaders.get(region)} and not by {target}")
        if found.states.get(region):
            wrong.append(f"region {region} is left {found.states[region]}")
        count = found.switches.get(region, 0)
        if count > 1:
            double.append(f"region {region} changed its leader {count} times")
    wanted = {move["region_id"] for move in moves}
    double += [
        f"region {region}, which nobody wanted to move, changed its leader"
        for region, count in found.switches.items()
        if count and region not in wanted
    ]
    if found.missing_writes:
        wrong.append(f"{found.missing_writes} acknowledged writes are lost")
    if found.extra_calls:
        wrong.append(f"the run after the end sent {len(found.extra_calls)} mutating calls: {found.extra_calls[0]}")
    if found.extra_changed:
        wrong.append("the run after the end says that it changed something")
    wrong += [f"journal: {problem}" for problem in found.journal]
    settings = [
        f"{name} is {found.settings_after.get(name)!r} and was {value!r}"
        for name, value in found.settings_before.items()
        if found.settings_after.get(name) != value
    ]
    return Verdict(tuple(wrong), tuple(double), tuple(settings))
