# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frontend's two doors: MySQL sessions and the HTTP SQL API, both through the gate (facts 1.8, 10)."""

from __future__ import annotations

import base64
import re
import time
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from lab.gate import Gate, Incoming, InjectedError
from lab.greptimedb.errors import STATUS, ServerError, mysql_form
from lab.greptimedb.sql_engine import Context, SqlEngine, clean, is_mutating, system_variable
from lab.http_server import HttpRequest, HttpResponse
from lab.mysql_packets import Column, ResultSet
from lab.mysql_server import MysqlError

HTTP_TYPES = {
    "u64": "UInt64",
    "i64": "Int64",
    "u32": "UInt32",
    "i32": "Int32",
    "f64": "Float64",
    "bool": "Boolean",
    "string": "String",
    "timestamp": "TimestampMillisecond",
}
_SWALLOWED = re.compile(
    r"(set\s+names\b|set\s+(session\s+)?autocommit\b|set\s+character_set_results\b|set\s+(session\s+)?sql_mode\b"
    r"|commit\b|rollback\b|start\b|lock\s+tables\b|unlock\s+tables\b)",
    re.I,
)
_TRANSACTION = re.compile(r"set\s+(session\s+)?transaction\b", re.I)
_SET_VARIABLE = re.compile(r"set\s+@@", re.I)
_VARIABLES = re.compile(r"select\s+@@", re.I)


@dataclass(frozen=True)
class User:
    """A user of the static user provider; ``mode`` is rw, ro or wo and matters from 1.0."""

    password: str
    mode: str = "rw"


