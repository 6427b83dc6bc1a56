# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Taking everything of a rehearsal away again, from whatever point it had come to.

Order: its guard has ended -> the config-sync intervals are put back -> its duplications -> its znode -> its table on
the target -> its table on the source. Each is touched only on evidence that it is the shadow table's.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, recorded
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, requests, switch, table_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_past as rp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reconcile import reconcile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals, fenced_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_rules import (
    View,
    not_ours,
    resource,
    state_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

_RESERVE_SECONDS = 60
"""A shadow table is nothing to recall; its room is given back soon."""
_GUARD_SECONDS = 60.0
_LOOK = 0.5
_GONE: t.Mapping[str, t.Any] = {"now": None, "reason": "the shadow table is gone"}


class Clearer:
    """What is left of one rehearsal. ``cluster_name``: the source as duplication knows it, "" for its own name."""

    def __init__(
        self, eyes: Eyes, entries: t.Sequence[Entry], rehearsal: rp.Rehearsal, place: GuardPlace, cluster_name: str
    ) -> None:
        self._eyes = eyes
        self._clock: Clock = eyes.clock
        self._entries = entries
        self._rehearsal = rehearsal
        self._table = rehearsal.table
        self._place = place
        self._clusters = eyes.clusters()
        self._require_same()
        self._past = cp.read_past(entries)
        self._cluster = self._clusters.source.cluster_name
        self._master = cluster_name or self._cluster

    def _require_same(self) -> None:
        wanted = (self._rehearsal.cluster, self._rehearsal.target)
        found = (self._clusters.source.cluster_name, self._clusters.target.cluster_name)
        if wanted != found:
            raise MigrationError(
                "pegasus.rehearsal_elsewhere",
                f"The journal's rehearsal was between {wanted[0]} and {wanted[1]}, and these options lead to "
                f"{found[0]} and {found[1]}. Give the meta servers of those, or the journal of these.",
            )

    def predict(self) -> ChangeList:
        """What ``run`` would send."""
        changes = ChangeList()
        for one in self._keeper().left_calls():
            for change in one.changes:
                changes.add(change)
        for call in self._removals():
            for change in call.changes:
                changes.add(change)
        znode = self._znode()
        if znode is not None:
            changes.add(znode[0])
        for drop in (self._target_drop(assume_removed=True), self._source_drop()):
            for change in drop.changes if drop is not None else ():
                changes.add(change)
        return changes

    def run(self, journal: Journal) -> ChangeList:
        """Clear it. MigrationError at what cannot be cleared; run again when that is put right."""
        record = CutoverRecord(journal, self._clock)
        try:
            self._await_guard()
            reconcile(record, self._eyes, self._clusters, self._past, self._place, {})
            self._restore_intervals(record)
            for call in self._removals():
                record.send(call)
            self._remove_znode(record)
            record.send(self._target_drop())
            record.send(self._source_drop())
            self._close(journal, record)
        except MigrationError as error:
            error.details["changed"] = record.changes.changed
            raise
        return record.changes

    def _await_guard(self) -> None:
        """A guard of a killed run ends by itself; then it is dismissed."""
        found = living_guard(self._place)
        left = found.answer.left if found is not None else None
        deadline = Deadline(self._clock, _GUARD_SECONDS + (left or 0.0), "the guard of the rehearsal's fence")
        while found is not None and found.answer.state not in gs.ENDS:
            found.link.close()
            deadline.check()
            deadline.sleep(_LOOK)
            found = living_guard(self._place)
        cp.dismiss(found)

    def _restore_intervals(self, record: CutoverRecord) -> None:
        """All of them, since the rehearsal's journal is closed behind it."""
        left = self._keeper().restore(record, self._clock, lambda: fenced_tables(self._eyes.source, {self._table}))
        if left:
            raise MigrationError("pegasus.intervals_left", left[0].remedy, details={"left": left[0].evidence})

    def _keeper(self) -> IntervalKeeper:
        return IntervalKeeper(Intervals(self._eyes.replicas, self._cluster), self._clusters, self._past, None)

    def _ours(self) -> t.Optional[model.App]:
        """The shadow table on the source, None when it is gone. ``pegasus.rehearsal_not_ours`` for another one."""
        app = self._eyes.source.app(self._table)
        if app is None or app.status == "DROPPING":
            return None
        made = self._rehearsal.app_id
        if not self._rehearsal.asked or (made is not None and made != app.app_id):
            raise MigrationError(
                "pegasus.rehearsal_not_ours",
                f"The table {self._table} on {self._cluster} (app id {app.app_id}) is not the one that this journal's "
                "rehearsal made, so it is left alone. Find out whose it is.",
                details={"app_id": app.app_id, "made": made},
            )
        return app

    def _removals(self) -> t.List[Call]:
        app = self._ours()
        if app is None or not app.available:
            return []
        found = self._eyes.source.query_duplications(self._table)
        return [self._removal(one) for one in found if one.status != "DS_REMOVED"]

    def _removal(self, one: model.Duplication) -> Call:
        source, table = self._eyes.source, self._table
        before = {"dupid": one.dupid, "status": one.status}
        request = requests.modify_duplication(table, one.dupid, status="DS_REMOVED")
        change = Change(dp.resource(self._cluster, table, one.remote), dp.REMOVE, before, None, request.describe())

        def look() -> t.List[t.Any]:
            there = [now for now in source.query_duplications(table) if now.dupid == one.dupid]
            return [before if there and there[0].status != "DS_REMOVED" else None]

        return Call((change,), lambda: source.modify_duplication(table, one.dupid, status="DS_REMOVED"), look)

    def _znode(self) -> t.Optional[t.Tuple[Change, int]]:
        """The removal of the table's znode, with the version that was read; None when there is nothing of ours."""
        place = self._eyes.request.place
        if place is None:
            self._require_no_znode()
            return None
        name = place.resource(self._table)
        past = self._past.of(name)
        with ZooKeeper(place) as session:
            znode = session.read(self._table)
        if znode is None or not past.changes or past.original is not None:
            return None
        path = place.chroot + place.path(self._table)
        call = {"zookeeper": f"delete {path}", "version": znode.version}
        return Change(name, RESTORE, switch.state(znode.data), None, call), znode.version

    def _require_no_znode(self) -> None:
        """Without the options of ZooKeeper nobody can look for the znode that the journal tells of."""
        left = [name for name, past in self._past.changes.items()
                if name.startswith("zookeeper:") and name.endswith(f"/{self._table}") and past.changes]  # fmt: skip
        if left:
            raise MigrationError(
                "pegasus.rehearsal_znode_left",
                f"switch: the rehearsal has made the znode {left[0][len('zookeeper:') :]}, which is to be removed. Set "
                "switch=metaproxy and its options as they were.",
            )

    def _remove_znode(self, record: CutoverRecord) -> None:
        place, found = self._eyes.request.place, self._znode()
        if place is None or found is None:
            return
        change, version = found
        with ZooKeeper(place) as session:

            def delete() -> t.Dict[str, t.Any]:
                session.delete(self._table, version)
                return {"version": version}

            record.do(change, delete)

    def _target_drop(self, assume_removed: bool = False) -> t.Optional[Call]:
        target = self._eyes.target
        app = target.app(self._table)
        if app is None or app.status == "DROPPING":
            return None
        if not assume_removed and self._removals():
            raise MigrationError("pegasus.dup_present", f"{self._table}: its duplication is still there.")
        info = self._clusters.source
        metas = (*self._eyes.request.connection.meta_servers, *info.meta_servers)
        view = View(
            source=info,
            target=self._clusters.target,
            metas=frozenset(address.lower() for address in metas),
            apps=(),
            target_apps=(app,),
            duplications={},
            target_configs={},
            can_rename=False,
        )
        told = table_past.told(self._entries, [self._table])
        for problem in not_ours(MovedTable(self._table, self._table), app, self._master, view, told):
            raise problem
        return self._drop(target, self._clusters.target.cluster_name, app)

    def _source_drop(self) -> t.Optional[Call]:
        app = self._ours()
        return None if app is None else self._drop(self._eyes.source, self._cluster, app)

    def _drop(self, meta: MetaClient, cluster: str, app: model.App) -> Call:
        before = {"app_id": app.app_id, "name": app.name}
        request = requests.drop_app(app.name, _RESERVE_SECONDS).describe()
        change = Change(resource(cluster, app.name), "drop", before, None, request)
        return Call((change,), lambda: meta.drop_app(app.name, _RESERVE_SECONDS),
                    lambda: [state_of(meta.list_apps(), app.app_id)])  # fmt: skip

    def _close(self, journal: Journal, record: CutoverRecord) -> None:
        """Say of everything that was the shadow table's that it is gone."""
        pending = [entry for entry in journal.pending() if self._is_about(str(entry.data.get("resource")))]
        record.settle(
            (str(entry.data["id"]), "done" if entry.data.get("after") is None else "abandoned", {"evidence": _GONE})
            for entry in pending
        )
        for name, past in recorded(journal.entries, ("pegasus:", "zookeeper:")).items():
            # What was not there before we made it is as it was. A table that others made was only dropped.
            if past.changes and past.original is None and self._is_about(name):
                record.put_back(name, past, None)
        record.append(rp.CLEARED, {"table": self._table})

    def _is_about(self, name: str) -> bool:
        """Whether a resource is the shadow table, something of it, or its znode."""
        return name.endswith(f"/{self._table}") or f"/table/{self._table}/" in name
