# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Why a duplication does not get past DS_PREPARE or DS_APP, named by looking at the target.

The source's meta server tells the status and nothing else: a creation of the remote table that the target refuses is
logged there, tried again for ever, and shown to nobody. Facts about each version are in the profile.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App, TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import MASTER_CLUSTER, MASTER_METAS

MASTER_APP = "duplication.master_app_name"
LEVELS_WITHOUT_CREATION = ("stopped", "blind", "freezed")


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why it waits. ``hopeless``: no waiting can end it. ``reason``: a wait reason. Texts for people."""

    reason: str
    what: str
    ends_when: str
    hopeless: bool = False
    worst: t.Tuple[str, ...] = ()
    done: int = 0
    """Partitions of the remote table that are complete."""


@dataclasses.dataclass(frozen=True)
class TargetView:
    """The target as it was seen. ``problem``: why it was not. ``app`` None: it has no table of this name."""

    app: t.Optional[App] = None
    config: t.Optional[TableConfig] = None
    meta_level: str = ""
    alive_nodes: int = 0
    problem: t.Optional[MigrationError] = None


@dataclasses.dataclass(frozen=True)
class Source:
    """By what a follower's envs name its master: the cluster's name, and its meta servers as ``host:port``."""

    cluster: str
    metas: t.Tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Case:
    """One stuck or working duplication. ``waited``: seconds that its status was seen unchanged; ``made``: seconds since
    the target's table was first seen as this duplication's own and AVAILABLE, 0 if it is seen so for the first time.

    ``create_idempotent`` and ``single_replica_stuck`` are the profile's words about the source's version.
    ``target`` None: nobody said where the target is.
    """

    table: str
    source: Source
    remote: str
    remote_table: str
    replica_count: int
    config: TableConfig
    target: t.Optional[TargetView]
    waited: float
    patience: float
    create_idempotent: bool
    single_replica_stuck: bool
    made: float = 0.0


def ours_on_target(app: App, source: Source, source_table: str) -> bool:
    """Whether a table on the target says that it was made by the duplication of this source table."""
    # Before 2.6 the table's name is not told, because there it is the table's own.
    if app.envs.get(MASTER_APP, app.name) != source_table:
        return False
    # From 2.6 on a cluster can duplicate under another name than its own; then its meta servers tell.
    metas = {part.strip() for part in app.envs.get(MASTER_METAS, "").split(",")}
    return app.envs.get(MASTER_CLUSTER) == source.cluster or bool(metas & set(source.metas))


def preparing(case: Case) -> Cause:
    """Why DS_PREPARE lasts: checkpoints are being made, or the target's meta server does not create the table."""
    headless = case.config.without_primary
    if headless:
        return Cause(
            "pegasus.wait.partition_without_primary",
            f"{len(headless)} partitions of {case.table} have no primary, so they make no checkpoint",
            "the source has a primary for every partition",
            worst=_indices(headless),
        )
    target = case.target
    checkpoint = Cause(
        "pegasus.wait.checkpoint_preparing",
        "the source's primaries make their checkpoints, then the target creates the table",
        "every primary has made its checkpoint and the target has created the table",
    )
    if target is None:
        return dataclasses.replace(
            checkpoint, what=checkpoint.what + "; give target_meta_servers to learn more when this takes long"
        )
    unseen = _unseen(case, target)
    if unseen is not None:
        return unseen
    if target.app is not None:
        return _taken(case, target.app)
    if target.meta_level in LEVELS_WITHOUT_CREATION:
        return Cause(
            "pegasus.wait.target_freezed",
            f"the meta level of {case.remote} is {target.meta_level}, in which it creates no table",
            f"somebody sets the meta level of {case.remote} to steady",
        )
    if target.alive_nodes < case.replica_count:
        return Cause(
            "pegasus.wait.target_too_few_nodes",
            f"{case.remote} has {target.alive_nodes} replica servers alive, and {case.table} wants "
            f"{case.replica_count} replicas",
            f"{case.remote} has at least {case.replica_count} replica servers alive",
        )
    if case.waited > case.patience:
        return dataclasses.replace(
            checkpoint,
            what=f"no table on the target after {format_duration(case.waited)}: a checkpoint takes long (a partition "
            "with no more than one record does before 2.6), or the source's meta server cannot reach the target's",
        )
    return checkpoint


