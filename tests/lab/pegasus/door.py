# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TCP port that speaks RPC and HTTP: the server's side.

The first bytes of a connection choose RPC (``THFT``) or HTTP; anything else closes it. The handler gets ``Call``
objects and answers each with ``reply`` or ``fail``, at once or later, in any order.
"""

from __future__ import annotations

import asyncio
import dataclasses
import struct
import typing as t

from lab.http_server import HttpHandler, HttpRequest, HttpResponse, HttpServer
from lab.pegasus import structs
from lab.pegasus.frames import (
    HEADER,
    HEADER_BYTES,
    MAGIC,
    MAX_FRAME,
    U32,
    VERSION_1,
    Header,
    encode_response,
    header_v1,
)
from lab.pegasus.thrift import DecodeError, Reader


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
            version = U32.unpack_from(buffer, at + 4)[0]
            if version == 0:
                if U32.unpack_from(buffer, at + 8)[0] != HEADER_BYTES:
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
                header = header_v1(buffer[at + 16 : start])
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


def _as_text(http: HttpHandler) -> HttpHandler:
    """With the content type of all that Pegasus answers, JSON too: ``http_response`` in src/http/http_server.h."""

    async def answer(request: HttpRequest) -> HttpResponse:
        response = await http(request)
        return dataclasses.replace(response, headers={"content-type": "text/plain", **response.headers})

    return answer


class Door(HttpServer):
    """One server's port. ``insiders`` holds the (host, port) of the lab's own clients: their calls are marked."""

    def __init__(
        self, calls: CallHandler, http: HttpHandler, insiders: t.Collection[tuple[str, int]] = frozenset()
    ) -> None:
        super().__init__(_as_text(http))
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
