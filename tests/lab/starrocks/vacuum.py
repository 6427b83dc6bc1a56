# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What destroys data: vacuum of old versions, and the recycle bin's expiry (facts 2.1)."""

from __future__ import annotations

from lab.starrocks import versions
from lab.starrocks.state_tables import Database, Partition
from lab.starrocks.transactions import Transactions

TRASH_INTERVAL = 30.0
STALE_INTERVAL = 60.0


class Vacuum:
    """Shared-data: versions older than the grace period, on partitions that were written not too long ago."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._cluster = transactions.cluster
        self._schedule = transactions.schedule
        self._with_history: dict[int, Partition] = {}
        self.destroyed = 0
        """Versions destroyed so far."""

    def start(self) -> None:
        """Begin."""
        self._transactions.observers.append(self.noticed)
        for database, table in self._cluster.tables():
            for partition in table.all_partitions():
                if partition.history:
                    self.noticed(database, partition)
        if self._cluster.profile.shared_data:
            nap = "lake_autovacuum_partition_naptime_seconds"
            self._schedule.every(lambda: float(self._transactions.number(nap, 180)), self.vacuum)
        else:
            self._schedule.every(lambda: STALE_INTERVAL, self._sweep)
        self._schedule.every(lambda: TRASH_INTERVAL, self.empty_trash)

    def noticed(self, _database: Database, partition: Partition) -> None:
        """A partition has an old version."""
        self._with_history[partition.id] = partition

    def vacuum(self) -> None:
        """One round over all partitions."""
        if self._transactions.front.leader is None:
            return
        now = self._schedule.clock.now()
        grace = self._transactions.number("lake_autovacuum_grace_period_minutes", 5) * 60.0
        stale = self._transactions.number("lake_autovacuum_stale_partition_threshold", 12) * 3600.0
        for number, partition in list(self._with_history.items()):
            if now - partition.written <= stale:
                self._destroy(number, partition, now - grace)

    def _sweep(self) -> None:
        """Shared-nothing nodes sweep stale rowsets (the facts give no number; see EngineSettings.stale_versions)."""
        before = self._schedule.clock.now() - self._transactions.settings.stale_versions
        for number, partition in list(self._with_history.items()):
            self._destroy(number, partition, before)

    def _destroy(self, number: int, partition: Partition, before: float) -> None:
        self.destroyed += versions.destroy(partition, before)
        if not partition.history:
            self._with_history.pop(number)

    def debt(self) -> int:
        """Old versions that still lie around."""
        return sum(len(partition.history) for partition in self._with_history.values())

    def empty_trash(self) -> None:
        """Erase what was dropped catalog_trash_expire_second ago, whatever vacuum's grace is."""
        cluster = self._cluster
        before = self._schedule.clock.now() - self._transactions.number("catalog_trash_expire_second", 86400)
        gone = [r for r in cluster.recycled_partitions if r.at <= before]
        for table in [r for r in cluster.recycled_tables if r.at <= before]:
            cluster.recycled_tables.remove(table)
            for partition in table.table.all_partitions():
                self._erase(partition)
        for recycled in gone:
            cluster.recycled_partitions.remove(recycled)
            self._erase(recycled.partition)

    def _erase(self, partition: Partition) -> None:
        """Nothing is left of it, for nobody: a job that reads it finds no file."""
        partition.erased = True
        partition.history = []
        self._with_history.pop(partition.id, None)
