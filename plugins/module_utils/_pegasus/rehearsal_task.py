# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the rehearsal module: make the shadow table, cut it over, or clear everything of it away."""

from __future__ import annotations

import secrets
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import MEASURED
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_options as co
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_past as rp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_level import SUFFIX
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_clear import Clearer
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_make import Maker
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_options import (
    ABSENT,
    PREFIX,
    PRESENT,
    cutover_params,
    read_rehearsal_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_run import Rehearser
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper, load_kazoo

PHASE = "rehearsal"


class RehearsalTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        self._options = read_rehearsal_options(self._params)
        # The cutover's options are checked at the beginning, and not when the shadow table is there.
        request = co.read_request(cutover_params(self._params, f"{PREFIX}0"))
        if request.place is not None:
            load_kazoo()
        self.result["target_meta_servers"] = list(self._options.connection.target_meta_servers)
        self.result["remote_cluster"] = request.remote_cluster
        store = SettingsJournal(self._params, self._redactor, self._clock)
        found = rp.read_rehearsals(store.entries)
        now = rp.unfinished(found)
        levels = recorded(store.entries, "pegasus:")
        self.result["left"] = now is not None or any(
            name.endswith(SUFFIX) and past.changes for name, past in levels.items()
        )
        try:
            if self._options.state == PRESENT:
                self._present(request, store, found, now)
            elif self._options.state == ABSENT:
                self._absent(request, store, now)
            else:
                self._cut_over(store, found, now)
        finally:
            store.close()
        return self.result

    def _tell(self, table: str, changes: ChangeList, summary: str) -> None:
        self.result.update(
            table=table,
            changed=changes.changed,
            changes=changes.as_result(),
            diff=changes.diff(),
            summary=summary,
        )

    def _present(
        self,
        request: co.CutoverRequest,
        store: SettingsJournal,
        found: t.Sequence[rp.Rehearsal],
        now: t.Optional[rp.Rehearsal],
    ) -> None:
        options = self._options
        if now is not None and now.made:
            self._tell(now.table, ChangeList(), f"{now.table} is there already")
            self.result["remote_cluster"] = request.remote_cluster or now.target
            return
        if now is not None:
            raise MigrationError(
                "pegasus.rehearsal_unfinished",
                f"A rehearsal with {now.table} was begun in this journal and did not get far. Clear it away with "
                "state=absent first.",
            )
        table = options.table or PREFIX + secrets.token_hex(4)
        if any(one.table == table for one in found):
            raise MigrationError(
                "pegasus.rehearsal_name_used",
                f"table: {table} was this journal's shadow table before, and what the journal says of that one would "
                "be taken for the new one's. Leave the option out, or give another name.",
            )
        eyes = Eyes(request, self._clock)
        try:
            clusters = eyes.clusters()
            self.result["remote_cluster"] = clusters.remote
            maker = Maker(eyes.source, options, table, self._clock)
            maker.require_free(f"source ({clusters.source.cluster_name})", eyes.source)
            maker.require_free(f"target ({clusters.target.cluster_name})", eyes.target)
            self._require_no_znode(request, table)
            if self._check_mode:
                self._tell(table, ChangeList([maker.change()]), f"{table} would be made")
                return
            journal = _opened(store)
            where = {"cluster": clusters.source.cluster_name, "target": clusters.target.cluster_name}
            journal.append(rp.STARTED, {"table": table, **where})
            try:
                maker.make(journal)
                stored = maker.fill(journal)
            finally:
                self._tell(table, maker.changes, f"{table} was asked for")
            self._tell(table, maker.changes, f"{table} is there, with {stored} records")
        finally:
            eyes.close()

    @staticmethod
    def _require_no_znode(request: co.CutoverRequest, table: str) -> None:
        if request.place is None:
            return
        with ZooKeeper(request.place) as session:
            if session.read(table) is not None:
                raise MigrationError(
                    "pegasus.rehearsal_name_taken",
                    f"table: MetaProxy's ZooKeeper knows a table {table} already, so that name is left alone. Leave "
                    "the option out, or give another name.",
                )

    def _absent(self, request: co.CutoverRequest, store: SettingsJournal, now: t.Optional[rp.Rehearsal]) -> None:
        if now is None:
            self._tell("", ChangeList(), "no rehearsal has left anything")
            return
        eyes = Eyes(request, self._clock)
        try:
            place = GuardPlace.of(str(self._params["journal"]))
            name = str(self._params.get("cluster_name") or "").strip()
            clearer = Clearer(eyes, store.entries, now, place, name)
            if self._check_mode:
                self._tell(now.table, clearer.predict(), f"everything of {now.table} would be taken away")
                return
            self._tell(now.table, clearer.run(_opened(store)), f"everything of {now.table} is taken away")
        finally:
            eyes.close()

    def _cut_over(self, store: SettingsJournal, found: t.Sequence[rp.Rehearsal], now: t.Optional[rp.Rehearsal]) -> None:
        if now is None or not now.made:
            if self._check_mode:
                self._tell("", ChangeList(), "the shadow table that a real run cuts over is not there")
                return
            raise MigrationError(
                "pegasus.rehearsal_missing",
                "This journal knows of no shadow table that is whole. Make it with state=present first.",
            )
        if now.measured is not None:
            self._tell(now.table, ChangeList(), f"{now.table} was cut over already")
            self.result["measured"] = now.measured
            return
        rehearser = Rehearser(self._params, now.table, self._redactor, self._clock)
        try:
            self._rehearse(rehearser, store, now.table)
        finally:
            rehearser.close()

    def _rehearse(self, rehearser: Rehearser, store: SettingsJournal, table: str) -> None:
        if self._check_mode:
            self._tell(table, ChangeList(), f"{table} would be cut over")
            return
        run_id = uuid.uuid4().hex[:12]
        journal = _opened(store)
        journal.append("run.started", {"run_id": run_id, "phase": PHASE, "options": {"table": table}})
        self._tell(table, ChangeList(), f"{table} is being cut over")
        self.result["changed"] = True
        rehearser.measure(journal)
        # The cutover opens the journal for itself.
        store.close()
        try:
            result = rehearser.cut_over()
        except MigrationError:
            self.result.update(rehearser.task.partial() if rehearser.task is not None else {})
            self.result["changed"] = True
            raise
        journal = _opened(store)
        measured = rehearser.figures(journal.entries)
        journal.append(MEASURED, measured)
        done = {"run_id": run_id, "phase": PHASE, "status": "ok", "summary": measured}
        journal.append("run.finished", done)
        self.result.update(
            changes=result["changes"],
            diff=result["diff"],
            measured=measured,
            summary=f"{table}: writes were refused for {measured['refused']} s",
        )


def _opened(store: SettingsJournal) -> Journal:
    journal = store.open()
    if journal is None:
        raise MigrationError("internal.error", "the rehearsal has no journal")
    return journal
