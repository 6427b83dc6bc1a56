# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading the trail that one cutover left in a journal: changes with their outcomes, proofs, times. Never raises.

Entries may have been written by a later release, or be falsified: what does not have the expected shape is not there.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME
from ansible_collections.dbops.migration.plugins.module_utils._core.legality import NO, UNKNOWN, Check, proved
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

PROOF = "proof"
GUARD = "guard"
"""The kind of the proof that a guard watches over a fence that is about to be set."""
ARMED = "armed"

Problem = t.Tuple[str, str]


class EntryLike(t.Protocol):
    """What is read of a journal entry."""

    @property
    def at(self) -> str:
        """When it was written, ISO 8601."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def data(self) -> t.Any:
        """What it holds."""


@dataclasses.dataclass(frozen=True)
class Step:
    """An entry, its place in the journal and its time in seconds since the epoch (None: unreadable), and as written."""

    seq: int
    at: t.Optional[float]
    written: str
    kind: str
    data: t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Made:
    """A change: its intent, and its last outcome if there is one."""

    intent: Step
    outcome: t.Optional[Step]

    @property
    def done(self) -> bool:
        """Whether it was seen to have taken effect."""
        return self.outcome is not None and self.outcome.data.get("status") == "done"

    @property
    def undone(self) -> bool:
        """Whether it surely had no effect."""
        return self.outcome is not None and self.outcome.data.get("status") in ("failed", "skipped", "abandoned")


class Trail:
    """Steps of one cutover, oldest first, and the outcomes of their changes wherever they stand."""

    def __init__(self, steps: t.Sequence[Step], outcomes: t.Mapping[str, Step]) -> None:
        self.steps = steps
        self._outcomes = outcomes

    @classmethod
    def of(cls, entries: t.Iterable[EntryLike]) -> Trail:
        """The trail of a whole journal."""
        steps = [
            Step(seq, v.moment(entry.at), str(entry.at), str(entry.kind), v.mapping(entry.data))
            for seq, entry in enumerate(entries)
        ]
        outcomes = {v.word(step.data.get("id")): step for step in steps if step.kind == OUTCOME}
        return cls(steps, outcomes)

    def part(self, after: int, until: t.Optional[int] = None) -> Trail:
        """What stands behind place ``after`` and before place ``until``."""
        return self.of_steps([one for one in self.steps if after < one.seq and (until is None or one.seq < until)])

    def of_steps(self, steps: t.Sequence[Step]) -> Trail:
        """Some of the steps, with the outcomes of all."""
        return Trail(steps, self._outcomes)

    def changes(self, action: str, belongs: t.Callable[[str], bool]) -> t.List[Made]:
        """The changes of one action whose resource ``belongs``, oldest first."""
        return [
            Made(step, self._outcomes.get(v.word(step.data.get("id"))))
            for step in self.steps
            if step.kind == INTENT and step.data.get("action") == action and belongs(v.word(step.data.get("resource")))
        ]

    def proofs(self, kind: str) -> t.List[Step]:
        """The proofs of one kind, oldest first."""
        return [step for step in self.steps if step.kind == PROOF and step.data.get("kind") == kind]

    def of_kind(self, *kinds: str) -> t.List[Step]:
        """The steps of these kinds, oldest first."""
        return [step for step in self.steps if step.kind in kinds]


def items(proof: t.Optional[Step]) -> t.List[t.Mapping[str, t.Any]]:
    """What a proof rests on; nothing of one that did not pass."""
    if proof is None or proof.data.get("passed") is not True:
        return []
    return v.mappings(proof.data.get("items"))


def ordered(name: str, steps: t.Sequence[t.Tuple[str, t.Optional[Step]]]) -> Check:
    """That all of (words, step) are there, in this order by place and by time."""
    problems: t.List[Problem] = [
        (UNKNOWN, f"the journal does not tell of {words}") for words, step in steps if not step
    ]
    there = [(words, step) for words, step in steps if step is not None]
    for (words, before), (later, after) in zip(there, there[1:]):
        if after.seq < before.seq or (after.at is not None and before.at is not None and after.at < before.at):
            problems.append((NO, f"{later} came before {words}"))
        elif after.at is None or before.at is None:
            problems.append((UNKNOWN, f"when {words} or {later} was is not readable"))
    return proved(name, problems, ", then ".join(words for words, _step in steps))


def guarded(subject: str, proof: t.Optional[Step], fence: t.Optional[Step]) -> Check:
    """That a guard was armed for ``subject`` before the fence was set."""
    name = "guard"
    told = _of_subject(proof, subject)
    if told is None:
        return Check(name, UNKNOWN, "no proof that a guard was alive before the fence was set")
    if told.get("state") != ARMED or deadline_of(proof, subject) is None:
        return Check(name, NO, f"its guard was {v.word(told.get('state')) or 'in no known state'}, not armed")
    if fence is None or proof is None:
        return Check(name, UNKNOWN, "the journal does not tell of the fence")
    problems = [(NO, "the fence was set before its guard was armed")] if fence.seq < proof.seq else []
    return proved(name, problems, f"process {v.word(told.get('pid'))} was armed before the fence was set")


def deadline_of(proof: t.Optional[Step], subject: str) -> t.Optional[float]:
    """When the guard of ``subject`` lifts its fence, in seconds since the epoch; None when that is not told."""
    told = _of_subject(proof, subject)
    return None if told is None else v.moment(told.get("lifts_at"))


def _of_subject(proof: t.Optional[Step], subject: str) -> t.Optional[t.Mapping[str, t.Any]]:
    return next((item for item in items(proof) if item.get("subject") == subject), None)


def in_time(steps: t.Sequence[t.Tuple[str, t.Optional[Step]]], deadline: t.Optional[float]) -> Check:
    """That all of (words, step) were before the guard's deadline."""
    problems: t.List[Problem] = []
    if deadline is None:
        problems.append((UNKNOWN, "the journal does not tell the guard's deadline"))
    for words, step in steps:
        if step is None or step.at is None:
            problems.append((UNKNOWN, f"the journal does not tell when {words} was"))
        elif deadline is not None and step.at > deadline:
            problems.append((NO, f"{words} came {step.at - deadline:.1f} s after the guard's deadline"))
    last = max((step.at for _words, step in steps if step is not None and step.at is not None), default=0.0)
    return proved("in_time", problems, f"{(deadline or 0.0) - last:.1f} s before the guard's deadline")


def lifted_by_guard(trail: Trail, since: t.Optional[Step], until: t.Optional[float], about: str) -> t.List[Problem]:
    """What guards wrote of lifting between the fence and the switch, as later runs copied it from their record.

    ``about``: a word that their line has to hold, such as the name of a table.
    """
    if since is None or since.at is None:
        return []
    found: t.List[Problem] = []
    for step in trail.of_kind("cutover.guard"):
        at = v.moment(step.data.get("at"))
        named = about in [v.word(one) for one in (*v.sequence(step.data.get("tables")), step.data.get("cluster"))]
        lifts = named and step.data.get("event") in ("lifting", "lifted")
        if lifts and at is not None and since.at <= at and (until is None or at <= until):
            found.append((NO, f"the guard lifted the fence at {v.word(step.data.get('at'))}, before the switch"))
    return found
