# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One look at a migration: both clusters, its journal, and what follows from them for its next step."""

from __future__ import annotations

import datetime
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.approval import OPTION as APPROVED
from ansible_collections.dbops.migration.plugins.module_utils._core.approval import (
    plan_hash,
    read_approved,
    require_approved,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list, as_mapping_list
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import migration_left as ml
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import migration_standing as ms
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file_past import FilesPast
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import read_settings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import read_config
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import (
    AUTO,
    NO,
    YES,
    Wishes,
    plan_settings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    TARGET,
    Connection,
    connection_argument_spec,
    source_and_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.plan_approval import (
    Approvable,
    approvable_argument_spec,
    describe,
    plan_of,
    read_approvable,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import PASSWORDS, lonely_keys
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import require_two_clusters

Answer = t.TypeVar("Answer")
Asked = t.Tuple[t.Optional[Answer], t.Optional[MigrationError]]

_WEEK = 7 * 86400
_WORDS = {
    ms.NOT_STARTED: "Nothing of this migration is done yet.",
    ms.MIGRATING: "The migration is under way.",
    ms.FROZEN: "A cutover was begun and has not come to its end.",
    ms.HANDED_OVER: "The source is frozen, the target is equal, and the clients can be switched.",
    ms.CUT_OVER: "The clients were switched.",
}
_NO_PLAN = {"path": None, "mirror": False, "settings": None, "plan": None, "plan_hash": "", "plan_summary": ""}


def migration_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal."""
    spec = ArgumentSpec(
        {
            "compaction_off": {"type": "str", "choices": [AUTO, YES, NO], "default": AUTO},
            "source_settings": {"type": "raw"},
            "target_settings": {"type": "raw"},
            "compaction_ramp": {"type": "raw"},
            "compaction_ramp_time": {"type": "str", "default": "5m"},
            "vacuum_time": {"type": "str", "default": "30m"},
            APPROVED: {"type": "str"},
            "create_sync_users": {"type": "bool", "default": False},
            **{name: {"type": "str", "no_log": True} for pair in PASSWORDS.items() for name in pair},
        }
    )
    spec.merge(approvable_argument_spec())
    return spec.merge(connection_argument_spec()).merge(connection_argument_spec(TARGET))


class MigrationTask:
    """``body`` returns the module's result."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._redactor = redactor
        self._clock = clock

    def body(self) -> t.Dict[str, t.Any]:
        """Look. A target that does not answer is told of, because a migration can be given up without it. So is a
        source that does not once the clients were switched, because it may have been switched off.

        :raises MigrationError: the options or the journal are wrong, the source cannot be reached before the commit (or
            neither cluster after it), or another plan was approved, or one that nobody can tell because a cluster
            cannot be reached
        """
        source_connection, target_connection = source_and_target(self._params)
        wishes, ramp, times, approvable, approved = self._wishes()
        journal = ConfigJournal(self._params, self._redactor, self._clock, restoring=False)
        stage = ms.stage_of(journal.entries)
        with Cluster(source_connection, self._redactor, self._clock) as source, Cluster(
            target_connection, self._redactor, self._clock
        ) as target:
            problem = _asked(target, lambda one: one.cluster_id)[1]
            threshold, silent = _asked(source, _threshold)
            if silent is not None and (stage != ms.CUT_OVER or problem is not None):
                raise silent
            found: t.Dict[str, t.Any] = {
                "stage": stage,
                "summary": _WORDS[stage],
                "source": None,
                "source_problem": None if silent is None else silent.as_result(),
                "source_left": [],
                "journal_problem": None,
                "tool_is_away": ml.tool_is_away(journal.entries),
                "target": None,
                "target_problem": None if problem is None else problem.as_result(),
                "compaction_ramp": [],
                "vacuum": ms.NO_DEBT.as_result(),
                **_NO_PLAN,
            }
            now = self._clock.now()
            if problem is None:
                found["target"] = self._side(target, target_connection, journal)
                span = times["compaction_ramp_time"]
                left = ms.ramp_left(journal.entries, target.cluster_id, ramp, span, now)
                found["compaction_ramp"] = [one.as_result() for one in left]
                if stage == ms.CUT_OVER:
                    # The target is put back first, and the source's old versions are held for as long.
                    now += datetime.timedelta(seconds=sum(one.seconds_left for one in left))
            if silent is None:
                found["source"] = self._side(source, source_connection, journal)
                debt = ms.vacuum_debt(journal.entries, source.cluster_id, threshold, times["vacuum_time"], now)
                found["vacuum"] = debt.as_result()
            else:
                found["source_left"] = _left_on_silent(journal, target, times["vacuum_time"], now)
            missing = silent or problem
            if missing is None:
                found.update(_planned(source, target, wishes, approvable, approved))
                stray = _left_elsewhere(journal, source, target)
                found["journal_problem"] = None if stray is None else stray.as_result()
                found["summary"] += f" {source.run_mode} {source.version} to {target.run_mode} {target.version}."
            elif approved:
                raise missing
        found["finished"] = stage == ms.CUT_OVER and ml.nothing_left(found)
        if found["finished"]:
            found["summary"] += " Nothing is left to be put back."
        return found

    def _side(self, cluster: Cluster, connection: Connection, journal: ConfigJournal) -> t.Dict[str, t.Any]:
        """What the steps need to know of one cluster. The tool is given an address that is known to work from here."""
        first = entrance(connection, cluster.frontends())
        hosts = [one.host for one in cluster.frontends()] + [one.host for one in cluster.nodes()]
        return {
            "cluster_id": cluster.cluster_id,
            "version": str(cluster.version),
            "run_mode": cluster.run_mode,
            "fe_host": first.host,
            "fe_query_port": first.port,
            "hosts": list(dict.fromkeys(hosts)),
            "file_blocks": [one.as_result() for one in FilesPast(journal.entries, cluster.cluster_id).left()],
            "frontend_configs_to_restore": ms.keys_to_restore(journal.entries, cluster.cluster_id),
            "node_configs_to_restore": ms.node_keys_to_restore(journal.entries, cluster.cluster_id),
            "mirrors_to_drop": ml.mirrors_to_drop(journal.entries, cluster.cluster_id),
            "users_to_drop": ms.users_to_drop(journal.entries, cluster.cluster_id),
            "variables_to_restore": ms.variables_to_restore(journal.entries, cluster.cluster_id),
        }

    def _wishes(self) -> t.Tuple[Wishes, t.List[int], t.Dict[str, float], Approvable, str]:
        """Settings, the steps of the ramp, times in seconds by the name of their option, the rest of the plan, and the
        hash that was approved.
        """
        params = self._params
        problems = OptionProblems()
        lists: t.Dict[str, t.Tuple[t.Dict[str, t.Any], ...]] = {
            name: problems.attempt(functools.partial(_settings, params.get(name), name), ())
            for name in ("source_settings", "target_settings")
        }
        ramp: t.List[int] = problems.attempt(lambda: _ramp(params.get("compaction_ramp")), [])
        times = {
            name: problems.attempt(functools.partial(parse_duration, params[name], name, minimum=0, maximum=_WEEK), 0.0)
            for name in ("vacuum_time", "compaction_ramp_time")
        }
        approvable = read_approvable(params, problems)
        approved = problems.attempt(lambda: read_approved(params), "")
        problems.attempt(lambda: _require_clear_passwords(params))
        problems.found += lonely_keys(params)
        problems.raise_all()
        wishes = Wishes(str(params["compaction_off"]), lists["source_settings"], lists["target_settings"])
        return wishes, ramp, times, approvable, approved


def entrance(connection: Connection, frontends: t.Iterable[Frontend]) -> Address:
    """The first given address of a frontend that is alive; if none is known to be one, the first of all.

    It stays the same while its frontend lives, so that the tool is not started again without need.
    """
    living = [connection.reach(one.host, one.query_port) for one in frontends if one.alive]
    return next((one for one in connection.frontends if one in living), connection.frontends[0])


def _settings(value: t.Any, option: str) -> t.Tuple[t.Dict[str, t.Any], ...]:
    read_settings(value, False, option)
    return tuple(dict(one) for one in as_mapping_list(value, option))


def _ramp(value: t.Any) -> t.List[int]:
    steps = [as_int(one, "compaction_ramp", 1) for one in as_list(value, "compaction_ramp")]
    if steps != sorted(set(steps)):
        fix = "Give numbers of tasks that grow, such as 4, 16"
        raise InvalidOption("compaction_ramp", f"{steps} does not grow", fix)
    return steps


def _require_clear_passwords(params: t.Mapping[str, t.Any]) -> None:
    """With its key, the password of the tool's file is base64 of AES (facts 5.2), and no server would decrypt it."""
    keys = [name for name in PASSWORDS if params.get(name)]
    if params.get("create_sync_users") and keys:
        raise InvalidOption(
            "create_sync_users",
            f"with {' and '.join(keys)}, a password is encrypted, and a user would be made whose password is the "
            "encrypted text",
            "Give the passwords in clear and no keys, or make the users yourself and leave this off",
        )


def _asked(cluster: Cluster, question: t.Callable[[Cluster], t.Optional[Answer]]) -> Asked[Answer]:
    """What a cluster answers, or why it does not."""
    try:
        cluster.profile  # noqa: B018  the first question
        cluster.nodes()
        return question(cluster), None
    except MigrationError as error:
        return None, error


def _left_on_silent(journal: ConfigJournal, target: Cluster, span: float, now: datetime.datetime) -> t.List[str]:
    """What is left to do on a source that cannot be asked, by the journal."""
    known = (target.cluster_id,)
    found = [text for texts in ms.left_elsewhere(journal.entries, known).values() for text in texts]
    if ms.vacuum_owed_elsewhere(journal.entries, known, span, now):
        found.append("the pass of the auto-vacuum over idle partitions")
    return found


def _left_elsewhere(journal: ConfigJournal, source: Cluster, target: Cluster) -> t.Optional[MigrationError]:
    """What is wrong when an address leads to another cluster than at first: what was changed there is forgotten."""
    left = ms.left_elsewhere(journal.entries, (source.cluster_id, target.cluster_id))
    if not left:
        return None
    names = "; ".join(f"cluster {cluster}: {', '.join(texts)}" for cluster, texts in left.items())
    return MigrationError(
        "starrocks.journal_of_other_cluster",
        f"The journal knows of changes that are not put back ({names}), but frontends leads to cluster "
        f"{source.cluster_id} and target_frontends to cluster {target.cluster_id}. Correct the addresses, or give the "
        "journal of this migration. If that cluster is gone for good, nothing is left to do there.",
        details={"left": left, "source": source.cluster_id, "target": target.cluster_id},
    )


def _planned(
    source: Cluster, target: Cluster, wishes: Wishes, approvable: Approvable, approved: str
) -> t.Dict[str, t.Any]:
    """What only both clusters together tell.

    :raises MigrationError: they are one cluster, or another plan was approved
    """
    require_two_clusters(source, target)
    path = f"{source.run_mode} -> {target.run_mode}"
    settings = plan_settings(source.profile, target.profile, wishes)
    plan = plan_of(source.cluster_id, target.cluster_id, path, settings, approvable)
    require_approved(approved, plan_hash(plan), describe(plan))
    return {
        "path": path,
        "mirror": source.profile.shared_data and target.profile.shared_data,
        "settings": settings.as_result(),
        "plan": plan,
        "plan_hash": plan_hash(plan),
        "plan_summary": describe(plan),
    }


def _threshold(source: Cluster) -> t.Optional[int]:
    """Hours, None where there is no auto-vacuum."""
    if not source.profile.shared_data:
        return None
    row = read_config(source, source.leader(), ms.STALE)
    return int(row.value) if row is not None and row.value.isdigit() else None
