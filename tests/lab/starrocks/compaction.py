# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compaction in shared-data clusters, which may meet a replication and break it (facts 2.1, 2.2)."""

from __future__ import annotations

from lab.starrocks import versions
from lab.starrocks.errors import SqlError
from lab.starrocks.state_jobs import LAKE_COMPACTION, CompactionJob, Transaction
from lab.starrocks.state_tables import Database, Partition, Table
from lab.starrocks.transactions import Transactions, Write

INTERVAL = 1.0
KEPT = 200
"""Finished jobs that SHOW PROC '/compactions' still lists."""


class Compactions:
    """Compacts partitions that got many versions. ``nodes`` is how many are alive."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._cluster = transactions.cluster
        self._schedule = transactions.schedule
        self._due: dict[int, tuple[Database, Partition]] = {}
        self._tables: dict[int, Table] = {}
        self.nodes = 3
        self.running: dict[int, CompactionJob] = {}
        """By partition id."""
        self.finished_at: dict[int, float] = {}
        """By partition id: when its last compaction was committed."""

    def start(self) -> None:
        """Begin, where data lies in storage volumes."""
        if self._cluster.profile.shared_data:
            self._transactions.observers.append(self.noticed)
            for database, table in self._cluster.tables():
                for partition in table.partitions.values():
                    self.noticed(database, partition)
            self._schedule.every(lambda: INTERVAL, self.turn)

    def noticed(self, database: Database, partition: Partition) -> None:
        """A partition got a version."""
        if partition.visible_version - partition.compact_version >= self._transactions.settings.compaction_score:
            self._due[partition.id] = database, partition

    @property
    def most(self) -> int:
        """How many may run: lake_compaction_max_tasks, -1 is 16 for each node."""
        limit = self._transactions.number("lake_compaction_max_tasks", -1)
        return limit if limit >= 0 else 16 * self.nodes

    def _disabled_tables(self) -> set[str]:
        text = self._transactions.config("lake_compaction_disable_tables", "")
        text += ";" + self._transactions.config("lake_compaction_disable_ids", "")
        return set(text.split(";")) - {""}

    def turn(self) -> None:
        """Start what is due and has room."""
        disabled = self._disabled_tables() if self._due else set()
        for number, (database, partition) in list(self._due.items()):
            if len(self.running) >= self.most:
                return
            table = self._table_of(database, partition)
            if table is None:
                self._due.pop(number)
            elif str(table.id) not in disabled and number not in self.running:
                self._begin(database, table, partition)

    def _table_of(self, database: Database, partition: Partition) -> Table | None:
        """The table that has the partition, looked for once; None when the partition or the table is dropped."""
        found = self._tables.get(partition.id)
        if found is None:
            tables = database.tables.values()
            found = next((x for x in tables if x.partitions.get(partition.name) is partition), None)
            if found is None:
                return None
            self._tables[partition.id] = found
        there = database.tables.get(found.name) is found and found.partitions.get(partition.name) is partition
        return found if there else None

    def _begin(self, database: Database, table: Table, partition: Partition) -> None:
        now = self._schedule.clock.now()
        label = "COMPACTION_%d-%d-%d-%d" % (database.id, table.id, partition.id, int(now * 1000))
        try:
            txn = self._transactions.begin(database, label, LAKE_COMPACTION, [table.id], 86400)
        except SqlError:
            return
        job = CompactionJob("%s.%s.%d" % (database.name, table.name, partition.id), txn.id, now)
        self.running[partition.id] = job
        partition.compacting = True
        self._cluster.compactions.append(job)
        finished = [c for c in self._cluster.compactions if c.finished is not None]
        for old in finished[: max(0, len(finished) - KEPT)]:
            self._cluster.compactions.remove(old)
        seconds = self._transactions.rng.uniform(*self._transactions.settings.compaction)
        self._schedule.after(seconds, lambda: self._commit(database, partition, txn, job))

    def _commit(self, database: Database, partition: Partition, txn: Transaction, job: CompactionJob) -> None:
        now = self._schedule.clock.now()

        def done() -> None:
            job.finished = self._schedule.clock.now()
            self._end(partition)

        def dropped() -> None:
            job.error = "table is dropped"
            done()

        write = Write(partition, lambda number, at: versions.compact(partition, number, at))
        self._due.pop(partition.id, None)
        try:
            self._transactions.commit(database, txn, [write], done, dropped)
        except SqlError as error:
            job.error, job.finished = str(error), now
            self._end(partition)
            self.noticed(database, partition)
            return
        job.committed = now
        self.finished_at[partition.id] = now

    def _end(self, partition: Partition) -> None:
        self.running.pop(partition.id, None)
        partition.compacting = False
