# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transactions of the target are none of the replication's."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import foreign_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    Transaction,
    TransactionReader,
    find_foreign,
    foreign,
    of_migrated,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal


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


class Proc:
    """Tables of the target's database 11, and what transactions wrote to. 8 is gone, and 9 is only on the target."""

    NAMES: t.ClassVar[t.Dict[int, str]] = {7: "people", 9: "scratch"}

    def __init__(self, written: t.Mapping[int, t.Sequence[int]]) -> None:
        self.written = written
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        if sql == "SHOW PROC '/transactions'":
            return Rows(("DbId", "DbName"), ((11, "d"), (12, "other")))
        if sql.startswith("ADMIN SHOW"):
            raise MigrationError("starrocks.access_denied", "OPERATE is missing")
        if sql == "SHOW PROC '/dbs/11'":
            return Rows(("TableId", "TableName"), tuple(self.NAMES.items()))
        number = int(sql.strip("'").rpartition("/")[2])
        if number not in self.written:
            raise MigrationError("starrocks.refused", "", server_text=f"Transaction[{number}] does not exist.")
        return Rows(("TableId", "CommittedPartitionIds"), tuple((str(one), "1, 2") for one in self.written[number]))


class Source:
    databases = ("d",)

    def tables(self, database: str) -> t.Collection[str]:
        assert database == "d"
        return ["people", "not_copied_yet"]


def inserts(*numbers: int, database: str = "d") -> t.List[Transaction]:
    return [tx(number, "INSERT_STREAMING", database=database) for number in numbers]


def test_only_what_was_written_to_migrated_tables_counts() -> None:
    server = Proc({1: [9], 2: [7, 9], 3: [8], 5: []})
    found = of_migrated(TransactionReader(server), inserts(1, 2, 3, 4, 5), Source())
    # 4 is forgotten, and of 5 nothing is told.
    assert [(one.transaction_id, one.tables) for one in found] == [(2, ("people",)), (4, ()), (5, ())]
    assert server.asked.count("SHOW PROC '/dbs/11'") == 1
    assert found[0].as_result()["tables"] == ("people",)


def test_what_is_not_asked_about_still_counts() -> None:
    server = Proc({1: [9], 2: [9], 3: [9]})
    found = of_migrated(TransactionReader(server), inserts(1, 2, 3), Source(), most=2)
    assert [one.transaction_id for one in found] == [1]
    assert "SHOW PROC '/transactions/11/finished/1'" not in server.asked


def test_nothing_is_asked_where_nobody_wrote() -> None:
    server = Proc({})
    assert of_migrated(TransactionReader(server), [], Source()) == ()
    assert server.asked == []


def test_of_a_database_that_is_gone_nothing_is_known() -> None:
    found = inserts(1, database="gone")
    assert of_migrated(TransactionReader(Proc({1: [5]})), found, Source()) == tuple(found)


INVALID = MigrationError("starrocks.refused", "", server_text="State is invalid")
NO_PATH = MigrationError("starrocks.unknown_proc", "", server_text="Unknown proc node path: /x. msg: Cannot find path.")
NO_COLUMN = MigrationError("starrocks.refused", "", server_text="Column 'TABLE_ID' cannot be resolved")
CONFIG = Rows(("TABLE_NAME", "TABLE_ID"), (("people", 7), ("scratch", 9)))
OTHER_LIST = Rows(("DbId", "DbName", "TableNum"), (("11", "d", "2"),))
Answer = t.Union[Rows, MigrationError]


class Terse(Proc):
    """A server without some of the lists. None: as ``Proc`` has it."""

    def __init__(
        self, leaf: t.Optional[Answer] = None, dbs: t.Optional[Answer] = None, config: Answer = NO_COLUMN
    ) -> None:
        super().__init__({1: [9], 2: [7], 3: [8]})
        self._leaf, self._dbs, self._config = leaf, dbs, config

    def query(self, sql: str, doing: str) -> Rows:
        answer: t.Optional[Answer] = None
        if "tables_config" in sql:
            answer = self._config
        elif "'/dbs/" in sql:
            answer = self._dbs
        elif "/finished/" in sql:
            answer = self._leaf
        if answer is None:
            return super().query(sql, doing)
        self.asked.append(sql)
        if isinstance(answer, MigrationError):
            raise answer
        return answer


