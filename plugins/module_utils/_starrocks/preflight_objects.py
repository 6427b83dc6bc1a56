# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What of the source moves, and what does not: hidden tables, the lists, objects besides tables. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import inventory_objects as kinds
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import inventory_tables as inventory
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import DATABASES_AT_MOST
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_look import DATABASES
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_tables import SHOWN, shown
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    ClusterView,
    Objects,
    View,
)

ALTERING = "altering"
_MANUAL = "https://docs.starrocks.io/docs/administration/data_migration_tool/"
_POLICIES = "https://docs.starrocks.io/docs/administration/user_privs/authorization/ranger_plugin/"


def visibility_findings(view: View) -> t.Iterator[Finding]:
    """What the user does not see is not missed by anybody, so it is counted by another way."""
    for cluster in (view.source, view.target):
        yield from _unread(cluster)
        if cluster.databases is None or cluster.tables is None:
            continue
        missing = inventory.hidden(cluster.databases, cluster.tables, cluster.temporary)
        if missing:
            yield Finding(
                "starrocks.privileges.hidden_tables",
                "blocker",
                cluster.subject,
                {"hidden_tables": missing, "query": f"{DATABASES} (TableNum), information_schema.tables"},
                "The user does not see all tables of these databases: a server leaves out, without a word, what its "
                "user has no privilege on. GRANT SELECT ON ALL TABLES, ALL VIEWS and ALL MATERIALIZED VIEWS IN ALL "
                "DATABASES to it.",
            )


def _unread(cluster: ClusterView) -> t.Iterator[Finding]:
    wanted: t.Dict[str, t.Any] = {"databases": cluster.databases, "tables": cluster.tables}
    if cluster.role == SOURCE and cluster.profile.tables_config:
        wanted["natives"] = cluster.natives
    elif cluster.role == SOURCE:
        yield Finding(
            "starrocks.inventory.properties_unknown",
            "warning",
            cluster.subject,
            {"version": str(cluster.version), "missing": "information_schema.tables_config"},
            "This version does not tell properties of tables in bulk, so colocation, dynamic partitions and the like "
            "were not looked at. Look at SHOW CREATE TABLE of the tables that matter.",
        )
    unread = {name: cluster.problems.get(name, "") for name, found in wanted.items() if found is None}
    if unread:
        yield Finding(
            "starrocks.privileges.operate" if "databases" in unread else "starrocks.inventory.unknown",
            "blocker",
            cluster.subject,
            unread,
            "GRANT OPERATE ON SYSTEM to the user, directly or by a role. Without it neither settings nor the full list "
            "of tables can be read."
            if "databases" in unread
            else "The tables could not be listed. See to it that a backend or compute node is alive.",
        )


def selection_findings(view: View) -> t.Iterator[Finding]:
    """Entries of the two lists that name nothing."""
    if view.source.tables is None:
        return
    known = {table.full for table in view.source.tables} | set(view.source.databases or ())
    known |= {table.database for table in view.source.tables}
    unknown = sorted(view.scope.include - known)
    if unknown:
        yield Finding(
            "starrocks.selection.unknown",
            "blocker",
            "include_data_list",
            unknown,
            "The source has no such database or table, or the user may not see it. Correct the names (upper and lower "
            "case differ).",
        )
    useless = sorted(view.scope.exclude - known)
    if useless:
        yield Finding(
            "starrocks.selection.excluded_unknown",
            "warning",
            "exclude_data_list",
            useless,
            "The source has no such database or table, so nothing is left out by these entries. Correct the names.",
        )
    if not unknown and not view.selected():
        yield Finding(
            "starrocks.selection.empty",
            "blocker",
            "include_data_list",
            {"tables_on_source": len(view.source.tables)},
            "Nothing is selected. Give databases or tables that exist, and do not exclude them all.",
        )


