# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection becomes of which the server never says a word: load balancers accept for servers that are away."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t

import pytest

pytest.importorskip("pymysql")

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.mysql import (
    MysqlLogin,
    MysqlTransport,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TlsSettings
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost

# A server's greeting, cut off in the middle.
HALF = struct.pack("<I", 60)[:3] + b"\0" + b"\n8.4.2"


@contextlib.contextmanager
def listening(behave: t.Callable[[socket.socket], None]) -> t.Iterator[Address]:
    """A listener that does this with each connection, and then holds it until the end."""
    held: t.List[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                held.append(connection)
                behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield Address("127.0.0.1", server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
    for connection in held:
        connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def lost(address: Address, mutating: bool = False) -> ConnectionLost:
    login = MysqlLogin(address, "u", "p", None, TlsSettings(), 0.3, 5.0, "for a test")
    transport = MysqlTransport(login)
    with pytest.raises(ConnectionLost) as caught:
        transport.query("SELECT 1", mutating=mutating)
    transport.close()
    return caught.value


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (lambda connection: connection.close(), "lost"),
        (lambda connection: (connection.sendall(HALF), connection.close()), "lost"),
        (lambda connection: None, "timeout"),
        (lambda connection: connection.sendall(HALF), "timeout"),
    ],
    ids=["closes", "closes in the greeting", "says nothing", "hangs in the greeting"],
)
@pytest.mark.parametrize("mutating", [False, True])
def test_who_does_not_greet_is_away_and_has_seen_nothing(
    behave: t.Callable[[socket.socket], None], kind: str, mutating: bool
) -> None:
    with listening(behave) as address:
        error = lost(address, mutating)
    assert (error.kind, error.sent, error.greeted) == (kind, False, False)


def test_a_reset_has_seen_nothing_either() -> None:
    with listening(reset) as address:
        error = lost(address, mutating=True)
    # It may come before the connection counts as made.
    assert error.kind in ("lost", "unreachable") and not error.sent


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_who_greets_in_another_protocol_is_somebody_else(words: bytes) -> None:
    with listening(lambda connection: connection.sendall(words)) as address:
        error = lost(address)
    assert (error.kind, error.sent, error.greeted) == ("not_the_protocol", False, True)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = Address("127.0.0.1", server.getsockname()[1])
    assert lost(free).kind == "unreachable"
