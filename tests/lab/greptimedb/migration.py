# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The region migration procedure, step by step (facts 7)."""

from __future__ import annotations

import contextlib
import typing as t

from lab.greptimedb.datanode import Datanode, NodeDown, ignoring_death
from lab.greptimedb.errors import ServerError
from lab.greptimedb.model import Region
from lab.greptimedb.procedures import RetryLater
from lab.greptimedb.storage import storage_place

if t.TYPE_CHECKING:
    from lab.greptimedb.metasrv import Metasrv

TRIES = 3
TRY_PAUSE = 0.5
FOREVER = 10**9
UPGRADE_FAILED = "The region migration procedure aborted, reason: Failed to upgrade the candidate region."


class Migration:
    """One migration. ``state`` names the next step; only the first transition is saved for another leader."""

    def __init__(
        self, metasrv: Metasrv, region: Region, source: int, target: int, timeout: float, trigger: str, pid: str
    ) -> None:
        self.metasrv = metasrv
        self.cluster = metasrv.cluster
        self.region = region
        self.source = source
        self.target = target
        self.timeout = timeout
        self.trigger = trigger
        self.pid = pid
        self.state = "start"
        self.persisted = False
        self._spent = 0.0

    @property
    def _source(self) -> Datanode:
        return self.cluster.nodes[self.source]

    @property
    def _target(self) -> Datanode:
        return self.cluster.nodes[self.target]

    # --- the procedure framework's side ---

    async def step(self) -> bool:
        """Do the step that ``state`` names; True when the procedure is finished."""
        await self._faults()
        if self.region.id not in self.cluster.regions:
            raise ServerError("Unexpected", "Failed to find table route for %d" % self.region.table.id)
        steps: dict[str, t.Callable[[], t.Awaitable[str]]] = {
            "start": self._start,
            "open_candidate": self._open_candidate,
            "pre_flush": self._pre_flush,
            "downgrade_metadata": self._downgrade_metadata,
            "downgrade": self._downgrade,
            "upgrade": self._upgrade,
            "upgrade_metadata": self._upgrade_metadata,
            "close": self._close,
            "rollback_metadata": self._abort,
        }
        self.state = await steps[self.state]()
        return self.state == "end"

    def resume(self) -> None:
        """Another leader goes on from the saved transition; the time spent is forgotten."""
        self.state = "open_candidate"
        self._spent = 0.0

    async def rollback(self) -> None:
        """Give the leader its state back when retries are exhausted."""
        while True:
            try:
                return await self._restore_route()
            except RetryLater:
                await self.cluster.clock.sleep(TRY_PAUSE)

    def ended(self, status: str, error: str) -> None:
        """Write history, and let the region be migrated again at the end."""
        nodes = self.cluster.nodes
        facts = {
            "region_id": self.region.id,
            "table_id": self.region.table.id,
            "region_number": self.region.number,
            "region_migration_trigger_reason": self.trigger,
            "region_migration_src_node_id": self.source,
            "region_migration_src_peer_addr": nodes[self.source].address,
            "region_migration_dst_node_id": self.target,
            "region_migration_dst_peer_addr": nodes[self.target].address,
            "timeout": self.timeout,
        }
        self.metasrv.events.migration(self.pid, status, error, facts)
        if status in ("Done", "Failed"):
            self.metasrv.release(self.region.id, self.pid)

    # --- faults ---

    async def _faults(self) -> None:
        faults, cluster = self.cluster.faults, self.cluster

        def struck(kind: str, step: str = "") -> bool:
            # without a step given, a fault strikes where it hurts: in the middle
            at = step or ("downgrade" if kind == "source_dies_mid_way" else "upgrade")
            wanted = [r for r in faults.rules if r.kind == kind and not r.on_request and (r.step or at) == self.state]
            return bool(wanted) and faults.for_region(kind, self.region.id, self.state) is not None

        if struck("source_dies_mid_way"):
            self._source.kill()
        if struck("target_dies_mid_way"):
            self._target.kill()
        if struck("stuck_running", "open_candidate"):
            await cluster.clock.sleep(FOREVER)
        if struck("metasrv_failover_mid_way"):
            self.metasrv.election_in_background()
            await cluster.clock.sleep(FOREVER)  # cancelled with the leader
        if struck("stuck_downgrading"):
            self.metasrv.manager.procedures.pop(self.pid, None)
            self.metasrv.release(self.region.id, self.pid)
            raise ServerError("Internal", "procedure lost")
        if struck("stuck_retrying", "open_candidate"):
            raise RetryLater("Failed to open candidate region %s" % self.region.text)
        if struck("procedure_failed"):
            self.state = "rollback_metadata"

    # --- the steps ---

    async def _start(self) -> str:
        await self.cluster.pause("start")
        if self.cluster.faults.for_region("false_done", self.region.id) is not None:
            return "end"
        if self.region.leader != self.source:
            return "end"  # also when the region is on another datanode: Done without a move
        self.persisted = True
        return "open_candidate"

    async def _open_candidate(self) -> str:
        if self.region.leader == self.target:  # resumed: the former metasrv leader got this far
            await self.cluster.invalidate_cache(self.region)
            return "close"
        seconds = self.cluster.draw(self.cluster.settings.durations.open_candidate)
        limit = self.cluster.meta.open_timeout
        if not self._target.alive or seconds > limit:
            await self.cluster.clock.sleep(limit)
            raise RetryLater("Mailbox received timeout for open candidate region %s" % self.region.text)
        await self.cluster.clock.sleep(seconds)
        if self._target.config.storage_type.lower() == "file" and self.cluster.profile.refuses_local_storage:
            text = "Region %s does not satisfy requirement 'object storage': local file storage" % self.region.text
            raise ServerError("InvalidArguments", text)
        place = storage_place(self._target.config, self.target)
        if place != storage_place(self._source.config, self.source):
            raise RetryLater("EmptyRegionDir: Empty region directory, region_id: %s" % self.region.text)
        if self.target in self.region.replicas:  # left over from an earlier migration the other way
            self.region.replicas[self.target].closes_at = None
        else:
            self.cluster.open_replica(self.region, self._target, leader=False)
        return "pre_flush" if self.cluster.meta.pre_flush else "downgrade_metadata"

    async def _pre_flush(self) -> str:
        """Best effort: a flush that takes longer than the timeout goes on alone."""
        try:
            seconds = self._source.flush_seconds(self._source.replica(self.region))
            flush = self._source.flush(self.region, seconds)
            if seconds <= self.timeout:
                await flush
            else:
                self.cluster.spawn(ignoring_death(flush))
                await self.cluster.clock.sleep(self.timeout)
        except NodeDown:
            await self.cluster.clock.sleep(TRY_PAUSE)
        return "downgrade_metadata"

    async def _update_route(self, **route: t.Any) -> None:
        """Read, change and compare-and-put the table's route. From 0.15 under a short lock on the table."""
        table = self.region.table
        async with contextlib.AsyncExitStack() as stack:
            if not self.cluster.meta.table_lock:
                keys = [("Exclusive", "__table_lock/%d" % table.id)]
                await stack.enter_async_context(self.metasrv.manager.locks.hold(keys))
            version = table.route_version
            await self.cluster.pause("route_update")
            if table.route_version != version:
                raise RetryLater("Failed to update the table route, table_id: %d" % table.id)
            self.cluster.set_route(self.region, **route)

    async def _downgrade_metadata(self) -> str:
        if self.region.leader == self.source and not self.region.state:
            await self._update_route(state="downgrading")
        return "downgrade"

    def _left(self) -> float:
        return self.timeout - self._spent

    async def _spend(self, seconds: float) -> bool:
        """Let that much of the time budget pass; False when the budget ends before."""
        if not self.cluster.meta.timeout_is_budget:
            await self.cluster.clock.sleep(seconds)
            return True
        enough = seconds <= self._left()
        seconds = seconds if enough else max(0.0, self._left())
        await self.cluster.clock.sleep(seconds)
        self._spent += seconds
        return enough

    async def _downgrade(self) -> str:
        try:
            if not await self._spend(self.cluster.draw(self.cluster.settings.durations.downgrade)):
                return "rollback_metadata"
            replica = self._source.replica(self.region)
            replica.writable = False
            self.cluster.observe(self.region)
            if replica.leader and self.cluster.profile.flush_on_downgrade and replica.memtable:
                seconds = self._source.flush_seconds(replica)
                if seconds > self._left() and self.cluster.meta.timeout_is_budget:
                    await self._spend(seconds)
                    return "rollback_metadata"
                self._spent += seconds
                await self._source.flush(self.region, seconds)
            self._source.replica(self.region).leader = False
        except NodeDown:
            await self._wait_for_lease()
        return "upgrade"

    async def _wait_for_lease(self) -> None:
        """The slow path: the source cannot be reached, so wait until it certainly serves no more."""
        durations, clock = self.cluster.settings.durations, self.cluster.clock
        left = self._source.last_heartbeat + durations.lease - clock.now()
        await clock.sleep(max(0.0, left) if self.cluster.meta.version >= "0.15.0" else durations.lease)

    async def _upgrade(self) -> str:
        budget = self.cluster.meta.timeout_is_budget
        durations = self.cluster.settings.durations
        replayed = 0.0
        for _dummy in range(TRIES):
            replica = self.region.replicas.get(self.target)
            if replica is None or not self._target.alive:
                await self.cluster.clock.sleep(TRY_PAUSE)
                continue
            if replica.writable:
                return "upgrade_metadata"
            writes = len(self._target.to_replay(self.region, after_restart=False))
            seconds = self.cluster.draw(durations.catch_up) - replayed
            seconds += writes * self.cluster.settings.write_bytes / self.cluster.draw(durations.replay_bytes_per_second)
            if not budget and seconds > self.timeout:
                await self.cluster.clock.sleep(self.timeout)
                replayed += self.timeout
                continue
            if not await self._spend(seconds):
                break
            try:
                self._target.catch_up(self.region)
            except NodeDown:
                continue
            replica.leader = replica.writable = True
            return "upgrade_metadata"
        return "rollback_metadata"

    async def _upgrade_metadata(self) -> str:
        await self._update_route(leader=self.target, state="")
        await self.cluster.invalidate_cache(self.region)
        return "close"

    async def _close(self) -> str:
        if self.cluster.meta.close_source:
            await self.cluster.pause("close_region")
            self.cluster.close_replica(self.region, self.source)
        elif self.source in self.region.replicas:
            lease = self.cluster.settings.durations.lease
            self.region.replicas[self.source].closes_at = self.cluster.clock.now() + lease
        return "end"

    async def _restore_route(self) -> None:
        """Give the route its leader back; the source becomes writable with its next heartbeat."""
        if self.region.state:
            await self._update_route(state="")
        if self.region.leader != self.target and self.target not in self.region.followers:
            self.cluster.close_replica(self.region, self.target)

    async def _abort(self) -> str:
        await self._restore_route()
        raise ServerError("Unexpected", UPGRADE_FAILED)
