# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a switch was legal, by the journal of its cutover alone.

The order that makes it so is that of ``cutover_run``: guard armed, freeze proved on every frontend, the source at rest
by all four conditions, the sync tool ended, replications drained, every partition equal and the source as it was at
rest, handed over, and committed before the guard's deadline with the source still the same.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core import legality_trail as tr
from ansible_collections.dbops.migration.plugins.module_utils._core.legality import NO, UNKNOWN
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

# The form of the journal, as the cutover writes it. Its modules are not loaded for it: reading one needs no client.
STARTED_KIND = "cutover.started"
HANDED_OVER_KIND = "cutover.handed_over"
COMMITTED_KIND = "cutover.committed"
LIFTED_KIND = "freeze.lifted"
FOUND_KIND = "freeze.found"
EQUAL_KIND = "partitions_equal"
CONDITIONS = ("loads_refused", "no_transaction", "partitions_unchanged", "no_job")
KEY = "disable_load_job"
ON = "true"
_LEAST_LOOKS = 2


def judge(entries: t.Iterable[tr.EntryLike]) -> t.List[le.CutoverJudgement]:
    """One judgement for each cutover that was committed, or handed over and not ended."""
    trail = tr.Trail.of(entries)
    after = -1
    handed_over: t.Optional[tr.Step] = None
    found: t.List[le.CutoverJudgement] = []
    for step in trail.steps:
        if step.kind == HANDED_OVER_KIND:
            handed_over = step
        elif step.kind == COMMITTED_KIND:
            found.append(_Cutover(trail, after, step).judged())
            after, handed_over = step.seq, None
        elif step.kind == LIFTED_KIND:
            after, handed_over = step.seq, None
    if handed_over is not None:
        found.append(_Cutover(trail, after, None).judged())
    return found


