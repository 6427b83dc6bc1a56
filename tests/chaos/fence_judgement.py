# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a migration with a fence converged, told from the lab's side and from the journal file. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from chaos.judgement import Verdict

BEYOND = 5.0
"""Seconds for which a fence may be held beyond its budget (W8)."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What was found when a case was over. Seconds of the clock by which its budget counts.

    `wrong`: what is not as it has to be at the end of such a migration (entry, fence, jobs). `held`: the longest
    stretch in which writes were refused. `freed`: whether clients could write again with no further run, before
    budget and grace were over. `guards`: guards that are still there. The rest is as for every engine.
    """

    wrong: t.Sequence[str]
    held: float
    budget: float
    freed: bool
    writable: bool
    guards: int
    missing_writes: int
    settings_before: t.Mapping[str, t.Any]
    settings_after: t.Mapping[str, t.Any]
    extra_calls: t.Sequence[str]
    extra_changed: bool
    ended: bool
    journal: t.Sequence[str]


def judge(found: Evidence) -> Verdict:
    """Judge the end of a case."""
    wrong = list(found.wrong)
    if not found.ended:
        wrong.append("it did not end well in any of the runs")
    if not found.freed:
        wrong.append("writes stayed fenced")
    if not found.writable:
        wrong.append("clients cannot write at the end")
    if found.held > found.budget + BEYOND:
        wrong.append(f"writes were refused for {found.held:.1f} s, and the budget is {found.budget:g} s")
    if found.guards:
        wrong.append(f"{found.guards} guards are still there")
    if found.missing_writes:
        wrong.append(f"{found.missing_writes} acknowledged writes are lost")
    if found.extra_calls:
        wrong.append(f"the run after the end sent {len(found.extra_calls)} mutating calls: {found.extra_calls[0]}")
    if found.extra_changed:
        wrong.append("the run after the end says that it changed something")
    wrong += [f"journal: {problem}" for problem in found.journal]
    names = dict.fromkeys([*found.settings_before, *found.settings_after])
    settings = [
        f"{name} is {found.settings_after.get(name)!r} and was {found.settings_before.get(name)!r}"
        for name in names
        if found.settings_after.get(name) != found.settings_before.get(name)
    ]
    return Verdict(tuple(wrong), (), tuple(settings))
