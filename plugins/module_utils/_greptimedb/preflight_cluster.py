# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What in the whole cluster speaks against moving regions: versions, rights, procedure manager, WAL, storage. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import NodeConfig, Snapshot

CLUSTER = "cluster"
_REPOSITORY = "https://github.com/GreptimeTeam/greptimedb/"

# Procedures of every kind share the server's limit; so many places are left free for DDL.
_RESERVE = 8


def cluster_findings(snapshot: Snapshot, dialect: Dialect, datanodes: t.Collection[int]) -> t.Iterator[Finding]:
    """Findings that do not depend on single regions.

    :param datanodes: the datanodes whose WAL and storage matter: sources and targets, or all
    """
    yield from _versions(snapshot)
    yield from _rights(snapshot)
    yield from _leader(snapshot)
    yield from _manager(snapshot)
    yield from _procedures(snapshot, dialect)
    configs = [config for config in snapshot.configs if config.datanode_id in datanodes]
    yield from _unknown_configs(configs, datanodes)
    known = [config for config in configs if config.problem is None]
    yield from _wal(known, dialect)
    yield from _storage(known, dialect)


def _versions(snapshot: Snapshot) -> t.Iterator[Finding]:
    if snapshot.versions.metasrv is None:
        yield Finding(
            "greptimedb.versions.metasrv_unknown",
            "blocker",
            CLUSTER,
            "The version of the metasrv, which decides how migrations behave, could not be found out.",
            "Set metasrv_addrs (and metasrv_http_addrs), so that the metasrv can be asked.",
        )
    distinct = snapshot.versions.distinct()
    if len(distinct) > 1:
        yield Finding(
            "greptimedb.versions.mixed",
            "warning",
            CLUSTER,
            snapshot.versions.as_result(),
            "Finish the upgrade first if you can. Statements follow the frontend's version and checks the metasrv's; "
            "behind one address all frontends must have the same version.",
        )


def _rights(snapshot: Snapshot) -> t.Iterator[Finding]:
    if snapshot.admin == "no":
        yield Finding(
            "greptimedb.admin.not_permitted",
            "blocker",
            CLUSTER,
            "The user may not run ADMIN statements, which moving regions needs.",
            "Use a user that may write (mode rw) and the catalog greptime. Everything that only reads works without.",
        )
    elif snapshot.admin == "unknown":
        yield Finding(
            "greptimedb.admin.unknown",
            "blocker",
            CLUSTER,
            snapshot.problems.get("admin", "The server's answer does not tell whether the user may run ADMIN."),
            "Run preflight again; if it stays so, try ADMIN procedure_state by hand with this user.",
        )


def _leader(snapshot: Snapshot) -> t.Iterator[Finding]:
    found = snapshot.leadership
    problem = snapshot.problems.get("leader")
    if problem is None and (found is None or found.reached):
        return
    if found is None or found.leader is None:
        yield Finding(
            "greptimedb.metasrv.leader_unknown",
            "blocker",
            CLUSTER,
            problem or "The metasrv name no leader, which is the only one that takes migrations.",
            "Run preflight again when the election is over; if it stays so, look at the metasrv's log.",
        )
        return
    # Behind a port forward the leader's own name is not the address that leads to it, so that proves nothing.
    yield Finding(
        "greptimedb.metasrv.leader_unreachable",
        "blocker" if found.listed else "warning",
        CLUSTER,
        {"leader": str(found.leader), "in metasrv_addrs": found.listed},
        "Make the leader reachable from here at the address that metasrv_addrs gives."
        if found.listed
        else "List all metasrv in metasrv_addrs, with addresses that can be reached from here, unless one of those "
        "given leads to the leader (such as a port forward).",
    )


