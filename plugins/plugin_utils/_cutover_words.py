# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""How the steps of a cutover are called, engine by engine."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Words:
    """``done``: by action, with {subject}; ``proved``: by kind of proof, with {count}; ``ends``: by kind of entry.

    ``subject``: what a person calls a resource of the journal.
    """

    done: t.Mapping[str, str]
    proved: t.Mapping[str, str]
    ends: t.Mapping[str, str]
    subject: t.Callable[[str], str]


def _table(resource: str) -> str:
    """``pegasus:<cluster>/table/<name>/env/<key>`` and ``zookeeper:<root>/<name>``."""
    _before, found, rest = resource.partition("/table/")
    return rest.split("/")[0] if found else resource.rsplit("/", 1)[-1]


def _member(resource: str) -> str:
    """``starrocks:<cluster>/freeze/<host:port>``, ``.../routine_load/<database.name>``, ``tool:<host><folder>``."""
    if resource.startswith("tool:"):
        return "the sync tool"
    kind, _slash, name = resource.partition("/")[2].partition("/")
    return f"{_KINDS.get(kind, kind)} {name}"


_KINDS = {"freeze": "frontend", "routine_load": "routine load"}

PEGASUS = Words(
    done={
        "fence": "{subject}: the fence is set; every replica server refuses writes from its next config sync on",
        "switch": "{subject}: the znode points at the target",
        "close": "{subject}: the source is closed for readers too",
    },
    proved={
        "guard": "the guard is armed: whatever becomes of this run, it lifts the fence in time",
        "fence": "every primary refuses writes ({count} partitions)",
        "drain": "drained: all that was written before the fence is on the target ({count} partitions)",
        "lift": "the fence is off: every primary takes writes ({count} partitions)",
        "switch": "every MetaProxy sends clients to the target",
        "target": "the target is whole and serves ({count} partitions)",
        "close": "every primary of the source refuses reads too ({count} partitions)",
    },
    ends={
        "cutover.committed": "{subject}: committed",
        "cutover.handed_over": "{subject}: drained and handed over, still fenced",
        "cutover.lifted": "{subject}: writes go to the source again",
    },
    subject=_table,
)
STARROCKS = Words(
    done={
        "pause": "{subject}: paused",
        "freeze": "{subject}: refuses every load",
        "freeze_again": "{subject}: had lost its switch, and refuses every load again",
        "stop": "{subject}: ended",
        "restore": "{subject}: as it was",
    },
    proved={
        "guard": "the guard is armed: whatever becomes of this run, it lifts the freeze in time",
        "freeze": "every frontend refuses loads",
        "quiescence": "the source is at rest",
        "replications_drained": "no replication runs inside the target any more",
        "cutover": "every partition is proved equal",
        "lift": "loads are taken again, and what was paused goes on",
    },
    ends={
        "cutover.handed_over": "handed over: writes stay stopped until the switch is committed or the budget is over",
        "cutover.committed": "committed",
        "freeze.lifted": "writes go on at the source",
    },
    subject=_member,
)
