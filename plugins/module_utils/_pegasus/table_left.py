# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a migration has left, by the journal alone: for a rollback while a cluster is out of reach."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import recorded
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_level import SUFFIX
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable

_DUPLICATION = re.compile(r"pegasus:[^/]*/table/([^/]+)/duplication/.+", re.DOTALL)
_TABLE = re.compile(r"pegasus:([^/]*)/table/([^/]+)", re.DOTALL)
_NODE = re.compile(r"pegasus:[^/]*/node/([^/]+)/config/.+", re.DOTALL)
_NOT_MADE = ("failed", "skipped", "abandoned")


def on_target(entries: t.Sequence[Entry], tables: t.Iterable[MovedTable], source: str) -> t.List[str]:
    """What was made or changed on the target and is not known to be put back, in words (``table temp``).

    ``source``: the source's name, so everything that the journal has of another cluster is about the target. A
    duplication of which there is no more than the intent counts as added, and its table as made.
    """
    remote_names = {one.name: one.remote for one in tables}
    statuses = {str(one.data.get("id")): str(one.data.get("status")) for one in entries if one.kind == OUTCOME}
    made: t.Dict[str, None] = {}
    for entry in entries:
        if entry.kind != INTENT:
            continue
        resource, action = str(entry.data.get("resource", "")), entry.data.get("action")
        status = statuses.get(str(entry.data.get("id")), "")
        added, table = _DUPLICATION.fullmatch(resource), _TABLE.fullmatch(resource)
        if added and action in dp.MADE and added.group(1) in remote_names and status not in _NOT_MADE:
            made[remote_names[added.group(1)]] = None
        elif table and action == "drop" and table.group(1) != source and status == "done":
            made.pop(table.group(2), None)
    levels = [
        f"meta level {past.ours} (it was {past.original})"
        for name, past in recorded(entries, "pegasus:").items()
        if name.endswith(SUFFIX) and name != f"pegasus:{source}{SUFFIX}" and past.changes
    ]
    return [f"table {name}" for name in made] + levels


def servers_changed(entries: t.Iterable[Entry], source: str) -> t.List[str]:
    """The source's replica servers whose config a cutover has changed and not put back yet."""
    found = set()
    for name, past in recorded(entries, f"pegasus:{source}/node/").items():
        node = _NODE.fullmatch(name)
        if node and past.changes:
            found.add(node.group(1))
    return sorted(found)
