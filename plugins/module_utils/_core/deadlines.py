# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The end of every wait."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

_MOST_SHOWN = 5


class Deadline:
    """``seconds`` from now for ``what``, kept on the monotonic clock so that setting the wall clock moves nothing.

    ``absolute_epoch`` (Unix seconds) hands one deadline through several processes. It never gives more than
    ``seconds``, so a wall clock that was set back between two of them cannot stretch it.
    """

    def __init__(self, clock: Clock, seconds: float, what: str, absolute_epoch: t.Optional[float] = None) -> None:
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"a deadline needs a finite span, not {seconds!r}")
        now = clock.now().timestamp()
        left = seconds if absolute_epoch is None else min(seconds, absolute_epoch - now)
        self.what = what
        self.seconds = seconds
        self.absolute_epoch = now + left if absolute_epoch is None else absolute_epoch
        self._clock = clock
        self._end = clock.monotonic() + left

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def expired(self) -> bool:
        """Whether nothing is left."""
        return self.remaining() <= 0

    def check(self, running: t.Sequence[str] = ()) -> None:
        """Raise MigrationError ``deadline.expired``, naming what still runs, once nothing is left."""
        if not self.expired:
            return
        message = f"{self.what} did not end within {format_duration(self.seconds)}."
        if running:
            shown = ", ".join(running[:_MOST_SHOWN])
            more = len(running) - _MOST_SHOWN
            message += f" Still running: {shown}" + (f" and {more} more." if more > 0 else ".")
        raise MigrationError(
            "deadline.expired",
            message,
            details={"what": self.what, "seconds": self.seconds, "running": list(running[:_MOST_SHOWN])},
        )

    def sleep(self, seconds: float) -> None:
        """Pause, but not past the end."""
        self._clock.sleep(min(seconds, self.remaining()))
