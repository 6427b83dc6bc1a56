# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases, tables and partitions come and go; what is dropped stays in the recycle bin for a while."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from lab.intervals import IntervalSet
from lab.starrocks.errors import SqlError, analyzing_error, unknown_database
from lab.starrocks.state import Cluster, RecycledPartition, RecycledTable
from lab.starrocks.state_tables import AGGREGATE, Column, Database, MaterializedView, Partition, Table, View
from lab.starrocks.transactions import Transactions

_DECIMAL = re.compile(r"decimal(?:64|128|v3)?\s*\(\s*\d+\s*,\s*(\d+)\s*\)", re.I)
LEGACY = "enable_legacy_compatibility_for_replication"


class Ddl:
    """What the leader does for DDL statements. disable_load_job stops none of it (facts 7)."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._cluster: Cluster = transactions.cluster
        self._clock = transactions.schedule.clock

    # --- databases ---

    def create_database(self, name: str, volume: str = "") -> Database:
        """A new database; SqlError when it is there or its volume is not."""
        if name in self._cluster.databases:
            raise SqlError("Can't create database '%s'; database exists" % name, 1007)
        if volume:
            self._check_volume(volume)
        database = Database(self._cluster.new_id(), name, storage_volume=volume)
        self._cluster.databases[name] = database
        return database

    def drop_database(self, name: str) -> None:
        """Its tables go to the recycle bin."""
        database = self._cluster.databases.get(name)
        if database is None:
            raise unknown_database(self._cluster.profile, name)
        for table in list(database.tables):
            self.drop_table(database, table)
        del self._cluster.databases[name]

    # --- tables ---

    def create_table(
        self, database: Database, table: Table, partitions: t.Sequence[tuple[str, str, str]] = ()
    ) -> Table:
        """Take a table that was read from a statement into a database; its ids, volume and partitions are made here.

        partitions: (name, lower, upper); a table without a partition column gets one that has its name.
        SqlError as the server raises it.
        """
        if table.name in database.tables or table.name in database.views or table.name in database.materialized_views:
            raise SqlError("Table '%s' already exists" % table.name, 1050, "42S01")
        if self._cluster.profile.shared_data:
            table.storage_volume = self._volume(database, table.storage_volume)
        else:
            table.storage_volume = ""
        if table.model == AGGREGATE and not self._keeps_decimals():
            table.columns = [_widened(column) for column in table.columns]
        table.created = self._clock.now()
        for name, lower, upper in partitions or ([] if table.partition_column else [(table.name, "", "")]):
            self._new_partition(database, table, name, lower, upper)
        database.tables[table.name] = table
        return table

    def _keeps_decimals(self) -> bool:
        """Only legacy compatibility keeps a SUM column's precision (facts 2.1); no version before 3.1 widens."""
        profile = self._cluster.profile
        return not profile.since("3.1") or self._transactions.config(LEGACY, "false") == "true"

    def _volume(self, database: Database, asked: str) -> str:
        name = asked or database.storage_volume or self._cluster.default_volume
        if not name:
            errno, sqlstate, text = self._cluster.profile.default_volume_missing
            raise SqlError(text, errno, sqlstate)
        self._check_volume(name)
        return name

    def _check_volume(self, name: str) -> None:
        volume = self._cluster.storage_volumes.get(name)
        if volume is None:
            raise SqlError('Unknown storage volume "%s"' % name)
        if not volume.enabled:
            raise SqlError("Storage volume %s is disabled" % name)

    def drop_table(self, database: Database, name: str, force: bool = False) -> None:
        """Into the recycle bin, or gone at once with FORCE."""
        table = database.tables.pop(name)
        self._cluster.recycled_tables.append(RecycledTable(database, table, self._clock.now()))
        if force:
            self._erase_now(self._cluster.recycled_tables.pop().table.all_partitions())
        for txn in [x for x in database.running.values() if table.id in x.table_ids and x.committed_at is None]:
            self._transactions.abort(database, txn, "table is dropped")

    @staticmethod
    def _erase_now(partitions: t.Iterable[Partition]) -> None:
        for partition in partitions:
            partition.erased, partition.history = True, []

    def truncate(self, database: Database, table: Table, names: t.Sequence[str] = ()) -> None:
        """New empty partitions of the same names; the old ones go to the recycle bin."""
        for name in names or list(table.partitions):
            old = table.partitions[name]
            self._recycle(database, table, old)
            self._new_partition(database, table, name, old.lower, old.upper)

    def create_view(self, database: Database, name: str, definition: str) -> View:
        """A logical view."""
        view = View(self._cluster.new_id(), name, definition)
        database.views[name] = view
        return view

    def create_materialized_view(
        self, database: Database, name: str, definition: str, refresh_type: str = "ASYNC"
    ) -> MaterializedView:
        """A materialized view; its data are not simulated."""
        view = MaterializedView(self._cluster.new_id(), name, definition, refresh_type)
        database.materialized_views[name] = view
        return view

    # --- partitions ---

    def add_partition(self, database: Database, table: Table, name: str, lower: str, upper: str) -> Partition:
        """A new empty partition; SqlError when its name or range is taken."""
        if name in table.partitions:
            raise analyzing_error("Duplicate partition name %s" % name)
        for other in table.partitions.values():
            if not other.shadow and other.lower < upper and lower < other.upper:
                raise analyzing_error("Range [%s, %s) is intersected with range of %s" % (lower, upper, other.name))
        return self._new_partition(database, table, name, lower, upper)

    def _new_partition(self, database: Database, table: Table, name: str, lower: str, upper: str) -> Partition:
        found = Partition(self._cluster.new_id(), name, lower, upper, IntervalSet())
        found.version_epoch = self._cluster.new_epoch()
        found.visible_at = found.written = self._clock.now()
        found.row_bytes, found.buckets = table.row_bytes, table.buckets
        if self._cluster.profile.shared_data:
            volume = self._cluster.storage_volumes.get(table.storage_volume)
            root = volume.locations[0].rstrip("/") if volume is not None else "s3://unknown"
            path = "%s/db%d/%d/%d" % (root, database.id, table.id, found.id)
            found.storage_path = path
        table.partitions[name] = found
        return found

    def drop_partition(self, database: Database, table: Table, name: str, force: bool = False) -> None:
        """Into the recycle bin, or gone at once with FORCE; SqlError when it is not there."""
        if name not in table.partitions:
            raise analyzing_error("Error in list of partitions to %s" % name)
        self._recycle(database, table, table.partitions.pop(name))
        if force:
            self._erase_now([self._cluster.recycled_partitions.pop().partition])

    def _recycle(self, database: Database, table: Table, partition: Partition) -> None:
        now = self._clock.now()
        self._cluster.recycled_partitions.append(RecycledPartition(database, table, partition, now))


def _widened(column: Column) -> Column:
    """A SUM column of decimals gets the greatest precision."""
    found = _DECIMAL.match(column.type)
    if column.aggregation.upper() != "SUM" or not found:
        return column
    return replace(column, type="decimal(38, %s)" % found[1])
