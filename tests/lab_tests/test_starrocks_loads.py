# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's loads: what disable_load_job refuses, what pauses, what compaction and the recycle bin do."""

from __future__ import annotations

import asyncio

import pytest

from lab.clock import LabClock
from lab.intervals import IntervalSet
from lab.starrocks.errors import SqlError
from lab.starrocks.loads import partition_of
from lab.starrocks.state_jobs import Pipe, RoutineLoad, Task
from lab.starrocks.state_tables import Partition
from lab.starrocks.table_ledger import TableLedger
from lab_tests.starrocks_small import SmallPair


@pytest.fixture
def pair() -> SmallPair:
    """A shared-data pair with the table sales.orders on the source."""
    found = SmallPair()
    found.table(found.source)
    return found


def _partition(pair: SmallPair, name: str = "p2") -> Partition:
    return pair.clusters["source"].databases["sales"].tables["orders"].partitions[name]


@pytest.mark.parametrize(
    ("version", "errno", "begin"),
    [
        ("2.5", 1064, "disable_load_job is set to true, all load jobs are prevented"),
        ("3.2", 1064, "disable_load_job is set to true, all load jobs are prevented"),
        ("3.3", 5301, "Failed to begin transaction: disable_load_job is set to true, all load jobs are rejected"),
        ("4.1", 5301, "Failed to begin transaction: disable_load_job is set to true, all load jobs are rejected"),
    ],
)
def test_the_freeze_refuses_begin_and_commit_in_each_versions_words(version: str, errno: int, begin: str) -> None:
    pair = SmallPair(version, "shared_nothing", version, "shared_nothing")
    database, table = pair.table(pair.source)
    engine, items = pair.source, pair.fronts["source"].items
    begun = engine.transactions.begin(database, "begun", "INSERT_STREAMING", [table.id])
    items["disable_load_job"] = "true"
    with pytest.raises(SqlError) as refused:
        engine.transactions.begin(database, "late", "INSERT_STREAMING", [table.id])
    assert (refused.value.errno, str(refused.value)) == (errno, begin)
    with pytest.raises(SqlError, match="prevented"):
        engine.transactions.commit(database, begun, [])
    assert (begun.status, database.running) == ("ABORTED", {})


def test_what_is_committed_before_the_freeze_becomes_visible(pair: SmallPair) -> None:
    database = pair.clusters["source"].databases["sales"]
    table, keys = database.tables["orders"], {"p2": IntervalSet([(0, 5)])}
    pair.source.loads.load(database, table, "before", "INSERT_STREAMING", keys, lambda: None)
    pair.fronts["source"].items["disable_load_job"] = "true"
    assert _partition(pair).rows == 0
    pair.advance(1)
    assert _partition(pair).rows == 5
    assert database.finished[0].status == "VISIBLE"


def test_a_routine_load_pauses_keeps_its_offsets_and_goes_on_after_resume(pair: SmallPair) -> None:
    job = RoutineLoad(1, "from_kafka", "sales", "orders", "orders", progress={0: 0}, produced={0: 0}, rate=10)
    pair.clusters["source"].routine_loads.append(job)
    pair.advance(5)
    assert job.state == "RUNNING"
    pair.advance(30)
    loaded = job.loaded_rows
    assert loaded == _partition(pair).rows > 200
    pair.fronts["source"].items["disable_load_job"] = "true"
    pair.advance(15)
    assert job.state == "PAUSED"
    assert job.reason.startswith("failed to begin txn for task from_kafka-1-")
    pair.fronts["source"].items["disable_load_job"] = "false"
    pair.advance(60)
    assert job.state == "PAUSED"
    pair.source.jobs.resume(job)
    assert job.state == "NEED_SCHEDULE"
    pair.advance(30)
    # Nothing of what came into Kafka meanwhile is left out.
    assert job.loaded_rows == job.progress[0] == _partition(pair).rows > loaded + 800


def test_an_election_pauses_no_routine_load(pair: SmallPair) -> None:
    job = RoutineLoad(1, "from_kafka", "sales", "orders", "orders", progress={0: 0}, produced={0: 0}, rate=10)
    pair.clusters["source"].routine_loads.append(job)
    pair.advance(30)
    leader, pair.fronts["source"].leader = pair.fronts["source"].leader, None
    pair.advance(30)
    assert job.state == "RUNNING"
    pair.fronts["source"].leader = leader
    pair.advance(30)
    assert job.loaded_rows > 600


def test_pipes_and_tasks_load_and_fail_under_the_freeze(pair: SmallPair) -> None:
    pipe, task = Pipe(1, "files", "sales", "orders"), Task("nightly", "sales", "orders", "INSERT ...", interval=10)
    cluster = pair.clusters["source"]
    cluster.pipes.append(pipe)
    cluster.tasks.append(task)
    pair.advance(70)
    assert pipe.loaded_files >= 2
    assert task.runs >= 5
    pair.fronts["source"].items["disable_load_job"] = "true"
    pair.advance(70)
    assert "rejected" in pipe.last_error
    assert "rejected" in task.last_error
    assert pipe.state == "RUNNING"
    loaded = pipe.loaded_files
    pipe.state = "SUSPEND"
    pair.fronts["source"].items["disable_load_job"] = "false"
    pair.advance(70)
    assert pipe.loaded_files == loaded


