# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""information_schema's tables about databases, tables, views, columns and indexes (facts 4.6, 9)."""

from __future__ import annotations

import json
import typing as t

from lab.starrocks import columns
from lab.starrocks.schema import Equals, cell, constant, databases, relation, visible
from lab.starrocks.sql_expr import Getter
from lab.starrocks.sql_select import Relation
from lab.starrocks.state_tables import NATIVE, PRIMARY, Column, Table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements import Call
    from lab.starrocks.statements_select import Source

_TABLES = columns.words(
    "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE VERSION ROW_FORMAT TABLE_ROWS AVG_ROW_LENGTH DATA_LENGTH"
    " MAX_DATA_LENGTH INDEX_LENGTH DATA_FREE AUTO_INCREMENT CREATE_TIME UPDATE_TIME CHECK_TIME TABLE_COLLATION CHECKSUM"
    " CREATE_OPTIONS TABLE_COMMENT"
)
_COLUMNS = columns.words(
    "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION COLUMN_DEFAULT IS_NULLABLE DATA_TYPE"
    " CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH NUMERIC_PRECISION NUMERIC_SCALE DATETIME_PRECISION"
    " CHARACTER_SET_NAME COLLATION_NAME COLUMN_TYPE COLUMN_KEY EXTRA PRIVILEGES COLUMN_COMMENT"
    " COLUMN_SIZE DECIMAL_DIGITS GENERATION_EXPRESSION SRS_ID"
)
_VIEWS = columns.words(
    "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME VIEW_DEFINITION CHECK_OPTION IS_UPDATABLE DEFINER SECURITY_TYPE"
    " CHARACTER_SET_CLIENT COLLATION_CONNECTION"
)
_STATISTICS = columns.words(
    "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME NON_UNIQUE INDEX_SCHEMA INDEX_NAME SEQ_IN_INDEX COLUMN_NAME COLLATION"
    " CARDINALITY SUB_PART PACKED NULLABLE INDEX_TYPE COMMENT"
)
_SCHEMATA = columns.words("CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH")
CATALOG = constant("def")


def properties(front: Front, table: Table) -> dict[str, str]:
    """A table's properties as tables_config and SHOW CREATE TABLE print them."""
    found = {"replication_num": str(table.replication_num), **table.properties}
    if front.profile.shared_data and table.engine == NATIVE:
        found["storage_volume"] = front.cluster.volume_of(table)
    return found


