# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the app env module: read, plan, send, read back, wait until it is in effect."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import envs
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import Options, read_options
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.envs_propagation import Propagation, Subject
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call, send_call


class AppEnvTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._cluster = ""
        self._past: t.Dict[str, Recorded] = {}
        self._changed_at: t.Dict[str, float] = {}
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        connection = Connection.from_params(self._params)
        options = read_options(self._params)
        store = SettingsJournal(
            self._params,
            self._redactor,
            self._clock,
            restoring="state=restored" if options.state == "restored" else "",
        )
        try:
            with MetaClient(connection.meta_servers, connection.settings, self._clock) as client:
                self._work(client, connection, options, store)
        finally:
            store.close()
        return self.result

    def _work(self, client: MetaClient, connection: Connection, options: Options, store: SettingsJournal) -> None:
        self._cluster = client.cluster_info().cluster_name
        self._past = recorded(store.entries, f"pegasus:{self._cluster}/table/")
        before = self._tables(client, self._present(client, options) if options.ignore_missing else options.tables)
        wanted = [self._wanted(options, app) for app in before.values()]
        calls = [call for one in wanted for call in envs.plan_calls(self._cluster, one, before[one.table].envs)]
        restored = self._restored(options, before)
        self._tell(options, before, wanted, calls, restored)
        self._warn(*envs.left_in_replicas(self._cluster, wanted, {name: app.envs for name, app in before.items()}))
        if self._check_mode:
            return
        store.settle(*self._settled(before, wanted))
        for number, call in enumerate(calls, start=1):
            self._send(client, call, store)
            self._tell_calls(calls[:number])
        store.conclude(restored)
        after = self._tables(client, list(before)) if calls else before
        for shown in self.result["tables"]:
            shown["envs"] = dict(after[shown["table"]].envs)
        self._tell_others(before, after, wanted)
        if options.wait_propagated:
            self._wait(client, connection, options, after, wanted, calls, store)

    def _present(self, client: MetaClient, options: Options) -> t.List[str]:
        """Those of the tables that the cluster has; the others are told, and have nothing that could be taken away."""
        there = {app.name for app in client.list_apps() if app.status not in ("DROPPING", "DROPPED")}
        missing = [name for name in options.tables if name not in there]
        self.result["missing"] = missing
        if missing:
            self._warn(
                f"Cluster {self._cluster} has no table {', '.join(missing)} (any more), so there was nothing to be "
                "done for it. If it was renamed, its envs are still as they were."
            )
        return [name for name in options.tables if name in there]

    def _tables(self, client: MetaClient, names: t.Sequence[str]) -> t.Dict[str, App]:
        """The tables by name; all that are missing or not available are told of at once."""
        apps = {app.name: app for app in client.list_apps() if app.status != "DROPPED"}
        missing = [name for name in names if name not in apps]
        if missing:
            raise MigrationError(
                "pegasus.app_not_found",
                f"tables: cluster {self._cluster} has no table {', '.join(missing)}. Check the names (upper and "
                "lower case differ).",
                details={"tables": missing},
            )
        busy = [f"{name} ({apps[name].status})" for name in names if not apps[name].available]
        if busy:
            raise MigrationError(
                "pegasus.app_not_available",
                f"tables: {', '.join(busy)} cannot be changed now. Wait until they are AVAILABLE.",
                details={"tables": busy},
            )
        return {name: apps[name] for name in names}

    def _recorded_keys(self, options: Options, table: str) -> t.Dict[str, Recorded]:
        """What the journal has of each env of the table, by key; only of those that are asked for, if any are."""
        prefix = envs.resource_prefix(self._cluster, table)
        keys = {name[len(prefix) :]: past for name, past in self._past.items() if name.startswith(prefix)}
        return {key: past for key, past in keys.items() if not options.envs or key in options.envs}

    def _wanted(self, options: Options, app: App) -> envs.Wanted:
        if options.state != "restored":
            return envs.wanted_envs(app.name, options.state, options.envs, options.prefix, app.envs)
        back = {
            key: past.original
            for key, past in self._recorded_keys(options, app.name).items()
            if decide(past, app.envs.get(key)).action == "restore"
        }
        return envs.Wanted(app.name, back, RESTORE)

    def _restored(self, options: Options, before: t.Mapping[str, App]) -> t.List[t.Dict[str, t.Any]]:
        if options.state != "restored":
            return []
        found = []
        for table, app in before.items():
            for key, past in self._recorded_keys(options, table).items():
                if past.changes:
                    now = app.envs.get(key)
                    name = envs.resource(self._cluster, table, key)
                    found.append(restore_record(name, past, now, decide(past, now)))
        return found

    def _settled(
        self, before: t.Mapping[str, App], wanted: t.Sequence[envs.Wanted]
    ) -> t.Tuple[t.Dict[str, Recorded], t.Dict[str, t.Any]]:
        """Envs of these tables of which a killed run left a change open, and what they are now."""
        past: t.Dict[str, Recorded] = {}
        now: t.Dict[str, t.Any] = {}
        for one in wanted:
            prefix = envs.resource_prefix(self._cluster, one.table)
            for name, record in self._past.items():
                if name.startswith(prefix) and record.pending:
                    past[name], now[name] = record, before[one.table].envs.get(name[len(prefix) :])
        return past, now

    def _send(self, client: MetaClient, call: envs.EnvCall, store: SettingsJournal) -> None:
        def look() -> t.List[t.Optional[str]]:
            app = client.app(call.table)
            if app is None:
                raise MigrationError("pegasus.app_not_found", f"Table {call.table} is gone while its envs were set.")
            return [app.envs.get(key) for key in call.keys]

        def send() -> str:
            return client.update_app_env(call.table, call.op, call.keys, call.values)

        send_call(Call(call.changes, send, look), store.open(), self._clock)
        self._changed_at[call.table] = self._clock.now().timestamp()

    def _tell(
        self,
        options: Options,
        before: t.Mapping[str, App],
        wanted: t.Sequence[envs.Wanted],
        calls: t.Sequence[envs.EnvCall],
        restored: t.Sequence[t.Mapping[str, t.Any]],
    ) -> None:
        tables = []
        for one in wanted:
            app = before[one.table]
            after = {key: value for key, value in {**app.envs, **one.envs}.items() if value is not None}
            shown = after if self._check_mode else app.envs
            tables.append({"table": one.table, "app_id": app.app_id, "former": dict(app.envs), "envs": dict(shown)})
        self.result.update(cluster_name=self._cluster, tables=tables)
        if options.state == "restored":
            self.result["restore"] = list(restored)
        self._tell_calls(calls if self._check_mode else [])

    def _tell_calls(self, calls: t.Sequence[envs.EnvCall]) -> None:
        """What was sent and read back so far (in check mode, what would be)."""
        changes = ChangeList(change for call in calls for change in call.changes)
        self.result.update(
            changes=changes.as_result(),
            calls=[call.request for call in calls],
            diff=changes.diff(),
            changed=changes.changed,
        )

    def _tell_others(
        self, before: t.Mapping[str, App], after: t.Mapping[str, App], wanted: t.Sequence[envs.Wanted]
    ) -> None:
        others = {
            one.table: envs.others_changed(before[one.table].envs, after[one.table].envs, one.envs) for one in wanted
        }
        self.result["others_changed"] = {table: found for table, found in others.items() if found}
        if self.result["others_changed"]:
            self._warn(
                f"Envs of {', '.join(self.result['others_changed'])} that this task did not touch changed in the same "
                "moment. The meta server writes the whole map at once, so a change made at the same time can be lost; "
                "see others_changed, and set again what is missing."
            )

    def _warn(self, *texts: str) -> None:
        if texts:
            self.result.setdefault("warnings", []).extend(texts)

    def _wait(
        self,
        client: MetaClient,
        connection: Connection,
        options: Options,
        after: t.Mapping[str, App],
        wanted: t.Sequence[envs.Wanted],
        calls: t.Sequence[envs.EnvCall],
        store: SettingsJournal,
    ) -> None:
        subjects = [self._subject(after[one.table], tuple(one.envs), calls) for one in wanted if one.envs]
        with ReplicaClient(connection.settings, self._clock) as replicas:
            propagation = Propagation(client, client.profile, replicas, self._clock)
            proved = propagation.prove(subjects, options.propagation_timeout)
        self._still_there(client, after, wanted)
        self.result["propagated"] = [one.as_result() for one in proved]
        journal = store.open() if calls else None
        if journal is not None:
            items = [{"subject": one.table, "evidence": one.as_result()} for one in proved]
            journal.append("proof", {"kind": "pegasus.envs_in_effect", "passed": True, "items": items})

    def _subject(self, app: App, keys: t.Tuple[str, ...], calls: t.Sequence[envs.EnvCall]) -> Subject:
        own = [call for call in calls if call.table == app.name]
        in_one_call = len(own) == 1 and DENY_KEY in own[0].keys and set(keys) <= set(own[0].keys)
        since = self._changed_at.get(app.name)
        if since is None:
            # Not changed now. When it was is known from the journal, or it was just now for all that anybody knows.
            times = [self._past.get(envs.resource(self._cluster, app.name, key), NOTHING).last_done for key in keys]
            known = [one for one in times if one is not None]
            since = max(known) if len(known) == len(keys) else self._clock.now().timestamp()
        return Subject(app, keys, since, in_one_call)

    def _still_there(self, client: MetaClient, after: t.Mapping[str, App], wanted: t.Sequence[envs.Wanted]) -> None:
        """What has reached the servers is what the meta server had in the meantime, so it must have been ours."""
        now = self._tables(client, list(after))
        for one in wanted:
            moved = [key for key, value in one.envs.items() if now[one.table].envs.get(key) != value]
            if moved:
                raise MigrationError(
                    "pegasus.setting_contested",
                    f"{one.table}: somebody else changed {', '.join(moved)} while it was on its way to the replica "
                    "servers. Agree on who sets it, and run again.",
                    details={"table": one.table, "keys": moved},
                )
