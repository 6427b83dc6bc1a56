# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal of a migration tells of its tables, for those who look after them at the end."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import COMMITTED_KIND, read_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_rules import Told

_DUPLICATION = re.compile(r"pegasus:[^/]*/table/([^/]+)/duplication/(.+)", re.DOTALL)


def told(entries: t.Sequence[Entry], tables: t.Iterable[str]) -> Told:
    """What it says of these tables of the source.

    A duplication of which the journal has no more than the intent counts as added: the source is asked whether it is
    there, and the envs of what it made prove the rest.
    """
    past = read_past(entries)
    names = frozenset(tables)
    added: t.Dict[str, t.Set[str]] = {}
    for entry in entries:
        found = _DUPLICATION.fullmatch(str(entry.data.get("resource", ""))) if entry.kind == INTENT else None
        if found and entry.data.get("action") in dp.MADE:
            added.setdefault(found.group(1), set()).add(found.group(2))
    switched = {
        resource.rsplit("/", 1)[1]
        for resource, record in past.changes.items()
        if resource.startswith("zookeeper:") and record.changes and record.ours != record.original
    }
    return Told(
        committed=frozenset(name for name in names if past.ended(name) == COMMITTED_KIND),
        switched=frozenset(names & switched),
        duplicated={name: frozenset(remotes) for name, remotes in added.items() if name in names},
    )


def committed_at(entries: t.Sequence[Entry], table: str) -> t.Optional[float]:
    """When the cutover of a table was committed, Unix seconds; None if it was not."""
    entry = read_past(entries).ends.get(table)
    if entry is None or entry.kind != COMMITTED_KIND:
        return None
    return parse_iso(entry.at).timestamp()


def remote_of(entries: t.Sequence[Entry]) -> str:
    """To which remote the migration has duplicated last, "" for none: its name, when the target cannot be asked."""
    remotes = [
        found.group(2)
        for entry in entries
        if entry.kind == INTENT
        for found in [_DUPLICATION.fullmatch(str(entry.data.get("resource", "")))]
        if found
    ]
    return remotes[-1] if remotes else ""
