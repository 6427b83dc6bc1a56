# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""information_schema and greptime_private by version: regions and tables (facts 4)."""

from __future__ import annotations

import typing as t

from lab.greptimedb import tables_nodes
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import CATALOG, Region, Table, region_id
from lab.greptimedb.sql_eval import Row, Scope, compile_value
from lab.greptimedb.sql_parse import Node
from lab.greptimedb.sql_select import TableData
from lab.mysql_packets import Column

TABLE_COLUMNS = [Column("table_catalog"), Column("table_schema"), Column("table_name")]
PARTITION_COLUMNS = (
    ("partition_name", "string"),
    ("subpartition_name", "string"),
    ("partition_ordinal_position", "i64"),
    ("subpartition_ordinal_position", "i64"),
    ("partition_method", "string"),
    ("subpartition_method", "string"),
    ("partition_expression", "string"),
    ("subpartition_expression", "string"),
    ("partition_description", "string"),
    ("table_rows", "i64"),
    ("avg_row_length", "i64"),
    ("data_length", "i64"),
    ("max_data_length", "i64"),
    ("index_length", "i64"),
    ("data_free", "i64"),
    ("create_time", "timestamp"),
    ("update_time", "timestamp"),
    ("check_time", "timestamp"),
    ("checksum", "i64"),
    ("partition_comment", "string"),
    ("nodegroup", "string"),
    ("tablespace_name", "string"),
    ("greptime_partition_id", "u64"),
)
Provider = t.Callable[[], TableData]


