# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the mirror module: see everything, tell every problem at once, and only then create."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import bucket
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_mirror as mirrors
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import require_two_clusters
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_options import Options
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import MIRROR_PREFIX
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_others import tell_in_place
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_restore import plan_restore, settle
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_send import (
    IN_USE,
    VolumeReader,
    send_step,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_task import version_problems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_use import read_uses

REFUSED = "starrocks.mirror_refused"
_AT_ONCE = 8
_READ_BY_HAND = "Look into it yourself from a node of the target."


class MirrorTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(
        self, options: Options, store: VolumeJournal, check_mode: bool, redactor: Redactor, clock: Clock
    ) -> None:
        """``store``: the journal of the call; whoever made it closes it."""
        self._options = options
        self._store = store
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._warnings: t.List[str] = list(options.warnings)
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        options, store = self._options, self._store
        try:
            with Cluster(options.target, self._redactor, self._clock) as target:
                reader = VolumeReader(target)
                self.result["cluster_id"] = target.cluster_id
                if options.source is None:
                    self._drop(target, reader, store)
                else:
                    with Cluster(options.source, self._redactor, self._clock) as source:
                        found = self._look(source, target, reader, options)
                    self._create(target, reader, options, found, store)
        finally:
            if self._warnings:
                self.result["warnings"] = self._warnings
        return self.result

    def _look(self, source: Cluster, target: Cluster, reader: VolumeReader, options: Options) -> t.List[mirrors.Mirror]:
        """What is to be mirrored. Raises ``starrocks.mirror_refused`` with every problem there is."""
        require_two_clusters(source, target)
        problems = mode_problems(source, target)
        if problems:
            raise InvalidInput(problems, REFUSED)
        uses = read_uses(source, options.scope)
        if not uses:
            problems.append(
                "include_data_list and exclude_data_list select no table of the source that is in a storage volume. "
                "Correct them, or leave this step out if there is none."
            )
        there = VolumeReader(source)
        found: t.List[mirrors.Mirror] = []
        for use in uses:
            volume = there.get(use.volume)
            problems.extend(mirrors.use_problems(use, volume))
            if volume is not None:
                found.append(
                    mirrors.mirror_of(
                        use, volume, options.destinations, target.profile, options.credentials, options.properties
                    )
                )
        known = {use.volume for use in uses} | {"*"}
        for option, given in (("credentials", options.credentials), ("properties", options.properties)):
            self._warnings.extend(
                f"{option}[{name}] is not needed: no selected table uses a volume of this name."
                for name in sorted(set(given) - known)
            )
        for mirror in found:
            problems.extend(mirrors.mirror_problems(mirror))
        wanted_there = reader.several(mirrors.destination_names(found))
        problems.extend(mirrors.destination_problems(found, options.destinations, wanted_there))
        problems.extend(version_problems([mirror.wanted for mirror in found], target.profile))
        problems.extend(self._buckets(found, options))
        problems.extend(self._plan(target.cluster_id, reader, options, found).problems)
        self.result["mirrors"] = [_shown(mirror) for mirror in found]
        if problems:
            raise InvalidInput(problems, REFUSED)
        return found

    def _buckets(self, found: t.Sequence[mirrors.Mirror], options: Options) -> t.List[str]:
        if not options.check_buckets or not found:
            self.result["buckets"] = []
            return []

        def look(mirror: mirrors.Mirror) -> t.List[bucket.Look]:
            wanted = mirror.wanted
            if mirrors.missing_credentials(mirror):
                reason = "its credentials are not given"
                return [bucket.Look(location, bucket.NOT_CHECKED, reason) for location in wanted.locations]
            properties = {**wanted.properties, **wanted.credentials}
            return bucket.look_into(wanted.type, wanted.locations, properties, options.bucket_timeout)

        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            looks = list(pool.map(look, found))
        problems: t.List[str] = []
        shown: t.List[t.Dict[str, str]] = []
        for mirror, seen in zip(found, looks):
            for one in seen:
                shown.append({"volume": mirror.wanted.name, **one.as_result()})
                text = f"{mirror.wanted.name} ({one.location}): {one.reason}."
                if one.status == bucket.UNREADABLE:
                    problems.append(text)
                elif one.status == bucket.NOT_CHECKED and not mirrors.missing_credentials(mirror):
                    self._warnings.append(f"{text} {_READ_BY_HAND}")
                elif one.status == bucket.EMPTY:
                    self._warnings.append(text)
        self.result["buckets"] = shown
        return problems

    def _plan(
        self, cluster_id: str, reader: VolumeReader, options: Options, found: t.Sequence[mirrors.Mirror]
    ) -> plans.Plan:
        wanted = [mirror.wanted for mirror in found]
        there = reader.several(one.name for one in wanted)
        return plans.plan_present(cluster_id, wanted, there, options.update_credentials)

    def _create(
        self,
        target: Cluster,
        reader: VolumeReader,
        options: Options,
        found: t.Sequence[mirrors.Mirror],
        store: VolumeJournal,
    ) -> None:
        plan = self._plan(target.cluster_id, reader, options, found)
        names = [mirror.wanted.name for mirror in found]
        before = reader.several(names)
        self._warnings += tell_in_place(target.cluster_id, names, plan, before, store, not self._check_mode)
        self._send(target, reader, store, plan.steps)
        there = [reader.get(mirror.wanted.name) for mirror in found]
        self.result["volumes"] = [volume.as_result() for volume in there if volume is not None]

    def _drop(self, target: Cluster, reader: VolumeReader, store: VolumeJournal) -> None:
        """Drop those that the journal knows as ours, all that can be, before a refusal is told."""
        steps, records = plan_restore(target.cluster_id, store.entries, (), reader, MIRROR_PREFIX)
        self.result["restore"] = records
        self._send(target, reader, store, steps, records)
        self.result["volumes"] = []

    def _send(
        self,
        target: Cluster,
        reader: VolumeReader,
        store: VolumeJournal,
        steps: t.Sequence[plans.Step],
        records: t.Sequence[t.Mapping[str, t.Any]] = (),
    ) -> None:
        self._tell(steps if self._check_mode else ())
        if self._check_mode:
            return
        settle(target.cluster_id, store, reader)
        done: t.List[plans.Step] = []
        refused: t.List[MigrationError] = []
        for step in steps:
            try:
                send_step(step, target, reader, store.open(), self._clock)
            except MigrationError as error:
                if error.code != IN_USE:
                    raise
                refused.append(error)
                continue
            done.append(step)
            self._tell(done)
        left = {step.change.resource for step in steps} - {step.change.resource for step in done}
        store.conclude(record for record in records if record["resource"] not in left)
        if refused:
            raise InvalidInput([error.message for error in refused], IN_USE)

    def _tell(self, steps: t.Sequence[plans.Step]) -> None:
        changes = ChangeList(step.change for step in steps)
        self.result.update(changes=changes.as_result(), diff=changes.diff(), changed=changes.changed)


def mode_problems(source: Cluster, target: Cluster) -> t.List[str]:
    """Mirrors are for two shared-data clusters, the target of 4.1 or newer."""
    problems: t.List[str] = []
    for role, cluster in (("source", source), ("target", target)):
        if not cluster.profile.shared_data:
            problems.append(
                f"The {role} is a shared-nothing cluster. Source volumes are only needed between two shared-data "
                "clusters; leave this step out."
            )
    if not problems and not target.profile.lake_replication_target:
        problems.append(f"The target is of {target.version}; between shared-data clusters it must be of 4.1 or newer.")
    return problems


def _shown(mirror: mirrors.Mirror) -> t.Dict[str, t.Any]:
    return {
        "source_volume": mirror.source.name,
        "volume": mirror.wanted.name,
        "destination": mirror.destination,
        "tables": len(mirror.use.tables),
    }
