# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipping the log of duplicated tables to the other cluster: what is held back, what blocks it, what is lost."""

from __future__ import annotations

import itertools
import typing as t

from lab.pegasus import model, storage
from lab.pegasus.model import App, Duplicator, Mutation, Partition

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster

MIN_PAUSE = 0.005
"""Real seconds between two rounds."""
SKIP_EVERY = 20
"""Under the fault dup_fail_skip one mutation in so many is lost."""


class Shipping:
    """One cluster's outgoing duplication: a round every 0.1 s over the partitions that have something to ship."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._followers: dict[tuple[str, str], App | None] = {}
        self._since = 0.0

    async def forever(self) -> None:
        """Ship until the lab ends."""
        clock = self._cluster.clock
        while True:
            wait = self._cluster.settings.durations.ship
            await clock.sleep(max(wait, MIN_PAUSE * clock.factor))
            self.round()

    def round(self) -> None:
        """Ship what may be shipped now."""
        cluster = self._cluster
        now = cluster.clock.now()
        budget = max(1, int(cluster.settings.ship_rate * (now - self._since)))
        self._since = now
        self._followers.clear()
        for partition in list(cluster.dirty):
            node = cluster.nodes.get(partition.primary)
            if node is None or not node.alive:
                continue
            for duplicator in partition.duplicators.values():
                if duplicator.running and now >= duplicator.retry_at:
                    self._ship(partition, duplicator, budget, now)
            if not partition.log and not partition.duplicators:
                cluster.dirty.discard(partition)

    def _limit(self, partition: Partition) -> int:
        """The last decree that the log knows to be committed: until 2.5 the newest one is not."""
        return partition.decree - 1 if self._cluster.profile.holds_back else partition.decree

    def _ship(self, partition: Partition, known: Duplicator, budget: int, now: float) -> None:
        cluster, app = self._cluster, partition.app
        limit = self._limit(partition)
        duplication = app.duplications.get(known.dupid)
        if duplication is None or known.shipped >= limit:
            return
        stuck = cluster.fault("dup_stuck", table=app.name, index=partition.index)
        if stuck is not None and stuck.step in ("", "DS_LOG"):
            return
        if cluster.fault("lost_log", table=app.name, index=partition.index):
            self._log_lost(known, limit, now)
            return
        batch = self._batch(partition, known, limit, budget)
        if not batch:
            return
        follower = self._follower(duplication.remote, duplication.remote_table)
        if follower is None or refusal(cluster.peers[duplication.remote], follower, partition):
            self._failed(partition, known, batch, now)
            return
        if cluster.name not in cluster.peers[duplication.remote].settings.group:
            cluster.nodes[partition.primary].kill()  # the follower's answer trips an assertion of the source's server
            return
        if self._too_large(cluster.peers[duplication.remote], batch):
            self._failed(partition, known, batch, now)
            return
        target = follower.partitions[partition.index % follower.partition_count]
        skipping = known.fail_mode == model.SKIP and (
            cluster.fault("dup_fail_skip", table=app.name, index=partition.index) is not None
        )
        for mutation in batch:
            known.shipped = mutation.decree
            if mutation.duplicated or not mutation.operations:
                continue
            if skipping and mutation.decree % SKIP_EVERY == 0:
                known.lost += 1
                known.failed_ops += 1
                continue
            known.shipped_ops += 1
            storage.apply_duplicate(target, mutation.operations, now, mutation.timestamp, cluster.cluster_id)

    def _too_large(self, target: Cluster, batch: t.Sequence[Mutation]) -> bool:
        """Until 2.5 a mutation over the target's size limit is refused for ever."""
        limit = min(int(node.flags["max_allowed_write_size"]) for node in target.nodes.values())
        if limit >= 1 << 20 or not self._cluster.profile.holds_back:
            return False
        return any(len(value or b"") > limit for mutation in batch for _key, value in mutation.operations)

    @staticmethod
    def _batch(partition: Partition, known: Duplicator, limit: int, budget: int) -> list[Mutation]:
        log = partition.log
        if not log:
            return []
        start = max(0, known.shipped + 1 - log[0].decree)
        count = min(budget, limit + 1 - log[0].decree - start)
        return list(itertools.islice(log, start, start + count)) if count > 0 else []

    def _follower(self, remote: str, table: str) -> App | None:
        key = remote, table
        if key not in self._followers:
            target = self._cluster.peers.get(remote)
            app = target.app(table) if target is not None else None
            self._followers[key] = app if app is not None and app.status == model.AVAILABLE else None
        return self._followers[key]

    def _log_lost(self, known: Duplicator, limit: int, now: float) -> None:
        """A log file cannot be read: slow mode tries for ever, skip mode goes on behind it."""
        if known.fail_mode == model.SKIP:
            known.lost += limit - known.shipped
            known.shipped = limit
            return
        known.failed_ops += 1
        known.retry_at = now + self._cluster.settings.durations.ship_retry

    def _failed(self, partition: Partition, known: Duplicator, batch: t.Sequence[Mutation], now: float) -> None:
        """The target does not take it: slow mode tries again each second, skip mode loses it, fast mode aborts."""
        known.failed_ops += 1
        known.retry_at = now + self._cluster.settings.durations.ship_retry
        if known.fail_mode == model.SKIP:
            known.lost += sum(1 for m in batch if m.operations)
            known.shipped = batch[-1].decree
        elif known.fail_mode == model.FAST:
            self._cluster.nodes[partition.primary].kill()


def refusal(target: Cluster, follower: App, source: Partition) -> str:
    """Why the follower's partition does not take RPC_RRDB_RRDB_DUPLICATE now; "" if it does."""
    partition = follower.partitions[source.index % follower.partition_count]
    node = target.nodes.get(partition.primary)
    if node is None or not node.alive:
        return "ERR_TIMEOUT"
    known = node.known.get(follower.id)
    if known is not None and known.denies("write"):
        return "ERR_TIMEOUT" if known.denies("write") == "timeout" else "ERR_INVALID_STATE"
    return ""
