# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""When a table may be renamed or dropped at the end of a migration. Nothing here talks to anybody.

Both are the only steps of a migration that take a table away from somebody, so each needs evidence from three sides:
the journal (this migration did it), the source, and the target. What is unknown is no evidence.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import MASTER_APP
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import (
    DENY_ALL,
    DENY_KEY,
    MASTER_CLUSTER,
    MASTER_METAS,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import (
    DROPPED,
    FOLLOWER_DROPPED,
    MovedTable,
    TableOptions,
)


@dataclasses.dataclass(frozen=True)
class View:
    """Both clusters as they were read. ``metas``: the source's meta servers under every name that is known here.

    ``duplications``: of the source's tables that exist. ``target_configs``: of the target's tables that exist.
    ``renamed``: see :mod:`table_renamed`.
    """

    source: model.ClusterInfo
    target: model.ClusterInfo
    metas: t.FrozenSet[str]
    apps: t.Tuple[model.App, ...]
    target_apps: t.Tuple[model.App, ...]
    duplications: t.Mapping[str, t.Tuple[model.Duplication, ...]]
    target_configs: t.Mapping[str, t.Optional[model.TableConfig]]
    can_rename: bool
    renamed: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Told:
    """What the journal says, by name of the source's table. ``committed``: was cut over. ``switched``: this migration
    has changed its znode. ``duplicated``: to which remotes this migration has added a duplication.
    """

    committed: t.FrozenSet[str]
    switched: t.FrozenSet[str]
    duplicated: t.Mapping[str, t.FrozenSet[str]]


@dataclasses.dataclass(frozen=True)
class Step:
    """One call for one table; ``on_target``: to the target's meta server. ``change`` None: nothing is left to do."""

    table: MovedTable
    app_id: t.Optional[int]
    on_target: bool
    change: t.Optional[Change] = None
    new_name: str = ""


def resource(cluster: str, table: str) -> str:
    """The name of a table in changes and in the journal."""
    return f"pegasus:{cluster}/table/{table}"


def state_of(apps: t.Iterable[model.App], app_id: int) -> t.Optional[t.Dict[str, t.Any]]:
    """What changes and the journal hold of a table; None when it is gone or going, though it may be recalled yet."""
    for app in apps:
        if app.app_id == app_id and app.status not in ("DROPPING", "DROPPED"):
            return {"app_id": app.app_id, "name": app.name}
    return None


def plan(options: TableOptions, view: View, told: Told) -> t.List[Step]:
    """The calls, one step for each table in order.

    :raises MigrationError: one table or more must not be touched; then none is. All reasons are told at once.
    """
    problems: t.List[MigrationError] = []
    steps = []
    for table in options.tables:
        if options.state == FOLLOWER_DROPPED:
            steps.append(_follower(table, options, view, told, problems))
        else:
            steps.append(_source(table, options, view, told, problems))
    if problems:
        raise _all(problems)
    return steps


def _all(problems: t.Sequence[MigrationError]) -> MigrationError:
    if len(problems) == 1:
        return problems[0]
    return MigrationError(
        problems[0].code,
        " ".join(str(problem.message) for problem in problems),
        details={"problems": [{"code": problem.code, "msg": problem.message} for problem in problems]},
    )


def _there(apps: t.Iterable[model.App], name: str) -> t.Optional[model.App]:
    for app in apps:
        if app.name == name and app.status not in ("DROPPING", "DROPPED"):
            return app
    return None


def _source(table: MovedTable, options: TableOptions, view: View, told: Told, problems: t.List[MigrationError]) -> Step:
    app = _there(view.apps, table.name)
    problems.extend(_unfinished(table, app, view, told))
    if app is None:
        return Step(table, None, False)
    name = resource(view.source.cluster_name, table.name)
    before = {"app_id": app.app_id, "name": app.name}
    if options.state == DROPPED:
        request = requests.drop_app(table.name, options.reserve_seconds)
        return Step(table, app.app_id, False, Change(name, "drop", before, None, request.describe()))
    new_name = table.name + options.suffix
    problems.extend(_not_renamable(table, new_name, view))
    request = requests.rename_app(table.name, new_name)
    change = Change(name, "rename", before, {**before, "name": new_name}, request.describe())
    return Step(table, app.app_id, False, change, new_name)


def _unfinished(table: MovedTable, app: t.Optional[model.App], view: View, told: Told) -> t.Iterator[MigrationError]:
    if table.name not in told.committed:
        yield MigrationError(
            "pegasus.not_cut_over",
            f"{table.name}: the journal knows of no cutover of this table that was committed, so its clients may still "
            "need it on the source. Cut it over first, or give the journal of the migration that did.",
        )
    if app is None:
        return
    left = [one for one in view.duplications.get(table.name, ()) if one.status != "DS_REMOVED"]
    if left:
        yield MigrationError(
            "pegasus.dup_present",
            f"{table.name}: it is still duplicated to {', '.join(sorted({one.remote for one in left}))}. Remove the "
            "duplication first.",
            details={"dupids": [one.dupid for one in left]},
        )
    if app.envs.get(DENY_KEY) != DENY_ALL:
        yield MigrationError(
            "pegasus.table_not_fenced",
            f"{table.name}: it does not refuse all requests on the source ({DENY_KEY} is "
            f"{app.envs.get(DENY_KEY) or 'not set'} and not {DENY_ALL}), so somebody may be using it. Find out who.",
        )
    yield from _target_not_serving(table, app, view)


def _target_not_serving(table: MovedTable, app: model.App, view: View) -> t.Iterator[MigrationError]:
    there, config = _there(view.target_apps, table.remote), view.target_configs.get(table.remote)
    if there is None or not there.available or config is None:
        why = "it is not there" if there is None else f"it is {there.status}"
    elif config.without_primary:
        why = f"{len(config.without_primary)} of its partitions have no primary"
    elif there.partition_count != app.partition_count:
        why = f"it has {there.partition_count} partitions and the source's table has {app.partition_count}"
    else:
        return
    yield MigrationError(
        "pegasus.target_not_serving",
        f"{table.name}: table {table.remote} on {view.target.cluster_name} does not serve ({why}), so the source's "
        "table may be the only good copy. Put that right first.",
    )


def _not_renamable(table: MovedTable, new_name: str, view: View) -> t.Iterator[MigrationError]:
    if not view.can_rename:
        yield MigrationError(
            "pegasus.rename_unsupported",
            f"{table.name}: this server cannot rename tables, which came with 2.5. Keep the table, or drop it.",
        )
    if _there(view.apps, new_name) is not None:
        yield MigrationError(
            "pegasus.app_exists",
            f"{table.name}: {view.source.cluster_name} has a table {new_name} already. Give another suffix.",
        )


def _follower(
    table: MovedTable, options: TableOptions, view: View, told: Told, problems: t.List[MigrationError]
) -> Step:
    app = _there(view.target_apps, table.remote)
    if app is None:
        return Step(table, None, True)
    problems.extend(_in_use(table, view, told))
    problems.extend(not_ours(table, app, options.cluster_name or view.source.cluster_name, view, told))
    request = requests.drop_app(table.remote, options.reserve_seconds)
    before = {"app_id": app.app_id, "name": app.name}
    name = resource(view.target.cluster_name, table.remote)
    return Step(table, app.app_id, True, Change(name, "drop", before, None, request.describe()))


def _in_use(table: MovedTable, view: View, told: Told) -> t.Iterator[MigrationError]:
    if table.name in told.committed:
        yield MigrationError(
            "pegasus.cut_over_already",
            f"{table.name}: it was cut over, so its clients write to {view.target.cluster_name}, and dropping the "
            "table there would lose what they wrote.",
        )
    elif table.name in told.switched:
        yield MigrationError(
            "pegasus.switched_already",
            f"{table.name}: its znode was switched to {view.target.cluster_name}, and the journal does not say that it "
            "was switched back. Run the cutover again with state=lifted or state=cut_over first.",
        )
    remotes = {view.target.cluster_name, *told.duplicated.get(table.name, ())}
    left = [
        one for one in view.duplications.get(table.name, ()) if one.remote in remotes and one.status != "DS_REMOVED"
    ]
    if left:
        yield MigrationError(
            "pegasus.dup_present",
            f"{table.name}: duplication {left[0].dupid} still fills the table on the target. Remove it first.",
            details={"dupids": [one.dupid for one in left]},
        )

    if table.name in view.renamed:
        yield MigrationError(
            "pegasus.table_renamed",
            f"{table.name}: somebody has renamed it to {view.renamed[table.name]} on {view.source.cluster_name}, where "
            "its duplication goes on and fills the table on the target. Give it its name back, and run it again.",
        )


def not_ours(table: MovedTable, app: model.App, master: str, view: View, told: Told) -> t.Iterator[MigrationError]:
    """What is missing of the evidence that a duplication of this migration has made a table of the target.

    ``master``: the source by the name that duplication knows it by. Of the view, no more than names and metas count.
    """
    missing = []
    if table.name not in told.duplicated:
        missing.append("the journal knows of no duplication that would have made it")
    if app.envs.get(MASTER_CLUSTER) != master:
        missing.append(f"{MASTER_CLUSTER} is {app.envs.get(MASTER_CLUSTER) or 'not set'}")
    metas = {part.strip().lower() for part in app.envs.get(MASTER_METAS, "").split(",")}
    if not metas & view.metas:
        missing.append(f"{MASTER_METAS} is {app.envs.get(MASTER_METAS) or 'not set'}")
    # Before 2.6 the table's name is not told, because there it is the table's own.
    if app.envs.get(MASTER_APP, app.name) != table.name:
        missing.append(f"{MASTER_APP} is {app.envs.get(MASTER_APP) or 'not set'}")
    if missing:
        yield MigrationError(
            "pegasus.table_not_ours",
            f"{table.remote}: nothing proves that the table on {view.target.cluster_name} was made by this migration "
            f"({'; '.join(missing)}), so it stays. If nobody needs it, drop it by hand.",
            details={"app_id": app.app_id, "envs": dict(app.envs)},
        )
