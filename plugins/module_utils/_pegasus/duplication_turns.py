# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whose turn it is, where people limit how many tables are copied at a time. Pure.

A table is copied from the addition of its duplication until it ships its log: its primaries make checkpoints, and the
target pulls them. That is the load which can be spread. What has begun cannot be taken back without beginning anew.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.control import CONTROL, TAKEN
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import LIMITS, Wish, limits_said
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Planned
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Cause

TABLES = "tables"
"""The only limit: how many tables are copied at a time."""
TURN = "pegasus.wait.turn"

_COPIED = ("DS_LOG", "DS_PAUSE", "DS_REMOVED")


def problem_with(wish: Wish) -> str:
    """Why the limits that are wished for are none of Pegasus's, "" where they are."""
    unknown = sorted(set(wish.limits or {}) - {TABLES})
    if not unknown:
        return ""
    return f"{', '.join(unknown)}: Pegasus has no such limit, so nothing is changed; write limits {TABLES}=2"


def words(limit: t.Optional[int]) -> str:
    """What a limit means, for the acknowledgement."""
    if limit is None:
        return "from now on any number of tables is copied at a time"
    tables = "1 table is" if limit == 1 else f"{limit} tables are"
    return f"from now on at most {tables} copied at a time; what is being copied goes on"


def taken_before(entries: t.Iterable[t.Any]) -> t.Optional[int]:
    """The limit that the journal says was acknowledged last: one that was refused has not changed it."""
    limit: t.Optional[int] = None
    for entry in entries:
        data = entry.data
        if entry.kind == CONTROL and data.get("kind") == LIMITS and data.get("effect") == TAKEN:
            limit = limits_said(str(data.get("wish") or "")).get(TABLES)
    return limit


def being_copied(status: str) -> bool:
    """Whether a table whose duplication has this status ("" before it was seen) is being copied."""
    return status not in _COPIED


def later(planned: t.Sequence[Planned], limit: t.Optional[int]) -> t.FrozenSet[int]:
    """By index, the tables to which nothing is added before others are copied."""
    if limit is None:
        return frozenset()
    there = [one.duplication for one in planned if not adds(one)]
    room = limit - sum(1 for one in there if one is not None and being_copied(one.status))
    return frozenset([index for index, one in enumerate(planned) if adds(one)][max(0, room) :])


def in_order(planned: t.Sequence[Planned], limit: t.Optional[int]) -> t.List[Planned]:
    """All of them, in the order in which they are sent: first what may begin now."""
    held = later(planned, limit)
    now = [one for index, one in enumerate(planned) if index not in held]
    return [*now, *(planned[index] for index in sorted(held))]


def adds(planned: Planned) -> bool:
    """Whether a copy is begun."""
    return any(step.action == dp.ADD for step in planned.steps)


def turn(table: str, limit: int, copied: int) -> Cause:
    """Why nothing is added for this table yet. ``copied``: how many tables are being copied."""
    tables = "1 table is" if copied == 1 else f"{copied} tables are"
    return Cause(
        TURN,
        f"the turn of {table}, as {tables} being copied and the limit is {limit}",
        "one of them ships its log, or the control text says another limit",
    )
