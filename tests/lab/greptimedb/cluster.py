# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated cluster: tables and routes, datanodes, the frontend's view of them, and what is held where."""

from __future__ import annotations

import asyncio
import random
import typing as t

from lab.clock import LabClock
from lab.faults import Faults
from lab.greptimedb.datanode import Datanode
from lab.greptimedb.errors import ServerError
from lab.greptimedb.layout import lay_out
from lab.greptimedb.model import Region, Replica, Table
from lab.greptimedb.profiles import Profile
from lab.greptimedb.settings import Settings, Span
from lab.greptimedb.storage import Storage, log_place, storage_place
from lab.intervals import IntervalSet
from lab.ledger import Ledger

ENGINE_FAULTS = (
    "pid_never_registered",
    "false_done",
    "stuck_running",
    "stuck_retrying",
    "stuck_downgrading",
    "procedure_failed",
    "target_dies_mid_way",
    "source_dies_mid_way",
    "metasrv_failover_mid_way",
    "forget_procedures",
    "stale_statistics",
    "frontend_restart",
    "resubmitted",
)


class Cluster:
    """Data plane of one cluster. Routes change only through ``set_route``, replicas only through the datanodes."""

    def __init__(self, profile: Profile, meta: Profile, settings: Settings, clock: LabClock, faults: Faults) -> None:
        self.profile = profile
        self.meta = meta
        self.settings = settings
        self.clock = clock
        self.faults = faults
        self.rng = random.Random(settings.seed)
        self.storage = Storage()
        self.tables: dict[int, Table] = {}
        self.regions: dict[int, Region] = {}
        self.frontend_up = True
        self.frontend_started = 0.0
        self.ledger = Ledger(clock, self.holds)
        self.background: set[asyncio.Task[None]] = set()
        self.nodes: dict[int, Datanode] = {n: Datanode(n, self) for n in range(settings.datanodes)}
        lay_out(self)

    # --- small helpers ---

    def draw(self, span: Span) -> float:
        """One value of a configured duration or rate."""
        return self.rng.uniform(*span) if isinstance(span, tuple) else float(span)

    async def pause(self, name: str) -> None:
        """Let one occurrence of a configured duration pass."""
        await self.clock.sleep(self.draw(getattr(self.settings.durations, name)))

    def spawn(self, work: t.Coroutine[t.Any, t.Any, None]) -> asyncio.Task[None]:
        """Run something beside everything else, kept alive until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    def table_by_name(self, schema: str, name: str) -> Table | None:
        """A table by its name."""
        for table in self.tables.values():
            if table.name == name and table.schema == schema:
                return table
        return None

    def schemas(self) -> list[str]:
        """Schema names in order."""
        return sorted({"information_schema", "greptime_private", "public"} | {x.schema for x in self.tables.values()})

    def logical_tables(self, table: Table) -> list[Table]:
        """Logical tables on a physical one."""
        return [x for x in self.tables.values() if x.physical is table]

    # --- routes ---

    def set_route(self, region: Region, *, leader: int | None = None, state: str | None = None) -> None:
        """Change a region's route in the kv store; the table's route version tells others of it."""
        if leader is not None:
            region.switches += leader != region.leader
            region.leader = leader
            if leader in region.followers:
                region.followers.remove(leader)
        if state is not None:
            region.state = state
            region.since = self.clock.now() if state else None
        region.table.route_version += 1

    async def invalidate_cache(self, region: Region) -> None:
        """Tell the frontend that a route has changed; it takes a moment."""
        await self.pause("cache_invalidation")
        region.cached_leader = region.leader
        self.observe(region)

    def observe(self, region: Region) -> None:
        """Note in the ledger whether a write to the region would be accepted now."""
        if region.id in self.regions:
            self.ledger.writable(region.id, self.refusal(region) is None)

    # --- reads and writes through the frontend ---

    def refusal(self, region: Region) -> ServerError | None:
        """Why a write sent now would be refused; None when it would be accepted."""
        if not self.frontend_up:
            return ServerError("Internal", "frontend is not up")
        node = None if region.cached_leader is None else self.nodes.get(region.cached_leader)
        if node is None or not node.alive:
            return ServerError("Internal", "transport error: tcp connect error")
        replica = region.replicas.get(node.id)
        if replica is None:
            return ServerError("RegionNotFound", "Region not found, region id: %s" % region.text)
        if not replica.writable:
            return ServerError(*self.profile.write_refused(region.text))
        return None

    def write(self, region: Region, row: tuple[t.Any, ...] | None = None) -> None:
        """One write of a client, acknowledged by returning; raises ServerError when refused."""
        refused = self.refusal(region)
        if refused is not None:
            self.ledger.refuse(region.id)
            if refused.code == "RegionNotFound":
                region.cached_leader = region.leader
                self.observe(region)
            raise refused
        node = self.nodes[t.cast(int, region.cached_leader)]
        sequence = region.next_sequence
        region.next_sequence += 1
        node.apply(region, sequence)
        if row is not None:
            region.user_rows[sequence] = row
        self.ledger.acknowledge(region.id, sequence)

    def held_by(self, region: Region, node: Datanode) -> IntervalSet:
        """What a datanode holds of a region; of a dead one what it will have again after its restart."""
        held = self.storage.flushed(storage_place(node.config, node.id), region.id).copy()
        replica = region.replicas.get(node.id)
        if replica is not None:
            held.update(replica.memtable)
        elif not node.alive:
            log = log_place(node.config, node.id)
            if log is not None:
                held.update(self.storage.logged(log, region.id))
        return held

    def holds(self, region_id: int) -> IntervalSet:
        """What the region's leader really holds."""
        region = self.regions.get(region_id)
        if region is None or region.leader is None:
            return IntervalSet()
        return self.held_by(region, self.nodes[region.leader])

    # --- nodes and frontend ---

    def open_replica(self, region: Region, node: Datanode, leader: bool) -> Replica:
        """Open a region on a datanode: flushed data is there, nothing of the log."""
        replica = Replica(node.id, leader)
        region.replicas[node.id] = replica
        node.regions[region.id] = region
        return replica

    def close_replica(self, region: Region, node: int) -> None:
        """Close a region on a datanode."""
        region.replicas.pop(node, None)
        self.nodes[node].regions.pop(region.id, None)

    async def restart_frontend(self, down: t.Callable[[], None], up: t.Callable[[], t.Awaitable[None]]) -> None:
        """Stop the frontend, cut its connections, and start it again with an empty route cache."""
        self.frontend_up = False
        down()
        for region in self.regions.values():
            self.observe(region)
        await self.pause("restart")
        await up()
        self.frontend_up = True
        self.frontend_started = self.clock.now()
        for region in self.regions.values():
            region.cached_leader = region.leader
            self.observe(region)

    def drop_table(self, table: Table) -> None:
        """Remove a table and, unless it is logical, its regions."""
        self.tables.pop(table.id, None)
        if table.physical is not None:
            return
        for region in table.regions:
            for node in list(region.replicas):
                self.close_replica(region, node)
            self.regions.pop(region.id, None)
            self.ledger.drop(region.id)
            self.storage.drop(region.id)