class Tables:
    """The system tables of the frontend's version; ``standalone`` changes a few rows."""

    def __init__(self, metasrv: Metasrv, standalone: bool) -> None:
        self.metasrv = metasrv
        self.cluster = metasrv.cluster
        self.standalone = standalone
        version = self.cluster.profile.version
        nodes = tables_nodes.NodeTables(metasrv, standalone)
        self._tables: dict[tuple[str, str], Provider] = {
            ("information_schema", "tables"): self._tables_table,
            ("information_schema", "engines"): _engines,
            ("information_schema", "schemata"): self._schemata,
            ("information_schema", "build_info"): nodes.build_info,
        }
        if version >= "0.7.0":
            self._tables["information_schema", "partitions"] = self._partitions
            self._tables["information_schema", self.cluster.profile.region_peers] = self._region_peers
        if version >= "0.8.0":
            self._tables["information_schema", "cluster_info"] = nodes.cluster_info
        if version >= "0.9.4":
            self._tables["information_schema", "region_statistics"] = nodes.region_statistics
            self._tables["information_schema", "procedure_info"] = nodes.procedure_info
        if version >= "1.1.0":
            self._tables["information_schema", "region_info"] = nodes.region_info
        if version >= "0.16.0":
            self._tables["greptime_private", "events"] = nodes.events

    def names(self, schema: str) -> list[str]:
        """Names of the system tables in a schema."""
        names = sorted(name for s, name in self._tables if s == schema)
        return [n for n in names if n != "events" or self.metasrv.events.exists]

    def needs_leader(self, name: str) -> bool:
        """True for tables that the metasrv leader answers from its memory."""
        return name in ("procedure_info", "cluster_info", "region_statistics")

    def find(self, schema: str, name: str) -> TableData | None:
        """A system table by name; None when this version does not have it (or not yet)."""
        provider = self._tables.get((schema, name))
        if provider is None or (name == "events" and not self.metasrv.events.exists):
            return None
        return provider()

    def region_entries(self, table: Table) -> list[tuple[int, Region]]:
        """(region id as it is listed, region) of a table; logical tables list their own or the physical ids."""
        if table.physical is None:
            return [(r.id, r) for r in table.regions]
        if self.cluster.profile.logical_shows_physical:
            return [(r.id, r) for r in table.physical.regions]
        return [(region_id(table.id, r.number), r) for r in table.physical.regions]

    # --- tables ---

    def _region_peers(self) -> TableData:
        with_table = self.cluster.profile.region_peers_with_table
        columns = list(TABLE_COLUMNS) if with_table else []
        columns += [Column("region_id", "u64", False), Column("peer_id", "u64"), Column("peer_addr")]
        columns += [Column("is_leader"), Column("status"), Column("down_seconds", "i64")]

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            scope = Scope([("", c) for c in columns])
            keep = [compile_value(_unqualified(f), scope) for f in filters]
            buggy = self.cluster.profile.region_peers_predicate_bug
            for table in list(self.cluster.tables.values()):
                for row in self._peers_of(table, with_table):
                    if all(k(row) is True for k in keep):
                        yield row
                    elif buggy:
                        break  # `return` for `continue` upstream: the rest of this table is lost

        return TableData(columns, rows)

    def _peers_of(self, table: Table, with_table: bool) -> t.Iterator[Row]:
        head: Row = (CATALOG, table.schema, table.name) if with_table else ()
        now, word = self.cluster.clock.now(), self.cluster.profile.downgraded_word
        nodes = self.cluster.nodes
        for listed, region in self.region_entries(table):
            if self.standalone:
                yield head + (listed, 0, "", "Yes", "ALIVE", None)
                continue
            down = int(now - region.since) if region.since is not None else None
            leader = region.leader
            address = nodes[leader].address if leader is not None else None
            yield head + (listed, leader, address, "Yes", word if region.state else "ALIVE", down)
            if with_table:
                for peer in region.followers:
                    yield head + (listed, peer, nodes[peer].address, "No", None, None)

    def _partitions(self) -> TableData:
        columns = [*TABLE_COLUMNS, *(Column(name, kind) for name, kind in PARTITION_COLUMNS)]
        created = self.cluster.clock.timestamp(0.0)
        later = self.cluster.profile.version >= "1.0.0"

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            for table in list(self.cluster.tables.values()):
                for index, (listed, _dummy) in enumerate(self.region_entries(table)):
                    rule = "host < 'h%03d'" % (index + 1)
                    expression, description = ("host", rule) if later else (rule, None)
                    yield (
                        (CATALOG, table.schema, table.name, "p%d" % index, None, index + 1, None, "RANGE", None)
                        + (expression, None, description, None, None, None, None, None, None, created, None, None)
                        + (None, None, None, None, listed)
                    )

        return TableData(columns, rows)

    def _tables_table(self) -> TableData:
        columns = TABLE_COLUMNS + [
            Column("table_type"),
            Column("table_id", "u32"),
            Column("engine"),
            Column("create_time", "timestamp"),
            Column("create_options"),
            Column("table_comment"),
        ]
        created = self.cluster.clock.timestamp(0.0)

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            for x in list(self.cluster.tables.values()):
                yield (CATALOG, x.schema, x.name, "BASE TABLE", x.id, x.engine, created, x.options, None)
            for schema, name in sorted(self._tables):
                if schema == "information_schema":
                    yield (CATALOG, schema, name, "LOCAL TEMPORARY", 3, None, created, "", None)

        return TableData(columns, rows)

    def _schemata(self) -> TableData:
        names = ["catalog_name", "schema_name", "default_character_set_name", "default_collation_name", "sql_path"]
        rows = [(CATALOG, s, "utf8", "utf8_bin", None) for s in self.cluster.schemas()]
        return TableData([Column(n) for n in names], lambda filters: rows)


def _engines() -> TableData:
    columns = [Column(n) for n in ("engine", "support", "comment", "transactions", "xa", "savepoints")]
    rows = [
        ("mito", "DEFAULT", "Storage engine for time-series data", "NO", "NO", "NO"),
        ("metric", "YES", "Storage engine for observability scenarios", "NO", "NO", "NO"),
    ]
    return TableData(columns, lambda filters: rows)


def _unqualified(node: Node) -> Node:
    """A filter with its columns' table alias taken away."""
    if node[0] == "col":
        return ("col", "", node[2])
    return tuple(
        _unqualified(p)
        if isinstance(p, tuple) and p and isinstance(p[0], str)
        else tuple(_unqualified(q) for q in p)
        if isinstance(p, tuple)
        else p
        for p in node
    )