def _taken(case: Case, app: App) -> Cause:
    name = f"table {case.remote_table} on {case.remote}"
    if not ours_on_target(app, case.source, case.table):
        return Cause(
            "pegasus.wait.target_table_exists",
            f"{name} exists already (app_id {app.app_id}, {app.status}) and was not made by this duplication, so it is "
            "never created and the duplication never leaves DS_PREPARE",
            "the duplication is removed, and that table is renamed or dropped (or another remote name is given)",
            hopeless=app.available,
        )
    if not app.available:
        return Cause(
            "pegasus.wait.target_creating", f"{name} is {app.status}", f"{name} is AVAILABLE and the source knows"
        )
    # DS_PREPARE lasts as long as the checkpoints, and only then is the table created: that it lasted says nothing.
    lost = not case.create_idempotent and case.made > case.patience
    return Cause(
        "pegasus.wait.target_reply_lost" if lost else "pegasus.wait.target_creating",
        f"{name} was made by this duplication, but the source still holds it for not created after "
        f"{format_duration(case.made)}: the answer to its creation was lost, which this version never recovers from "
        "(issue 2146)"
        if lost
        else f"{name} is created; the source learns of it",
        "the duplication is removed, the half-made table on the target is dropped, and both are begun again"
        if lost
        else "the source's next duplication sync (10 s)",
        hopeless=lost,
    )


def copying(case: Case) -> Cause:
    """Why DS_APP lasts: the target's replica servers pull the checkpoint, partition by partition."""
    target = case.target
    name = f"table {case.remote_table} on {case.remote}"
    copying_now = Cause(
        "pegasus.wait.checkpoint_copying",
        f"{name} copies the checkpoint from the source",
        "every partition of it has a primary and a secondary",
    )
    if target is None:
        return copying_now
    unseen = _unseen(case, target)
    if unseen is not None:
        return unseen
    if target.app is None or target.config is None:
        return Cause(
            "pegasus.wait.target_table_gone",
            f"{name} is gone, though the duplication had created it",
            "the duplication is removed and added again",
            hopeless=target.app is None,
        )
    if target.config.partition_count != case.config.partition_count:
        return Cause(
            "pegasus.wait.target_partition_count",
            f"{name} has {target.config.partition_count} partitions, and {case.table} has "
            f"{case.config.partition_count}, so it never becomes its copy",
            "the duplication is removed, that table is renamed or dropped, and both are begun again",
            hopeless=True,
        )
    return _members(case, target.config, copying_now, name)


def _members(case: Case, config: TableConfig, copying_now: Cause, name: str) -> Cause:
    missing = config.without_primary
    alone = tuple(one.index for one in config.partitions if one.primary and not any(one.secondaries))
    done = config.partition_count - len(missing) - len(alone)
    if missing:
        return dataclasses.replace(copying_now, worst=_indices(missing), done=config.partition_count - len(missing))
    if case.replica_count == 1 and case.single_replica_stuck:
        return Cause(
            "pegasus.wait.target_single_replica",
            f"{name} has one replica of each partition, and this version waits for a secondary for ever (issue 2092)",
            "the table's replica count on the target is raised to 2, or the source is upgraded to 2.6",
            hopeless=case.waited > case.patience,
            done=done,
        )
    if alone and case.replica_count > 1:
        return Cause(
            "pegasus.wait.target_secondaries_missing",
            f"{len(alone)} partitions of {name} have no secondary yet",
            "every partition of it has a secondary",
            worst=_indices(alone),
            done=done,
        )
    return Cause(
        "pegasus.wait.target_creating",
        f"{name} is complete; the source learns of it",
        "the source's next duplication sync (10 s)",
        done=config.partition_count,
    )


def _unseen(case: Case, target: TargetView) -> t.Optional[Cause]:
    if target.problem is None:
        return None
    return Cause(
        "pegasus.wait.target_unreachable",
        f"{case.remote} cannot be looked at: {target.problem.message}",
        f"the meta servers of {case.remote} answer again",
    )


def _indices(indices: t.Sequence[int]) -> t.Tuple[str, ...]:
    return tuple(f"partition {index}" for index in indices[:5])
