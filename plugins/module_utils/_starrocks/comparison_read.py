# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading the partitions of a cluster: one query where the version has the view for it, one per table elsewhere."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import Side
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import (
    TEMPORARY,
    decode_tables,
    decode_temporary,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import (
    SYSTEM_DATABASES,
    Catalog,
    Collector,
    plain_database,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier, quote_string

ONE_QUERY_UP_TO = 2000
"""Tables of a cluster up to which one query reads all partitions. Above, one for each database is sent: the server
answers from memory it needs at once, and so do we (facts 4.4)."""
_WANTED = (
    "DB_NAME",
    "TABLE_NAME",
    "PARTITION_NAME",
    "VISIBLE_VERSION",
    "DATA_VERSION",
    "VERSION_EPOCH",
    "VERSION_TXN_TYPE",
    "ROW_COUNT",
    "IS_TEMP",
)
_SHOW_COLUMNS = {"DataVersion": "DATA_VERSION", "VersionEpoch": "VERSION_EPOCH", "VersionTxnType": "VERSION_TXN_TYPE"}
_NO_TABLE = ("is not a OLAP", "does not exists or is not OLAP")
"""Of a table without partitions of its own, as servers say it; the second also of one that is gone by now, with the
number of any error (ShowStmtAnalyzer, before that ShowPartitionsStmt)."""
_GONE = ("starrocks.unknown_table", "starrocks.unknown_database")
_NO_SUCH_VIEW = (*_GONE, "starrocks.access_denied", "starrocks.unsupported_here")


class PartitionServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    @property
    def profile(self) -> Profile:
        """How it behaves."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader, which alone answers rightly in versions that do not forward (facts 4.4)."""


class PartitionReader:
    """The partitions of one cluster. ``databases`` and ``columns`` are asked once, partitions whenever asked for."""

    def __init__(self, server: PartitionServer, scope: Scope) -> None:
        self._server = server
        self._scope = scope
        self._columns: t.Optional[t.Tuple[str, ...]] = None
        self._databases: t.Optional[t.Dict[str, int]] = None
        self._views: t.Optional[t.FrozenSet[t.Tuple[str, str]]] = None
        self._shown: t.Set[str] = set()

    @property
    def columns(self) -> t.Tuple[str, ...]:
        """The columns of partitions_meta that are used and exist here; none where there is no such view."""
        if self._columns is None:
            rows = self._server.query(
                "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA='information_schema' AND "
                "TABLE_NAME='partitions_meta'",
                "find the columns of information_schema.partitions_meta",
            )
            there = {str(row[0]).upper() for row in rows.rows}
            self._columns = tuple(name for name in _WANTED if name in there)
        return self._columns

    @property
    def databases(self) -> t.Mapping[str, int]:
        """Every database that may hold something to compare, with the number of its tables and views, sorted."""
        if self._databases is None:
            rows = self._server.query("SHOW PROC '/dbs'", "list the databases")
            found = {
                plain_database(text(row.get("dbname"))): int(text(row.get("tablenum")) or 0) for row in rows.records()
            }
            self._databases = {name: found[name] for name in sorted(found) if self._scope.touches(name)}
        return self._databases

    @property
    def materialized_views(self) -> t.FrozenSet[t.Tuple[str, str]]:
        """Their partitions are listed like those of tables, but their data is never migrated (facts 9)."""
        if self._views is None:
            rows = self._server.query(
                "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.materialized_views",
                "list the materialized views",
            )
            self._views = frozenset((plain_database(str(row[0])), str(row[1])) for row in rows.rows)
        return self._views

    def forget(self) -> None:
        """Ask for databases and views anew next time."""
        self._databases = None
        self._views = None

    def side(self) -> Side:
        """What the comparison rules go by. Where SHOW PARTITIONS is used, its columns are known once it was read."""
        return Side(self._server.profile, frozenset(self.columns) | self._shown)

    def probe(self) -> None:
        """Where SHOW PARTITIONS is used, look at the columns of one table, so that ``side`` is complete."""
        if self.columns:
            return
        for database in self.databases:
            for table in self.tables(database):
                if self._show(database, table, Collector()):
                    return

    def pages(self) -> t.List[t.Tuple[str, ...]]:
        """The databases in portions that are read at once, in order."""
        names = tuple(self.databases)
        if not self.columns or sum(self.databases.values()) > ONE_QUERY_UP_TO:
            return [(name,) for name in names]
        return [names] if names else []

    def read(self, databases: t.Sequence[str]) -> Catalog:
        """The partitions of some databases, without temporary ones and those of materialized views.

        :raises MigrationError: ``starrocks.*``; ``starrocks.no_alive_node`` when no BE or CN is there to answer
        """
        views = self.materialized_views
        collector = Collector(
            lambda database, table: self._scope.takes(database, table) and (database, table) not in views
        )
        if not self.columns:
            for database in databases:
                for table in self.tables(database):
                    self._show(database, table, collector)
            return collector.catalog()
        # A prefix that old versions print belongs to the value, so it is not asked for by name there.
        names = SYSTEM_DATABASES if len(databases) != 1 else tuple(databases)
        operator = "NOT IN" if len(databases) != 1 else "IN"
        rows = self._server.query(
            f"SELECT {', '.join(self.columns)} FROM information_schema.partitions_meta "  # noqa: S608
            f"WHERE DB_NAME {operator} ({', '.join(quote_string(name) for name in names)})",
            "read the partitions" + (f" of {databases[0]}" if len(databases) == 1 else ""),
        )
        collector.add(rows.columns, rows.rows)
        found = collector.catalog()
        return {name: tables for name, tables in found.items() if name in set(databases)}

    def tables(self, database: str) -> t.List[str]:
        """The tables of a database that are compared, sorted; views are none, nor tables whose data is elsewhere."""
        rows = self._server.query(
            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.tables WHERE "  # noqa: S608
            f"TABLE_TYPE='BASE TABLE' AND TABLE_SCHEMA={quote_string(database)}",
            f"list the tables of {database}",
        )
        listed = (table for table in decode_tables(rows) if not table.external)
        return sorted(table.name for table in listed if self._scope.takes(database, table.name))

    def _show(self, database: str, table: str, collector: Collector) -> bool:
        """One table; False if it is none that has partitions, or gone by now."""
        name = f"{quote_identifier(database)}.{quote_identifier(table)}"
        try:
            rows = self._server.query(f"SHOW PARTITIONS FROM {name}", f"read the partitions of {database}.{table}")
        except MigrationError as error:
            if error.code in _GONE or any(words in (error.server_text or "") for words in _NO_TABLE):
                return False
            raise
        self._shown |= {_SHOW_COLUMNS[column] for column in rows.columns if column in _SHOW_COLUMNS}
        collector.add(rows.columns, rows.rows, database, table)
        return True

    def hidden(self) -> t.Dict[str, t.Tuple[int, int]]:
        """Databases of which the user sees fewer tables than there are: (seen, there). No grant, no row (facts 8).

        Tables come and go meanwhile, so what seems to be missing is counted again the other way round: what was dropped
        between two questions is missed in the one order, what was made in the other. Temporary tables are counted, but
        listed nowhere else.
        """
        there = self.databases
        missing = _fewer(self._seen(), there)
        if not missing:
            return {}
        seen = self._seen()
        self._databases = None
        temporary = self._temporary()
        there = {name: count - temporary.get(name, 0) for name, count in self.databases.items() if name in missing}
        return _fewer(seen, there)

    def _seen(self) -> t.Dict[str, int]:
        rows = self._server.query(
            "SELECT TABLE_SCHEMA, COUNT(*) FROM information_schema.tables GROUP BY TABLE_SCHEMA",
            "count the tables that the user sees",
        )
        return {plain_database(str(row[0])): int(row[1]) for row in rows.rows}

    def _temporary(self) -> t.Dict[str, int]:
        try:
            return decode_temporary(self._server.query(TEMPORARY, "list the temporary tables"))
        except MigrationError as error:
            if error.code not in _NO_SUCH_VIEW:
                raise
            return {}


def _fewer(seen: t.Mapping[str, int], there: t.Mapping[str, int]) -> t.Dict[str, t.Tuple[int, int]]:
    return {name: (seen.get(name, 0), count) for name, count in there.items() if seen.get(name, 0) < count}
