# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How far a cutover is, with times: what its result and its journal entries show."""

from __future__ import annotations

import dataclasses
import typing as t

WAITING = "waiting"
FROZEN = "frozen"
LIFTED = "lifted"
HANDED_OVER = "handed_over"
COMMITTED = "committed"

MARKS = ("frozen", "quiescent", "converged", "tool_stopped", "drained", "proved", "handed_over", "lifted")


@dataclasses.dataclass
class Track:
    """Times are seconds of the clock; ``sent``: the first request of the freeze."""

    state: str = WAITING
    sent: t.Optional[float] = None
    marks: t.Dict[str, float] = dataclasses.field(default_factory=dict)
    reasserted: int = 0
    comparisons: int = 0
    source_digest: str = ""
    partitions: int = 0
    tool_stopped: bool = False

    def mark(self, name: str, at: float) -> None:
        """Note when a step was reached first."""
        self.marks.setdefault(name, at)

    def window(self) -> t.Dict[str, t.Optional[float]]:
        """Seconds from the first request to each step, None for those that were not reached."""
        start = self.sent
        return {
            name: None if start is None or name not in self.marks else round(self.marks[name] - start, 3)
            for name in MARKS
        }
