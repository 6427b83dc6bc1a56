# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the Pegasus engine: what they are called, and what they do when they strike."""

from __future__ import annotations

import typing as t

from lab.faults import Rule
from lab.pegasus import model
from lab.pegasus.cluster import Cluster
from lab.pegasus.node import ReplicaServer

if t.TYPE_CHECKING:
    from lab.pegasus.server import PegasusLab

LASTING = frozenset(
    (
        "dup_stuck",
        "dup_fail_skip",
        "stale_progress",
        "frozen_counter",
        "partition_missing_in_progress",
        "config_sync_stalled",
        "lost_log",
        "follower_create_times_out",
    )
)
"""In effect as long as they are set."""
ON_REQUEST = frozenset(("dup_paused", "node_dead", "primary_moves", "meta_failover", "refuse_connections"))
"""At once, or after a request that matches."""
ENGINE_FAULTS = LASTING | ON_REQUEST
EVERY_PARTITION = "all"


class Strikes:
    """Does what rules of the engine's own kinds say."""

    def __init__(self, lab: PegasusLab) -> None:
        self._lab = lab
        self._refusing: set[str] = set()

    async def changed(self) -> None:
        """Strike at once what waits for no request."""
        for rule in self._lab.faults.rules:
            if rule.kind in ENGINE_FAULTS and not rule.on_request and not rule.hits and rule.strike():
                self.strike(rule)
        refusing = {rule.node for rule in self._lab.faults.rules if rule.kind == "refuse_connections"}
        for address in self._refusing - refusing:
            await self._open(address)

    def strike(self, rule: Rule) -> None:
        """Do what a rule of the engine's own kinds says, now."""
        cluster = self._lab.cluster(rule.cluster or "source")
        if rule.kind == "node_dead":
            node = cluster.nodes[rule.node or next(a for a, n in cluster.nodes.items() if n.alive)]
            node.kill()
            if rule.seconds:
                cluster.spawn(self._revive(cluster, node, rule.seconds))
        elif rule.kind == "refuse_connections":
            self._lab.doors[rule.node].pause()
            self._refusing.add(rule.node)
            if rule.seconds:
                cluster.spawn(self._open(rule.node, rule.seconds))
        elif rule.kind == "meta_failover":
            cluster.spawn(cluster.meta.failover())
        elif rule.kind == "primary_moves":
            self._move_primaries(cluster, rule)
        elif rule.kind == "dup_paused":
            for duplication in self._duplications(cluster, rule.table):
                if duplication.status == model.LOG:
                    duplication.status = model.PAUSE
        elif rule.kind == "dup_fail_skip":
            for duplication in self._duplications(cluster, rule.table):
                duplication.fail_mode = model.SKIP
        if rule.kind in LASTING and rule.seconds:
            cluster.spawn(self._lift(rule))

    async def _open(self, address: str, seconds: float = 0.0) -> None:
        """Accept connections again, unless the server is dead."""
        await self._lab.clock.sleep(seconds)
        self._refusing.discard(address)
        node = next((c.nodes[address] for c in self._lab.clusters.values() if address in c.nodes), None)
        if node is None or node.alive:
            await self._lab.doors[address].resume()

    async def _lift(self, rule: Rule) -> None:
        """End a lasting fault after its lab seconds."""
        await self._lab.clock.sleep(rule.seconds)
        if rule in self._lab.faults.rules:
            self._lab.faults.rules.remove(rule)

    async def _revive(self, cluster: Cluster, node: ReplicaServer, seconds: float) -> None:
        await cluster.clock.sleep(seconds)
        if not node.alive:
            node.revive()

    def _move_primaries(self, cluster: Cluster, rule: Rule) -> None:
        """One partition's primary (region_id, else the first), or all of the table's (step "all")."""
        app = self._lab.table(cluster, rule.table)
        every = rule.step == EVERY_PARTITION
        for partition in app.partitions if every else [app.partitions[rule.region_id or 0]]:
            cluster.move_primary(partition, rule.node if rule.node in partition.secondaries else "")

    @staticmethod
    def _duplications(cluster: Cluster, table: str) -> list[model.Duplication]:
        apps = [app for app in cluster.apps.values() if table in ("", app.name)]
        return [duplication for app in apps for duplication in app.duplications.values()]
