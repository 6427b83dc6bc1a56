# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transactions of the target are none of the replication's."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import foreign_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    Transaction,
    TransactionReader,
    find_foreign,
    foreign,
)


def tx(number: int, source: str, status: str = "VISIBLE", database: str = "d") -> Transaction:
    return Transaction(database, number, f"label{number}", status, source, "FE", "", "")


def test_only_writes_since_the_first_replication_count() -> None:
    listed = [
        tx(9, "LAKE_COMPACTION"),
        tx(8, "MV_REFRESH"),
        tx(7, "INSERT_STREAMING", "ABORTED"),
        tx(6, "INSERT_STREAMING"),
        tx(5, "REPLICATION"),
        tx(4, "BACKEND_STREAMING"),
        tx(3, "REPLICATION"),
        tx(2, "INSERT_STREAMING"),
    ]
    found = foreign(listed)
    assert [one.transaction_id for one in found.writes] == [4, 6]
    assert found.incomplete == ()
    assert [one.transaction_id for one in found.earlier] == [2]
    assert found.as_result()["earlier"][0]["label"] == "label2"


def test_what_came_before_is_told_apart_and_holds_nothing_back() -> None:
    found = list(
        foreign_findings(foreign([tx(3, "REPLICATION"), tx(2, "INSERT_STREAMING"), tx(1, "DELETE", "ABORTED")]))
    )
    assert [(one.id.rpartition(".")[2], one.severity) for one in found] == [("foreign_transaction_earlier", "warning")]
    assert found[0].evidence["count"] == 1


def test_a_list_that_was_cut_begins_within_the_replication() -> None:
    listed = [tx(5, "REPLICATION"), tx(4, "INSERT_STREAMING")]
    found = foreign(listed, longest=2)
    assert [one.transaction_id for one in found.writes] == [4]
    assert found.incomplete == ("d",)


def test_a_database_without_replication_is_not_the_tools() -> None:
    assert foreign([tx(4, "INSERT_STREAMING")]) == foreign([])


def test_a_migrated_database_may_have_no_replication_left_to_see() -> None:
    """Finished ones are forgotten after three days."""
    found = foreign([tx(4, "INSERT_STREAMING")], migrated=["d"])
    assert (found.writes, [one.transaction_id for one in found.earlier]) == ((), [4])


class Server:
    def __init__(self) -> None:
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        if sql == "SHOW PROC '/transactions'":
            return Rows(("DbId", "DbName"), ((11, "default_cluster:d"), ("12", "gone"), ("13", "other")))
        if "/12/" in sql:
            raise MigrationError("starrocks.refused", "", server_text="databaseTransactionMgr[12] does not exist")
        return Rows(
            ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType", "FinishTime"),
            (("8", "l", "VISIBLE", "DELETE", "NULL"), ("7", "r", "VISIBLE", "REPLICATION", "x")),
        )


def test_databases_are_asked_for_by_id() -> None:
    server = Server()
    found = find_foreign(TransactionReader(server), ["d", "gone"])
    assert [one.label for one in found.writes] == ["l"]
    assert found.earlier == ()
    assert found.writes[0].finished == ""
    assert server.asked == [
        "SHOW PROC '/transactions'",
        "SHOW PROC '/transactions/11/finished'",
        "SHOW PROC '/transactions/12/finished'",
    ]
