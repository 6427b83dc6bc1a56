# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which calls bring one table's duplication into the wanted state. Nothing here talks to anybody."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_arrival import unprovable
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_standing import skipped
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import (
    Source,
    ours_on_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App, Duplication
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is wanted of one table. ``state``: present, paused or absent. ``fail_mode``: FAIL_SLOW, ..., or None for
    "as it is". ``remote_table`` None: the table's own name; ``replica_count`` None: as the source's. ``discard``: a
    removal need not prove that everything has arrived. ``adopt``: what is there is ours from now on.
    """

    table: str
    remote: str
    state: str
    fail_mode: t.Optional[str] = None
    remote_table: t.Optional[str] = None
    replica_count: t.Optional[int] = None
    checkpoint: bool = True
    force: bool = False
    discard: bool = False
    adopt: bool = False

    @property
    def remote_name(self) -> str:
        """The name on the remote."""
        return self.remote_table or self.table


@dataclasses.dataclass(frozen=True)
class Seen:
    """One table as it was read. ``app`` None: the source has no such table. ``target_app``: the remote's table of the
    wanted name; only meaningful where ``target_seen``.
    """

    app: t.Optional[App]
    duplications: t.Tuple[Duplication, ...] = ()
    target_app: t.Optional[App] = None
    target_seen: bool = False


@dataclasses.dataclass(frozen=True)
class Step:
    """One call. ``status`` and ``fail_mode`` are what a modification sends; ``dupid`` is 0 for an addition."""

    action: str
    change: Change
    dupid: int = 0
    status: t.Optional[str] = None
    fail_mode: t.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Planned:
    """The calls for one table, in order, and the duplication that is there; ``owner`` as of ``Past.owner``.

    ``made``: what an earlier step of this run has sent, and could not tell any more.
    """

    steps: t.Tuple[Step, ...] = ()
    duplication: t.Optional[Duplication] = None
    owner: str = ""
    made: t.Tuple[Step, ...] = ()


def plan(
    wanted: Wanted, seen: Seen, past: dp.Past, *, source: Source, create_idempotent: bool, cut_over: bool = False
) -> Planned:
    """The calls for one table. ``cut_over``: this migration has cut it over, with the duplication that is there.

    :raises MigrationError: it cannot be done, or must not be; nothing was sent
    """
    if wanted.state == "absent" and seen.app is None:
        return Planned()
    app = _available(wanted, seen.app)
    there = find(wanted, seen.duplications)
    maker = _Maker(wanted, source.cluster)
    if there is None:
        if wanted.state == "absent":
            return Planned()
        if wanted.state == "paused":
            raise MigrationError(
                "pegasus.dup_missing",
                f"{wanted.table}: there is no duplication to {wanted.remote} that could be paused; use state=present "
                "first.",
            )
        _may_add(wanted, seen, app, source, create_idempotent)
        return Planned((maker.add(),))
    owner = past.owner(there)
    if wanted.state == "absent":
        if owner == dp.OTHER and not (wanted.force or cut_over):
            raise MigrationError(
                "pegasus.dup_not_ours",
                f"{wanted.table}: duplication {there.dupid} to {wanted.remote} ({there.status}) was not made by this "
                "migration as far as the journal knows, so it stays. Give the journal of the migration that made it, "
                "or force=true if you are sure that nobody needs it.",
                details={"duplication": there.as_result()},
            )
        lost = None if wanted.discard else unprovable(wanted.table, there, there.dupid in past.skipped)
        if lost is not None:
            raise lost
        return Planned((maker.modify(dp.REMOVE, there, status="DS_REMOVED"),), there, owner)
    has_skipped = there.fail_mode == dp.FAIL_SKIP or there.dupid in past.skipped
    if has_skipped and wanted.state == "present" and wanted.fail_mode == "FAIL_SLOW":
        raise skipped(wanted.table, there.dupid)
    steps = []
    if wanted.fail_mode is not None and there.fail_mode != wanted.fail_mode:
        # Before it may run again: with the wrong mode it would lose writes in between.
        steps.append(maker.modify(dp.FAIL_MODE, there, fail_mode=wanted.fail_mode))
    if wanted.state == "paused" and there.status != "DS_PAUSE":
        _pausable(wanted, there)
        steps.append(maker.modify(dp.PAUSE, there, status="DS_PAUSE"))
    elif wanted.state == "present" and there.status == "DS_PAUSE":
        steps.append(maker.modify(dp.RESUME, there, status="DS_LOG"))
    return Planned(tuple(steps), there, owner)


def removed_before(wanted: Wanted, cluster: str, dupid: int) -> Planned:
    """Of a duplication that a step of this run has removed which died before it could tell."""
    # A removal that waited for the arrival was one from DS_LOG.
    was = Duplication(dupid, "DS_LOG", wanted.remote, 0)
    return Planned(made=(_Maker(wanted, cluster).modify(dp.REMOVE, was, status="DS_REMOVED"),))


def understood(wanted: Wanted, profile: Profile) -> None:
    """An older server skips fields that it does not know, and would add a duplication of another kind than asked for.

    :raises MigrationError: ``pegasus.remote_table_unsupported`` or ``pegasus.replica_count_unsupported``
    """
    if wanted.state == "absent":
        return
    if wanted.remote_name != wanted.table and not profile.remote_app_name:
        raise MigrationError(
            "pegasus.remote_table_unsupported",
            f"{wanted.table}: a table gets another name on the target from Pegasus 2.6 on only, and the source is "
            f"{profile.version}. Leave it out of remote_tables.",
        )
    if wanted.replica_count is not None and not profile.remote_replica_count:
        raise MigrationError(
            "pegasus.replica_count_unsupported",
            f"{wanted.table}: another number of replicas on the target exists from Pegasus 2.6 on only, and the source "
            f"is {profile.version}. Leave out remote_replica_count.",
        )


def find(wanted: Wanted, duplications: t.Iterable[Duplication]) -> t.Optional[Duplication]:
    """The table's duplication to the wanted remote.

    :raises MigrationError: ``pegasus.dup_mismatch``, there is one, but into a table of another name
    """
    there = [one for one in duplications if one.remote == wanted.remote and one.status != "DS_REMOVED"]
    fitting = [one for one in there if (one.remote_app_name or wanted.table) == wanted.remote_name]
    if fitting:
        return max(fitting, key=lambda one: one.create_ts_ms)
    if there and wanted.state != "absent":
        raise MigrationError(
            "pegasus.dup_mismatch",
            f"{wanted.table}: duplication {there[0].dupid} to {wanted.remote} exists, but it goes into table "
            f"{there[0].remote_app_name or wanted.table} and not into {wanted.remote_name}. Give the name that it has, "
            "or remove it first.",
            details={"duplication": there[0].as_result()},
        )
    return None


def _available(wanted: Wanted, app: t.Optional[App]) -> App:
    if app is None:
        raise MigrationError(
            "pegasus.app_not_found",
            f"{wanted.table}: the source cluster has no such table. Check its name in tables (upper and lower "
            "case differ).",
        )
    if not app.available:
        raise MigrationError(
            "pegasus.app_not_available",
            f"{wanted.table}: the table is {app.status}. Wait until it is AVAILABLE, or recall it.",
        )
    return app


def _may_add(wanted: Wanted, seen: Seen, app: App, source: Source, create_idempotent: bool) -> None:
    if not seen.target_seen:
        return
    name = f"table {wanted.remote_name} on {wanted.remote}"
    if not wanted.checkpoint and seen.target_app is None:
        raise MigrationError(
            "pegasus.target_table_missing",
            f"{wanted.table}: without a checkpoint {name} must be there already, and it is not. Create it with "
            f"{app.partition_count} partitions, or use checkpoint=true.",
        )
    if not wanted.checkpoint or seen.target_app is None:
        return
    if create_idempotent and ours_on_target(seen.target_app, source, wanted.table):
        return
    raise MigrationError(
        "pegasus.target_table_exists",
        f"{wanted.table}: {name} exists already (app_id {seen.target_app.app_id}, {seen.target_app.status}), so a "
        "duplication would stay in DS_PREPARE for ever. Rename or drop that table, if nobody needs it, then run again.",
        details={"target_app_id": seen.target_app.app_id, "target_envs": dict(seen.target_app.envs)},
    )


def _pausable(wanted: Wanted, there: Duplication) -> None:
    if there.status != "DS_LOG":
        raise MigrationError(
            "pegasus.dup_not_pausable",
            f"{wanted.table}: duplication {there.dupid} is in {there.status}, and only one in DS_LOG can be paused. "
            "Wait until it is (state=present does), or remove it (state=absent).",
        )


class _Maker:
    """Makes the steps of one table, each with the call exactly as it is sent."""

    def __init__(self, wanted: Wanted, cluster: str) -> None:
        self._wanted = wanted
        self._resource = dp.resource(cluster, wanted.table, wanted.remote)

    def add(self) -> Step:
        wanted = self._wanted
        request = requests.add_duplication(
            wanted.table,
            wanted.remote,
            checkpoint=wanted.checkpoint,
            remote_app_name=wanted.remote_table,
            remote_replica_count=wanted.replica_count,
        )
        after = {"status": "DS_INIT", "fail_mode": "FAIL_SLOW", "remote_table": wanted.remote_name}
        return Step(dp.ADD, Change(self._resource, dp.ADD, None, after, request.describe()))

    def modify(
        self, action: str, there: Duplication, *, status: t.Optional[str] = None, fail_mode: t.Optional[str] = None
    ) -> Step:
        request = requests.modify_duplication(self._wanted.table, there.dupid, status=status, fail_mode=fail_mode)
        before: t.Dict[str, t.Any] = {"dupid": there.dupid}
        after: t.Optional[t.Dict[str, t.Any]] = {"dupid": there.dupid}
        if status is not None:
            before["status"] = there.status
            after = None if action == dp.REMOVE else {**before, "status": status}
        elif fail_mode is not None:
            before["fail_mode"] = there.fail_mode
            after = {**before, "fail_mode": fail_mode}
        change = Change(self._resource, action, before, after, request.describe())
        return Step(action, change, there.dupid, status, fail_mode)
