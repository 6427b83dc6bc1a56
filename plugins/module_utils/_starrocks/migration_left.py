# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a migration has made that is still there, as its journal tells: a finished one has nothing to look for. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import recorded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import MIRROR_PREFIX, resource

_TOOL = "tool:"
_TO_PUT_BACK = (
    "file_blocks",
    "frontend_configs_to_restore",
    "mirrors_to_drop",
    "node_configs_to_restore",
    "users_to_drop",
    "variables_to_restore",
)
"""What a look tells of each cluster."""
AWAY = ("remove", "give_back")
"""What :mod:`tool_plan` calls the two; it is not loaded for that, as this is what a finished migration waits for."""


def tool_is_away(entries: t.Sequence[Entry]) -> bool:
    """Whether the sync tool was taken away and nothing of it was begun since. False where the journal does not say."""
    away = False
    begun: t.Dict[str, str] = {}
    for entry in entries:
        data = entry.data
        if entry.kind == INTENT and str(data.get("resource", "")).startswith(_TOOL):
            begun[str(data["id"])] = str(data.get("action"))
            away = False
        elif entry.kind == OUTCOME and str(data.get("id")) in begun:
            action = begun.pop(str(data["id"]))
            away = action in AWAY and data.get("status") == "done"
    return away and not begun


def mirrors_to_drop(entries: t.Sequence[Entry], cluster_id: str) -> t.List[str]:
    """Names of the volumes that mirror the source's, and are not dropped again."""
    prefix = resource(cluster_id, "")
    names = [owner[len(prefix) :] for owner, past in recorded(entries, prefix).items() if past.changes]
    return sorted(name for name in names if name.startswith(MIRROR_PREFIX))


def nothing_left(look: t.Mapping[str, t.Any]) -> bool:
    """Whether a migration whose clients were switched has nothing to put back, as a look at it tells.

    A target that could not be asked may have something. A source may be gone, if the journal owes it nothing.

    :param look: the result of ``starrocks_migration_info``
    """
    if look["target"] is None or look["journal_problem"] is not None:
        return False
    if look["source_left"] or not look["tool_is_away"]:
        return False
    sides = [side for side in (look["source"], look["target"]) if side is not None]
    return not (
        look["compaction_ramp"]
        or look["vacuum"]["needed"]
        or any(side[name] for side in sides for name in _TO_PUT_BACK)
    )
