# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for MetaProxy: clients ask it for a table's configuration, and it asks the metas that the znode names.

From its sources: only one RPC is served, all others get no reply; partition indices are ignored; entries are cached and
changed by one-shot watches; an update that cannot be read ends the process; any event but a change or a removal leaves
the entry as it is, for ever unwatched.
"""

from __future__ import annotations

import asyncio
import json
import typing as t
from collections import OrderedDict
from dataclasses import dataclass

from lab.clock import LabClock
from lab.gate import AnswerError, ConnectionDropped, Gate, Incoming
from lab.http_server import HttpRequest, HttpResponse
from lab.pegasus import structs, thrift
from lab.pegasus.clients_links import Insiders
from lab.pegasus.clients_resolver import QUERY, Resolver
from lab.pegasus.door import Call, Door
from lab.pegasus.frames import encode_response
from lab.pegasus.thrift import Reader
from lab.pegasus.zookeeper_znodes import CHANGED, DELETED, Watch, ZnodeMissing, Znodes, ZnodeTrouble

CAPACITY = 1024
GONE_POLL = 0.2
SURFACE = "metaproxy"


class _Unreadable(Exception):
    """The znode's bytes are no JSON object with strings where strings belong."""


@dataclass
class Entry:
    """What is cached of a table; ``watched`` is False once its watch has been lost."""

    cluster_name: str
    meta_addrs: str
    watched: bool = True