def object_findings(view: View) -> t.Iterator[Finding]:
    """A finding for every kind of object that exists and does not move by itself."""
    blind = {one.kind.name: one.problem for one in view.objects if one.problem}
    blind.update(view.details.problems)
    if blind:
        yield Finding(
            "starrocks.inventory.not_visible",
            "warning",
            view.source.subject,
            blind,
            "These could not be looked at, so it is unknown whether there are any. Grant the privileges, or look "
            "yourself.",
        )
    if view.unasked:
        yield Finding(
            "starrocks.inventory.databases_unasked",
            "warning",
            view.source.subject,
            {
                "databases_not_asked": view.unasked,
                "limit": DATABASES_AT_MOST,
                "kinds": [one.kind.name for one in view.objects if one.kind.database] + [ALTERING],
            },
            "These kinds are told database by database, and not all databases were asked. Run again with deep: true.",
        )
    for one in view.objects:
        if not one.names:
            continue
        verdict = verdict_of(one, view)
        moved = verdict == kinds.MIGRATED
        yield Finding(
            f"starrocks.object.{one.kind.name}",
            "info" if moved else one.kind.severity,
            view.source.subject,
            {"verdict": verdict, "query": one.kind.query, **shown(one.names)},
            one.kind.moved if moved and one.kind.switch else one.kind.remedy,
            _MANUAL,
        )
    if view.objects:
        yield from _policies(view.source)
    yield from _variables(view)
    yield from _configs(view)


def verdict_of(one: Objects, view: View) -> str:
    """What becomes of a kind with the switches as they are."""
    return kinds.MIGRATED if one.kind.switch and view.is_on(one.kind.switch) else one.kind.verdict


def inventory_result(view: View) -> t.List[t.Dict[str, t.Any]]:
    """Every kind that the version has, with its verdict, those without objects too, for the module's result."""
    tables = {
        "kind": "table",
        "verdict": kinds.MIGRATED,
        "count": len(view.selected_natives()),
        "names": [],
        "query": inventory.NATIVE,
        "looked_at": view.source.natives is not None,
    }
    others = [
        {
            "kind": one.kind.name,
            "verdict": verdict_of(one, view),
            "count": len(one.names),
            "names": list(one.names[:SHOWN]),
            "query": one.kind.query,
            "looked_at": not one.problem and not (one.kind.database and view.unasked),
        }
        for one in view.objects
    ]
    return [tables, *others]


def _policies(cluster: ClusterView) -> t.Iterator[Finding]:
    """Nothing tells whether there are any, so this is said wherever there can be."""
    if cluster.profile.policies:
        yield Finding(
            "starrocks.inventory.policies_unlisted",
            "info",
            cluster.subject,
            {"verdict": kinds.RECREATE, "version": str(cluster.version), "query": ""},
            "No statement of this version lists policies that filter rows or mask columns, and they do not move. Ask "
            "those who look after access (Apache Ranger) whether there are any, and make them for the target before "
            "anybody reads there, or all is shown in clear.",
            _POLICIES,
        )


_EXPECTED_TO_DIFFER = ("version", "version_comment", "system_time_zone", "hostname", "license", "event_scheduler")


def _variables(view: View) -> t.Iterator[Finding]:
    source, target = view.source.variables, view.target.variables
    if source is None or target is None:
        return
    differing = {
        name: {"source": value, "target": target.get(name)}
        for name, value in sorted(source.items())
        if name in target and target[name] != value and name not in _EXPECTED_TO_DIFFER
    }
    if differing:
        yield Finding(
            "starrocks.variables.differ",
            "info",
            "global variables",
            differing,
            "Set on the target what was set on the source on purpose. New versions bring new defaults, too.",
        )


def _configs(view: View) -> t.Iterator[Finding]:
    """What the leaders have. A limit that is not given on one side is none of this version's."""
    source, target = view.source.compared or {}, view.target.compared or {}
    differing = {
        key: {"source": value, "target": target[key]}
        for key, value in sorted(source.items())
        if key in target and target[key] != value
    }
    if not differing:
        return
    narrower = [key for key, values in differing.items() if _takes_less(values["target"], values["source"])]
    told = f"The target takes less by {', '.join(narrower)}: what is accepted today may be refused there. "
    yield Finding(
        "starrocks.config.differ",
        "warning" if narrower else "info",
        "frontend configs",
        differing,
        f"{told if narrower else ''}Set on every frontend of the target what was set on the source on purpose (ADMIN "
        "SET FRONTEND CONFIG, and fe.conf so that a restart keeps it). New versions bring new defaults, too.",
    )


def _takes_less(value: str, than: str) -> bool:
    if value.isdigit() and than.isdigit():
        return int(value) < int(than)
    return (value, than) == ("false", "true")
