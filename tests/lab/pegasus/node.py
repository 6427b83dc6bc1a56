# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica server: what it serves, what it learned at its last config and duplication sync, and its write path."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.pegasus import flags, model
from lab.pegasus.errors import HeaderError, NoAnswer
from lab.pegasus.model import DENY, Duplicator, Partition

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster

DEFAULT_SYNC = 10.0
"""Lab seconds between two duplication syncs of a server."""
MIN_PAUSE = 0.005


@dataclass
class Known:
    """What a server knows of a table since its last config sync."""

    envs: dict[str, str] = field(default_factory=dict)
    duplicating: bool = False
    atomic_idempotent: bool = False
    deny: tuple[str, str] = ("", "")

    def denies(self, what: str) -> str:
        """ "timeout" or "reconfig" when requests of that kind (write, read) are denied, else ""."""
        return self.deny[0] if self.deny[1] in ("all", what) else ""


class ReplicaServer:
    """One replica server. Times are lab seconds; ``address`` is host:port."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.address = ""
        self.alive = True
        self.started = int(cluster.clock.epoch())
        self.flags = flags.defaults()
        self.known: dict[int, Known] = {}
        self.last_sync = -1.0
        self.pending_counter = 0
        self.on_alive: t.Callable[[bool], None] = lambda alive: None

    def hosted(self) -> t.Iterator[tuple[Partition, bool]]:
        """The partitions of which this server holds a replica, and whether it is the primary."""
        for app in self.cluster.apps.values():
            if app.status == model.DROPPED:
                continue
            for partition in app.partitions:
                if partition.primary == self.address:
                    yield partition, True
                elif self.address in partition.secondaries:
                    yield partition, False

    # ---- config sync

    async def config_sync_forever(self) -> None:
        """Ask the meta server for tables and envs every config_sync_interval_ms; a new interval counts from the next
        tick on."""
        clock = self.cluster.clock
        due = clock.now() + self.cluster.rng.uniform(0, self.sync_interval)
        while True:
            await clock.sleep(max(due - clock.now(), MIN_PAUSE * clock.factor))
            if self.alive and self.cluster.meta.answers and not self._stalled():
                self.config_sync()
            due = max(due + self.sync_interval, clock.now())

    def _stalled(self) -> bool:
        rule = self.cluster.fault("config_sync_stalled", node=self.address)
        if rule is None:
            return False
        return bool(rule.node) or self is next(iter(self.cluster.nodes.values()))

    @property
    def sync_interval(self) -> float:
        """Lab seconds between two config syncs."""
        return int(self.flags["config_sync_interval_ms"]) / 1000

    def config_sync(self) -> None:
        """Learn tables, envs and the duplicating mark, for every replica held here."""
        self.last_sync = self.cluster.clock.now()
        known: dict[int, Known] = {}
        for partition, _primary in self.hosted():
            app = partition.app
            if app.id not in known:
                mode, _star, what = app.envs.get(DENY, "").partition("*")
                known[app.id] = Known(dict(app.envs), app.duplicating, app.atomic_idempotent, (mode, what))
        self.known = known

    # ---- duplication sync

    async def duplication_sync_forever(self) -> None:
        """Report progress to the meta server and learn its duplications, every 10 s."""
        clock = self.cluster.clock
        due = clock.now() + self.cluster.rng.uniform(0, DEFAULT_SYNC)
        while True:
            await clock.sleep(max(due - clock.now(), MIN_PAUSE * clock.factor))
            if self.alive and self.cluster.meta.answers and self.cluster.settings.duplication_enabled:
                self.cluster.meta.duplications.sync(self)
            due = max(due + int(self.flags["duplication_sync_period_second"]), clock.now())

    def duplicators(self) -> t.Iterator[tuple[Partition, Duplicator]]:
        """The duplicators of the partitions whose primary is here."""
        for partition, primary in self.hosted():
            if primary:
                for duplicator in partition.duplicators.values():
                    yield partition, duplicator

    # ---- data path

    def accept_write(self, gpid: tuple[int, int], size: int, idempotent: bool) -> Partition:
        """The partition that a write goes to, or the error that the write path's order gives."""
        partition = self.replica(gpid)
        known = self.known.get(gpid[0])
        if known is not None:
            self._deny(known.denies("write"))
            if size > int(self.flags["max_allowed_write_size"]):
                raise HeaderError("ERR_INVALID_DATA")
            if not idempotent and known.duplicating and not known.atomic_idempotent:
                partition.rejected_non_idempotent += 1
                raise HeaderError("ERR_OPERATION_DISABLED")
        if partition.splitting:
            raise HeaderError("ERR_SPLITTING")
        if partition.primary != self.address:
            raise HeaderError("ERR_INVALID_STATE")
        nodes = self.cluster.nodes
        living = 1 + sum(1 for a in partition.secondaries if nodes[a].alive)
        if living < min(2, partition.app.replicas):
            raise HeaderError("ERR_NOT_ENOUGH_MEMBER")
        return partition

    def accept_read(self, gpid: tuple[int, int]) -> Partition:
        """The partition that a read goes to, or the error."""
        partition = self.replica(gpid)
        known = self.known.get(gpid[0])
        if known is not None:
            self._deny(known.denies("read"))
        if partition.primary != self.address:
            raise HeaderError("ERR_INVALID_STATE")
        return partition

    def replica(self, gpid: tuple[int, int]) -> Partition:
        """The partition if a replica of it is here; ERR_OBJECT_NOT_FOUND otherwise."""
        partition = self.cluster.partition(*gpid)
        if (
            partition is None
            or partition.app.status == model.DROPPED
            or (partition.primary != self.address and self.address not in partition.secondaries)
        ):
            raise HeaderError("ERR_OBJECT_NOT_FOUND")
        return partition

    @staticmethod
    def _deny(mode: str) -> None:
        if mode == "timeout":
            raise NoAnswer()
        if mode == "reconfig":
            raise HeaderError("ERR_INVALID_STATE")

    # ---- life and death

    def kill(self) -> None:
        """Die: connections are refused; the meta server notices after its failure detection."""
        self.alive = False
        self.known = {}
        self.on_alive(False)
        self.cluster.spawn(self.cluster.meta.bury(self))

    def revive(self) -> None:
        """Come back with the flags of the ini file; the meta server gives it back what it was dropped from."""
        self.alive = True
        self.flags = flags.defaults()
        self.started = int(self.cluster.clock.epoch())
        for partition, primary in self.hosted():
            if primary:
                partition.duplicators.clear()
        if self.cluster.meta.answers:
            self.config_sync()
        self.on_alive(True)
        self.cluster.spawn(self.cluster.meta.welcome(self))
