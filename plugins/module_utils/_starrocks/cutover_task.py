# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the cutover module: from its options to its result.

Order: options and journal are checked before anything is contacted (``cutover_call``); then both clusters and the
tool are looked at; what an earlier run left is put right; then the gate, the forecast, the guard, and the freeze.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import acceptances
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
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Verdict, judge
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded, recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_gate as cg
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import forecast as fc
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import kept_tables
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_commit import CommitCheck
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_end import End
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_failures import tool_ended
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_guarded import start
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import (
    COMMITTED,
    CUT_OVER,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_result import cutover_result
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_run import CutoverRun
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FOUND_KIND
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_by_hand import (
    lift_command,
    same_host_note,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import (
    stopped_before,
    thaw_all,
    unended,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import (
    FreezeJournal,
    FreezeRecord,
    of_freeze,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_thaw import Thaw

PHASE = "cutover"
GUARD_KIND = "cutover.guard"
_MOST_LINES = 200
_BUSY = 60.0
"""Seconds that the module may need between two words to its guard, besides what a server may take to answer."""


class CutoverTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        check_mode: bool,
        redactor: Redactor,
        clock: Clock,
        journal: FreezeJournal,
    ) -> None:
        """``journal``: of this call, whose earlier cutover is not committed. Whoever made it closes it."""
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._journal = journal
        self._track = Track()
        self._record: t.Optional[FreezeRecord] = None
        self._ahead = ChangeList()
        """In check mode, what a real run would send by now."""
        self._link: t.Optional[GuardLink] = None
        self._accepted: t.Sequence[Acceptance] = ()
        self._more: t.Dict[str, t.Any] = {}

    def partial(self) -> t.Dict[str, t.Any]:
        """What is known and was done so far."""
        return self._result(self._record.changes if self._record is not None else self._ahead)

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result; MigrationError where the cutover did not come to its end."""
        request = read_request(self._params)
        self._accepted = acceptances(self._params, self._clock.now())
        request = dataclasses.replace(
            request,
            kept=kept_tables(self._accepted, self._clock.now()),
            tool_is_restarted=request.tool_is_restarted and self._check_mode,
            settings_are_set=request.settings_are_set and self._check_mode,
        )
        journal = self._journal
        self._control = CutoverControl.of(self._params, journal.entries, self._clock)
        place = GuardPlace.of(str(self._params["journal"]))
        self._more.update(events=self._control.events, guard_record=place.record)
        eyes = Eyes(request, self._redactor, self._clock)
        try:
            if request.state != CUT_OVER:
                return self._end(eyes, journal, place)
            return self._cut_over(eyes, journal, place)
        finally:
            eyes.close()

    # From the start to the hand-over.

    def _cut_over(self, eyes: Eyes, journal: FreezeJournal, place: GuardPlace) -> t.Dict[str, t.Any]:
        if eyes.tool is not None:
            eyes.tool.require_there()
        eyes.require_two()
        cluster_id = eyes.source.cluster_id
        past = recorded(journal.entries, of_freeze(cluster_id))
        left = {resource: one for resource, one in past.items() if one.changes}
        self._require_not_handed_over(eyes, journal)
        # Before the gate: while writes are refused the tool has nothing to do, so that it might never open, and nobody
        # else would let them go on.
        if left and self._check_mode:
            self._ahead = self._thaw(eyes, left, journal)
        elif left:
            self._put_right(eyes, self._open(journal, cluster_id), place, True)
        self._heed(journal, cluster_id, 0.0)
        view = eyes.view(self._ahead, journal.entries)
        verdict = self._judge(cg.gate(view, eyes.request.max_behind))
        cg.require(verdict)
        forecast = fc.forecast(eyes.pace(view))
        self._more["forecast"] = forecast.as_result(eyes.request.budget)
        self._more["lift_command"] = lift_command(eyes.source, view.source.running) + same_host_note(eyes.source)
        if not self._check_mode:
            # Loads are refused until the operator has switched, too. Told where it does not fit, most of all.
            window = WindowForecast([cluster_id], forecast.held_p50 + forecast.hook, forecast.held_p95 + forecast.hook)
            self._open(journal, cluster_id).append(*forecast_entry([window], eyes.request.budget))
        fc.require_budget(forecast, eyes.request.budget)
        self._heed(journal, cluster_id, forecast.held_p95 + forecast.hook)
        if self._check_mode:
            return self._result(self._predict(eyes, view))
        record = self._open(journal, cluster_id)
        run_id = uuid.uuid4().hex[:12]
        options = eyes.request.as_record()
        record.append("run.started", {"run_id": run_id, "phase": PHASE, "options": options})
        record.append("findings", {"phase": PHASE, **verdict.as_result()})
        status = "failed"
        try:
            self._put_right(eyes, record, place, False)
            self._run(eyes, record, place, forecast, view)
            status = "ok"
        except MigrationError as error:
            if eyes.tool is None or not self._track.tool_stopped:
                raise
            raise tool_ended(error, eyes.tool.directory) from error
        finally:
            self._hang_up()
            summary = {"state": self._track.state, "window": self._track.window(), **self._more}
            record.append("run.finished", {"run_id": run_id, "phase": PHASE, "status": status, "summary": summary})
        return self._result(record.changes)

    def _heed(self, journal: FreezeJournal, cluster_id: str, seconds: float) -> None:
        """Refuse what people or the calendar do not want now, while nothing is stopped."""

        def append(kind: str, data: t.Mapping[str, t.Any]) -> None:
            self._open(journal, cluster_id).append(kind, data)

        refused = self._control.refusal(seconds, None if self._check_mode else append)
        if refused is not None:
            raise refused

    def _require_not_handed_over(self, eyes: Eyes, journal: FreezeJournal) -> None:
        """A freeze whose guard has died under the operator's switch: only he knows where the clients are."""
        if cp.last_end(journal.entries) == cp.HANDED_OVER_KIND and eyes.freeze.look().frozen:
            raise MigrationError(
                "starrocks.handed_over",
                "A cutover was handed over, its freeze is still held, and its guard is gone, so it is not lifted by "
                "itself. If you have switched the clients, end it with state=committed, otherwise with state=lifted.",
            )

    def _judge(self, findings: t.Sequence[t.Any]) -> Verdict:
        usable = [one for one in self._accepted if cg.may_accept(one)]
        verdict = judge(findings, usable, self._clock.now())
        self._more["gate"] = verdict.as_result()
        return verdict

    def _thaw(self, eyes: Eyes, left: t.Mapping[str, Recorded], journal: FreezeJournal) -> ChangeList:
        """What lifts the freeze that an earlier run has left."""
        found = [entry.data for entry in journal.entries if entry.kind == FOUND_KIND]
        return Thaw(eyes.source, left, stopped_before(found, eyes.source.cluster_id)).predict()

    def _predict(self, eyes: Eyes, view: cg.GateView) -> ChangeList:
        ended = eyes.tool.predict(eyes.request.tool_is_restarted) if eyes.tool is not None else []
        return ChangeList([*self._ahead, *eyes.freeze.predict(view.source), *ended])

    def _open(self, journal: FreezeJournal, cluster_id: str) -> FreezeRecord:
        if self._record is None:
            self._record = FreezeRecord(journal.open(), self._clock, cluster_id)
        return self._record

    def _put_right(self, eyes: Eyes, record: FreezeRecord, place: GuardPlace, left: bool) -> None:
        """Copy what guards did meanwhile, and end what an earlier run left open, with ``left`` its freeze too."""
        known = [dict(line) for line in record.copied(GUARD_KIND)]
        for line in place.read()[-_MOST_LINES:]:
            if line not in known:
                record.append(GUARD_KIND, line)
        if eyes.tool is not None:
            record.settle({eyes.tool.change().resource: eyes.tool.state()})
        if left:
            thaw_all(eyes.source, record, self._clock, 60.0)

    def _run(
        self, eyes: Eyes, record: FreezeRecord, place: GuardPlace, forecast: fc.Forecast, view: cg.GateView
    ) -> None:
        request = eyes.request
        look = eyes.freeze.look()
        cluster_id = eyes.source.cluster_id
        before = frozenset(job.resource(cluster_id) for job in look.jobs if job.stopped_by_freeze)
        ours = eyes.freeze.to_be_ours(look)
        silence = request.source.connect_timeout + 2 * request.source.read_timeout + _BUSY
        self._link = start(request.source, cluster_id, ours, before, silence, place, self._redactor, self._clock)
        record.append("note", {"text": f"The guard of the cutover is process {self._link.pid}."})
        known = frozenset(one.transaction_id for one in view.foreign.writes)
        run = CutoverRun(
            request, eyes.source, eyes.target, eyes.readers, eyes.tool, self._track, record, forecast, self._link,
            known, self._control, self._clock,
        )  # fmt: skip
        run.run(look, lift_command(eyes.source, look.running) + same_host_note(eyes.source))
        left = self._link.ask(gs.STATUS).left
        self._more["guard"] = {"pid": self._link.pid, "seconds_left": left, "record": place.record}
        self._more["deadline"] = iso(self._clock.now() + datetime.timedelta(seconds=left or 0.0))

    def _hang_up(self) -> None:
        """Leave the guard to itself: it keeps a freeze that was handed over, and watches a while over a lifted one."""
        if self._link is not None:
            self._link.close()

    # The second call.

    def _end(self, eyes: Eyes, journal: FreezeJournal, place: GuardPlace) -> t.Dict[str, t.Any]:
        request = eyes.request
        guard = living_guard(place)
        if guard is not None and guard.answer.state not in (gs.HANDED_OVER, *gs.ENDS, gs.LIFTING):
            cp.dismiss(guard)
        end = End(journal.entries, guard, self._track, self._clock)
        try:
            if request.state == COMMITTED:
                return self._commit(eyes, journal, end)
            return self._lift(eyes, journal, end, place)
        finally:
            end.close()

    def _commit(self, eyes: Eyes, journal: FreezeJournal, end: End) -> t.Dict[str, t.Any]:
        if end.committed:
            self._track.state = "committed"
            return self._result(ChangeList())
        if end.deadline is not None:
            self._more["deadline"] = iso(end.deadline)
        eyes.compare_within(end.scope)
        if self._check_mode:
            changes = CommitCheck(eyes, end, self._clock).prove()
            changes.add(end.change(eyes.source.cluster_id))
            return self._result(changes)
        CommitCheck(eyes, end, self._clock, lambda: self._open(journal, eyes.source.cluster_id)).prove()
        record = self._open(journal, eyes.source.cluster_id)
        end.commit(record, eyes.source, eyes.target)
        self._control.at_the_end(record.append, COMMITTED_ALREADY)
        return self._result(record.changes)

    def _lift(self, eyes: Eyes, journal: FreezeJournal, end: End, place: GuardPlace) -> t.Dict[str, t.Any]:
        end.require_liftable("the target")
        cluster_id = eyes.source.cluster_id
        past = recorded(journal.entries, of_freeze(cluster_id))
        left = {resource: one for resource, one in past.items() if one.changes}
        self._track.state = "lifted"
        if self._check_mode:
            return self._result(self._thaw(eyes, left, journal) if left else ChangeList())
        if not left and not end.guarded and not unended(journal.entries, cluster_id):
            return self._result(ChangeList())
        record = self._open(journal, cluster_id)
        self._put_right(eyes, record, place, False)
        end.lift(record, eyes.source)
        self._control.at_the_end(record.append, LIFTED_NOW)
        return self._result(record.changes)

    def _result(self, changes: ChangeList) -> t.Dict[str, t.Any]:
        return cutover_result(self._track, changes, self._record, self._more)
