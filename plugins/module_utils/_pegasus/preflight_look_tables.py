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
    BulkLoadStatus,
    Duplication,
    SplitStatus,
    TableConfig,
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
_NO_SUCH_FEATURE = "pegasus.handler_not_found"


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
            splitting=_try(lambda: _splitting(meta, app, config), "splitting", problems),
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


def _splitting(meta: MetaClient, app: App, config: TableConfig | None) -> dict[int, str]:
    """By index the partitions that are being split; empty only where nothing speaks for a split.

    :raises MigrationError: it is not told
    """
    try:
        status = meta.split_status(app.name)
    except MigrationError as error:
        if error.code != _NO_SUCH_FEATURE:
            raise
        # The meta server answers everything else; what it cannot even be asked for, it does not do.
        status = SplitStatus(0, {})
    if status is None:
        return {}
    running = {index: state for index, state in status.partitions.items() if state != "NOT_SPLIT"}
    if running:
        return running
    if status.new_partition_count not in (0, app.partition_count):
        return dict.fromkeys(range(max(1, status.new_partition_count // 2)), "UNKNOWN")
    # A split gives the table its new number of partitions at once, and those that are new have no primary at first.
    if config is None or config.partition_count != app.partition_count or config.without_primary:
        raise MigrationError(
            "pegasus.invalid_state",
            "The meta server names no partition that is being split, but not every one is known to have a primary, and "
            "the new ones of a split have none at first.",
        )
    return {}


def _bulk_load(meta: MetaClient, app: App) -> str:
    """What a bulk load is doing; empty for none. :raises MigrationError: it is not told"""
    if app.bulk_loading is False:
        return ""
    try:
        found = meta.bulk_load_status(app.name)
    except MigrationError as error:
        if error.code not in ("pegasus.invalid_state", _NO_SUCH_FEATURE):
            raise
        # The table has none, as for a split; or the server knows none.
        found = BulkLoadStatus("", False)
    # A server that runs one always tells its status.
    going_on = [word for word in (found.status, *found.partitions) if word and word not in _ENDED]
    running = app.bulk_loading or found.running or (found.running is None and bool(going_on))
    return (going_on or [found.status or "UNKNOWN"])[0] if running else ""


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
