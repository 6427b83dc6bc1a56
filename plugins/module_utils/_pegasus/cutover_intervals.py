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
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, decide
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Beat
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import (
    Interval,
    Intervals,
    node_of,
    to_shorten,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call

_STEP = 0.5
_LOOK = 1.0
"""Seconds between two looks at what others do."""
_OTHERS_SECONDS = 600.0
_ROUNDS = 3


class IntervalKeeper:
    """Knows which intervals this call changes, or an earlier one that was killed has left changed."""

    def __init__(self, intervals: Intervals, clusters: Clusters, past: Past, wanted_ms: t.Optional[int]) -> None:
        self._intervals = intervals
        self._now = dict(clusters.intervals)
        self._cluster = clusters.source.cluster_name
        self._default = clusters.profile.config_sync_seconds
        self._shortened = False
        self._looked = float("-inf")
        left: t.List[Interval] = []
        self._left_since: t.Dict[str, t.Optional[float]] = {}
        for resource, changes in past.changes.items():
            node = node_of(self._cluster, resource)
            if node in self._now and changes.changes and decide(changes, self._now[node]).action == "restore":
                left.append(Interval(node, str(changes.original), str(changes.ours)))
                self._left_since[node] = changes.last_done
        self.left = tuple(left)
        planned = {} if wanted_ms is None else {one.node: one for one in to_shorten(self._now, wanted_ms)}
        # What an earlier run left short stays short until the end, and then its original goes back.
        self.planned = tuple(one for one in planned.values() if one.node not in self._left_since)
        # Just what we would set, but not by us: another cutover may have set it a moment ago.
        self._wanted = wanted_ms
        self._planned_before: t.Tuple[Interval, ...] = ()
        self._found_short = [node for node, value in self._now.items()
                             if value == str(wanted_ms) and node not in self._left_since]  # fmt: skip
        ours = {one.node: one.ours for one in self.all}
        self._in_force = {node: int(ours.get(node, value)) for node, value in self._now.items()}

    @property
    def all(self) -> t.Tuple[Interval, ...]:
        """Everything that is to be put back in the end."""
        return tuple(sorted(self.left + self.planned + self._planned_before, key=lambda one: one.node))

    def shorten_calls(self) -> t.List[Call]:
        """What is sent before the first fence."""
        return [self._intervals.call(one.node, one.original, one.ours, "shorten") for one in self.planned]

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
            raise self._raised()

    def _plan_again(self) -> bool:
        """Whether somebody has made intervals longer that were short; they are planned anew."""
        raised = self._longer()
        if not raised or self._wanted is None:
            return False
        again = {one.node: one for one in to_shorten(raised, self._wanted)}
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

    def require_short(self, clock: Clock) -> None:
        """That nobody has made an interval longer, on which the time to lift depends; looked at once a second.

        :raises MigrationError: ``pegasus.config_sync_raised``. A server that does not answer is no reason.
        """
        if not self._in_force or clock.monotonic() - self._looked < _LOOK:
            return
        self._looked = clock.monotonic()
        if self._longer():
            raise self._raised()

    def _longer(self) -> t.Dict[str, str]:
        """The servers whose interval is longer than what was to be in force. One that is silent is none."""
        if not self._in_force:
            return {}
        seen = self._intervals.seen(self._in_force)
        return {node: value for node, value in seen.items() if int(value) > self._in_force[node]}

    def _raised(self) -> MigrationError:
        raised = self._longer()
        shown = ", ".join(f"{node} ({int(value) / 1000:g} s)" for node, value in sorted(raised.items())[:3])
        return MigrationError(
            "pegasus.config_sync_raised",
            f"The config-sync interval was to stay short until the end of the cutover, and is long again on {shown}: "
            "somebody else set it, or a server was restarted. Lifting the fence would take longer than the budget "
            "allows for, so the cutover was given up. Let other cutovers of the cluster end, then run again.",
            details={"raised": raised},
        )

    def restore(
        self, record: CutoverRecord, clock: Clock, others: t.Callable[[], t.Collection[str]] = lambda: ()
    ) -> None:
        """Put back what is still ours, server by server; the first problem is raised after all were tried.

        ``others``: tables that somebody else has fenced. As long as there are any, their fences count on the short
        intervals, and nothing is put back.
        """
        ours = [one for one in self.all if record.past(self._intervals.resource(one.node)).changes]
        if ours:
            self._wait_for(others, record, clock)
        problem: t.Optional[Exception] = None
        for one in ours:
            try:
                self._restore(one, record)
            except Exception as error:  # pylint: disable=broad-except
                problem = problem or error
        if problem is not None:
            raise problem

    def _wait_for(self, others: t.Callable[[], t.Collection[str]], record: CutoverRecord, clock: Clock) -> None:
        since = iso(clock.now())
        deadline = Deadline(clock, _OTHERS_SECONDS, "the end of other cutovers")
        while True:
            fenced = sorted(others())
            if not fenced:
                return
            if deadline.expired:
                raise MigrationError(
                    "pegasus.intervals_left",
                    f"The config-sync intervals of {self._cluster} stay short, because {', '.join(fenced)} "
                    f"{'is' if len(fenced) == 1 else 'are'} still fenced by somebody else, whose fence may count on "
                    "them. End that cutover (or delete its deny env), then run this one again: it puts them back.",
                    details={"tables": fenced},
                )
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

    def _restore(self, one: Interval, record: CutoverRecord) -> None:
        resource = self._intervals.resource(one.node)
        past = record.past(resource)
        now = self._intervals.read([one.node])[one.node]
        decision = decide(past, now)
        if decision.action == "restore":
            record.send(self._intervals.call(one.node, now, str(past.original), RESTORE))
        record.closed(resource, past, now, decision)
