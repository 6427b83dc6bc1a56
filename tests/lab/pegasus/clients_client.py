# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writing client: routes, connections, and writes with their tries, as its library does it."""

from __future__ import annotations

import asyncio
import typing as t
from dataclasses import dataclass, field

from lab.clock import LabClock
from lab.pegasus import structs, thrift
from lab.pegasus.clients_keys import hash_keys, update_request
from lab.pegasus.clients_ledger import PegasusLedger
from lab.pegasus.clients_links import RESET, Insiders, Links, RawConnection
from lab.pegasus.clients_resolver import Resolver, error_of
from lab.pegasus.clients_routing import Kind, Routes, merge
from lab.pegasus.frames import Header, RpcError

PUT = "RPC_RRDB_RRDB_PUT"
STORED = b"\x08\x00\x01" + bytes(4)
"""How an encoded update_response with error 0 begins."""
LEAST_TIMEOUT = 1.0
"""Real seconds: a fast clock must not make a busy machine look like a silent server."""
LEAST_RETRY = 0.02
LEAST_REFRESH = 0.05
"""Real seconds: a table's configuration costs its meta server milliseconds."""
OPEN_PAUSE = 1.0
NO_PRIMARY = "no primary"
TIMEOUT = "ERR_TIMEOUT"


@dataclass
class Write:
    """One operation: a new key in one partition. ``until``, ``sent``: lab times, no new try after; of the last try."""

    index: int
    sequence: int
    argument: bytes
    header: Header
    until: float
    sent: float = 0.0
    address: str = ""
    waiting: bool = False
    done: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass
class Figures:
    """What a client saw: times are lab seconds, ``queries`` how often it asked for the configuration."""

    accepted: int = 0
    refused: int = 0
    queries: int = 0
    first_refused: float | None = None
    last_refused: float | None = None
    opened: float | None = None
    moved: list[tuple[float, int]] = field(default_factory=list)


