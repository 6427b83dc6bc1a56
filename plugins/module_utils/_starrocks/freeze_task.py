# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the freeze module: from its options to its result."""

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded, recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import (
    COMMITTED_KIND,
    last_end,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FOUND_KIND, Freeze, FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_by_hand import (
    lift_command,
    same_host_note,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_jobs import LoadJob
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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_thaw import Thaw, Thawed
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    Connection,
    connection_argument_spec,
)

PRESENT = "present"
ABSENT = "absent"


def freeze_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal."""
    spec = ArgumentSpec(
        {
            "state": {"type": "str", "default": PRESENT, "choices": [PRESENT, ABSENT]},
            "timeout": {"type": "str", "default": "60s"},
            "after_commit": {"type": "bool", "default": False},
        }
    )
    return spec.merge(connection_argument_spec())


class FreezeTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._record: t.Optional[FreezeRecord] = None

    def partial(self) -> t.Dict[str, t.Any]:
        """What was done so far."""
        return _changes(self._record.changes if self._record is not None else ChangeList())

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        connection = Connection.from_params(self._params)
        seconds = parse_duration(self._params["timeout"], "timeout", minimum=1, maximum=3600)
        journal = FreezeJournal(self._params, self._redactor, self._clock)
        try:
            with Cluster(connection, self._redactor, self._clock) as cluster:
                self._require_no_cutover()
                if self._params["state"] == PRESENT:
                    return self._freeze(cluster, journal, seconds)
                return self._lift(cluster, journal, seconds)
        finally:
            journal.close()

    def _require_no_cutover(self) -> None:
        guard = living_guard(GuardPlace.of(str(self._params["journal"])))
        if guard is None:
            return
        guard.link.close()
        if guard.answer.state not in gs.ENDS:
            raise MigrationError(
                "starrocks.cutover_running",
                f"A cutover with this journal is under way (its guard is {guard.answer.state}), and the freeze is its. "
                "End it with starrocks_cutover, state=committed or state=lifted.",
                details={"state": guard.answer.state, "left": guard.answer.left},
            )

    def _open(self, cluster: Cluster, journal: FreezeJournal) -> FreezeRecord:
        if self._record is None:
            self._record = FreezeRecord(journal.open(), self._clock, cluster.cluster_id)
        return self._record

    def _freeze(self, cluster: Cluster, journal: FreezeJournal, seconds: float) -> t.Dict[str, t.Any]:
        freeze = Freeze(cluster, self._clock)
        look = freeze.look()
        predicted = freeze.predict(look)
        past = recorded(journal.entries, of_freeze(cluster.cluster_id))
        if not self._check_mode and any(one.pending for one in past.values()):
            # Of a run that was killed, which may have done everything but this.
            self._open(cluster, journal).settle(look.states(cluster.cluster_id))
        if self._check_mode or not predicted.changed:
            return self._frozen(cluster, look, predicted, look.running)
        record = self._open(cluster, journal)
        self._run(record, "freeze", lambda: freeze.apply(look, record, Deadline(self._clock, seconds, "the freeze")))
        return self._frozen(cluster, freeze.look(), record.changes, look.running)

    def _run(self, record: FreezeRecord, phase: str, call: t.Callable[[], t.Any]) -> t.Any:
        run_id = uuid.uuid4().hex[:12]
        record.append("run.started", {"run_id": run_id, "phase": phase, "options": {"state": self._params["state"]}})
        status = "failed"
        try:
            result = call()
            status = "ok"
            return result
        finally:
            record.append("run.finished", {"run_id": run_id, "phase": phase, "status": status, "summary": {}})

    def _frozen(
        self, cluster: Cluster, look: FreezeLook, changes: ChangeList, paused: t.Sequence[LoadJob]
    ) -> t.Dict[str, t.Any]:
        return {
            **_changes(changes),
            "frozen": look.frozen,
            "frontends": look.switch.told(),
            "dead_frontends": [one.address for one in look.switch.dead],
            "jobs": [
                {"kind": job.kind, "database": job.database, "name": job.name, "state": job.word} for job in look.jobs
            ],
            "lift_command": lift_command(cluster, paused) + same_host_note(cluster),
            "waits": self._waits(),
        }

    def _lift(self, cluster: Cluster, journal: FreezeJournal, seconds: float) -> t.Dict[str, t.Any]:
        past = recorded(journal.entries, of_freeze(cluster.cluster_id))
        ours = {resource: one for resource, one in past.items() if one.changes}
        if (
            ours
            and last_end(journal.entries) == COMMITTED_KIND
            and not as_bool(self._params["after_commit"], "after_commit")
        ):
            raise MigrationError(
                "starrocks.already_on_target",
                "The freeze stays: its cutover is committed, so clients write to the target. Loads into the source "
                "would be seen by nobody there. If you have sent the clients back, set after_commit=true.",
            )
        before = stopped_before(
            [entry.data for entry in journal.entries if entry.kind == FOUND_KIND], cluster.cluster_id
        )
        if self._check_mode or not (ours or unended(journal.entries, cluster.cluster_id)):
            changes = Thaw(cluster, ours, before).predict() if ours else ChangeList()
            return self._lifted(cluster, changes, ours, None)
        record = self._open(cluster, journal)
        thawed = self._run(record, "lift", lambda: thaw_all(cluster, record, self._clock, seconds))
        return self._lifted(cluster, record.changes, ours, thawed)

    def _lifted(
        self, cluster: Cluster, changes: ChangeList, ours: t.Mapping[str, Recorded], thawed: t.Optional[Thawed]
    ) -> t.Dict[str, t.Any]:
        look = Thaw(cluster, {}, ()).look()
        return {
            **_changes(changes),
            "frozen": look.frozen,
            "frontends": look.switch.told(),
            "dead_frontends": [one.address for one in look.switch.dead],
            "jobs": [
                {"kind": job.kind, "database": job.database, "name": job.name, "state": job.word} for job in look.jobs
            ],
            "kept": list(thawed.kept) if thawed is not None else [],
            "ours": sorted(ours),
            "waits": self._waits(),
        }

    def _waits(self) -> t.List[t.Dict[str, t.Any]]:
        return [] if self._record is None else [wait.as_result() for wait in self._record.waits.values()]


def _changes(changes: ChangeList) -> t.Dict[str, t.Any]:
    return {"changed": changes.changed, "changes": changes.as_result(), "diff": changes.diff()}