@pytest.mark.parametrize("answer", [INVALID, NO_PATH, OTHER_LIST])
def test_a_server_that_never_tells_what_was_written_to_ends_nothing_and_every_write_counts(answer: Answer) -> None:
    """The facts name two levels below a database, and another server may answer to the third with anything."""
    server = Terse(leaf=answer)
    found = of_migrated(TransactionReader(server), inserts(1, 2, 3), Source())
    assert [(one.transaction_id, one.tables) for one in found] == [(1, ()), (2, ()), (3, ())]
    assert not any("/dbs/" in sql for sql in server.asked)


@pytest.mark.parametrize("answer", [INVALID, NO_PATH])
def test_a_server_that_never_tells_is_asked_once(answer: Answer) -> None:
    server = Terse(leaf=answer)
    of_migrated(TransactionReader(server), inserts(1, 2, 3), Source())
    assert len([sql for sql in server.asked if "/finished/" in sql]) == 1


@pytest.mark.parametrize("answer", [INVALID, NO_PATH, OTHER_LIST, Rows(("TableId", "TableName"), ())])
def test_the_names_of_tables_come_from_where_the_server_has_them(answer: Answer) -> None:
    found = of_migrated(TransactionReader(Terse(dbs=answer, config=CONFIG)), inserts(1, 2, 3), Source())
    assert [(one.transaction_id, one.tables) for one in found] == [(2, ("people",))]


@pytest.mark.parametrize("answer", [NO_COLUMN, Rows(("TABLE_NAME", "TABLE_ID"), ()), OTHER_LIST])
def test_where_nobody_knows_the_names_of_tables_every_write_counts(answer: Answer) -> None:
    """An empty list of names would make each of them a write to a table that was dropped since."""
    found = of_migrated(TransactionReader(Terse(dbs=NO_PATH, config=answer)), inserts(1, 2, 3), Source())
    assert [(one.transaction_id, one.tables) for one in found] == [(1, ()), (2, ()), (3, ())]


@pytest.mark.parametrize("place", ["leaf", "dbs", "config"])
def test_a_cluster_out_of_reach_is_no_answer(place: str) -> None:
    lost: t.Dict[str, t.Any] = {place: MigrationError("starrocks.unreachable", "")}
    with pytest.raises(MigrationError):
        of_migrated(TransactionReader(Terse(**{"dbs": NO_PATH, **lost})), inserts(2), Source())


class Loads(Proc):
    """A replication, a load before it, and one after."""

    def query(self, sql: str, doing: str) -> Rows:
        if not sql.endswith("/finished'"):
            return super().query(sql, doing)
        columns = ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType")
        kinds = ((6, "INSERT_STREAMING"), (5, "REPLICATION"), (4, "BACKEND_STREAMING"))
        return Rows(columns, tuple((str(one), f"l{one}", "VISIBLE", kind) for one, kind in kinds))


@pytest.mark.parametrize(
    ("earlier", "later", "finding"),
    [
        ([9], [9], []),
        ([7], [9], ["foreign_transaction_earlier"]),
        ([9], [9, 7], ["foreign_transaction"]),
    ],
)
def test_loads_into_tables_that_only_the_target_has_are_no_finding(
    earlier: t.List[int], later: t.List[int], finding: t.List[str]
) -> None:
    found = find_foreign(TransactionReader(Loads({4: earlier, 6: later})), ["d"], Source())
    told = list(foreign_findings(found))
    assert [one.id.rpartition(".")[2] for one in told] == finding
    assert all(write["tables"] == ("people",) for one in told for write in one.evidence["writes"])


class Server:
    LONGEST = "max_show_proc_transactions_entry"

    def __init__(self, longest: str = "2000") -> None:
        self.longest = longest
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        if sql == "SHOW PROC '/transactions'":
            return Rows(("DbId", "DbName"), ((11, "default_cluster:d"), ("12", "gone"), ("13", "other")))
        if sql.startswith("ADMIN SHOW"):
            return Rows(("Key", "Value"), (("max_show_proc_transactions_entry_x", "9"), (self.LONGEST, self.longest)))
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
        f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal(Server.LONGEST)}",
    ]


@pytest.mark.parametrize(("longest", "cut"), [("2", True), ("3", False), ("?", False)])
def test_a_list_is_cut_where_the_server_says_that_it_ends(longest: str, cut: bool) -> None:
    """Two transactions are shown: all there are, or the newest two."""
    assert find_foreign(TransactionReader(Server(longest)), ["d"]).incomplete == (("d",) if cut else ())