def _manager(snapshot: Snapshot) -> t.Iterator[Finding]:
    if snapshot.manager == "paused":
        yield Finding(
            "greptimedb.manager.paused",
            "blocker",
            CLUSTER,
            "The procedure manager of the metasrv is paused: ids are handed out, but nothing starts.",
            "Resume it: POST /admin/procedure-manager/resume on the HTTP port of a metasrv.",
            _REPOSITORY + "pull/9163",
        )
    elif snapshot.manager == "unknown":
        yield Finding(
            "greptimedb.manager.unknown",
            "blocker",
            CLUSTER,
            snapshot.problems.get("manager", "The answer of the metasrv does not tell it."),
            "Make the HTTP port of a metasrv reachable (metasrv_addrs, metasrv_http_addrs), or accept that migrations "
            "may never start.",
        )
    if snapshot.maintenance:
        yield Finding(
            "greptimedb.maintenance.enabled",
            "info",
            CLUSTER,
            "Maintenance mode is on: region failover is suspended. Migrations that are asked for run all the same.",
            "Nothing to do for the migration. Remember to switch it off if nobody needs it.",
        )
    elif "maintenance" in snapshot.problems:
        yield Finding(
            "greptimedb.maintenance.unknown",
            "warning",
            CLUSTER,
            snapshot.problems["maintenance"],
            "Migrations do not depend on it. Make the metasrv reachable (metasrv_addrs) to see and to set it.",
        )


def _procedures(snapshot: Snapshot, dialect: Dialect) -> t.Iterator[Finding]:
    if snapshot.procedures is None:
        guarded = dialect.duplicate_guard and not dialect.has_procedure_info
        yield Finding(
            "greptimedb.procedures.unknown",
            "warning" if guarded else "blocker",
            CLUSTER,
            snapshot.problems.get("procedures", "Before 0.9.4 the server does not tell which migrations are running."),
            "The server refuses a second migration of a region while one runs; let nobody else migrate regions."
            if guarded
            else "Make sure that nobody else migrates regions now, and accept this finding.",
        )
    most, active = dialect.max_running_procedures, snapshot.active_procedures
    if most is None or active is None or active < most // 2:
        return
    full = active >= most - _RESERVE
    yield Finding(
        "greptimedb.procedures.near_limit",
        "blocker" if full else "warning",
        CLUSTER,
        {"active": active, "limit": most},
        "Wait until fewer procedures (migrations and DDL) run, or lower limits.global: beyond the limit the server "
        "hands out ids for procedures that never start.",
        _REPOSITORY + "pull/9163",
    )


def _unknown_configs(configs: t.Sequence[NodeConfig], datanodes: t.Collection[int]) -> t.Iterator[Finding]:
    problems = {config.datanode_id: config.problem for config in configs if config.problem is not None}
    missing = set(datanodes) - {config.datanode_id for config in configs}
    problems.update(dict.fromkeys(missing, "its configuration was not read"))
    if problems:
        yield Finding(
            "greptimedb.config.unknown",
            "blocker",
            CLUSTER,
            {f"datanode {datanode}": problems[datanode] for datanode in sorted(problems)},
            "Make /config of the datanodes reachable (datanode_http_port, datanode_http_addrs). If that cannot be: "
            "make sure by hand that all use one object store and a remote WAL (Kafka), and accept this finding.",
        )
    wrong = {
        f"datanode {config.datanode_id}": f"the configuration is that of datanode {config.node_id}"
        for config in configs
        if config.node_id is not None and config.node_id != config.datanode_id
    }
    if wrong:
        yield Finding(
            "greptimedb.config.wrong_datanode",
            "blocker",
            CLUSTER,
            wrong,
            "Correct datanode_http_addrs: it leads to another datanode than it says.",
        )


def _names(configs: t.Iterable[NodeConfig]) -> list[str]:
    return [f"datanode {config.datanode_id}" for config in configs]


