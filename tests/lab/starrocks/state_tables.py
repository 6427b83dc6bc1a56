# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases, tables, partitions and their versions as records.

A row is its integer key, so a partition's data is a set of keys and what is lost can be counted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lab.intervals import IntervalSet
from lab.starrocks.state_jobs import AlterJob, Load, Transaction

DUPLICATE, AGGREGATE, UNIQUE, PRIMARY = "DUP_KEYS", "AGG_KEYS", "UNQ_KEYS", "PRI_KEYS"
"""TABLE_MODEL of tables_config."""
TXN_NORMAL, TXN_REPLICATION = "TXN_NORMAL", "TXN_REPLICATION"
NATIVE, EXTERNAL = "StarRocks", "MySQL"
"""ENGINE of information_schema.tables."""
QUOTA = (1 << 63) - 1


@dataclass
class Version:
    """A version of a partition that is not the visible one any more but still on disk.

    ``superseded``: lab time at which the next version became visible.
    """

    number: int
    data_version: int
    content: IntervalSet
    superseded: float


@dataclass(slots=True, eq=False)
class Partition:
    """One physical partition. ``lower``, ``upper``: bounds of its range, "" in a table without partitions.

    ``content`` are the keys that the visible version holds; ``history`` older versions, the oldest first.
    ``written`` is the lab time of the last version of any kind. ``publishing`` counts committed transactions that wait
    to become visible. ``erased``: it was dropped and is not in the recycle bin any more.
    ``row_bytes`` is the size of one row.
    """

    id: int
    name: str
    lower: str = ""
    upper: str = ""
    content: IntervalSet = field(default_factory=IntervalSet)
    visible_version: int = 1
    next_version: int = 2
    data_version: int = 1
    version_epoch: int = 0
    version_txn_type: str = TXN_NORMAL
    compact_version: int = 1
    visible_at: float = 0.0
    written: float = 0.0
    history: list[Version] = field(default_factory=list)
    publishing: int = 0
    compacting: bool = False
    temp: bool = False
    shadow: bool = False
    erased: bool = False
    row_bytes: int = 100
    buckets: int = 3
    storage_path: str = ""
    counted_rows: int = 0
    """ROW_COUNT as the last round of statistics found it (tablet_stat_update_interval_second)."""

    @property
    def rows(self) -> int:
        """Rows in the visible version."""
        return len(self.content)

    @property
    def bytes(self) -> int:
        """Size of the visible version, of one replica."""
        return self.rows * self.row_bytes


@dataclass
class Column:
    """``aggregation`` in AGG_KEYS tables: SUM, MAX ...; ``generated``: the expression of a generated column."""

    name: str
    type: str = "int(11)"
    nullable: bool = True
    key: bool = False
    default: str | None = None
    comment: str = ""
    aggregation: str = ""
    auto_increment: bool = False
    generated: str = ""


@dataclass
class Index:
    """``kind``: BITMAP, NGRAMBF, GIN."""

    name: str
    columns: list[str]
    kind: str = "BITMAP"


@dataclass
class Table:
    """A table. ``properties`` as SHOW CREATE TABLE and tables_config print them, without storage_volume.

    ``partition_column`` is "" when there is one partition only, which has the table's name. ``engine``: StarRocks, or
    MySQL and its like for an external table, which has no partitions.
    """

    id: int
    name: str
    columns: list[Column]
    keys: list[str]
    model: str = DUPLICATE
    engine: str = NATIVE
    partition_column: str = ""
    distribution: list[str] = field(default_factory=list)
    buckets: int = 3
    replication_num: int = 3
    storage_volume: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    partitions: dict[str, Partition] = field(default_factory=dict)
    temp_partitions: dict[str, Partition] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    rollups: list[str] = field(default_factory=list)
    comment: str = ""
    state: str = "NORMAL"
    schema_version: int = 0
    created: float = 0.0
    row_bytes: int = 100

    def all_partitions(self) -> list[Partition]:
        """Temp partitions last."""
        return [*self.partitions.values(), *self.temp_partitions.values()]

    @property
    def rows(self) -> int:
        """Rows in all visible versions."""
        return sum(p.rows for p in self.partitions.values())

    @property
    def bytes(self) -> int:
        """Size of one replica."""
        return sum(p.bytes for p in self.partitions.values())


@dataclass
class View:
    """A logical view; ``definition`` is its SELECT."""

    id: int
    name: str
    definition: str


@dataclass
class MaterializedView:
    """``refresh_type``: ROLLUP (synchronous), ASYNC, MANUAL, INCREMENTAL; ``base``: table of a ROLLUP."""

    id: int
    name: str
    definition: str
    refresh_type: str = "ASYNC"
    base: str = ""
    active: bool = True
    inactive_reason: str = ""


@dataclass
class Database:
    """A database; ``running`` transactions by id, ``finished`` ones the newest first. ``quota`` in bytes."""

    id: int
    name: str
    tables: dict[str, Table] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    materialized_views: dict[str, MaterializedView] = field(default_factory=dict)
    running: dict[int, Transaction] = field(default_factory=dict)
    finished: deque[Transaction] = field(default_factory=lambda: deque(maxlen=2000))
    loads: deque[Load] = field(default_factory=lambda: deque(maxlen=2000))
    alters: list[AlterJob] = field(default_factory=list)
    quota: int = QUOTA
    replica_quota: int = QUOTA
    storage_volume: str = ""
    comment: str = ""
