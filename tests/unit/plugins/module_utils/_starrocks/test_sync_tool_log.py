# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log import LogMemory
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_errors import (
    SEVERITY,
    classify,
    subject_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_line import read_line, read_report

# As the screenshots of the manual show them: January 2024, then August 2024.
FIRST = """\
24/01/18 11:17:04 INFO [Thread-1] updateClusterMeta(ClusterMetaKeeper.java:57): Target cluster metadata synchronization completed.
24/01/18 11:17:05 INFO [Thread-4] report(SyncJob.java:182): DDL job queue size: 0
24/01/18 11:17:05 INFO [Thread-4] report(SyncJob.java:189): Total estimated size of data pending synchronization: 0
24/01/18 11:17:05 INFO [Thread-4] reportDbProgress(ClusterMetaKeeper.java:981): Databases pending synchronization: []
24/01/18 11:17:05 INFO [Thread-4] reportDbProgress(ClusterMetaKeeper.java:1013): Database test , source running txn: 0
24/01/18 11:17:05 INFO [Thread-4] reportDbProgress(ClusterMetaKeeper.java:1017): Total source size: 131.634 GB, total target size: 131.634 GB, total diff: 0.000 B
24/01/18 11:17:07 INFO [Thread-4] report(SyncJob.java:226): Sync progress: 100.00%, total: 4, ddlPending: 0, jobPending: 0, running: 0, finished: 4, failed: 0, unknown: 0
"""  # noqa: E501
SECOND = """\
24/08/30 14:57:00 INFO [sync-reporter] report(SyncJob.java:423): Sync table progress, finishedTableRatio: 50.00%, expiredTableRatio: 100.00%, total table: 2, finished table: 1, unfinished table: 1, expired table: 2.
24/08/30 14:57:00 INFO [sync-reporter] report(SyncJob.java:420): Sync job progress: 33.33%, total: 3, ddlPending: 0, jobPending: 1, sent: 1, running: 0, finished: 1, failed: 0, unknown: 0
24/08/30 14:57:04 WARN [sync-sender] send(Sender.java:12): The replication jobs exceeds the replication_max_parallel_table_count: 100
24/08/30 14:57:05 ERROR [sync-sender] send(Sender.java:15): Failed to send replication job of table db1.orders
com.starrocks.sync.SyncException: oh no
\tat com.starrocks.sync.Sender.send(Sender.java:15)
Caused by: Target data version: 9 is larger than source data version: 7
24/08/30 14:57:06 ERROR [sync-sender] send(Sender.java:15): something else entirely
"""  # noqa: E501


def fed(text: str) -> LogMemory:
    memory = LogMemory()
    memory.feed(text.encode())
    return memory


def test_first_generation() -> None:
    memory = fed(FIRST)
    (report,) = memory.jobs
    assert (report.at, report.percent) == ("24/01/18 11:17:07", 100.0)
    assert report.values == {
        "total": 4, "ddlPending": 0, "jobPending": 0, "running": 0, "finished": 4, "failed": 0, "unknown": 0,
    }  # fmt: skip
    assert report.count("sent") is None
    size = round(131.634 * 2**30)
    assert memory.sizes == {"source": size, "target": size, "diff": 0}
    assert memory.errors == {}


def test_second_generation_and_errors() -> None:
    memory = fed(SECOND)
    assert memory.jobs[0].count("sent") == 1
    assert memory.tables is not None
    assert memory.tables.values == {
        "finishedTableRatio": 50.0, "expiredTableRatio": 100.0, "total table": 2, "finished table": 1,
        "unfinished table": 1, "expired table": 2,
    }  # fmt: skip
    assert {kind: (tally.count, tally.last) for kind, tally in memory.errors.items()} == {
        "limit_reached": (1, "24/08/30 14:57:04"),
        "target_ahead": (1, "24/08/30 14:57:05"),
        "other": (1, "24/08/30 14:57:06"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "Sync job progress: 99.5%, finished: 3, total: 4, brandNew: x, failed: 1.",
        "Sync progress, 99.5%, brandNew: x, total: 4, failed: 1, finished: 3",
    ],
)
def test_names_in_any_order_and_unknown_ones_are_kept(text: str) -> None:
    report = read_report(read_line(f"26/11/21 03:14:00 INFO [a b] report(S.java:1): {text}"))
    assert report is not None
    assert (report.kind, report.percent) == ("job", 99.5)
    assert report.values == {"finished": 3, "total": 4, "failed": 1, "brandNew": "x"}


@pytest.mark.parametrize(
    ("text", "kind", "severity"),
    [
        ("replica count in all 9 exceeds replication_max_parallel_replica_count: 5", "limit_reached", "benign"),
        ("data size in all 9(MB) exceeds replication_max_parallel_data_size_mb: 5", "limit_reached", "benign"),
        ("Replication job of table 10041 is already running", "already_running", "benign"),
        ("No data need to replicate", "nothing_to_replicate", "benign"),
        ("Partition p1 publish version not finished", "publish_unfinished", "transient"),
        ("Partition 10077 in table db1.t not found", "partition_missing", "transient"),
        ("Target data version: 12 is larger than source data version: 11", "target_ahead", "fatal"),
        ("Target visible version: 12 is larger than source visible version: 11", "target_ahead", "fatal"),
        ("Target version: 12 is larger than source version: 11", "target_ahead", "fatal"),
        ("disable_load_job is set to true, all load jobs are rejected", "loads_disabled", "fatal"),
        ("Access denied; you need (at least one of) the OPERATE privilege(s) on SYSTEM", "access_denied", "fatal"),
    ],
)  # fmt: skip
def test_texts_of_the_target(text: str, kind: str, severity: str) -> None:
    assert classify("prefix " + text + " suffix") == kind
    assert SEVERITY[kind] == severity


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("target_cluster_max_disk_used_percent=80", None),
        ("target_cluster_max_disk_used_percent = 80, ddl_job_batch_size = 10", None),
        ('{"target_cluster_max_disk_used_percent": "80"}', None),
        ("Disk usage 83% exceeds target_cluster_max_disk_used_percent: 80", "disk_full"),
        ("used percent of 10.0.0.1 is larger than target_cluster_max_disk_used_percent=80", "disk_full"),
        ("terminate because of target_cluster_max_disk_used_percent", "disk_full"),
        ("include_data_list=, replication_job_batch_size=10, one_time_run_mode=false", None),
    ],
)
def test_a_configuration_that_is_listed_is_no_error(text: str, kind: t.Optional[str]) -> None:
    assert classify(f"load(Config.java:10): {text}") == kind


