# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transactions of the target will never be visible, and what is said of them."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import find_stuck, stuck_findings

FAILS = "Fail to publish version of partition 50014: mismatched version, expected 12"
PASSES = "Fail to get primary compute node: node 10007 is not alive"
Row = t.Tuple[int, str, str, str]
"""Transaction, status, kind, ErrMsg."""


class Target:
    """A cluster with the databases sales (11) and shop (12); ``rows``: their running transactions."""

    def __init__(self, rows: t.Mapping[str, t.Sequence[Row]], shared_data: bool = True, told: bool = True) -> None:
        self.profile = types.SimpleNamespace(shared_data=shared_data)
        self.asked: t.List[str] = []
        self._rows = rows
        self._told = told

    def query(self, sql: str, doing: str) -> Rows:
        path = sql.partition("'")[2].rstrip("'")
        self.asked.append(path)
        if path == "/transactions":
            return Rows(("DbId", "DbName"), ((11, "sales"), (12, "shop")))
        if path.startswith("/dbs/"):
            return Rows(("TableId", "TableName"), ((7, "orders"), (8, "events")))
        steps = path.split("/")[2:]
        if len(steps) == 3:
            if not self._told:
                raise MigrationError("starrocks.refused", "", server_text="Transaction[1] does not exist.")
            return Rows(("TableId", "CommittedPartitionIds"), ((7, "50014"),))
        columns = ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType", "ErrMsg")
        found = self._rows.get({"11": "sales", "12": "shop"}[steps[0]], ())
        return Rows(columns, tuple((number, f"label{number}", *rest) for number, *rest in found))


def told(target: Target, databases: t.Optional[t.Collection[str]] = None) -> t.List[t.Tuple[str, str, int]]:
    found = stuck_findings(find_stuck(t.cast(t.Any, target), databases))
    return [(one.severity, one.subject, one.evidence["count"]) for one in found]


def test_the_tables_are_named_once_and_the_server_is_quoted() -> None:
    target = Target({"sales": [(9, "COMMITTED", "LAKE_COMPACTION", FAILS), (8, "COMMITTED", "REPLICATION", FAILS)]})
    assert told(target) == [("blocker", "sales.orders", 2)]
    found = next(stuck_findings(find_stuck(t.cast(t.Any, target))))
    assert FAILS in found.remedy
    assert "DROP TABLE ... FORCE" in found.remedy
    assert [one["transaction_id"] for one in found.evidence["transactions"]] == [9, 8]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((9, "COMMITTED", "REPLICATION", ""), id="is about to be published"),
        pytest.param((9, "COMMITTED", "REPLICATION", PASSES), id="may still pass"),
        pytest.param((9, "PREPARE", "REPLICATION", FAILS), id="not committed"),
    ],
)
def test_what_may_become_visible_is_no_finding(row: Row) -> None:
    assert told(Target({"sales": [row]})) == []


def test_where_no_table_is_known_the_database_is_named() -> None:
    assert told(Target({"sales": [(9, "COMMITTED", "REPLICATION", FAILS)]}, told=False)) == [("blocker", "sales", 1)]


def test_a_server_that_has_no_lists_of_tables_ends_nothing() -> None:
    class Terse(Target):
        def query(self, sql: str, doing: str) -> Rows:
            if "tables_config" in sql or "/dbs/" in sql or sql.endswith("/running/9'"):
                raise MigrationError("starrocks.refused", "", server_text="State is invalid")
            return super().query(sql, doing)

    assert told(Terse({"sales": [(9, "COMMITTED", "REPLICATION", FAILS)]})) == [("blocker", "sales", 1)]


def test_only_the_databases_that_are_migrated() -> None:
    target = Target({"shop": [(9, "COMMITTED", "REPLICATION", FAILS)]})
    assert told(target, ["sales", "not_there_yet"]) == []
    assert told(target, ["shop"]) == [("blocker", "shop.orders", 1)]


def test_local_disks_are_not_asked() -> None:
    target = Target({"sales": [(9, "COMMITTED", "REPLICATION", FAILS)]}, shared_data=False)
    assert told(target) == []
    assert target.asked == []
