# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still running inside the target, what is said of it, and why it may never end."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_drain import Drain, look_at_drain
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import wait_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

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


STUCK = (8, "REPLICATION_11_7_a", "COMMITTED", "REPLICATION", FAILS)


def test_what_can_never_be_published_is_told_and_not_waited_for() -> None:
    """A rollback would wait for it until its time is over, and again at the next run."""
    found = look(Target(sales=[STUCK], jobs=[("a", 11, 7, 8, "COMMITTED", "")]), "replication_drained")
    assert (found.near.reason, found.near.good, found.running) == ("", 1, ())
    assert found.summary == "No replication runs on the target, but for 1 that can never be published (sales.orders)."
    (told,) = found.findings
    assert (told.id, told.severity, told.subject) == ("starrocks.target.publish_stuck", "warning", "sales.orders")
    assert "DROP TABLE ... FORCE" in told.remedy
    assert FAILS in told.remedy
    assert "run again" not in told.remedy, "nobody wants them copied any more"


class Reached(Target):
    """As a connection that is opened."""

    def __enter__(self) -> Reached:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


def wait(monkeypatch: pytest.MonkeyPatch, target: Reached, until: str) -> t.Dict[str, t.Any]:
    monkeypatch.setattr(sync_wait, "Cluster", lambda *_options: target)
    given = {name: option.get("default") for name, option in wait_argument_spec().argument_spec.items()}
    given.update(until=until, frontends="10.0.0.1", target_frontends="10.0.1.1", wait=False)
    return sync_wait.SyncWaitTask(given, False, Redactor([]), FakeClock()).body()


def test_a_rollback_goes_on_and_says_which_copies_are_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    found = wait(monkeypatch, Reached(sales=[STUCK]), "replication_drained")
    assert (found["finished"], found["replications"]) == (True, 0)
    assert [one["id"] for one in found["findings"]] == ["starrocks.target.publish_stuck"]
    assert len(found["warnings"]) == 1
    assert "(sales.orders)" in found["warnings"][0]
    assert "warnings" not in wait(monkeypatch, Reached(), "replication_drained")


def test_a_copy_does_not_begin_while_something_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Reached(sales=[STUCK], compactions=[("sales.orders.p0", "")])
    with pytest.raises(MigrationError, match="run again") as caught:
        wait(monkeypatch, target, "compaction_drained")
    assert caught.value.code == "starrocks.sync_blocked"


def test_what_is_committed_behind_it_is_not_waited_for_either() -> None:
    """It is published in turn; what still runs there comes to that, and another table is no matter of this one."""
    behind = (9, "REPLICATION_11_7_b", "COMMITTED", "REPLICATION", "")
    assert look(Target(sales=[STUCK, behind]), "replication_drained").near.reason == ""
    compaction = (8, "COMPACTION_8", "COMMITTED", "LAKE_COMPACTION", FAILS)
    found = look(Target(sales=[compaction, behind]), "replication_drained")
    assert (found.near.reason, [one.severity for one in found.findings]) == ("", ["warning"])
    for label, status in (("REPLICATION_11_7_b", "PREPARE"), ("REPLICATION_11_6_b", "COMMITTED"), ("x", "COMMITTED")):
        other = look(Target(sales=[STUCK, (9, label, status, "REPLICATION", "")]), "replication_drained")
        assert other.running == (f"sales: {label} is {status}",)
        assert [one.severity for one in other.findings] == ["warning"]
    job = look(Target(sales=[STUCK], jobs=[("a", 11, 7, 9, "REPLICATING", "3/8")]), "replication_drained")
    assert job.running == ("job a is REPLICATING 3/8",)


def test_a_publish_that_may_still_pass_is_waited_for() -> None:
    passes = (8, "REPLICATION_11_7_a", "COMMITTED", "REPLICATION", "node 10007 is not alive")
    found = look(Target(sales=[passes]), "replication_drained")
    assert (found.near.reason, found.findings) == (sn.REPLICATIONS, ())


def test_nobody_is_told_to_drop_the_tables_of_others() -> None:
    found = look(Target(sales=[STUCK, (9, "REPLICATION_11_6_b", "PREPARE", "REPLICATION", "")]), "replication_drained",
                 "sales.other")  # fmt: skip
    assert (found.near.count, found.findings) == (1, ())


def test_before_a_copy_what_can_never_be_published_is_in_the_way() -> None:
    found = look(Target(sales=[STUCK], compactions=[("sales.orders.p0", "")]), "compaction_drained")
    assert [(one.id, one.severity) for one in found.findings] == [("starrocks.target.publish_stuck", "blocker")]


def test_compactions_of_all_databases() -> None:
    target = Target(compactions=[("sales.orders.p0", ""), ("sales.orders.p1", "2026-01-01 00:00:00")])
    found = look(target, "compaction_drained", "shop")
    assert (found.near.reason, found.running) == (sn.COMPACTIONS, ("sales.orders.p0",))
    assert look(Target(jobs=[("a", 11, 7, 8, "REPLICATING", "3/8")]), "compaction_drained").near.reason == ""
