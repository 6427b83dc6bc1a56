# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INSERT, DELETE and the rows that jobs load: rows find their partitions, a transaction makes them visible."""

from __future__ import annotations

import asyncio
import typing as t

from lab.intervals import IntervalSet
from lab.starrocks import versions
from lab.starrocks.errors import SqlError
from lab.starrocks.state_jobs import DELETE, INSERT_STREAMING, Load
from lab.starrocks.state_tables import Database, Partition, Table
from lab.starrocks.transactions import Apply, Transactions, Write

Row = t.Sequence[t.Any]
Rows = t.Dict[str, t.Set[int]]
"""partition name -> keys"""


def partition_of(table: Table, value: str) -> Partition | None:
    """The partition of a value of the partition column: bounds compare as texts, which dates allow."""
    for partition in table.partitions.values():
        if not partition.shadow and (not partition.upper or partition.lower <= value < partition.upper):
            return partition
    return None


class Loads:
    """Writes into tables. A row's key is the integer in its first column; other rows get the next free number."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._cluster = transactions.cluster
        self._schedule = transactions.schedule
        self._labels = 0

    def place(self, table: Table, columns: t.Sequence[str], rows: t.Sequence[Row]) -> Rows:
        """Which keys go where; SqlError for a row that no partition takes."""
        names = [name.lower() for name in columns] or [column.name.lower() for column in table.columns]
        at = names.index(table.partition_column.lower()) if table.partition_column.lower() in names else -1
        key_at = names.index(table.columns[0].name.lower()) if table.columns[0].name.lower() in names else -1
        placed: Rows = {}
        for row in rows:
            if len(row) != len(names):
                raise SqlError("Getting analyzing error. Detail message: Column count doesn't match value count.")
            partition = partition_of(table, str(row[at]) if at >= 0 else "")
            if partition is None:
                # The server counts such rows as filtered, which strict mode refuses.
                raise SqlError("Insert has filtered data in strict mode, txn_id = 0")
            keys = placed.setdefault(partition.name, set())
            text = str(row[key_at]) if key_at >= 0 else ""
            keys.add(int(text) if text.lstrip("-").isdigit() else self.next_key(partition) + len(keys))
        return placed

    @staticmethod
    def next_key(partition: Partition) -> int:
        """The number after the greatest key of a partition."""
        last = partition.content.last()
        return 0 if last is None else last + 1

    def _writes(self, table: Table, placed: Rows) -> list[Write]:
        return [
            Write(table.partitions[name], self.adding(table.partitions[name], IntervalSet((k, k + 1) for k in keys)))
            for name, keys in placed.items()
            if name in table.partitions
        ]

    def adding(self, partition: Partition, added: IntervalSet) -> Apply:
        """Adds keys when it becomes visible."""

        def apply(number: int, now: float) -> None:
            content = partition.content.copy()
            content.update(added)
            versions.load(self._cluster, partition, content, number, now)

        return apply

    def removing(self, partition: Partition, removed: IntervalSet | None) -> Apply:
        """Removes keys (None: all of them) when it becomes visible."""

        def apply(number: int, now: float) -> None:
            content = IntervalSet() if removed is None else partition.content.minus(removed)
            versions.load(self._cluster, partition, content, number, now)

        return apply

    async def insert(
        self, user: str, database: Database, table: Table, columns: t.Sequence[str], rows: t.Sequence[Row]
    ) -> tuple[int, str, int]:
        """INSERT ... VALUES: (rows, label, transaction id) once they are visible; SqlError when it is refused."""
        placed = self.place(table, columns, rows)
        return await self._run(user, database, table, INSERT_STREAMING, self._writes(table, placed), len(rows))

    async def delete(self, user: str, database: Database, table: Table, keys: IntervalSet | None) -> int:
        """DELETE of keys (None: all rows); how many rows there were."""
        writes, count = [], 0
        for partition in table.partitions.values():
            left = IntervalSet() if keys is None else partition.content.minus(keys)
            if len(left) < partition.rows:
                count += partition.rows - len(left)
                writes.append(Write(partition, self.removing(partition, keys)))
        await self._run(user, database, table, DELETE, writes, count)
        return count

    async def _run(
        self, user: str, database: Database, table: Table, source_type: str, writes: list[Write], rows: int
    ) -> tuple[int, str, int]:
        self._labels += 1
        label = "insert_%08x-c6a2-11f0-%04d-0242ac120002" % (self._cluster.next_txn_id, self._labels % 10000)
        transactions = self._transactions
        txn = transactions.begin(database, label, source_type, [table.id])
        now = self._schedule.clock.now
        load = Load(self._cluster.new_id(), label, database.name, table.name, user, "INSERT", "LOADING", now(), rows)
        load.txn_id = txn.id
        database.loads.appendleft(load)
        visible = asyncio.get_running_loop().create_future()

        def done() -> None:
            if not visible.done():
                visible.set_result(None)

        try:
            await self._schedule.clock.sleep(transactions.rng.uniform(*transactions.settings.insert))
            transactions.commit(database, txn, writes, done)
        except SqlError as error:
            load.state, load.error, load.finished = "CANCELLED", str(error), now()
            raise
        except asyncio.CancelledError:
            transactions.abort(database, txn, "client is gone")
            raise
        # The server waits for visibility; a client that goes meanwhile does not undo the commit.
        await visible
        load.state, load.finished = "FINISHED", now()
        return rows, label, txn.id

    def load(
        self,
        database: Database,
        table: Table,
        label: str,
        source_type: str,
        added: t.Mapping[str, IntervalSet],
        done: t.Callable[[], None],
    ) -> None:
        """A job's load: begun and committed at once, ``done`` when visible. SqlError when it is refused."""
        txn = self._transactions.begin(database, label, source_type, [table.id])
        writes = [
            Write(table.partitions[name], self.adding(table.partitions[name], keys))
            for name, keys in added.items()
            if name in table.partitions
        ]
        self._transactions.commit(database, txn, writes, done)
