# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A target that holds everything already, as the sync tool leaves it when it has caught up."""

from __future__ import annotations

from lab.starrocks.engine import Engine
from lab.starrocks.state_tables import TXN_REPLICATION, Database, Partition, Table


def copied(source: Engine, target: Engine) -> None:
    """Databases, tables and data of the source. Views, and indexes that the tool leaves out by default, are not."""
    for database in source.cluster.user_databases():
        mine = target.ddl.create_database(database.name)
        for table in database.tables.values():
            _table(target, mine, table)


def _table(target: Engine, database: Database, theirs: Table) -> None:
    shared_data = target.cluster.profile.shared_data
    table = Table(target.cluster.new_id(), theirs.name, [], list(theirs.keys), theirs.model)
    table.partition_column, table.distribution = theirs.partition_column, list(theirs.distribution)
    table.buckets, table.row_bytes = theirs.buckets, theirs.row_bytes
    table.storage_volume = theirs.storage_volume if shared_data else ""
    table.properties = dict(theirs.properties)
    if not shared_data:
        table.properties.pop("datacache.enable", None)
    bounds = [(p.name, p.lower, p.upper) for p in theirs.partitions.values()] if theirs.partition_column else []
    target.ddl.create_table(database, table, bounds)
    # As declared: legacy compatibility was on when the tool made the table.
    table.columns = list(theirs.columns)
    for partition in theirs.partitions.values():
        if partition.data_version > 1:
            _fill(target, table.partitions[partition.name], partition)


def _fill(target: Engine, mine: Partition, theirs: Partition) -> None:
    """Replicated in one go: the data version and the epoch are the source's (facts 4.5, 6)."""
    mine.content = theirs.content.copy()
    mine.counted_rows, mine.row_bytes = theirs.counted_rows, theirs.row_bytes
    mine.data_version, mine.version_epoch = theirs.data_version, theirs.version_epoch
    mine.version_txn_type = TXN_REPLICATION
    kept = target.cluster.profile.data_version_from_source
    mine.visible_version = theirs.data_version if kept else theirs.visible_version
    mine.next_version, mine.compact_version = mine.visible_version + 1, mine.visible_version
