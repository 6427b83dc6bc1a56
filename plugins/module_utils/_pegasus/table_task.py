# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the table module: look at both clusters, decide, write down, send, read back."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded, recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import table_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import TARGET_META_SERVERS, Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call, send_call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import (
    FOLLOWER_DROPPED,
    TableOptions,
    read_table_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_renamed import known_duplications, renamed
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_rules import (
    Step,
    Told,
    View,
    plan,
    resource,
    state_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.two_clusters import require_two_clusters

_SUMMARY = {
    "renamed": "{n} of {all} tables renamed on {cluster}",
    "dropped": "{n} of {all} tables dropped on {cluster}",
    FOLLOWER_DROPPED: "{n} of {all} followers dropped on {cluster}",
}


class TableTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        connection = Connection.from_params(self._params)
        options = read_table_options(self._params)
        store = SettingsJournal(self._params, self._redactor, self._clock)
        settings = connection.settings
        try:
            with MetaClient(connection.meta_servers, settings, self._clock) as source:
                with MetaClient(
                    connection.target_meta_servers, settings, self._clock, option=TARGET_META_SERVERS
                ) as target:
                    self._work(connection, source, target, options, store)
        finally:
            store.close()
        return self.result

    def _work(
        self,
        connection: Connection,
        source: MetaClient,
        target: MetaClient,
        options: TableOptions,
        store: SettingsJournal,
    ) -> None:
        view = _look(connection, source, target, options, store)
        told = table_past.told(store.entries, [table.name for table in options.tables])
        if self._check_mode:
            view = _without_ours(view, told)
        steps = plan(options, view, told)
        self._tell(options, view, steps, len(steps) if self._check_mode else 0)
        if self._check_mode:
            return
        store.settle(*_unsettled(store, options, view))
        for number, step in enumerate(steps, start=1):
            self._send(target if step.on_target else source, step, store)
            self._tell(options, view, steps, number)

    def _send(self, client: MetaClient, step: Step, store: SettingsJournal) -> None:
        change, app_id = step.change, step.app_id
        if change is None or app_id is None:
            return
        name, seconds = change.before["name"], (change.request["fields"].get("options") or {}).get("reserve_seconds")

        def send() -> None:
            if step.new_name:
                client.rename_app(name, step.new_name)
            else:
                client.drop_app(name, seconds)

        send_call(Call((change,), send, lambda: [state_of(client.list_apps(), app_id)]), store.open(), self._clock)

    def _tell(self, options: TableOptions, view: View, steps: t.Sequence[Step], number: int) -> None:
        """The result after the first ``number`` steps (in check mode, as if all were sent)."""
        done = steps[:number]
        changes = ChangeList(step.change for step in done if step.change is not None)
        cluster = view.target if options.state == FOLLOWER_DROPPED else view.source
        self.result.update(
            tables=[
                {
                    "table": step.table.name,
                    "remote_table": step.table.remote,
                    "app_id": step.app_id,
                    "found": step.change is not None,
                    "new_name": step.new_name or None,
                }
                for step in steps
            ],
            cluster_name=cluster.cluster_name,
            changes=changes.as_result(),
            diff=changes.diff(),
            changed=changes.changed,
            summary=_SUMMARY[options.state].format(n=len(changes), all=len(steps), cluster=cluster.cluster_name),
        )


def _look(
    connection: Connection, source: MetaClient, target: MetaClient, options: TableOptions, store: SettingsJournal
) -> View:
    info, target_info = source.cluster_info(), target.cluster_info()
    require_two_clusters(info, target_info)
    apps, target_apps = source.list_apps(), target.list_apps()
    there = {app.name for app in apps if app.available}
    there_remote = {app.name for app in target_apps if app.available}
    known = known_duplications(store.entries, info.cluster_name)
    return View(
        source=info,
        target=target_info,
        metas=frozenset(address.lower() for address in (*connection.meta_servers, *info.meta_servers)),
        apps=apps,
        target_apps=target_apps,
        duplications={one.name: source.query_duplications(one.name) for one in options.tables if one.name in there},
        target_configs={
            one.remote: target.query_config(one.remote) for one in options.tables if one.remote in there_remote
        },
        can_rename=source.profile.has_rename_app,
        renamed=renamed(source, apps, options.tables, known),
    )


def _without_ours(view: View, told: Told) -> View:
    """In check mode nobody has removed our duplications, though a real run would have by now."""
    left = {
        name: tuple(one for one in found if one.remote not in told.duplicated.get(name, ()))
        for name, found in view.duplications.items()
    }
    return dataclasses.replace(view, duplications=left)


def _unsettled(
    store: SettingsJournal, options: TableOptions, view: View
) -> t.Tuple[t.Dict[str, Recorded], t.Dict[str, t.Any]]:
    """Changes of these tables that a killed run left open, and what is there now."""
    on_target = options.state == FOLLOWER_DROPPED
    cluster, apps = (view.target, view.target_apps) if on_target else (view.source, view.apps)
    past: t.Dict[str, Recorded] = {}
    now: t.Dict[str, t.Any] = {}
    for name, record in recorded(store.entries, f"pegasus:{cluster.cluster_name}/table/").items():
        ours = [
            one
            for one in options.tables
            if name == resource(cluster.cluster_name, one.remote if on_target else one.name)
        ]
        if ours and record.pending and isinstance(record.original, t.Mapping):
            past[name], now[name] = record, state_of(apps, int(record.original["app_id"]))
    return past, now
