# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Partitions: information_schema.partitions_meta and SHOW PARTITIONS (facts 4.4)."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns
from lab.starrocks.accounts import TABLE
from lab.starrocks.schema import Equals, constant, relation, visible
from lab.starrocks.sql_expr import Getter
from lab.starrocks.sql_select import Relation, SelectReader
from lab.starrocks.state_tables import NATIVE, Partition, Table
from lab.starrocks.statements import Call, Statement, flag
from lab.starrocks.statements_nodes import size

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements_select import Source

NAME = "information_schema.partitions_meta"
_BIGINTS = columns.words(
    "PARTITION_ID COMPACT_VERSION VISIBLE_VERSION NEXT_VERSION DATA_VERSION VERSION_EPOCH BUCKETS REPLICATION_NUM"
    " ROW_COUNT STORAGE_SIZE METADATA_SWITCH_VERSION"
)
_DOUBLES = ("AVG_CS", "P50_CS", "MAX_CS")
_BOOLEANS = ("IS_IN_MEMORY", "IS_TEMP", "ENABLE_DATACACHE")
NEVER = "9999-12-31 23:59:59"


def pretty(count: int) -> str:
    """A size as partitions_meta prints it: 1.2GB."""
    number = float(count)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if number < 1024:
            return "%dB" % count if unit == "B" else "%.1f%s" % (number, unit)
        number /= 1024
    return "%.1fPB" % number


def bounds(table: Table, partition: Partition) -> str:
    """The range as listings print it."""
    if not table.partition_column:
        return ""
    kind = next((c.type.upper() for c in table.columns if c.name == table.partition_column), "DATE")
    text = "[types: [%s]; keys: [%s]; ..types: [%s]; keys: [%s]; )"
    return text % (kind, partition.lower, kind, partition.upper)


