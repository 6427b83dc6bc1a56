# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metasrv group: who leads, submissions with their checks in order, modes, elections (facts 1.4, 1.5, 2)."""

from __future__ import annotations

import asyncio

from lab.greptimedb.cluster import Cluster
from lab.greptimedb.errors import ServerError
from lab.greptimedb.events import Events
from lab.greptimedb.locks import Key
from lab.greptimedb.migration import Migration
from lab.greptimedb.model import CATALOG, Region, Table, render
from lab.greptimedb.procedures import Procedure, ProcedureManager

MIGRATION_TYPE = "metasrv-procedure::RegionMigration"
NOT_LEADER = "Unexpected, violated: Trying to submit a region migration procedure to non-leader meta server"
LEADER_PATIENCE = 10.0
"""Lab seconds for which the frontend's client looks for a leader."""


class Metasrv:
    """All metasrvs of a cluster: one kv store, one leader with the procedure manager."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.count = cluster.settings.metasrvs
        self.leader: int | None = 0
        self.maintenance = False
        self.recovery = False
        self.manager = ProcedureManager(cluster)
        self.events = Events(cluster)
        self.migrating: dict[int, str] = {}
        self.addresses: list[str] = ["metasrv-%d:3002" % n for n in range(self.count)]
        self.frontend_address = "frontend-0:4001"
        self._elected = asyncio.Event()
        self._elected.set()

    async def with_leader(self) -> None:
        """Wait for a leader as the frontend's client does; an error when there is none for long."""
        try:
            async with asyncio.timeout(LEADER_PATIENCE / self.cluster.clock.factor):
                await self._elected.wait()
        except asyncio.TimeoutError:
            raise ServerError("Internal", "No leader, should ask leader first") from None

    # --- submission ---

    async def submit(
        self, region_id: int, source: int, target: int, timeout: float, trigger: str = "Manual"
    ) -> str | None:
        """Check and accept one migration. Returns its pid, or None when the region is on the target already."""
        if self.cluster.faults.for_region("resubmitted", region_id) is not None:
            self._submit(region_id, source, target, timeout, trigger)
        return self._submit(region_id, source, target, timeout, trigger)

    def _submit(self, region_id: int, source: int, target: int, timeout: float, trigger: str) -> str | None:
        region = self._checked(region_id, source, target, trigger)
        if region is None:
            if self.cluster.meta.already_there_is_error:
                text = "The region migration procedure is completed for region: %s, target_peer: %d"
                raise ServerError("Unexpected", text % (render(region_id), target))
            return None
        pid = self.manager.new_pid()
        body = Migration(self, region, source, target, timeout, trigger, pid)
        procedure = Procedure(pid, MIGRATION_TYPE, self._migration_locks(region), body, region.id)
        if self.cluster.meta.duplicate_guard:
            self.migrating[region_id] = pid
        if self.cluster.faults.for_region("pid_never_registered", region_id) is not None:
            self.release(region_id, pid)
        else:
            self.cluster.spawn(self.manager.register(procedure, lambda: self.release(region_id, pid)))
        return pid

    def release(self, region_id: int, pid: str) -> None:
        """Let the region be migrated again."""
        if self.migrating.get(region_id) == pid:
            del self.migrating[region_id]

    def _checked(self, region_id: int, source: int, target: int, trigger: str) -> Region | None:
        """All checks of a submission in metasrv's order; None when there is nothing to do."""
        cluster, meta = self.cluster, self.cluster.meta
        for peer in (source, target):
            node = cluster.nodes.get(peer)
            lost_on_purpose = trigger == "Failover" and peer == source
            if node is None or not (node.leased or lost_on_purpose):
                raise ServerError(meta.peer_down_code, "The target peer is unavailable temporally: %d" % peer)
        if region_id in self.migrating:
            text = "Another migration procedure is running for region: %s" % render(region_id)
            raise ServerError("Unexpected", text)
        if source == target:
            raise ServerError("InvalidArguments", "Invalid arguments: The `from_peer_id` can't equal `to_peer_id` ")
        table = cluster.tables.get(region_id >> 32)
        if table is None:
            raise ServerError("Unexpected", "Failed to find table route for %d" % (region_id >> 32))
        if table.physical is not None:
            raise ServerError("Unexpected", self._logical_text(region_id, source, target, trigger))
        region = cluster.regions.get(region_id)
        if region is None:
            raise ServerError("Unexpected", "Failed to find table route for %s" % render(region_id))
        if region.leader is None:
            raise ServerError("Unexpected", "Unexpected, violated: Region route leader peer is not found")
        if region.leader == target and not region.state:
            return None
        self._check_peers(region, source, target)
        if table.info_lost:
            raise ServerError("Unexpected", "Table info not found: %d" % table.id)
        return region

    def _check_peers(self, region: Region, source: int, target: int) -> None:
        recent = self.cluster.meta.version >= "0.14.0"
        if region.leader != source:
            text = "Invalid arguments: Invalid region migration `from_peer` argument"
            if recent:
                text = "Region's leader peer changed: Region's leader peer(%d) is not the `from_peer`(%d), region: %s"
                text %= (region.leader, source, region.text)
            raise ServerError("InvalidArguments", text)
        if recent and target in region.followers:
            text = "Invalid arguments: The `to_peer`(%d) is already has a region follower, region: %s"
            raise ServerError("InvalidArguments", text % (target, region.text))

    def _logical_text(self, region_id: int, source: int, target: int, trigger: str) -> str:
        nodes, version = self.cluster.nodes, self.cluster.meta.version
        return (
            "Unexpected, violated: Trying to execute region migration on the logical table, task %sregion: %s, "
            "from_peer: peer-%d(%s), to_peer: peer-%d(%s)%s"
        ) % (
            "cluster: 0, " if version < "0.13.0" else "",
            render(region_id),
            source,
            nodes[source].address,
            target,
            nodes[target].address,
            ", trigger_reason: %s" % trigger if version >= "0.15.0" else "",
        )

    def _migration_locks(self, region: Region) -> list[Key]:
        kind = self.cluster.meta.table_lock
        keys = self.schema_locks(region.table)
        if kind:
            keys.append((kind, "__table_lock/%d" % region.table.id))
        return keys + [("Exclusive", "__region_lock/%d" % region.id)]

    @staticmethod
    def schema_locks(table: Table) -> list[Key]:
        """The locks on catalog and schema that every procedure on a table shares."""
        schema = "__schema_lock/%s.%s" % (CATALOG, table.schema)
        return [("Share", "__catalog_lock/%s" % CATALOG), ("Share", schema)]

    # --- state ---

    def state(self, pid: str) -> tuple[str, str]:
        """(status word, error text) of a procedure; ServerError when it is not known."""
        found = self.manager.procedures.get(pid)
        if found is None:
            raise ServerError("InvalidArguments", "Procedure not found: %s" % pid)
        return found.status, self.manager.error_text(found)

    # --- elections ---

    async def failover(self, *, restart: bool = False) -> None:
        """The leader goes; after an election another one leads (``restart``: the same one again)."""
        if self.leader is None:
            return
        former = self.leader
        self.leader = None
        self._elected.clear()
        saved = self.manager.stop()
        self.migrating = {}
        await self.cluster.pause("restart" if restart else "election")
        self.leader = former if restart else (former + 1) % self.count
        if self.cluster.meta.duplicate_guard:
            self.migrating = {p.region: p.pid for p in saved if p.region}
        self.manager.lead(saved)
        self._elected.set()

    def election_in_background(self, *, restart: bool = False) -> None:
        """Start ``failover`` without waiting for its end."""
        self.cluster.spawn(self.failover(restart=restart))

    async def procedure(self, procedure: Procedure) -> Procedure:
        """Register a procedure other than a migration and wait for its end (DDL)."""
        accepted = [True]

        def rejected() -> None:
            accepted[0] = False

        await self.manager.register(procedure, rejected)
        if not accepted[0] or procedure.task is None:
            text = "Manager is pasued" if self.manager.paused else "Too many running procedures, max: %d"
            raise ServerError("Internal", text if self.manager.paused else text % self.manager.limit)
        try:
            await asyncio.shield(procedure.task)
        except asyncio.CancelledError:
            if not procedure.task.cancelled():
                raise
            raise ServerError("Internal", "the leader has changed") from None
        return procedure
