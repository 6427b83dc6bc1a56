# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Typed records of a GreptimeDB cluster, as one look at it gives them. Pure data; None always means "not known"."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version

ALIVE = "yes"
SUSPECT = "suspect"
DEAD = "no"
UNKNOWN = "unknown"

LEASE_SECONDS = 10.0
"""A datanode without a heartbeat for so long has lost its lease (3 s x 3 + 1) and refuses to be source or target."""
SUSPECT_SECONDS = 5.0

DEGRADED_STATUSES = frozenset(("DOWNGRADED", "DOWNGRADING"))
"""Words of a route whose leader refuses writes: up to 0.9.3 the first, from 0.9.4 on the second."""

ENDED_STATUSES = frozenset(("Done", "Failed", "Poisoned"))
"""Words of a procedure after which nothing more happens."""


def table_id_of(region_id: int) -> int:
    """The table that a region id belongs to: its upper 32 bits."""
    return region_id >> 32


def region_number_of(region_id: int) -> int:
    """The number of the region within its table: the lower 32 bits. Not contiguous (metric engine, repartitioning)."""
    return region_id & 0xFFFFFFFF


def region_id_of(table_id: int, number: int) -> int:
    """The region id of a table's region, such as 4398046511104 for table 1024 and number 0."""
    return (table_id << 32) | number


def liveness(active_seconds: float | None) -> str:
    """``yes`` below 5 s since the last heartbeat, ``suspect`` below the lease of 10 s, ``no`` beyond it."""
    if active_seconds is None:
        return UNKNOWN
    if active_seconds < SUSPECT_SECONDS:
        return ALIVE
    return SUSPECT if active_seconds < LEASE_SECONDS else DEAD


@dataclasses.dataclass(frozen=True)
class Node:
    """One process of the cluster. ``kind``: datanode, frontend, metasrv, flownode or standalone.

    ``id`` is -1 for kinds without one. ``addr`` is the gRPC address as the cluster knows it, which need not be
    reachable from here. ``active_seconds`` is the time since the last heartbeat. ``alive``: see ``liveness``.
    ``is_leader`` is told of metasrv only, and only from 1.0.0-beta.1 on.
    """

    id: int
    kind: str
    addr: str
    version: Version | None = None
    active_seconds: float | None = None
    alive: str = UNKNOWN
    is_leader: bool | None = None

    def as_result(self) -> dict[str, t.Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "addr": self.addr,
            "version": None if self.version is None else str(self.version),
            "active_seconds": self.active_seconds,
            "alive": self.alive,
            "is_leader": self.is_leader,
        }


@dataclasses.dataclass(frozen=True)
class Table:
    """A table. ``engine``: mito, metric or file. A logical table lives in the regions of ``physical_table``."""

    table_id: int
    schema: str
    name: str
    engine: str = ""
    logical: bool = False
    physical_table: str | None = None
    physical: bool = False
    """True for a metric-engine physical table, the one that logical tables live in."""

    @property
    def qualified(self) -> str:
        """``schema.name``, the form in which options, plans and results name a table."""
        return f"{self.schema}.{self.name}"


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where one region is served, with the fewest facts (what the poll loop reads)."""

    region_id: int
    leader_peer: int | None
    leader_status: str
    """``ALIVE``, ``DOWNGRADED``, ``DOWNGRADING``, ``STAGING``, or empty without a leader. Not liveness."""
    down_seconds: float | None = None
    followers: tuple[int, ...] = ()

    @property
    def degraded(self) -> bool:
        """Whether the route says that the leader refuses writes."""
        return self.leader_status.upper() in DEGRADED_STATUSES


@dataclasses.dataclass(frozen=True)
class Region:
    """One region with its table. ``logical`` ones are listed for explanation only: their ids cannot be migrated.

    ``size_bytes`` is what lies in the object store, ``memtable_bytes`` what a flush would have to write.
    """

    region_id: int
    table_id: int
    number: int
    catalog: str
    schema: str
    table: str
    partition: str | None
    leader_peer: int | None
    leader_status: str
    down_seconds: float | None = None
    followers: tuple[int, ...] = ()
    size_bytes: int | None = None
    memtable_bytes: int | None = None
    rows: int | None = None
    engine: str = ""
    logical: bool = False
    physical_table: str | None = None

    @property
    def qualified(self) -> str:
        """``schema.table`` of the region's table."""
        return f"{self.schema}.{self.table}"

    @property
    def degraded(self) -> bool:
        """Whether the route says that the leader refuses writes."""
        return self.leader_status.upper() in DEGRADED_STATUSES

    def as_result(self) -> dict[str, t.Any]:
        result = dataclasses.asdict(self)
        result["followers"] = list(self.followers)
        result["table"] = self.qualified
        return result


@dataclasses.dataclass(frozen=True)
class RegionInfo:
    """What a datanode itself says of a region it has open (``region_info``, 1.1.0 and newer)."""

    region_id: int
    node_id: int
    state: str
    writable: bool
    options: str = ""


