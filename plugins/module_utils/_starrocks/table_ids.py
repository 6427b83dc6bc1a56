# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Ids of tables: out of lists that not every server has, and the names that belong to them.

``SHOW PROC '/dbs/<id>'`` tells the names to whoever may ask it at all. Where a server does not know it,
``information_schema.tables_config`` tells those that the user sees (facts 4.6). Nobody knowing is no empty list.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_string

_UNTOLD = "State is invalid"
"""How a server answers to a path below its transactions that it does not have (facts 4.3)."""
_NO_SUCH_VIEW = (
    "starrocks.access_denied",
    "starrocks.refused",
    "starrocks.syntax",
    "starrocks.unknown_database",
    "starrocks.unknown_table",
    "starrocks.unsupported_here",
)
"""Of a view that is not there, may not be read, or has no ids (``Column 'TABLE_ID' cannot be resolved``)."""


class TableServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


def untold(error: MigrationError) -> bool:
    """Whether a server says with an error that it has no such path of SHOW PROC."""
    return error.code == "starrocks.unknown_proc" or _UNTOLD in (error.server_text or "")


def ids_of(rows: Rows) -> t.Optional[t.FrozenSet[int]]:
    """The table ids of a list; None where it is a list of something else."""
    found = [text(record.get("tableid")) for record in rows.records()]
    return frozenset(int(one) for one in found) if all(one.isdigit() for one in found) else None


def names_of(rows: Rows) -> t.Optional[t.Dict[int, str]]:
    """Table names by id; None where it is a list of something else, or of nothing: that would not tell who is gone."""
    names = {name.lower().replace("_", "") for name in rows.columns}
    if not {"tableid", "tablename"} <= names:
        return None
    found: t.Dict[int, str] = {}
    for record in rows.records():
        plain = {name.replace("_", ""): value for name, value in record.items()}
        number, name = text(plain["tableid"]), str(plain["tablename"])
        if not number.isdigit():
            return None
        found[int(number)] = name
    return found or None


def seen_names(server: TableServer, database: str) -> t.Optional[t.Dict[int, str]]:
    """The names of the tables that the user sees, by id; None where the server does not tell ids there."""
    sql = "SELECT TABLE_NAME, TABLE_ID FROM information_schema.tables_config WHERE TABLE_SCHEMA="
    try:
        return names_of(server.query(sql + quote_string(database), f"list the ids of the tables of {database}"))
    except MigrationError as error:
        if error.code not in _NO_SUCH_VIEW:
            raise
        return None
