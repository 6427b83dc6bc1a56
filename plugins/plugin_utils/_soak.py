# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""Waiting for a known time to be over, in steps after each of which a person is told how long is left.

It is waited for a moment, not for a span: a machine that was suspended meanwhile does not make it later. Nothing is
kept: who begins again gives the time that is left then.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration

# Who waits a minute is served by a word every few seconds, who waits for days by one every few minutes.
SHORTEST_STEP = 5.0
LONGEST_STEP = 300.0
STEPS = 5


@dataclasses.dataclass(frozen=True)
class Soak:
    """What is waited for: ``subject`` (tables, in words) shall serve until then, before something else happens."""

    subject: str
    before: str
    until: datetime.datetime

    def left(self, now: datetime.datetime) -> float:
        """Seconds until it is over; 0 when it is."""
        return max(0.0, (self.until - now).total_seconds())

    def first_line(self, left: float) -> str:
        """What it is about, and that it may be broken off."""
        return (
            f"{self.subject}: soaking for {_span(left)} more, until {self._end}, before {self.before}. This may be "
            "broken off: the next run waits only for what is left then."
        )

    def line(self, left: float) -> str:
        """How far it is."""
        return f"{self.subject}: {_span(left)} of the soak left, until {self._end}"

    def preview(self, left: float) -> str:
        """What a check says instead."""
        return f"{self.subject}: a real run would wait for {_span(left)}, before {self.before}"

    @property
    def _end(self) -> str:
        return iso(self.until)[:19] + "Z"


def next_step(left: float) -> float:
    """Seconds until the next word: a fifth of what is left, within bounds, and never beyond the end."""
    step = min(LONGEST_STEP, max(SHORTEST_STEP, left / STEPS))
    # No last step that is too short for a line of its own.
    return left if left - step < SHORTEST_STEP / 2 else step


def soak(what: Soak, clock: Clock, tell: t.Callable[[str], None]) -> float:
    """Wait until it is over; returns the seconds for which it has waited. Nothing is told when nothing is left."""
    began = clock.now()
    left = what.left(began)
    if left > 0:
        tell(what.first_line(left))
    while left > 0:
        clock.sleep(next_step(left))
        left = what.left(clock.now())
        if left > 0:
            tell(what.line(left))
    return max(0.0, (clock.now() - began).total_seconds())


def _span(seconds: float) -> str:
    """Whole seconds: tenths of them are nothing to a person who waits."""
    return format_duration(max(1, round(seconds)))
