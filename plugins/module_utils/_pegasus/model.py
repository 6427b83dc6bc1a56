# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Typed records of a Pegasus cluster, as its servers tell them. Pure data; None always means "not known" or "not told".

Addresses are text ``host:port``; the empty text is the invalid address (no primary, for example).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

Value = t.TypeVar("Value")

APP_STATUSES = {1: "AVAILABLE", 2: "CREATING", 4: "DROPPING", 6: "DROPPED", 7: "RECALLING"}
DUPLICATION_STATUSES = {0: "DS_INIT", 1: "DS_PREPARE", 2: "DS_APP", 3: "DS_LOG", 4: "DS_PAUSE", 5: "DS_REMOVED"}
FAIL_MODES = {0: "FAIL_SLOW", 1: "FAIL_SKIP", 2: "FAIL_FAST"}
META_LEVELS = {100: "stopped", 200: "blind", 300: "freezed", 400: "steady", 500: "lively"}
REPLICA_STATUSES = {
    0: "INVALID",
    1: "INACTIVE",
    2: "ERROR",
    3: "PRIMARY",
    4: "SECONDARY",
    5: "POTENTIAL_SECONDARY",
    6: "PARTITION_SPLIT",
}
SPLIT_STATUSES = {0: "NOT_SPLIT", 1: "SPLITTING", 2: "PAUSING", 3: "PAUSED", 4: "CANCELING"}
BULK_LOAD_STATUSES = {
    0: "INVALID",
    1: "DOWNLOADING",
    2: "DOWNLOADED",
    3: "INGESTING",
    4: "SUCCEED",
    5: "FAILED",
    6: "PAUSING",
    7: "PAUSED",
    8: "CANCELED",
}

WRITES_OPEN = "open"
"""The replica took the probe past the check for a fence: it has none (yet). A former primary may say so, too."""
WRITES_DENIED = "denied"
"""The replica refuses writes and is still the primary of the same ballot. The only word that proves a fence."""
WRITES_MOVED = "moved"
"""The replica is not the primary of that ballot (any more): ask the meta server again."""
WRITES_SILENT = "silent"
"""No answer in time: a ``timeout*`` fence, or a slow server. Proves nothing."""
WRITES_UNREACHABLE = "unreachable"
WRITES_APPLIED = "applied"
"""The probe was carried out, so the replica does not know that it duplicates. It wrote an expired record."""
WRITES_NO_PRIMARY = "no_primary"
WRITES_UNKNOWN = "unknown"
"""An answer that means neither open nor closed."""


def name_of(names: t.Mapping[int, str], number: int) -> str:
    """The word for a number on the wire; ``UNKNOWN(9)`` for one that no version known here has."""
    return names.get(number, f"UNKNOWN({number})")


def number_of(names: t.Mapping[int, str], word: str) -> int:
    """The number on the wire for a word; ValueError names the words there are."""
    for number, name in names.items():
        if name == word:
            return number
    raise ValueError(f"{word!r} is none of {', '.join(names.values())}")


@dataclasses.dataclass(frozen=True)
class App:
    """A table. ``envs`` are its app environment variables; times are Unix seconds, 0 or less for "not set".

    ``duplicating`` and ``bulk_loading`` are None where the server leaves them out, ``atomic_idempotent`` before 2.6.
    """

    name: str
    app_id: int
    status: str
    partition_count: int
    envs: t.Mapping[str, str]
    max_replica_count: int
    duplicating: bool | None = None
    bulk_loading: bool | None = None
    atomic_idempotent: bool | None = None
    init_partition_count: int = -1
    create_second: int = 0
    expire_second: int = 0
    drop_second: int = 0
    app_type: str = "pegasus"

    @property
    def available(self) -> bool:
        """Whether the table can be used; not while it is created, dropped or recalled."""
        return self.status == "AVAILABLE"

    def as_result(self) -> dict[str, t.Any]:
        """JSON-able, for results."""
        return {**dataclasses.asdict(self), "envs": dict(self.envs)}


