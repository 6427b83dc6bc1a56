# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Tables of the target with the id that a table to be moved has on the source. Pure.

A Java client keeps the app id with which an operation began, and takes only the server from the new configuration
(java-client, TableHandler.call). What it began before the switch and repeats behind it goes to whatever table of the
target has that id there, and is acknowledged by it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import ClusterView, TableView

_GONE = ("DROPPED", "DROPPING")
_EFFECT = (
    "An operation that a Java client began before the switch and repeats behind it can go to that table: it is "
    "acknowledged, but missing, and that table has a record too many. "
)


def id_findings(tables: t.Sequence[TableView], target: ClusterView) -> t.Iterator[Finding]:
    """Ids that another table of the target has, and those that the copies of this migration may get."""
    usable = [table for table in tables if table.usable]
    for table in usable:
        yield from _taken(table, target)
    yield from _coming(usable, target)


def _taken(table: TableView, target: ClusterView) -> t.Iterator[Finding]:
    app = table.usable
    for there in target.apps:
        if app is None or there.app_id != app.app_id or there.status in _GONE:
            continue
        if there.name == table.request.remote_app_name:
            continue
        yield Finding(
            "pegasus.target.app_id_taken",
            "warning",
            table.subject,
            {
                "app_id": app.app_id,
                "table_on_source": app.name,
                "table_on_target": there.name,
                "partition_count": there.partition_count,
            },
            f"The target has another table, {there.name}, with the app id that {app.name} has on the source. {_EFFECT}"
            f"Stop the Java clients of {app.name} for the moment of the switch; or, if {there.name} can be spared or "
            "copied into a new table (which gets a new id), do that and drop it first. If it is a copy of this "
            "migration, its duplication can be begun anew with a higher id: create and drop tables on the target "
            "before.",
        )


def _coming(tables: t.Sequence[TableView], target: ClusterView) -> t.Iterator[Finding]:
    """A new table gets the next id after all that the cluster lists, dropped ones too; who comes first is open."""
    waiting = [table for table in tables if not _there(table, target)]
    least = max((app.app_id for app in target.apps), default=0) + 1
    met: dict[str, int] = {}
    for table in tables:
        app = table.usable
        others = sum(one is not table for one in waiting)
        if app is not None and others and least <= app.app_id < least + len(waiting):
            met[app.name] = app.app_id
    if not met:
        return
    highest = max(table.app.app_id for table in tables if table.app is not None)
    yield Finding(
        "pegasus.target.app_ids_meet",
        "warning",
        target.subject,
        {"tables": met, "next_app_id": least, "copies": len(waiting)},
        "The copies get the next ids of the target, and so the copy of one table may get the id that another one has "
        f"on the source. {_EFFECT}Before the first duplication is added, create and drop tables on the target until "
        f"a new one gets an id above {highest}. Or stop the Java clients of these tables for the moment of the switch.",
    )


def _there(table: TableView, target: ClusterView) -> bool:
    found = target.app(table.request.remote_app_name)
    return found is not None and found.status != "DROPPED"
