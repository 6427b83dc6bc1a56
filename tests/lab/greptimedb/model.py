# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's objects: tables, regions with their route, replicas on datanodes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.intervals import IntervalSet

CATALOG = "greptime"


@dataclass
class NodeConfig:
    """What a datanode's /config tells about log and storage."""

    wal_provider: str = "kafka"
    wal_brokers: tuple[str, ...] = ("kafka-0.kafka:9092", "kafka-1.kafka:9092")
    storage_type: str = "S3"
    bucket: str = "greptimedb-lab"
    root: str = "cluster-a"
    endpoint: str = "http://objects.lab:9000"
    data_home: str = "/var/lib/greptimedb"
    shared_directory: bool = False


@dataclass
class Table:
    """A table; a logical one (metric engine) has no regions of its own but those of ``physical``."""

    id: int
    schema: str
    name: str
    engine: str = "mito"
    physical: Table | None = None
    regions: list[Region] = field(default_factory=list)
    route_version: int = 0
    options: str = ""
    info_lost: bool = False

    @property
    def full_name(self) -> str:
        """schema.name"""
        return "%s.%s" % (self.schema, self.name)


@dataclass
class Replica:
    """One region opened on one datanode."""

    node: int
    leader: bool
    writable: bool = False
    memtable: IntervalSet = field(default_factory=IntervalSet)
    memtable_bytes: int = 0
    flushing: bool = False
    closes_at: float | None = None

    @property
    def role(self) -> str:
        """The role as a datanode reports it."""
        if not self.leader:
            return "Follower"
        return "Leader" if self.writable else "Leader(Downgrading)"


@dataclass
class Region:
    """A region and its route. ``state`` is the leader's state in the route: empty or "downgrading".

    ``switches`` counts how often the route was given another leader.
    """

    id: int
    table: Table
    number: int
    leader: int | None
    followers: list[int] = field(default_factory=list)
    state: str = ""
    since: float | None = None
    cached_leader: int | None = None
    next_sequence: int = 0
    sst_bytes: int = 0
    switches: int = 0
    replicas: dict[int, Replica] = field(default_factory=dict)
    user_rows: dict[int, tuple[t.Any, ...]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The id as servers render it: 4398046511104(1024, 0)."""
        return render(self.id)


def region_id(table_id: int, number: int) -> int:
    """table_id << 32 | region_number"""
    return table_id << 32 | number


def render(region: int) -> str:
    """A region id as servers render it: 4398046511104(1024, 0)."""
    return "%d(%d, %d)" % (region, region >> 32, region & 0xFFFFFFFF)
