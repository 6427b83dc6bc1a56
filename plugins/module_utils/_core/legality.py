# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a switch was legal, concluded from a journal alone: the records of such a judgement, and how they add up.

What has to be proved is each engine's to know (its module ``legality``). Evidence that is missing is ``unknown`` and
never ``yes``. Nothing here asks a cluster: what the journal says of it at the time is all there is.
"""

from __future__ import annotations

import dataclasses
import typing as t

YES = "yes"
NO = "no"
UNKNOWN = "unknown"
NONE = "none"
"""Nothing was switched, so there is nothing to judge."""

_WORST_FIRST = (NO, UNKNOWN, YES)
_MOST_REASONS = 20
_MOST_DETAILED = 100
"""Switches that a result shows with their checks, those that are not legal first: there may be thousands."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that a switch rests on. ``holds`` is yes, no or unknown; ``reason`` says from what it is concluded."""

    name: str
    holds: str
    reason: str

    def as_result(self) -> t.Dict[str, str]:
        """The check as plain data."""
        return {"name": self.name, "holds": self.holds, "reason": self.reason}


@dataclasses.dataclass(frozen=True)
class CutoverJudgement:
    """The judgement of one switch. ``at``: when it was committed (ISO), "" when the journal does not say so."""

    subject: str
    at: str
    checks: t.Tuple[Check, ...]

    @property
    def legal(self) -> str:
        """The worst of its checks; unknown without any."""
        return worst(check.holds for check in self.checks)

    @property
    def reasons(self) -> t.List[str]:
        """What stands against it, in words."""
        return [f"{self.subject}: {check.reason}" for check in self.checks if check.holds != YES]

    def as_result(self, detailed: bool = True) -> t.Dict[str, t.Any]:
        """The judgement as plain data; its checks only when it is ``detailed``."""
        told: t.Dict[str, t.Any] = {"subject": self.subject, "at": self.at, "legal": self.legal}
        return {**told, "checks": [check.as_result() for check in self.checks]} if detailed else told


@dataclasses.dataclass(frozen=True)
class SwitchJudgement:
    """The judgement of all switches of a journal. ``legal`` is yes, no, unknown or none."""

    legal: str
    reasons: t.Tuple[str, ...]
    cutovers: t.Tuple[CutoverJudgement, ...]

    def as_result(self) -> t.Dict[str, t.Any]:
        """The judgement as plain data."""
        ranked = sorted(range(len(self.cutovers)), key=lambda one: _WORST_FIRST.index(self.cutovers[one].legal))
        detailed = set(ranked[:_MOST_DETAILED])
        return {
            "legal": self.legal,
            "reasons": list(self.reasons),
            "cutovers": [one.as_result(number in detailed) for number, one in enumerate(self.cutovers)],
        }


def worst(answers: t.Iterable[str]) -> str:
    """``no`` before ``unknown`` before ``yes``; nothing at all is unknown."""
    found = set(answers)
    return next((answer for answer in _WORST_FIRST if answer in found), UNKNOWN)


def judged(cutovers: t.Sequence[CutoverJudgement], damage: str = "", cut: str = "") -> SwitchJudgement:
    """Add the judgements up. ``damage``: what is wrong with the journal; then nothing in it proves anything.

    ``cut``: why entries may be missing at its end; then what is there holds, but not that nothing was switched.
    """
    bad = [one for one in cutovers if one.legal == NO] + [one for one in cutovers if one.legal == UNKNOWN]
    reasons = [reason for one in bad for reason in one.reasons]
    if len(reasons) > _MOST_REASONS:
        more = len(reasons) - _MOST_REASONS
        reasons = [*reasons[:_MOST_REASONS], f"{more} more; see cutovers"]
    legal = worst(one.legal for one in cutovers) if cutovers else NONE
    if damage:
        return SwitchJudgement(NO if legal == NO else UNKNOWN, (damage, *reasons), tuple(cutovers))
    if not cutovers:
        return SwitchJudgement(UNKNOWN, (cut,), ()) if cut else SwitchJudgement(NONE, ("Nothing was switched.",), ())
    return SwitchJudgement(legal, (*reasons, cut) if cut else tuple(reasons), tuple(cutovers))


def proved(name: str, problems: t.Sequence[t.Tuple[str, str]], reason: str) -> Check:
    """A check from its problems, (``no`` or ``unknown``, in words); ``reason`` is for when there is none."""
    if not problems:
        return Check(name, YES, reason)
    answer = worst(holds for holds, _words in problems)
    first = [words for holds, words in problems if holds == answer]
    more = f" (and {len(first) - 1:,} more)" if len(first) > 1 else ""
    return Check(name, answer, first[0] + more)
