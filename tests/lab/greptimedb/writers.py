# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writers that load every region in turn through the frontend's routing, and try again when refused."""

from __future__ import annotations

import asyncio
from collections import deque

from lab.greptimedb.cluster import Cluster
from lab.greptimedb.errors import ServerError
from lab.greptimedb.model import Region

RETRY_PAUSE = 0.1
"""Lab seconds between two tries of a refused write."""
MIN_PAUSE = 0.005
"""Real seconds: faster writers write several times per turn instead of sleeping less."""


class Writers:
    """``count`` tasks that share ``rate`` writes per lab second over all regions; their refused writes stay due."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._tasks: list[asyncio.Task[None]] = []
        self._cursor = 0
        self._ids: list[int] = []
        self.rate = 0.0

    @property
    def count(self) -> int:
        """Writers at work."""
        return len(self._tasks)

    def run(self, count: int, rate: float) -> None:
        """Replace the writers by ``count`` new ones."""
        for task in self._tasks:
            task.cancel()
        self.rate = rate
        self._tasks = [self._cluster.spawn(self._write(rate / count)) for _dummy in range(count if rate > 0 else 0)]

    def _next_region(self) -> Region | None:
        regions = self._cluster.regions
        for _dummy in range(2):
            while self._cursor < len(self._ids):
                self._cursor += 1
                region = regions.get(self._ids[self._cursor - 1])
                if region is not None:
                    return region
            self._ids, self._cursor = list(regions), 0
        return None

    async def _write(self, rate: float) -> None:
        clock = self._cluster.clock
        due_at = clock.now() + self._cluster.rng.uniform(0, 1 / rate)
        again: deque[tuple[float, Region]] = deque()
        while True:
            now = clock.now()
            while again and again[0][0] <= now:
                self._try(again.popleft()[1], again, now)
            while due_at <= now:
                due_at += 1 / rate
                region = self._next_region()
                if region is not None and not any(region is waiting for _dummy, waiting in again):
                    self._try(region, again, now)
            wake = min(due_at, again[0][0]) if again else due_at
            await clock.sleep(max(wake - clock.now(), MIN_PAUSE * clock.factor))

    def _try(self, region: Region, again: deque[tuple[float, Region]], now: float) -> None:
        if region.id not in self._cluster.regions:
            return
        try:
            self._cluster.write(region)
        except ServerError:
            again.append((now + RETRY_PAUSE, region))
