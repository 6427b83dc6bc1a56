# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Where each table stands in its migration, from the clusters themselves and from the journal."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.approval import plan_hash, require_approved
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING, recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import envs, model, table_left, table_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_command
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.journal_tables import require_their_journal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import TARGET_META_SERVERS, Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.plan_approval import Table, describe, plan_of
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_KEY, DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import (
    MovedTable,
    StandingOptions,
    read_standing_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_renamed import (
    Known,
    known_duplications,
    renamed,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.two_clusters import require_two_clusters

NOT_STARTED = "not_started"
COPYING = "copying"
FOLLOWING = "following"
FENCED = "fenced"
CUT_OVER = "cut_over"
STAGES = (NOT_STARTED, COPYING, FOLLOWING, FENCED, CUT_OVER)


@dataclasses.dataclass(frozen=True)
class Standing:
    """One table. ``app``, ``duplication``: on the source, None: there is none. ``cut_over_at``: Unix seconds."""

    table: MovedTable
    stage: str
    app: t.Optional[model.App]
    duplication: t.Optional[model.Duplication]
    cut_over_at: t.Optional[float]
    ours: bool = True
    """Whether the journal knows the duplication."""


def stage_of(committed: bool, fenced: bool, duplication: t.Optional[model.Duplication]) -> str:
    """The farthest point that there is evidence of. ``fenced``: by this migration."""
    if committed:
        return CUT_OVER
    if fenced:
        return FENCED
    if duplication is None:
        return NOT_STARTED
    return FOLLOWING if duplication.status == "DS_LOG" else COPYING


def soak_left(standings: t.Iterable[Standing], soak_time: float, now: float) -> float:
    """Seconds until every table that was cut over has been so for ``soak_time``; 0 when none was, or all have."""
    ends = [one.cut_over_at + soak_time for one in standings if one.cut_over_at is not None]
    return max(0.0, max(ends, default=now) - now)


def gather_standing(params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock) -> t.Dict[str, t.Any]:
    """The module's result.

    :raises MigrationError: the options or the journal are wrong, the source cannot be reached, the target is the
        source, or another plan was approved. A target that cannot be reached is no error, so that a rollback is
        possible without it.
    """
    connection = Connection.from_params(params)
    options = read_standing_options(params)
    entries = SettingsJournal(params, redactor, clock).entries
    require_their_journal(entries, [table.name for table in options.tables], params.get("journal"))
    with MetaClient(connection.meta_servers, connection.settings, clock) as source:
        info = source.cluster_info()
        target, problem = _target(connection, clock)
        if target is not None:
            require_two_clusters(info, target)
        remote = options.remote or (target.cluster_name if target else table_past.remote_of(entries))
        apps = source.list_apps()
        standings = _standings(source, apps, info.cluster_name, options, remote, entries)
        known = known_duplications(entries, info.cluster_name)
        moved = renamed(source, apps, options.tables, known)
    found = [Table(one.table.name, one.table.remote, one.app.app_id if one.app else None) for one in standings]
    place = GuardPlace.of(str(params["journal"])) if params.get("journal") else None
    plan = plan_of(found, info.cluster_name, remote, options.wishes)
    require_approved(options.approved, plan_hash(plan), describe(plan))
    return {
        **_as_result(options, standings, known, moved, clock),
        "plan": plan,
        "plan_hash": plan_hash(plan),
        "plan_summary": describe(plan),
        "lift_commands": [
            lift_command(one.table.name, info.meta_servers) for one in standings if one.stage != CUT_OVER
        ],
        "guard_record": place.record if place is not None else None,
        "guarded": place is not None and _guarded(place),
        "servers_changed": table_left.servers_changed(entries, info.cluster_name),
        "left_on_target": table_left.on_target(entries, options.tables, info.cluster_name),
        "source_cluster": info.cluster_name,
        "source_meta_servers": list(info.meta_servers),
        "remote_cluster": remote,
        "target_meta_servers": list(connection.target_meta_servers),
        "target_problem": problem.as_result() if problem is not None else None,
    }


def _guarded(place: GuardPlace) -> bool:
    """Whether a guard of this host still holds a fence, or a cutover is under way that may set one."""
    found = living_guard(place)
    if found is None:
        return False
    found.link.close()
    return found.answer.state not in gs.ENDS


def _target(connection: Connection, clock: Clock) -> t.Tuple[t.Optional[model.ClusterInfo], t.Optional[MigrationError]]:
    servers, settings = connection.target_meta_servers, connection.settings
    try:
        with MetaClient(servers, settings, clock, option=TARGET_META_SERVERS) as client:
            return client.cluster_info(), None
    except MigrationError as error:
        return None, error


def _standings(
    source: MetaClient,
    listed: t.Iterable[model.App],
    cluster: str,
    options: StandingOptions,
    remote: str,
    entries: t.Sequence[Entry],
) -> t.List[Standing]:
    apps = {app.name: app for app in listed if app.status != "DROPPED"}
    past = recorded(entries, f"pegasus:{cluster}/table/")
    found = []
    for table in options.tables:
        app = apps.get(table.name)
        mine = None
        if app is not None and app.available:
            found_there = source.query_duplications(table.name)
            mine = next((one for one in found_there if one.remote == remote and one.status != "DS_REMOVED"), None)
        fence = past.get(envs.resource(cluster, table.name, DENY_KEY), NOTHING)
        # Not only what our last change made of it: a run may have been killed before it sent that.
        fenced = bool(fence.changes) and app is not None and app.envs.get(DENY_KEY) in (DENY_WRITE, DENY_ALL)
        at = table_past.committed_at(entries, table.name)
        name = dp.resource(cluster, table.name, remote)
        ours = mine is None or dp.read_past(entries, [name])[name].owner(mine) != dp.OTHER
        found.append(Standing(table, stage_of(at is not None, fenced, mine), app, mine, at, ours))
    return found


def _as_result(
    options: StandingOptions,
    standings: t.Sequence[Standing],
    known: Known,
    moved_away: t.Mapping[str, str],
    clock: Clock,
) -> t.Dict[str, t.Any]:
    to_migrate = [one.table for one in standings if one.stage not in (FENCED, CUT_OVER)]
    moved = [one for one in standings if one.stage == CUT_OVER]
    lacking = [one.table.name for one in standings if one.app is None and one.stage != CUT_OVER]
    gone = [name for name in lacking if name not in moved_away]
    counts = {stage: sum(one.stage == stage for one in standings) for stage in STAGES}
    return {
        "tables": [_row(one, clock) for one in standings],
        "not_started": [one.table.name for one in standings if one.stage == NOT_STARTED],
        "to_check": [
            one.table.name
            for one in standings
            if one.stage == NOT_STARTED or (one.stage in (COPYING, FOLLOWING) and not one.ours)
        ],
        "to_migrate": [table.name for table in to_migrate],
        "renames": {table.name: table.remote for table in to_migrate if table.name != table.remote},
        "gone": gone,
        "renamed": dict(moved_away),
        "unknown": [name for name in gone if name not in known],
        "fenced": [one.table.name for one in standings if one.stage == FENCED],
        "cut_over": [one.table.name for one in moved],
        "remote_names": [one.table.remote for one in standings],
        "left_on_source": [one.table.name for one in moved if one.app is not None],
        "soak_left": round(soak_left(standings, options.soak_time, clock.now().timestamp()), 1),
        "summary": ", ".join(f"{count} {stage.replace('_', ' ')}" for stage, count in counts.items() if count),
    }


def _row(one: Standing, clock: Clock) -> t.Dict[str, t.Any]:
    since = None
    if one.cut_over_at is not None:
        since = iso(clock.now().fromtimestamp(one.cut_over_at, clock.now().tzinfo))
    return {
        "table": one.table.name,
        "remote_table": one.table.remote,
        "stage": one.stage,
        "app_id": one.app.app_id if one.app else None,
        "status": one.app.status if one.app else None,
        "requests_denied": one.app.envs.get(DENY_KEY) if one.app else None,
        "dupid": one.duplication.dupid if one.duplication else None,
        "duplication_status": one.duplication.status if one.duplication else None,
        "cut_over_at": since,
    }
