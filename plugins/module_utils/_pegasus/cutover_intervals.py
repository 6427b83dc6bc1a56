# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The config-sync intervals over a whole call: shortened before the first fence, put back after the last."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
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
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore import RESTORE, decide
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call

_STEP = 0.5


class IntervalKeeper:
    """Knows which intervals this call changes, or an earlier one that was killed has left changed."""

    def __init__(self, intervals: Intervals, clusters: Clusters, past: Past, wanted_ms: t.Optional[int]) -> None:
        self._intervals = intervals
        self._now = dict(clusters.intervals)
        self._shortened = False
        self._settle = 0.0
        cluster = clusters.source.cluster_name
        left: t.List[Interval] = []
        for resource, changes in past.changes.items():
            node = node_of(cluster, resource)
            if node in self._now and changes.changes and decide(changes, self._now[node]).action == "restore":
                left.append(Interval(node, str(changes.original), str(changes.ours)))
        self.left = tuple(left)
        planned = {} if wanted_ms is None else {one.node: one for one in to_shorten(self._now, wanted_ms)}
        # What an earlier run left short stays short until the end, and then its original goes back.
        self.planned = tuple(one for one in planned.values() if one.node not in {old.node for old in left})

    @property
    def all(self) -> t.Tuple[Interval, ...]:
        """Everything that is to be put back in the end."""
        return tuple(sorted(self.left + self.planned, key=lambda one: one.node))

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
        """Shorten once, and wait until every server's timer has taken the new interval."""
        if self._shortened:
            return
        self._shortened = True
        for call in self.shorten_calls():
            record.send(call)
        if not self.planned:
            return
        longest = max(int(one.original) for one in self.planned) / 1000
        record.waiting(
            Wait(
                "pegasus.wait.config_sync",
                "every replica server to come to its next config sync, from which on the shorter interval counts",
                f"one old interval of {longest:g} s is over; nothing is fenced yet",
                iso(clock.now()),
                [one.node for one in self.planned],
                len(self.planned),
            )
        )
        end = clock.monotonic() + longest + _STEP
        while clock.monotonic() < end:
            beat()
            clock.sleep(min(_STEP, end - clock.monotonic()))

    def restore(self, record: CutoverRecord) -> None:
        """Put back what is still ours, server by server; the first problem is raised after all were tried."""
        problem: t.Optional[Exception] = None
        for one in self.all:
            try:
                self._restore(one, record)
            except Exception as error:  # pylint: disable=broad-except
                problem = problem or error
        if problem is not None:
            raise problem

    def _restore(self, one: Interval, record: CutoverRecord) -> None:
        resource = self._intervals.resource(one.node)
        past = record.past(resource)
        if not past.changes:
            return
        now = self._intervals.read([one.node])[one.node]
        decision = decide(past, now)
        if decision.action == "restore":
            record.send(self._intervals.call(one.node, now, str(past.original), RESTORE))
        record.closed(resource, past, now, decision)
