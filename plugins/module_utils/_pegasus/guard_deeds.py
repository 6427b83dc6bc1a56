# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a guard does to the clusters: with connections of its own, made after the fork, and without the journal."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard import StillNeeded
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import metaproxy_document as md
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import (
    Interval,
    Intervals,
    fenced_tables,
    standing,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode, ZooKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import ZooKeeperPlace


@dataclasses.dataclass(frozen=True)
class GuardedTable:
    """One fenced table. ``switch``: its znode as it was read before the fence; None when the operator switches."""

    name: str
    switch: t.Optional[switch.Switch]


@dataclasses.dataclass(frozen=True)
class Guarded:
    """Everything a guard has to know. ``lift_seconds``: when a fence that cannot be probed counts as lifted;
    ``round_trip``: as of :class:`Fence`."""

    meta_servers: t.Tuple[str, ...]
    settings: ConnectionSettings
    cluster: str
    target: str
    tables: t.Tuple[GuardedTable, ...]
    place: t.Optional[ZooKeeperPlace]
    intervals: t.Tuple[Interval, ...]
    lift_seconds: float
    round_trip: float = 0.0


class SourceDeeds:
    """The deeds of a guard on the source cluster."""

    def __init__(self, guarded: Guarded, clock: Clock) -> None:
        self._guarded = guarded
        self._clock = clock
        self._meta = MetaClient(guarded.meta_servers, guarded.settings, clock)
        self._replicas = ReplicaClient(guarded.settings, clock)
        self._fences = {
            table.name: Fence(self._meta, self._replicas, clock, guarded.cluster, table.name, guarded.round_trip)
            for table in guarded.tables
        }
        self._kept: t.Set[str] = set()
        self._lifted: t.Dict[str, str] = {}
        self._theirs: t.Dict[str, str] = {}
        self._absent_since: t.Dict[str, float] = {}
        self._intervals: t.Dict[str, str] = {}
        self._relifted = 0

    def self_test(self) -> None:
        """Find the primary meta server and every table, as a lift has to."""
        for fence in self._fences.values():
            fence.value()

    def settle_switch(self) -> t.Optional[str]:
        """Make what was found stay, whatever was made; see :mod:`guard_state`. Kept tables are not lifted.

        The version found is used up, so that neither a late switch nor one that is late in being taken back, or made
        again after that, comes through: each names the version that it has seen.
        """
        place = self._guarded.place
        if place is None:
            return gs.IMPOSSIBLE
        with ZooKeeper(place) as session:
            for table in self._guarded.tables:
                planned = table.switch
                if planned is None or table.name in self._kept:
                    continue
                found = session.read(table.name)
                if found is None:
                    continue
                if not self._spend(session, table.name, found):
                    return None
                if found.data == planned.after or self._at_target(found.data, planned.path):
                    self._kept.add(table.name)
        return gs.SWITCHED if len(self._kept) == len(self._guarded.tables) else gs.IMPOSSIBLE

    @staticmethod
    def _spend(session: ZooKeeper, table: str, found: Znode) -> bool:
        """Use up a znode's version, so that a late write fails; False when it has to be looked at again."""
        try:
            session.compare_and_set(table, found.data, found.version)
        except MigrationError as error:
            if error.code == "pegasus.znode_changed":
                return False
            if error.code != "pegasus.zookeeper_denied":
                raise
            # Whom ZooKeeper does not let write now it does not let write later, unless it was done before the denial.
            return session.read(table) == found
        return True

    def _at_target(self, data: bytes, path: str) -> bool:
        with contextlib.suppress(MigrationError):
            return md.parse(data, path).cluster_name == self._guarded.target
        return False

    def lift(self) -> bool:
        """One step for every table that is not at the target; True once all are proved to take writes."""
        problems: t.List[MigrationError] = []
        for name, fence in self._fences.items():
            if name in self._kept or name in self._lifted:
                continue
            try:
                self._lift(name, fence)
            except MigrationError as error:
                problems.append(error)
        if problems:
            raise problems[0]
        return all(name in self._kept or name in self._lifted for name in self._fences)

    def _lift(self, name: str, fence: Fence) -> None:
        try:
            now = fence.value()
        except MigrationError as error:
            if error.code != "pegasus.app_not_found":
                raise
            self._lifted[name] = "the table is gone"
            return
        if now == DENY_WRITE:
            fence.put(None)
            now = fence.value()
        if now is not None:
            if now != DENY_WRITE:
                self._theirs[name] = now
                self._lifted[name] = f"somebody else set {now}"
            return
        since = self._absent_since.setdefault(name, self._clock.monotonic())
        if not fence.can_be_proved():
            if self._clock.monotonic() - since > self._guarded.lift_seconds:
                self._lifted[name] = "by time; the table does not duplicate any more"
            return
        config, words = fence.look()
        if len(words) == config.partition_count and set(words.values()) == {model.WRITES_OPEN}:
            self._lifted[name] = "every primary takes writes"

    def watch(self) -> None:
        """A request to fence that was under way when its sender died may arrive after the lift: take it back."""
        for name, fence in self._fences.items():
            if name not in self._kept and name not in self._theirs and fence.value() == DENY_WRITE:
                fence.put(None)
                self._relifted += 1

    def restore_settings(self) -> None:
        """Put back every interval that is still ours; those that were put back are not looked at again."""
        if self._guarded.intervals:
            others = fenced_tables(self._meta, standing(self._guarded.intervals).union(self._fences))
            if others:
                raise StillNeeded(
                    "pegasus.other_cutovers",
                    f"{', '.join(others)} is fenced by another cutover, which counts on the short intervals.",
                    details={"tables": others},
                )
        intervals = Intervals(self._replicas, self._guarded.cluster)
        failed: t.List[MigrationError] = []
        for interval in self._guarded.intervals:
            if interval.node in self._intervals:
                continue
            try:
                self._intervals.update(intervals.put_back([interval]))
            except MigrationError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def told(self) -> t.Dict[str, t.Any]:
        """For the record and for whoever asks."""
        return {
            "cluster": self._guarded.cluster,
            "tables": [table.name for table in self._guarded.tables],
            "kept": sorted(self._kept),
            "lifted": dict(sorted(self._lifted.items())),
            "late_fences_lifted": self._relifted,
            "intervals": dict(sorted(self._intervals.items())),
        }
