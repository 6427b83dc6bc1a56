# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the sync tool is about to do with its properties: what it may drop, what it lacks, what is in its way. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_view as seen
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import BASE_TABLE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_tables import shown
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    ClusterView,
    TriedLogin,
    View,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import DROPS
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import since

SHIPPED_ON = frozenset(
    {
        "ddl_job_allow_drop_schema_change_table",
        "ddl_job_allow_drop_inconsistent_partition",
        "ddl_job_allow_drop_inconsistent_time_partition",
        "ddl_job_allow_drop_partition_target_only",
        "ddl_job_allow_drop_inconsistent_bitmap_index",
        "ddl_job_allow_drop_bitmap_index_target_only",
        "ddl_job_allow_drop_inconsistent_materialized_view",
        "ddl_job_allow_drop_inconsistent_view",
    }
)
"""Switches that are on in the file that comes with the tool; the table of the manual says more, and is wrong there."""
UNTRIED = "starrocks.tool.login_untried"
TARGET_ONLY = "ddl_job_allow_drop_target_only"


def tool_findings(view: View) -> t.Iterator[Finding]:
    """Drops that nobody asked for, the logins, and the token."""
    yield from _drops(view)
    yield from _logins(view)
    yield from _token(view)


def _logins(view: View) -> t.Iterator[Finding]:
    def told(state: str) -> t.Iterator[t.Tuple[str, t.Dict[str, t.Any]]]:
        for one in view.logins:
            if one.state == state:
                evidence = {"user": one.user, "frontend": one.frontend, "said": one.said}
                yield f"{one.role}_cluster_user {one.user}", evidence

    for one in view.logins:
        if one.state == seen.REFUSED:
            yield _refused(one, view.source if one.role == seen.SOURCE else view.target)
    for subject, evidence in told(seen.NO_OPERATE):
        yield Finding(
            "starrocks.tool.operate_missing",
            "blocker",
            subject,
            {**evidence, "query": seen.OPERATE_NEEDED},
            f"The sync tool needs OPERATE. GRANT OPERATE ON SYSTEM TO USER '{evidence['user']}'@'%'; if a role of the "
            f"user has it already, SET DEFAULT ROLE ALL TO '{evidence['user']}'@'%', as the tool is not known to "
            "activate roles.",
        )
    for subject, evidence in told(seen.UNKNOWN):
        yield Finding(
            UNTRIED,
            "blocker",
            subject,
            evidence,
            "It could not be seen whether the sync tool can log in as this user. See to what was said, and try again.",
        )
    encrypted = dict(told(seen.ENCRYPTED))
    if encrypted:
        yield Finding(
            UNTRIED,
            "warning",
            " and ".join(encrypted),
            {"encrypted": list(encrypted)},
            "An encrypted password cannot be tried, so a wrong one shows only when the sync tool runs. Log in as the "
            "user by hand, and see that it has OPERATE.",
        )


def _refused(login: TriedLogin, cluster: ClusterView) -> Finding:
    user, password = f"{login.role}_cluster_user", f"{login.role}_cluster_password"
    making = ", or let the user be made (create_sync_users)" if since(cluster.version, "3.0.0") else ""
    if login.there and login.made:
        remedy = (
            "The user is there already, so create_sync_users does not make it and leaves its password as it is. "
            f"Correct {password}, or name a user in {user} that is not there yet."
        )
    elif login.there:
        remedy = f"The user is there, so the password is wrong, or it may not come from here. Correct {password}."
    elif login.there is None:
        remedy = f"Correct {user} or {password}{'' if login.made else making}."
    else:
        remedy = f"There is no such user. Correct {user}{'' if login.made else making}."
    return Finding(
        "starrocks.tool.login_refused",
        "blocker",
        f"{user} {login.user}",
        {"user": login.user, "frontend": login.frontend, "said": login.said, "there": login.there},
        f"The sync tool could not log in as this user. {remedy} It was tried from the host where this module runs.",
    )


