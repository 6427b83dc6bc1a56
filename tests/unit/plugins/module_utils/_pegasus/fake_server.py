# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted server on a real socket, for what only sockets decide. The lab is where behaviour is tested."""

from __future__ import annotations

import dataclasses
import socket
import threading
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import messages
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import thrift_binary as tb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Struct

RPCS = {
    rpc.name: rpc
    for rpc in vars(messages).values()
    if isinstance(rpc, messages.Rpc) and rpc is not messages.QUERY_META_LEVEL
}
QUICK = ConnectionSettings(connect_timeout=2.0, rpc_timeout=2.0)
HANG = b"(no answer)"
CLOSE = b"(close)"


@dataclasses.dataclass(frozen=True)
class Received:
    """One request. For HTTP, ``name`` is the target and the rest is empty."""

    name: str
    seqid: int = 0
    fields: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    app_id: int = 0
    partition: int = 0
    timeout_ms: int = 0
    connection: int = 0
    partition_hash: int = 0


def answer(received: Received, value: t.Any = None, *, error: str = "ERR_OK") -> bytes:
    """The frame of an answer; ``value`` holds the fields of the answer, or text for a remote command."""
    rpc = RPCS[received.name]
    out = tb.Writer()
    out.binary(error.encode())
    out.u32(tb.REPLY)
    out.binary(rpc.name.encode() + b"_ACK")
    out.i32(received.seqid)
    if error == "ERR_OK":
        out.field(rpc.response.wire, 0)
        err = {"err": "ERR_OK"} if isinstance(rpc.response, Struct) and "err" in rpc.response.by_name else {}
        rpc.response.write(out, value if isinstance(value, str) else {**err, **(value or {})})
        out.byte(tb.STOP)
    body = out.joined()
    return (len(body) + 4).to_bytes(4, "big") + body


def page(text: str, status: int = 200) -> bytes:
    """An HTTP answer."""
    body = text.encode()
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


class Server:
    """Answers each request with what ``handle`` returns: bytes to send, CLOSE or HANG. A context manager."""

    def __init__(self, handle: t.Callable[[Received], bytes], *, greeting: bytes = b"") -> None:
        self.requests: t.List[Received] = []
        self._handle = handle
        self._greeting = greeting
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._peers: t.List[socket.socket] = []
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_what: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the listener and every connection."""
        # Without shutdown, a blocked accept keeps the port alive.
        for one in [self._socket, *self._peers]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def drop_connections(self) -> None:
        """As a restart does, or a firewall that forgets."""
        for peer in self._peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def seen(self, name: str) -> t.List[Received]:
        """The requests of one kind."""
        return [item for item in self.requests if item.name == name]

    def _accept(self) -> None:
        while True:
            try:
                peer, _address = self._socket.accept()
            except OSError:
                return
            self._peers.append(peer)
            threading.Thread(target=self._serve, args=(peer, len(self._peers)), daemon=True).start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        try:
            with peer:
                peer.sendall(self._greeting)
                while True:
                    received = self._receive(peer, number)
                    if received is None:
                        return
                    self.requests.append(received)
                    reply = self._handle(received)
                    if reply == CLOSE:
                        return
                    if reply != HANG:
                        peer.sendall(reply)
        except OSError:
            pass

    @staticmethod
    def _receive(peer: socket.socket, number: int) -> t.Optional[Received]:
        def take(count: int) -> bytes:
            data = b""
            while len(data) < count:
                more = peer.recv(count - len(data))
                if not more:
                    raise OSError("closed")
                data += more
            return data

        start = take(4)
        if start != b"THFT":
            while not start.endswith(b"\r\n\r\n"):
                start += take(1)
            return Received(start.split(b" ")[1].decode(), connection=number)
        header = tb.Reader(take(44))
        header.take(12)
        length = header.u32()
        header.take(4)
        app_id, partition, timeout = header.i32(), header.i32(), header.i32()
        header.take(4)
        hashed = int.from_bytes(header.take(8), "big")
        body = tb.Reader(take(length))
        assert body.u32() == tb.CALL
        name, seqid = body.text(), body.i32()
        assert (body.byte(), body.i16()) == (tb.STRUCT, 1)
        return Received(name, seqid, RPCS[name].request.read(body), app_id, partition, timeout, number, hashed)


def closed_port() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return f"127.0.0.1:{one.getsockname()[1]}"
