# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of one lab client: opened when needed, answers matched by sequence; and answers passed on undecoded."""

from __future__ import annotations

import asyncio
import typing as t

from lab.pegasus import thrift
from lab.pegasus.connection import Connection
from lab.pegasus.frames import Header, RpcError
from lab.pegasus.thrift import Reader

Insiders = t.Optional[t.Set[t.Tuple[str, int]]]
RESET = "ERR_SESSION_RESET"


class RawConnection(Connection):
    """A connection whose results stay bytes: a proxy passes them on, and a client compares them with the last ones."""

    def _response(self, reader: Reader) -> None:
        error = reader.string()
        reader.i32()
        reader.binary()
        _rpc, future = self._waiting.pop(reader.i32(), ("", None))
        if future is None or future.done():
            return
        if error != "ERR_OK":
            future.set_exception(RpcError(error))
        else:
            reader.field()
            future.set_result(reader.data[reader.at : -1])


class Links:
    """One connection per address; a request to an address that is being connected to waits for that."""

    def __init__(self, insiders: Insiders, kind: type[Connection] = Connection) -> None:
        self._insiders = insiders
        self._kind = kind
        self._open: dict[str, Connection] = {}
        self._opening: dict[str, asyncio.Task[Connection]] = {}

    def ready(self, address: str) -> Connection | None:
        """The open connection to an address, if there is one."""
        found = self._open.get(address)
        return found if found is not None and not found.closed else None

    async def get(self, address: str) -> Connection:
        """The connection to an address; OSError when there is none to be had."""
        found = self.ready(address)
        if found is not None:
            return found
        opening = self._opening.get(address)
        if opening is None:
            opening = self._opening[address] = asyncio.ensure_future(self._kind.open(address, self._insiders))
            opening.add_done_callback(lambda task: self._opened(address, task))
        return await asyncio.shield(opening)

    def _opened(self, address: str, task: asyncio.Task[Connection]) -> None:
        self._opening.pop(address, None)
        if not task.cancelled() and task.exception() is None:
            self._open[address] = task.result()

    async def call(self, address: str, rpc: str, argument: bytes, header: Header) -> t.Any:
        """Send one request whose argument is an encoded struct; RpcError, ERR_SESSION_RESET among them."""
        try:
            connection = await self.get(address)
            return await connection.send_bytes(rpc, argument, header, thrift.STRUCT)
        except OSError:
            raise RpcError(RESET) from None

    def close(self) -> None:
        """Close all connections."""
        for task in self._opening.values():
            task.cancel()
        for connection in self._open.values():
            connection.close()
        self._open = {}
