# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DDL procedures: they take the table's lock, so that they wait for migrations where migrations lock tables."""

from __future__ import annotations

import typing as t

from lab.greptimedb.errors import ServerError
from lab.greptimedb.layout import add_table
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import Table
from lab.greptimedb.procedures import Procedure


class DdlBody:
    """One step that changes the metadata; lost when the leader changes."""

    persisted = False

    def __init__(self, metasrv: Metasrv, action: t.Callable[[], None]) -> None:
        self._metasrv = metasrv
        self._action = action

    async def step(self) -> bool:
        """Do it."""
        await self._metasrv.cluster.pause("route_update")
        self._action()
        return True

    async def rollback(self) -> None:
        """Nothing stays of a DDL that failed."""

    def resume(self) -> None:
        """Never called: nothing is persisted."""

    def ended(self, status: str, error: str) -> None:
        """DDL writes no history here."""


class Ddl:
    """CREATE TABLE and DROP TABLE."""

    def __init__(self, metasrv: Metasrv) -> None:
        self._metasrv = metasrv
        self._cluster = metasrv.cluster

    async def create(self, schema: str, name: str, if_not_exists: bool = False) -> None:
        """Create a table of one region."""
        if self._cluster.table_by_name(schema, name) is not None:
            if if_not_exists:
                return
            raise ServerError("TableAlreadyExists", "Table already exists: `greptime.%s.%s`" % (schema, name))

        def action() -> None:
            add_table(self._cluster, schema, name, 1, empty=True)

        locks = [("Share", "__catalog_lock/greptime"), ("Share", "__schema_lock/greptime.%s" % schema)]
        await self._run("metasrv-procedure::CreateTable", locks, action)

    async def drop(self, table: Table) -> None:
        """Drop a table; migrations of its regions that run meanwhile will not find their route."""
        locks = self._metasrv.schema_locks(table) + [("Exclusive", "__table_lock/%d" % table.id)]
        await self._run("metasrv-procedure::DropTable", locks, lambda: self._cluster.drop_table(table))

    async def _run(self, kind: str, locks: list[tuple[str, str]], action: t.Callable[[], None]) -> None:
        await self._metasrv.with_leader()
        body = DdlBody(self._metasrv, action)
        await self._metasrv.procedure(Procedure(self._metasrv.manager.new_pid(), kind, locks, body))
