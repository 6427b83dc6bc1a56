# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rDSN's framing on one TCP port that speaks HTTP too: requests (header v0 and v1), responses, server and client.

A server is a ``Door``: the first bytes of a connection choose RPC (``THFT``) or HTTP; anything else closes it. Its
handler gets ``Call`` objects and answers each with ``reply`` or ``fail``, at once or later, in any order.
A client is a ``Connection``: any number of calls at a time, matched by sequence number.
"""

from __future__ import annotations

import asyncio
import struct
import typing as t
from dataclasses import dataclass

from lab.http_server import HttpHandler, HttpServer
from lab.pegasus import structs, thrift
from lab.pegasus.thrift import DecodeError, Reader

MAGIC = b"THFT"
HEADER = struct.Struct(">4sIIIIIiiiiQ")
HEADER_BYTES = 48
MAX_FRAME = 64 * 1024 * 1024
_U32 = struct.Struct(">I")
_HEAD_V1 = struct.Struct(">4sIII")
VERSION_1 = 0x80010000

Address = str
"""host:port"""


@dataclass
class Header:
    """What precedes the body of a request; ``timeout`` is milliseconds, all 0 for meta servers but the timeout."""

    app_id: int = 0
    partition_index: int = 0
    timeout: int = 10000
    thread_hash: int = 0
    partition_hash: int = 0
    version: int = 0


class RpcError(Exception):
    """The response's header holds an error name instead of ERR_OK: there is no body."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def encode_request(rpc: str, seq: int, argument: bytes, header: Header, kind: int = thrift.STRUCT) -> bytes:
    """One request frame. ``argument`` is the encoded value of field 1 (its type on the wire is ``kind``)."""
    body = bytearray(_U32.pack(VERSION_1 | thrift.CALL))
    thrift.write_string(body, rpc)
    body += _U32.pack(seq & 0xFFFFFFFF)
    thrift.write_field(body, kind, 1)
    body += argument
    body.append(thrift.STOP)
    if header.version == 1:
        meta = structs.encode(
            "request_meta_v1",
            {
                "app_id": header.app_id,
                "partition_index": header.partition_index,
                "client_timeout": header.timeout,
                "client_partition_hash": header.partition_hash - (header.partition_hash >> 63 << 64),
                "is_backup_request": False,
            },
        )
        return _HEAD_V1.pack(MAGIC, 1, len(meta), len(body)) + meta + bytes(body)
    head = HEADER.pack(
        MAGIC,
        0,
        HEADER_BYTES,
        0,
        len(body),
        0,
        header.app_id,
        header.partition_index,
        header.timeout,
        header.thread_hash or header.app_id * 7919 + header.partition_index,
        header.partition_hash & 0xFFFFFFFFFFFFFFFF,
    )
    return head + bytes(body)


def encode_response(rpc: str, seq: int, error: str, result: bytes, kind: int = thrift.STRUCT) -> bytes:
    """One response frame: total length, error name, message; a body only if the error is ERR_OK."""
    out = bytearray(4)
    thrift.write_string(out, error)
    out += _U32.pack(VERSION_1 | thrift.REPLY)
    thrift.write_string(out, rpc + "_ACK")
    out += _U32.pack(seq & 0xFFFFFFFF)
    if error == "ERR_OK":
        thrift.write_field(out, kind, 0)
        out += result
    out.append(thrift.STOP)
    _U32.pack_into(out, 0, len(out))
    return bytes(out)


