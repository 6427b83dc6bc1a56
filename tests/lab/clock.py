# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's one clock: every duration in the lab is lab seconds, which pass ``factor`` times faster than real ones."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone


class LabClock:
    """Lab time. ``now`` starts at 0 when the lab starts; ``epoch`` is the calendar time that the servers show."""

    def __init__(self, factor: float = 1.0) -> None:
        if factor <= 0:
            raise ValueError("factor must be greater than 0")
        self.factor = factor
        self._start = time.monotonic()
        self._epoch = time.time()

    def now(self) -> float:
        """Lab seconds since the lab started."""
        return (time.monotonic() - self._start) * self.factor

    def epoch(self, at: float | None = None) -> float:
        """Seconds since 1970 as the simulated servers see it, for the lab time ``at`` (default: now)."""
        return self._epoch + (self.now() if at is None else at)

    def timestamp(self, at: float | None) -> datetime:
        """A naive UTC timestamp with milliseconds for the lab time ``at``; None is 1970-01-01 00:00:00."""
        if at is None:
            return datetime(1970, 1, 1)
        millis = int(self.epoch(at) * 1000)
        return datetime.fromtimestamp(millis / 1000, timezone.utc).replace(tzinfo=None)

    async def sleep(self, seconds: float) -> None:
        """Wait that many lab seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.factor)