def test_compaction_raises_the_visible_version_only_and_the_freeze_stops_it(pair: SmallPair) -> None:
    pair.source.settings.compaction = (5, 30)
    for number in range(12):
        pair.load(pair.source, "orders", "p2", number, number + 1)
    visible, data, epoch = (
        _partition(pair).visible_version,
        _partition(pair).data_version,
        _partition(pair).version_epoch,
    )
    pair.advance(60)
    found = _partition(pair)
    assert (found.visible_version, found.data_version, found.version_epoch) == (visible + 1, data, epoch)
    assert found.compact_version == found.visible_version
    assert [job.finished is not None for job in pair.clusters["source"].compactions] == [True]
    pair.fronts["source"].items["lake_compaction_max_tasks"] = "0"
    for number in range(12):
        pair.load(pair.source, "orders", "p2", 100 + number, 101 + number)
    pair.advance(60)
    assert len(pair.clusters["source"].compactions) == 1
    table = pair.clusters["source"].databases["sales"].tables["orders"]
    pair.fronts["source"].items.update(lake_compaction_max_tasks="-1", lake_compaction_disable_tables=str(table.id))
    pair.advance(60)
    assert len(pair.clusters["source"].compactions) == 1


def test_too_many_running_transactions(pair: SmallPair) -> None:
    pair.fronts["source"].items["max_running_txn_num_per_db"] = "1"
    database = pair.clusters["source"].databases["sales"]
    pair.source.transactions.begin(database, "one", "INSERT_STREAMING", [])
    with pytest.raises(SqlError, match="larger than limit 1"):
        pair.source.transactions.begin(database, "two", "INSERT_STREAMING", [])


def test_nobody_leads_so_nothing_begins(pair: SmallPair) -> None:
    pair.fronts["source"].leader = None
    with pytest.raises(SqlError, match="electing"):
        pair.source.transactions.begin(pair.clusters["source"].databases["sales"], "x", "INSERT_STREAMING", [])


def test_rows_find_their_partitions(pair: SmallPair) -> None:
    table = pair.clusters["source"].databases["sales"].tables["orders"]
    placed = pair.source.loads.place(table, ["k", "day"], [(1, "2026-01-31"), (2, "2026-02-01"), ("3", "2026-02-28")])
    assert placed == {"p1": {1}, "p2": {2, 3}}
    assert partition_of(table, "2026-03-01") is None
    with pytest.raises(SqlError, match="filtered data"):
        pair.source.loads.place(table, ["k", "day"], [(1, "2027-01-01")])


def test_an_insert_is_answered_when_its_rows_are_visible() -> None:
    async def run() -> tuple[int, int]:
        pair = SmallPair()
        pair.clock = LabClock(200)  # type: ignore[assignment]
        engine = pair.source
        engine.schedule.clock = pair.clock
        database, table = pair.table(engine)
        running = asyncio.get_running_loop().create_task(engine.run())
        rows, _label, _txn = await engine.loads.insert("root", database, table, ["k", "day"], [(1, "2026-01-01")])
        running.cancel()
        return rows, table.partitions["p1"].rows

    assert asyncio.run(run()) == (1, 1)


def test_truncate_and_drop_leave_the_old_data_in_the_recycle_bin_for_a_while(pair: SmallPair) -> None:
    pair.load(pair.source, "orders", "p2", 0, 10)
    cluster = pair.clusters["source"]
    database = cluster.databases["sales"]
    old = _partition(pair)
    pair.source.ddl.truncate(database, database.tables["orders"], ["p2"])
    assert (_partition(pair).rows, _partition(pair).data_version, old.rows) == (0, 1, 10)
    pair.source.ddl.drop_table(database, "orders")
    pair.advance(3600, step=10)
    assert (len(cluster.recycled_tables), len(cluster.recycled_partitions), old.erased) == (1, 1, False)
    pair.fronts["source"].items["catalog_trash_expire_second"] = "600"
    pair.advance(60)
    assert (len(cluster.recycled_tables), len(cluster.recycled_partitions), old.erased) == (0, 0, True)


def test_the_ledger_counts_what_is_missing_on_each_cluster(pair: SmallPair) -> None:
    ledger = TableLedger(pair.clock, pair.clusters)
    ledger.acknowledge(("sales", "orders", "p2"), range(10))
    pair.load(pair.source, "orders", "p2", 0, 8)
    found = ledger.as_dict()
    assert (found["acknowledged"], found["missing"]) == (10, 2)
    assert found["missing_on"] == {"source": 2, "target": 10}
    ledger.refuse(("sales", "orders", "p2"), 3)
    pair.advance(5)
    ledger.acknowledge(("sales", "orders", "p2"), range(10, 13))
    assert ledger.as_dict()["refused_seconds"] == pytest.approx(5, abs=1)
