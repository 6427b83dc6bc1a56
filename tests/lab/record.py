# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of every request that the lab received, on every surface. The lab's own writers are not in it."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from lab.clock import LabClock


@dataclass
class Entry:
    """One request: ``at`` is lab seconds, ``wall`` seconds since 1970, ``mutating`` says what the text asks for.

    node, user: where several servers and users share a surface; else empty and left out.
    """

    seq: int
    at: float
    wall: float
    surface: str
    request: str
    mutating: bool
    outcome: str = "pending"
    node: str = ""
    user: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        """The entry as the control port gives it."""
        found = {
            "seq": self.seq,
            "at": round(self.at, 4),
            "wall": self.wall,
            "surface": self.surface,
            "request": self.request,
            "mutating": self.mutating,
            "outcome": self.outcome,
        }
        return {**found, "node": self.node, "user": self.user} if self.node else found


class RequestRecord:
    """All requests in the order in which they were received; sequence numbers go on after ``clear``."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._next = 1

    def add(self, surface: str, request: str, mutating: bool, node: str = "", user: str = "") -> Entry:
        """Record one request as pending; the caller sets the outcome."""
        entry = Entry(self._next, self._clock.now(), time.time(), surface, request, mutating, node=node, user=user)
        self._next += 1
        self._entries.append(entry)
        return entry

    def since(self, seq: int, mutating: bool | None = None) -> list[Entry]:
        """Entries with a sequence number of ``seq`` or more, only mutating or only reading ones if asked."""
        return [e for e in self._entries if e.seq >= seq and (mutating is None or e.mutating == mutating)]

    def clear(self) -> None:
        """Forget all entries."""
        self._entries = []
