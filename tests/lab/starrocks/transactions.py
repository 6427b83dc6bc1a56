# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions of one cluster: begin, commit, publish, abort, and what refuses them (facts 4.3, 7)."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

from lab.starrocks.errors import SqlError
from lab.starrocks.schedule import Schedule
from lab.starrocks.settings import EngineSettings
from lab.starrocks.state import Cluster
from lab.starrocks.state_jobs import ABORTED, COMMITTED, LAKE_COMPACTION, VISIBLE, Transaction
from lab.starrocks.state_tables import QUOTA, Database, Partition

Apply = t.Callable[[int, float], None]
"""Called when the write becomes visible with (version, lab time)."""
RETRY_PUBLISH = 5.0


class Leading(t.Protocol):
    """What the engine needs of the frontends."""

    @property
    def leader(self) -> t.Any:
        """The leading frontend, whose ``record`` has a host; None during an election."""

    @property
    def token(self) -> str:
        """The cluster's token."""

    def config(self, key: str) -> str:
        """A config value as the leader has it; KeyError for an item that the version does not have."""


@dataclass
class Write:
    """What a transaction does to one partition; ``versions``: by how much the version grows."""

    partition: Partition
    apply: Apply
    versions: int = 1


class Transactions:
    """All of a cluster's. ``blocked`` names partitions whose next publish fails for good: partition id -> why."""

    def __init__(
        self, cluster: Cluster, front: Leading, schedule: Schedule, settings: EngineSettings, seed: int
    ) -> None:
        self.cluster = cluster
        self.front = front
        self.schedule = schedule
        self.settings = settings
        self.rng = random.Random("transactions %d %s" % (seed, cluster.key))
        self.blocked: dict[int, str] = {}
        self.observers: list[t.Callable[[Database, Partition], None]] = []
        self._busy_until: dict[int, float] = {}

    def config(self, key: str, default: str) -> str:
        """The leader's value; the default where the version has no such item."""
        try:
            return self.front.config(key)
        except KeyError:
            return default

    def number(self, key: str, default: int) -> int:
        """The leader's value of a number."""
        return int(self.config(key, str(default)))

    @property
    def loads_disabled(self) -> bool:
        """disable_load_job, on the leader."""
        return self.config("disable_load_job", "false") == "true"

    def begin(
        self, database: Database, label: str, source_type: str, tables: t.Sequence[int], timeout: float = 300.0
    ) -> Transaction:
        """A new transaction; SqlError when loads are disabled, too many run, or the quota is used up."""
        leader = self.front.leader
        if leader is None:
            raise SqlError("Failed to begin transaction: the frontends are electing a leader")
        if self.loads_disabled:
            errno, sqlstate, text = self.cluster.profile.begin_refused
            raise SqlError(text, errno, sqlstate)
        limit = self.number("max_running_txn_num_per_db", 1000)
        if source_type != LAKE_COMPACTION and self._running(database) >= limit:
            text = "current running txns on db %d is %d, larger than limit %d"
            raise SqlError(text % (database.id, self._running(database), limit))
        if database.quota != QUOTA and sum(table.bytes for table in database.tables.values()) > database.quota:
            raise SqlError("Database[%s] data size exceeds quota[%.3f B]" % (database.name, database.quota))
        now = self.schedule.clock.now()
        number = self.cluster.next_txn_id
        self.cluster.next_txn_id += 1
        coordinator = "FE: %s" % leader.record.host
        found = Transaction(number, label, source_type, database.id, list(tables), coordinator, now, timeout)
        database.running[number] = found
        return found

    @staticmethod
    def _running(database: Database) -> int:
        return sum(1 for txn in database.running.values() if txn.source_type != LAKE_COMPACTION)

    def check_commit(self) -> None:
        """SqlError when a commit or prepare is refused now."""
        if self.front.leader is None:
            raise SqlError("Failed to commit transaction: the frontends are electing a leader")
        if self.loads_disabled:
            errno, sqlstate, text = self.cluster.profile.commit_refused
            raise SqlError(text, errno, sqlstate)

    def commit(
        self,
        database: Database,
        txn: Transaction,
        writes: t.Sequence[Write],
        done: t.Callable[[], None] | None = None,
        dropped: t.Callable[[], None] | None = None,
    ) -> None:
        """Commit; the writes become visible together a little later, and then ``done`` is called.

        ``dropped`` is called instead when that was not possible until the table was dropped.

        SqlError (and the transaction aborted) when loads are disabled.
        """
        try:
            self.check_commit()
        except SqlError as error:
            self.abort(database, txn, str(error))
            raise
        now = self.schedule.clock.now()
        txn.status, txn.committed_at = COMMITTED, now
        txn.partition_ids = [write.partition.id for write in writes]
        numbered = []
        due = now + self.rng.uniform(*self.settings.publish)
        for write in writes:
            partition = write.partition
            # Versions of a partition become visible in the order of their commits.
            due = max(due, self._busy_until.get(partition.id, 0.0))
            number = partition.next_version + write.versions - 1
            partition.next_version = number + 1
            partition.publishing += 1
            numbered.append((write, number))
        for write in writes:
            self._busy_until[write.partition.id] = due
        self.schedule.after(due - now, lambda: self._publish(database, txn, numbered, done, dropped))

    def _publish(
        self,
        database: Database,
        txn: Transaction,
        numbered: list[tuple[Write, int]],
        done: t.Callable[[], None] | None,
        dropped: t.Callable[[], None] | None,
    ) -> None:
        stuck = [self.blocked[w.partition.id] for w, _number in numbered if w.partition.id in self.blocked]
        if stuck:
            # The publish daemon tries again for ever; nothing but dropping the table ends it.
            txn.error = stuck[0]
            if any(table.id in txn.table_ids for table in database.tables.values()):
                self.schedule.after(RETRY_PUBLISH, lambda: self._publish(database, txn, numbered, done, dropped))
            else:
                self.abort(database, txn, "table is dropped")
                if dropped is not None:
                    dropped()
            return
        now = self.schedule.clock.now()
        for write, number in numbered:
            write.apply(number, now)
            write.partition.publishing -= 1
            for observer in self.observers:
                observer(database, write.partition)
        txn.error = ""
        txn.published_at = now
        self._finish(database, txn, VISIBLE)
        if done is not None:
            done()

    def abort(self, database: Database, txn: Transaction, reason: str) -> None:
        """End a transaction that is not committed."""
        txn.reason = reason
        self._finish(database, txn, ABORTED)

    def _finish(self, database: Database, txn: Transaction, status: str) -> None:
        txn.status, txn.finished_at = status, self.schedule.clock.now()
        if database.running.pop(txn.id, None) is not None:
            database.finished.appendleft(txn)
