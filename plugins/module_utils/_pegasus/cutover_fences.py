# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The call that fences: what was left is put right, then the gate, the forecast, and one fence after another."""

from __future__ import annotations

import datetime
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.control import NOTHING
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_entries import (
    WindowForecast,
    forecast_entry,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_findings as cf
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_left as cl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import forecast as fc
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_call import Call, without_deny
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_gate import gate, require
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_group import GroupCutover
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_guarded import start
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_heed import Heed, held_seconds, refusal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import (
    IntervalKeeper,
    all_put_back,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_predict import predict
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reconcile import reconcile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_skipped import remember, with_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import HANDED_OVER
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals, fenced_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal


class Fences:
    """The groups of one call, when its tables were looked at. ``todo``: what is to be done with each table."""

    def __init__(
        self,
        call: Call,
        eyes: Eyes,
        journal: SettingsJournal,
        place: GuardPlace,
        past: cp.Past,
        todo: t.Mapping[str, str],
    ) -> None:
        self._call = call
        self._eyes = eyes
        self._request = eyes.request
        self._clusters = t.cast(Clusters, call.clusters)
        self._journal = journal
        self._place = place
        self._past = past
        self._todo = todo
        self._link: t.Optional[GuardLink] = None
        self._keeper = IntervalKeeper(
            Intervals(eyes.replicas, self._clusters.source.cluster_name, eyes.glances),
            self._clusters,
            past,
            self._request.interval_ms,
        )

    def run(self) -> t.Dict[str, t.Any]:
        """The module's result; MigrationError where a fence is refused or did not come to its end."""
        call, todo = self._call, self._todo
        groups = [[name for name in group if todo[name] in cp.TO_FENCE] for group in self._request.groups]
        groups = [group for group in groups if group]
        forecasts, refused = self._decided(groups)
        if refused is not None:
            if not self._anything_left():
                raise refused
            # What a killed run has left refuses writes or waits for its end, and nobody wishes for that.
            groups, refused = [], cl.put_right_first(refused, todo, call.check_mode)
        if call.check_mode:
            found = {name: track.view.deny for name, track in call.tracks.items()}
            call.predicted = predict(todo, call.tracks, groups, self._keeper, found, self._request.place is None)
            if refused is not None:
                raise refused
            return call.result(call.predicted)
        if all(what == cp.DONE for what in todo.values()) and not self._keeper.left and not self._past.pending:
            return call.result(ChangeList())
        return self._carried_out(groups, forecasts, refused)

    def _anything_left(self) -> bool:
        left = cp.LIFT_FIRST in self._todo.values() or cp.FINISH in self._todo.values()
        return left or bool(self._keeper.left) or bool(self._past.pending)

    def _decided(
        self, groups: t.Sequence[t.Sequence[str]]
    ) -> t.Tuple[t.Dict[str, fc.Forecast], t.Optional[MigrationError]]:
        """The forecast of each group by its first table, and what keeps all of them from being fenced."""
        control, check_mode = self._call.control, self._call.check_mode
        refused = refusal(control, [0.0 for _group in groups], self._journal, check_mode)
        if refused is not None:
            return {}, refused
        try:
            forecasts = self._decide(groups)
            seconds = [held_seconds(self._request, forecasts[group[0]]) for group in groups]
            return forecasts, refusal(control, seconds, self._journal, check_mode)
        except MigrationError as error:
            return {}, error

    def _decide(self, groups: t.Sequence[t.Sequence[str]]) -> t.Dict[str, fc.Forecast]:
        """Gate and forecast, for everything that is to be fenced; by the first table of each group."""
        call, clusters, journal = self._call, self._clusters, self._journal
        cluster = clusters.source.cluster_name
        findings = []
        names = [name for name, what in self._todo.items() if what in cp.TO_FENCE]
        sampled = self._eyes.sampled(clusters, [call.tracks[name].view for name in names])
        for name, view in sampled.items():
            call.tracks[name].view = with_past(view, journal.entries, cluster)
        if not call.check_mode:
            remember([call.tracks[name].view for name in names], journal.append, cluster)
        for name in names:
            view = call.tracks[name].view
            if self._todo[name] == cp.LIFT_FIRST:
                view = without_deny(view)
            findings += gate(clusters, view, self._request.max_lag, self._request.place is not None)
        require(findings)
        found: t.Dict[str, fc.Forecast] = {}
        for group in groups:
            pace, basis = self._eyes.rehearsed_pace(clusters, [call.tracks[name].view for name in group])
            forecast = fc.forecast(pace)
            for name in group:
                call.forecasts[name] = {**forecast.as_result(self._request.budget), "basis": basis}
            found[group[0]] = forecast
        if not call.check_mode:
            self._tell_forecasts(groups, found)
        for group in groups:
            fc.require_budget(found[group[0]], self._request.budget, " and ".join(group))
        return found

    def _carried_out(
        self,
        groups: t.Sequence[t.Sequence[str]],
        forecasts: t.Mapping[str, fc.Forecast],
        refused: t.Optional[MigrationError],
    ) -> t.Dict[str, t.Any]:
        call = self._call
        record = call.open(self._journal)
        run_id = uuid.uuid4().hex[:12]
        record.append("run.started", {"run_id": run_id, "phase": cf.PHASE, "options": self._options()})
        status = "failed"
        try:
            reconcile(record, self._eyes, self._clusters, self._past, self._place, call.tracks)
            self._put_right(record)
            for group in groups:
                self._group(record, group, forecasts[group[0]])
            if refused is not None:
                raise refused
            status = "ok"
        finally:
            try:
                self._close(record, status == "ok")
            finally:
                fenced = [name for name, track in call.tracks.items() if track.drained is not None]
                cf.tell(record, call.findings(), fenced)
                told = {"run_id": run_id, "phase": cf.PHASE, "status": status, "summary": call.summary()}
                record.append("run.finished", told)
        return call.result(record.changes)

    def _tell_forecasts(self, groups: t.Sequence[t.Sequence[str]], forecasts: t.Mapping[str, fc.Forecast]) -> None:
        """As soon as it is known: who watches wants it before the fence, and most of all where it does not fit."""
        found = [(group, forecasts[group[0]]) for group in groups]
        if found:
            windows = [WindowForecast(group, one.window_p50, one.window_p95) for group, one in found]
            self._journal.append(*forecast_entry(windows, self._request.budget))

    def _put_right(self, record: CutoverRecord) -> None:
        """Lift fences that were left, and finish what was switched."""
        call, clusters = self._call, self._clusters
        left = [call.tracks[name] for name, what in self._todo.items() if what == cp.LIFT_FIRST]
        if left:
            lift_all(left, record, call.clock, fc.lift_reserve(clusters.config_sync, clusters.round_trip, 0.2))
        for track in left:
            track.state, track.lifted = "waiting", None
            track.view = without_deny(track.view)
        behind = Behind(self._eyes, clusters, record)
        for name, what in self._todo.items():
            if what == cp.FINISH:
                track = call.tracks[name]
                deadline = Deadline(call.clock, self._request.budget, f"the MetaProxies of {name}")
                behind.follow([track], deadline)
                behind.close(track)
                behind.verify(track, deadline)
                behind.commit(track, False)

    def _group(self, record: CutoverRecord, group: t.Sequence[str], forecast: fc.Forecast) -> None:
        call, request, clusters = self._call, self._request, self._clusters
        tracks = [call.tracks[name] for name in group]
        seconds = held_seconds(request, forecast)
        moved = [name for name, track in call.tracks.items() if track.state == "committed"]
        done = f"nothing more was begun ({', '.join(moved)}: committed)" if moved else NOTHING
        call.control.require(seconds, record.append, done)
        former, self._link = self._link or self._earlier_guard(), None
        self._link = start(request, clusters, self._place, self._keeper, tracks, call.clock)
        if former is not None:
            _let_go(former)
        record.append("note", {"text": f"The guard of {' and '.join(group)} is process {self._link.pid}."})
        heed = Heed(call.control, seconds)
        GroupCutover(self._eyes, clusters, tracks, record, self._keeper, forecast, self._link, self._place, heed).run()
        if request.place is None:
            left = self._link.ask(gs.STATUS).left
            call.more["guard"] = {"pid": self._link.pid, "seconds_left": left, "record": self._place.record}
            call.more["deadline"] = iso(call.clock.now() + datetime.timedelta(seconds=left or 0.0))

    def _earlier_guard(self) -> t.Optional[GuardLink]:
        """The guard of an earlier run that only waits to put intervals back which the next guard is told of, too.

        It would do that as soon as others have ended, even when the fence of this run counts on them.
        """
        found = living_guard(self._place)
        if found is None:
            return None
        if self._keeper.knows_all_left and found.answer.state in gs.ENDS:
            return found.link
        found.link.close()
        return None

    def _close(self, record: CutoverRecord, well: bool) -> None:
        """Put the intervals back and let the guard go. After a failure it stays a little, for what may come late."""
        call, eyes = self._call, self._eyes
        handed_over = any(track.state == HANDED_OVER for track in call.tracks.values())
        try:
            if not handed_over:
                call.left = self._keeper.restore(record, call.clock, lambda: fenced_tables(eyes.source, call.tracks))
                if self._link is not None and well:
                    # What is left the guard goes on trying to put back, for a while.
                    self._link.ask(gs.BYE, settings_restored=all_put_back(call.left))
        except GuardLost:
            pass
        finally:
            if self._link is not None:
                self._link.close()

    def _options(self) -> t.Dict[str, t.Any]:
        request = self._request
        return {
            "tables": list(request.tables),
            "switch": request.switch,
            "budget": request.budget,
            "max_lag": request.max_lag,
            "last_mutation": request.last_mutation,
            "config_sync_interval_ms": request.interval_ms,
            "group_size": request.group_size,
        }


def _let_go(former: GuardLink) -> None:
    """Send the guard of the group or run before away; one that is gone already has nothing to be told."""
    try:
        former.ask(gs.BYE, settings_restored=True)
    except GuardLost:
        return
    finally:
        former.close()