def _wal(configs: t.Sequence[NodeConfig], dialect: Dialect) -> t.Iterator[Finding]:
    local = [config for config in configs if config.wal_provider == "raft_engine"]
    nothing = [config for config in configs if config.wal_provider == "noop"]
    untold = [config for config in configs if config.wal_provider is None]
    safe = dialect.flushes_on_downgrade
    if local:
        yield Finding(
            "greptimedb.wal.local",
            "warning" if safe else "blocker",
            CLUSTER,
            _names(local),
            "Rows are flushed before the switch, so only a source that becomes unreachable in the middle loses rows. "
            "Keep flush_before at auto or always, and do not restart datanodes meanwhile."
            if safe
            else "Before 0.9.4 a migration with a local WAL (raft_engine) loses all rows that were not flushed. "
            "Upgrade first, or stop all writes and flush every table (flush_table) before the migration, and accept "
            "this finding.",
            _REPOSITORY + "pull/4715",
        )
    if nothing:
        yield Finding(
            "greptimedb.wal.noop",
            "warning" if safe else "blocker",
            CLUSTER,
            _names(nothing),
            "There is no WAL (noop): rows that are not flushed have no second copy. Flush before the migration.",
        )
    if untold:
        yield Finding(
            "greptimedb.wal.unknown",
            "blocker",
            CLUSTER,
            _names(untold),
            "The configuration does not name the WAL provider. Look at it by hand, and accept this finding if it is "
            "Kafka.",
        )
    providers = sorted({config.wal_provider for config in configs if config.wal_provider is not None})
    if len(providers) > 1:
        yield Finding(
            "greptimedb.wal.mixed",
            "blocker",
            CLUSTER,
            {provider: _names(one for one in configs if one.wal_provider == provider) for provider in providers},
            "Give all datanodes the same WAL, or move only between datanodes that have the same.",
        )
    brokers = {config.wal_brokers for config in configs if config.wal_provider == "kafka"}
    if len(brokers) > 1:
        shared = set.intersection(*(set(one) for one in brokers))
        yield Finding(
            "greptimedb.wal.brokers_differ",
            "warning" if shared else "blocker",
            CLUSTER,
            {name: list(config.wal_brokers) for config in configs for name in _names([config])},
            "All datanodes must use one Kafka cluster, or the target cannot replay the source's log. If these are "
            "different names of one cluster, "
            + ("nothing is to be done." if shared else "accept this finding; else correct the configuration."),
        )


def _storage(configs: t.Sequence[NodeConfig], dialect: Dialect) -> t.Iterator[Finding]:
    local = [config for config in configs if config.local_storage]
    if local:
        yield Finding(
            "greptimedb.storage.local",
            "blocker",
            CLUSTER,
            {name: config.data_home for config in local for name in _names([config])},
            "Regions can only move when source and target see the same files. "
            + (
                "From 1.1.0 on the target refuses regions on local storage; use an object store. "
                if dialect.refuses_local_storage
                else "On local storage the target opens an empty directory, and the server retries for minutes. "
            )
            + "If the datanodes share this directory (such as NFS), accept this finding.",
            _REPOSITORY + "pull/8194",
        )
    untold = [config for config in configs if config.storage_type is None]
    if untold:
        yield Finding(
            "greptimedb.storage.unknown",
            "blocker",
            CLUSTER,
            _names(untold),
            "The configuration does not name the storage type. Look at it by hand, and accept this finding if all "
            "datanodes use one object store.",
        )
    stores: dict[tuple[str, ...], list[NodeConfig]] = {}
    for config in configs:
        if config.storage_type is not None and not config.local_storage:
            key = (config.storage_type, config.bucket or "", _plain_root(config.root), config.endpoint or "")
            stores.setdefault(key, []).append(config)
    types = {config.local_storage for config in configs if config.storage_type is not None}
    if len(stores) > 1 or len(types) > 1:
        shown = {
            name: {"type": one.storage_type, "bucket": one.bucket, "root": one.root, "endpoint": one.endpoint}
            for one in configs
            for name in _names([one])
        }
        yield Finding(
            "greptimedb.storage.differs",
            "blocker",
            CLUSTER,
            shown,
            "Source and target must use the same bucket, root and endpoint, or the target finds no data. Correct the "
            "configuration; if these are two names of one place, accept this finding.",
        )


def _plain_root(root: str | None) -> str:
    return (root or "").strip("/")
