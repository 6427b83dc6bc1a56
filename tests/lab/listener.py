# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP listener on a fixed port of 127.0.0.1 that can stop listening (connection refused) and start again."""

from __future__ import annotations

import asyncio
import ssl
import typing as t

Handler = t.Callable[[asyncio.StreamReader, asyncio.StreamWriter], t.Awaitable[None]]


class Listener:
    """Keeps its port over ``pause`` and ``resume``; knows its open connections so that it can cut them."""

    def __init__(self, handler: Handler, ssl_context: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._ssl = ssl_context
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def address(self) -> str:
        """host:port"""
        return "127.0.0.1:%d" % self.port

    async def start(self, port: int = 0) -> None:
        """Listen on ``port`` (0: a free one)."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, ssl=self._ssl, reuse_address=True, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            pass  # the client went away
        finally:
            self._writers.discard(writer)
            writer.close()

    def cut(self) -> None:
        """Cut every open connection without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    def pause(self) -> None:
        """Refuse connections from now on and cut the open ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def resume(self) -> None:
        """Listen on the same port again."""
        if self._server is None:
            await self.start(self.port)

    def close(self) -> None:
        """Stop for good."""
        self.pause()
