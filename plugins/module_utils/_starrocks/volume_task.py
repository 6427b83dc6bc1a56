# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the storage volume module: read, plan, send, read back."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_options import (
    ABSENT,
    RESTORED,
    Options,
    read_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_others import tell_in_place
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_restore import plan_restore, settle
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_send import VolumeReader, send_step


class VolumeTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        options = read_options(self._params)
        connection = Connection.from_params(self._params)
        restoring = "state=restored" if options.state == RESTORED else ""
        store = VolumeJournal(self._params, self._redactor, self._clock, restoring=restoring)
        try:
            with Cluster(connection, self._redactor, self._clock) as cluster:
                self._work(cluster, options, store)
        finally:
            store.close()
        return self.result

    def _work(self, cluster: Cluster, options: Options, store: VolumeJournal) -> None:
        reader = VolumeReader(cluster)
        self.result.update(cluster_id=cluster.cluster_id)
        if options.warnings:
            self.result["warnings"] = list(options.warnings)
        refused = version_problems(options.volumes, cluster.profile)
        if refused:
            raise InvalidInput(refused, "starrocks.volume_unsupported")
        restored: t.List[t.Dict[str, t.Any]] = []
        if options.state == RESTORED:
            steps, restored = plan_restore(cluster.cluster_id, store.entries, options.names, reader)
        else:
            plan = self._plan(cluster.cluster_id, options, reader)
            if plan.problems:
                raise InvalidInput(plan.problems, "starrocks.volume_refused")
            steps = plan.steps
            if options.state != ABSENT:
                self._tell_in_place(cluster.cluster_id, options, plan, reader, store)
        self._tell(steps if self._check_mode else [], restored)
        if not self._check_mode:
            settle(cluster.cluster_id, store, reader)
            done: t.List[plans.Step] = []
            for step in steps:
                send_step(step, cluster, reader, store.open(), self._clock)
                done.append(step)
                self._tell(done, restored)
            store.conclude(restored)
        shown = options.names or [step.name for step in steps]
        found = [reader.get(name) for name in dict.fromkeys(shown)]
        self.result["volumes"] = [volume.as_result() for volume in found if volume is not None]

    def _plan(self, cluster_id: str, options: Options, reader: VolumeReader) -> plans.Plan:
        found = reader.several(options.names)
        if options.state == ABSENT:
            return plans.plan_absent(cluster_id, options.names, found)
        default = reader.default() if any(one.default for one in options.volumes) else ""
        return plans.plan_present(cluster_id, options.volumes, found, options.update_credentials, default)

    def _tell_in_place(
        self, cluster_id: str, options: Options, plan: plans.Plan, reader: VolumeReader, store: VolumeJournal
    ) -> None:
        found = reader.several(options.names)
        told = tell_in_place(cluster_id, options.names, plan, found, store, not self._check_mode)
        if told:
            self.result["warnings"] = [*options.warnings, *told]

    def _tell(self, steps: t.Sequence[plans.Step], restored: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """What was sent and read back so far (in check mode, what would be)."""
        changes = ChangeList(step.change for step in steps)
        self.result.update(changes=changes.as_result(), diff=changes.diff(), changed=changes.changed)
        if restored:
            self.result["restore"] = list(restored)


def version_problems(wanted: t.Iterable[Wanted], profile: Profile) -> t.List[str]:
    """What the server of this version cannot do, a sentence each."""
    if not profile.storage_volumes:
        return [f"StarRocks {profile.version} has no storage volumes; they came with 3.1. Upgrade the cluster."]
    problems: t.List[str] = []
    for one in wanted:
        if one.type and one.type not in profile.volume_types:
            problems.append(
                f"{one.name}: StarRocks {profile.version} has no volumes of type {one.type}, only of "
                f"{', '.join(profile.volume_types)}. Use one of these, or upgrade."
            )
        prefix = [key for key in one.properties if key in known.FIXED]
        if prefix and not profile.partitioned_prefix:
            problems.append(
                f"{one.name}: StarRocks {profile.version} does not know {', '.join(prefix)} (3.2.4 and 3.3 do), and "
                "refuses them even as false. Leave them out."
            )
    return problems
