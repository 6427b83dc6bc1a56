# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""HTTP to one address with the standard library, which tells whether a request may have been seen.

Higher-level libraries hide that: they join connecting and sending into one error, and some send again on their own.
"""

from __future__ import annotations

import dataclasses
import http.client
import socket
import ssl
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost


@dataclasses.dataclass(frozen=True)
class Reply:
    """An HTTP answer. Header names in lower case."""

    status: int
    headers: t.Mapping[str, str]
    text: str


class HttpEndpoint:
    """Requests to one address, over one connection that is kept open. Not for use by several threads at once."""

    def __init__(
        self,
        address: Address,
        *,
        connect_timeout: float,
        read_timeout: float,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._context = context
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: str | None = None,
        headers: t.Mapping[str, str] | None = None,
        mutating: bool = False,
    ) -> Reply:
        """Send once. A mutating request always gets a connection of its own, so that an idle one cannot swallow it.

        :raises ConnectionLost: ``sent`` is False only if the connection was never made
        """
        if mutating:
            self.close()
        reused = self._connection is not None
        try:
            return self._send(method, path, body, headers or {})
        except ConnectionLost as error:
            self.close()
            if not reused or error.kind == "timeout":
                raise
        # Only reads get here: a kept connection may have been closed by the server in the meantime.
        try:
            return self._send(method, path, body, headers or {})
        except ConnectionLost:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self.address
        connection: http.client.HTTPConnection
        if self._context is None:
            connection = http.client.HTTPConnection(host, port, timeout=self._connect_timeout)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=self._connect_timeout, context=self._context)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise self._lost(f"certificate not accepted: {error.verify_message}", False, "tls_failed") from error
        except (ssl.SSLError, ConnectionResetError) as error:
            kind = "unreachable" if self._context is None else "tls_not_offered"
            raise self._lost(str(error), False, kind) from error
        except socket.timeout as error:
            raise self._lost(f"no connection within {self._connect_timeout:g} s", False, "unreachable") from error
        except OSError as error:
            raise self._lost(str(error), False, "unreachable") from error
        if connection.sock is not None:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sock.settimeout(self._read_timeout)
        return connection

    def _send(self, method: str, path: str, body: str | None, headers: t.Mapping[str, str]) -> Reply:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        try:
            payload = None if body is None else body.encode("utf-8")
            connection.request(method, path, body=payload, headers=dict(headers))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except socket.timeout as error:
            raise self._lost(f"no answer within {self._read_timeout:g} s", True, "timeout") from error
        except http.client.RemoteDisconnected as error:
            raise self._lost("connection closed without an answer", True, "lost") from error
        except (http.client.BadStatusLine, http.client.UnknownProtocol) as error:
            raise self._lost(f"the answer is not HTTP: {error}", True, "not_the_protocol") from error
        except (http.client.HTTPException, OSError) as error:
            raise self._lost(f"{type(error).__name__}: {error}", True, "lost") from error
        if response.will_close:
            self.close()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, text)

    def _lost(self, text: str, sent: bool, kind: str) -> ConnectionLost:
        return ConnectionLost(text, sent=sent, address=str(self.address), kind=kind)