class _Cutover:
    """The last try behind place ``after``; ``committed`` is its end, None when there is none yet."""

    def __init__(self, trail: tr.Trail, after: int, committed: t.Optional[tr.Step]) -> None:
        until = committed.seq if committed is not None else len(trail.steps)
        self._whole = trail
        self._committed = committed
        own = trail.part(after, until)
        self._started = _last(own.of_kind(STARTED_KIND))
        if self._started is not None:
            own = trail.part(self._started.seq, until)
        self._own = own
        self._handed_over = _last(own.of_kind(HANDED_OVER_KIND))
        # A frontend that was restarted under the operator's switch is frozen once more before the commit.
        proving = own if self._handed_over is None else own.part(-1, self._handed_over.seq)
        self._proving = proving
        self._guard = _last(own.proofs(tr.GUARD))
        self._freezes = own.changes("freeze", lambda resource: "/freeze/" in resource)
        self._frozen = _last(proving.proofs("freeze"))
        self._quiet = _last(proving.proofs("quiescence"))
        self._tool = _last(proving.proofs("tool_ended"))
        self._drained = _last(proving.proofs("replications_drained"))
        self._compared = _last(proving.proofs("cutover"))
        self._source = v.word((self._started or self._handed_over or committed or _NOTHING).data.get("source"))

    def judged(self) -> le.CutoverJudgement:
        # Where somebody else had refused loads already, nothing was sent.
        first = self._freezes[0].intent if self._freezes else self._frozen
        target = v.word((self._committed or self._handed_over or _NOTHING).data.get("target"))
        # One that is not committed yet is told by that alone.
        end = [("the commit", self._committed)] if self._committed is not None else []
        checks = [
            tr.guarded(self._source, self._guard, first),
            self._is_frozen(),
            self._held(first),
            self._at_rest(),
            self._tool_ended(),
            self._is_drained(),
            self._is_equal(),
            tr.ordered(
                "order",
                [
                    ("the freeze", self._frozen),
                    ("the proof of rest", self._quiet),
                    ("the end of the sync tool", self._tool),
                    ("the drain of replications", self._drained),
                    ("the final comparison", self._compared),
                    ("the hand-over", self._handed_over),
                    *end,
                ],
            ),
            tr.in_time(
                [("the hand-over", self._handed_over), *end],
                tr.deadline_of(self._guard, self._source),
            ),
            self._is_switched(),
        ]
        at = v.word(self._committed.data.get("at")) if self._committed is not None else ""
        return le.CutoverJudgement(f"{self._source or 'source'} to {target or 'target'}", at, tuple(checks))

    def _is_frozen(self) -> le.Check:
        items = tr.items(self._frozen)
        told = {v.word(item.get("subject")): item.get(KEY) for item in items}
        found = _last(self._own.of_kind(FOUND_KIND))
        frontends = {str(name) for name in v.mapping((found or _NOTHING).data.get("frontends"))}
        problems: t.List[tr.Problem] = []
        if not told:
            problems.append((UNKNOWN, "no proof that every frontend refused loads"))
        if not frontends:
            problems.append((UNKNOWN, "the journal does not tell which frontends there are"))
        problems += [
            (UNKNOWN, f"frontend {name} was not seen to refuse loads") for name in sorted(frontends - set(told))
        ]
        problems += [
            (NO, f"frontend {name} had {KEY} {v.word(value) or 'unknown'}")
            for name, value in sorted(told.items())
            if value != ON
        ]
        if any(not one.done for one in self._freezes) and not problems:
            # The proof is of a later look; a request whose reply was lost may have worked.
            return le.proved("frozen", (), f"all {len(told)} frontends were seen to refuse loads, some told twice")
        return le.proved("frozen", problems, f"all {len(told)} frontends were seen to refuse loads")

    def _held(self, first: t.Optional[tr.Step]) -> le.Check:
        """That nothing let loads through between the freeze and the commit."""
        problems: t.List[tr.Problem] = [
            (NO, "the freeze was lifted before the switch was committed")
            for one in self._own.changes("restore", lambda resource: "/freeze/" in resource)
            if not one.undone
        ]
        until = self._committed.at if self._committed is not None else None
        problems += tr.lifted_by_guard(self._whole, first, until, self._source)
        again = self._proving.changes("freeze_again", lambda resource: "/freeze/" in resource)
        if again and (self._quiet is None or self._quiet.seq < again[-1].intent.seq):
            problems.append((NO, "a frontend had lost its switch, and the source was not proved at rest after that"))
        return le.proved("held", problems, "nothing in the journal lifts the freeze before the commit")

    def _at_rest(self) -> le.Check:
        told = {v.word(item.get("subject")): item for item in tr.items(self._quiet)}
        problems: t.List[tr.Problem] = [
            (UNKNOWN, f"the condition {name} was not proved") for name in CONDITIONS if name not in told
        ]
        problems += [
            (NO, f"the condition {name} was not met") for name, item in told.items() if item.get("met") is not True
        ]
        return le.proved("at_rest", problems, "no load, transaction or job was under way, and no partition changed")

    def _tool_ended(self) -> le.Check:
        items = tr.items(self._tool)
        problems: t.List[tr.Problem] = [] if items else [(UNKNOWN, "no proof that the sync tool had ended")]
        for item in items:
            state = v.word(item.get("state"))
            if state == "running":
                problems.append((NO, "the sync tool was still running"))
            elif state != "stopped":
                problems.append((UNKNOWN, f"the sync tool was {state or 'not looked at'}"))
        return le.proved("tool_ended", problems, "no process of the sync tool was left")

    def _is_drained(self) -> le.Check:
        items = tr.items(self._drained)
        problems: t.List[tr.Problem] = [] if items else [(UNKNOWN, "no proof that replications had ended")]
        for item in items:
            running = v.number(item.get("running"))
            if running is None:
                problems.append((UNKNOWN, "how many replications ran is not readable"))
            elif running:
                problems.append((NO, f"{running:.0f} replications were still running inside the target"))
        return le.proved("drained", problems, "no replication was running inside the target any more")

    def _is_equal(self) -> le.Check:
        # The versions of one comparison, in portions, stand right before what sums it up.
        listed = 0
        for proof in self._proving.proofs(EQUAL_KIND):
            if self._drained is None or proof.seq > self._drained.seq:
                listed += sum(len(v.mapping(item.get("versions"))) for item in tr.items(proof))
        summed = next(iter(tr.items(self._compared)), {})
        partitions, looks = v.number(summed.get("partitions")), v.number(summed.get("looks"))
        problems: t.List[tr.Problem] = []
        if partitions is None or looks is None:
            problems.append((UNKNOWN, "no proof that every partition was equal"))
        else:
            if looks < _LEAST_LOOKS:
                problems.append((NO, f"the final comparison was made {looks:.0f} times, not {_LEAST_LOOKS}"))
            if listed != partitions:
                problems.append((UNKNOWN, f"{listed:,} of {partitions:,.0f} partitions have their versions told"))
        problems += self._digests(summed)
        return le.proved("equal", problems, f"all {listed:,} partitions had the same versions on both clusters")

    def _digests(self, summed: t.Mapping[str, t.Any]) -> t.Iterator[tr.Problem]:
        """The source's state at the final comparison, at the hand-over and at the commit: one and the same."""
        proved = v.word(summed.get("source_digest"))
        if not proved:
            yield UNKNOWN, "the source's digest at the final comparison is not told"
            return
        for words, step in (("hand-over", self._handed_over), ("commit", self._committed)):
            if step is None:
                continue
            digest = v.word(step.data.get("source_digest"))
            if not digest:
                yield UNKNOWN, f"the source's digest at the {words} is not told"
            elif digest != proved:
                yield NO, f"the source had changed between the final comparison and the {words}"

    def _is_switched(self) -> le.Check:
        problems: t.List[tr.Problem] = []
        if self._committed is None:
            problems.append((UNKNOWN, "it was handed over, and neither committed nor lifted"))
        elif self._committed.data.get("guarded") is not True:
            problems.append((UNKNOWN, "no guard is known to have held the freeze until the commit"))
        told = [step for step in (self._started, self._handed_over, self._committed) if step is not None]
        if len({(v.word(step.data.get("source")), v.word(step.data.get("target"))) for step in told}) > 1:
            problems.append((NO, "freeze, hand-over and commit are of different clusters"))
        return le.proved("switched", problems, "by the operator, while the guard held the freeze")


_NOTHING = tr.Step(-1, None, "", "", {})
_T = t.TypeVar("_T")


def _last(found: t.Sequence[_T]) -> t.Optional[_T]:
    return found[-1] if found else None
