# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Sending to one cluster: errors sorted, reads repeated where that is safe, mutating requests sent once, ever.

When the answer of a mutating request does not come, ``greptimedb.ambiguous`` says that it may have been carried out.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.retries import retry
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import (
    ConnectionLost,
    Rows,
    ServerError,
    SqlTransport,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import AdminHttp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.detect import Detected, detect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import connection_error, server_error
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Versions
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.sql_http import HttpSqlTransport
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.sql_mysql import FrontendTransport

Result = t.TypeVar("Result")

_READ_ATTEMPTS = 3
_CONTEXT = t.TypeVar("_CONTEXT", bound="Channel")


class Channel:
    """One cluster. Nothing is contacted before the first question. A context manager."""

    def __init__(
        self,
        connection: Connection,
        redactor: Redactor,
        clock: Clock,
        *,
        transport: SqlTransport | None = None,
        admin: AdminHttp | None = None,
    ) -> None:
        self.connection = connection
        self._redactor = redactor
        self._clock = clock
        if transport is None and connection.frontend is not None:
            transport = (
                HttpSqlTransport(connection) if connection.transport == "http" else FrontendTransport(connection)
            )
        self._transport = transport
        self._admin = AdminHttp(connection) if admin is None else admin
        self._detected: Detected | None = None
        self.queries = 0
        """Requests sent so far, of every kind."""

    def __enter__(self: _CONTEXT) -> _CONTEXT:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        if self._transport is not None:
            self._transport.close()
        self._admin.close()

    @property
    def dialect(self) -> Dialect:
        """What the cluster speaks; the first use asks it."""
        return self._detect().dialect

    @property
    def versions(self) -> Versions:
        """The versions that the dialect was chosen by."""
        return self._detect().versions

    def _detect(self) -> Detected:
        if self._detected is None:
            read = None if self._transport is None else self._read
            self._detected = detect(self.connection, read, self._admin)
        return self._detected

    def _sql(self) -> SqlTransport:
        if self._transport is None:
            raise InvalidOption("frontend_host", "this needs SQL", "Set frontend_host (or GREPTIMEDB_HOST)")
        return self._transport

    def _read(self, sql: str, doing: str) -> Rows:
        transport = self._sql()
        return self._repeat(doing, "frontend_host", lambda: transport.query(sql))

    def _fetch(self, sql: str, doing: str, decode: t.Callable[[Rows], Result]) -> Result:
        """A read with its decoder, so that an answer of another shape is told like other failures."""
        transport = self._sql()
        return self._repeat(doing, "frontend_host", lambda: decode(transport.query(sql)))

    def _ask(self, doing: str, call: t.Callable[[], Result]) -> Result:
        self._detect()  # it may be what finds the addresses
        if not self._admin.addresses:
            raise InvalidOption(
                "metasrv_addrs", "no metasrv is known", "Set it to all metasrv, such as metasrv-0.example.com:3002"
            )
        return self._repeat(doing, "metasrv_addrs", call)

    def _repeat(self, doing: str, option: str, call: t.Callable[[], Result]) -> Result:
        """A read: repeated when the connection broke, not when the server is silent or nobody is there."""
        try:
            return retry(
                lambda: self._count(call),
                is_transient=lambda error: isinstance(error, ConnectionLost) and error.kind == "lost",
                clock=self._clock,
                attempts=_READ_ATTEMPTS,
            )
        except ServerError as error:
            raise self._masked(server_error(error, doing)) from error
        except ConnectionLost as error:
            raise self._masked(connection_error(error, doing, mutating=False, option=option)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise MigrationError(
                "greptimedb.unexpected_answer",
                f"Could not {doing}: the answer has not the form that this version gives ({type(error).__name__}: "
                f"{error}); check that all nodes behind this address run one version.",
            ) from error

    def _send(self, sql: str, doing: str, submitting: bool = False) -> Rows:
        transport = self._sql()
        return self._once(doing, "frontend_host", lambda: transport.query(sql, mutating=True), submitting=submitting)

    def _once(self, doing: str, option: str, call: t.Callable[[], Result], submitting: bool = True) -> Result:
        """A mutating request: sent once, whatever happens."""
        try:
            return self._count(call)
        except ServerError as error:
            raise self._masked(server_error(error, doing, submitting=submitting)) from error
        except ConnectionLost as error:
            raise self._masked(connection_error(error, doing, mutating=True, option=option)) from error

    def _count(self, call: t.Callable[[], Result]) -> Result:
        self.queries += 1
        return call()

    def _masked(self, error: MigrationError) -> MigrationError:
        """Server texts may repeat what was sent."""
        if error.server_text is not None:
            error.server_text = self._redactor.mask(error.server_text)
        return error
