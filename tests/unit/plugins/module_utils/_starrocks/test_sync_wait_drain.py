# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still running inside the target, what is said of it, and why it may never end."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_drain import Drain, look_at_drain

FAILS = "Fail to publish version of partition 50014: mismatched version, expected 12"
JOBS = ("JobID", "DatabaseID", "TableID", "TxnID", "State", "Progress")
TRANSACTIONS = ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType", "ErrMsg")
NAMES = {"11": "sales", "12": "shop"}


class Target:
    """A shared-data cluster with the databases sales (11) and shop (12)."""

    def __init__(self, **rows: t.Sequence[t.Tuple[t.Any, ...]]) -> None:
        """``jobs``, ``compactions``, and the running transactions of ``sales`` and ``shop``."""
        self.profile = types.SimpleNamespace(shared_data=True, replications_proc=True)
        self._rows = rows

    def query(self, sql: str, doing: str) -> Rows:
        path = sql.partition("'")[2].rstrip("'")
        if path == "/dbs":
            return Rows(("DbId", "DbName", "TableNum"), tuple((number, name, 1) for number, name in NAMES.items()))
        if path.startswith("/dbs/"):
            return Rows(("TableId", "TableName"), ((7, "orders"),))
        if path == "/transactions":
            return Rows(("DbId", "DbName"), tuple(NAMES.items()))
        if path == "/replications":
            return Rows(JOBS, tuple(self._rows.get("jobs", ())))
        if path == "/compactions":
            return Rows(("Partition", "FinishTime"), tuple(self._rows.get("compactions", ())))
        steps = path.split("/")[2:]
        if len(steps) == 3:
            return Rows(("TableId", "CommittedPartitionIds"), ((7, "50014"),))
        return Rows(TRANSACTIONS, tuple(self._rows.get(NAMES[steps[0]], ())))


def look(target: Target, until: str, only: t.Optional[str] = None) -> Drain:
    scope = read_scope({"include_data_list": only, "exclude_data_list": None})
    return look_at_drain(t.cast(t.Any, target), t.cast(t.Any, types.SimpleNamespace(until=until, scope=scope)))


RUNS = (8, "REPLICATION_11_7_a", "PREPARE", "REPLICATION", "")


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(Target(jobs=[("a", 11, 7, 8, "REPLICATING", "3/8")]), id="a job without a transaction"),
        pytest.param(Target(sales=[RUNS]), id="a transaction without a job"),
    ],
)
def test_one_replication_that_runs_is_waited_for(target: Target) -> None:
    found = look(target, "replication_drained")
    assert (found.near.reason, found.near.count, len(found.near.worst)) == (sn.REPLICATIONS, 1, 1)
    assert found.summary == "1 replication that the sync tool had sent to the target's frontends"
    assert sn.REASONS.check(found.near.reason)
    assert found.findings == ()


def test_what_has_ended_and_what_else_runs_is_not_waited_for() -> None:
    jobs = [("a", 11, 7, 8, "COMMITTED", ""), ("b", 11, 7, 9, "ABORTED", "")]
    load = (10, "load", "PREPARE", "BACKEND_STREAMING", "")
    found = look(Target(jobs=jobs, sales=[load], compactions=[("sales.orders.p0", "NULL")]), "replication_drained")
    assert (found.near.reason, found.near.good, found.running) == ("", 1, ())
    assert found.summary == "No replication runs on the target."


def test_only_databases_that_are_migrated() -> None:
    assert look(Target(shop=[RUNS]), "replication_drained", "sales").near.reason == ""
    assert look(Target(shop=[RUNS]), "replication_drained", "shop").near.reason == sn.REPLICATIONS


def test_what_can_never_be_published_is_told_while_something_is_waited_for() -> None:
    stuck = Target(sales=[(8, "REPLICATION_11_7_a", "COMMITTED", "REPLICATION", FAILS)])
    assert [one.subject for one in look(stuck, "replication_drained").findings] == ["sales.orders"]


def test_compactions_of_all_databases() -> None:
    target = Target(compactions=[("sales.orders.p0", ""), ("sales.orders.p1", "2026-01-01 00:00:00")])
    found = look(target, "compaction_drained", "shop")
    assert (found.near.reason, found.running) == (sn.COMPACTIONS, ("sales.orders.p0",))
    assert look(Target(jobs=[("a", 11, 7, 8, "REPLICATING", "3/8")]), "compaction_drained").near.reason == ""
