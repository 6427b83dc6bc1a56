# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a journal is the one of the tables that are asked for.

Names alone do not tell: who gives no migration_id goes on in whatever journal is there, and the end of the wrong
migration puts settings back that the other one still needs.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_past import STARTED

SHOWN = 10
_DUPLICATION = re.compile(r"pegasus:[^/]*/table/([^/]+)/duplication/.+", re.DOTALL)
_FENCE = re.compile(rf"pegasus:[^/]*/table/([^/]+)/env/{re.escape(DENY_KEY)}")
_ENDS = (cp.COMMITTED_KIND, cp.HANDED_OVER_KIND, cp.LIFTED_KIND)
_NOT_MADE = ("failed", "skipped", "abandoned")


def migrated(entries: t.Sequence[Entry]) -> t.List[str]:
    """The source's tables that a journal has duplicated, fenced or cut over, in order, without those of rehearsals.

    A change of which there is no more than the intent counts; one that was refused does not.
    """
    statuses = {str(one.data.get("id")): one.data.get("status") for one in entries if one.kind == OUTCOME}
    rehearsed = _rehearsed(entries)
    found: t.Dict[str, None] = {}
    for entry in entries:
        table = str(entry.data.get("table", "")) if entry.kind in _ENDS else ""
        if entry.kind == INTENT and statuses.get(str(entry.data.get("id"))) not in _NOT_MADE:
            table = _touched(entry.data)
        if table and table not in rehearsed:
            found[table] = None
    return list(found)


def _touched(intent: t.Mapping[str, t.Any]) -> str:
    """The table that a change duplicates or fences, "" for any other change."""
    resource = str(intent.get("resource", ""))
    added = _DUPLICATION.fullmatch(resource) if intent.get("action") in dp.MADE else None
    touched = added or _FENCE.fullmatch(resource)
    return touched.group(1) if touched else ""


def _rehearsed(entries: t.Iterable[Entry]) -> t.Set[str]:
    return {str(entry.data.get("table")) for entry in entries if entry.kind == STARTED}


def require_their_journal(entries: t.Sequence[Entry], tables: t.Sequence[str], location: t.Any) -> None:
    """MigrationError ``journal.other_tables`` when a journal knows tables, and none of ``tables`` is among them.

    That it knows only some of them is fine: a list may grow. So is a rehearsal's table, which is new each time.
    """
    known = migrated(entries)
    if not known or {*known, *_rehearsed(entries)} & set(tables):
        return
    raise MigrationError(
        "journal.other_tables",
        f"journal: {location} is the journal of the migration of {_shown(known)}, and none of the tables that are "
        f"asked for ({_shown(tables)}) is among them. Give the journal of the migration of these tables, or a path "
        "that is still free; or correct tables.",
        details={"option": "journal", "known": known[:SHOWN], "tables": list(tables[:SHOWN])},
    )


def _shown(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
