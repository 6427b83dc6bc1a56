# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read-write locks by key, first come first served, as metasrv's procedures take them."""

from __future__ import annotations

import asyncio
import typing as t
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Key = t.Tuple[str, str]
"""("Share" or "Exclusive", key)"""


@dataclass
class _Lock:
    readers: int = 0
    writer: bool = False
    waiting: t.Deque[tuple[bool, asyncio.Future[None]]] = field(default_factory=deque)


class KeyLocks:
    """Fair keyed locks; a waiting writer keeps later readers out."""

    def __init__(self) -> None:
        self._locks: dict[str, _Lock] = {}

    @asynccontextmanager
    async def hold(self, keys: t.Sequence[Key]) -> t.AsyncIterator[None]:
        """Take all keys in the given order, give them back at the end (or when cancelled while waiting)."""
        taken: list[Key] = []
        try:
            for key in keys:
                await self._take(key)
                taken.append(key)
            yield
        finally:
            for key in reversed(taken):
                self._give_back(key)

    async def _take(self, key: Key) -> None:
        mode, name = key
        exclusive = mode == "Exclusive"
        lock = self._locks.setdefault(name, _Lock())
        if not lock.waiting and not lock.writer and not (exclusive and lock.readers):
            self._grant(lock, exclusive)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lock.waiting.append((exclusive, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(key)
            else:
                if (exclusive, turn) in lock.waiting:
                    lock.waiting.remove((exclusive, turn))
                self._wake(name, lock)
            raise

    @staticmethod
    def _grant(lock: _Lock, exclusive: bool) -> None:
        if exclusive:
            lock.writer = True
        else:
            lock.readers += 1

    def _give_back(self, key: Key) -> None:
        mode, name = key
        lock = self._locks[name]
        if mode == "Exclusive":
            lock.writer = False
        else:
            lock.readers -= 1
        self._wake(name, lock)

    def _wake(self, name: str, lock: _Lock) -> None:
        while lock.waiting:
            exclusive, turn = lock.waiting[0]
            if lock.writer or (exclusive and lock.readers):
                return
            lock.waiting.popleft()
            if turn.cancelled():
                continue
            self._grant(lock, exclusive)
            turn.set_result(None)
        if not lock.readers and not lock.writer:
            self._locks.pop(name, None)
