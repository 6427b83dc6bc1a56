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
import types
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


class Scripted:
    """What kazoo's session answers: the writes in turn (a name of its exceptions, or a version), then what is there."""

    def __init__(self, writes: t.Sequence[t.Union[str, int]], found: t.Optional[t.Tuple[bytes, int]]) -> None:
        self._exceptions = pytest.importorskip("kazoo.exceptions")
        self.writes = list(writes)
        self._found = found

    def set_async(self, _path: str, _data: bytes, version: int) -> t.Any:
        return self._later(self.writes.pop(0))

    def sync_async(self, _path: str) -> t.Any:
        return types.SimpleNamespace(get=lambda timeout: None)

    def get_async(self, _path: str) -> t.Any:
        return self._later("NoNodeError" if self._found is None else 0)

    def _later(self, answer: t.Union[str, int]) -> t.Any:
        def get(timeout: float) -> t.Any:
            if isinstance(answer, str):
                raise getattr(self._exceptions, answer)()
            if answer:
                return types.SimpleNamespace(version=answer)
            assert self._found is not None
            return self._found[0], types.SimpleNamespace(version=self._found[1])

        return types.SimpleNamespace(get=get)


CHANGED, UNCLEAR = "pegasus.znode_changed", "pegasus.zookeeper_ambiguous"
LOST, BAD, GONE = "ConnectionLoss", "BadVersionError", "NoNodeError"


@pytest.mark.parametrize(
    ("writes", "found", "expected"),
    [
        ([4], None, 4),
        ([BAD], (b"theirs", 4), CHANGED),
        ([BAD], (b"new", 9), CHANGED),
        ([GONE], None, CHANGED),
        ([LOST, 4], None, 4),
        ([LOST, BAD], (b"new", 4), 4),
        # The guard has written the same bytes once more, to use the version up.
        ([LOST, BAD], (b"new", 5), 5),
        # Whoever wrote version 4 was not us; but what version 4 was when it is 5 now, nobody knows.
        ([LOST, BAD], (b"theirs", 4), CHANGED),
        ([LOST, BAD], (b"theirs", 5), UNCLEAR),
        ([LOST, BAD], None, UNCLEAR),
        ([LOST, GONE], None, UNCLEAR),
    ],
)
def test_what_became_of_a_write_whose_answer_was_lost(
    writes: t.Sequence[t.Union[str, int]],
    found: t.Optional[t.Tuple[bytes, int]],
    expected: t.Union[str, int],
) -> None:
    scripted = Scripted(writes, found)
    session = ZooKeeper(ZooKeeperPlace(("127.0.0.1:1",), "", "/metaproxy", TIMEOUT))
    session._session = scripted
    if isinstance(expected, int):
        assert session.compare_and_set("temp", b"new", 3) == expected
    else:
        with pytest.raises(MigrationError) as caught:
            session.compare_and_set("temp", b"new", 3)
        assert caught.value.code == expected
    assert scripted.writes == []
