# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against duplicating a table, seen on the source: its state, its partitions, its envs. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import (
    AtomicWrites,
    ClusterView,
    TableView,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, MASTER_CLUSTER

SHOWN = 10
DATA_VERSION = 1
"""0 is the layout from before 2.0, which has no time in its values, so writes on both sides cannot be put in order."""
ENVS = "duplication."
_THROTTLING = ("replica.write_throttling", "replica.write_throttling_by_size")


def table_findings(table: TableView, source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    """The findings of one table; only one when it does not exist or cannot be used."""
    app = table.app
    if app is None:
        yield _unknown(table, source)
    elif not app.available:
        yield _not_available(table, app)
    else:
        yield from _partitions(table, app)
        yield from _changes(table)
        yield from _data_version(table)
        yield from _follower(table, app, target)
        yield from _envs(table, app)
        yield from _atomic(table, app, source)


def _unknown(table: TableView, source: ClusterView) -> Finding:
    names = sorted(app.name for app in source.apps if app.available)
    alike = [name for name in names if name.lower() == table.request.name.lower()]
    return Finding(
        "pegasus.table.unknown",
        "blocker",
        table.subject,
        {"cluster": source.name, "tables": (alike or names)[:SHOWN], "number_of_tables": len(names)},
        "Correct tables: the source has no table of this name"
        + (f", but {alike[0]} (upper and lower case differ)." if alike else "."),
    )


def _not_available(table: TableView, app: App) -> Finding:
    dropped = app.status in ("DROPPED", "DROPPING")
    return Finding(
        "pegasus.table.not_available",
        "blocker",
        table.subject,
        {"app_id": app.app_id, "status": app.status},
        f"The table was dropped. Correct tables, or recall it first (recall {app.app_id})."
        if dropped
        else "Wait until the table is AVAILABLE, and run preflight again.",
    )


def _partitions(table: TableView, app: App) -> t.Iterator[Finding]:
    config = table.config
    if config is None:
        yield Finding(
            "pegasus.table.health_unknown",
            "blocker",
            table.subject,
            table.problems.get("config", "The meta server does not tell where its partitions are."),
            "Make sure that the primary meta server answers, and run preflight again.",
        )
        return
    without = config.without_primary
    alone = [
        one.index for one in config.partitions if one.primary and len(set(one.members)) < min(2, app.max_replica_count)
    ]
    fewer = sorted(set(config.unhealthy(app.max_replica_count)) - set(without) - set(alone))
    facts = {"partition_count": config.partition_count, "replica_count": app.max_replica_count}
    if without:
        yield Finding(
            "pegasus.table.no_primary",
            "blocker",
            table.subject,
            {"partitions": list(without[:SHOWN]), "count": len(without), **facts},
            "Nobody serves these partitions, and no checkpoint can be made of them. Start the replica servers that "
            "held them, and let the meta server (level steady or lively) heal the table; ddd_diagnose tells why it "
            "does not.",
        )
    if alone:
        yield Finding(
            "pegasus.table.single_copy",
            "blocker",
            table.subject,
            {"partitions": alone[:SHOWN], "count": len(alone), **facts},
            "These partitions have only one copy left, so writes to them are refused. Start the missing replica "
            "servers, or wait until the meta server has made new copies.",
        )
    if fewer:
        missing = {
            str(index): len(set(part.members)) for index in fewer[:SHOWN] for part in [config.partition(index)] if part
        }
        yield Finding(
            "pegasus.table.copies_missing",
            "warning",
            table.subject,
            {"copies_by_partition": missing, "count": len(fewer), **facts},
            "Wait until every partition has all its copies: one more failure would stop writes, and healing copies "
            "data while the migration copies too.",
        )


def _changes(table: TableView) -> t.Iterator[Finding]:
    if table.splitting:
        yield Finding(
            "pegasus.table.splitting",
            "blocker",
            table.subject,
            {
                "partitions": {str(index): table.splitting[index] for index in sorted(table.splitting)[:SHOWN]},
                "count": len(table.splitting),
            },
            "A partition split is running; source and target would end with different numbers of partitions. Wait "
            "until it is over, or cancel it.",
        )
    elif table.splitting is None:
        yield Finding(
            "pegasus.table.split_unknown",
            "blocker",
            table.subject,
            table.problems.get("splitting", "The meta server does not tell whether a partition split is running."),
            "Ask by hand (query_partition_split), and accept this finding if none is running.",
        )
    if table.bulk_load:
        yield Finding(
            "pegasus.table.bulk_loading",
            "blocker",
            table.subject,
            {"status": table.bulk_load},
            "A bulk load is running. What it loads is not shipped, and before 2.6 it crashes replica servers that "
            "duplicate. Wait until it is over, or cancel it.",
            "https://github.com/apache/incubator-pegasus/issues/2100",
        )
    elif table.bulk_load is None:
        yield Finding(
            "pegasus.table.bulk_load_unknown",
            "blocker",
            table.subject,
            table.problems.get("bulk_load", "The meta server does not tell whether a bulk load is running."),
            "Ask by hand (query_bulk_load_status), and accept this finding if none is running.",
        )


def _data_version(table: TableView) -> t.Iterator[Finding]:
    answers = table.data_versions
    if answers is None or answers.failed:
        yield Finding(
            "pegasus.table.data_version_unknown",
            "blocker",
            table.subject,
            table.problems.get("data_versions", "Nobody told it.")
            if answers is None
            else {address: error.message for address, error in sorted(answers.failed.items())},
            "Make the HTTP port (the same as for RPC) of these replica servers reachable from here, and run preflight "
            "again.",
        )
        return
    missing = set(range(table.config.partition_count)) if table.config is not None else set()
    old: dict[str, list[str]] = {}
    for address, versions in sorted(answers.good.items()):
        missing -= set(versions)
        wrong = [f"{index}: {version}" for index, version in sorted(versions.items()) if version != DATA_VERSION]
        if wrong:
            old[address] = wrong[:SHOWN]
    if old:
        yield Finding(
            "pegasus.table.data_version",
            "blocker",
            table.subject,
            old,
            "Partitions with data version 0 (tables made before 2.0) cannot be duplicated. Copy the table into a new "
            "one (copy_data of the shell) and move that.",
        )
    if missing:
        yield Finding(
            "pegasus.table.data_version_unknown",
            "blocker",
            table.subject,
            {"partitions": sorted(missing)[:SHOWN], "count": len(missing), "servers": sorted(answers.good)},
            "No replica server says that it holds these partitions, though the meta server does. Run preflight again "
            "when the table is healthy.",
        )


def _follower(table: TableView, app: App, target: ClusterView) -> t.Iterator[Finding]:
    envs = {key: value for key, value in app.envs.items() if key.startswith(ENVS)}
    master = envs.get(MASTER_CLUSTER)
    if master and master != target.name:
        yield Finding(
            "pegasus.table.is_follower",
            "blocker",
            table.subject,
            envs,
            f"The table is the copy of one on {master}, whose writes would not be shipped on to the target. If it is "
            "still duplicated from there, move that table instead. If that is over (ask there: query_dup), delete the "
            "duplication.* envs of this table.",
        )
    elif envs:
        yield Finding(
            "pegasus.table.leftover_envs",
            "warning",
            table.subject,
            envs,
            "These are left from a former migration"
            + (f" from {master}, which is now the target. Make sure that no duplication from there to here is left, "
               "or writes would go round in a circle; then delete them. "
               if master else "; delete them. ")
            + "They would be copied to the target, and replica servers that were built with them need the meta servers "
            "they name for their start.",
        )  # fmt: skip


def _envs(table: TableView, app: App) -> t.Iterator[Finding]:
    if app.envs.get(DENY_KEY):
        yield Finding(
            "pegasus.table.requests_denied",
            "blocker",
            table.subject,
            {DENY_KEY: app.envs[DENY_KEY]},
            "Clients are refused already, and the env would be copied to the target, which would then refuse what is "
            "shipped to it. If a cutover was interrupted, run it or the rollback again with its journal; else find out "
            "who set it, and delete it.",
        )
    throttled = {key: app.envs[key] for key in _THROTTLING if app.envs.get(key)}
    if throttled:
        yield Finding(
            "pegasus.table.throttled",
            "warning",
            table.subject,
            throttled,
            "The env is copied to the target, where it slows down or refuses what is shipped. Delete it for the "
            "migration, or make sure that it is far above the write rate.",
        )


def _atomic(table: TableView, app: App, source: ClusterView) -> t.Iterator[Finding]:
    if app.atomic_idempotent:
        return
    atomic = table.atomic
    remedy = (
        "incr, check_and_set and check_and_mutate are refused (ERR_OPERATION_DISABLED) from the creation of the "
        "duplication until its removal, which is hours or days and not only the cutover. "
    )
    remedy += (
        "Make the table's atomic writes idempotent first (set_atomic_idempotent), or teach"
        if source.profile.atomic_idempotent
        else "Teach"
    ) + " the applications to do without."
    if atomic is not None and atomic.in_use:
        yield Finding(
            "pegasus.table.atomic_writes",
            "blocker",
            table.subject,
            _counted(atomic),
            remedy + " If this traffic is over or may be refused, accept this finding." + _own_probe(atomic),
        )
    elif atomic is None or not atomic.complete or not atomic.cumulative:
        yield Finding(
            "pegasus.table.atomic_writes_unknown",
            "warning",
            table.subject,
            table.problems.get("atomic", "The replica servers have no such counters.")
            if atomic is None or not atomic.told
            else {**({"servers_silent": dict(atomic.failed)} if atomic.failed else {}), **_counted(atomic)},
            "Ask the owners of the applications whether they use atomic writes; that none is seen at this moment "
            "proves nothing. " + remedy,
        )
    elif atomic.counted:
        yield Finding(
            "pegasus.table.atomic_writes_earlier",
            "warning",
            table.subject,
            _counted(atomic),
            "There were some since the replica servers were started, but none while they were watched. Ask the owners "
            "of the applications whether any use atomic writes now and then. " + remedy + _own_probe(atomic),
        )
    else:
        yield Finding(
            "pegasus.table.atomic_writes_not_seen",
            "info",
            table.subject,
            {"since_start": dict(atomic.seen)},
            "No replica server has seen one since it was started. " + remedy,
        )


def _counted(atomic: AtomicWrites) -> dict[str, t.Any]:
    """The numbers that are not 0, and what they are."""
    seen = {kind: value for kind, value in atomic.seen.items() if value}
    shown: dict[str, t.Any] = {"since_start" if atomic.cumulative else "per_second": seen}
    if atomic.refused:
        shown["refused_while_duplicating"] = atomic.refused
    if atomic.grown is not None:
        grown = {**atomic.grown.seen, "refused": atomic.grown.refused}
        if atomic.grown:
            shown["grown"] = {kind: value for kind, value in grown.items() if value}
        shown["watched_seconds"] = round(atomic.grown.seconds)
    return shown


def _own_probe(atomic: AtomicWrites) -> str:
    """Where nothing but refusals were counted: they may be the collection's own."""
    if not atomic.refused or any(atomic.seen.values()):
        return ""
    if not atomic.cumulative:
        when = "ended less than a minute ago; then run preflight again."
    else:
        when = "is running now." if atomic.in_use else "was tried since the servers were started."
    return (
        " All of them were refused. A cutover proves its fence with such writes, which change nothing, so these may "
        f"be its own if one {when}"
    )
