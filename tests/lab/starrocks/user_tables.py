# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User tables as relations: a row is its key, from which every value follows."""

from __future__ import annotations

import typing as t
import zlib

from lab.starrocks.errors import analyzing_error
from lab.starrocks.sql_expr import Getter
from lab.starrocks.sql_select import Relation
from lab.starrocks.state_tables import Column, Partition, Table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front


def user_relation(front: Front, table: Table, partitions: t.Sequence[str]) -> Relation:
    """Rows are (partition, key); equal keys have equal values on every cluster."""
    for name in partitions:
        if name not in table.partitions:
            raise analyzing_error("Unknown partition '%s' in table '%s'" % (name, table.name))
    chosen = [p for p in table.partitions.values() if not partitions or p.name in partitions]

    def rows(equals: t.Mapping[str, set[str]]) -> t.Iterator[tuple[Partition, int]]:
        front.scan_node()
        for partition in chosen:
            for key in partition.content.values(partition.rows):
                yield partition, key

    def count() -> int:
        front.scan_node()
        return sum(partition.rows for partition in chosen)

    getters = {column.name: _value(table, number, column) for number, column in enumerate(table.columns)}
    kinds = {name.upper(): "i64" for name, column in zip(getters, table.columns) if _is_number(column)}
    return Relation(table.name, getters, rows, kinds, count)


def _is_number(column: Column) -> bool:
    return column.type.lower().startswith(("int", "bigint", "largeint", "smallint", "tinyint"))


def _value(table: Table, number: int, column: Column) -> Getter:
    """The first column is the key itself, the partition column its partition's lower bound."""
    if number == 0:
        return lambda row: row[1]
    if column.name == table.partition_column:
        return lambda row: row[0].lower
    salt = zlib.crc32(column.name.encode())
    if _is_number(column):
        return lambda row: (row[1] * 2654435761 + salt) % 1_000_003
    return lambda row: "%s-%d" % (column.name, row[1])
