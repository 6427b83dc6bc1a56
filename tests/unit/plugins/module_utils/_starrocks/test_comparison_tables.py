# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables are compared: where the partitions are asked for table by table, and where tables have none."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_live import compare_clusters
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_tables import TableReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile


class Server:
    """A cluster of 3.1.8 with a database ``d``: its tables with their engines. ``refused``: what is said of one."""

    profile = Profile.choose(Version.parse("3.1.8"), "shared_nothing")

    def __init__(
        self, engines: t.Mapping[str, t.Optional[str]], refused: t.Optional[t.Mapping[str, str]] = None
    ) -> None:
        self.engines = engines
        self.refused = refused or {}

    def query(self, sql: str, doing: str) -> Rows:
        if sql == "SHOW PROC '/dbs'":
            return Rows(("DbId", "DbName", "TableNum"), (("1", "d", str(len(self.engines))),))
        if "information_schema.columns" in sql or "materialized_views" in sql:
            return Rows(("A", "B"), ())
        if sql.startswith("SELECT"):
            wanted = ("TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE")
            return Rows(wanted, tuple(("d", name, "BASE TABLE", engine) for name, engine in self.engines.items()))
        name = sql.split("`")[-2]
        if name in self.refused:
            raise MigrationError("starrocks.refused", "refused", server_text=self.refused[name])
        return Rows(("PartitionName", "VisibleVersion"), (("p", "3"),))


def compared(server: Server) -> t.List[str]:
    return sorted(PartitionReader(server, Scope()).read(["d"]).get("d", {}))


def test_tables_whose_data_is_elsewhere_are_none() -> None:
    server = Server({"own": "StarRocks", "untold": "", "unknown": None, "theirs": "MYSQL", "lake": "HIVE"})
    assert PartitionReader(server, Scope()).tables("d") == ["own", "unknown", "untold"]


@pytest.mark.parametrize(
    "text",
    [
        "Table[gone] does not exists or is not OLAP table",
        "Getting analyzing error. Detail message: Table[gone] does not exists or is not OLAP/Paimon table.",
        "Table gone is not a OLAP table",
    ],
)
def test_one_that_is_external_or_gone_by_now_ends_nothing(text: str) -> None:
    assert compared(Server({"gone": "", "own": "StarRocks"}, {"gone": text})) == ["own"]


def test_what_else_is_refused_is_an_error() -> None:
    with pytest.raises(MigrationError):
        compared(Server({"own": "StarRocks"}, {"own": "out of order"}))


META = (
    "DB_NAME", "TABLE_NAME", "PARTITION_NAME", "VISIBLE_VERSION", "DATA_VERSION", "VERSION_EPOCH", "VERSION_TXN_TYPE",
    "ROW_COUNT", "IS_TEMP",
)  # fmt: skip


class Modern:
    """A cluster with partitions_meta. ``tables``: its tables by ``db.table``, with engine and number of partitions."""

    profile = Profile.choose(Version.parse("3.5.1"), "shared_nothing")

    def __init__(self, tables: t.Mapping[str, t.Tuple[str, int]]) -> None:
        self.tables = tables
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        split: t.List[t.Tuple[str, str, str, int]] = []
        for full, (engine, count) in self.tables.items():
            database, _dot, table = full.partition(".")
            split.append((database, table, engine, count))
        if sql == "SHOW PROC '/dbs'":
            names = sorted({one[0] for one in split})
            return Rows(("DbId", "DbName", "TableNum"), tuple((str(i), name, "1500") for i, name in enumerate(names)))
        if "information_schema.columns" in sql:
            return Rows(("COLUMN_NAME",), tuple((name,) for name in META))
        if "materialized_views" in sql:
            return Rows(("TABLE_SCHEMA", "TABLE_NAME"), (("d", "mv"),))
        if "information_schema.tables " in sql:
            rows = tuple((db, name, "BASE TABLE", engine) for db, name, engine, _count in split)
            return Rows(("TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE"), rows)
        wanted = sql.split("DB_NAME")[-1]
        listed = tuple(
            (db, name, f"p{one}", 5, 5, 7, "TXN_REPLICATION", 3, 0)
            for db, name, _engine, count in split
            for one in range(count)
            if (f'"{db}"' in wanted) is (" IN " in wanted and "NOT IN" not in wanted)
        )
        return Rows(META, listed)


SOURCE = {
    "d.full": ("StarRocks", 2),
    "d.never_loaded": ("StarRocks", 0),
    "d.left_out": ("StarRocks", 0),
    "d.elsewhere": ("MYSQL", 0),
    "d.mv": ("StarRocks", 0),
    "e.never_loaded": ("StarRocks", 0),
    "_statistics_.x": ("StarRocks", 0),
}
SCOPE = Scope(exclude=frozenset(("d.left_out",)))


def test_a_table_without_any_partition_is_missing_on_a_target_that_lacks_it() -> None:
    """Nobody would know: it is in no list of partitions, of neither side."""
    source, target = Modern(SOURCE), Modern({"d.full": ("StarRocks", 2), "e.never_loaded": ("StarRocks", 0)})
    found = compare_clusters(TableReader(source, SCOPE), TableReader(target, SCOPE))
    assert [one.subject for one in found.differences] == ["d.never_loaded"]
    assert (found.equal, found.tables, found.never_copied) == (False, 3, {"d.never_loaded": 1})
    target.tables = SOURCE
    readers = TableReader(source, SCOPE), TableReader(target, SCOPE)
    assert compare_clusters(*readers).equal
    source.asked.clear()
    assert compare_clusters(*readers).equal
    # Databases are read one by one there, and tables all at once.
    assert len([sql for sql in source.asked if "partitions_meta WHERE" in sql]) == 2
    assert len([sql for sql in source.asked if "information_schema.tables " in sql]) == 1


def test_tables_are_listed_anew_for_each_comparison() -> None:
    source, target = Modern({"d.full": ("StarRocks", 1)}), Modern({"d.full": ("StarRocks", 1)})
    readers = TableReader(source, Scope()), TableReader(target, Scope())
    assert compare_clusters(*readers).equal
    source.tables = {**source.tables, "d.new": ("StarRocks", 0)}
    assert not compare_clusters(*readers).equal


def test_where_partitions_are_asked_for_table_by_table_too() -> None:
    server = Server({"own": "StarRocks", "theirs": "MYSQL", "unknown": ""}, {"own": "Table own is not a OLAP table"})
    assert TableReader(server, Scope()).read(["d"]) == {"d": {"own": {}, "unknown": server_partition()}}


def server_partition() -> t.Any:
    return PartitionReader(Server({"t": "StarRocks"}), Scope()).read(["d"])["d"]["t"]
