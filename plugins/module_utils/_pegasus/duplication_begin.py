# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Sending what was planned for the tables of one run: at once, or when it is a table's turn to be copied."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_turns as dt
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import (
    Planned,
    Seen,
    plan,
    removed_before,
    understood,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_send import WAS_THERE, Sender
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import TableRun
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watch import PASSING, Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Cause


class Beginning:
    """``result``: the module's, which holds what was sent so far, also by the steps before."""

    def __init__(self, call: Call, runs: t.Sequence[TableRun], result: t.Dict[str, t.Any], clock: Clock) -> None:
        self._call = call
        self._runs = runs
        self._result = result
        self._events: t.List[str] = result["events"]
        self._clock = clock
        self._sent = ChangeList(Change(**one) for one in result["changes"])

    def begin(self, planned: t.Sequence[Planned], pasts: t.Sequence[dp.Past]) -> None:
        """Send what is planned, but for the tables that have to wait for their turn."""
        held = dt.later(planned, self._call.control.at_once)
        for index, (run, one, past) in enumerate(zip(self._runs, planned, pasts)):
            run.deferred = index in held
            if not run.deferred:
                self._send(run, one, past)

    def look(self, run: TableRun, now: float) -> None:
        """Look once at a table, after the beginning of one whose turn it is."""
        if run.deferred:
            cause = self._held(run)
            if cause is not None:
                run.judged(ds.Standing(run.wanted.table, cause), now)
                return
            failure = self._begin_late(run)
            if failure is not None:
                run.judged(ds.Standing(run.wanted.table, failure=failure), now)
                return
        run.look(self._call.clusters, self._call.options, now)

    def _held(self, run: TableRun) -> t.Optional[Cause]:
        """Why a table may not be begun yet; None when it may."""
        table, stopped = run.wanted.table, self._call.control.stopped
        if stopped is not None:
            return Cause(stopped.reason, f"{stopped.waiting_for}, to add {table}", stopped.ends_when)
        limit = self._call.control.at_once
        copied = sum(1 for one in self._runs if not one.deferred and dt.being_copied(one.status_seen))
        # One that was passed over in this look has the first turn in the next.
        first = next(one for one in self._runs if one.deferred) is run
        return None if limit is None or (copied < limit and first) else dt.turn(table, limit, copied)

    def _begin_late(self, run: TableRun) -> t.Optional[MigrationError]:
        """Plan and send for a table whose turn has come; what was planned in the beginning may be long ago.

        What somebody else, or a request whose reply was lost, has added meanwhile is taken as it is then.
        """
        call = self._call
        name = dp.resource(call.clusters.source.cluster, run.wanted.table, run.wanted.remote)
        past = dp.read_past(call.journal.entries, [name])[name]
        try:
            seen = call.clusters.seen(run.wanted)
            planned = plan_table(call, run, seen, past)
        except MigrationError as error:
            if error.code in PASSING:
                raise
            return error
        run.begin(planned, seen.app, past)
        self._send(run, planned, past)
        run.deferred = False
        return None

    def _send(self, run: TableRun, one: Planned, past: dp.Past) -> None:
        clusters, options, journal = self._call.clusters, self._call.options, self._call.journal
        there = one.duplication
        taken = there is not None and one.owner == dp.OTHER and run.wanted.adopt and options.state == "present"
        if one.steps or past.unsettled or taken or (one.owner == dp.FOUND and there is not None):
            journal.begin()
        sender = Sender(clusters, journal.journal, self._clock, options.settle_time, past)
        if past.unsettled:
            sender.settle(run.wanted, clusters.duplications(run.wanted.table) if run.app is not None else ())
        if one.owner == dp.FOUND and one.duplication is not None:
            sender.adopt(run.wanted, one.duplication)
            self._events.append(f"{run.wanted.table}: duplication {one.duplication.dupid} of an earlier run found")
        if taken and there is not None:
            sender.take_over(dp.resource(clusters.source.cluster, run.wanted.table, run.wanted.remote), there)
            run.owner = dp.OURS
            self._events.append(f"{run.wanted.table}: duplication {there.dupid} of somebody else is ours now")
        for step in one.made:
            self._made(step.change)
            self._events.append(f"{run.wanted.table}: duplication {run.followed} was removed by a step that died")
        for step in one.steps:
            verdict, there = sender.send(run.wanted, step)
            if there is not None:
                run.duplication, run.followed = there, there.dupid
                run.owner = dp.OTHER if verdict == WAS_THERE else dp.OURS
            if verdict == WAS_THERE:
                self._events.append(f"{run.wanted.table}: somebody else has just added duplication {run.followed}")
                continue
            self._made(step.change)
            self._events.append(f"{run.wanted.table}: {step.action.replace('_', ' ')}")

    def _made(self, change: Change) -> None:
        self._sent.add(change)
        sent = self._sent
        self._result.update(changes=sent.as_result(), changed=sent.changed, diff=sent.diff())


def plan_table(call: Call, run: TableRun, seen: Seen, past: dp.Past) -> Planned:
    """What is to be sent for one table. :raises MigrationError: it cannot be done, or must not be"""
    wanted, source, profile = run.wanted, call.clusters.source, call.clusters.profile
    understood(wanted, profile)
    cut_over = bool(da.positions_at_cutover(call.entries, wanted.table))
    idempotent = profile.target_create_idempotent
    found = plan(wanted, seen, past, source=source, create_idempotent=idempotent, cut_over=cut_over)
    if not run.goal:
        return found
    # An earlier step waited for it to be fit for removal.
    if found.duplication is None and run.followed in past.removals:
        return removed_before(wanted, source.cluster, run.followed)
    lost = ds.gone_or_other(wanted.table, run.followed, found.duplication)
    if lost is not None:
        raise lost
    return found
