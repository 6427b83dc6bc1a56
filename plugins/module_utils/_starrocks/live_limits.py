# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The limits that people may set while the sync tool copies: configs of the target, whose former values are recorded.

A job of the target's leader copies one table, and the tool tries again what it refuses for too many of them (facts 6).
Each of the threads that pull files keeps below its speed; one that is slower than the least speed for some minutes
makes its job fail (facts 2.4), so a limit must leave room above that. Pure.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import LIMIT, recorded

FRONTENDS, NODES = "fe", "node"
LEAST_SPEED = "replication_min_speed_limit_kbps"


class Limit(t.NamedTuple):
    """A limit by its ``name`` in the control text; ``part``: whose config it is; ``words``: what it does."""

    name: str
    key: str
    part: str
    words: str


LIMITS: t.Tuple[Limit, ...] = (
    Limit("tables", "replication_max_parallel_table_count", FRONTENDS, "tables are copied at a time"),
    Limit("thread_kbps", "replication_max_speed_limit_kbps", NODES, "KB/s are copied by each thread of a node"),
)

Wished = t.Mapping[str, t.Optional[int]]


def problem_with(wished: Wished) -> str:
    """Why these are no limits of StarRocks, "" where they are."""
    unknown = sorted(set(wished) - {one.name for one in LIMITS})
    if not unknown:
        return ""
    known = " or ".join(f"{one.name}=<number>" for one in LIMITS)
    return f"{', '.join(unknown)}: StarRocks has no such limit, so nothing is changed; write limits {known}"


def in_force(entries: t.Iterable[Entry]) -> t.List[Limit]:
    """Those that the journal knows as set by the control text, and not as taken back."""
    limited = {name.rpartition("/config/")[2] for name, one in recorded(entries, "starrocks:").items() if one.limited}
    return [one for one in LIMITS if one.key in limited]


def set_before(entries: t.Iterable[Entry], key: str) -> t.Optional[str]:
    """What this migration itself had made of a config before it was limited; None where it had left it alone."""
    others = [one for one in entries if one.kind != INTENT or one.data.get("action") != LIMIT]
    found = [one.ours for name, one in recorded(others, "starrocks:").items() if name.endswith(f"/config/{key}")]
    return found[-1] if found else None