class Frontend:
    """Backend of the MySQL server and handler of the HTTP server. Without users everybody may log in."""

    def __init__(self, engine: SqlEngine, gate: Gate, users: dict[str, User]) -> None:
        self.engine = engine
        self.gate = gate
        self.users = users
        self.profile = engine.profile

    # --- MySQL ---

    @property
    def mysql_version(self) -> str:
        """Version string of the handshake."""
        return self.profile.mysql_version

    @property
    def mysql_status(self) -> int:
        """Status flags: the autocommit bit is not set."""
        return 0

    def password_of(self, user: str) -> str | None:
        """A user's password; None for an unknown one."""
        found = self.users.get(user)
        return found.password if found else None

    def check_passwords(self) -> bool:
        """False without a user provider."""
        return bool(self.users)

    def auth_failed(self, user: str, with_password: bool) -> MysqlError:
        """The error of a failed login."""
        text = 'Authenticate failed, user: "%s", auth_plugin: "mysql_native_password"' % user
        return MysqlError(1698, "28000", text)

    def context(self, user: str, database: str, over_http: bool) -> Context:
        """A session's state; raises ServerError for an unknown database."""
        known = self.users.get(user)
        context = Context(user, known.mode if known else "rw", over_http=over_http)
        self.engine.use(database, context)
        return context

    def open_session(self, user: str, database: str) -> Session:
        """A MySQL session."""
        try:
            return Session(self, self.context(user, database, over_http=False))
        except ServerError as error:
            raise MysqlError(1102, "42000", str(error)) from None

    # --- HTTP ---

    async def http(self, request: HttpRequest) -> HttpResponse:
        """One HTTP request."""
        if request.path == "/v1/sql":
            return await self._http_sql(request)
        incoming = Incoming("frontend-http", "%s %s" % (request.method, request.target), False, request.gone)

        async def apply() -> HttpResponse:
            if request.path in ("/health", "/ready"):
                return HttpResponse(200, {})
            if request.path == "/status":
                return HttpResponse(200, {"version": str(self.profile.version), "source_time": ""})
            return HttpResponse(404, "")

        try:
            return await self.gate.run(incoming, apply)
        except InjectedError as error:
            return HttpResponse(error.status, str(error))

    async def _http_sql(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        fields = request.form()
        sql = fields.get("sql", "")
        incoming = Incoming("http-sql", sql, is_mutating(sql), request.gone)

        async def apply() -> ResultSet:
            if not sql:
                raise ServerError("InvalidArguments", "sql parameter is required.")
            context = self.context(self._http_user(request), fields.get("db", ""), over_http=True)
            return await self.engine.run(sql, context)

        try:
            result = await self.gate.run(incoming, apply)
        except ServerError as error:
            return self._http_error(error.masked(), started)
        except InjectedError as injected:
            return HttpResponse(injected.status, {"code": STATUS[injected.code][0], "error": str(injected)})
        body: dict[str, t.Any] = {"output": [_http_output(result, self.profile.version >= "0.9.0")]}
        if self.profile.version < "0.7.0":
            body = {"code": 0, **body}
        body["execution_time_ms"] = int((time.monotonic() - started) * 1000)
        return HttpResponse(200, body)

    def _http_error(self, error: ServerError, started: float) -> HttpResponse:
        code, _errno, status = STATUS[error.code]
        elapsed = int((time.monotonic() - started) * 1000)
        body = {"code": code, "error": error.text, "execution_time_ms": elapsed}
        return HttpResponse(status, body, {"x-greptime-err-code": str(code)})

    def _http_user(self, request: HttpRequest) -> str:
        if not self.users:
            return ""
        header = request.headers.get("x-greptime-auth") or request.headers.get("authorization", "")
        if not header.lower().startswith("basic "):
            raise ServerError("AuthHeaderNotFound", "Not found http or grpc authorization header")
        try:
            user, _dummy, password = base64.b64decode(header[6:]).decode().partition(":")
        except ValueError:
            raise ServerError("AuthHeaderNotFound", "Invalid http authorization header") from None
        if user not in self.users:
            raise ServerError("UserNotFound", "User not found, username: %s" % user)
        if self.users[user].password != password:
            raise ServerError("UserPasswordMismatch", "Username and password does not match, username: %s" % user)
        return user


def _http_output(result: ResultSet, with_total: bool) -> dict[str, t.Any]:
    if not result.columns:
        return {"affectedrows": result.affected}
    schemas = [{"name": c.name, "data_type": HTTP_TYPES[c.kind]} for c in result.columns]
    stamps = [i for i, c in enumerate(result.columns) if c.kind == "timestamp"]
    rows: list[list[t.Any]] = [list(row) for row in result.rows]
    for row in rows:
        for index in stamps:
            if isinstance(row[index], datetime):
                row[index] = round(row[index].replace(tzinfo=timezone.utc).timestamp() * 1000)
    records: dict[str, t.Any] = {"schema": {"column_schemas": schemas}, "rows": rows}
    if with_total:
        records["total_rows"] = len(rows)
    return {"records": records}


class Session:
    """One MySQL session."""

    def __init__(self, frontend: Frontend, context: Context) -> None:
        self._frontend = frontend
        self._context = context

    def use(self, database: str) -> None:
        """COM_INIT_DB."""
        try:
            self._frontend.engine.use(database, self._context)
        except ServerError as error:
            raise MysqlError(*self._form(error)) from None

    def _form(self, error: ServerError) -> tuple[int, str, str]:
        return mysql_form(error, self._frontend.profile.version)

    async def query(self, text: str, gone: t.Callable[[], bool]) -> ResultSet:
        """COM_QUERY."""
        incoming = Incoming("mysql", text, is_mutating(text), gone)
        try:
            return await self._frontend.gate.run(incoming, lambda: self._answer(text))
        except ServerError as error:
            raise MysqlError(*self._form(error.masked() if self._masks() else error)) from None
        except InjectedError as injected:
            raise MysqlError(*self._form(ServerError(injected.code, str(injected)))) from None

    def _masks(self) -> bool:
        return self._frontend.profile.version >= "0.9.0"

    async def _answer(self, text: str) -> ResultSet:
        statement, version = clean(text), self._frontend.profile.version
        if _SWALLOWED.match(statement) or (_TRANSACTION.match(statement) and version >= "0.10.0"):
            return ResultSet()
        if _SET_VARIABLE.match(statement) and self._frontend.profile.swallows_set_variable:
            return ResultSet()
        if _VARIABLES.match(statement):
            return _variables(statement)
        return await self._frontend.engine.run(text, self._context)


def _variables(statement: str) -> ResultSet:
    """SELECT @@a, @@b AS c [LIMIT 1], faked."""
    body = re.split(r"\slimit\s", statement[6:], flags=re.I)[0]
    columns: list[Column] = []
    values: list[str] = []
    for part in body.split(","):
        words = part.split()
        columns.append(Column(words[-1] if len(words) > 1 else words[0]))
        values.append(system_variable(words[0]))
    return ResultSet(columns, [tuple(values)])
