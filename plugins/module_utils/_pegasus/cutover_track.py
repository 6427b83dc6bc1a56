# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How far one table of a cutover is."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence

FENCED = "fenced"
HANDED_OVER = "handed_over"
LIFTED = "lifted"
SWITCHED = "switched"


@dataclasses.dataclass
class Track:
    """How far one table is. Times: seconds of the clock, None for not yet."""

    view: TableView
    fence: Fence
    state: str = "waiting"
    sent: t.Optional[float] = None
    first_denied: t.Optional[float] = None
    all_denied: t.Optional[float] = None
    drained: t.Optional[float] = None
    handed_over: t.Optional[float] = None
    switched: t.Optional[float] = None
    proved: t.Optional[float] = None
    committed: t.Optional[float] = None
    lifted: t.Optional[float] = None
    held_back: t.Sequence[int] = ()
    target_before: t.Optional[t.Mapping[int, int]] = None
    """What the target had prepared right before the switch, by partition."""

    @property
    def name(self) -> str:
        return self.view.name

    def handed_over_entry(self, clock: Clock, seconds_left: t.Optional[float]) -> t.Dict[str, t.Any]:
        """Mark the hand-over; what the journal keeps of it for the call that ends it."""
        self.state, self.handed_over = HANDED_OVER, clock.monotonic()
        return {"table": self.name, "at": iso(clock.now()), "seconds_left": seconds_left, "window": self.window()}

    def resume(self, entry: t.Mapping[str, t.Any], clock: Clock) -> None:
        """Take the times of the call that handed over from its entry; an entry that does not tell them tells nothing.

        Between two processes only the wall clock goes on.
        """
        window = entry.get("window") or {}
        after = window.get("handed_over")
        if after is None:
            return
        start = clock.monotonic() - after - max(0.0, (clock.now() - parse_iso(str(entry["at"]))).total_seconds())
        times = {mark: None if told is None else start + told for mark, told in window.items()}
        self.sent = start
        self.first_denied, self.all_denied = times.get("first_denied"), times.get("all_denied")
        self.drained, self.handed_over = times.get("drained"), times.get("handed_over")

    def window(self) -> t.Dict[str, t.Optional[float]]:
        """Seconds from the request to fence to each step; ``refused``: from the first refusal seen to the end of it."""
        start = self.sent
        marks = {
            "first_denied": self.first_denied,
            "all_denied": self.all_denied,
            "drained": self.drained,
            "handed_over": self.handed_over,
            "switched": self.switched,
            "proved": self.proved,
            "committed": self.committed,
            "lifted": self.lifted,
        }
        told = {name: None if mark is None or start is None else round(mark - start, 3) for name, mark in marks.items()}
        end = self.proved if self.proved is not None else self.lifted
        begun = self.first_denied
        told["refused"] = None if end is None or begun is None else round(end - begun, 3)
        return told
