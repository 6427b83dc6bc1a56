# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INSERT INTO ... VALUES and DELETE, as loads."""

from __future__ import annotations

import typing as t

from lab.intervals import IntervalSet
from lab.mysql_packets import ResultSet
from lab.starrocks.accounts import TABLE
from lab.starrocks.engine import Engine
from lab.starrocks.errors import SqlError
from lab.starrocks.sql_expr import ExpressionReader
from lab.starrocks.sql_tokens import NUMBER, STRING, SYMBOL, WORD, Cursor
from lab.starrocks.state_tables import Database, Table
from lab.starrocks.statements import Call, Statement
from lab.starrocks.table_read import names

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

MOST_LOOKED_AT = 200_000
"""Rows of a partition that a DELETE looks at one by one."""


class LoadStatements:
    """Forwarded to the leader, where the transaction begins."""

    def __init__(self, front: Front, engine: Engine) -> None:
        self._front = front
        self._engine = engine

    def statements(self) -> t.Iterable[Statement]:
        """INSERT and DELETE."""
        yield Statement(("INSERT", "INTO"), self._insert, mutating=True, forwarded=True)
        yield Statement(("DELETE", "FROM"), self._delete, mutating=True, forwarded=True)

    def _table(self, call: Call) -> tuple[Database, Table]:
        path = call.cursor.path()
        database = path[-2] if len(path) > 1 else call.context.database
        if not database:
            raise SqlError("No database selected", 1046, "3D000")
        return self._front.table(database, path[-1])

    async def _insert(self, call: Call) -> ResultSet:
        cursor = call.cursor
        database, table = self._table(call)
        call.rights.demand("INSERT", TABLE, database.name, table.name)
        ahead = cursor.token.kind == SYMBOL and cursor.token.value == "("
        columns = names(cursor) if ahead else []
        cursor.expect_words("VALUES")
        rows = [_row(cursor)]
        while cursor.symbol(","):
            rows.append(_row(cursor))
        cursor.end()
        await self._engine.loads.insert(call.rights.name, database, table, columns, rows)
        return ResultSet(affected=len(rows))

    async def _delete(self, call: Call) -> ResultSet:
        cursor = call.cursor
        database, table = self._table(call)
        call.rights.demand("DELETE", TABLE, database.name, table.name)
        keys: IntervalSet | None = None
        if cursor.words("WHERE"):
            key = table.columns[0].name.lower()

            def resolve(name: str) -> t.Callable[[t.Any], t.Any]:
                if name.lower() != key:
                    raise SqlError("the lab deletes by the first column only")
                return lambda row: row

            test = ExpressionReader(cursor, resolve, {}).condition()
            known = IntervalSet()
            for partition in table.partitions.values():
                known.update(partition.content)
            keys = IntervalSet((k, k + 1) for k in known.values(MOST_LOOKED_AT) if test(k))
        cursor.end()
        count = await self._engine.loads.delete(call.rights.name, database, table, keys)
        return ResultSet(affected=count)


def _row(cursor: Cursor) -> list[str]:
    cursor.expect_symbol("(")
    found = []
    while True:
        sign = "-" if cursor.symbol("-") else ""
        token = cursor.take()
        if token.kind not in (NUMBER, STRING, WORD):
            raise cursor.error()
        found.append(sign + token.value)
        if not cursor.symbol(","):
            cursor.expect_symbol(")")
            return found
