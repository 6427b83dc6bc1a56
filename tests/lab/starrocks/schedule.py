# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to happen when, on the lab's clock."""

from __future__ import annotations

import asyncio
import heapq
import typing as t

from lab.clock import LabClock

Work = t.Callable[[], None]
MIN_PAUSE = 0.004
"""Real seconds: background work is not looked for more often."""
LONGEST = 0.5
"""Real seconds: nor less often, so that a clock that is set by hand is noticed."""


class Schedule:
    """Work by due time. ``run_due`` does what is due; ``forever`` calls it as time passes."""

    def __init__(self, clock: LabClock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Work]] = []
        self._count = 0
        self._woken = asyncio.Event()

    def after(self, seconds: float, work: Work) -> None:
        """Do something once, that many lab seconds from now."""
        self._push(self.clock.now() + seconds, work)

    def _push(self, due: float, work: Work) -> None:
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, work))
        if self._heap[0][1] == self._count:
            self._woken.set()

    def every(self, interval: t.Callable[[], float], work: Work) -> None:
        """Do something again and again; the interval is asked for each time."""

        def turn() -> None:
            work()
            self.after(max(interval(), 0.05), turn)

        self.after(interval(), turn)

    def run_due(self) -> None:
        """Everything that is due by now, in the order in which it became due."""
        while self._heap and self._heap[0][0] <= self.clock.now():
            heapq.heappop(self._heap)[2]()

    async def forever(self) -> None:
        """Run until cancelled."""
        while True:
            self.run_due()
            self._woken.clear()
            wait = LONGEST
            if self._heap:
                wait = min(LONGEST, (self._heap[0][0] - self.clock.now()) / self.clock.factor)
            await asyncio.sleep(MIN_PAUSE)
            if wait > MIN_PAUSE:
                try:
                    async with asyncio.timeout(wait - MIN_PAUSE):
                        await self._woken.wait()
                except asyncio.TimeoutError:
                    continue
