# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with ZooKeeper comes to an end when the ensemble does not answer any more; and who may write a znode."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_acl import may_write
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import ZooKeeperPlace

TIMEOUT = 1.0
READ, WRITE, ALL = 1, 2, 31


class Mute:
    """Opens sessions as ZooKeeper does, and answers no request. One that ``leaves`` is gone at the first request."""

    def __init__(self, leaves: bool) -> None:
        self._leaves = leaves
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: t.List[socket.socket] = []
        self.place = ZooKeeperPlace((f"127.0.0.1:{self._listener.getsockname()[1]}",), "", "/metaproxy", TIMEOUT)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.recv(4096)
            # ConnectResponse: protocol version, session timeout in ms, session id, password, read only.
            body = struct.pack(">iiqi16s?", 0, int(TIMEOUT * 1000), 7, 16, b"p" * 16, False)
            connection.sendall(struct.pack(">i", len(body)) + body)
            while connection.recv(4096):
                if self._leaves:
                    self.close()

    def close(self) -> None:
        # A thread that waits in accept would keep the port open.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()


CALLS: t.Dict[str, t.Tuple[t.Callable[[ZooKeeper], t.Any], str]] = {
    "read": (lambda session: session.read("temp"), "pegasus.zookeeper_unreachable"),
    "set": (lambda session: session.compare_and_set("temp", b"new", 3), "pegasus.zookeeper_ambiguous"),
    "create": (lambda session: session.create("temp", b"new"), "pegasus.zookeeper_ambiguous"),
    "delete": (lambda session: session.delete("temp", 3), "pegasus.zookeeper_unreachable"),
}


@pytest.mark.parametrize(
    ("name", "leaves"),
    [("read", False), ("set", False), ("create", False), ("delete", False), ("read", True), ("set", True)],
)
def test_no_request_waits_for_ever(name: str, leaves: bool) -> None:
    pytest.importorskip("kazoo")
    call, code = CALLS[name]
    mute = Mute(leaves)
    began = time.monotonic()
    try:
        with pytest.raises(MigrationError) as caught, ZooKeeper(mute.place) as session:
            call(session)
    finally:
        mute.close()
    assert caught.value.code == code, caught.value.message
    assert time.monotonic() - began < 20 * TIMEOUT


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([(ALL, "world")], True),
        ([(READ, "world")], False),
        ([(READ, "world"), (ALL, "digest")], False),
        ([(READ | WRITE, "world"), (ALL, "digest")], True),
        ([(READ, "world"), (WRITE, "ip")], None),
        ([(READ, "ip"), (ALL, "sasl")], False),
        ([], False),
    ],
)
def test_who_may_write(entries: t.List[t.Tuple[int, str]], expected: t.Optional[bool]) -> None:
    assert may_write(entries) is expected
