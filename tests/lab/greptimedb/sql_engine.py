# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a frontend does with one SQL statement, whichever protocol it came by."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from lab.greptimedb.errors import ServerError, wrap_admin, wrap_select
from lab.greptimedb.functions import READING, AdminFunctions, Arg, ArgumentError
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import CATALOG
from lab.greptimedb.sql_eval import Scope, UnknownColumn, UnknownFunction, compile_value, kind_of, text_of
from lab.greptimedb.sql_parse import Node, Select, SqlSyntaxError, parse_select, tokenize
from lab.greptimedb.sql_select import TableData, execute
from lab.greptimedb.tables import Tables
from lab.greptimedb.user_tables import UserTables
from lab.mysql_packets import Column, ResultSet

_COMMENT = re.compile(r"^(\s|--[^\n]*\n|/\*.*?\*/)+", re.S)
_ADMIN = re.compile(r"admin\s+(\w+)\s*\(", re.I)
_WRITES = frozenset(["insert", "delete", "create", "drop", "alter", "truncate", "copy"])
_FUNCTIONS = re.compile(
    r"\b(migrate_region|flush_\w+|compact_\w+|reconcile_\w+|gc_\w+|build_index|procedure_state)\s*\(", re.I
)


@dataclass
class Context:
    """One client's session state."""

    user: str = ""
    mode: str = "rw"
    catalog: str = CATALOG
    schema: str = "public"
    over_http: bool = False


def clean(sql: str) -> str:
    """The statement without leading comments and trailing semicolons."""
    return _COMMENT.sub("", sql).strip().rstrip(";").strip()


def is_mutating(sql: str) -> bool:
    """True when the statement asks for a change (whether or not it will succeed)."""
    text = clean(sql)
    first = text.split(None, 1)[0].lower() if text else ""
    if first in _WRITES:
        return True
    if first in ("admin", "select"):
        return any(name.lower() not in READING for name in _FUNCTIONS.findall(text))
    return False


