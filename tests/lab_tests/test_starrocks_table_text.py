# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SHOW CREATE TABLE prints, CREATE TABLE reads."""

from __future__ import annotations

import pytest

from lab.starrocks import table_read, table_text
from lab.starrocks.sql_tokens import Cursor, split
from lab.starrocks.state_tables import AGGREGATE, DUPLICATE, PRIMARY, Column, Index, Partition, Table


def _read(text: str) -> table_read.Created:
    cursor = Cursor(text, split(text)[0])
    cursor.expect_words("CREATE", "TABLE")
    return table_read.read_table(cursor, cursor.path()[-1])


@pytest.mark.parametrize("model", [DUPLICATE, AGGREGATE, PRIMARY])
def test_round_trip(model: str) -> None:
    columns = [
        Column("id", "bigint(20)", nullable=False, key=True, comment='a "key"'),
        Column("day", "date", key=True, default="2026-01-01"),
        Column("price", "decimal(10, 2)", aggregation="SUM" if model == AGGREGATE else "", default="0"),
        Column("tags", "array<varchar(20)>"),
        Column("twice", "int(11)", generated="id * 2"),
        Column("number", "bigint(20)", nullable=False, auto_increment=True),
    ]
    table = Table(0, "orders", columns, ["id", "day"], model, partition_column="day", distribution=["id"], buckets=8)
    table.comment, table.indexes = "x", [Index("by_price", ["price"])]
    for name, lower, upper in (("p1", "2026-01-01", "2026-02-01"), ("p2", "2026-02-01", "2026-03-01")):
        table.partitions[name] = Partition(1, name, lower, upper)
    properties = {"replication_num": "2", "storage_volume": "lake_a", "compression": "LZ4"}
    created = _read(table_text.create_table(table, properties))
    assert [(name, lower) for name, lower, _upper in created.partitions] == [("p1", "2026-01-01"), ("p2", "2026-02-01")]
    read = created.table
    assert read.columns == columns
    assert (read.name, read.model, read.keys, read.distribution, read.buckets) == (
        *("orders", model, ["id", "day"], ["id"]),
        8,
    )
    assert (read.replication_num, read.storage_volume, read.properties) == (2, "lake_a", {"compression": "LZ4"})
    assert read.indexes == table.indexes
    assert read.partition_column == "day"


def test_a_table_without_partitions() -> None:
    table = Table(0, "t", [Column("k")], ["k"])
    created = _read(table_text.create_table(table, {"replication_num": "3"}, database="sales"))
    assert created.partitions == []
    assert created.table.partition_column == ""