class Client:
    """One client. ``write`` starts an operation and returns; its outcome goes to the ledger."""

    def __init__(
        self,
        number: int,
        kind: Kind,
        clock: LabClock,
        resolver: Resolver,
        ledger: PegasusLedger,
        insiders: Insiders,
    ) -> None:
        self.number = number
        self.kind = kind
        self.figures = Figures()
        self.routes: Routes | None = None
        self._clock = clock
        self._resolver = resolver
        self._ledger = ledger
        self._links = Links(insiders, RawConnection)
        self._table = ""
        self._keys: list[tuple[bytes, int]] = []
        self._answer = b""
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self, table: str) -> None:
        """Get the table's configuration, however long that takes."""
        self._table = table
        while not await self._query():
            await self._clock.sleep(OPEN_PAUSE)
        self.figures.opened = self._clock.now()

    def write(self, index: int, sequence: int) -> None:
        """Begin to write a new key into a partition."""
        assert self.routes is not None
        hash_key, checksum = self._keys[index]
        argument = update_request(hash_key, sequence, b"%d" % self.number)
        header = Header(self.routes.app_id, index, int(self.kind.timeout * 1000), 0, checksum)
        write = Write(index, sequence, argument, header, self._clock.now() + self.kind.timeout)
        timeout = max(self.kind.timeout / self._clock.factor, LEAST_TIMEOUT)
        write.timer = asyncio.get_running_loop().call_later(timeout, self._given_up, write)
        self._try(write)

    # ---- tries

    def _try(self, write: Write) -> None:
        """Send, at once if there is a connection."""
        routes = self.routes
        if write.done or routes is None or self._closed:
            return
        write.sent, write.waiting = self._clock.now(), True
        if not (self.kind.same_server and write.address):
            write.address = routes.primaries[write.index] if write.index < len(routes.primaries) else ""
        if not write.address:
            self._failed(write, NO_PRIMARY, write.sent, routes.version)
            return
        connection = self._links.ready(write.address)
        if connection is None:
            self._spawn(self._connect_and_send(write, routes.version))
            return
        sent, version = write.sent, routes.version
        future = connection.send_bytes(PUT, write.argument, write.header, thrift.STRUCT)
        future.add_done_callback(lambda done: self._answered(write, done, sent, version))

    async def _connect_and_send(self, write: Write, version: int) -> None:
        sent = write.sent
        try:
            connection = await self._links.get(write.address)
        except OSError:
            self._failed(write, RESET, sent, version)
            return
        future = connection.send_bytes(PUT, write.argument, write.header, thrift.STRUCT)
        future.add_done_callback(lambda done: self._answered(write, done, sent, version))

    def _answered(self, write: Write, future: asyncio.Future[t.Any], sent: float, version: int) -> None:
        if future.cancelled():
            return
        problem = future.exception()
        if problem is not None:
            self._failed(write, problem.name if isinstance(problem, RpcError) else RESET, sent, version)
        elif not future.result().startswith(STORED):
            error = structs.decode("update_response", future.result())["error"]
            self._failed(write, "storage error %d" % error, sent, version)
        elif not write.done:  # too late is too late: the caller has been told that it failed
            self._end(write)
            self.figures.accepted += 1
            self._ledger.accepted(write.index, write.sequence, sent, self._clock.now())

    def _failed(self, write: Write, error: str, sent: float, version: int) -> None:
        if write.done or self._closed:
            return
        write.waiting = False
        self._count(write, error, sent)
        unserved = error == NO_PRIMARY
        if unserved or self.kind.refreshes(error):
            self._refresh(version)
        pause = max(self.kind.retry_after, LEAST_RETRY * self._clock.factor)
        if (unserved or self.kind.retries(error)) and self._clock.now() + pause < write.until:
            asyncio.get_running_loop().call_later(pause / self._clock.factor, self._try, write)
        else:
            self._end(write)

    def _given_up(self, write: Write) -> None:
        """The operation's time is over. A try that has no answer yet was refused by silence."""
        if write.waiting and not self._closed:
            self._count(write, TIMEOUT, write.sent)
        self._end(write)

    def _end(self, write: Write) -> None:
        write.done, write.waiting = True, False
        if write.timer is not None:
            write.timer.cancel()

    def _count(self, write: Write, error: str, sent: float) -> None:
        figures = self.figures
        figures.refused += 1
        figures.first_refused = sent if figures.first_refused is None else figures.first_refused
        figures.last_refused = sent
        self._ledger.refused(write.index, error, sent)

    # ---- the table's configuration

    def _refresh(self, version: int) -> None:
        """Ask again, unless that is being done, was done just now, or a newer answer is here already."""
        if self._asking is not None or (self.routes is not None and self.routes.version > version):
            return
        gap = max(self.kind.refresh_gap, LEAST_REFRESH * self._clock.factor)
        wait = self._asked + gap - self._clock.now()
        if wait <= 0:
            self._asking = asyncio.get_running_loop().create_task(self._ask_again())
        elif self.kind.same_server:
            # The Go client notes that it has to ask, and does so when its pause is over.
            self._asking = asyncio.get_running_loop().create_task(self._ask_again(wait))

    async def _ask_again(self, wait: float = 0.0) -> None:
        try:
            await self._clock.sleep(wait)
            await self._query()
        finally:
            self._asking = None

    async def _query(self) -> bool:
        """One query; True when its answer was taken."""
        self._asked = self._clock.now()
        self.figures.queries += 1
        answer = await self._resolver.query(self._table)
        if answer is None or error_of(answer) != "ERR_OK":
            return False
        if answer == self._answer and self.routes is not None:
            held = self.routes
            self.routes = Routes(held.app_id, held.primaries, held.ballots, held.version + 1)
            return True
        routes = merge(self.kind, self.routes, structs.decode("query_cfg_response", answer))
        if routes is None:
            return False
        if self.routes is None or self.routes.app_id != routes.app_id:
            self.figures.moved.append((self._clock.now(), routes.app_id))
        if len(self._keys) != len(routes.primaries):
            self._keys = hash_keys(self.number, len(routes.primaries))
        self._answer, self.routes = answer, routes
        return True

    def _spawn(self, work: t.Coroutine[t.Any, t.Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Stop: what is on its way is neither accepted nor refused."""
        self._closed = True
        for task in [*self._tasks, *([self._asking] if self._asking else [])]:
            task.cancel()
        self._links.close()
        self._resolver.close()
