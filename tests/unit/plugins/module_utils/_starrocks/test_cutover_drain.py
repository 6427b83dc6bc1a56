# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose replications a cutover waits for inside the target."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_drain import running_replications

JOBS = ("JobID", "DatabaseID", "TableID", "TxnID", "CreatedTime", "FinishedTime", "State", "Progress", "Error")
RUNNING = ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType")


class Target:
    """Two databases, ours with the tables 11 (``t``) and 12 (``u``), and another migration's."""

    def __init__(self, jobs: t.Sequence[t.Tuple[str, str, str]], labels: t.Mapping[str, t.Sequence[str]]) -> None:
        """``jobs``: database, table, state. ``labels``: of running transactions, by database's id."""
        self.profile: t.Any = types.SimpleNamespace(replications_proc=True)
        self.known = True
        self.asked: t.List[str] = []
        self._jobs = jobs
        self._labels = labels

    def query(self, sql: str, doing: str) -> Rows:
        assert doing
        self.asked.append(sql)
        path = sql.split("'")[1].split("/")[1:]
        if path == ["replications"]:
            if not self.known:
                raise MigrationError("starrocks.unknown_proc", "")
            rows = [(str(i), *one[:2], "9", "a", "NULL", one[2], "1/2", "") for i, one in enumerate(self._jobs)]
            return Rows(JOBS, tuple(rows))
        if path == ["transactions"]:
            return Rows(("DbId", "DbName"), (("1", "ours"), ("2", "theirs")))
        if path[0] == "dbs":
            return Rows(("TableId", "TableName"), (("11", "t"), ("12", "u")))
        labels = self._labels.get(path[1], ())
        return Rows(RUNNING, tuple(("7", label, "PREPARE", "REPLICATION") for label in labels))


WHOLE, ONE_TABLE = Scope(frozenset(("ours",))), Scope(frozenset(("ours.t",)))


@pytest.mark.parametrize("known", [True, False])
def test_another_migration_into_the_same_cluster_is_not_waited_for(known: bool) -> None:
    """It may go on for days: its tool is none of this cutover's."""
    target = Target([("2", "21", "REPLICATING")], {"2": ["REPLICATION_2_21_8"]})
    target.known = known
    assert running_replications(target, WHOLE, ["ours"]) == []


def test_what_is_ours_is_waited_for() -> None:
    target = Target(
        [("1", "11", "REPLICATING"), ("1", "12", "COMMITTED"), ("2", "21", "SNAPSHOTING")],
        {"1": ["REPLICATION_1_12_8"]},
    )
    left = running_replications(target, WHOLE, ["ours"])
    assert left == ["job 0 is REPLICATING 1/2", "ours: REPLICATION_1_12_8 is PREPARE"]
    assert not any("/dbs" in sql for sql in target.asked), "the whole database is ours"


def test_another_table_of_the_same_database_is_not_waited_for() -> None:
    """One that nobody knows by now is: better to wait than to switch too early."""
    jobs = [("1", "11", "REPLICATING"), ("1", "12", "REPLICATING"), ("1", "99", "REPLICATING")]
    target = Target(jobs, {"1": ["REPLICATION_1_12_8", "REPLICATION_1_11_9", "somebody's"]})
    left = running_replications(target, ONE_TABLE, ["ours"])
    assert left == [
        "job 0 is REPLICATING 1/2",
        "job 2 is REPLICATING 1/2",
        "ours: REPLICATION_1_11_9 is PREPARE",
        "ours: somebody's is PREPARE",
    ]


def test_where_nobody_knows_the_tables_every_replication_of_the_database_is_waited_for() -> None:
    """The names come from the list that the facts promise, and where that is none either, better to wait."""
    jobs = [("1", "11", "REPLICATING"), ("1", "12", "REPLICATING")]

    class Terse(Target):
        config: t.Tuple[t.Tuple[str, str], ...] = ()

        def query(self, sql: str, doing: str) -> Rows:
            if "'/dbs/" in sql:
                raise MigrationError("starrocks.unknown_proc", "")
            if "tables_config" in sql:
                return Rows(("TABLE_NAME", "TABLE_ID"), self.config)
            return super().query(sql, doing)

    target = Terse(jobs, {})
    assert running_replications(target, ONE_TABLE, ["ours"]) == ["job 0 is REPLICATING 1/2", "job 1 is REPLICATING 1/2"]
    target.config = (("t", "11"), ("u", "12"))
    assert running_replications(target, ONE_TABLE, ["ours"]) == ["job 0 is REPLICATING 1/2"]
