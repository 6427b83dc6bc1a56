# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHOW PROC (facts 4.3, 6)."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns
from lab.starrocks.accounts import SYSTEM
from lab.starrocks.errors import SqlError, analyzing_error
from lab.starrocks.profiles import Profile
from lab.starrocks.state_jobs import ABORTED, Transaction
from lab.starrocks.state_tables import QUOTA, Database
from lab.starrocks.statements import Call, Statement, flag, table
from lab.starrocks.statements_nodes import size

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

FORWARDED = frozenset(("transactions", "compactions", "routine_loads", "cluster_balance"))


class ProcStatements:
    """Some paths are the leader's to answer; the lab's frontends know the same, but while nobody leads they do not."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._nodes: dict[str, t.Callable[[list[str]], ResultSet]] = {
            "colocation_group": self._colocation,
            "dbs": self._databases,
            "statistic": self._statistic,
            "transactions": self._transactions,
        }
        profile = front.profile
        if profile.since("3.0"):
            self._nodes["compactions"] = self._compactions
        if profile.replications_proc:
            self._nodes["replications"] = self._replications
        later = ("replications",) if profile.replications_proc_forwarded else ()
        self._forwarded = FORWARDED.union(later)

    def statements(self) -> t.Iterable[Statement]:
        """One."""
        yield Statement(("SHOW", "PROC"), self._show)

    async def _show(self, call: Call) -> ResultSet:
        path = call.cursor.string()
        call.cursor.end()
        call.rights.demand("OPERATE", SYSTEM)
        steps = [step for step in path.split("/") if step]
        if steps and steps[0] in self._forwarded:
            self._front.forward(call.connected)
        if not steps:
            return table(("name",), [(name,) for name in sorted(self._nodes)])
        node = self._nodes.get(steps[0])
        if node is None:
            raise unknown_path(self._front.profile, path, "Cannot find path: %s" % path)
        return node(steps[1:])

    # --- databases ---

    def _databases(self, steps: list[str]) -> ResultSet:
        if not steps:
            return table(columns.DATABASES, [self._database(d) for d in self._front.cluster.databases.values()])
        database = self._find("/dbs/%s" % steps[0], steps[0])
        names = (
            "TableId",
            "TableName",
            "IndexNum",
            "PartitionColumnName",
            "PartitionNum",
            "State",
            "Type",
            "ReplicaCount",
        )
        rows = [
            (
                found.id,
                found.name,
                1 + len(found.rollups),
                found.partition_column or "NULL",
                len(found.partitions),
                found.state,
                self._front.profile.table_engine,
                sum(p.buckets for p in found.partitions.values()) * found.replication_num,
            )
            for found in database.tables.values()
        ]
        return table(names, rows)

    def _database(self, database: Database) -> tuple[t.Any, ...]:
        quota = "8388608.000 TB" if database.quota == QUOTA else size(database.quota)
        temporary = [r for r in self._front.cluster.others.get("temp_tables", []) if r["TABLE_SCHEMA"] == database.name]
        count = len(database.tables) + len(temporary)
        return database.id, self._shown(database), count, quota, "NULL", database.replica_quota

    def _shown(self, database: Database) -> str:
        """The name; old versions print the cluster's before it."""
        return database.name if self._front.profile.since("3.0") else "default_cluster:%s" % database.name

    def _find(self, path: str, name: str) -> Database:
        for database in self._front.cluster.databases.values():
            by_name = database.name == name and (self._front.profile.transactions_by_name or path.startswith("/dbs"))
            if by_name or str(database.id) == name:
                return database
        detail = 'Unknown database id or name "%s"' % name
        if path.count("/") == 2 and path.startswith("/transactions"):
            raise SqlError(detail)
        raise unknown_path(self._front.profile, path, detail)

    # --- transactions ---

    def _transactions(self, steps: list[str]) -> ResultSet:
        databases = self._front.cluster.databases.values()
        if not steps:
            return table(("DbId", "DbName"), [(d.id, self._shown(d)) for d in databases])
        database = self._find("/".join(["", "transactions", *steps]), steps[0])
        if len(steps) == 1:
            return table(
                ("State", "Number"), [("running", len(database.running)), ("finished", len(database.finished))]
            )
        if len(steps) > 3 or steps[1] not in ("running", "finished"):
            raise SqlError("State is invalid")
        if len(steps) == 3:
            return self._written(database, steps[2])
        limit = int(self._front.config("max_show_proc_transactions_entry"))
        if steps[1] == "running":
            found = sorted(database.running.values(), key=lambda txn: -txn.id)
        else:
            found = list(database.finished)
        return table(columns.TRANSACTIONS, [self._transaction(txn) for txn in found[:limit]])

    def _written(self, database: Database, number: str) -> ResultSet:
        """What one transaction committed, by table, also by those that were dropped since (TransTablesProcDir)."""
        listed = [*database.running.values(), *database.finished]
        txn = next((one for one in listed if str(one.id) == number), None)
        if txn is None:
            raise SqlError("Transaction[%s] does not exist." % number)
        committed = txn.committed_at is not None
        rows = [
            (table_id, ", ".join(str(one) for one in txn.partition_ids if one in self._partitions(database, table_id)))
            for table_id in sorted(txn.table_ids)
            if committed
        ]
        return table(("TableId", "CommittedPartitionIds"), rows)

    @staticmethod
    def _partitions(database: Database, table_id: int) -> set[int]:
        found = next((one for one in database.tables.values() if one.id == table_id), None)
        return {one.id for one in found.partitions.values()} if found is not None else set()

    def _transaction(self, txn: Transaction) -> tuple[t.Any, ...]:
        stamp = self._front.stamp
        return (
            txn.id,
            txn.label,
            txn.coordinator,
            txn.status,
            txn.source_type,
            stamp(txn.prepared_at),
            stamp(txn.committed_at),
            stamp(txn.published_at),
            stamp(txn.finished_at),
            txn.reason,
            0,
            txn.listener_id,
            int(txn.timeout_seconds * 1000),
            txn.error,
        )

    def _compactions(self, steps: list[str]) -> ResultSet:
        stamp = self._front.stamp
        rows = [
            (job.partition, job.txn_id, stamp(job.started), stamp(job.committed), stamp(job.finished), job.error, "")
            for job in self._front.cluster.compactions
        ]
        return table(columns.COMPACTIONS, rows)

    def _replications(self, steps: list[str]) -> ResultSet:
        stamp = self._front.stamp
        jobs = self._front.cluster.replications.values()
        ordered = sorted(jobs, key=lambda job: 0 if job.running else 1 if job.state == ABORTED else 2)
        rows = [
            (
                job.id,
                job.database_id,
                job.table_id,
                job.txn_id,
                stamp(job.created),
                stamp(job.finished),
                job.state,
                "%d/%d" % (job.unfinished, job.total) if job.running else "",
                job.error,
            )
            for job in ordered
        ]
        return table(columns.REPLICATIONS, rows)

    # --- health ---

    def _statistic(self, steps: list[str]) -> ResultSet:
        names = (
            "DbId DbName TableNum PartitionNum IndexNum TabletNum ReplicaNum UnhealthyTabletNum InconsistentTabletNum"
            " CloningTabletNum ErrorStateTabletNum"
        )
        rows: list[list[t.Any]] = []
        replicated = not self._front.profile.shared_data
        for database in self._front.cluster.databases.values():
            counts = [len(database.tables), 0, 0, 0, 0]
            for found in database.tables.values():
                tablets = sum(p.buckets for p in found.partitions.values())
                counts[1] += len(found.partitions)
                counts[2] += len(found.partitions) * (1 + len(found.rollups))
                counts[3] += tablets
                counts[4] += tablets * (found.replication_num if replicated else 1)
            rows.append([database.id, database.name, *counts, self._unhealthy(counts[4]), 0, 0, 0])
        total = [sum(row[column] for row in rows) for column in range(2, 11)]
        return table(columns.words(names), [*rows, ["Total", len(rows), *total]])

    def _unhealthy(self, replicas: int) -> int:
        """A dead backend leaves its share of the tablets short of a replica."""
        nodes = self._front.nodes
        dead = sum(not node.record.alive for node in nodes)
        return 0 if self._front.profile.shared_data else replicas * dead // max(1, len(nodes))

    def _colocation(self, steps: list[str]) -> ResultSet:
        groups: dict[tuple[int, str], list[t.Any]] = {}
        for database, found in self._front.cluster.tables():
            name = found.properties.get("colocate_with")
            if name:
                groups.setdefault((database.id, name), []).append(found)
        rows = [
            (
                "%d.%d" % (database_id, members[0].id),
                "%d_%s" % (database_id, name),
                ", ".join(str(member.id) for member in members),
                ", ".join(member.name for member in members),
                members[0].buckets,
                members[0].replication_num,
                "int",
                flag(all(node.record.alive for node in self._front.nodes)),
            )
            for (database_id, name), members in groups.items()
        ]
        return table(columns.COLOCATION, rows)


def unknown_path(profile: Profile, path: str, why: str) -> SqlError:
    """A path that is not there; newer versions say why."""
    if profile.proc_path_detail:
        return analyzing_error("Unknown proc node path: %s. msg: %s" % (path, why))
    return analyzing_error("Unknown proc node path: %s" % path)