def _token(view: View) -> t.Iterator[Finding]:
    if not view.source.profile.shared_data and not view.token_given:
        yield Finding(
            "starrocks.tool.token_missing",
            "blocker",
            "source_cluster_token",
            {"source": view.source.profile.run_mode},
            "The sync tool needs the token of a shared-nothing source. Read it from <meta_dir>/image/VERSION on one of "
            "its frontends (grep token), and give it in source_cluster_token.",
        )
    elif view.token_state == seen.OTHER_TOKEN:
        yield Finding(
            "starrocks.tool.token_wrong",
            "blocker",
            "source_cluster_token",
            {"same": False},
            "The source has another token, so its nodes would refuse the sync tool's snapshots. Read it from "
            "<meta_dir>/image/VERSION on one of its frontends (grep token), and give what stands behind token= in "
            "source_cluster_token.",
        )
    elif view.token_state == seen.UNKNOWN:
        yield Finding(
            "starrocks.tool.token_untried",
            "info",
            "source_cluster_token",
            {"reason": view.token_said},
            "It could not be seen from here whether this is the source's token. A wrong one shows only when the sync "
            "tool runs, so compare it with <meta_dir>/image/VERSION on one of the source's frontends (grep token).",
        )


def _drops(view: View) -> t.Iterator[Finding]:
    for name, (what, needs) in DROPS.items():
        if not view.is_on(name, name in SHIPPED_ON) or (needs and not view.is_on(needs)):
            continue
        said = name in view.properties
        evidence: t.Dict[str, t.Any] = {"property": name, "value": "true", "given": said, "drops": what}
        if name == TARGET_ONLY:
            evidence["would_be_dropped"] = shown(target_only(view))
        yield Finding(
            f"starrocks.tool.{name}",
            "warning" if said and name != TARGET_ONLY else "blocker",
            name,
            evidence,
            f"The sync tool may drop {what} from the target"
            + (
                ", as you said. Accept this finding by its id, or set the property to false."
                if said
                else f", because {name} is on as shipped. Set {name} to true, which makes this a warning, or to false; "
                "without that the tool is not started. If your release of it has no such property, accept this "
                "finding by its id."
            ),
        )


def target_only(view: View) -> t.List[str]:
    """Databases, and tables of common databases, that only the target has and that the lists take."""
    if view.source.tables is None or view.target.tables is None:
        return []
    databases = set(view.source.databases or ()) | {table.database for table in view.source.tables}
    known = {table.full for table in view.source.tables}
    found: t.Set[str] = set()
    for table in view.target.tables:
        if not view.scope.takes(table.database, table.name) or table.full in known:
            continue
        found.add(table.full if table.database in databases else table.database)
    return sorted(found)


def collision_findings(view: View) -> t.Iterator[Finding]:
    """Names of the target that are taken by something else than a copy of this migration."""
    there = {table.full: table for table in view.target.tables or ()}
    selected = {table.full: table for table in view.selected()}
    common = [name for name in selected if name in there]
    other = sorted(name for name in common if there[name].type != selected[name].type)
    if other:
        yield Finding(
            "starrocks.target.other_kind",
            "blocker",
            "target tables",
            shown([f"{name}: {selected[name].type} on the source, {there[name].type} on the target" for name in other]),
            "These names belong to an object of another kind on the target. Drop or rename it there, or exclude it.",
        )
    # Materialized views are of type VIEW. Their refreshes fill them, on the target too, and nothing is copied there.
    common = [name for name in common if selected[name].type == there[name].type == BASE_TABLE]
    if not common:
        return
    if view.written.tables is None:
        yield Finding(
            "starrocks.target.data_unknown",
            "blocker",
            "target tables",
            {"tables_on_both": shown(sorted(common)), "reason": view.written.reason},
            "Tables of these names are on the target already, and it could not be told whether they hold data of their "
            "own, which the sync tool would drop or never overwrite. Look yourself.",
        )
        return
    taken = sorted(name for name in common if view.written.tables.get(name))
    if taken:
        yield Finding(
            "starrocks.target.table_written",
            "blocker" if not view.written.reason else "warning",
            "target tables",
            {**shown(taken), **({"reason": view.written.reason} if view.written.reason else {})},
            "These tables of the target hold data that no replication brought. It will be dropped, or it stops the "
            "replication for good (target data version is larger). Drop or rename them, or exclude them.",
        )
