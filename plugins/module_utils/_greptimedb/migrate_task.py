# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the region migration module: from its options to its result.

Order: options, plan and journal are checked before anything is contacted; then the cluster is read and the plan checked
against it; only then the first intent is written and the first call sent.
"""

from __future__ import annotations

import math
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import present
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows, parse_windows
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import migrate_outage
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import migrate_result as mr
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate import RegionMigration
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_carry import carry_in, carry_out
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_control import RunControl
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_launch import planned_changes
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import (
    MoveRecorder,
    Past,
    read_past,
    sent_changes,
    settle_past,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_settings import (
    Settings,
    read_settings,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_start import (
    begin,
    give_up,
    make_schedule,
    refuse,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move, Plan
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_approval import newest_plan_id
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_request import REVERSE
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_reverse import nothing_begun
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_source import read_plan

# The most events one step tells; the rest is in the journal and the report.
EVENTS_PER_STEP = 30


class MigrationTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = SystemClock()
        self._tracks: t.List[ms.Track] = []
        self._told: t.Dict[str, t.Any] = {}
        self._windows = Windows(())

    def partial(self) -> t.Mapping[str, t.Any]:
        """Return what is known so far, for the result of a failure."""
        return self._told

    def body(self) -> t.Dict[str, t.Any]:
        """Do the call and return the module's result; raise ``MigrationError`` where the run failed."""
        settings = read_settings(self._params)
        self._windows = parse_windows(self._params.get("cutover_window"), "cutover_window")
        control_store(self._params)
        follow = as_mapping(self._params["follow"], "follow") if self._params.get("follow") else {}
        try:
            return self._step(settings, follow)
        except MigrationError as error:
            if self._tracks or not migrate_outage.passes(error, follow, self._clock):
                raise
            self._told.update(migrate_outage.wait_out(error, follow, settings.settle_time / 4, self._clock))
            with self._open_journal(create=False) as journal:
                migrate_outage.write(journal, self._told, self._clock)
            return self._told

    def _step(self, settings: Settings, follow: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
        connection = Connection.from_params(self._params)
        source = None if settings.follow_only else read_plan(self._params)
        run_id = str(follow.get("run_id") or uuid.uuid4().hex[:12])
        journal, entries = self._past_entries()
        try:
            with GreptimeClient(connection, self._redactor, self._clock) as client:
                past = read_past(entries, run_id)
                plan = _open_moves(past) if source is None else source.complete(client.dialect)
                newest = newest_plan_id(entries)
                self._told["plan_id"] = newest if source is None else plan.plan_id
                if source is None and not plan.moves and past.run_started is None:
                    # Nobody is asked: wrong options of the steps that follow are told before anything is contacted.
                    return self._result(finished=True, changes=ChangeList())
                if source is not None and plan.strategy == REVERSE and not plan.moves and not entries:
                    # Nothing was begun. A journal that says so would be taken for that of a migration.
                    result = self._result(finished=True, changes=ChangeList())
                    result["summary"] = result["line"] = nothing_begun(str(self._params["journal"]))
                    return result
                placements = client.placements(
                    sorted({move.region_id for move in plan.moves} | {move.region_id for move in past.unfinished})
                )
                procedures = client.procedures(active_only=True)
                under_way = past.run_started is not None or settings.follow_only
                self._tracks, problems = begin(plan.moves, placements, procedures, past, under_way)
                if not under_way:
                    refuse(problems)
                now = self._clock.now().timestamp()
                carry_in(self._tracks, follow.get("carry") or {}, now)
                given_up = give_up(self._tracks, problems, now, settings.follow_only)
                schedule = make_schedule(plan.moves, self._tracks, plan.limits, plan.ordering)
                to_do = [track for track in self._tracks if track.state == ms.WAITING]
                control = self._run_control(plan, past, entries)
                if to_do and past.run_started is None:
                    # What an earlier run has sent is followed to its end all the same.
                    flying = any(track.state == ms.SUBMITTED for track in self._tracks)
                    patience = math.inf if flying else settings.timeout
                    control.require_window([track.region_id for track in to_do], patience)
                if self._check_mode:
                    return self._prediction(client, settings, to_do, control)
                # A journal that is there needs no word of a run with nothing to do. A new one is made even then, so
                # that the next phase finds that there was nothing to do, and not that there was no run.
                known = journal is not None or settings.follow_only
                if known and not to_do and not past.unfinished and past.run_started is None:
                    # This plan is not written down, so the one before stays the one that is proved.
                    self._told["plan_id"] = newest or self._told["plan_id"]
                    return self._result(finished=True, changes=ChangeList())
                if journal is None:
                    journal = self._open_journal(create=True)
                recorder = MoveRecorder(journal)
                self._open_run(recorder, past, run_id, plan)
                followed = {track.region_id for track in self._tracks if track.state == ms.SUBMITTED}
                settle_past(past, followed, placements, procedures, self._clock, recorder, settings.settle_time)
                started = past.run_started or self._clock.now().timestamp()
                deadline = Deadline(self._clock, settings.timeout, "timeout: the run", follow.get("deadline"))
                run = RegionMigration(
                    client=client,
                    clock=self._clock,
                    settings=settings,
                    recorder=recorder,
                    tracks=self._tracks,
                    schedule=schedule,
                    deadline=deadline,
                    control=control,
                    since=follow.get("since"),
                )

                def live() -> None:
                    self._tell(run, recorder.entries, run_id, started)
                    self._progress(recorder)
                    recorder.flush()

                run.events.extend(given_up)
                try:
                    run.run(live)
                finally:
                    self._tell(run, journal.entries, run_id, started)
                return self._end(run, recorder, run_id, deadline.absolute_epoch, control)
        finally:
            if journal is not None:
                journal.close()

    def _run_control(self, plan: Plan, past: Past, entries: t.Sequence[t.Any]) -> RunControl:
        """With a forecast of every move: the plan's, and from this run's earlier steps."""
        control = RunControl.of(self._params, self._windows, plan.limits, entries, self._clock, plan.seconds_by_region)
        for move in past.moves.values():
            if move.ended_in_run and move.status == "done" and move.finished_at is not None:
                control.moved(move.finished_at - move.intent_at)
        return control

    def _open_journal(self, create: bool) -> Journal:
        journal = open_journal(
            self._params, engine="greptimedb", clock=self._clock, redactor=self._redactor, create=create
        )
        if journal is None:
            raise InvalidOption(
                "journal",
                "it is missing",
                "Give the path (or s3://bucket/prefix) where this migration remembers what it has sent; without it a"
                " run that is killed could not be continued",
            )
        return journal

    def _past_entries(self) -> t.Tuple[t.Optional[Journal], t.Sequence[t.Any]]:
        """The journal as far as there is one yet; check mode looks at it without a lock and without repairing it."""
        if self._check_mode and self._params.get("journal"):
            view = read_journal(self._params)
            if view is None:
                return None, ()
            return None, view.expecting(self._params.get("migration_id") or "", "greptimedb").require_valid().entries
        try:
            journal = self._open_journal(create=False)
        except MigrationError as error:
            if error.code != "journal.missing":
                raise
            return None, ()
        return journal, journal.entries

    def _open_run(self, recorder: MoveRecorder, past: Past, run_id: str, plan: t.Any) -> None:
        if past.run_started is None:
            recorder.add("run.started", {"run_id": run_id, "phase": "migrate", "options": self._options()})
            if not self._params["follow_only"]:
                recorder.add("plan", {"plan_id": plan.plan_id, "plan": plan.as_data()})
            recorder.flush()

    def _options(self) -> t.Dict[str, t.Any]:
        shown = (
            "limits", "server_timeout", "timeout", "move_timeout", "settle_time", "max_failures", "attempts",
            "flush_before",
        )  # fmt: skip
        return {name: self._params[name] for name in shown}

    def _prediction(
        self, client: GreptimeClient, settings: t.Any, to_do: t.Sequence[ms.Track], control: RunControl
    ) -> t.Dict[str, t.Any]:
        control.look()
        if to_do and control.aborted:
            raise control.failure("a real run would begin nothing")
        changes = ChangeList(change for track in to_do for change in planned_changes(client, settings, track))
        result = self._result(finished=True, changes=changes)
        result["waits"] = mr.waits(to_do, control.hold, self._clock.now().timestamp()) if control.hold else []
        return result

    def _result(self, finished: bool, changes: ChangeList) -> t.Dict[str, t.Any]:
        now = self._clock.now().timestamp()
        self._told.update(
            finished=finished,
            changed=changes.changed,
            changes=changes.as_result(),
            diff=changes.diff(),
            moves=[mr.describe(track) for track in self._tracks],
            summary=self._prediction_summary(changes) if self._check_mode else mr.summary(self._tracks),
            progress=mr.progress(self._tracks, [], now, self._clock).as_result(),
            waits=[],
            reverse_moves=mr.reverse_moves(self._tracks),
        )
        self._told["line"] = self._told["summary"]
        return self._told

    def _prediction_summary(self, changes: ChangeList) -> str:
        moves = sum(1 for change in changes if change.action == "migrate")
        if not moves:
            return mr.summary(self._tracks)
        return f"A real run would move {moves} of {len(self._tracks)} regions with {len(changes)} calls."

    def _tell(self, run: RegionMigration, entries: t.Sequence[t.Any], run_id: str, started: float) -> None:
        now = self._clock.now().timestamp()
        past = read_past(entries, run_id)
        progress = mr.progress(self._tracks, past.run_finished, started, self._clock)
        waits = mr.waits(self._tracks, run.run_wait, now, run.since)
        self._told.update(
            finished=run.finished,
            progress=progress.as_result(),
            waits=waits,
            summary=mr.summary(self._tracks),
            line=mr.line(progress, waits),
            events=run.events[:EVENTS_PER_STEP]
            + ([f"... and {len(run.events) - EVENTS_PER_STEP} more"] if len(run.events) > EVENTS_PER_STEP else []),
        )
        sent = sent_changes(entries, run_id)
        self._told["changed"] = bool(sent) or bool(past.run_finished)
        if run.finished or run.expired:
            changes = ChangeList(Change(**change) for change in sent)
            self._told.update(
                changes=changes.as_result(),
                diff=changes.diff(),
                moves=[mr.describe(track) for track in self._tracks],
                reverse_moves=mr.reverse_moves(self._tracks),
            )

    def _progress(self, recorder: MoveRecorder) -> None:
        """Write how far it is, and what it waits for."""
        recorder.add("progress", {**self._told["progress"], "waits": present(self._told["waits"])})
        for wait in self._told["waits"]:
            if wait["reason"] != "greptimedb.wait.limit":
                recorder.add("wait", dict(wait))

    def _end(
        self, run: RegionMigration, recorder: MoveRecorder, run_id: str, deadline: float, control: RunControl
    ) -> t.Dict[str, t.Any]:
        self._progress(recorder)
        error = mr.verdict(run, self._tracks, control)
        if run.finished or run.expired:
            status = "ok" if error is None else "failed"
            recorder.add(
                "run.finished",
                {"run_id": run_id, "phase": "migrate", "status": status, "summary": self._told["summary"]},
            )
        else:
            self._told["follow"] = {
                "run_id": run_id,
                "deadline": deadline,
                "carry": carry_out(self._tracks),
                "progress": self._told["progress"],
                "since": present(self._told["waits"]),
            }
        recorder.flush()
        if error is not None:
            raise error
        return self._told


def _open_moves(past: Past) -> Plan:
    """What is left to follow of earlier runs, as a plan of which nothing is started.

    Moves that ended in an earlier step of this run stay in it, so that the end tells of all of them.
    """
    moves = [
        Move(one.region_id, one.from_peer, one.to_peer, one.table, one.table_id)
        for one in past.moves.values()
        if one.status == "" or one.ended_in_run
    ]
    return Plan(strategy="moves", moves=tuple(moves), limits={})
