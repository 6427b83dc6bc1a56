# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replication manager in the target's leader: a job for each table, from its start to its commit (facts 6)."""

from __future__ import annotations

import typing as t

from lab.starrocks import replication_rules as rules
from lab.starrocks import versions
from lab.starrocks.compaction import Compactions
from lab.starrocks.errors import SqlError
from lab.starrocks.replication_rules import Refused
from lab.starrocks.state import Cluster, StorageVolume
from lab.starrocks.state_jobs import (
    ABORTED,
    COMMITTED,
    REPLICATING,
    REPLICATION,
    SNAPSHOTING,
    ReplicatedPartition,
    ReplicationJob,
    Transaction,
)
from lab.starrocks.state_tables import Database, Table
from lab.starrocks.transactions import Apply, Transactions, Write

STEP = 0.5
UNREACHABLE_SECONDS = 60.0


class Replications:
    """``source`` and ``source_token`` are the other cluster's; its files are read from its records.

    Jobs go on whatever becomes of the tool, and after a change of leader.
    """

    def __init__(
        self,
        transactions: Transactions,
        compactions: Compactions,
        source: Cluster,
        source_token: t.Callable[[], str],
        readable: rules.Credentials,
    ) -> None:
        self._transactions = transactions
        self._compactions = compactions
        self._cluster = transactions.cluster
        self._schedule = transactions.schedule
        self._source = source
        self._source_token = source_token
        self._readable = readable
        self.on_crash: t.Callable[[], None] = lambda: None
        """A compute node dies of issue #45276."""
        self.nodes_alive: t.Callable[[], bool] = lambda: True
        """Whether a node lives on each side: of the source's where it has the data, of the target's in any case."""
        self.slow_down = 1.0
        """Factor on the time that copying takes."""

    def running(self) -> list[ReplicationJob]:
        """Jobs that are not finished."""
        return [job for job in self._cluster.replications.values() if job.running]

    # --- start ---

    def start_job(self, request: t.Mapping[str, t.Any]) -> str:
        """startTableReplication with the fields of its thrift request; the job's id. Refused or SqlError otherwise."""
        found = self._cluster.find_table(int(request["database_id"]), int(request["table_id"]))
        origin = self._source.find_table(int(request["src_database_id"]), int(request["src_table_id"]))
        if found is None:
            raise Refused("Table %s in database %s not found" % (request["table_id"], request["database_id"]))
        database, table = found
        running = self.running()
        if any(job.table_id == table.id for job in running):
            raise Refused("Replication job of table %d is already running" % table.id)
        parts = [part for part in self._partitions(table, origin, request) if self._wanted(part)]
        if not parts:
            raise Refused("No data need to replicate")
        size = sum(part.bytes for part in parts)
        replicas = sum(part.target.buckets for part in parts) * (
            1 if self._cluster.profile.shared_data else table.replication_num
        )
        rules.check_limits(self._transactions, [(job.replicas, job.bytes) for job in running], replicas, size)
        if self._source.profile.shared_data:
            name = str(request.get("src_storage_volume_name", ""))
            rules.check_source_volume(self._cluster, self._source_volume(name), lambda volume: "")
        number = str(request["job_id"])
        label = "REPLICATION_%d_%d_%s" % (database.id, table.id, number)
        timeout = self._transactions.number("replication_transaction_timeout_sec", 86400)
        txn = self._transactions.begin(database, label, REPLICATION, [table.id], timeout)
        job = ReplicationJob(number, database.id, table.id, txn.id, self._now(), parts, replicas, size)
        job.total = job.unfinished = sum(part.target.buckets for part in parts)
        job.source_volume = str(request.get("src_storage_volume_name", ""))
        self._cluster.replications[number] = job
        token, hosts = str(request.get("src_token", "")), [str(host) for host in request.get("src_backends", ())]
        self._schedule.after(STEP, lambda: self._begin(database, txn, job, token, hosts))
        return number

    def _partitions(
        self, table: Table, origin: tuple[Database, Table] | None, request: t.Mapping[str, t.Any]
    ) -> t.Iterator[ReplicatedPartition]:
        mine = {partition.id: partition for partition in table.partitions.values()}
        theirs = {p.id: p for p in origin[1].partitions.values()} if origin is not None else {}
        for recycled in self._source.recycled_partitions:
            theirs.setdefault(recycled.partition.id, recycled.partition)
        for info in request["partition_replication_infos"]:
            target, source = mine.get(int(info["partition_id"])), theirs.get(int(info["src_partition_id"]))
            if target is None:
                raise Refused("Partition %s in table %s not found" % (info["partition_id"], table.name))
            if source is None:
                raise Refused("Partition %s in table %s not found" % (info["src_partition_id"], table.name))
            data_version = int(info["src_data_version"] or info["src_version"])
            epoch = int(info["src_version_epoch"] or target.version_epoch)
            yield ReplicatedPartition(source, target, int(info["src_version"]), data_version, epoch, source.bytes)

    def _wanted(self, part: ReplicatedPartition) -> bool:
        return rules.check_version(self._cluster.profile, part)

    def _source_volume(self, name: str) -> StorageVolume:
        volume = self._source.storage_volumes.get(name)
        if volume is None:
            raise Refused('Unknown storage volume "src_%s"' % name)
        return volume

    # --- steps ---

    def _now(self) -> float:
        return self._schedule.clock.now()

    def _begin(self, database: Database, txn: Transaction, job: ReplicationJob, token: str, hosts: list[str]) -> None:
        settings, rng = self._transactions.settings, self._transactions.rng
        if self._source.profile.shared_data:
            self._replicate(database, txn, job)
            return
        job.state = SNAPSHOTING
        private = [host for host in hosts if host.startswith("10.")]
        if token != self._source_token():
            reason = "Failed to make snapshot on source backend: invalid cluster token"
            self._schedule.after(STEP, lambda: self._abort(database, txn, job, reason))
        elif private:
            # Nothing answers at the made-up addresses: hosts.properties has to map them.
            reason = "Failed to make snapshot from %s, err: connection timed out" % private[0]
            self._schedule.after(UNREACHABLE_SECONDS, lambda: self._abort(database, txn, job, reason))
        else:
            seconds = rng.uniform(*settings.snapshot)
            self._schedule.after(seconds, lambda: self._replicate(database, txn, job))

    def _replicate(self, database: Database, txn: Transaction, job: ReplicationJob) -> None:
        settings, rng = self._transactions.settings, self._transactions.rng
        try:
            self._check_source(job)
        except Refused as problem:
            self._abort(database, txn, job, str(problem))
            return
        job.state = REPLICATING
        seconds = rng.uniform(*settings.copy) + job.bytes / settings.copy_bytes_per_second
        self._copy(database, txn, job, self._now(), seconds * self.slow_down)

    def _copy(self, database: Database, txn: Transaction, job: ReplicationJob, began: float, seconds: float) -> None:
        """One look at a copy that runs: it ends, breaks, or goes on."""
        if not self._runs(txn, job):
            return
        done = min(1.0, (self._now() - began) / seconds) if seconds else 1.0
        job.unfinished = int(job.total * (1 - done))
        try:
            self._check_source(job)
            if self._now() - txn.prepared_at > txn.timeout_seconds:
                raise Refused("timeout by txn manager")
        except Refused as problem:
            self._abort(database, txn, job, str(problem))
            return
        if done >= 1.0 and self._transactions.front.leader is not None:
            self._commit(database, txn, job)
        else:
            self._schedule.after(STEP, lambda: self._copy(database, txn, job, began, seconds))

    def _runs(self, txn: Transaction, job: ReplicationJob) -> bool:
        if txn.status == ABORTED and job.running:
            job.state, job.finished, job.error = ABORTED, self._now(), txn.reason
        return job.running

    def _check_source(self, job: ReplicationJob) -> None:
        """The versions that are copied must be there, and the volume readable, until the last byte."""
        if not self.nodes_alive():
            raise Refused("Failed to replicate snapshot: no alive node")
        for part in job.partitions:
            if versions.find(part.source, part.version) is None:
                text = "Not found: version %d of source partition %d does not exist any more"
                raise Refused(text % (part.version, part.source.id))
        if self._source.profile.shared_data:
            volume = self._source_volume(job.source_volume)
            rules.check_source_volume(self._cluster, volume, self._readable)

    def _commit(self, database: Database, txn: Transaction, job: ReplicationJob) -> None:
        writes = [Write(part.target, self._applying(part), self._growth(part)) for part in job.partitions]
        lake = self._source.profile.shared_data
        met = [part for part in job.partitions if self._met_compaction(part, job)]
        if met and rules.compaction_breaks(self._cluster.profile, lake):
            for part in met:
                text = "Fail to publish version of partition %d: mismatched version, expected %d"
                self._transactions.blocked[part.target.id] = text % (part.target.id, part.target.visible_version)
            if rules.compaction_crashes(self._cluster.profile, lake):
                self.on_crash()
        try:
            self._transactions.commit(database, txn, writes)
        except SqlError as problem:
            self._end(job, ABORTED, str(problem))
            return
        self._end(job, COMMITTED, "")

    def _growth(self, part: ReplicatedPartition) -> int:
        """The target's version grows by as much as its data version, or up to the source's on older targets."""
        if self._cluster.profile.data_version_from_source:
            return part.data_version - int(part.target.data_version)
        return part.version - int(part.target.visible_version)

    def _met_compaction(self, part: ReplicatedPartition, job: ReplicationJob) -> bool:
        number = part.target.id
        return number in self._compactions.running or self._compactions.finished_at.get(number, -1.0) > job.created

    @staticmethod
    def _applying(part: ReplicatedPartition) -> Apply:
        content = versions.find(part.source, part.version)
        assert content is not None

        def apply(number: int, now: float) -> None:
            versions.replicate(part.target, content, number, part.data_version, part.version_epoch, now)

        return apply

    def _abort(self, database: Database, txn: Transaction, job: ReplicationJob, reason: str) -> None:
        if self._runs(txn, job):
            self._transactions.abort(database, txn, reason)
            self._end(job, ABORTED, reason)

    def _end(self, job: ReplicationJob, state: str, error: str) -> None:
        job.state, job.error, job.finished = state, error, self._now()
        if state == COMMITTED:
            job.unfinished = 0

    def forget_old(self) -> None:
        """Finished jobs are listed for history_job_keep_max_second."""
        before = self._now() - self._transactions.number("history_job_keep_max_second", 604800)
        for number, job in list(self._cluster.replications.items()):
            if job.finished is not None and job.finished < before:
                del self._cluster.replications[number]
