# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profile "not-greptimedb": an ordinary MySQL 8 server that happens to listen where a GreptimeDB was expected."""

from __future__ import annotations

import re
import typing as t

from lab.gate import AnswerError, Gate, Incoming, InjectedError
from lab.greptimedb.frontend import User
from lab.greptimedb.sql_engine import clean, is_mutating
from lab.http_server import HttpRequest, HttpResponse
from lab.mysql_packets import Column, ResultSet
from lab.mysql_server import MysqlError

VERSION = "8.0.36"
VALUES = {"version()": VERSION, "@@version": VERSION, "@@version_comment": "MySQL Community Server - GPL", "1": 1}
_SCHEMA_TABLE = re.compile(r"\bfrom\s+information_schema\.(\w+)", re.I)


class _Answer(AnswerError):
    """An error answer on its way through the gate."""

    def __init__(self, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.mysql = MysqlError(errno, sqlstate, message)


class OtherMysql:
    """Backend of the MySQL server."""

    mysql_version = VERSION
    mysql_status = 2

    def __init__(self, gate: Gate, users: t.Mapping[str, User]) -> None:
        self._gate = gate
        self._users = users

    def password_of(self, user: str) -> str | None:
        """A user's password; None for an unknown one."""
        found = self._users.get(user)
        return found.password if found else None

    def check_passwords(self) -> bool:
        """Without users everybody may log in."""
        return bool(self._users)

    def auth_failed(self, user: str, with_password: bool) -> MysqlError:
        """MySQL's own error of a failed login."""
        using = "YES" if with_password else "NO"
        return MysqlError(1045, "28000", "Access denied for user '%s'@'localhost' (using password: %s)" % (user, using))

    def open_session(self, user: str, database: str) -> OtherMysql:
        """All sessions are alike."""
        self.use(database)
        return self

    def use(self, database: str) -> None:
        """Only MySQL's own databases are there, and ``public`` so that a login with the default works."""
        if database not in ("", "public", "mysql", "information_schema"):
            raise MysqlError(1049, "42000", "Unknown database '%s'" % database)

    async def query(self, text: str, gone: t.Callable[[], bool]) -> ResultSet:
        """COM_QUERY."""
        incoming = Incoming("mysql", text, is_mutating(text), gone)
        try:
            return await self._gate.run(incoming, lambda: self._answer(clean(text)))
        except _Answer as error:
            raise error.mysql from None
        except InjectedError as error:
            raise MysqlError(1105, "HY000", str(error)) from None

    async def _answer(self, text: str) -> ResultSet:
        lower = text.lower()
        if re.match(r"(set|commit|rollback|begin|use|start)\b", lower):
            return ResultSet()
        if lower.startswith("show databases"):
            return ResultSet([Column("Database")], [("information_schema",), ("mysql",), ("public",)])
        found = _SCHEMA_TABLE.search(text)
        if found:
            raise _Answer(1109, "42S02", "Unknown table '%s' in information_schema" % found.group(1).upper())
        value = lower.replace("select", "", 1).split(" limit ")[0].strip()
        if lower.startswith("select") and value in VALUES:
            return ResultSet([Column(value)], [(VALUES[value],)])
        near = text.split("\n")[0][:80]
        message = (
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version "
            "for the right syntax to use near '%s' at line 1" % near
        )
        raise _Answer(1064, "42000", message)


async def no_such_page(request: HttpRequest) -> HttpResponse:
    """Some web server that knows nothing of /v1/sql."""
    return HttpResponse(404, "<html><body>404 page not found</body></html>", {"content-type": "text/html"})
