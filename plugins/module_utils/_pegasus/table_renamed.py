# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Tables that are not there by their name because somebody has renamed them: their duplications live on.

From 2.5 on the servers rename a table that is duplicated, and its duplication goes on under the new name.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable

_NOT_TOLD = ("pegasus.app_not_found", "pegasus.object_not_found", "pegasus.acl_denied")

Known = t.Mapping[str, t.Collection[t.Tuple[str, int]]]
"""By table, (remote, dupid) of each of its duplications that a journal has and that this migration has not removed."""
_DUPLICATION = re.compile(r"pegasus:[^/]*/table/([^/]+)/duplication/(.+)", re.DOTALL)


def renamed(
    source: MetaClient, apps: t.Iterable[model.App], tables: t.Sequence[MovedTable], known: Known
) -> t.Dict[str, str]:
    """By the name that a table had, the name that it has now.

    Only tables that may be duplicated are asked about, and none at all where every table is there, where the journal
    knows no duplication of those that are not, or where servers cannot rename. A dupid is the second in which it was
    made, so those of the migration's other tables may be the same; a table of the journal is none that was renamed.
    """
    listed = [app for app in apps if app.status != "DROPPED"]
    there = {app.name for app in listed}
    sought = [one for one in tables if one.name not in there and known.get(one.name)]
    found: t.Dict[str, str] = {}
    if not sought or not source.profile.has_rename_app:
        return found
    for app in listed:
        if app.name in known or not app.available or app.duplicating is False:
            continue
        for duplication in _of(source, app.name):
            for table in sought:
                if _is(duplication, table, known[table.name]):
                    found[table.name] = app.name
    return found


def _of(source: MetaClient, name: str) -> t.Tuple[model.Duplication, ...]:
    """The duplications of a table of somebody's; none where it is gone meanwhile, or nobody may know."""
    try:
        return source.query_duplications(name)
    except MigrationError as error:
        if error.code not in _NOT_TOLD:
            raise
        return ()


def _is(duplication: model.Duplication, table: MovedTable, known: t.Collection[t.Tuple[str, int]]) -> bool:
    if duplication.status == "DS_REMOVED" or (duplication.remote, duplication.dupid) not in known:
        return False
    return duplication.remote_app_name in (None, "", table.remote)


def known_duplications(entries: t.Sequence[Entry], cluster: str) -> Known:
    """What a journal knows of the tables of the source, which calls itself ``cluster``."""
    places = {
        str(entry.data["resource"]): match.groups()
        for entry in entries
        if entry.kind == INTENT and entry.data.get("action") in dp.MADE
        for match in [_DUPLICATION.fullmatch(str(entry.data.get("resource", "")))]
        if match and str(entry.data["resource"]) == dp.resource(cluster, match.group(1), match.group(2))
    }
    past = dp.read_past(entries, places)
    found: t.Dict[str, t.Set[t.Tuple[str, int]]] = {}
    for place, (name, remote) in places.items():
        found.setdefault(name, set()).update((remote, dupid) for dupid in past[place].dupids)
    return found