class SqlEngine:
    """SELECT, ADMIN, SHOW, USE, and simple INSERT, CREATE TABLE and DROP TABLE."""

    def __init__(self, metasrv: Metasrv, standalone: bool) -> None:
        self.metasrv = metasrv
        self.cluster = metasrv.cluster
        self.profile = metasrv.cluster.profile
        self.tables = Tables(metasrv, standalone)
        self.functions = AdminFunctions(metasrv, standalone)
        self.users = UserTables(metasrv)

    async def run(self, sql: str, context: Context) -> ResultSet:
        """Answer one statement; raises ServerError with the server's own text."""
        if self.cluster.settings.durations.query:
            await self.cluster.pause("query")
        text = clean(sql)
        first = text.split(None, 1)[0].lower() if text else ""
        try:
            if first == "select":
                return await self._select(text, context)
            if first == "admin":
                return await self._admin(text, context)
            if first == "show":
                return self._show(text, context)
            if first == "use":
                self.use(tokenize(text)[1][1], context)
                return ResultSet()
            if first in _WRITES:
                self._check_write(context)
                return await self.users.change(text, context.schema)
        except SqlSyntaxError as problem:
            message = "Invalid SQL, error: sql parser error: %s" % problem
            raise ServerError("InvalidSyntax", message) from None
        except (IndexError, ValueError):
            raise ServerError("InvalidSyntax", "Invalid SQL syntax: %s" % text) from None
        if self.profile.version < "0.9.0":
            raise ServerError("PlanQuery", "sql parser error: Expected an SQL statement, found: %s" % first.upper())
        raise ServerError("Unsupported", "SQL statement is not supported: %s, keyword: %s" % (text, first.upper()))

    def use(self, database: str, context: Context) -> None:
        """Change catalog and schema; the name may be <catalog>-<schema>."""
        catalog, schema = CATALOG, database or "public"
        if "-" in schema:
            catalog, schema = schema.split("-", 1)
        if catalog not in (CATALOG, "other") or schema not in self.cluster.schemas():
            raise ServerError("DatabaseNotFound", "Unknown database '%s'" % database)
        context.catalog, context.schema = catalog, schema

    def _check_write(self, context: Context) -> None:
        if self.profile.user_modes and context.mode == "ro":
            raise ServerError("PermissionDenied", "User is not authorized to perform this action")

    # --- ADMIN ---

    async def _admin(self, text: str, context: Context) -> ResultSet:
        if not self.profile.admin_statement:
            if self.profile.version < "0.9.0":
                raise ServerError("PlanQuery", "sql parser error: Expected an SQL statement, found: ADMIN")
            raise ServerError("Unsupported", "SQL statement is not supported: %s, keyword: ADMIN" % text)
        found = _ADMIN.match(text)
        if not found:
            raise SqlSyntaxError("Expected a function after ADMIN")
        self._check_write(context)
        name = found.group(1).lower()
        if not self.functions.known(name):
            raise ServerError("InvalidArguments", "Admin function not found: %s" % found.group(1))
        args = _literals(tokenize(text)[3:-1])
        try:
            self._check_catalog(context)
            value = await self.functions.call(name, args, context.schema)
        except ArgumentError:
            raise
        except ServerError as error:
            raise wrap_admin(error, name, self.profile.version) from None
        title = "ADMIN %s(%s)" % (found.group(1), ", ".join(_shown(a) for a in args))
        return ResultSet([Column(title, self.functions.kind(name))], [(value,)])

    @staticmethod
    def _check_catalog(context: Context) -> None:
        if context.catalog != CATALOG:
            raise ServerError("PermissionDenied", "Permission denied: current catalog is not greptime")

    # --- SELECT ---

    async def _select(self, text: str, context: Context) -> ResultSet:
        select = parse_select(text)
        try:
            if select.sources:
                if any(self.tables.needs_leader(s.name[-1]) for s in select.sources):
                    await self.metasrv.with_leader()
                return execute(select, lambda name: self._lookup(name, context))
            return await self._select_values(select, context)
        except UnknownColumn as problem:
            message = "Failed to plan SQL: Schema error: No field named %s." % problem
            raise ServerError("PlanQuery", message) from None
        except UnknownFunction as problem:
            message = "Failed to plan SQL: Error during planning: Invalid function '%s'.\nDid you mean 'isnan'?"
            raise ServerError("PlanQuery", message % problem) from None

    def _lookup(self, name: tuple[str, ...], context: Context) -> TableData:
        schema = name[-2] if len(name) > 1 else context.schema
        found = self.tables.find(schema, name[-1]) or self.users.find(schema, name[-1])
        if found is None:
            message = "Failed to plan SQL: Table not found: %s.%s.%s" % (CATALOG, schema, name[-1])
            raise ServerError("TableNotFound", message)
        return found

    async def _select_values(self, select: Select, context: Context) -> ResultSet:
        columns: list[Column] = []
        values: list[t.Any] = []
        for node, alias in select.items:
            kind, value = await self._value(node, context)
            columns.append(Column(alias or text_of(node), kind))
            values.append(value)
        return ResultSet(columns, [tuple(values)])

    async def _value(self, node: Node, context: Context) -> tuple[str, t.Any]:
        if node[0] == "fn":
            name, args = str(node[1]), node[2]
            if self.profile.select_functions and self.functions.known(name):
                return await self._select_function(name, [_constant(a) for a in args], context)
            simple: dict[str, tuple[str, t.Any]] = {
                "version": ("string", self.profile.sql_version(context.over_http)),
                "database": ("string", context.schema),
                "current_schema": ("string", context.schema),
                "current_user": ("string", context.user),
                "user": ("string", context.user),
                "connection_id": ("u32", 1),
                "now": ("timestamp", self.cluster.clock.timestamp(self.cluster.clock.now())),
            }
            if name not in simple or args:
                raise UnknownFunction(name)
            return simple[name]
        if node[0] == "var":
            return "string", system_variable(str(node[1]))
        scope = Scope(())
        return kind_of(node, scope), compile_value(node, scope)(())

    async def _select_function(self, name: str, args: list[Arg], context: Context) -> tuple[str, t.Any]:
        try:
            self._check_catalog(context)
            return self.functions.kind(name), await self.functions.call(name, args, context.schema)
        except ArgumentError:
            message = "Failed to plan SQL: Error during planning: The function '%s' does not support these arguments"
            raise ServerError("PlanQuery", message % name) from None
        except ServerError as error:
            raise wrap_select(error, self.profile.version) from None

    # --- SHOW ---

    def _show(self, text: str, context: Context) -> ResultSet:
        words = [w for _dummy, w in tokenize(text)]
        what = words[1].lower()
        if what == "full":
            what = words.pop(1) and words[1].lower()
        if what == "variables":
            return ResultSet([Column("Variable_name"), Column("Value")], [("", "")])
        if what == "warnings":
            columns = [Column("Level"), Column("Code", "u32"), Column("Message")]
            return ResultSet(columns if self.profile.show_warnings_columns else ())
        if what in ("databases", "schemas"):
            title = "Database" if what == "databases" else "Schemas"
            return ResultSet([Column(title)], [(s,) for s in self.cluster.schemas()])
        if what == "tables":
            schema = words[3] if len(words) > 3 and words[2].lower() in ("from", "in") else context.schema
            names = sorted(x.name for x in self.cluster.tables.values() if x.schema == schema)
            return ResultSet([Column("Tables_in_%s" % schema)], [(n,) for n in names + self.tables.names(schema)])
        if what in ("region", "regions") and self.profile.version >= "0.14.0" and len(words) > 3:
            return self._show_regions(words[3], context.schema)
        raise ServerError("Unsupported", "SQL statement is not supported: %s, keyword: %s" % (text, words[1]))

    def _show_regions(self, name: str, schema: str) -> ResultSet:
        table = self.cluster.table_by_name(schema, name)
        if table is None:
            raise ServerError("TableNotFound", "Table not found: %s" % name)
        rows: list[tuple[t.Any, ...]] = []
        for listed, region in self.tables.region_entries(table):
            rows.append((name, listed, region.leader, "Yes"))
            rows += [(name, listed, peer, "No") for peer in region.followers]
        return ResultSet([Column("Table"), Column("Region", "u64"), Column("Peer", "u64"), Column("Leader")], rows)


def system_variable(name: str) -> str:
    """The faked value of @@name."""
    short = name.lower().lstrip("@").split(".")[-1]
    known = {"version_comment": "GreptimeDB", "tx_isolation": "REPEATABLE-READ"}
    return known.get(short, "0")


def _literals(tokens: t.Sequence[tuple[str, str]]) -> list[Arg]:
    """ADMIN's arguments: plain literals between commas."""
    args: list[Arg] = []
    part: list[tuple[str, str]] = []
    for token in [*tokens, ("op", ",")]:
        if token != ("op", ","):
            part.append(token)
            continue
        if not part and not args and not tokens:
            return []
        kind, text = part[0] if len(part) == 1 else ("", " ".join(x for _dummy, x in part))
        if kind == "number":
            args.append(float(text) if "." in text else int(text))
        elif kind in ("string", "quoted"):
            args.append(text)
        elif text.lower() == "null":
            args.append(None)
        else:
            raise ArgumentError("unsupported function arg %s" % text)
        part = []
    return args


def _constant(node: Node) -> Arg:
    return t.cast(Arg, compile_value(node, Scope(()))(()))


def _shown(arg: Arg) -> str:
    return "'%s'" % arg if isinstance(arg, str) else "NULL" if arg is None else str(arg)
