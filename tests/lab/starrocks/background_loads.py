# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What loads by itself: routine loads, pipes, tasks, and the collection of statistics."""

from __future__ import annotations

import typing as t

from lab.intervals import IntervalSet
from lab.starrocks.errors import SqlError
from lab.starrocks.loads import Loads
from lab.starrocks.state_jobs import FRONTEND, INSERT_STREAMING, ROUTINE_LOAD_TASK, Pipe, RoutineLoad, Task
from lab.starrocks.state_tables import Database, Table
from lab.starrocks.transactions import Transactions

NEED_SCHEDULE, RUNNING, PAUSED = "NEED_SCHEDULE", "RUNNING", "PAUSED"
STATISTICS = "_statistics_"
TASKS_INTERVAL = 1.0
FIRST_KEY = 10**12
"""Far from the keys that clients insert."""


class BackgroundLoads:
    """Looks every second whose turn it is. Rows go into a table's last partition."""

    def __init__(self, transactions: Transactions, loads: Loads) -> None:
        self._transactions = transactions
        self._loads = loads
        self._cluster = transactions.cluster
        self._schedule = transactions.schedule
        self._due: dict[tuple[str, int | str], float] = {}
        self._produced_at = 0.0
        self._keys: dict[int, int] = {}
        self._fractions: dict[int, float] = {}
        self._count = 0

    def start(self) -> None:
        """Begin."""
        self._produced_at = self._schedule.clock.now()
        self._schedule.every(lambda: TASKS_INTERVAL, self.turn)
        self._schedule.every(lambda: self._transactions.settings.statistics, self._collect_statistics)

    def turn(self) -> None:
        """One look at everything."""
        now = self._schedule.clock.now()
        seconds, self._produced_at = now - self._produced_at, now
        for job in self._cluster.routine_loads:
            self._produce(job, seconds)
        if self._transactions.front.leader is None:
            return  # the leader schedules all of these
        for job in self._cluster.routine_loads:
            self._routine_load(job, now)
        for pipe in self._cluster.pipes:
            if pipe.state == RUNNING and self._turn_of(("pipe", pipe.id), now, pipe.interval):
                self._pipe(pipe)
        for task in self._cluster.tasks:
            if task.interval and self._turn_of(("task", "%s.%s" % (task.database, task.name)), now, task.interval):
                self._task(task)

    def _turn_of(self, key: tuple[str, int | str], now: float, interval: float) -> bool:
        due = self._due.setdefault(key, now + interval)
        if now < due:
            return False
        self._due[key] = now + interval
        return True

    def _table(self, database: str, table: str) -> tuple[Database, Table] | None:
        found = self._cluster.databases.get(database)
        return (found, found.tables[table]) if found is not None and table in found.tables else None

    def _add(
        self, database: Database, table: Table, source_type: str, label: str, rows: int, done: t.Callable[[], None]
    ) -> None:
        partitions = [p for p in table.partitions.values() if not p.shadow]
        if not partitions:
            raise SqlError("table %s has no partition" % table.name)
        partition = partitions[-1]
        first = self._keys.get(partition.id, FIRST_KEY)
        added = IntervalSet([(first, first + rows)])
        self._loads.load(database, table, label, source_type, {partition.name: added}, done)
        # Only once it is committed: what was refused leaves no hole.
        self._keys[partition.id] = first + rows

    # --- routine loads ---

    def _produce(self, job: RoutineLoad, seconds: float) -> None:
        rows = self._fractions.get(job.id, 0.0) + job.rate * seconds
        share = int(rows / max(1, len(job.produced)))
        for kafka in job.produced:
            job.produced[kafka] += share
        self._fractions[job.id] = rows - len(job.produced) * share

    def _routine_load(self, job: RoutineLoad, now: float) -> None:
        wait = self._transactions.settings.routine_schedule
        if job.state == NEED_SCHEDULE and self._turn_of(("schedule", job.id), now, wait):
            self._due.pop(("schedule", job.id))
            job.state, job.paused = RUNNING, None
            self._due[("routine", job.id)] = now
        if job.state != RUNNING or not self._turn_of(("routine", job.id), now, job.interval):
            return
        found = self._table(job.database, job.table)
        if found is None:
            self.pause(job, "table %s does not exist" % job.table)
            return
        self._count += 1
        name = "%s-%d-%08d" % (job.name, job.id, self._count)
        # 0 rows are a task too: it begins a transaction before it looks into Kafka, and aborts it when there is none.
        taken = dict(job.produced)
        rows = sum(newest - job.progress.get(kafka, -1) for kafka, newest in taken.items())
        try:
            if rows:
                self._add(*found, ROUTINE_LOAD_TASK, name, rows, lambda: self._consumed(job, rows))
                job.progress = taken
            elif self._transactions.loads_disabled:
                self._transactions.begin(found[0], name, ROUTINE_LOAD_TASK, [found[1].id])
        except SqlError as error:
            self.pause(job, "failed to begin txn for task %s: %s" % (name, error))

    @staticmethod
    def _consumed(job: RoutineLoad, rows: int) -> None:
        job.loaded_rows += rows
        job.committed_tasks += 1

    def pause(self, job: RoutineLoad, reason: str) -> None:
        """PAUSED by the server or (with an empty reason's text of its own) by a user; the offsets stay."""
        job.state, job.paused, job.reason = PAUSED, self._schedule.clock.now(), reason
        job.aborted_tasks += 1

    @staticmethod
    def resume(job: RoutineLoad) -> None:
        """RESUME: the scheduler takes it up again."""
        job.state, job.paused, job.reason = NEED_SCHEDULE, None, ""

    # --- pipes, tasks, statistics ---

    def _pipe(self, pipe: Pipe) -> None:
        found = self._table(pipe.database, pipe.table)
        if found is None:
            pipe.state, pipe.last_error = "ERROR", "table %s does not exist" % pipe.table
            return
        self._count += 1

        def done() -> None:
            pipe.loaded_files += 1
            pipe.loaded_rows += pipe.rows_per_file

        try:
            label = "pipe-%d-task-%d" % (pipe.id, self._count)
            self._add(*found, INSERT_STREAMING, label, pipe.rows_per_file, done)
            pipe.last_error = ""
        except SqlError as error:
            pipe.last_error = str(error)

    def _task(self, task: Task) -> None:
        found = self._table(task.database, task.table)
        if found is None:
            task.last_error = "table %s does not exist" % task.table
            return
        self._count += 1
        try:
            self._add(*found, INSERT_STREAMING, "%s-%d" % (task.name, self._count), 1, lambda: None)
            task.last_error, task.runs = "", task.runs + 1
        except SqlError as error:
            task.last_error = str(error)

    def _collect_statistics(self) -> None:
        """The rows of ROW_COUNT, and an INSERT into _statistics_ which disable_load_job refuses like any other."""
        for _database, table in self._cluster.tables():
            for partition in table.partitions.values():
                partition.counted_rows = partition.rows
        found = self._table(STATISTICS, "column_statistics")
        if found is None:
            return
        self._count += 1
        try:
            self._add(*found, FRONTEND, "statistics_%d" % self._count, 1, lambda: None)
        except SqlError:
            return  # it is tried again in the next round
