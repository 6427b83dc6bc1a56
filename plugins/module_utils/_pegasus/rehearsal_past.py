# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal of a rehearsal tells: which shadow table was made, and whether all of it is gone again."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import MEASURED
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_rules import resource

STARTED = "rehearsal.started"
"""{table, cluster, target}: written before the shadow table is made. Whatever has its name afterwards may be ours."""
CLEARED = "rehearsal.cleared"
"""{table}: nothing of it is left on either cluster, nor in ZooKeeper."""
CREATE = "create"


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """One rehearsal. ``asked``: the creation may have been sent. ``app_id`` None: it was not answered."""

    table: str
    cluster: str
    target: str
    asked: bool = False
    app_id: t.Optional[int] = None
    made: bool = False
    """The shadow table is whole, and its records are written."""
    measured: t.Optional[t.Mapping[str, t.Any]] = None
    cleared: bool = False


def read_rehearsals(entries: t.Iterable[Entry]) -> t.List[Rehearsal]:
    """Every rehearsal of a journal, in order."""
    found: t.List[Rehearsal] = []
    changes: t.Dict[str, str] = {}
    for entry in entries:
        data = entry.data
        if entry.kind == STARTED:
            found.append(Rehearsal(str(data["table"]), str(data["cluster"]), str(data["target"])))
        elif not found:
            continue
        elif entry.kind == INTENT:
            changes[str(data["id"])] = f"{data.get('action')} {data.get('resource')}"
        last = found[-1]
        created = f"{CREATE} {resource(last.cluster, last.table)}"
        if entry.kind == INTENT and changes[str(data["id"])] == created:
            last = dataclasses.replace(last, asked=True)
        elif entry.kind == OUTCOME and changes.get(str(data["id"])) == created:
            app_id = (data.get("evidence") or {}).get("app_id")
            refused = data.get("status") == "failed"
            last = dataclasses.replace(last, asked=not refused, app_id=None if app_id is None else int(app_id))
        elif entry.kind == "proof" and data.get("kind") == "rehearsal.table":
            last = dataclasses.replace(last, made=True)
        elif entry.kind == MEASURED:
            last = dataclasses.replace(last, measured=data)
        elif entry.kind == CLEARED:
            last = dataclasses.replace(last, cleared=True)
        found[-1] = last
    return found


def unfinished(found: t.Sequence[Rehearsal]) -> t.Optional[Rehearsal]:
    """The rehearsal of which something may be left. There is at most one, since none is begun before it is cleared."""
    return found[-1] if found and not found[-1].cleared else None
