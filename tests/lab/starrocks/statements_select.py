# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELECT: constants and variables, information_schema and sys, user tables."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks.accounts import TABLE
from lab.starrocks.errors import SqlError, unknown_database, unknown_table
from lab.starrocks.sql_select import Functions, Relation, SelectReader, partitions_named, relation_named
from lab.starrocks.statements import Call, Statement
from lab.starrocks.user_tables import user_relation

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

Source = t.Callable[[Call], Relation]
SCHEMAS = ("information_schema", "sys")


class Relations(t.Protocol):
    """Some of the relations that can be selected from."""

    def sources(self) -> t.Mapping[str, Source]:
        """ "schema.table" in lower case -> how it is read."""


class SelectStatements:
    """``groups`` hold what is in information_schema and sys."""

    def __init__(self, front: Front, groups: t.Iterable[Relations]) -> None:
        self._front = front
        self._sources = {name: source for group in groups for name, source in group.sources().items()}

    def add(self, group: Relations) -> None:
        """One more group."""
        self._sources.update(group.sources())

    def columns(self, call: Call) -> dict[str, list[str]]:
        """The columns of all relations of the system that the user may read, by "schema.table"."""
        found: dict[str, list[str]] = {}
        for name, source in self._sources.items():
            try:
                found[name] = list(source(call).columns)
            except SqlError:
                continue
        return found

    def statements(self) -> t.Iterable[Statement]:
        """SELECT only."""
        yield Statement(("SELECT",), self._select)

    async def _select(self, call: Call) -> ResultSet:
        path = relation_named(call.cursor)
        relation = self._relation(call, path) if path else self._constants(call)
        return SelectReader(call.cursor, relation, self._functions(call)).run()

    def _relation(self, call: Call, path: t.Sequence[str]) -> Relation:
        name, schema = path[-1], path[-2] if len(path) > 1 else call.context.database
        if not schema:
            raise SqlError("No database selected", 1046, "3D000")
        source = self._sources.get("%s.%s" % (schema.lower(), name.lower()))
        if source is not None:
            return source(call)
        if not self._front.has_database(schema):
            raise unknown_database(self._front.profile, schema)
        if schema.lower() in SCHEMAS:
            raise unknown_table(self._front.profile, name)
        database, table = self._front.table(schema, name)
        call.rights.demand("SELECT", TABLE, database.name, table.name)
        return user_relation(self._front, table, partitions_named(call.cursor))

    def _constants(self, call: Call) -> Relation:
        values = {**self._front.variables, **call.context.variables}
        columns = {
            scope + name: (lambda row, text=text: text)
            for name, text in values.items()
            for scope in ("@@", "@@session.", "@@global.")
        }
        return Relation("", columns, lambda equals: [None])

    def _functions(self, call: Call) -> Functions:
        front = self._front

        def current_version() -> str:
            front.scan_node()
            return front.profile.current_version

        return {
            "version": lambda: front.profile.facade,
            "current_version": current_version,
            "current_user": lambda: call.rights.account.identity,
            "user": lambda: "'%s'@'127.0.0.1'" % call.rights.name,
            "database": lambda: call.context.database,
            "schema": lambda: call.context.database,
            "connection_id": lambda: call.context.connection_id,
            "current_role": lambda: ", ".join(sorted(call.rights.active)) or "NONE",
            "now": lambda: front.stamp(front.clock.now() + call.connected.record.clock_skew),
            "unix_timestamp": lambda: int(front.clock.epoch() + call.connected.record.clock_skew),
        }
