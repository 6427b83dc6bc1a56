# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Tables that are not there by their name because somebody has renamed them: their duplications live on.

From 2.5 on the servers rename a table that is duplicated, and its duplication goes on under the new name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_past import told

Known = t.Mapping[str, t.Collection[t.Tuple[str, int]]]
"""By table, (remote, dupid) of each of its duplications that a journal has and that this migration has not removed."""


def renamed(
    apps: t.Iterable[model.App],
    tables: t.Sequence[MovedTable],
    known: Known,
    ask: t.Callable[[str], t.Iterable[model.Duplication]],
) -> t.Dict[str, str]:
    """By the name that a table had, the name that it has now. ``ask``: the duplications of a table.

    Only tables that may be duplicated are asked about, and none at all where every table is there, or the journal knows
    no duplication of those that are not. A dupid is the second in which it was made, so those of the migration's other
    tables may be the same; these are left out by their names.
    """
    listed = [app for app in apps if app.status != "DROPPED"]
    there = {app.name for app in listed}
    sought = [one for one in tables if one.name not in there and known.get(one.name)]
    ours = {one.name for one in tables}
    found: t.Dict[str, str] = {}
    for app in listed if sought else ():
        if app.name in ours or not app.available or app.duplicating is False:
            continue
        for duplication in ask(app.name):
            for table in sought:
                if _is(duplication, table, known[table.name]):
                    found[table.name] = app.name
    return found


def _is(duplication: model.Duplication, table: MovedTable, known: t.Collection[t.Tuple[str, int]]) -> bool:
    if duplication.status == "DS_REMOVED" or (duplication.remote, duplication.dupid) not in known:
        return False
    return duplication.remote_app_name in (None, "", table.remote)


def known_duplications(entries: t.Sequence[Entry], cluster: str, tables: t.Iterable[MovedTable]) -> Known:
    """What a journal knows of these tables of the source, which calls itself ``cluster``."""
    names = [one.name for one in tables]
    found: t.Dict[str, t.Set[t.Tuple[str, int]]] = {}
    for name, remotes in told(entries, names).duplicated.items():
        for remote in remotes:
            place = dp.resource(cluster, name, remote)
            found.setdefault(name, set()).update((remote, one) for one in dp.read_past(entries, [place])[place].dupids)
    return found
