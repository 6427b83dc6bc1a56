# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client's connection to a server: any number of calls at a time, matched by sequence number."""

from __future__ import annotations

import asyncio
import struct
import typing as t

from lab.pegasus import structs
from lab.pegasus.frames import MAX_FRAME, U32, Address, Header, RpcError, encode_request
from lab.pegasus.thrift import DecodeError, Reader


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
        # Not asyncio.wait_for: before Python 3.12 it forgets that it was cancelled when the answer comes just then.
        async with asyncio.timeout(timeout):
            return await self.send(rpc, argument, header)

    def data_received(self, data: bytes) -> None:
        """More bytes came in."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while len(buffer) - at >= 4:
            length = U32.unpack_from(buffer, at)[0]
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
