# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One datanode: its regions, its lease and heartbeats, flush and catch-up, death and return."""

from __future__ import annotations

import typing as t

from lab.greptimedb.model import NodeConfig, Region, Replica
from lab.greptimedb.storage import log_place, storage_place
from lab.intervals import IntervalSet

if t.TYPE_CHECKING:
    from lab.greptimedb.cluster import Cluster


class NodeDown(Exception):
    """The datanode cannot be reached."""


async def ignoring_death(work: t.Awaitable[None]) -> None:
    """Work on a datanode that nobody waits for."""
    try:
        await work
    except NodeDown:
        return


class Report(t.NamedTuple):
    """What a heartbeat says of one region."""

    role: str
    memtable_bytes: int
    sst_bytes: int
    rows: int


class Datanode:
    """A datanode and the state that metasrv has from its heartbeats."""

    def __init__(self, node_id: int, cluster: Cluster) -> None:
        self.id = node_id
        self.cluster = cluster
        self.config = NodeConfig(wal_provider=cluster.settings.wal, storage_type=cluster.settings.storage)
        self.alive = True
        self.started = 0.0
        self.address = "datanode-%d:3001" % node_id
        self._heard = 0.0
        self.regions: dict[int, Region] = {}
        self.reports: dict[int, Report] = {}

    @property
    def last_heartbeat(self) -> float:
        """When metasrv last heard from this node, in lab seconds.

        A node that lives sends on time, however late this process comes to it: on a busy machine at a high clock
        factor a few tenths of a second are a whole lease, and no datanode is to die of them.
        """
        if not self.alive:
            return self._heard
        now, every = self.cluster.clock.now(), self.cluster.settings.durations.heartbeat
        return self._heard + (now - self._heard) // every * every

    @property
    def leased(self) -> bool:
        """True while metasrv holds a live lease of this node."""
        return self.cluster.clock.now() - self.last_heartbeat < self.cluster.settings.durations.lease

    # --- heartbeats ---

    async def heartbeat_forever(self) -> None:
        """Send a heartbeat every few seconds as long as the lab runs."""
        cluster = self.cluster
        await cluster.clock.sleep(cluster.rng.uniform(0, cluster.settings.durations.heartbeat))
        while True:
            if self.alive:
                self.heartbeat()
            await cluster.clock.sleep(cluster.settings.durations.heartbeat)

    def heartbeat(self) -> None:
        """Renew the lease, report every region, and obey the answer: what metasrv's route says of each region."""
        cluster = self.cluster
        now = cluster.clock.now()
        self._heard = now
        for region in list(self.regions.values()):
            self._obey_route(region, region.replicas[self.id], now)
        if not cluster.faults.active("stale_statistics"):
            rows = cluster.settings.rows_per_write
            self.reports = {
                key: Report(
                    region.replicas[self.id].role,
                    region.replicas[self.id].memtable_bytes,
                    region.sst_bytes,
                    region.next_sequence * rows,
                )
                for key, region in self.regions.items()
            }

    def _obey_route(self, region: Region, replica: Replica, now: float) -> None:
        if region.leader == self.id and not region.state:
            if not replica.writable:  # a rolled-back downgrade: the lease makes it leader again
                replica.leader = replica.writable = True
                self.cluster.observe(region)
        elif region.leader != self.id and replica.closes_at is not None and now >= replica.closes_at:
            self.cluster.close_replica(region, self.id)

    # --- data ---

    def apply(self, region: Region, sequence: int) -> None:
        """Take one write: log and memtable."""
        replica = region.replicas[self.id]
        replica.memtable.add(sequence)
        replica.memtable_bytes += self.cluster.settings.write_bytes
        log = log_place(self.config, self.id)
        if log is not None:
            self.cluster.storage.logged(log, region.id).add(sequence)
        if replica.memtable_bytes > self.cluster.settings.auto_flush_bytes and not replica.flushing:
            replica.flushing = True
            self.cluster.spawn(self._auto_flush(region, replica))

    async def _auto_flush(self, region: Region, replica: Replica) -> None:
        await ignoring_death(self.flush(region))
        replica.flushing = False

    def flush_seconds(self, replica: Replica) -> float:
        """How long a flush of the memtable takes."""
        durations = self.cluster.settings.durations
        return self.cluster.draw(durations.flush) + replica.memtable_bytes / self.cluster.draw(
            durations.flush_bytes_per_second
        )

    async def flush(self, region: Region, seconds: float | None = None) -> None:
        """Write the memtable as it is now to storage. Raises NodeDown when the node dies meanwhile."""
        replica = self.replica(region)
        frozen, size = replica.memtable.copy(), replica.memtable_bytes
        await self.cluster.clock.sleep(self.flush_seconds(replica) if seconds is None else seconds)
        if self.replica(region) is not replica:
            raise NodeDown()
        self.cluster.storage.flushed(storage_place(self.config, self.id), region.id).update(frozen)
        replica.memtable = replica.memtable.minus(frozen)
        replica.memtable_bytes = max(0, replica.memtable_bytes - size)
        region.sst_bytes += size // 4

    def replica(self, region: Region) -> Replica:
        """This node's replica of a region; NodeDown when the node is dead or does not have it."""
        replica = region.replicas.get(self.id)
        if not self.alive or replica is None:
            raise NodeDown()
        return replica

    def to_replay(self, region: Region, *, after_restart: bool) -> IntervalSet:
        """Logged writes that are not flushed and that a catch-up on this node would bring back.

        From 0.9.4 a migration does not replay a local log (the source was flushed); a restart always does.
        """
        log = log_place(self.config, self.id)
        if log is None or (
            self.config.wal_provider != "kafka" and not after_restart and self.cluster.profile.flush_on_downgrade
        ):
            return IntervalSet()
        flushed = self.cluster.storage.flushed(storage_place(self.config, self.id), region.id)
        return self.cluster.storage.logged(log, region.id).minus(flushed)

    def catch_up(self, region: Region, *, after_restart: bool = False) -> None:
        """Bring the replayed writes into the memtable."""
        replica = self.replica(region)
        replica.memtable = self.to_replay(region, after_restart=after_restart)
        replica.memtable_bytes = len(replica.memtable) * self.cluster.settings.write_bytes

    # --- death and return ---

    def kill(self) -> None:
        """The process dies: memtables are gone, heartbeats stop, the last reports stay with metasrv."""
        self._heard = self.last_heartbeat
        self.alive = False
        for region in list(self.regions.values()):
            self.cluster.close_replica(region, self.id)
            self.cluster.observe(region)

    def revive(self) -> None:
        """The process is back: regions that the route gives to it are opened and their log is replayed."""
        self.alive = True
        self.started = self.cluster.clock.now()
        for region in self.cluster.regions.values():
            if region.leader == self.id:
                replica = self.cluster.open_replica(region, self, leader=True)
                self.catch_up(region, after_restart=True)
                replica.writable = not region.state
                self.cluster.observe(region)
            elif self.id in region.followers:
                self.cluster.open_replica(region, self, leader=False)
        self.heartbeat()
