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
    """One server's counters. Rates are per lab second over the time since the snapshot before."""

    def __init__(self, node: ReplicaServer) -> None:
        self._node = node
        self._seen: dict[tuple[str, str], int] = {}
        self._seconds = 1.0
        self._at = 0.0
        self.values: dict[str, float] = {}
        self.metrics: dict[str, dict[str, float]] = {}

    async def forever(self) -> None:
        """Take a snapshot every 10 s, with a phase of its own."""
        cluster = self._node.cluster
        clock = cluster.clock
        due = clock.now() + cluster.rng.uniform(0, cluster.settings.durations.counter_snapshot)
        self.take()
        while True:
            await clock.sleep(due - clock.now())
            if self._node.alive and not cluster.fault("frozen_counter", node=self._node.address):
                self.take()
            due = max(due + cluster.settings.durations.counter_snapshot, clock.now())

    def take(self) -> None:
        """One snapshot."""
        node, settings = self._node, self._node.cluster.settings
        now = node.cluster.clock.now()
        self._seconds = max(0.001, now - self._at)
        self._at = now
        self.values = {
            PENDING: node.pending_counter,
            LOAD_FAILED: 0,
            DISK % "capacity": settings.disk_total_mb,
            DISK % "available": settings.disk_available_mb,
        }
        self.metrics = {}
        for partition, _primary in node.hosted():
            self._requests(partition, now)
        for partition, known in node.duplicators():
            self._duplication(partition, known)

    def _requests(self, partition: Partition, now: float) -> None:
        gpid, app = partition.gpid_text, partition.app
        rates = {kind: app.atomic_rates.get(kind, 0.0) for kind in ATOMIC}
        metrics = {kind + "_requests": float(int(rate * now)) for kind, rate in rates.items()}
        metrics["incr_requests"] += partition.increments
        metrics["rdb_total_sst_size_mb"] = app.sst_mb
        self.metrics[gpid] = metrics
        rates["incr"] += self._rate(gpid, "incr", partition.increments)
        for kind, rate in rates.items():
            self.values[PER_REPLICA % (kind + "_qps", gpid)] = round(rate, 2)
        self.values[PER_REPLICA % ("disk.storage.sst(MB)", gpid)] = app.sst_mb
        rejected = REJECTED % app.name
        refused = self._rate(gpid, "rejected", partition.rejected_non_idempotent)
        self.values[rejected] = self.values.get(rejected, 0.0) + refused * self._seconds

    def _duplication(self, partition: Partition, known: Duplicator) -> None:
        gpid = partition.gpid_text
        self.metrics[gpid].update(
            dup_pending_mutations=partition.decree - known.shipped,
            dup_confirmed_mutations=known.confirmed,
            dup_shipped_successful_requests=known.shipped_ops,
            dup_shipped_failed_requests=known.failed_ops,
            dup_recent_lost_mutations=known.lost,
            dup_rejected_non_idempotent_write_requests=partition.rejected_non_idempotent,
        )
        if known.running:
            shipped = self._rate(gpid, "shipped %d" % known.dupid, known.shipped_ops)
            failed = self._rate(gpid, "failed %d" % known.dupid, known.failed_ops)
            self.values[PER_REPLICA % ("dup_shipped_ops", gpid)] = round(shipped)
            self.values[PER_REPLICA % ("dup_failed_shipping_ops", gpid)] = round(failed)

    def _rate(self, gpid: str, what: str, count: int) -> float:
        """Per second since the last snapshot; a counter that began anew starts from 0."""
        before = self._seen.get((gpid, what), 0)
        self._seen[gpid, what] = count
        return (count - before if count >= before else count) / self._seconds
