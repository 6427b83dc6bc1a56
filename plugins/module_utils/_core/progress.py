# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How far, how fast, how long still."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration


@dataclasses.dataclass(frozen=True)
class Lag:
    """How far the target is behind the source: a number of ``unit`` (mutations, partitions) in all.

    ``largest``: of the table that is furthest behind; None where the engine does not count by table.
    """

    unit: str
    total: int
    largest: t.Optional[int] = None

    def as_result(self) -> t.Dict[str, t.Any]:
        """What a journal's ``progress`` entry keeps under ``lag``."""
        told = {"unit": self.unit, "total": self.total}
        return told if self.largest is None else {**told, "largest": self.largest}


class Progress:
    """Counts with a rate over the last ``window`` seconds.

    A run is many short processes, so the rate is reckoned on the wall clock and can be seeded with earlier
    progress (moment, done). Only what was counted as done makes a rate; without one there is no ETA.
    """

    def __init__(
        self,
        total: int,
        clock: Clock,
        *,
        window: float = 300.0,
        earlier: t.Iterable[t.Tuple[datetime.datetime, int]] = (),
    ) -> None:
        self.total = total
        self.done = 0
        self.running = 0
        self.failed = 0
        self._clock = clock
        self._window = window
        self._samples: t.Deque[t.Tuple[float, int]] = collections.deque()
        for moment, done in earlier:
            self._sample(moment.timestamp(), done)

    def update(self, done: int, running: int = 0, failed: int = 0) -> None:
        """Take the present counts; ``failed`` ones are over too, and not among ``done``."""
        self.done, self.running, self.failed = done, running, failed
        self._sample(self._clock.now().timestamp(), done)

    def _sample(self, moment: float, done: int) -> None:
        if self._samples and (moment < self._samples[-1][0] or done < self._samples[-1][1]):
            # The wall clock was set back, or another run begins: what was before cannot be compared.
            self._samples.clear()
        self._samples.append((moment, done))
        while len(self._samples) > 2 and self._samples[1][0] <= moment - self._window:
            self._samples.popleft()

    @property
    def rate_per_minute(self) -> float:
        """Items done per minute; 0.0 when none was done in the window."""
        if len(self._samples) < 2:
            return 0.0
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        return (after - before) * 60.0 / (last - first) if last > first else 0.0

    @property
    def eta_seconds(self) -> t.Optional[float]:
        """Seconds until the rest is done at the present rate; None when that cannot be told."""
        left = max(0, self.total - self.done - self.failed)
        rate = self.rate_per_minute
        if not left:
            return 0.0
        return left * 60.0 / rate if rate > 0 else None

    def as_result(self) -> t.Dict[str, t.Any]:
        """The data of a journal's ``progress`` entry."""
        eta = self.eta_seconds
        return {
            "done": self.done,
            "total": self.total,
            "running": self.running,
            "failed": self.failed,
            "rate_per_minute": round(self.rate_per_minute, 2),
            "eta_seconds": None if eta is None else round(eta, 1),
        }

    def line(self) -> str:
        """One line for people: ``120/1000 done (12 %), 32 running, 1 failed, 45.2/min, about 19m 27s left``."""
        parts = [f"{self.done}/{self.total} done"]
        if self.total:
            # Cut, not rounded: 100 % is said only when nothing is left.
            parts[0] += f" ({self.done * 100 // self.total} %)"
        if self.running:
            parts.append(f"{self.running} running")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.done + self.failed < self.total:
            rate, eta = self.rate_per_minute, self.eta_seconds
            if rate > 0 and eta is not None:
                parts.append(f"{rate:.1f}/min")
                parts.append(f"about {format_duration(max(1, round(eta)))} left")
        return ", ".join(parts)
