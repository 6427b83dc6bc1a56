# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that goes only when it is told to."""

from __future__ import annotations

import datetime


class FakeClock:
    """Sleeping moves both clocks at once; the wall clock can also be set, as administrators and NTP do."""

    def __init__(self) -> None:
        self.wall = datetime.datetime(2026, 11, 21, 3, 14, tzinfo=datetime.timezone.utc)
        self.steady = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.steady

    def now(self) -> datetime.datetime:
        return self.wall

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.steady += seconds
        self.wall += datetime.timedelta(seconds=seconds)

    def set_wall_clock(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        self.wall += datetime.timedelta(seconds=seconds)
