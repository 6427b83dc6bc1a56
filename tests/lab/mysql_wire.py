# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One MySQL connection's bytes: packets in and out, plain or through TLS started in the middle of the handshake."""

from __future__ import annotations

import asyncio
import ssl


class MysqlWire:
    """Reads and writes packets.

    TLS runs over memory buffers, because the client's first TLS bytes may already lie in the stream reader when the
    request for TLS has been read (asyncio's own ``start_tls`` would lose them).
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._plain = bytearray()
        self.sequence = 0

    @property
    def encrypted(self) -> bool:
        """True once TLS is up."""
        return self._tls is not None

    def gone(self) -> bool:
        """True when the client has closed the connection."""
        return self._reader.at_eof() or self._reader.exception() is not None

    def abort(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's side of a TLS handshake on this connection."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
        await self._flush()
        self._tls = tls

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def _fill(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError("client closed the connection")
        self._incoming.write(data)

    async def _exactly(self, count: int) -> bytes:
        if self._tls is None:
            return await self._reader.readexactly(count)
        while len(self._plain) < count:
            try:
                data = self._tls.read(65536)
                if not data:
                    raise ConnectionResetError("client closed the connection")
                self._plain += data
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
        data = bytes(self._plain[:count])
        del self._plain[:count]
        return data

    async def read_packet(self) -> bytes:
        """The next packet's payload; ``sequence`` is then the number that the answer starts with."""
        payload = b""
        while True:
            header = await self._exactly(4)
            length = int.from_bytes(header[:3], "little")
            payload += await self._exactly(length)
            self.sequence = header[3] + 1
            if length < 0xFFFFFF:
                return payload

    async def write(self, data: bytes | bytearray) -> None:
        """Send framed packets."""
        if self._tls is None:
            self._writer.write(data)
        else:
            view = memoryview(data)
            while view:
                view = view[self._tls.write(view) :]
            self._writer.write(self._outgoing.read())
        await self._writer.drain()
