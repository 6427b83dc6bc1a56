# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Why something waits, told the same way by every engine."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

MOST_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Wait:
    """One wait: reason code, what for, what ends it, since when (ISO text), the worst five items of ``count``."""

    reason: str
    waiting_for: str
    ends_when: str
    since: str
    worst: t.Sequence[str] = ()
    count: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "worst", tuple(self.worst)[:MOST_SHOWN])

    def as_result(self) -> t.Dict[str, t.Any]:
        """The wait as results and the journal hold it."""
        return {
            "reason": self.reason,
            "waiting_for": self.waiting_for,
            "ends_when": self.ends_when,
            "since": self.since,
            "worst": list(self.worst),
            "count": self.count,
        }


def present(waits: t.Iterable[t.Mapping[str, t.Any]]) -> t.Dict[str, str]:
    """By reason, since when: what a ``progress`` entry keeps under ``waits``, so that the end of a wait is seen too."""
    return {str(wait["reason"]): str(wait["since"]) for wait in waits}


class ReasonRegistry:
    """The reason codes of an engine: a wait without a documented reason is a fault of ours."""

    def __init__(self, known: t.FrozenSet[str]) -> None:
        self.known = known

    def check(self, reason: str) -> str:
        """``reason`` itself; MigrationError ``wait.unknown_reason`` if it is not documented."""
        if reason not in self.known:
            raise MigrationError(
                "wait.unknown_reason",
                f"The wait reason {reason!r} is not documented. Add it to the reasons of its engine.",
                details={"reason": reason},
            )
        return reason
