# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables a comparison takes for hidden: those that are counted and not seen, and none that come and go."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile


class Server:
    """A cluster with one database ``d``. ``changes``: how many tables it has from that question on."""

    profile = Profile.choose(Version.parse("3.5.1"), "shared_nothing")

    def __init__(self, tables: int, hidden: int = 0, temporary: int = 0, **changes: int) -> None:
        self._tables = tables
        self._hidden = hidden
        self._temporary = temporary
        self._changes = {int(name.lstrip("q")): count for name, count in changes.items()}
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        self._tables = self._changes.get(len(self.asked), self._tables)
        if sql == "SHOW PROC '/dbs'":
            return Rows(("DbId", "DbName", "TableNum"), (("1", "d", str(self._tables + self._temporary)),))
        if "temp_tables" in sql:
            return Rows(("TABLE_SCHEMA", "TABLE_NAME"), tuple(("d", str(one)) for one in range(self._temporary)))
        assert "COUNT(*)" in sql, sql
        return Rows(("TABLE_SCHEMA", "COUNT(*)"), (("d", str(self._tables - self._hidden)),))


def hidden(server: Server) -> t.Dict[str, t.Tuple[int, int]]:
    return PartitionReader(server, Scope()).hidden()


def test_all_is_seen_with_two_questions() -> None:
    server = Server(3)
    assert hidden(server) == {}
    assert len(server.asked) == 2


def test_what_is_not_seen_is_told() -> None:
    assert hidden(Server(3, hidden=1)) == {"d": (2, 3)}


def test_temporary_tables_hide_nothing_and_cover_nothing() -> None:
    assert hidden(Server(3, temporary=2)) == {}
    assert hidden(Server(3, hidden=1, temporary=2)) == {"d": (2, 3)}


def test_a_table_that_is_dropped_or_made_between_two_questions_is_not_hidden() -> None:
    assert hidden(Server(3, q2=2)) == {}
    assert hidden(Server(3, q2=4)) == {}


def test_versions_without_temporary_tables() -> None:
    class Old(Server):
        def query(self, sql: str, doing: str) -> Rows:
            if "temp_tables" in sql:
                raise MigrationError("starrocks.unknown_table", "there is no such table")
            return super().query(sql, doing)

    assert hidden(Old(3, hidden=1)) == {"d": (2, 3)}
