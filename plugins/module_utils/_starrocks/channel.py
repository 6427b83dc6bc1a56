# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One frontend over the MySQL protocol, one question at a time: its session prepared, its errors sorted."""

from __future__ import annotations

import re
import threading
import time
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.mysql import MysqlLogin, MysqlTransport
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import (
    ConnectionLost,
    Rows,
    ServerError,
    SqlTransport,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import (
    connection_error,
    not_starrocks,
    server_error,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version, since

Connect = t.Callable[[Connection, Address], SqlTransport]

_OTHERS = re.compile(r"mysql|maria|percona|greptime|doris|tidb|oceanbase", re.IGNORECASE)
"""From 3.1 on the comment is the bare version, so only others' names tell something (facts 4.2)."""
_WHO = "SELECT @@version_comment"
_IDLE_SECONDS = 0.5
"""Less than after which the transport would look for itself."""


def connect_mysql(connection: Connection, server: Address) -> SqlTransport:
    """A transport to a frontend. Nothing is contacted before its first query."""
    return MysqlTransport(
        MysqlLogin(
            server=server,
            username=connection.username,
            password=connection.password,
            database=None,
            tls=connection.tls,
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.read_timeout,
            needed="to talk to StarRocks frontends",
        )
    )


class FrontendChannel:
    """One frontend. Thread-safe: statements of several threads wait for each other."""

    def __init__(self, connection: Connection, server: Address, connect: Connect, count: t.Callable[[], None]) -> None:
        self._connection = connection
        self._transport = connect(connection, server)
        self._count = count
        self._guard = threading.Lock()
        self._ready = False
        self._used_at = 0.0
        self.version_comment = ""
        """``StarRocks version 2.5.0`` or (from 3.1 on) ``3.3.14-1a2b3c``, known once it was connected."""

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self._transport.address

    def close(self) -> None:
        """Give the connection back."""
        self._transport.close()

    def ask(self, sql: str, doing: str, *, mutating: bool = False) -> Rows:
        """The result of one statement, sent once.

        :raises MigrationError: ``starrocks.*``; ``starrocks.no_reply`` when a mutating one may have been carried out
        """
        prefix = self._connection.prefix
        begun = False
        with self._guard:
            try:
                if mutating:
                    self._forget_if_stale()
                if not self._ready:
                    self._prepare()
                begun = mutating
                return self._send(sql, mutating)
            except ServerError as error:
                raise server_error(error, doing, self.address, prefix, mutating=begun) from error
            except ConnectionLost as error:
                self._ready = False
                raise connection_error(error, doing, mutating=begun, prefix=prefix) from error

    def _forget_if_stale(self) -> None:
        """A connection that died while idle is found out by a read: it would look like a lost reply otherwise.

        The transport would connect anew by itself, but without the roles of ``_prepare``.
        """
        if not self._ready or time.monotonic() - self._used_at < _IDLE_SECONDS:
            return
        try:
            self._send(_WHO)
        except ConnectionLost:
            self._ready = False

    def _prepare(self) -> None:
        """A new session: what speaks there, and mostly all roles on, since a granted one may be inactive (from 3.0)."""
        self.version_comment = str(self._send(_WHO).single() or "")
        version = self._connection.assume_version or parse_version(self.version_comment)
        if _OTHERS.search(self.version_comment):
            raise not_starrocks(self.address, f"it calls itself {self.version_comment!r}", self._connection.prefix)
        if self._connection.all_roles and (version is None or since(version, "3.0.0")):
            self._send("SET ROLE ALL")
        self._ready = True

    def _send(self, sql: str, mutating: bool = False) -> Rows:
        self._count()
        rows = self._transport.query(sql, mutating=mutating)
        self._used_at = time.monotonic()
        return rows
