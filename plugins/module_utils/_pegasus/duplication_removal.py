# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether what is to be removed has arrived: looked at until it has, or once where a call does not wait.

A goal is what was written by the first look. Steps of a run hand it on in ``follow``. Calls that do not wait have no
``follow``, so they keep it in the journal; otherwise each would begin anew, and mostly never come to the removal.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Planned
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import TableRun
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watch import Call, Watch


class Removal:
    """The tables of one call whose duplication is to be removed once everything has arrived. ``now``: Unix seconds."""

    def __init__(
        self, call: Call, watch: Watch, planned: t.Sequence[Planned], pasts: t.Sequence[dp.Past], now: float
    ) -> None:
        self._call = call
        self._watch = watch
        self._runs: t.List[TableRun] = []
        self._known: t.Dict[str, t.Mapping[int, int]] = {}
        for run, one, past in zip(watch.runs, planned, pasts):
            if run.wanted.state == "absent" and one.steps and not call.options.discard:
                self._runs.append(run)
                self._aim(run, past, now)

    def _aim(self, run: TableRun, past: dp.Past, now: float) -> None:
        table = run.wanted.table
        kept = {} if self._call.options.wait else past.goal_of(run.followed, now)
        run.goal = run.goal or da.first_goal(run.app, da.positions_at_cutover(self._call.entries, table)) or kept
        self._known[table] = run.goal

    def arrived_by_now(self) -> bool:
        """One look, which leaves no trace. :raises MigrationError: it cannot arrive any more"""
        return not self._runs or self._watch.glance(self._call, self._runs, self._look)

    def arrive(self) -> bool:
        """Look until everything has arrived; False: the step is over before. :raises MigrationError: it cannot"""
        if not self._runs:
            return True
        arrived = self._watch.follow(self._call, self._runs, self._look)
        journal = self._call.journal
        if arrived:
            journal.arrived([one for run in self._runs if run.arrived for one in run.arrived.items(run.wanted.table)])
        elif not self._call.options.wait:
            for run in self._runs:
                self._keep(run)
        return arrived

    def _look(self, run: TableRun, now: float) -> None:
        run.look_arrived(self._call.clusters, now)

    def _keep(self, run: TableRun) -> None:
        """Write down what this call has found to wait for, unless it was known before."""
        wanted = run.wanted
        if run.goal != self._known[wanted.table]:
            resource = dp.resource(self._call.clusters.source.cluster, wanted.table, wanted.remote)
            self._call.journal.goal(resource, run.followed, run.goal)
