# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against moving these regions, judged from one snapshot. Pure: everything is found at once."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import applicable
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import known_bugs
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    ALIVE,
    DEAD,
    SUSPECT,
    UNKNOWN,
    Node,
    Region,
    Snapshot,
    Table,
    region_number_of,
    table_id_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.preflight_cluster import (
    CLUSTER,
    cluster_findings,
)

LARGE_MEMTABLE = 256 * 1024 * 1024
"""Bytes whose flush takes long enough to be felt in the write window."""
_SHOWN = 10
_OFFLINE_SOURCE = "https://github.com/GreptimeTeam/greptimedb/issues/8932"


class MoveLike(t.Protocol):
    """What is looked at of a move."""

    @property
    def region_id(self) -> int:
        """The region."""

    @property
    def from_peer(self) -> int:
        """The datanode that it leaves."""

    @property
    def to_peer(self) -> int:
        """The datanode that it goes to."""


def evaluate(
    snapshot: Snapshot,
    moves: t.Sequence[MoveLike],
    own_procedures: t.Collection[str],
    dialect: Dialect,
) -> list[Finding]:
    """All findings, in a stable order.

    :param moves: empty for a check of the whole cluster
    :param own_procedures: ids of procedures that our own journal knows; they are no obstacle
    """
    check = _Check(snapshot, moves, own_procedures, dialect)
    involved = {move.from_peer for move in moves} | {move.to_peer for move in moves}
    if not moves:
        involved = {node.id for node in snapshot.datanodes}
    findings = list(check.datanodes())
    findings.extend(cluster_findings(snapshot, dialect, {peer for peer in involved if peer in check.nodes}))
    findings.extend(check.moves_checked())
    findings.extend(check.regions_checked())
    version = snapshot.versions.metasrv or snapshot.versions.frontend
    if version is not None:
        findings.extend(applicable(known_bugs.KNOWN_BUGS, version, check.features()))
    return findings


def table_findings(snapshot: Snapshot, names: t.Sequence[str], schema: str) -> t.Iterator[Finding]:
    """Names of tables that do not exist, and names of logical tables, whose rows live elsewhere."""
    for name in names:
        qualified = name if "." in name else f"{schema}.{name}"
        found = [table for table in snapshot.tables if table.qualified == qualified]
        if not found:
            yield Finding(
                "greptimedb.table.unknown",
                "blocker",
                f"table {qualified}",
                "There is no such table in the catalog of the connection.",
                "Correct the name; write schema.table for a table that is not in the database of the connection.",
            )
        elif found[0].logical:
            yield Finding(
                "greptimedb.table.logical",
                "info",
                f"table {qualified}",
                {"physical_table": found[0].physical_table},
                "Its rows live in the physical table, whose regions are the ones that are checked and can be moved.",
            )


def _region(region_id: int) -> str:
    return f"region {region_id}"


