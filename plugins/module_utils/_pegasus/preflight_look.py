# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looks at everything that preflight judges. Only reads, but for the refused question of ``preflight_probe``."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_counters as counters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fan_out import each
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_pool import MetaPool
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import META_SERVERS, TARGET_META_SERVERS
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_look_atomic import AtomicWatch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_look_proxies import (
    look_at_znodes,
    with_clients,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_look_tables import (
    TableLook,
    with_data_versions,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_probe import probe
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import PreflightRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient

TABLES_AT_ONCE = 8
"""So many questions at once are no load for a meta server."""
_NOT_ASKED = v.ProbeAnswer(v.UNCLEAR, "It was not asked, because a name is not known.")
_SOURCE_FLAGS = (v.WRITE_SIZE, v.CONFIG_SYNC, v.GROUP_CHECK, v.NFS_SEND_RATE)
_TARGET_FLAGS = (v.WRITE_SIZE, v.NFS_COPY_RATE)


def take_view(request: PreflightRequest, entries: t.Sequence[Entry], clock: Clock) -> v.View:
    """All that is judged. ``entries`` of the journal tell which duplications are ours.

    The number of requests is fixed for the clusters and their servers; each table adds a few to the meta server and one
    to each server that hosts it. Where servers of 2.6 have counted atomic writes, this takes ``WATCHED_SECONDS``.

    :raises MigrationError: a cluster could not be looked at at all; a library is missing
    """
    given, settings = request.connection, request.connection.settings
    with MetaClient(given.meta_servers, settings, clock, option=META_SERVERS) as source_meta, MetaClient(
        given.target_meta_servers, settings, clock, option=TARGET_META_SERVERS
    ) as target_meta, ReplicaClient(settings, clock) as replicas:
        source, target = _meet_both(request, source_meta, target_meta)
        source, target = _probed(source_meta, source, target), _probed(target_meta, target, source)
        source, target = _told(replicas, source, _SOURCE_FLAGS), _told(replicas, target, _TARGET_FLAGS)
        watch = AtomicWatch(lambda: counters.ask(source.alive, source.profile, replicas, settings, clock), clock)
        on_target = counters.ask(target.alive, target.profile, replicas, settings, clock)
        target = dataclasses.replace(target, disk_available_mb=counters.available_mb(on_target))
        look = TableLook(source, replicas, watch.first, entries, request.journaled)
        primary = source_meta.primary
        addresses = (primary, *(address for address in given.meta_servers if address != primary))
        tables = _each_table(look, request, addresses, clock)
        tables = watch.end(with_data_versions(tables, replicas), source.profile)
    way, znodes = look_at_znodes(request)
    return v.View(source, target, with_clients(tables, way, znodes, settings, clock), way)


def _each_table(
    look: TableLook, request: PreflightRequest, addresses: tuple[str, ...], clock: Clock
) -> list[v.TableView]:
    """Several tables at once, each on a connection that nobody else uses meanwhile."""

    def one(table: v.TableRequest) -> v.TableView:
        with metas.client() as meta:
            return look.at(meta, table)

    settings = request.connection.settings
    with MetaPool(lambda: MetaClient(addresses, settings, clock, option=META_SERVERS)) as metas:
        return each(request.tables, one, TABLES_AT_ONCE)


def _meet_both(
    request: PreflightRequest, source_meta: MetaClient, target_meta: MetaClient
) -> tuple[v.ClusterView, v.ClusterView]:
    """Both clusters; if neither can be looked at, one error that tells of both."""
    given = request.connection
    met: list[v.ClusterView] = []
    failed: list[MigrationError] = []
    for role, meta, addresses, name in (
        (v.SOURCE, source_meta, given.meta_servers, request.cluster_name),
        (v.TARGET, target_meta, given.target_meta_servers, request.remote_cluster),
    ):
        try:
            met.append(_meet(role, meta, addresses, name))
        except MigrationError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        first, second = failed
        raise MigrationError(
            first.code, f"{first.message} {second.message}", server_text=first.server_text, details=first.details
        )
    return met[0], met[1]


def _meet(role: str, meta: MetaClient, given: tuple[str, ...], name: str) -> v.ClusterView:
    info = meta.cluster_info()
    # Says so at once where the version is too old for all that follows.
    version = meta.profile.version
    return v.ClusterView(
        role=role,
        name=name or info.cluster_name,
        version=version,
        given=given,
        info=info,
        nodes=meta.list_nodes(),
        apps=meta.list_apps(),
        own=_NOT_ASKED,
        other=_NOT_ASKED,
    )


def _probed(meta: MetaClient, asked: v.ClusterView, other: v.ClusterView) -> v.ClusterView:
    """With what it says about its own name and the other's."""
    taken = {app.name for app in asked.apps}
    own, about = (probe(meta, name, taken) if name else _NOT_ASKED for name in (asked.name, other.name))
    return dataclasses.replace(asked, own=own, other=about)


def _told(replicas: ReplicaClient, cluster: v.ClusterView, flags: t.Sequence[str]) -> v.ClusterView:
    """With what its replica servers say about themselves."""
    return dataclasses.replace(
        cluster,
        configs={flag: replicas.get_config(cluster.alive, flag) for flag in flags},
        server_versions=replicas.versions(cluster.alive),
    )