class Tables:
    """Nothing is said of what the user has no privilege on."""

    def __init__(self, front: Front, own: t.Callable[[Call], t.Mapping[str, t.Sequence[str]]]) -> None:
        """``own``: columns of information_schema's and sys' own tables, by "schema.table"."""
        self._front = front
        self._own = own

    def sources(self) -> t.Mapping[str, Source]:
        """All of them."""
        found: dict[str, Source] = {
            "tables": self._tables,
            "tables_config": self._tables_config,
            "columns": self._columns,
            "views": self._views,
            "statistics": self._statistics,
            "schemata": self._schemata,
            "materialized_views": self._materialized_views,
        }
        if self._front.profile.since("3.3.1", "3.4"):
            found["temp_tables"] = self._temp_tables
        return {"information_schema." + name: source for name, source in found.items()}

    def _visible(self, call: Call, kind: str) -> t.Callable[[Equals], t.Iterator[tuple[t.Any, t.Any]]]:
        return lambda equals: visible(self._front, call, equals, "table_schema", "table_name", kind)

    def _tables(self, call: Call) -> Relation:
        def rows(equals: Equals) -> t.Iterator[tuple[t.Any, t.Any, str]]:
            for kind in ("tables", "views", "materialized_views"):
                for database, found in self._visible(call, kind)(equals):
                    yield database, found, kind

        base: t.Callable[[t.Any], bool] = lambda row: row[2] == "tables"
        getters: dict[str, Getter] = {
            **_names(lambda row: row[1].name),
            "TABLE_TYPE": lambda row: "BASE TABLE" if base(row) else "VIEW",
            "ENGINE": lambda row: row[1].engine if base(row) else "",
            "TABLE_ROWS": lambda row: sum(p.counted_rows for p in row[1].partitions.values()) if base(row) else None,
            "DATA_LENGTH": lambda row: row[1].bytes if base(row) else None,
            "CREATE_TIME": lambda row: self._front.stamp(row[1].created) if base(row) else None,
            "TABLE_COLLATION": constant("utf8_general_ci"),
            "TABLE_COMMENT": lambda row: row[1].comment if base(row) else "",
        }
        return relation("tables", _TABLES, getters, rows, {"i64": ("TABLE_ROWS", "DATA_LENGTH")})

    def _tables_config(self, call: Call) -> Relation:
        front = self._front
        engine = front.profile.table_engine
        shown = front.profile.partitions_meta  # the same releases brought the storage volume
        getters: dict[str, Getter] = {
            **_names(lambda row: row[1].name),
            "TABLE_ENGINE": lambda row: engine if row[1].engine == NATIVE else row[1].engine.upper(),
            "TABLE_MODEL": lambda row: row[1].model,
            "PRIMARY_KEY": lambda row: _quoted(row[1].keys) if row[1].model == PRIMARY else "",
            "PARTITION_KEY": lambda row: _quoted([row[1].partition_column]) if row[1].partition_column else "",
            "DISTRIBUTE_KEY": lambda row: _quoted(row[1].distribution),
            "DISTRIBUTE_TYPE": lambda row: (
                row[1].properties.get("_distribution") or ("HASH" if row[1].distribution else "RANDOM")
            ),
            "DISTRIBUTE_BUCKET": lambda row: row[1].buckets,
            "SORT_KEY": lambda row: _quoted(row[1].keys),
            "PROPERTIES": lambda row: json.dumps(
                {k: v for k, v in properties(front, row[1]).items() if shown or k != "storage_volume"},
                separators=(",", ":"),
            ),
            "TABLE_ID": lambda row: row[1].id,
        }
        names = columns.tables_config(front.profile)
        kinds = {"i64": ("TABLE_ID",), "i32": ("DISTRIBUTE_BUCKET",)}
        return relation("tables_config", names, getters, self._visible(call, "tables"), kinds)

    def _columns(self, call: Call) -> Relation:
        def rows(equals: Equals) -> t.Iterator[tuple[str, str, int, Column]]:
            for database, table in self._visible(call, "tables")(equals):
                for number, column in enumerate(table.columns, 1):
                    yield database.name, table.name, number, column
            for name, names in self._own(call).items():
                schema, _dot, own = name.partition(".")
                if own.lower() in {n.lower() for n in equals.get("table_name", {own})}:
                    for number, column_name in enumerate(names, 1):
                        yield schema, own, number, Column(column_name, "varchar(2048)")

        generated = self._front.profile.generation_expression
        getters: dict[str, Getter] = {
            "TABLE_CATALOG": CATALOG,
            "TABLE_SCHEMA": lambda row: row[0],
            "TABLE_NAME": lambda row: row[1],
            "COLUMN_NAME": lambda row: row[3].name,
            "ORDINAL_POSITION": lambda row: row[2],
            "COLUMN_DEFAULT": lambda row: row[3].default,
            "IS_NULLABLE": lambda row: "YES" if row[3].nullable else "NO",
            "DATA_TYPE": lambda row: row[3].type.partition("(")[0],
            "COLUMN_TYPE": lambda row: row[3].type,
            "COLUMN_KEY": lambda row: "PRI" if row[3].key else "",
            "COLUMN_COMMENT": lambda row: row[3].comment,
            "GENERATION_EXPRESSION": lambda row: row[3].generated if generated else "",
        }
        return relation("columns", _COLUMNS, getters, rows, {"i64": ("ORDINAL_POSITION",)})

    def _views(self, call: Call) -> Relation:
        getters: dict[str, Getter] = {
            **_names(lambda row: row[1].name),
            "VIEW_DEFINITION": lambda row: row[1].definition,
            "CHECK_OPTION": constant("NONE"),
            "IS_UPDATABLE": constant("NO"),
        }
        return relation("views", _VIEWS, getters, self._visible(call, "views"))

    def _statistics(self, call: Call) -> Relation:
        """There for MySQL's clients: no server fills it. Indexes are in SHOW INDEX and SHOW CREATE TABLE."""
        return relation("statistics", _STATISTICS, {}, lambda equals: [], {"i64": ("NON_UNIQUE", "SEQ_IN_INDEX")})

    def _schemata(self, call: Call) -> Relation:
        names = [database.name for database in databases(self._front, None)] + ["information_schema", "sys"]
        getters: dict[str, Getter] = {
            "CATALOG_NAME": CATALOG,
            "SCHEMA_NAME": lambda row: row,
            "DEFAULT_CHARACTER_SET_NAME": constant("utf8"),
            "DEFAULT_COLLATION_NAME": constant("utf8_general_ci"),
        }
        return relation("schemata", _SCHEMATA, getters, lambda equals: names)

    def _materialized_views(self, call: Call) -> Relation:
        getters: dict[str, Getter] = {
            **_names(lambda row: row[1].name),
            "MATERIALIZED_VIEW_ID": lambda row: row[1].id,
            "REFRESH_TYPE": lambda row: row[1].refresh_type,
            "IS_ACTIVE": lambda row: "true" if row[1].active else "false",
            "INACTIVE_REASON": lambda row: row[1].inactive_reason,
            "PARTITION_TYPE": constant("UNPARTITIONED"),
            "TASK_NAME": lambda row: "mv-%d" % row[1].id,
            "MATERIALIZED_VIEW_DEFINITION": lambda row: row[1].definition,
        }
        rows = self._visible(call, "materialized_views")
        kinds = {"i64": ("MATERIALIZED_VIEW_ID",)}
        return relation("materialized_views", columns.MATERIALIZED_VIEWS, getters, rows, kinds)

    def _temp_tables(self, call: Call) -> Relation:
        """Rows that only a test puts there (the cluster's ``others``)."""
        names = (*_TABLES, "SESSION", "TABLE_ID")
        others = self._front.cluster.others
        return relation("temp_tables", names, {n: cell(n) for n in names}, lambda equals: others.get("temp_tables", []))


def _names(name: Getter) -> dict[str, Getter]:
    return {"TABLE_CATALOG": CATALOG, "TABLE_SCHEMA": lambda row: row[0].name, "TABLE_NAME": name}


def _quoted(names: t.Sequence[str]) -> str:
    return ", ".join("`%s`" % name for name in names)
