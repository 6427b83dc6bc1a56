# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the cutover module: from its options to its result.

Order: options and journal are checked before anything is contacted; then both clusters, ZooKeeper and the MetaProxies
are read; what an earlier run left is put right; then the gate, the forecast, and one fence after another.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import (
    COMMITTED_ALREADY,
    LIFTED_NOW,
    CutoverControl,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_entries import (
    WindowForecast,
    forecast_entry,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_findings as cf
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_left as cl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_result as cr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import forecast as fc
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_end import End
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_gate import gate, require
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_group import GroupCutover
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_guarded import start
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_heed import Heed, held_seconds, refusal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import (
    CUT_OVER,
    LIFTED,
    CutoverRequest,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_predict import predict
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reasons import with_reason
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reconcile import anything_open, reconcile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_skipped import remember, with_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import HANDED_OVER, Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals, fenced_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.journal_tables import require_their_journal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import load_kazoo


class CutoverTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._tracks: t.Dict[str, Track] = {}
        self._forecasts: t.Dict[str, t.Mapping[str, t.Any]] = {}
        self._record: t.Optional[CutoverRecord] = None
        self._clusters: t.Optional[Clusters] = None
        self._link: t.Optional[GuardLink] = None
        self._more: t.Dict[str, t.Any] = {}
        self._left: t.List[Finding] = []
        self._predicted = ChangeList()

    def partial(self) -> t.Dict[str, t.Any]:
        """What is known and was done so far."""
        return self._result(self._record.changes if self._record is not None else self._predicted)

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result; MigrationError where the cutover did not come to its end."""
        request = read_request(self._params)
        if request.place is not None and request.state != LIFTED:
            load_kazoo()
        journal = SettingsJournal(self._params, self._redactor, self._clock)
        require_their_journal(journal.entries, request.tables, self._params["journal"])
        self._control = CutoverControl.of(self._params, journal.entries, self._clock)
        self._more["events"] = self._control.events
        place = GuardPlace.of(str(self._params["journal"]))
        eyes = Eyes(request, self._clock)
        try:
            past = cp.read_past(journal.entries)
            if request.state != CUT_OVER:
                self._clusters = eyes.clusters()
                return self._end(request, eyes, journal, place, past)
            self._leave_no_guard(place)
            try:
                self._clusters = eyes.clusters()
                todo = self._look(eyes, self._clusters, past)
            except MigrationError as error:
                raise self._lifted_blindly(error, request, journal, place, past) from error
            return self._cut_over(request, eyes, journal, place, past, todo)
        finally:
            eyes.close()
            journal.close()

    def _lifted_blindly(
        self,
        error: MigrationError,
        request: CutoverRequest,
        journal: SettingsJournal,
        place: GuardPlace,
        past: cp.Past,
    ) -> MigrationError:
        """What to raise when a cutover cannot even look. A fence that was left does not wait for what cannot answer."""
        if self._check_mode or not cl.perhaps_fenced(past, request.tables):
            return error
        request = dataclasses.replace(request, state=LIFTED)
        eyes = Eyes(request, self._clock)
        try:
            self._clusters = eyes.clusters()
            self._end(request, eyes, journal, place, past)
        except MigrationError as second:
            return error if second.code == error.code else with_reason(second, error)
        finally:
            eyes.close()
        lifted = [name for name, track in self._tracks.items() if track.lifted is not None]
        return cl.put_right_first(error, dict.fromkeys(lifted, cp.LIFT_FIRST), False)

    def _cut_over(
        self,
        request: CutoverRequest,
        eyes: Eyes,
        journal: SettingsJournal,
        place: GuardPlace,
        past: cp.Past,
        todo: t.Mapping[str, str],
    ) -> t.Dict[str, t.Any]:
        clusters = t.cast(Clusters, self._clusters)
        groups = [[name for name in group if todo[name] in (cp.FRESH, cp.LIFT_FIRST)] for group in request.groups]
        groups = [group for group in groups if group]
        keeper = IntervalKeeper(Intervals(eyes.replicas, clusters.source.cluster_name), clusters, past,
                                request.interval_ms)  # fmt: skip
        forecasts: t.Dict[str, fc.Forecast] = {}
        refused = refusal(self._control, [0.0 for _group in groups], journal, self._check_mode)
        if refused is None:
            try:
                forecasts = self._decide(eyes, clusters, groups, todo, journal)
                seconds = [held_seconds(request, forecasts[group[0]]) for group in groups]
                refused = refusal(self._control, seconds, journal, self._check_mode)
            except MigrationError as error:
                refused = error
        if refused is not None:
            if not (cp.LIFT_FIRST in todo.values() or cp.FINISH in todo.values() or keeper.left or past.pending):
                raise refused
            # What a killed run has left refuses writes or waits for its end, and nobody wishes for that.
            groups, refused = [], cl.put_right_first(refused, todo, self._check_mode)
        found = {name: track.view.deny for name, track in self._tracks.items()}
        if self._check_mode:
            self._predicted = predict(todo, self._tracks, groups, keeper, found, request.place is None)
            if refused is not None:
                raise refused
            return self._result(self._predicted)
        if all(what == cp.DONE for what in todo.values()) and not keeper.left and not past.pending:
            return self._result(ChangeList())
        self._open(journal)
        record = t.cast(CutoverRecord, self._record)
        run_id = uuid.uuid4().hex[:12]
        record.append("run.started", {"run_id": run_id, "phase": cf.PHASE, "options": self._options(request)})
        status = "failed"
        try:
            reconcile(record, eyes, clusters, past, place, self._tracks)
            self._put_right(record, eyes, clusters, todo, forecasts)
            self._tell_forecasts(record, request, groups, forecasts)
            for group in groups:
                self._group(request, eyes, clusters, place, keeper, group, forecasts[group[0]])
            if refused is not None:
                raise refused
            status = "ok"
        finally:
            try:
                self._close(record, eyes, keeper, status == "ok")
            finally:
                fenced = [name for name, track in self._tracks.items() if track.drained is not None]
                cf.tell(record, self._findings(), fenced)
                record.append("run.finished", {"run_id": run_id, "phase": cf.PHASE, "status": status,
                                               "summary": self._summary()})  # fmt: skip
        return self._result(record.changes)

    def _leave_no_guard(self, place: GuardPlace) -> None:
        found = living_guard(place)
        if found is not None and self._check_mode and found.answer.state in gs.ENDS:
            found.link.close()
            return
        cp.dismiss(found)

    def _look(self, eyes: Eyes, clusters: Clusters, past: cp.Past) -> t.Dict[str, str]:
        views = eyes.tables(clusters, eyes.request.tables)
        todo: t.Dict[str, str] = {}
        for name, view in views.items():
            fence = Fence(eyes.source, eyes.replicas, self._clock, clusters.source.cluster_name, name)
            znode = past.of(eyes.request.place.resource(name)) if eyes.request.place is not None else NOTHING
            todo[name] = cp.begin(name, view.deny, view.side, past.of(fence.resource), znode, past.ended(name))
            self._tracks[name] = Track(view, fence, state="committed" if todo[name] == cp.DONE else "waiting")
        return todo

    def _decide(
        self,
        eyes: Eyes,
        clusters: Clusters,
        groups: t.Sequence[t.Sequence[str]],
        todo: t.Mapping[str, str],
        journal: SettingsJournal,
    ) -> t.Dict[str, fc.Forecast]:
        """Gate and forecast, for everything that is to be fenced; by the first table of each group."""
        request = eyes.request
        findings = []
        fenced = [self._tracks[name].view for name, what in todo.items() if what in (cp.FRESH, cp.LIFT_FIRST)]
        for name, sampled in eyes.sampled(clusters, fenced).items():
            self._tracks[name].view = with_past(sampled, journal.entries, clusters.source.cluster_name)
        if not self._check_mode:
            remember([self._tracks[one.name].view for one in fenced], journal.append, clusters.source.cluster_name)
        for name, what in todo.items():
            if what in (cp.FRESH, cp.LIFT_FIRST):
                view = self._tracks[name].view
                if what == cp.LIFT_FIRST:
                    view = _without_deny(view)
                findings += gate(clusters, view, request.max_lag, request.place is not None)
        require(findings)
        found: t.Dict[str, fc.Forecast] = {}
        for group in groups:
            pace, basis = eyes.rehearsed_pace(clusters, [self._tracks[name].view for name in group])
            forecast = fc.forecast(pace)
            for name in group:
                self._forecasts[name] = {**forecast.as_result(request.budget), "basis": basis}
            found[group[0]] = forecast
        for group in groups:
            fc.require_budget(found[group[0]], request.budget, " and ".join(group))
        return found

    def _tell_forecasts(
        self,
        record: CutoverRecord,
        request: CutoverRequest,
        groups: t.Sequence[t.Sequence[str]],
        forecasts: t.Mapping[str, fc.Forecast],
    ) -> None:
        found = [(group, forecasts[group[0]]) for group in groups]
        if found:
            windows = [WindowForecast(group, one.window_p50, one.window_p95) for group, one in found]
            record.append(*forecast_entry(windows, request.budget))

    def _open(self, journal: SettingsJournal) -> None:
        opened = journal.open()
        if opened is None:
            raise MigrationError("internal.error", "the cutover has no journal")
        self._record = CutoverRecord(opened, self._clock)

    def _put_right(
        self,
        record: CutoverRecord,
        eyes: Eyes,
        clusters: Clusters,
        todo: t.Mapping[str, str],
        forecasts: t.Mapping[str, fc.Forecast],
    ) -> None:
        """Lift fences that were left, and finish what was switched."""
        left = [self._tracks[name] for name, what in todo.items() if what == cp.LIFT_FIRST]
        if left:
            lift_all(left, record, self._clock, fc.lift_reserve(clusters.config_sync, clusters.round_trip, 0.2))
        for track in left:
            track.state, track.lifted = "waiting", None
            track.view = _without_deny(track.view)
        behind = Behind(eyes, clusters, record)
        for name, what in todo.items():
            if what == cp.FINISH:
                track = self._tracks[name]
                behind.follow([track], Deadline(self._clock, eyes.request.budget, f"the MetaProxies of {name}"))
                behind.close(track)
                behind.verify(track)
                behind.commit(track, False)

    def _group(
        self,
        request: CutoverRequest,
        eyes: Eyes,
        clusters: Clusters,
        place: GuardPlace,
        keeper: IntervalKeeper,
        group: t.Sequence[str],
        forecast: fc.Forecast,
    ) -> None:
        tracks = [self._tracks[name] for name in group]
        seconds = held_seconds(request, forecast)
        record = t.cast(CutoverRecord, self._record)
        self._control.require(seconds, record.append)
        former, self._link = self._link, None
        self._link = start(request, clusters, place, keeper, tracks, self._clock)
        if former is not None:
            _let_go(former)
        record.append("note", {"text": f"The guard of {' and '.join(group)} is process {self._link.pid}."})
        heed = Heed(self._control, seconds)
        GroupCutover(eyes, clusters, tracks, record, keeper, forecast, self._link, place, heed).run()
        if request.place is None:
            left = self._link.ask(gs.STATUS).left
            self._more["guard"] = {"pid": self._link.pid, "seconds_left": left, "record": place.record}
            self._more["deadline"] = self._deadline_text(left)

    def _close(self, record: CutoverRecord, eyes: Eyes, keeper: IntervalKeeper, well: bool) -> None:
        """Put the intervals back and let the guard go. After a failure it stays a little, for what may come late."""
        handed_over = any(track.state == HANDED_OVER for track in self._tracks.values())
        try:
            if not handed_over:
                self._left = keeper.restore(record, self._clock, lambda: fenced_tables(eyes.source, self._tracks))
                if self._link is not None and well:
                    self._link.ask(gs.BYE, settings_restored=True)
        except GuardLost:
            pass
        finally:
            if self._link is not None:
                self._link.close()

    def _end(
        self, request: CutoverRequest, eyes: Eyes, journal: SettingsJournal, place: GuardPlace, past: cp.Past
    ) -> t.Dict[str, t.Any]:
        clusters = t.cast(Clusters, self._clusters)
        self._look(eyes, clusters, past)
        keeper = IntervalKeeper(Intervals(eyes.replicas, clusters.source.cluster_name), clusters, past, None)
        guard = living_guard(place)
        if guard is not None and guard.answer.state not in (gs.HANDED_OVER, *gs.ENDS):
            cp.dismiss(guard)
        end = End(eyes, clusters, self._tracks, keeper, past, guard)
        try:
            if self._check_mode:
                return self._result(end.predict())
            if not end.anything_to_do() and not anything_open(eyes, clusters, past, self._tracks):
                end.let_go()
                return self._result(ChangeList())
            self._open(journal)
            record = t.cast(CutoverRecord, self._record)
            reconcile(record, eyes, clusters, past, place, self._tracks)
            self._left = end.run(record)
            cf.tell(record, self._findings(), ())
            self._control.at_the_end(record.append, LIFTED_NOW if request.state == LIFTED else COMMITTED_ALREADY)
            return self._result(record.changes)
        finally:
            end.close()

    def _findings(self) -> t.List[Finding]:
        return cf.of_tables(self._tracks.values()) + self._left

    def _deadline_text(self, left: t.Optional[float]) -> str:
        return iso(self._clock.now() + datetime.timedelta(seconds=left or 0.0))

    def _options(self, request: CutoverRequest) -> t.Dict[str, t.Any]:
        return {
            "tables": list(request.tables),
            "switch": request.switch,
            "budget": request.budget,
            "max_lag": request.max_lag,
            "last_mutation": request.last_mutation,
            "config_sync_interval_ms": request.interval_ms,
            "group_size": request.group_size,
        }

    def _summary(self) -> t.Dict[str, t.Any]:
        return {
            name: {"state": track.state, "window": track.window(), "forecast": self._forecasts.get(name)}
            for name, track in self._tracks.items()
        }

    def _result(self, changes: ChangeList) -> t.Dict[str, t.Any]:
        metas = self._clusters.source.meta_servers if self._clusters is not None else ()
        tracks = list(self._tracks.values())
        findings = self._findings()
        states = {track.state for track in tracks}
        return {
            **cr.changes_result(changes),
            "state": states.pop() if len(states) == 1 else "mixed" if states else "unknown",
            "tables": [cr.table_result(track, self._forecasts.get(track.name), metas) for track in tracks],
            "findings": [one.as_result() for one in findings],
            "waits": cr.waits_result(self._record.waits.values()) if self._record is not None else [],
            **({"warnings": cf.warnings(findings)} if findings else {}),
            **self._more,
        }


def _let_go(former: GuardLink) -> None:
    """Send the guard of the group before away; one that is gone already has nothing to be told."""
    try:
        former.ask(gs.BYE, settings_restored=True)
    except GuardLost:
        return
    finally:
        former.close()


def _without_deny(view: TableView) -> TableView:
    if view.app is None:
        return view
    envs = {key: value for key, value in view.app.envs.items() if key != DENY_KEY}
    return dataclasses.replace(view, app=dataclasses.replace(view.app, envs=envs))
