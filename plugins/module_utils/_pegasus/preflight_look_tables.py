# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looks at one table on the source; what cannot be read is told with its reason."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_counters as counters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    App,
    Duplication,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import (
    ClusterView,
    TableRequest,
    TableView,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient

Value = t.TypeVar("Value")

_ENDED = ("INVALID", "SUCCEED", "FAILED", "CANCELED")
"""Bulk loads that are over, or never were."""


class TableLook:
    """Looks at tables; what is told for all tables at once is asked for once. May be used by several threads."""

    def __init__(
        self,
        source: ClusterView,
        replicas: ReplicaClient,
        counted: Answers[counters.Counted],
        entries: t.Sequence[Entry],
        journaled: bool,
    ) -> None:
        self._source = source
        self._counted = counted
        self._entries = entries
        self._journaled = journaled
        self._decrees: dict[int, dict[int, int]] = {}
        if source.profile.slow_empty_checkpoint:
            for infos in replicas.replica_infos(source.alive).good.values():
                for info in infos:
                    if info.primary:
                        self._decrees.setdefault(info.app_id, {})[info.index] = info.last_committed_decree

    def at(self, meta: MetaClient, request: TableRequest) -> TableView:
        """What the meta server tells of one table, and what was told of it among all tables."""
        app = self._source.app(request.name)
        if app is None or not app.available:
            return TableView(request, app)
        problems: dict[str, str] = {}
        name = app.name
        config = _try(lambda: meta.query_config(name), "config", problems)
        duplications = _try(lambda: _duplications(meta, name), "duplications", problems)
        return TableView(
            request=request,
            app=app,
            config=config,
            duplications=duplications,
            splitting=_try(lambda: _splitting(meta, app), "splitting", problems),
            bulk_load=_try(lambda: _bulk_load(meta, app), "bulk_load", problems),
            decrees=self._decrees.get(app.app_id, {}),
            size_mb=counters.size_mb(self._counted, app),
            own_dupids=self._own(name, duplications or ()),
            journaled=self._journaled,
            problems=problems,
        )

    def _own(self, name: str, duplications: t.Sequence[Duplication]) -> frozenset[int]:
        # By what the cluster calls itself, as the duplication's own module writes it; see dup_cluster_name.
        cluster = self._source.info.cluster_name
        places = {one.dupid: duplication_past.resource(cluster, name, one.remote) for one in duplications}
        past = duplication_past.read_past(self._entries, places.values())
        return frozenset(
            one.dupid for one in duplications if past[places[one.dupid]].owner(one) != duplication_past.OTHER
        )


def _duplications(meta: MetaClient, name: str) -> tuple[Duplication, ...]:
    try:
        return meta.query_duplications(name)
    except MigrationError as error:
        if error.code == "pegasus.duplication_disabled":
            return ()
        raise


def _splitting(meta: MetaClient, app: App) -> dict[int, str]:
    status = meta.split_status(app.name)
    if status is None:
        return {}
    return dict(status.partitions) or dict.fromkeys(range(app.partition_count // 2), "UNKNOWN")


def _bulk_load(meta: MetaClient, app: App) -> str:
    if app.bulk_loading is False:
        return ""
    found = meta.bulk_load_status(app.name)
    running = app.bulk_loading or found.running or (found.running is None and found.status not in _ENDED)
    return found.status if running else ""


def _try(call: t.Callable[[], Value], name: str, problems: dict[str, str]) -> Value | None:
    try:
        return call()
    except MigrationError as error:
        problems[name] = error.message
        return None


def with_data_versions(tables: t.Sequence[TableView], replicas: ReplicaClient) -> list[TableView]:
    """The tables with what the servers that host them tell of their data; each server is asked for one at a time."""
    hosts = {table.usable.app_id: table.config.members for table in tables if table.usable and table.config}
    told = replicas.data_versions(hosts)
    return [
        dataclasses.replace(table, data_versions=told[table.usable.app_id]) if table.usable and table.config else table
        for table in tables
    ]
