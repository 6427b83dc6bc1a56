# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading what is compared: the partitions of a cluster, and the tables that have none.

A table with automatic or dynamic partitioning that nothing was loaded into yet is in no list of partitions (facts 4.4).
Clients that are switched need it on the target all the same, so it counts by its name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import (
    PartitionReader,
    PartitionServer,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import (
    BASE_TABLE,
    TABLES,
    decode_tables,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import Catalog

_NATIVE = "STARROCKS"
"""The engine of a table whose data is the cluster's own, as it stands in information_schema.tables (facts 4.6, 9)."""


class TableReader(PartitionReader):
    """A ``PartitionReader`` that also knows tables without partitions. They are listed once for each comparison."""

    def __init__(self, server: PartitionServer, scope: Scope) -> None:
        super().__init__(server, scope)
        self._listed: t.Optional[t.Dict[str, t.Tuple[str, ...]]] = None

    def forget(self) -> None:
        """Ask for databases, views and tables anew next time."""
        super().forget()
        self._listed = None

    def read(self, databases: t.Sequence[str]) -> Catalog:
        """The partitions of some databases, and with none those tables that have none.

        :raises MigrationError: see ``PartitionReader.read``
        """
        found = super().read(databases)
        listed = self._base_tables()
        for database in databases:
            for name in listed.get(database, ()):
                found.setdefault(database, {}).setdefault(name, {})
        return found

    def _base_tables(self) -> t.Mapping[str, t.Tuple[str, ...]]:
        """By database, the tables that are compared. One question for all: ten thousand names are soon told."""
        if self._listed is None:
            sql = f"{TABLES} WHERE TABLE_TYPE='{BASE_TABLE}'"
            self._listed = self._by_database(self._server.query(sql, "list the tables"))
        return self._listed

    def _by_database(self, rows: Rows) -> t.Dict[str, t.Tuple[str, ...]]:
        # Some versions may call a materialized view a table.
        views = self.materialized_views
        found: t.Dict[str, t.List[str]] = {}
        for table in decode_tables(rows):
            native = table.engine.upper() == _NATIVE and table.type == BASE_TABLE
            if native and self._scope.takes(table.database, table.name) and (table.database, table.name) not in views:
                found.setdefault(table.database, []).append(table.name)
        return {name: tuple(tables) for name, tables in found.items()}