@dataclasses.dataclass(frozen=True)
class RegionStatistics:
    """Figures of a region from heartbeats, a few seconds old."""

    region_id: int
    size_bytes: int | None
    memtable_bytes: int | None
    rows: int | None
    engine: str
    role: str


@dataclasses.dataclass(frozen=True)
class Procedure:
    """A procedure of the metasrv. ``start`` and ``end`` are None when it has not started or not ended.

    A procedure that waits for a lock has the status ``Running`` and no start. ``region_ids`` and ``table_ids`` come
    from its lock keys, so a region migration has exactly one region.
    """

    procedure_id: str
    type: str
    status: str
    region_ids: tuple[int, ...] = ()
    table_ids: tuple[int, ...] = ()
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None
    error: str = ""

    @property
    def is_region_migration(self) -> bool:
        return self.type.endswith("RegionMigration")

    @property
    def active(self) -> bool:
        """Whether the server may still do something."""
        return self.status not in ENDED_STATUSES

    def as_result(self) -> dict[str, t.Any]:
        return {
            "procedure_id": self.procedure_id,
            "type": self.type,
            "status": self.status,
            "region_ids": list(self.region_ids),
            "table_ids": list(self.table_ids),
            "start": None if self.start is None else iso(self.start),
            "end": None if self.end is None else iso(self.end),
            "error": self.error,
        }


@dataclasses.dataclass(frozen=True)
class Event:
    """One row of ``greptime_private.events`` about a region migration (0.16.0 and newer, best effort)."""

    procedure_id: str
    state: str
    region_id: int
    from_peer: int | None
    to_peer: int | None
    error: str
    timestamp: datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class NodeConfig:
    """What a datanode's ``/config`` says of its WAL and storage. With ``problem`` set, everything else is not known."""

    datanode_id: int
    wal_provider: str | None = None
    """``raft_engine`` (local), ``kafka`` (remote) or ``noop``."""
    wal_brokers: tuple[str, ...] = ()
    storage_type: str | None = None
    """``File`` (local), ``S3``, ``Oss``, ``Azblob``, ``Gcs``."""
    bucket: str | None = None
    root: str | None = None
    endpoint: str | None = None
    data_home: str | None = None
    problem: str | None = None
    node_id: int | None = None
    """The id in the file itself, to notice a wrong address."""

    @property
    def local_wal(self) -> bool:
        return self.wal_provider in ("raft_engine", "noop")

    @property
    def local_storage(self) -> bool:
        return self.storage_type == "File"

    def as_result(self) -> dict[str, t.Any]:
        result = dataclasses.asdict(self)
        result["wal_brokers"] = list(self.wal_brokers)
        return result


@dataclasses.dataclass(frozen=True)
class Versions:
    """``frontend`` is the one we talk to, ``metasrv`` the oldest found; ``others``: every version seen, by kind."""

    frontend: Version | None
    metasrv: Version | None
    others: t.Mapping[str, tuple[Version, ...]] = dataclasses.field(default_factory=dict)

    def distinct(self) -> tuple[Version, ...]:
        """Every version seen anywhere, oldest first."""
        seen = {version for versions in self.others.values() for version in versions}
        seen.update(version for version in (self.frontend, self.metasrv) if version is not None)
        return tuple(sorted(seen))

    def as_result(self) -> dict[str, t.Any]:
        return {
            "frontend": None if self.frontend is None else str(self.frontend),
            "metasrv": None if self.metasrv is None else str(self.metasrv),
            "all": {kind: [str(version) for version in versions] for kind, versions in sorted(self.others.items())},
        }


class Leadership(t.NamedTuple):
    """``leader``: the gRPC address that the metasrv name. ``listed``: it is one of ours. ``reached``: it answers us."""

    leader: Address | None
    listed: bool
    reached: bool


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Everything one look at the cluster gave. ``problems`` says, by name, what could not be looked at and why.

    ``procedures``: active region migrations, None where the server has no such list (before 0.9.4).
    ``active_procedures``: number of active procedures of every type. ``maintenance``: True, False, or None (not known
    or not there). ``manager``: ``running``, ``paused``, ``unsupported`` (before 0.15.5) or ``unknown``.
    ``admin``: may the user run ADMIN: ``yes``, ``no``, ``unsupported`` (no ADMIN in this generation) or ``unknown``.
    ``leadership``: who leads the metasrv, where submissions go there (None elsewhere, or not known).
    """

    versions: Versions
    nodes: tuple[Node, ...]
    regions: tuple[Region, ...]
    tables: tuple[Table, ...]
    procedures: tuple[Procedure, ...] | None
    active_procedures: int | None
    maintenance: bool | None
    manager: str
    configs: tuple[NodeConfig, ...]
    admin: str
    taken_at: datetime.datetime
    leadership: Leadership | None = None
    problems: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def datanodes(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.kind == "datanode")

    @property
    def physical_regions(self) -> tuple[Region, ...]:
        """The regions that can be migrated."""
        return tuple(region for region in self.regions if not region.logical)
