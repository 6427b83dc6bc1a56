# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated StarRocks cluster is and holds: plain records, no behaviour, no sockets. Times are lab seconds.

Tables and partitions are in state_tables.py, loads, transactions and jobs in state_jobs.py; the cluster has all
of them. Frontends, nodes, configuration and accounts are the front's own (front.py).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.starrocks.profiles import Profile
from lab.starrocks.state_jobs import CompactionJob, Pipe, ReplicationJob, RoutineLoad, Task
from lab.starrocks.state_tables import Database, Partition, Table

SYSTEM_DATABASES = ("_statistics_", "information_schema", "sys", "starrocks_audit_db__")
FIRST_ID = 10001


@dataclass
class StorageVolume:
    """``params`` holds what the server stores, secrets in clear: masked where they are shown."""

    id: int
    name: str
    type: str
    locations: list[str]
    params: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    comment: str = ""


@dataclass
class RecycledTable:
    """A dropped table in the recycle bin, still on disk; ``at``: when it was dropped."""

    database: Database
    table: Table
    at: float


@dataclass
class RecycledPartition:
    """A dropped, truncated or overwritten partition in the recycle bin."""

    database: Database
    table: Table
    partition: Partition
    at: float


@dataclass
class Cluster:
    """One cluster. ``key`` is "source" or "target"; ``profile`` has the version and the run mode.

    databases, storage_volumes: by name, in the order of their creation.
    ``gtid`` is the counter that version epochs are drawn from.
    ``globals`` are SET GLOBAL variables that differ from the defaults.
    ``others`` is what SHOW lists of objects that nothing here uses: statement -> rows (``RESOURCE GROUPS`` ...).
    """

    key: str
    profile: Profile
    storage_volumes: dict[str, StorageVolume] = field(default_factory=dict)
    default_volume: str = ""
    databases: dict[str, Database] = field(default_factory=dict)
    routine_loads: list[RoutineLoad] = field(default_factory=list)
    pipes: list[Pipe] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    compactions: list[CompactionJob] = field(default_factory=list)
    replications: dict[str, ReplicationJob] = field(default_factory=dict)
    recycled_tables: list[RecycledTable] = field(default_factory=list)
    recycled_partitions: list[RecycledPartition] = field(default_factory=list)
    globals: dict[str, str] = field(default_factory=dict)
    others: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    next_id: int = FIRST_ID
    next_txn_id: int = 1
    gtid: int = 0

    def new_id(self) -> int:
        """The next number for a database, table, partition, index, job."""
        self.next_id += 1
        return self.next_id - 1

    def new_epoch(self) -> int:
        """The next version epoch: the FE's gtid."""
        self.gtid += 1
        return self.gtid

    def user_databases(self) -> list[Database]:
        """All but the system's own."""
        return [d for d in self.databases.values() if d.name not in SYSTEM_DATABASES]

    def tables(self) -> t.Iterator[tuple[Database, Table]]:
        """All tables of all databases."""
        for database in self.databases.values():
            for table in database.tables.values():
                yield database, table

    def find_table(self, database_id: int, table_id: int) -> tuple[Database, Table] | None:
        """A table by ids."""
        for database in self.databases.values():
            if database.id == database_id:
                for table in database.tables.values():
                    if table.id == table_id:
                        return database, table
        return None

    def volume_of(self, table: Table) -> str:
        """The volume that a table lies in, "builtin_storage_volume" when none is recorded (facts 3.5)."""
        return table.storage_volume or "builtin_storage_volume"
