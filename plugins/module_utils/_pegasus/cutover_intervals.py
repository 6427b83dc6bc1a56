# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The config-sync intervals over a whole call: shortened before the first fence, put back after the last."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    RESTORE,
    Recorded,
    decide,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_closing import prove as prove_closings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Beat
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import (
    STANDING,
    Interval,
    Intervals,
    node_of,
    standing,
    to_shorten,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.interval_watch import (
    IntervalWatch,
    raised_error,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call

INTERVALS_LEFT = "pegasus.cutover.intervals_left"
"""The id of the finding about intervals that could not be put back."""
_STEP = 0.5
_LOOK = 1.0
"""Seconds between two looks at what others do."""
_OTHERS_SECONDS = 600.0
_ROUNDS = 3
_TRIES = 3
"""So often a server, or the meta servers, are asked before an interval is left short: one answer may get lost."""


class IntervalKeeper:
    """Knows which intervals this call changes, or an earlier one that was killed has left changed."""

    def __init__(self, intervals: Intervals, clusters: Clusters, past: Past, wanted_ms: t.Optional[int]) -> None:
        self._intervals = intervals
        self._now = dict(clusters.intervals)
        self._cluster = clusters.source.cluster_name
        self._fenced = clusters.fenced
        self._default = clusters.profile.config_sync_seconds
        self._shortened = False
        left: t.List[Interval] = []
        self._left_since: t.Dict[str, t.Optional[float]] = {}
        self.knows_all_left = True
        """Whether no server is out of sight that an earlier run may have left with a short interval."""
        for resource, changes in past.changes.items():
            node = node_of(self._cluster, resource)
            # One that is silent may have it still: putting it back is tried, and tells when that fails.
            silent = node in clusters.nodes and node not in self._now
            short = node in self._now and decide(changes, self._now[node]).action == "restore"
            if changes.changes and node and node not in clusters.nodes:
                self.knows_all_left = False
            if changes.changes and (silent or short):
                left.append(_left(node, changes))
                self._left_since[node] = changes.last_done
        self.left = tuple(left)
        planned = {} if wanted_ms is None else {one.node: one for one in to_shorten(self._now, wanted_ms, self._fenced)}
        # What an earlier run left short stays short until the end, and then its original goes back.
        self.planned = tuple(one for one in planned.values() if one.node not in self._left_since)
        # Just what we would set, but not by us: another cutover may have set it a moment ago.
        self._wanted = wanted_ms
        self._planned_before: t.Tuple[Interval, ...] = ()
        self._found_short = [node for node, value in self._now.items()
                             if value == str(wanted_ms) and node not in self._left_since]  # fmt: skip
        ours = {one.node: one.ours for one in self.all}
        self._in_force = {node: int(ours.get(node, value)) for node, value in self._now.items()}
        self._watch = IntervalWatch(intervals, self._in_force)

    @property
    def all(self) -> t.Tuple[Interval, ...]:
        """Everything that is to be put back in the end."""
        return tuple(sorted(self.left + self.planned + self._planned_before, key=lambda one: one.node))

    def shorten_calls(self) -> t.List[Call]:
        """What is sent before the first fence."""
        return [self._intervals.shorten(one) for one in self.planned]

    def restore_calls(self) -> t.List[Call]:
        """What is sent after the last one."""
        return [self._intervals.call(one.node, one.ours, one.original, RESTORE) for one in self.all]

    def left_calls(self) -> t.List[Call]:
        """What is sent when nothing is fenced, because an earlier run left it behind."""
        return [self._intervals.call(one.node, one.ours, one.original, RESTORE) for one in self.left]

    def shorten(self, record: CutoverRecord, clock: Clock, beat: Beat) -> None:
        """Make every server's interval short, and wait until all timers have taken it.

        Another cutover of the cluster that ends meanwhile puts its intervals back; then it is done again.
        """
        for _round in range(_ROUNDS):
            if self._shortened and not self._plan_again():
                return
            self._shortened = True
            for call in self.shorten_calls():
                record.send(call)
            self._wait_until_short(record, clock, beat)
        if self._plan_again():
            raise raised_error(self._watch.longer())

    def _plan_again(self) -> bool:
        """Whether somebody has made intervals longer that were short; they are planned anew."""
        raised = self._watch.longer()
        if not raised or self._wanted is None:
            return False
        again = {one.node: one for one in to_shorten(raised, self._wanted, self._fenced)}
        self._planned_before += tuple(one for one in self.planned if one.node not in again)
        self.planned = tuple(again.values())
        self._found_short = []
        self.left = tuple(one for one in self.left if one.node not in again)
        return True

    def _wait_until_short(self, record: CutoverRecord, clock: Clock, beat: Beat) -> None:
        waits = self._waits(clock.now().timestamp())
        longest = max(waits.values(), default=0.0)
        if longest <= 0:
            return
        record.waiting(
            Wait(
                "pegasus.wait.config_sync",
                "every replica server to come to its next config sync, from which on the shorter interval counts",
                f"one old interval is over, in {longest:g} s; nothing is fenced yet",
                iso(clock.now()),
                sorted(waits),
                len(waits),
            )
        )
        end = clock.monotonic() + longest + _STEP
        while clock.monotonic() < end:
            beat()
            clock.sleep(min(_STEP, end - clock.monotonic()))

    def _waits(self, now: float) -> t.Dict[str, float]:
        """Seconds until the short interval surely counts, by server. A timer takes it after its next tick."""
        waits = {one.node: int(one.original) / 1000 for one in self.planned}
        waits.update(dict.fromkeys(self._found_short, self._default))
        for one in self.left:
            since = self._left_since[one.node]
            passed = 0.0 if since is None else max(0.0, now - since)
            waits[one.node] = max(0.0, int(one.original) / 1000 - passed)
        return {node: seconds for node, seconds in waits.items() if seconds > 0}

    def require_short(self, clock: Clock, at_a_glance: bool = False) -> None:
        """That nobody has made an interval longer; see :class:`IntervalWatch`."""
        self._watch.require_short(clock, at_a_glance)

    def restore(
        self, record: CutoverRecord, clock: Clock, others: t.Callable[[], t.Collection[str]] = lambda: ()
    ) -> t.List[Finding]:
        """Put back what is still ours, server by server. What stays short, and why, is returned and written down.

        As long as they are short, it is seen that the source refuses readers of what was committed; what does not is
        returned too.

        It is no error: how the cutover itself ended is what its caller has to tell, and the journal lets the next run
        put the rest back. ``others``: tables that somebody else has fenced. As long as there are any that were not
        before we made the intervals short, their fences count on these, and nothing is put back.
        """
        closings, record.closings = record.closings, []
        unproved = prove_closings(closings, record, clock, self._slowest())
        return unproved + self._put_back(record, clock, others)

    def _slowest(self) -> float:
        """Seconds of the longest config sync now; before it was shortened that is what was found."""
        found = self._in_force.values() if self._shortened else [int(value) for value in self._now.values()]
        return max(found) / 1000 if found else self._default

    def _put_back(
        self, record: CutoverRecord, clock: Clock, others: t.Callable[[], t.Collection[str]]
    ) -> t.List[Finding]:
        ours = [one for one in self.all if record.past(self._intervals.resource(one.node)).changes]
        left: t.Optional[Finding] = None
        for tried in range(_TRIES if ours else 0):
            if tried:
                clock.sleep(_LOOK)
            try:
                fenced = self._wait_for(others, record, clock)
                if fenced:
                    left = self._still_counted_on(fenced)
                    break
                problems = self._restore_each(ours, record)
            except MigrationError as error:
                left = self._nobody_knows(error)
                continue
            ours = [one for one in ours if one.node in problems]
            left = self._out_of_reach(problems) if problems else None
            if left is None:
                break
        if left is None:
            return []
        record.append("note", {"text": left.remedy})
        return [left]

    def _wait_for(self, others: t.Callable[[], t.Collection[str]], record: CutoverRecord, clock: Clock) -> t.List[str]:
        """Until nobody counts on the intervals any more; who still does when the time is up."""
        since = iso(clock.now())
        deadline = Deadline(clock, _OTHERS_SECONDS, "the end of other cutovers")
        before = standing(self.all)
        while True:
            fenced = sorted(set(others()) - before)
            if not fenced or deadline.expired:
                return fenced
            record.waiting(
                Wait(
                    "pegasus.wait.other_cutovers",
                    f"other cutovers of {self._cluster} to end, before the config-sync intervals are put back",
                    "no other table is fenced any more",
                    since,
                    fenced,
                    len(fenced),
                )
            )
            deadline.sleep(_LOOK)

    def _restore_each(self, ours: t.Iterable[Interval], record: CutoverRecord) -> t.Dict[str, str]:
        """Why it could not be done, by server."""
        problems: t.Dict[str, str] = {}
        for one in ours:
            try:
                self._restore(one, record)
            except MigrationError as error:
                problems[one.node] = error.message
        return problems

    def _restore(self, one: Interval, record: CutoverRecord) -> None:
        resource = self._intervals.resource(one.node)
        past = record.past(resource)
        now = self._intervals.now(one.node)
        decision = decide(past, now)
        if decision.action == "restore":
            record.send(self._intervals.call(one.node, now, str(past.original), RESTORE))
        record.closed(resource, past, now, decision)

    def _still_counted_on(self, fenced: t.Sequence[str]) -> Finding:
        names = ", ".join(fenced)
        return self._finding(
            {"tables": list(fenced)},
            f"The config-sync intervals of {self._cluster} stay short, because {names} "
            f"{'is' if len(fenced) == 1 else 'are'} still fenced by somebody else, whose fence may count on them. End "
            "that cutover (or delete its deny env), then run this one again with its journal: it puts them back.",
        )

    def _out_of_reach(self, problems: t.Mapping[str, str]) -> Finding:
        names = ", ".join(sorted(problems))
        return self._finding(
            {"servers": dict(problems)},
            f"The config-sync interval of {names} could not be put back. It stays short until the server is restarted, "
            "or until this cutover (or the restore) is run again with its journal when the server answers.",
        )

    def _nobody_knows(self, error: MigrationError) -> Finding:
        return self._finding(
            {"problem": error.message},
            f"The config-sync intervals of {self._cluster} stay short, because nobody could tell whether another "
            "cutover counts on them. Run this one again with its journal when the meta servers answer: it puts them "
            "back.",
        )

    def _finding(self, evidence: t.Mapping[str, t.Any], remedy: str) -> Finding:
        return Finding(INTERVALS_LEFT, "warning", self._cluster, dict(evidence), remedy)


def _left(node: str, changes: Recorded) -> Interval:
    """What an earlier run has left, as the journal has it."""
    fenced = changes.contexts[0].get(STANDING, ()) if changes.contexts else ()
    return Interval(node, str(changes.original), str(changes.ours), frozenset(str(name) for name in fenced))


def all_put_back(left: t.Iterable[Finding]) -> bool:
    """Whether no interval is among what :meth:`IntervalKeeper.restore` could not bring to its end."""
    return all(finding.id != INTERVALS_LEFT for finding in left)
