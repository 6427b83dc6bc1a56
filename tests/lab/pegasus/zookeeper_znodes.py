# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZooKeeper from an event loop: kazoo works in its threads, results come back to the loop.

Watches are those of go-zookeeper, which MetaProxy uses: they outlive a broken connection as long as the session lasts,
and end with an event of another type when the session is lost. (kazoo's own end with the connection.)
"""

from __future__ import annotations

import asyncio
import logging
import threading
import typing as t
from dataclasses import dataclass, field

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoNodeError
from kazoo.protocol.states import EventType, KazooState, WatchedEvent

CHANGED, DELETED, NOT_WATCHING = "EventNodeDataChanged", "EventNodeDeleted", "EventNotWatching"
SESSION_TIMEOUT = 30.0
"""Real seconds: a busy machine must not cost a session, the lab takes one on purpose."""
START_TIMEOUT = 20.0
_logger = logging.getLogger("lab.kazoo")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False


class ZnodeMissing(Exception):
    """There is no such znode."""


class ZnodeTrouble(Exception):
    """ZooKeeper did not do it; the message says why."""


@dataclass(eq=False)
class Watch:
    """A one-shot watch on a znode's data; ``event`` becomes the type of the event."""

    path: str
    modified: int
    session: int
    event: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def fire(self, event: str) -> None:
        """The event happened."""
        if not self.event.done():
            self.event.set_result(event)


class Znodes:
    """One session. All methods are for the loop in which ``start`` was called."""

    def __init__(self, hosts: str) -> None:
        self._hosts = hosts
        self._client: KazooClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._interrupted: set[Watch] = set()

    @property
    def _session(self) -> int:
        assert self._client is not None
        return int(self._client.client_id[0]) if self._client.client_id else 0

    async def start(self) -> None:
        """Connect; ZnodeTrouble when that takes too long."""
        self._loop = asyncio.get_running_loop()
        client = KazooClient(hosts=self._hosts, timeout=SESSION_TIMEOUT, logger=_logger)
        client.add_listener(self._state_changed)
        self._client = client
        try:
            await self._loop.run_in_executor(None, lambda: client.start(START_TIMEOUT))
        except client.handler.timeout_exception as error:
            raise ZnodeTrouble("no connection to %s" % self._hosts) from error

    def close(self) -> None:
        """End the session."""
        client, self._client = self._client, None
        if client is not None:
            # Not in the loop, for it can take seconds when the server does not answer.
            threading.Thread(target=_end, args=(client,), daemon=True).start()

    async def get(self, path: str) -> tuple[bytes, int]:
        """(data, version) of a znode; ZnodeMissing, ZnodeTrouble."""
        data, stat = await self._do(lambda client: client.get_async(path))
        return data, stat.version

    async def get_and_watch(self, path: str) -> tuple[bytes, Watch]:
        """The data of a znode and a watch for its next change; ZnodeMissing, ZnodeTrouble."""
        watch = Watch(path, -1, self._session)
        data, stat = await self._read_watched(watch)
        watch.modified = stat.mzxid
        return data, watch

    async def put(self, path: str, data: bytes, version: int = -1) -> None:
        """Write a znode of that version (-1: of any); it and its parents are created if need be. ZnodeTrouble."""
        try:
            await self._do(lambda client: client.set_async(path, data, version))
        except ZnodeMissing:
            await self._do(lambda client: client.create_async(path, data, makepath=True))

    async def delete(self, path: str) -> None:
        """Remove a znode; ZnodeMissing."""
        await self._do(lambda client: client.delete_async(path))

    async def expire(self) -> None:
        """Lose the session for good, as after a long pause of the process. kazoo then begins a new one."""
        assert self._client is not None and self._loop is not None
        before = self._session
        twin = KazooClient(hosts=self._hosts, client_id=self._client.client_id, timeout=SESSION_TIMEOUT, logger=_logger)
        await self._loop.run_in_executor(None, lambda: twin.start(START_TIMEOUT))
        await self._loop.run_in_executor(None, twin.stop)
        twin.close()
        while self._session in (0, before) or not self._client.connected:
            await asyncio.sleep(0.01)

    async def _read_watched(self, watch: Watch) -> t.Any:
        loop = self._loop
        assert loop is not None

        def happened(event: WatchedEvent) -> None:
            loop.call_soon_threadsafe(self._happened, watch, event.type)

        return await self._do(lambda client: client.get_async(watch.path, happened))

    async def _do(self, call: t.Callable[[KazooClient], t.Any]) -> t.Any:
        client, loop = self._client, self._loop
        if client is None or loop is None or not client.connected:
            raise ZnodeTrouble("not connected to %s" % self._hosts)
        future: asyncio.Future[t.Any] = loop.create_future()

        def done(result: t.Any) -> None:
            loop.call_soon_threadsafe(_settle, future, result)

        call(client).rawlink(done)
        try:
            return await future
        except NoNodeError as error:
            raise ZnodeMissing(str(error)) from error
        except KazooException as error:
            raise ZnodeTrouble("%s: %s" % (type(error).__name__, error)) from error

    def _happened(self, watch: Watch, kind: str) -> None:
        if kind == EventType.CHANGED:
            watch.fire(CHANGED)
        elif kind == EventType.DELETED:
            watch.fire(DELETED)
        elif not watch.event.done():
            self._interrupted.add(watch)
            if self._client is not None and self._client.connected:
                self._connected()

    def _state_changed(self, state: str) -> None:
        """Called in a thread of kazoo's."""
        if state == KazooState.CONNECTED and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._connected)

    def _connected(self) -> None:
        assert self._loop is not None
        watches, self._interrupted = self._interrupted, set()
        for watch in watches:
            if watch.session == self._session:
                self._loop.create_task(self._watch_again(watch))
            else:
                watch.fire(NOT_WATCHING)

    async def _watch_again(self, watch: Watch) -> None:
        try:
            _data, stat = await self._read_watched(watch)
        except ZnodeMissing:
            watch.fire(DELETED)
        except ZnodeTrouble:
            self._interrupted.add(watch)
        else:
            if stat.mzxid != watch.modified:
                watch.fire(CHANGED)


def _end(client: KazooClient) -> None:
    client.stop()
    client.close()


def _settle(future: asyncio.Future[t.Any], result: t.Any) -> None:
    if future.done():
        return
    if result.successful():
        future.set_result(result.value)
    else:
        future.set_exception(result.exception)
