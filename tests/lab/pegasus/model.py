# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster holds: tables, partitions with their data and log, duplications."""

from __future__ import annotations

import typing as t
from collections import deque
from dataclasses import dataclass, field

AVAILABLE, CREATING, DROPPING, DROPPED, RECALLING = 1, 2, 4, 6, 7
APP_STATUS = {1: "AVAILABLE", 2: "CREATING", 4: "DROPPING", 6: "DROPPED", 7: "RECALLING"}
INIT, PREPARE, APP, LOG, PAUSE, REMOVED = range(6)
DUP_STATUS = ("DS_INIT", "DS_PREPARE", "DS_APP", "DS_LOG", "DS_PAUSE", "DS_REMOVED")
SLOW, SKIP, FAST = range(3)
FAIL_MODE = ("FAIL_SLOW", "FAIL_SKIP", "FAIL_FAST")
LEVELS = {"stopped": 100, "blind": 200, "freezed": 300, "steady": 400, "lively": 500}
INVALID_LEVEL = 10000
DENY = "replica.deny_client_request"

Operation = t.Tuple[bytes, t.Optional[bytes]]
"""(key, value); None removes the key."""


@dataclass(frozen=True)
class Mutation:
    """One decree: its operations (none: an empty write) and its timestamp in microseconds since 1970."""

    decree: int
    at: float
    timestamp: int
    operations: t.Tuple[Operation, ...]
    duplicated: bool = False


@dataclass
class Duplicator:
    """What the primary of one partition knows and does about one duplication.

    decree numbers: ``shipped`` is the last one that the target has acknowledged, ``confirmed`` what the meta server is
    known to have persisted. ``checkpoint_at``: lab time at which the checkpoint is ready; ``reported``: meta was told.
    """

    dupid: int
    status: int
    fail_mode: int
    shipped: int
    confirmed: int
    checkpoint_at: float | None = None
    reported: bool = False
    retry_at: float = 0.0
    lost: int = 0
    shipped_ops: int = 0
    failed_ops: int = 0

    @property
    def running(self) -> bool:
        """True when the log is being shipped."""
        return self.status == LOG


@dataclass(eq=False)
class Partition:
    """One partition: its configuration at the meta server, and the data and log that all its replicas share.

    decree is that of the newest mutation; in this simulation it is committed at once. ``log`` is kept while the table
    is being duplicated, from the oldest mutation on that some duplication has not confirmed.
    """

    app: App
    index: int
    ballot: int = 3
    primary: str = ""
    secondaries: list[str] = field(default_factory=list)
    last_drops: list[str] = field(default_factory=list)
    decree: int = 0
    written_at: float = 0.0
    store: dict[bytes, tuple[bytes, int, int]] = field(default_factory=dict)
    log: deque[Mutation] = field(default_factory=deque)
    duplicators: dict[int, Duplicator] = field(default_factory=dict)
    checkpoints: dict[int, tuple[int, dict[bytes, tuple[bytes, int, int]]]] = field(default_factory=dict)
    rejected_non_idempotent: int = 0
    increments: int = 0
    splitting: bool = False

    @property
    def gpid(self) -> tuple[int, int]:
        """(app id, partition index)"""
        return self.app.id, self.index

    @property
    def gpid_text(self) -> str:
        """As the servers print it."""
        return "%d.%d" % (self.app.id, self.index)

    def members(self) -> list[str]:
        """Primary and secondaries."""
        return ([self.primary] if self.primary else []) + self.secondaries


@dataclass
class Duplication:
    """One duplication as the meta server holds it. ``confirmed``: partition index -> decree."""

    id: int
    remote: str
    created: float
    checkpoint: bool
    remote_table: str
    remote_replicas: int
    status: int = INIT
    fail_mode: int = SLOW
    altering: bool = False
    prepared: set[int] = field(default_factory=set)
    confirmed: dict[int, int] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=dict)
    follower_asked: bool = False
    follower_error: str = ""


@dataclass
class App:
    """One table at the meta server."""

    id: int
    name: str
    partition_count: int
    replicas: int
    envs: dict[str, str] = field(default_factory=dict)
    status: int = AVAILABLE
    created: int = 0
    dropped: int = 0
    expires: int = 0
    partitions: list[Partition] = field(default_factory=list)
    duplications: dict[int, Duplication] = field(default_factory=dict)
    bulk_loading: bool = False
    splitting: bool = False
    atomic_idempotent: bool = False
    data_version: int = 1
    copy_seconds: float | None = None
    atomic_rates: dict[str, float] = field(default_factory=dict)
    """Requests per second and partition that are only counted: "incr", "check_and_set", "check_and_mutate"."""
    sst_mb: int = 1
    outside_writes: int = 0
    """Records that were written by others than the lab's own clients and the other cluster."""

    @property
    def duplicating(self) -> bool:
        """True from the first duplication's creation until the last one's removal."""
        return bool(self.duplications)
