# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Perf counters (until 2.5) and metrics (2.6) of a replica server, from a snapshot taken every 10 s."""

from __future__ import annotations

import typing as t

from lab.pegasus.model import Duplicator, Partition

if t.TYPE_CHECKING:
    from lab.pegasus.node import ReplicaServer

PENDING = "replica*eon.replica_stub*dup.pending_mutations_count"
LOAD_FAILED = "replica*eon.replica_stub*dup.load_file_failed_count"
DISK = "replica*eon.replica_stub*disk.%s.total(MB)"
PER_REPLICA = "replica*app.pegasus*%s@%s"
REJECTED = "replica*eon.replica*dup.disabled_non_idempotent_write_count@%s"
ATOMIC = ("incr", "check_and_set", "check_and_mutate")


class Counters:
    """One server's counters. Rates are per lab second over the time since the snapshot before.

    A snapshot holds what changes; all else is added when somebody asks, for a server may hold many thousand replicas.
    """

    def __init__(self, node: ReplicaServer) -> None:
        self._node = node
        self._seen: dict[tuple[str, str], int] = {}
        self._rates: dict[tuple[str, str], float] = {}
        self._duplicating: dict[str, dict[str, float]] = {}
        self._pending = 0
        self._seconds = 1.0
        self._at = 0.0

    async def forever(self) -> None:
        """Take a snapshot every 10 s, with a phase of its own."""
        cluster = self._node.cluster
        clock = cluster.clock
        due = clock.now() + cluster.rng.uniform(0, cluster.settings.durations.counter_snapshot)
        while True:
            await clock.sleep(due - clock.now())
            if self._node.alive and not cluster.fault("frozen_counter", node=self._node.address):
                self.take()
            due = max(due + cluster.settings.durations.counter_snapshot, clock.now())

    def take(self) -> None:
        """One snapshot."""
        now = self._node.cluster.clock.now()
        self._seconds = max(0.001, now - self._at)
        self._at = now
        self._pending = self._node.pending_counter
        self._rates, self._duplicating = {}, {}
        for partition, primary in self._node.hosted():
            if partition.increments or partition.rejected_non_idempotent:
                self._count(partition.gpid_text, "incr", partition.increments)
                self._count(partition.gpid_text, "rejected", partition.rejected_non_idempotent)
            for known in partition.duplicators.values() if primary else ():
                self._duplication(partition, known)

    def _duplication(self, partition: Partition, known: Duplicator) -> None:
        gpid = partition.gpid_text
        self._duplicating[gpid] = {
            "dup_pending_mutations": partition.decree - known.shipped,
            "dup_confirmed_mutations": known.confirmed,
            "dup_shipped_successful_requests": known.shipped_ops,
            "dup_shipped_failed_requests": known.failed_ops,
            "dup_recent_lost_mutations": known.lost,
            "dup_rejected_non_idempotent_write_requests": partition.rejected_non_idempotent,
        }
        if known.running:
            self._count(gpid, "dup_shipped_ops", known.shipped_ops)
            self._count(gpid, "dup_failed_shipping_ops", known.failed_ops)

    def _count(self, gpid: str, what: str, count: int) -> None:
        """Note the rate since the last snapshot; a counter that began anew starts from 0."""
        before = self._seen.get((gpid, what), 0)
        self._seen[gpid, what] = count
        self._rates[gpid, what] = (count - before if count >= before else count) / self._seconds

    def values(self) -> dict[str, float]:
        """All perf counters by full name."""
        settings = self._node.cluster.settings
        found: dict[str, float] = {
            PENDING: self._pending,
            LOAD_FAILED: 0,
            DISK % "capacity": settings.disk_total_mb,
            DISK % "available": settings.disk_available_mb,
        }
        for partition, _primary in self._node.hosted():
            gpid, app = partition.gpid_text, partition.app
            for kind in ATOMIC:
                rate = app.atomic_rates.get(kind, 0.0) + self._rates.get((gpid, kind), 0.0)
                found[PER_REPLICA % (kind + "_qps", gpid)] = round(rate, 2)
            found[PER_REPLICA % ("disk.storage.sst(MB)", gpid)] = app.sst_mb
            refused = self._rates.get((gpid, "rejected"), 0.0) * self._seconds
            found[REJECTED % app.name] = found.get(REJECTED % app.name, 0.0) + round(refused)
        for (gpid, what), rate in self._rates.items():
            if what.startswith("dup_"):
                found[PER_REPLICA % (what, gpid)] = round(rate)
        return found

    def metrics(self) -> t.Iterator[tuple[str, dict[str, float]]]:
        """(gpid, metrics by name) of every replica."""
        now = self._node.cluster.clock.now()
        for partition, _primary in self._node.hosted():
            gpid, rates = partition.gpid_text, partition.app.atomic_rates
            found = {kind + "_requests": float(int(rates.get(kind, 0.0) * now)) for kind in ATOMIC}
            found["incr_requests"] += partition.increments
            found["rdb_total_sst_size_mb"] = partition.app.sst_mb
            found.update(self._duplicating.get(gpid, {}))
            yield gpid, found
