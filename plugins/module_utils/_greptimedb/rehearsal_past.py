# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal of a rehearsal tells, and the statements that are sent to the shadow table. Nothing here talks."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import MEASURED

PREFIX = "dbops_rehearsal_"
STARTED = "rehearsal.started"
"""{table, metasrv}: written before the shadow table is made. Whatever has its name afterwards may be ours."""
CLEARED = "rehearsal.cleared"
"""{table}: nothing of it is left."""
CREATE = "create"
DROP = "drop"


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """One rehearsal. ``table`` with its schema. ``asked``: the creation may have been sent. ``table_id`` None: the
    answer to it is not known."""

    table: str
    metasrv: t.Tuple[str, ...]
    asked: bool = False
    table_id: t.Optional[int] = None
    measured: t.Optional[t.Mapping[str, t.Any]] = None
    cleared: bool = False

    @property
    def name(self) -> str:
        """Without the schema."""
        return self.table.rpartition(".")[2]


def resource(table: str) -> str:
    """The name of a table in changes and in the journal."""
    return f"greptimedb.table/{table}"


def read_rehearsals(entries: t.Iterable[Entry]) -> t.List[Rehearsal]:
    """Every rehearsal of a journal, in order."""
    found: t.List[Rehearsal] = []
    creations: t.Set[str] = set()
    for entry in entries:
        data = entry.data
        if entry.kind == STARTED:
            found.append(Rehearsal(str(data["table"]), tuple(data["metasrv"])))
        elif found:
            found[-1] = _after(found[-1], entry, creations)
    return found


def _after(last: Rehearsal, entry: Entry, creations: t.Set[str]) -> Rehearsal:
    data = entry.data
    if entry.kind == INTENT and data.get("action") == CREATE and data.get("resource") == resource(last.table):
        creations.add(str(data["id"]))
        return dataclasses.replace(last, asked=True)
    if entry.kind == OUTCOME and str(data.get("id")) in creations:
        table_id = (data.get("evidence") or {}).get("table_id")
        asked = data.get("status") != "failed"
        return dataclasses.replace(last, asked=asked, table_id=None if table_id is None else int(table_id))
    if entry.kind == MEASURED:
        return dataclasses.replace(last, measured=data)
    if entry.kind == CLEARED:
        return dataclasses.replace(last, cleared=True)
    return last


def unfinished(found: t.Sequence[Rehearsal]) -> t.Optional[Rehearsal]:
    """The rehearsal of which something may be left. There is at most one, since none is begun before it is cleared."""
    return found[-1] if found and not found[-1].cleared else None


def create_sql(name: str) -> str:
    """A table of one region. ``name`` holds letters, digits and underscores only."""
    return (
        f"CREATE TABLE {name} (host STRING, ts TIMESTAMP(3) NOT NULL, val DOUBLE, TIME INDEX (ts), PRIMARY KEY (host))"
    )


def drop_sql(name: str) -> str:
    """Drop it."""
    return f"DROP TABLE {name}"


def insert_sql(name: str, at: datetime.datetime, number: int) -> str:
    """One row; ``at`` must be another one for each."""
    stamp = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    return " ".join(("INSERT INTO", name, f"(host, ts, val) VALUES ('rehearsal', '{stamp}', {number})"))


def count_sql(name: str) -> str:
    """How many rows there are."""
    return " ".join(("SELECT count(*) AS rows_found FROM", name))
