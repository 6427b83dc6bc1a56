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
SHIPPED = "replica*app.pegasus*dup_shipped_ops@%s"
FAILED = "replica*app.pegasus*dup_failed_shipping_ops@%s"
LOAD_FAILED = "replica*eon.replica_stub*dup.load_file_failed_count"
REJECTED = "replica*eon.replica*dup.disabled_non_idempotent_write_count@%s"


class Counters:
    """One server's counters. Rates are per lab second over the time since the snapshot before."""

    def __init__(self, node: ReplicaServer) -> None:
        self._node = node
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}
        self._at = 0.0
        self.values: dict[str, float] = {PENDING: 0, LOAD_FAILED: 0}
        self.metrics: dict[str, dict[str, float]] = {}

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
        node = self._node
        now = node.cluster.clock.now()
        seconds = max(0.001, now - self._at)
        self._at = now
        values: dict[str, float] = {PENDING: node.pending_counter, LOAD_FAILED: 0}
        metrics: dict[str, dict[str, float]] = {}
        seen: dict[tuple[str, int], tuple[int, int]] = {}
        for partition, known in node.duplicators():
            gpid = partition.gpid_text
            before = self._seen.get((gpid, known.dupid), (0, 0))
            seen[gpid, known.dupid] = known.shipped_ops, known.failed_ops
            metrics[gpid] = _metrics(partition, known)
            values[REJECTED % partition.app.name] = 0.0
            if known.running:
                values[SHIPPED % gpid] = round((known.shipped_ops - before[0]) / seconds)
                values[FAILED % gpid] = round((known.failed_ops - before[1]) / seconds)
        self._seen, self.values, self.metrics = seen, values, metrics


def _metrics(partition: Partition, known: Duplicator) -> dict[str, float]:
    return {
        "dup_pending_mutations": partition.decree - known.shipped,
        "dup_confirmed_mutations": known.confirmed,
        "dup_shipped_successful_requests": known.shipped_ops,
        "dup_shipped_failed_requests": known.failed_ops,
        "dup_recent_lost_mutations": known.lost,
        "dup_rejected_non_idempotent_write_requests": partition.rejected_non_idempotent,
    }
