# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATE, ALTER, DROP and TRUNCATE of databases, tables, partitions and views; SHOW CREATE TABLE."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import table_read, table_text
from lab.starrocks.accounts import DATABASE, TABLE, VOLUME
from lab.starrocks.engine import Engine
from lab.starrocks.errors import SqlError, analyzing_error
from lab.starrocks.schema_tables import properties
from lab.starrocks.state_jobs import AlterJob
from lab.starrocks.state_tables import Database, Index, Table
from lab.starrocks.statements import Call, Statement, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front


class DdlStatements:
    """The leader runs them; disable_load_job stops none."""

    def __init__(self, front: Front, engine: Engine) -> None:
        self._front = front
        self._engine = engine

    def statements(self) -> t.Iterable[Statement]:
        """All of them."""
        for words, run in (
            (("CREATE", "DATABASE"), self._create_database),
            (("DROP", "DATABASE"), self._drop_database),
            (("CREATE", "TABLE"), self._create_table),
            (("DROP", "TABLE"), self._drop_table),
            (("ALTER", "TABLE"), self._alter_table),
            (("TRUNCATE", "TABLE"), self._truncate),
            (("CREATE", "VIEW"), self._create_view),
            (("DROP", "VIEW"), self._drop_view),
            (("CREATE", "MATERIALIZED", "VIEW"), self._create_materialized_view),
            (("DROP", "MATERIALIZED", "VIEW"), self._drop_materialized_view),
            (("ALTER", "MATERIALIZED", "VIEW"), self._alter_materialized_view),
            (("CREATE", "EXTERNAL", "TABLE"), self._create_table),
        ):
            yield Statement(words, run, mutating=True, forwarded=True)
        yield Statement(("SHOW", "CREATE", "TABLE"), self._show_create)
        yield Statement(("SHOW", "CREATE", "VIEW"), self._show_create)

    # --- names ---

    @staticmethod
    def _path(call: Call) -> tuple[str, str]:
        """(database, name)"""
        path = call.cursor.path()
        database = path[-2] if len(path) > 1 else call.context.database
        if not database:
            raise SqlError("No database selected", 1046, "3D000")
        return database, path[-1]

    def _if(self, call: Call, *words: str) -> bool:
        return call.cursor.words("IF", *words)

    def _table(self, call: Call) -> tuple[Database, Table]:
        return self._front.table(*self._path(call))

    # --- databases ---

    async def _create_database(self, call: Call) -> ResultSet:
        anyway = self._if(call, "NOT", "EXISTS")
        name = call.cursor.name()
        call.rights.demand("CREATE DATABASE", "CATALOG")
        volume = call.cursor.pairs().get("storage_volume", "") if call.cursor.words("PROPERTIES") else ""
        call.cursor.end()
        if not (anyway and self._front.has_database(name)):
            self._engine.ddl.create_database(name, volume)
        return ResultSet()

    async def _drop_database(self, call: Call) -> ResultSet:
        anyway = self._if(call, "EXISTS")
        name = call.cursor.name()
        call.cursor.words("FORCE")
        call.cursor.end()
        call.rights.demand("DROP", DATABASE, name)
        if not anyway or self._front.has_database(name):
            self._engine.ddl.drop_database(name)
        return ResultSet()

    # --- tables ---

    async def _create_table(self, call: Call) -> ResultSet:
        anyway = self._if(call, "NOT", "EXISTS")
        database_name, name = self._path(call)
        call.rights.demand("CREATE TABLE", DATABASE, database_name)
        created = table_read.read_table(call.cursor, name)
        database = self._front.database(database_name)
        volume = created.table.storage_volume or database.storage_volume or self._engine.cluster.default_volume
        if self._front.profile.shared_data and volume:
            call.rights.demand("USAGE", VOLUME, volume)
        if not (anyway and name in database.tables):
            created.table.id = self._engine.cluster.new_id()
            self._engine.ddl.create_table(database, created.table, created.partitions)
        return ResultSet()

    async def _drop_table(self, call: Call) -> ResultSet:
        anyway = self._if(call, "EXISTS")
        database_name, name = self._path(call)
        force = call.cursor.words("FORCE")
        call.cursor.end()
        call.rights.demand("DROP", TABLE, database_name, name)
        if anyway and name not in self._front.database(database_name).tables:
            return ResultSet()
        database, _found = self._front.table(database_name, name)
        self._engine.ddl.drop_table(database, name, force)
        return ResultSet()

    async def _truncate(self, call: Call) -> ResultSet:
        database, found = self._table(call)
        call.rights.demand("DELETE", TABLE, database.name, found.name)
        names = table_read.names(call.cursor) if call.cursor.words("PARTITION") else []
        call.cursor.end()
        self._engine.ddl.truncate(database, found, names)
        return ResultSet()

    async def _alter_table(self, call: Call) -> ResultSet:
        database, found = self._table(call)
        call.rights.demand("ALTER", TABLE, database.name, found.name)
        cursor, ddl = call.cursor, self._engine.ddl
        if cursor.words("DROP", "PARTITION"):
            anyway = cursor.words("IF", "EXISTS")
            name = cursor.name()
            force = cursor.words("FORCE")
            if not anyway or name in found.partitions:
                ddl.drop_partition(database, found, name, force)
        elif cursor.upcoming(2) == ("ADD", "PARTITION"):
            cursor.words("ADD")
            anyway = "IF NOT EXISTS" in cursor.text.upper()
            for name, lower, upper in table_read.ranges(cursor):
                if not anyway or name not in found.partitions:
                    ddl.add_partition(database, found, name, lower, upper)
        elif cursor.words("ADD", "INDEX"):
            found.indexes.append(Index(cursor.name(), table_read.names(cursor)))
            cursor.rest()
        elif cursor.words("DROP", "INDEX"):
            name = cursor.name()
            found.indexes = [index for index in found.indexes if index.name != name]
        elif cursor.words("ADD", "COLUMN"):
            found.columns.append(table_read.read_column(cursor))
            found.schema_version += 1
            now = self._front.clock.now()
            job = AlterJob(self._engine.cluster.new_id(), found.name, "COLUMN", now, "FINISHED", now)
            database.alters.append(job)
        elif cursor.words("SET"):
            found.properties.update(cursor.pairs())
        else:
            raise cursor.error()
        cursor.end()
        return ResultSet()

    async def _show_create(self, call: Call) -> ResultSet:
        database, name = self._path(call)
        call.cursor.end()
        call.rights.demand("", TABLE, database, name)
        view = self._front.database(database).views.get(name)
        if view is not None:
            return table(("View", "Create View"), [(name, "CREATE VIEW `%s` AS %s;" % (name, view.definition))])
        _database, found = self._front.table(database, name)
        text = table_text.create_table(found, properties(self._front, found))
        return table(("Table", "Create Table"), [(name, text)])

    # --- views ---

    async def _create_view(self, call: Call) -> ResultSet:
        anyway = self._if(call, "NOT", "EXISTS")
        database, name = self._path(call)
        call.rights.demand("CREATE VIEW", DATABASE, database)
        call.cursor.expect_words("AS")
        found = self._front.database(database)
        if name in found.views and not anyway:
            raise SqlError("Table '%s' already exists" % name, 1050, "42S01")
        if name not in found.views:
            self._engine.ddl.create_view(found, name, call.cursor.rest().rstrip("; "))
        return ResultSet()

    async def _drop_view(self, call: Call) -> ResultSet:
        anyway = self._if(call, "EXISTS")
        database, name = self._path(call)
        found = self._front.database(database)
        if found.views.pop(name, None) is None and not anyway:
            raise analyzing_error("View %s is not found" % name)
        return ResultSet()

    async def _create_materialized_view(self, call: Call) -> ResultSet:
        anyway = self._if(call, "NOT", "EXISTS")
        database, name = self._path(call)
        call.rights.demand("CREATE MATERIALIZED VIEW", DATABASE, database)
        text = call.cursor.rest().rstrip("; ")
        found = self._front.database(database)
        if name in found.materialized_views and not anyway:
            raise SqlError("Table '%s' already exists" % name, 1050, "42S01")
        if name not in found.materialized_views:
            head, _as, definition = text.partition(" AS ")
            kind = "MANUAL" if "MANUAL" in head.upper() else "ASYNC"
            self._engine.ddl.create_materialized_view(found, name, definition or head, kind)
        return ResultSet()

    async def _drop_materialized_view(self, call: Call) -> ResultSet:
        anyway = self._if(call, "EXISTS")
        database, name = self._path(call)
        found = self._front.database(database)
        if found.materialized_views.pop(name, None) is None and not anyway:
            raise analyzing_error("Materialized view %s is not found" % name)
        return ResultSet()

    async def _alter_materialized_view(self, call: Call) -> ResultSet:
        """ACTIVE or INACTIVE."""
        database, name = self._path(call)
        view = self._front.database(database).materialized_views.get(name)
        if view is None:
            raise analyzing_error("Materialized view %s is not found" % name)
        call.rights.demand("ALTER", DATABASE, database)
        view.active = call.cursor.words("ACTIVE")
        if not view.active:
            call.cursor.expect_words("INACTIVE")
        call.cursor.end()
        view.inactive_reason = "" if view.active else "user use alter materialized view set status to inactive"
        return ResultSet()