class _Check:
    """The look-ups that all checks share."""

    def __init__(
        self,
        snapshot: Snapshot,
        moves: t.Sequence[MoveLike],
        own_procedures: t.Collection[str],
        dialect: Dialect,
    ) -> None:
        self.snapshot = snapshot
        self.moves = moves
        self.dialect = dialect
        self.nodes: dict[int, Node] = {node.id: node for node in snapshot.datanodes}
        self.regions: dict[int, Region] = {region.region_id: region for region in snapshot.physical_regions}
        self.tables: dict[int, Table] = {table.table_id: table for table in snapshot.tables}
        self.by_name: dict[str, Table] = {table.qualified: table for table in snapshot.tables}
        self.running = {
            region_id: procedure
            for procedure in snapshot.procedures or ()
            for region_id in procedure.region_ids
            if procedure.active
        }
        self.own = set(own_procedures)
        self.serving = {region.leader_peer for region in self.regions.values() if region.leader_peer is not None}

    def features(self) -> set[str]:
        """What is in use, by the names that known bugs are tied to."""
        found: set[str] = set()
        if any(config.local_wal for config in self.snapshot.configs):
            found.add(known_bugs.LOCAL_WAL)
        concerned = [self.regions[move.region_id] for move in self.moves if move.region_id in self.regions]
        tables = collections.Counter(region.table_id for region in concerned)
        if any(region.engine == "metric" for region in concerned or self.regions.values()):
            found.add(known_bugs.METRIC_ENGINE)
        if not self.moves or any(count > 1 for count in tables.values()):
            found.add(known_bugs.SHARED_TABLE)
        moved = {move.region_id: move.to_peer for move in self.moves}
        left = collections.Counter(moved.get(region.region_id, region.leader_peer) for region in self.regions.values())
        if any(not left[move.from_peer] for move in self.moves):
            found.add(known_bugs.EMPTIED_NODE)
        return found

    def datanodes(self) -> t.Iterator[Finding]:
        """Ids that do not exist, and nodes that are not known to be alive. Only what the moves need must be alive."""
        needed: dict[int, list[str]] = {}
        for role, peers in (
            ("source", {move.from_peer for move in self.moves}),
            ("target", {move.to_peer for move in self.moves}),
        ):
            for peer in sorted(peers):
                needed.setdefault(peer, []).append(role)
        for peer in sorted(set(needed) | set(self.nodes) | self.serving):
            node = self.nodes.get(peer)
            roles = " and ".join(needed.get(peer, []))
            if node is None and peer in self.serving:
                # Its lease is over for so long that it is not even listed, but routes still name it.
                yield self._not_alive(Node(peer, "datanode", "", alive=DEAD), roles)
            elif node is None:
                yield Finding(
                    "greptimedb.datanode.unknown",
                    "blocker",
                    f"datanode {peer}",
                    {"role": roles, "known": sorted(self.nodes)},
                    "The cluster has no datanode with this id; correct the plan.",
                )
            elif node.alive != ALIVE:
                yield self._not_alive(node, roles)
        alive = sum(node.alive == ALIVE for node in self.nodes.values())
        if not self.moves and alive < 2:
            yield Finding(
                "greptimedb.datanode.too_few",
                "blocker",
                CLUSTER,
                {"datanodes": len(self.nodes), "alive": alive},
                "Regions move between datanodes; at least two must be alive.",
            )

    def _not_alive(self, node: Node, roles: str) -> Finding:
        names = {
            DEAD: "greptimedb.datanode.dead",
            SUSPECT: "greptimedb.datanode.suspect",
            UNKNOWN: "greptimedb.datanode.liveness_unknown",
        }
        remedies = {
            DEAD: "Start it, or use another target. The server refuses a move whose source or target has no live lease "
            "(10 s), also when only the source is dead; regions of a dead datanode come back by region failover only.",
            SUSPECT: "Run preflight again in a few seconds: it has missed a heartbeat, but still has its lease.",
            UNKNOWN: "The cluster does not tell when it was last heard of. Look at the metasrv, and accept this "
            "finding if the datanode runs.",
        }
        severity = "warning" if node.alive == SUSPECT or not roles else "blocker"
        silent = None if node.active_seconds is None else format_duration(node.active_seconds)
        leaders = sum(region.leader_peer == node.id for region in self.regions.values())
        return Finding(
            names[node.alive],
            severity,
            f"datanode {node.id}",
            {"role": roles or None, "last_heartbeat": silent, "addr": node.addr, "regions": leaders},
            remedies[node.alive],
            _OFFLINE_SOURCE if node.alive == DEAD else "",
        )

    def moves_checked(self) -> t.Iterator[Finding]:
        """Each move against the placement."""
        there: list[int] = []
        for move in self.moves:
            if move.from_peer == move.to_peer:
                yield Finding(
                    "greptimedb.move.same_datanode",
                    "blocker",
                    _region(move.region_id),
                    {"from_peer": move.from_peer, "to_peer": move.to_peer},
                    "Source and target are the same; the server calls that an error. Take the move out of the plan.",
                )
            region = self.regions.get(move.region_id)
            if region is None:
                yield self._no_region(move.region_id)
            elif region.leader_peer == move.to_peer and not region.degraded:
                there.append(move.region_id)
            else:
                yield from self._move(move, region)
        if there:
            yield Finding(
                "greptimedb.region.already_there",
                "info",
                CLUSTER,
                {"count": len(there), "regions": there[:_SHOWN]},
                "Nothing to do: these moves cost no call.",
            )

    def _no_region(self, region_id: int) -> Finding:
        table = self.tables.get(table_id_of(region_id))
        if table is None or not table.logical:
            shown = {"table_id": table_id_of(region_id), "number": region_number_of(region_id)}
            return Finding(
                "greptimedb.region.unknown",
                "blocker",
                _region(region_id),
                {**shown, "table": None if table is None else table.qualified},
                "There is no such region (any more); make a new plan.",
            )
        physical = self.by_name.get(table.physical_table or "")
        instead = [
            region.region_id
            for region in self.regions.values()
            if physical is not None and region.table_id == physical.table_id
        ]
        number = region_number_of(region_id)
        same = [one for one in instead if region_number_of(one) == number]
        return Finding(
            "greptimedb.region.logical",
            "blocker",
            _region(region_id),
            {"table": table.qualified, "physical_table": table.physical_table, "regions": (same or instead)[:_SHOWN]},
            f"This is a region of the logical table {table.qualified}, which lives in {table.physical_table}: move the "
            + (f"region {same[0]} instead. " if same else "regions of that table instead. ")
            + "All logical tables on it move along.",
        )

    def _move(self, move: MoveLike, region: Region) -> t.Iterator[Finding]:
        subject = _region(move.region_id)
        if region.leader_peer is None:
            yield Finding(
                "greptimedb.region.no_leader",
                "blocker",
                subject,
                {"table": region.qualified},
                "Its route has no leader, so it cannot be migrated. Start the datanode that held it, or repair the "
                "route (ADMIN reconcile_table, from 0.15.5 on).",
            )
        elif region.leader_peer != move.from_peer:
            yield Finding(
                "greptimedb.region.leader_elsewhere",
                "blocker",
                subject,
                {"table": region.qualified, "from_peer": move.from_peer, "leader": region.leader_peer},
                f"The leader is on datanode {region.leader_peer}, not {move.from_peer}: make a new plan.",
            )
        if move.to_peer in region.followers:
            yield Finding(
                "greptimedb.region.follower_on_target",
                "blocker",
                subject,
                {"table": region.qualified, "to_peer": move.to_peer, "followers": list(region.followers)},
                "The target already holds a follower of it, which the server refuses. Choose another target, or remove "
                "the follower first (ADMIN remove_region_follower).",
            )
        procedure = self.running.get(move.region_id)
        if procedure is not None and procedure.procedure_id not in self.own:
            yield Finding(
                "greptimedb.region.migration_running",
                "blocker",
                subject,
                {"table": region.qualified, "procedure_id": procedure.procedure_id, "status": procedure.status},
                "Somebody else is migrating it. Wait until that is over; a run of this collection that was interrupted "
                "is continued with its own journal.",
            )
        if region.leader_status.upper() == "STAGING":
            yield Finding(
                "greptimedb.region.staging",
                "warning",
                subject,
                {"table": region.qualified},
                "It is being repartitioned. Wait until that is over.",
            )

    def regions_checked(self) -> t.Iterator[Finding]:
        """States of regions that matter whether or not they are to be moved; sizes only of those that are."""
        for region in self.regions.values():
            if region.degraded and region.region_id not in self.running:
                yield self._stuck(region)
        concerned = {move.region_id for move in self.moves} or set(self.regions)
        large = [
            region
            for region in self.regions.values()
            if region.region_id in concerned and (region.memtable_bytes or 0) >= LARGE_MEMTABLE
        ]
        if large:
            large.sort(key=lambda region: -(region.memtable_bytes or 0))
            yield Finding(
                "greptimedb.region.large_memtable",
                "info" if self.dialect.server_preflushes else "warning",
                CLUSTER,
                {"count": len(large), "bytes": {str(one.region_id): one.memtable_bytes for one in large[:_SHOWN]}},
                "What is not flushed is written while writes are refused. "
                + (
                    "The server flushes beforehand from 0.15 on; move these at a quiet time all the same."
                    if self.dialect.server_preflushes
                    else "Keep flush_before at auto or always, and move these at a quiet time."
                ),
            )

    def _stuck(self, region: Region) -> Finding:
        known = self.snapshot.procedures is not None
        down = None if region.down_seconds is None else format_duration(region.down_seconds)
        return Finding(
            "greptimedb.region.degraded",
            "warning",
            _region(region.region_id),
            {"table": region.qualified, "status": region.leader_status, "since": down, "leader": region.leader_peer},
            "Its writes are refused, and no migration of it is running: a former one was left half done. Migrating it "
            "once more clears that; from 0.15.5 on, ADMIN reconcile_table may too."
            if known
            else "Its writes are refused. Either a migration of it is running (the server cannot tell before 0.9.4), "
            "or a former one was left half done; then migrating it once more clears that.",
        )
