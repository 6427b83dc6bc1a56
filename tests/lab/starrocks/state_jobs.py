# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions, loads and jobs as records. Times are lab seconds; None where it has not happened."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

PREPARE, COMMITTED, VISIBLE, ABORTED = "PREPARE", "COMMITTED", "VISIBLE", "ABORTED"
"""TransactionStatus"""
FRONTEND, INSERT_STREAMING, ROUTINE_LOAD_TASK = "FRONTEND", "INSERT_STREAMING", "ROUTINE_LOAD_TASK"
DELETE, LAKE_COMPACTION, REPLICATION = "DELETE", "LAKE_COMPACTION", "REPLICATION"
"""LoadJobSourceType of what the lab has"""
INITIALIZING, SNAPSHOTING, REPLICATING = "INITIALIZING", "SNAPSHOTING", "REPLICATING"
"""States of a replication job beside COMMITTED and ABORTED"""


@dataclass
class Transaction:
    """``coordinator`` as printed: "FE: 10.1.0.11". ``partition_ids`` are those that it writes."""

    id: int
    label: str
    source_type: str
    database_id: int
    table_ids: list[int]
    coordinator: str
    prepared_at: float
    timeout_seconds: float = 300.0
    status: str = PREPARE
    committed_at: float | None = None
    published_at: float | None = None
    finished_at: float | None = None
    reason: str = ""
    error: str = ""
    partition_ids: list[int] = field(default_factory=list)
    listener_id: int = -1


@dataclass
class Load:
    """One row of information_schema.loads and SHOW LOAD; ``state``: PENDING, LOADING, PREPARED, FINISHED, CANCELLED.

    ``type``: INSERT, BROKER.
    """

    id: int
    label: str
    database: str
    table: str
    user: str
    type: str
    state: str
    created: float
    rows: int = 0
    finished: float | None = None
    error: str = ""
    txn_id: int = 0


@dataclass
class RoutineLoad:
    """``state``: NEED_SCHEDULE, RUNNING, PAUSED, STOPPED, CANCELLED; ``progress``: Kafka partition -> offset consumed.

    ``produced`` are the newest offsets in Kafka; ``rate`` rows per lab second arrive there.
    """

    id: int
    name: str
    database: str
    table: str
    topic: str
    state: str = "NEED_SCHEDULE"
    brokers: str = "kafka-1:9092"
    created: float = 0.0
    paused: float | None = None
    ended: float | None = None
    progress: dict[int, int] = field(default_factory=dict)
    produced: dict[int, int] = field(default_factory=dict)
    rate: float = 0.0
    reason: str = ""
    interval: float = 10.0
    loaded_rows: int = 0
    committed_tasks: int = 0
    aborted_tasks: int = 0
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class Pipe:
    """``state``: SUSPEND, RUNNING, FINISHED, ERROR."""

    id: int
    name: str
    database: str
    table: str
    state: str = "RUNNING"
    created: float = 0.0
    interval: float = 30.0
    rows_per_file: int = 100
    loaded_files: int = 0
    loaded_rows: int = 0
    last_error: str = ""
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class Task:
    """A task that runs an INSERT every ``interval`` seconds, or once when that is 0."""

    name: str
    database: str
    table: str
    definition: str
    created: float = 0.0
    interval: float = 0.0
    last_error: str = ""
    runs: int = 0


@dataclass
class CompactionJob:
    """One row of SHOW PROC '/compactions'; ``partition`` is "db.table.partitionId"."""

    partition: str
    txn_id: int
    started: float
    committed: float | None = None
    finished: float | None = None
    error: str = ""


@dataclass
class AlterJob:
    """``kind``: COLUMN, ROLLUP, OPTIMIZE; ``state``: PENDING, WAITING_TXN, RUNNING, FINISHED, CANCELLED."""

    id: int
    table: str
    kind: str
    created: float
    state: str = "RUNNING"
    finished: float | None = None
    message: str = ""


@dataclass
class ReplicatedPartition:
    """One partition of a replication job: what it was asked to copy, and where to.

    ``source``, ``target`` are Partition records; ``version`` and ``data_version`` those of the source.
    """

    source: t.Any
    target: t.Any
    version: int
    data_version: int
    version_epoch: int
    bytes: int


@dataclass
class ReplicationJob:
    """One job of the target's replication manager, one table. ``total`` and ``unfinished`` count its tasks."""

    id: str
    database_id: int
    table_id: int
    txn_id: int
    created: float
    partitions: list[ReplicatedPartition]
    replicas: int
    bytes: int
    state: str = INITIALIZING
    total: int = 0
    unfinished: int = 0
    finished: float | None = None
    error: str = ""
    source_volume: str = ""

    @property
    def running(self) -> bool:
        """True until it is COMMITTED or ABORTED."""
        return self.finished is None