class Partitions:
    """One relation for the whole cluster, one listing for a table."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def sources(self) -> t.Mapping[str, Source]:
        """partitions_meta, where the version has it."""
        return {NAME: self._meta} if self._front.profile.partitions_meta else {}

    def statements(self) -> t.Iterable[Statement]:
        """SHOW PARTITIONS, SHOW TEMPORARY PARTITIONS."""
        yield Statement(("SHOW", "PARTITIONS", "FROM"), self._show)
        yield Statement(("SHOW", "TEMPORARY", "PARTITIONS", "FROM"), self._show_temporary)

    def _meta(self, call: Call) -> Relation:
        front = self._front

        def rows(equals: Equals) -> t.Iterator[tuple[t.Any, Table, Partition]]:
            front.scan_node()
            if front.profile.partitions_meta_on_leader:
                front.forward(call.connected)  # fails while nobody leads
            names = equals.get("partition_name")
            for database, table in visible(front, call, equals, "db_name", "table_name", "tables"):
                for partition in table.all_partitions() if table.engine == NATIVE else ():
                    if names is None or partition.name in names:
                        yield database, table, partition

        kinds = {"i64": _BIGINTS, "f64": _DOUBLES, "bool": _BOOLEANS}
        return relation(NAME, columns.partitions_meta(front.profile), self._getters(), rows, kinds)

    def _getters(self) -> dict[str, Getter]:
        stamp = self._front.stamp
        score: Getter = lambda row: float(row[2].visible_version - row[2].compact_version)
        return {
            "DB_NAME": lambda row: row[0].name,
            "TABLE_NAME": lambda row: row[1].name,
            "PARTITION_NAME": lambda row: row[2].name,
            "PARTITION_ID": lambda row: row[2].id,
            "COMPACT_VERSION": lambda row: row[2].compact_version,
            "VISIBLE_VERSION": lambda row: row[2].visible_version,
            "VISIBLE_VERSION_TIME": lambda row: stamp(row[2].visible_at),
            "NEXT_VERSION": lambda row: row[2].next_version,
            "DATA_VERSION": lambda row: row[2].data_version,
            "VERSION_EPOCH": lambda row: row[2].version_epoch,
            "VERSION_TXN_TYPE": lambda row: row[2].version_txn_type,
            "PARTITION_KEY": lambda row: row[1].partition_column,
            "PARTITION_VALUE": lambda row: bounds(row[1], row[2]),
            "DISTRIBUTION_KEY": lambda row: ", ".join(row[1].distribution),
            "BUCKETS": lambda row: row[2].buckets,
            "REPLICATION_NUM": lambda row: row[1].replication_num,
            "STORAGE_MEDIUM": constant("HDD"),
            "COOLDOWN_TIME": constant(NEVER),
            "LAST_CONSISTENCY_CHECK_TIME": constant(None),
            "IS_IN_MEMORY": constant(0),
            "IS_TEMP": lambda row: int(row[2].temp),
            "DATA_SIZE": lambda row: pretty(self._replicas(row[1]) * row[2].counted_rows * row[2].row_bytes),
            "ROW_COUNT": lambda row: row[2].counted_rows,
            "STORAGE_SIZE": lambda row: self._replicas(row[1]) * row[2].counted_rows * row[2].row_bytes,
            "ENABLE_DATACACHE": constant(1),
            "AVG_CS": score,
            "P50_CS": score,
            "MAX_CS": score,
            "STORAGE_PATH": lambda row: row[2].storage_path,
            "METADATA_SWITCH_VERSION": constant(0),
        }

    def _replicas(self, table: Table) -> int:
        """Shared-nothing sizes count all replicas."""
        return 1 if self._front.profile.shared_data else table.replication_num

    async def _show(self, call: Call) -> ResultSet:
        return self._listing(call, temporary=False)

    async def _show_temporary(self, call: Call) -> ResultSet:
        return self._listing(call, temporary=True)

    def _listing(self, call: Call, temporary: bool) -> ResultSet:
        path = call.cursor.path()
        schema = path[-2] if len(path) > 1 else call.context.database
        database, table = self._front.table(schema, path[-1])
        call.rights.demand("", TABLE, database.name, table.name)
        found = table.temp_partitions if temporary else table.partitions
        shown = [partition for partition in found.values() if not partition.shadow]
        listing = relation("", columns.partitions(self._front.profile), self._shown(table), lambda equals: shown)
        return SelectReader(call.cursor, listing, {}).show()

    def _shown(self, table: Table) -> dict[str, Getter]:
        stamp = self._front.stamp
        replicas = self._replicas(table)
        score: Getter = lambda p: "%.2f" % (p.visible_version - p.compact_version)
        return {
            "PartitionId": lambda p: p.id,
            "PartitionName": lambda p: p.name,
            "CompactVersion": lambda p: p.compact_version,
            "VisibleVersion": lambda p: p.visible_version,
            "VisibleVersionTime": lambda p: stamp(p.visible_at),
            "VisibleVersionHash": constant(0),
            "NextVersion": lambda p: p.next_version,
            "State": constant("NORMAL"),
            "PartitionKey": constant(table.partition_column),
            "Range": lambda p: bounds(table, p),
            "DistributionKey": constant(", ".join(table.distribution)),
            "Buckets": lambda p: p.buckets,
            "ReplicationNum": constant(table.replication_num),
            "StorageMedium": constant("HDD"),
            "CooldownTime": constant(NEVER),
            "LastConsistencyCheckTime": constant("NULL"),
            "DataSize": lambda p: size(replicas * p.counted_rows * p.row_bytes).replace(" ", ""),
            "StorageSize": lambda p: size(replicas * p.counted_rows * p.row_bytes).replace(" ", ""),
            "IsInMemory": constant(flag(False)),
            "RowCount": lambda p: p.counted_rows,
            "EnableDataCache": constant(flag(True)),
            "AsyncWrite": constant(flag(False)),
            "AvgCS": score,
            "P50CS": score,
            "MaxCS": score,
            "DataVersion": lambda p: p.data_version,
            "VersionEpoch": lambda p: p.version_epoch,
            "VersionTxnType": lambda p: p.version_txn_type,
            "MetaSwitchVersion": constant(0),
        }