@dataclasses.dataclass(frozen=True)
class Node:
    """A replica server as the meta server sees it. ``host_port``: its name in 2.6, which need not resolve here."""

    address: str
    alive: bool
    host_port: str = ""

    def as_result(self) -> dict[str, t.Any]:
        """JSON-able, for results."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Partition:
    """Who serves one partition. ``last_committed_decree`` is what the meta server last heard, which may be old."""

    index: int
    ballot: int
    max_replica_count: int
    primary: str
    secondaries: tuple[str, ...]
    last_committed_decree: int

    @property
    def members(self) -> tuple[str, ...]:
        """Primary and secondaries, without the missing ones."""
        return tuple(address for address in (self.primary, *self.secondaries) if address)

    def healthy(self, replica_count: int | None = None) -> bool:
        """Whether there is a primary and as many members as asked for (default: the partition's own number)."""
        wanted = self.max_replica_count if replica_count is None else replica_count
        return bool(self.primary) and len(set(self.members)) >= wanted


@dataclasses.dataclass(frozen=True)
class TableConfig:
    """The routing of one table: what a client gets when it asks who serves it. Partitions in order of their index."""

    app_id: int
    partition_count: int
    partitions: tuple[Partition, ...]

    @property
    def primaries(self) -> dict[str, list[int]]:
        """Partition indices by the address of their primary; partitions without one are not in it."""
        found: dict[str, list[int]] = {}
        for partition in self.partitions:
            if partition.primary:
                found.setdefault(partition.primary, []).append(partition.index)
        return found

    @property
    def members(self) -> tuple[str, ...]:
        """The address of every server that holds a replica of the table, in order."""
        return tuple(sorted({address for partition in self.partitions for address in partition.members}))

    @property
    def without_primary(self) -> tuple[int, ...]:
        """Partitions that nobody serves, also those of which the answer did not tell."""
        served = {index for indices in self.primaries.values() for index in indices}
        return tuple(index for index in range(self.partition_count) if index not in served)

    def healthy(self, replica_count: int | None = None) -> bool:
        """Whether every partition is there and healthy; see :meth:`Partition.healthy`."""
        return not self.unhealthy(replica_count)

    def unhealthy(self, replica_count: int | None = None) -> tuple[int, ...]:
        """Indices of the partitions that are not."""
        fine = {partition.index for partition in self.partitions if partition.healthy(replica_count)}
        return tuple(index for index in range(self.partition_count) if index not in fine)

    def partition(self, index: int) -> Partition | None:
        """One partition by its index."""
        for partition in self.partitions:
            if partition.index == index:
                return partition
        return None

    def same_primaries(self, other: TableConfig) -> bool:
        """Whether both are the same table served by the same primaries (proof that a proxy has switched)."""
        return (
            self.app_id == other.app_id
            and self.partition_count == other.partition_count
            and self.primaries == other.primaries
        )


@dataclasses.dataclass(frozen=True)
class ClusterInfo:
    """What the primary meta server tells of its cluster. ``meta_level``: lively, steady, freezed, blind, stopped.

    ``raw`` holds every key of the answer as text. Empty texts are things that the answer did not hold.
    """

    cluster_name: str
    primary_meta: str
    meta_servers: tuple[str, ...]
    zookeeper_hosts: str
    zookeeper_root: str
    meta_level: str
    raw: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def as_result(self) -> dict[str, t.Any]:
        """JSON-able, for results."""
        return {**dataclasses.asdict(self), "meta_servers": list(self.meta_servers), "raw": dict(self.raw)}


@dataclasses.dataclass(frozen=True)
class PartitionState:
    """Progress that the meta server knows of (2.6). ``last_committed_decree`` is stale while nothing is written."""

    confirmed_decree: int
    last_committed_decree: int


@dataclasses.dataclass(frozen=True)
class Duplication:
    """One duplication of a table, as the meta server holds it.

    ``fail_mode`` is FAIL_SLOW where the server leaves it out. ``remote_app_name`` and ``remote_replica_count`` are None
    before 2.6, ``partition_states`` is empty before 2.6.
    """

    dupid: int
    status: str
    remote: str
    create_ts_ms: int
    fail_mode: str = "FAIL_SLOW"
    remote_app_name: str | None = None
    remote_replica_count: int | None = None
    partition_states: t.Mapping[int, PartitionState] = dataclasses.field(default_factory=dict)

    def as_result(self) -> dict[str, t.Any]:
        """JSON-able, for results; partition indices as text."""
        states = {str(index): dataclasses.asdict(state) for index, state in self.partition_states.items()}
        return {**dataclasses.asdict(self), "partition_states": states}


@dataclasses.dataclass(frozen=True)
class AddedDuplication:
    """The answer to an added duplication. Up to 2.5, ``dupid`` 0 means that one to this remote exists already."""

    app_id: int
    dupid: int
    hint: str = ""
    remote_app_name: str | None = None
    remote_replica_count: int | None = None


@dataclasses.dataclass(frozen=True)
class PartitionProgress:
    """How far one partition's primary is, by its own account.

    ``duplicating``: its pipeline runs (True in DS_LOG only). ``not_confirmed`` counts mutations after the decree that
    the meta server has on record, ``not_duplicated`` those after the last one shipped.
    """

    index: int
    node: str
    duplicating: bool
    not_confirmed: int
    not_duplicated: int
    fail_mode: str
    dupid: int


@dataclasses.dataclass(frozen=True)
class ReplicaInfo:
    """One replica by its own server's account. ``status``: PRIMARY, SECONDARY, INACTIVE, ..."""

    index: int
    app_id: int
    ballot: int
    status: str
    last_committed_decree: int
    last_prepared_decree: int
    last_durable_decree: int
    node: str

    @property
    def primary(self) -> bool:
        """Whether the replica takes itself for the primary."""
        return self.status == "PRIMARY"


@dataclasses.dataclass(frozen=True)
class ConfigValue:
    """One flag of a server. ``value`` is text, whatever ``kind`` says; ``mutable``: it can be changed while running."""

    name: str
    value: str
    section: str = ""
    kind: str = ""
    mutable: bool = False


@dataclasses.dataclass(frozen=True)
class SplitStatus:
    """What a server says of a table's partition split. ``partitions``: state by index of the parent partition, empty
    where it names none; ``new_partition_count``: 0 where it does not tell.
    """

    new_partition_count: int
    partitions: t.Mapping[int, str]


@dataclasses.dataclass(frozen=True)
class BulkLoadStatus:
    """Bulk load of a table. ``running`` is None where the server does not tell; ``status``: INGESTING, PAUSED, ...,
    empty where it does not tell; ``partitions``: the same of each partition that it names.
    """

    status: str
    running: bool | None
    partitions: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Answers(t.Generic[Value]):
    """What a question to several servers brought: ``good`` by address, and the error of each that gave no answer.

    A server in ``failed`` is unknown. It is never to be taken for one that has nothing.
    """

    good: t.Mapping[str, Value]
    failed: t.Mapping[str, MigrationError] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everyone answered."""
        return not self.failed

    def failures(self) -> dict[str, dict[str, t.Any]]:
        """The errors, JSON-able, by address."""
        return {address: error.as_result() for address, error in self.failed.items()}
