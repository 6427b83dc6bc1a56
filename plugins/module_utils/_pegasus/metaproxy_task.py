# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Pointing tables in MetaProxy's ZooKeeper at a cluster, and putting back the very bytes that were there before."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import metaproxy_document as md
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.metaproxy_options import (
    RESTORED,
    TableRequest,
    read_table_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.proxy_client import ask_proxies
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode, ZooKeeper, load_kazoo

_POLL = 0.1
_MAYBE_DONE = ("pegasus.zookeeper_ambiguous", "pegasus.zookeeper_unreachable")


class Write(t.NamedTuple):
    """One znode to be written. ``found`` None: it is made; ``data`` None: it is removed."""

    table: str
    found: t.Optional[Znode]
    data: t.Optional[bytes]
    change: Change


class MetaproxyTableTask:
    """One call of the module."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._made = ChangeList()
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        request = read_table_request(self._params)
        load_kazoo()
        journal = SettingsJournal(self._params, self._redactor, self._clock)
        past = recorded(journal.entries, "zookeeper:")
        try:
            if request.connection is None:
                self._write(request, journal, past, "")
                return self.result
            with MetaClient(request.connection.meta_servers, request.connection.settings, self._clock) as meta:
                self._write(request, journal, past, meta.cluster_info().cluster_name)
                if request.proxies and not self._check_mode:
                    self.result["metaproxies"] = self._await_proxies(request, meta)
            return self.result
        finally:
            journal.close()

    def partial(self) -> t.Dict[str, t.Any]:
        """What was done before a failure."""
        return {**self.result, "changed": self._made.changed and not self._check_mode}

    def _write(
        self, request: TableRequest, journal: SettingsJournal, past: t.Mapping[str, Recorded], cluster: str
    ) -> None:
        with ZooKeeper(request.place) as session:
            found = {table: session.read(table) for table in request.tables}
            if request.state == RESTORED:
                writes = self._restores(request, found, past)
            else:
                writes = [one for one in (self._point(request, table, found[table], cluster)
                                          for table in request.tables) if one is not None]  # fmt: skip
            changes = ChangeList(one.change for one in writes)
            self.result.update(
                changed=changes.changed and self._check_mode,
                changes=changes.as_result(),
                diff=changes.diff(),
                tables=[_told(request, table, found[table], writes) for table in request.tables],
            )
            if self._check_mode:
                return
            self._settle(request, journal, past, found)
            opened = journal.open() if writes else None
            for one in writes:
                self._send(session, one, opened)
        journal.conclude(self.result.get("restore", ()))

    def _point(self, request: TableRequest, table: str, found: t.Optional[Znode], cluster: str) -> t.Optional[Write]:
        path = request.place.chroot + request.place.path(table)
        if found is None:
            if not request.create:
                raise MigrationError(
                    "pegasus.znode_missing",
                    f"There is no znode {path}, so no MetaProxy knows the table {table}; correct tables or "
                    "zookeeper_root, or set create=true.",
                    details={"path": path},
                )
        elif request.expected_cluster:
            now = md.parse(found.data, path).cluster_name
            if now not in (request.expected_cluster, cluster):
                raise MigrationError(
                    "pegasus.znode_points_elsewhere",
                    f"The znode {path} points at {now}, and not at {request.expected_cluster} as expected_cluster "
                    "says; it was left alone.",
                    details={"path": path, "cluster": now},
                )
        data = md.pointing_at(None if found is None else found.data, cluster, request.meta_addrs, path)
        if found is not None and data == found.data:
            return None
        return Write(table, found, data, _change(request, table, found, data, "switch"))

    def _restores(
        self, request: TableRequest, found: t.Mapping[str, t.Optional[Znode]], past: t.Mapping[str, Recorded]
    ) -> t.List[Write]:
        writes: t.List[Write] = []
        records: t.List[t.Dict[str, t.Any]] = []
        for table in request.tables:
            resource = request.place.resource(table)
            changes = past.get(resource, NOTHING)
            znode = found[table]
            now = None if znode is None else switch.state(znode.data)
            decision = decide(changes, now)
            if changes.changes:
                records.append(restore_record(resource, changes, now, decision))
            if decision.action == "restore":
                data = switch.data_of(changes.original)
                writes.append(Write(table, znode, data, _change(request, table, znode, data, RESTORE)))
        self.result["restore"] = records
        return writes

    @staticmethod
    def _settle(
        request: TableRequest,
        journal: SettingsJournal,
        past: t.Mapping[str, Recorded],
        found: t.Mapping[str, t.Optional[Znode]],
    ) -> None:
        now = {}
        for table, znode in found.items():
            now[request.place.resource(table)] = None if znode is None else switch.state(znode.data)
        journal.settle(past, now)

    def _send(self, session: ZooKeeper, one: Write, journal: t.Optional[Journal]) -> None:
        ids = journal.intents([one.change]) if journal is not None else []
        try:
            version = self._act(session, one)
        except MigrationError as error:
            maybe = error.code in _MAYBE_DONE
            if maybe:
                self._made.add(one.change)
            if journal is not None:
                journal.outcomes([(ids[0], "unknown" if maybe else "failed", {"code": error.code})])
            raise
        self._made.add(one.change)
        self.result["changed"] = True
        if journal is not None:
            journal.outcomes([(ids[0], "done", {"evidence": {"version": version}})])

    @staticmethod
    def _act(session: ZooKeeper, one: Write) -> t.Optional[int]:
        if one.data is None:
            session.delete(one.table, one.found.version if one.found is not None else -1)
            return None
        if one.found is None:
            return session.create(one.table, one.data)
        return session.compare_and_set(one.table, one.data, one.found.version)

    def _await_proxies(self, request: TableRequest, meta: MetaClient) -> t.List[t.Dict[str, t.Any]]:
        """Ask every MetaProxy until it answers as the cluster itself does."""
        settings = t.cast(t.Any, request.connection).settings
        deadline = Deadline(self._clock, request.timeout, "timeout: the MetaProxies")
        while True:
            told: t.List[t.Dict[str, t.Any]] = []
            for table in request.tables:
                config = meta.query_config(table)
                look = switch.judge_proxies(ask_proxies(request.proxies, table, settings, self._clock), None, config)
                told += [{"address": address, "table": table, "follows": look.sides.get(address) == switch.TARGET}
                         for address in request.proxies]  # fmt: skip
            rest = sorted({one["address"] for one in told if not one["follows"]})
            if not rest:
                return told
            if deadline.expired:
                self.result["metaproxies"] = told
                raise MigrationError(
                    "pegasus.metaproxy_not_switched",
                    f"The znodes are written, but {', '.join(rest)} still answers otherwise; restart what has lost its "
                    "watch of ZooKeeper, and run again.",
                    details={"metaproxies": rest},
                )
            deadline.sleep(_POLL)


def _change(
    request: TableRequest, table: str, found: t.Optional[Znode], data: t.Optional[bytes], action: str
) -> Change:
    path = request.place.chroot + request.place.path(table)
    verb = "delete" if data is None else "create" if found is None else "set"
    call: t.Dict[str, t.Any] = {"zookeeper": f"{verb} {path}"}
    if found is not None:
        call["version"] = found.version
    if data is not None:
        call["data"] = switch.text(data)
    before = None if found is None else switch.state(found.data)
    return Change(request.place.resource(table), action, before, switch.state(data), call)


def _told(request: TableRequest, table: str, found: t.Optional[Znode], writes: t.Sequence[Write]) -> t.Dict[str, t.Any]:
    path = request.place.chroot + request.place.path(table)
    data = None if found is None else found.data
    after = next((one.data for one in writes if one.table == table), data)
    return {"name": table, "path": path, "former": md.says(data, path), "document": md.says(after, path)}
