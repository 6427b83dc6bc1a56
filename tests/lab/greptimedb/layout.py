# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that a lab starts with: mito tables of several sizes, a physical metric table with two logical ones."""

from __future__ import annotations

import typing as t

from lab.greptimedb.model import Region, Table, region_id
from lab.greptimedb.storage import log_place, storage_place
from lab.intervals import IntervalSet

if t.TYPE_CHECKING:
    from lab.greptimedb.cluster import Cluster

FIRST_TABLE_ID = 1024
NAMES = ("cpu", "memory", "disk_io", "network", "requests", "traces", "logs", "billing")
SIZES = (8, 5, 12, 1, 16, 4, 6, 2)
PHYSICAL, LOGICAL = "greptime_physical_table", ("http_requests_total", "process_cpu_seconds")


def lay_out(cluster: Cluster) -> None:
    """Create the tables, spread their regions over the datanodes and give them some data."""
    total = cluster.settings.regions
    physical_regions = min(8, max(1, total // 8)) if total > 1 else 0
    sizes = _sizes(total - physical_regions)
    for index, size in enumerate(sizes):
        number, which = divmod(index, len(NAMES))
        full = NAMES[which] + ("_%03d" % number if number else "")
        add_table(cluster, "telemetry" if NAMES[which] == "traces" else "public", full, size)
    if physical_regions:
        physical = add_table(cluster, "public", PHYSICAL, physical_regions, engine="metric")
        physical.options = "physical_metric_table="
        for name in LOGICAL:
            add_logical(cluster, physical, name)


def _sizes(total: int) -> list[int]:
    scale = max(1, total // 400)
    sizes: list[int] = []
    while sum(sizes) < total:
        sizes.append(min(SIZES[len(sizes) % len(SIZES)] * scale, total - sum(sizes)))
    return sizes


def next_table_id(cluster: Cluster) -> int:
    """The id that the next new table gets."""
    return max(cluster.tables, default=FIRST_TABLE_ID - 1) + 1


def add_table(
    cluster: Cluster, schema: str, name: str, regions: int, engine: str = "mito", empty: bool = False
) -> Table:
    """Create a table whose regions are spread evenly over the living datanodes."""
    table = Table(next_table_id(cluster), schema, name, engine)
    cluster.tables[table.id] = table
    nodes = [node for node in cluster.nodes.values() if node.alive]
    offset = len(cluster.regions)
    for index in range(regions):
        # repartitioned tables have gaps in their region numbers: nobody may count on 0..n-1
        number = index + 1 if cluster.profile.version >= "1.0.0" and name == "memory" and index >= 2 else index
        leader = nodes[(offset + index) % len(nodes)]
        region = Region(region_id(table.id, number), table, number, leader.id, cached_leader=leader.id)
        table.regions.append(region)
        cluster.regions[region.id] = region
        replica = cluster.open_replica(region, leader, leader=True)
        replica.writable = True
        count = min(cluster.settings.followers, len(nodes) - 1)
        for step in range(1, count + 1):
            follower = nodes[(offset + index + step) % len(nodes)]
            region.followers.append(follower.id)
            cluster.open_replica(region, follower, leader=False)
        if not empty:
            _fill(cluster, region)
    return table


def add_logical(cluster: Cluster, physical: Table, name: str) -> Table:
    """Create a logical table on a physical one."""
    table = Table(next_table_id(cluster), physical.schema, name, "metric", physical)
    table.options = "on_physical_table=%s" % physical.name
    cluster.tables[table.id] = table
    return table


def _fill(cluster: Cluster, region: Region) -> None:
    """Some flushed data and a memtable, all of it acknowledged."""
    node = cluster.nodes[region.leader or 0]
    replica = region.replicas[node.id]
    flushed = cluster.rng.randrange(50, 5000)
    total = flushed + cluster.rng.randrange(cluster.settings.memtable_writes + 1)
    region.next_sequence = total
    region.sst_bytes = flushed * cluster.settings.write_bytes // 4
    replica.memtable = IntervalSet([(flushed, total)])
    replica.memtable_bytes = (total - flushed) * cluster.settings.write_bytes
    cluster.storage.flushed(storage_place(node.config, node.id), region.id).update(IntervalSet([(0, flushed)]))
    log = log_place(node.config, node.id)
    if log is not None:
        cluster.storage.logged(log, region.id).update(replica.memtable)
    cluster.ledger.account(region.id).acknowledged.update(IntervalSet([(0, total)]))
