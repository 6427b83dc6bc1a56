# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Waits by reason, and from when to when each was what a migration waited for."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import WaitReason

Data = t.Mapping[str, t.Any]

# Entries that show that what was waited for has come.
_ENDS = frozenset(
    ("proof", "run.finished", "run.started", "cutover.committed", "cutover.handed_over", "cutover.lifted")
    + ("freeze.lifted",)
)


class WaitsFold:
    """Collects waits. They are written when the set of reasons changes, so that a new set ends the one before."""

    def __init__(self) -> None:
        self._waits: t.Dict[str, WaitReason] = {}
        self._open: t.Dict[str, float] = {}
        self._in_set = False

    def follow(self, kind: str, at: float) -> None:
        """Take notice of every entry before it is taken."""
        if kind in _ENDS or (kind == "wait" and not self._in_set):
            self._close(at)
        self._in_set = kind == "wait"

    def take(self, data: Data, at: float) -> None:
        """Take a ``wait`` entry."""
        for wait in v.mappings(data.get("waits")) or [data]:
            reason = v.word(wait.get("reason"))
            since = v.moment(wait.get("since"))
            count = int(v.number(wait.get("count")) or 0)
            worst = [v.word(one) for one in v.sequence(wait.get("worst"))][:5]
            known = self._waits.get(reason)
            begun = at if since is None else min(since, at)
            self._waits[reason] = WaitReason(
                reason=reason,
                waiting_for=v.word(wait.get("waiting_for")),
                ends_when=v.word(wait.get("ends_when")),
                noted=1 + (known.noted if known else 0),
                first=min(begun, known.first if known else at),
                last=at,
                most=max(count, known.most if known else 0),
                worst=worst if known is None or count >= known.most else known.worst,
                spans=known.spans if known else (),
            )
            self._open[reason] = max(begun, max((stop for _start, stop in known.spans), default=begun) if known else 0)

    def progress(self, data: Data, at: float) -> None:
        """Take a ``progress`` entry: what it does not name any more has ended, though nothing else is waited for."""
        if isinstance(data.get("waits"), dict):
            self._close(at, data["waits"])

    def _close(self, at: float, but: t.Container[str] = ()) -> None:
        for reason, begun in self._open.items():
            known = self._waits[reason]
            if at > begun and reason not in but:
                self._waits[reason] = dataclasses.replace(known, spans=(*known.spans, (begun, at)))
        self._open = {reason: begun for reason, begun in self._open.items() if reason in but}

    def waits(self, last: t.Optional[float]) -> t.List[WaitReason]:
        """By reason, the most affected first. ``last``: the time of the last entry, until which it may go on."""
        if last is not None:
            self._close(last)
        return sorted(self._waits.values(), key=lambda wait: (-wait.most, wait.reason))
