# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""SQL over the MySQL protocol with PyMySQL."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TlsSettings
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import (
    ConnectionLost,
    Rows,
    ServerError,
)

_CLIENT_SSL = 0x800
_SSL_CONNECTION_ERROR = 2026
_GONE = (0, 2003, 2006, 2013, 2014)
_BROKEN = (2006, 2013)
_IDLE_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class MysqlLogin:
    """Whom to connect to, and as whom. Timeouts in seconds. ``needed``: why PyMySQL is, for when it is missing."""

    server: Address
    username: str
    password: str = dataclasses.field(repr=False)
    database: str | None
    tls: TlsSettings
    connect_timeout: float
    read_timeout: float
    needed: str


class MysqlTransport:
    """One server over the MySQL protocol. The connection is made by the first query.

    Nothing but the statements is sent: autocommit is left as the server has it.
    """

    def __init__(self, login: MysqlLogin) -> None:
        self._login = login
        self._context = login.tls.context()
        self._connection: t.Any = None
        self._used_at = 0.0

    @property
    def address(self) -> str:
        return str(self._login.server)

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        pymysql = _driver(self._login.needed)
        if mutating:
            self._renew_if_stale()
        if self._connection is None:
            self._connection = self._connect()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                columns = tuple(str(column[0]) for column in cursor.description or ())
                rows = Rows(columns, tuple(tuple(row) for row in cursor.fetchall()) if columns else ())
        except pymysql.err.Error as error:
            raise self._failed(error) from error
        except OSError as error:
            self.close()
            raise self._lost(str(error), True, "lost") from error
        self._used_at = time.monotonic()
        return rows

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception:  # pylint: disable=broad-except  # noqa: S110  (it is gone already)
                pass

    def _renew_if_stale(self) -> None:
        """A connection that died while idle would make a harmless refusal look like a lost reply."""
        if self._connection is None or time.monotonic() - self._used_at < _IDLE_SECONDS:
            return
        try:
            self._connection.ping(reconnect=False)
        except Exception:  # pylint: disable=broad-except
            self.close()

    def _connect(self) -> t.Any:
        if self._login.tls.level != "prefer":
            return self._connect_with(self._context)
        try:
            return self._connect_with(self._context)
        except ConnectionLost as error:
            if error.kind != "tls_not_offered":
                raise
        return self._connect_with(None)

    def _connect_with(self, context: ssl.SSLContext | None) -> t.Any:
        pymysql = _driver(self._login.needed)
        login = self._login
        connection = _connection_class(pymysql, context is not None)(
            host=login.server.host,
            port=login.server.port,
            user=login.username,
            password=login.password.encode("utf-8"),
            database=login.database,
            charset="utf8mb4",
            autocommit=None,
            connect_timeout=login.connect_timeout,
            read_timeout=login.connect_timeout,
            write_timeout=login.read_timeout,
            ssl=context,
            ssl_disabled=context is None,
            defer_connect=True,
        )
        try:
            connection.connect()
        except pymysql.err.Error as error:
            raise self._not_connected(error) from error
        except (OSError, IndexError, ValueError, UnicodeError) as error:
            # What the driver raises when the greeting is not MySQL's.
            raise self._lost(f"{type(error).__name__}: {error}", False, "not_the_protocol") from error
        # The greeting comes at once, a result may take its time.
        connection._read_timeout = login.read_timeout
        return connection

    def _not_connected(self, error: Exception) -> Exception:
        errno, text = _parts(error)
        cause = getattr(error, "original_exception", None)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self._lost(f"certificate not accepted: {cause.verify_message}", False, "tls_failed")
        if isinstance(cause, ssl.SSLError):
            return self._lost(str(cause), False, "tls_failed")
        if errno == _SSL_CONNECTION_ERROR:
            return self._lost(text, False, "tls_not_offered")
        if isinstance(cause, (socket.timeout, OSError)):
            return self._lost(str(cause) or type(cause).__name__, False, "unreachable")
        if errno in _BROKEN:
            # Nothing came, or not all of it: load balancers accept for servers that are away, and close again.
            return self._lost(text, False, _kind(text))
        if errno in _GONE:
            return self._lost(text, False, "not_the_protocol")
        return self._refused(errno, text)

    def _failed(self, error: Exception) -> Exception:
        errno, text = _parts(error)
        if errno in _GONE:
            self.close()
            return self._lost(text, True, _kind(text))
        return self._refused(errno, text)

    def _refused(self, errno: int, text: str) -> ServerError:
        return ServerError(text, errno=errno)

    def _lost(self, text: str, sent: bool, kind: str) -> ConnectionLost:
        return ConnectionLost(text, sent=sent, address=self.address, kind=kind)


def _kind(text: str) -> str:
    return "timeout" if "timed out" in text else "lost"


def _parts(error: Exception) -> tuple[int, str]:
    arguments = error.args
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        return arguments[0], str(arguments[1])
    return 0, str(error)


def _driver(needed: str) -> t.Any:
    """PyMySQL, imported only by those who use it."""
    try:
        import pymysql
    except ImportError as error:
        raise MigrationError(
            "mysql.driver_missing",
            missing_required_lib("PyMySQL", reason=needed),
            details={"traceback": traceback.format_exc()},
        ) from error
    return pymysql


def _connection_class(pymysql: t.Any, tls_required: bool) -> t.Any:
    """Refuse a server without TLS before any secret is sent; older drivers fall back to plain text in silence."""
    plain: t.Any = pymysql.connections.Connection
    if not tls_required:
        return plain

    class TlsConnection(plain):
        def _get_server_information(self) -> None:
            super()._get_server_information()
            if not self.server_capabilities & _CLIENT_SSL:
                raise pymysql.err.OperationalError(_SSL_CONNECTION_ERROR, "the server does not offer TLS")

    return TlsConnection