class Call:
    """One request that a server received. ``argument`` is decoded when it is first asked for."""

    __slots__ = ("_argument", "_link", "body", "header", "rpc", "seq")

    def __init__(self, link: _ServerLink, header: Header, body: bytes) -> None:
        reader = Reader(body)
        if reader.i32() & 0xFFFF0000 != VERSION_1:
            raise DecodeError("not a thrift message")
        self.rpc = reader.string()
        self.seq = reader.i32()
        self.header = header
        self.body = body[reader.at :]
        self._link = link
        self._argument: t.Any = None

    @property
    def argument(self) -> t.Any:
        """The one argument (whatever its field id is, as on the real server): a dict for structs, else the value."""
        if self._argument is None:
            reader = Reader(self.body)
            wire, _write, read = structs.codec(structs.RPCS[self.rpc][0])
            kind, number = reader.field()
            if kind != wire:
                raise DecodeError("%s: argument field %d has type %d" % (self.rpc, number, kind))
            self._argument = read(reader)
        return self._argument

    @property
    def insider(self) -> bool:
        """True when the lab's own client sent it."""
        return self._link.insider

    def gone(self) -> bool:
        """True when the client has closed the connection."""
        return self._link.gone

    def reply(self, result: t.Any) -> None:
        """Answer with a result of the type that the RPC has."""
        kind, write, _read = structs.codec(structs.RPCS[self.rpc][1])
        out = bytearray()
        write(out, result)
        self._link.send(encode_response(self.rpc, self.seq, "ERR_OK", bytes(out), kind))

    def reply_bytes(self, result: bytes) -> None:
        """Answer with a struct that is encoded already."""
        self._link.send(encode_response(self.rpc, self.seq, "ERR_OK", result))

    def fail(self, error: str) -> None:
        """Answer with an error name in the response's header."""
        self._link.send(encode_response(self.rpc, self.seq, error, b""))

    def drop(self) -> None:
        """Cut the connection without an answer."""
        self._link.cut()


CallHandler = t.Callable[[Call], None]


