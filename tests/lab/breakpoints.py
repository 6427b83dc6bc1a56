# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breakpoints: hold a mutating request before it is applied, or applied but not answered, until released."""

from __future__ import annotations

import asyncio
import typing as t
from dataclasses import dataclass, field

POLL_SECONDS = 0.01
"""How often (real time) a held request looks whether its client is still there."""


@dataclass
class Held:
    """One request held at a breakpoint."""

    seq: int
    surface: str
    request: str
    released: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False


@dataclass
class Breakpoint:
    """Holds the next ``times`` requests whose text contains ``match``, after letting ``skip`` of them pass."""

    id: int
    match: str
    when: str
    times: int = 1
    skip: int = 0
    surface: str = ""
    reads: bool = False
    seen: int = 0
    reached: int = 0
    held: list[Held] = field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        """The breakpoint as the control port gives it."""
        return {
            "id": self.id,
            "match": self.match,
            "when": self.when,
            "surface": self.surface,
            "times": self.times,
            "skip": self.skip,
            "reached": self.reached,
            "held": [{"seq": h.seq, "surface": h.surface, "request": h.request} for h in self.held],
        }


class Breakpoints:
    """All breakpoints. A client that goes away while held is noticed: then a request held before is never applied."""

    def __init__(self) -> None:
        self.points: list[Breakpoint] = []
        self._next = 1
        self._changed = asyncio.Condition()

    def add(self, data: t.Mapping[str, t.Any]) -> Breakpoint:
        """Add one from the control port's JSON; ValueError with one sentence when it makes no sense."""
        unknown = sorted(set(data) - {"match", "when", "times", "skip", "surface", "reads"})
        if unknown:
            raise ValueError("unknown keys: %s" % ", ".join(unknown))
        if data.get("when", "before") not in ("before", "after"):
            raise ValueError("when: must be before or after")
        values = dict(data)
        point = Breakpoint(self._next, values.pop("match", ""), values.pop("when", "before"), **values)
        self._next += 1
        self.points.append(point)
        return point

    async def hold(
        self, when: str, seq: int, surface: str, text: str, mutating: bool, gone: t.Callable[[], bool]
    ) -> bool:
        """Wait at a matching breakpoint, if there is one. False when the client went away while it was held."""
        for point in self.points:
            if point.when != when or point.reached >= point.times or point.match not in text:
                continue
            if (point.surface and point.surface != surface) or not (mutating or point.reads):
                continue
            point.seen += 1
            if point.seen <= point.skip:
                continue
            point.reached += 1
            held = Held(seq, surface, text)
            point.held.append(held)
            await self._notify()
            try:
                while not held.released.is_set():
                    if gone():
                        return False
                    try:
                        async with asyncio.timeout(POLL_SECONDS):
                            await held.released.wait()
                    except asyncio.TimeoutError:
                        continue
            finally:
                point.held.remove(held)
                await self._notify()
            return not gone()
        return True

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def wait_reached(self, seconds: float) -> None:
        """Return when some request is held, or after that many real seconds."""
        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(lambda: any(p.held for p in self.points))
            except asyncio.TimeoutError:
                return

    def release(self, point_id: int | None = None) -> int:
        """Let the held requests go on (of one breakpoint, or of all). Returns how many."""
        count = 0
        for point in self.points:
            if point_id in (None, point.id):
                for held in point.held:
                    held.released.set()
                    count += 1
        return count

    def clear(self) -> None:
        """Release everything and remove all breakpoints."""
        self.release()
        self.points = []