def test_subject() -> None:
    assert subject_of("table db1.orders: Target data version") == "db1.orders"
    assert subject_of("Replication job of table 10041 is already running") == "10041"
    assert subject_of("nothing") == ""


LINES = st.lists(
    st.one_of(
        st.sampled_from((FIRST + SECOND).splitlines()),
        st.text(alphabet="ab:%\u00e9\U0001f600 \t\r", max_size=20),
    ),
    max_size=30,
)


def cut(data: bytes, places: list[int]) -> t.Iterator[bytes]:
    last = 0
    for place in sorted(place % (len(data) + 1) for place in places):
        yield data[last:place]
        last = place
    yield data[last:]


@given(LINES, st.lists(st.integers(0, 10**6), max_size=20), st.booleans())
def test_any_pieces_tell_the_same(lines: list[str], places: list[int], forgetful: bool) -> None:
    data = "\n".join(lines).encode()
    whole = LogMemory()
    rest = whole.feed(data)
    memory = LogMemory()
    for piece in cut(data, places):
        if forgetful:
            # Between two calls the memory is written down, and a line that has not ended is read again.
            kept, memory = memory, LogMemory.from_record(json.loads(json.dumps(memory.as_record())))
            memory.feed(kept._rest)
        left = memory.feed(piece)
    assert left == rest
    assert memory.as_record() == whole.as_record()


def test_the_memory_is_bounded() -> None:
    memory = fed(SECOND * 3000)
    assert len(memory.jobs) == 400
    assert memory.errors["other"].count == 3000
    assert len(json.dumps(memory.as_record())) < 100_000