class _ServerLink(asyncio.Protocol):
    """One accepted connection: looks at the first bytes, then reads RPC frames or hands over to HTTP."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.gone = False
        self.insider = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = t.cast(asyncio.Transport, transport)
        self._door.links.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self.gone = True
        self._door.links.discard(self)

    def cut(self) -> None:
        """Cut the connection."""
        self.gone = True
        if self._transport is not None:
            self._transport.abort()

    def send(self, data: bytes) -> None:
        """Send a whole response, if there is still somebody to send it to."""
        if self._transport is not None and not self.gone:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """More bytes came in."""
        self._buffer = self._buffer + data if self._buffer else data
        if len(self._buffer) < 4:
            return
        if self._buffer[:4] != MAGIC:
            if self._buffer[:4] in (b"GET ", b"POST", b"HEAD"):
                self._hand_over()
            else:
                self.cut()
            return
        if self._door.insiders and self._transport is not None:
            self.insider = self._transport.get_extra_info("peername") in self._door.insiders
        try:
            self._frames()
        except (DecodeError, IndexError, struct.error):
            self.cut()

    def _frames(self) -> None:
        at, buffer, door = 0, self._buffer, self._door
        while len(buffer) - at >= 16:
            if buffer[at : at + 4] != MAGIC:
                raise DecodeError("no frame")
            version = _U32.unpack_from(buffer, at + 4)[0]
            if version == 0:
                if _U32.unpack_from(buffer, at + 8)[0] != HEADER_BYTES:
                    raise DecodeError("header length")
                if len(buffer) - at < HEADER_BYTES:
                    break
                head = HEADER.unpack_from(buffer, at)
                start, length = at + HEADER_BYTES, head[4]
                header = Header(head[6], head[7], head[8], head[9], head[10])
            elif version == 1:
                meta, length = struct.unpack_from(">II", buffer, at + 8)
                start = at + 16 + meta
                if meta > MAX_FRAME:
                    raise DecodeError("meta length")
                if len(buffer) < start:
                    break
                header = _header_v1(buffer[at + 16 : start])
            else:
                raise DecodeError("header version")
            if length > MAX_FRAME:
                raise DecodeError("body length")
            if len(buffer) < start + length:
                break
            at = start + length
            door.handle_call(Call(self, header, buffer[start:at]))
        self._buffer = buffer[at:]

    def _hand_over(self) -> None:
        """Let the HTTP server go on with this connection."""
        transport = self._transport
        if transport is None:
            return
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, self._door.http_connection, loop=loop)
        self._door.links.discard(self)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        reader.feed_data(self._buffer)


def _header_v1(data: bytes) -> Header:
    meta = structs.decode("request_meta_v1", data)
    app_id, index = meta.get("app_id", 0), meta.get("partition_index", 0)
    hashed = meta.get("client_partition_hash", 0)
    return Header(app_id, index, meta.get("client_timeout", 0), app_id * 7919 + index, hashed, 1)


class Door(HttpServer):
    """One server's port. ``insiders`` holds the (host, port) of the lab's own clients: their calls are marked."""

    def __init__(
        self, calls: CallHandler, http: HttpHandler, insiders: t.Collection[tuple[str, int]] = frozenset()
    ) -> None:
        super().__init__(http)
        self.handle_call = calls
        self.insiders = insiders
        self.links: set[_ServerLink] = set()
        self._port_server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on ``port`` (0: a free one)."""
        loop = asyncio.get_running_loop()
        self._port_server = await loop.create_server(
            lambda: _ServerLink(self), "127.0.0.1", port, reuse_address=True, backlog=512
        )
        self.port = self._port_server.sockets[0].getsockname()[1]

    async def http_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve HTTP on a connection that began so."""
        await self._serve(reader, writer)

    def pause(self) -> None:
        """Refuse connections from now on and cut the open ones."""
        if self._port_server is not None:
            self._port_server.close()
            self._port_server = None
        for link in list(self.links):
            link.cut()
        self.cut()

    async def resume(self) -> None:
        """Listen on the same port again."""
        if self._port_server is None:
            await self.start(self.port)


class Connection(asyncio.Protocol):
    """A client's connection. A lost one fails all calls that wait, and every later one, with ConnectionError."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, tuple[str, asyncio.Future[t.Any]]] = {}
        self._seq = 0
        self._own: tuple[tuple[str, int], set[tuple[str, int]]] | None = None
        self.closed = False

    @classmethod
    async def open(cls, address: Address, insiders: set[tuple[str, int]] | None = None) -> Connection:
        """Connect; the lab's own clients give the set of insiders, so that they stay out of the request record."""
        host, port = address.rsplit(":", 1)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(cls, host, int(port))
        if insiders is not None:
            own = transport.get_extra_info("sockname")
            insiders.add(own)
            protocol._own = own, insiders
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = t.cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Every call that waits fails."""
        self.closed = True
        if self._own is not None:
            self._own[1].discard(self._own[0])
        waiting, self._waiting = self._waiting, {}
        for rpc, future in waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("connection lost during %s" % rpc))

    def close(self) -> None:
        """Close the connection."""
        self.closed = True
        if self._transport is not None:
            self._transport.close()

    def send(self, rpc: str, argument: t.Any, header: Header | None = None) -> asyncio.Future[t.Any]:
        """Send a request; the future is the decoded result, or RpcError, DecodeError, ConnectionError."""
        kind, write, _read = structs.codec(structs.RPCS[rpc][0])
        out = bytearray()
        write(out, argument)
        return self.send_bytes(rpc, bytes(out), header or Header(), kind)

    def send_bytes(self, rpc: str, argument: bytes, header: Header, kind: int) -> asyncio.Future[t.Any]:
        """As ``send``, with the argument already encoded."""
        future: asyncio.Future[t.Any] = asyncio.get_running_loop().create_future()
        if self.closed or self._transport is None:
            future.set_exception(ConnectionError("not connected"))
            return future
        self._seq += 1
        self._waiting[self._seq] = rpc, future
        self._transport.write(encode_request(rpc, self._seq, argument, header, kind))
        return future

    async def call(self, rpc: str, argument: t.Any, header: Header | None = None, timeout: float = 10.0) -> t.Any:
        """Send and wait at most ``timeout`` real seconds (asyncio.TimeoutError)."""
        return await asyncio.wait_for(self.send(rpc, argument, header), timeout)

    def data_received(self, data: bytes) -> None:
        """More bytes came in."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while len(buffer) - at >= 4:
            length = _U32.unpack_from(buffer, at)[0]
            if length < 4 or length > MAX_FRAME:
                self.close()
                return
            if len(buffer) - at < length:
                break
            self._response(Reader(buffer[at + 4 : at + length]))
            at += length
        self._buffer = buffer[at:]

    def _response(self, reader: Reader) -> None:
        error = reader.string()
        reader.i32()
        reader.binary()
        rpc, future = self._waiting.pop(reader.i32(), ("", None))
        if future is None or future.done():
            return
        if error != "ERR_OK":
            future.set_exception(RpcError(error))
            return
        try:
            reader.field()
            future.set_result(structs.codec(structs.RPCS[rpc][1])[2](reader))
        except (DecodeError, IndexError, struct.error) as problem:
            future.set_exception(DecodeError("%s: %s" % (rpc, problem)))
