# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""HTTP of meta and replica servers, on the same port as RPC, with the standard library."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
import typing as t
from urllib.parse import urlencode

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import (
    ambiguous,
    decode_error,
    not_pegasus,
    timed_out,
    unreachable,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings

_CHUNK = 64 * 1024
_LARGEST = 64 * 1024 * 1024
_NODES = "the addresses that the cluster has on record"


@dataclasses.dataclass(frozen=True)
class HttpReply:
    """An HTTP answer."""

    status: int
    text: str
    address: str

    def document(self) -> dict[str, t.Any]:
        """The body as a JSON object; ``pegasus.decode`` if it is none. ``null`` is the empty one."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise decode_error(f"{self.address} sent no JSON ({self.text[:80]!r})", address=self.address) from error
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise decode_error(f"{self.address} sent {type(found).__name__}, not an object", address=self.address)
        return found


def http_get(
    address: str,
    path: str,
    query: t.Mapping[str, t.Any],
    settings: ConnectionSettings,
    clock: Clock,
    doing: str,
    *,
    mutating: bool = False,
) -> HttpReply:
    """One GET on a connection of its own, at most ``rpc_timeout`` long. Any status is an answer.

    :raises MigrationError: ``pegasus.unreachable``, ``timeout``, ``not_pegasus``; ``ambiguous`` if ``mutating`` and it
        may have been seen (rDSN changes flags by GET)
    """
    deadline = Deadline(clock, settings.rpc_timeout, doing)
    host, _colon, port = address.rpartition(":")
    span = min(settings.connect_timeout, deadline.remaining())
    connection = http.client.HTTPConnection(host, int(port), timeout=span)
    try:
        try:
            connection.connect()
        except socket.timeout as error:
            raise unreachable(doing, address, f"no connection within {span:.3g} s", _NODES) from error
        except (OSError, UnicodeError) as error:
            raise unreachable(doing, address, getattr(error, "strerror", None) or str(error), _NODES) from error
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            return _exchange(connection, target, address, deadline)
        except (http.client.HTTPException, OSError) as error:
            raise _broken(error, address, doing, settings, mutating) from error
    finally:
        connection.close()


def _exchange(connection: http.client.HTTPConnection, target: str, address: str, deadline: Deadline) -> HttpReply:
    def arm() -> None:
        left = deadline.remaining()
        if left <= 0 or connection.sock is None:
            raise socket.timeout("no answer in time")
        connection.sock.settimeout(left)

    arm()
    plain_socket = connection.sock
    connection.request("GET", target)
    arm()
    response = connection.getresponse()
    parts: list[bytes] = []
    size = 0
    while True:
        # The response may have taken the socket over, to close it at the end.
        left = deadline.remaining()
        if left <= 0:
            raise socket.timeout("no answer in time")
        if plain_socket.fileno() >= 0:
            plain_socket.settimeout(left)
        data = response.read1(_CHUNK)
        if not data:
            break
        size += len(data)
        if size > _LARGEST:
            raise http.client.HTTPException("the answer is too long")
        parts.append(data)
    return HttpReply(response.status, b"".join(parts).decode("utf-8", "replace"), address)


def _broken(error: Exception, address: str, doing: str, settings: ConnectionSettings, mutating: bool) -> MigrationError:
    no_http = isinstance(error, (http.client.BadStatusLine, http.client.UnknownProtocol)) and not isinstance(
        error, http.client.RemoteDisconnected
    )
    why = "no answer in time" if isinstance(error, socket.timeout) else (str(error) or type(error).__name__)
    why = "its answer is not HTTP" if no_http else why
    if mutating:
        # An answer that was cut off, or that something between has spoilt, is one to a request that was sent.
        return ambiguous(doing, address, why)
    if no_http:
        return not_pegasus(doing, address, why, _NODES)
    if isinstance(error, socket.timeout):
        return timed_out(doing, address, settings.rpc_timeout, _NODES)
    return unreachable(doing, address, why, _NODES)
