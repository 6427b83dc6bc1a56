# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the client libraries route: what makes each of them ask for the table's configuration again, and what it retries.

From the sources of the Java and Go clients; errors are the names in the response's header, ``ERR_SESSION_RESET`` stands
for a lost or refused connection. A request without an answer is given up at the operation's timeout: none of them asks
again because of that, which is why ``timeout*write`` leaves clients where they are.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

MOVED = frozenset(("ERR_SESSION_RESET", "ERR_OBJECT_NOT_FOUND", "ERR_INVALID_STATE", "ERR_PARENT_PARTITION_MISUSED"))
PASSING = frozenset(("ERR_NOT_ENOUGH_MEMBER", "ERR_CAPACITY_EXCEEDED"))
_GO_STAYS = PASSING | {"ERR_BUSY", "ERR_SPLITTING", "ERR_DISK_INSUFFICIENT"}
_GO_ONCE = frozenset(("ERR_TIMEOUT", "ERR_SESSION_RESET", "ERR_INVALID_STATE", "ERR_PARENT_PARTITION_MISUSED"))
_CPP_FINAL = frozenset(("ERR_HANDLER_NOT_FOUND", "ERR_APP_NOT_EXIST", "ERR_OPERATION_DISABLED", "ERR_BUSY"))


@dataclass(frozen=True)
class Kind:
    """One client library. Times are lab seconds.

    timeout: of one operation, retries included. retry_after: pause before a retry. refresh_gap: least time between two
    queries of the configuration. same_server: a retry goes where the first try went. larger_ballots_only: a partition's
    cached configuration is replaced only by one with a larger ballot.
    """

    name: str
    timeout: float
    retry_after: float
    refresh_gap: float
    refreshes: t.Callable[[str], bool]
    retries: t.Callable[[str], bool]
    same_server: bool = False
    larger_ballots_only: bool = False


JAVA = Kind(
    "java",
    timeout=1.0,
    retry_after=1 / 3,
    refresh_gap=1 / 3,
    refreshes=lambda error: error in MOVED,
    retries=lambda error: error in MOVED or error in PASSING,
)
"""Retries after a third of the timeout, the rule of its 2.4 releases; a retry keeps the app id it began with."""

GO = Kind(
    "go",
    timeout=3.0,
    retry_after=1.0,
    refresh_gap=1.0,
    refreshes=lambda error: error not in _GO_STAYS,
    retries=lambda error: error not in _GO_STAYS and error not in _GO_ONCE,
    same_server=True,
)
"""ERR_INVALID_STATE fails the operation and refreshes; an unknown error refreshes and is retried."""

CPP = Kind(
    "cpp",
    timeout=1.0,
    retry_after=0.25,
    refresh_gap=0.25,
    refreshes=lambda error: error not in _CPP_FINAL and error not in PASSING,
    retries=lambda error: error not in _CPP_FINAL,
    larger_ballots_only=True,
)
"""Cannot follow to another cluster: a fresh table's ballots are small, so what it has cached stays."""

KINDS = {kind.name: kind for kind in (JAVA, GO, CPP)}


@dataclass(frozen=True)
class Routes:
    """A table's configuration as a client holds it. ``version`` counts the answers taken."""

    app_id: int
    primaries: tuple[str, ...]
    ballots: tuple[int, ...]
    version: int


def merge(kind: Kind, held: Routes | None, answer: t.Mapping[str, t.Any]) -> Routes | None:
    """The configuration after an answer with ERR_OK; None when the client keeps what it holds instead."""
    partitions = sorted(answer.get("partitions", ()), key=lambda partition: partition["pid"][1])
    count = answer["partition_count"]
    if not count or len(partitions) != count:
        return None
    primaries = [str(partition["primary"]) for partition in partitions]
    ballots = [int(partition["ballot"]) for partition in partitions]
    if kind is GO and not all(primaries):
        return None
    if kind.larger_ballots_only and held is not None and len(held.ballots) == count:
        for index, old in enumerate(held.ballots):
            if ballots[index] <= old:
                primaries[index], ballots[index] = held.primaries[index], old
    return Routes(answer["app_id"], tuple(primaries), tuple(ballots), held.version + 1 if held else 1)