class MetaProxy:
    """One instance. ``decodes_host_ports`` False: built with the client library of 2021, which cannot read 2.6."""

    def __init__(
        self,
        clock: LabClock,
        zookeeper_hosts: str,
        root: str,
        insiders: Insiders = None,
        gate: Gate | None = None,
        capacity: int = CAPACITY,
        decodes_host_ports: bool = True,
    ) -> None:
        self._clock = clock
        self._hosts = zookeeper_hosts
        self._root = root
        self._insiders = insiders
        self._gate = gate
        self._capacity = capacity
        self._decodes_host_ports = decodes_host_ports
        self._door = Door(self._called, _silence, insiders if insiders is not None else frozenset())
        self._znodes = Znodes(zookeeper_hosts)
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._resolvers: dict[str, Resolver] = {}
        self._reading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.alive = False
        self.panic = ""
        """Why the process ended, if it did so by itself."""

    @property
    def address(self) -> str:
        """host:port"""
        return self._door.address

    async def start(self) -> None:
        """Connect to ZooKeeper and listen; after ``kill``, on the same port and with an empty cache."""
        self._znodes = Znodes(self._hosts)
        await self._znodes.start()
        await self._door.start(self._door.port)
        self.alive, self.panic = True, ""

    def kill(self) -> None:
        """End the process: connections are refused, the cache is gone."""
        self.alive = False
        self._door.pause()
        for task in [*self._tasks, *self._watching.values()]:
            task.cancel()
        self._watching = {}
        self._entries.clear()
        for resolver in self._resolvers.values():
            resolver.close()
        self._resolvers = {}
        self._znodes.close()

    async def lose_watches(self) -> None:
        """Lose the ZooKeeper session: no cached entry will ever be changed by a watch again."""
        await self._znodes.expire()

    def as_dict(self) -> dict[str, t.Any]:
        """Address, whether it runs, and its cache."""
        entries = {table: vars(entry) for table, entry in self._entries.items()}
        return {"address": self.address, "alive": self.alive, "panic": self.panic, "tables": entries}

    # ---- requests

    def _called(self, call: Call) -> None:
        if call.rpc == QUERY:
            task = asyncio.get_running_loop().create_task(self._answer(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, call: Call) -> None:
        table = str(call.argument.get("app_name", ""))
        try:
            if self._gate is None or call.insider:
                answer = await self._query(table)
            else:
                text = "%s %s" % (QUERY, json.dumps(call.argument, sort_keys=True))
                request = Incoming(SURFACE, text, False, call.gone)
                answer = await self._gate.run(request, lambda: self._query(table))
        except (AnswerError, ConnectionDropped):
            call.drop()
            return
        if answer is not None:
            _reply(call, answer)

    async def _query(self, table: str) -> bytes | None:
        """An encoded query_cfg_response; None when there will never be an answer."""
        try:
            entry = await self._entry(table)
        except ZnodeMissing:
            return _error("ERR_OBJECT_NOT_FOUND")
        except ZnodeTrouble:
            return _error("ERR_ZOOKEEPER_OPERATION")
        except _Unreadable:
            return _error("ERR_INVALID_DATA")
        resolver = self._resolvers.get(entry.meta_addrs)
        if resolver is None:
            addresses = entry.meta_addrs.split(",")
            if len(addresses) < 2:
                return _error("ERR_INVALID_DATA")
            resolver = self._resolvers[entry.meta_addrs] = Resolver(self._clock, addresses, self._insiders)
        answer = await resolver.query(table)
        if answer is not None and not self._decodes_host_ports and _has_host_ports(answer):
            return None
        return answer

    # ---- cache

    async def _entry(self, table: str) -> Entry:
        found = self._entries.get(table)
        if found is None:
            async with self._reading:
                found = self._entries.get(table)
                if found is None:
                    found, watch = await self._read(table)
                    self._keep(table, found, watch)
        self._entries.move_to_end(table)
        return found

    async def _read(self, table: str) -> tuple[Entry, Watch]:
        data, watch = await self._znodes.get_and_watch("%s/%s" % (self._root, table))
        return _parse(data), watch

    def _keep(self, table: str, entry: Entry, watch: Watch) -> None:
        """Cache an entry and watch it; the table that was asked for least recently makes room."""
        self._entries[table] = entry
        self._entries.move_to_end(table)
        self._watching[table] = asyncio.get_running_loop().create_task(self._watch(table, entry, watch))
        while len(self._entries) > self._capacity:
            evicted, _entry = self._entries.popitem(last=False)
            self._watching.pop(evicted).cancel()

    async def _watch(self, table: str, entry: Entry, watch: Watch) -> None:
        event = await watch.event
        if event == CHANGED:
            try:
                changed, again = await self._read(table)
            except (ZnodeMissing, ZnodeTrouble, _Unreadable) as problem:
                self._watching.pop(table, None)
                self.kill()
                self.panic = "failed to get cluster info of %s when trigger watcher: %s" % (table, problem)
                return
            self._keep(table, changed, again)
        elif event == DELETED:
            self._entries.pop(table, None)
            self._watching.pop(table, None)
        else:
            entry.watched = False


def _parse(data: bytes) -> Entry:
    """The znode's content as Go reads it: names without regard to case, null and missing are empty, no other types."""
    try:
        found = json.loads(data.decode("utf-8", "replace"))
    except ValueError as error:
        raise _Unreadable(str(error)) from error
    if found is not None and not isinstance(found, dict):
        raise _Unreadable("no JSON object")
    values = {str(name).lower(): "" if value is None else value for name, value in (found or {}).items()}
    name, addresses = values.get("cluster_name", ""), values.get("meta_addrs", "")
    if not isinstance(name, str) or not isinstance(addresses, str):
        raise _Unreadable("no string")
    return Entry(name, addresses)


def _error(name: str) -> bytes:
    return structs.encode("query_cfg_response", {"err": name})


def _reply(call: Call, answer: bytes) -> None:
    """Pass an encoded result on as it is: decoding and encoding 64 partitions would cost milliseconds."""
    call._link.send(encode_response(call.rpc, call.seq, "ERR_OK", answer, thrift.STRUCT))


def _has_host_ports(answer: bytes) -> bool:
    """True when the answer holds fields that the client library of 2021 does not know."""
    partitions = structs.codec("query_cfg_response")[2](Reader(answer)).get("partitions", ())
    return any(name.startswith("hp_") for partition in partitions for name in partition)


async def _silence(request: HttpRequest) -> HttpResponse:
    """It does not speak HTTP: it waits for more of what it takes for garbage."""
    while not request.gone():
        await asyncio.sleep(GONE_POLL)
    raise ConnectionDropped()
