# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of SHOW CREATE TABLE, which CREATE TABLE takes again (table_read.py)."""

from __future__ import annotations

import typing as t

from lab.starrocks.state_tables import AGGREGATE, PRIMARY, UNIQUE, Column, Table

KEY_WORDS = {AGGREGATE: "AGGREGATE", PRIMARY: "PRIMARY", UNIQUE: "UNIQUE"}


def create_table(table: Table, properties: t.Mapping[str, str], database: str = "") -> str:
    """``properties`` are those to be printed, storage_volume and replication_num included."""
    lines = [column_text(column) for column in table.columns]
    lines += [
        "INDEX `%s` (%s) USING %s COMMENT ''" % (index.name, names(index.columns), index.kind)
        for index in table.indexes
    ]
    name = ("`%s`.`%s`" % (database, table.name)) if database else "`%s`" % table.name
    text = "CREATE TABLE %s (\n  %s\n) ENGINE=%s \n" % (name, ",\n  ".join(lines), engine_word(table))
    text += "%s KEY(%s)\n" % (KEY_WORDS.get(table.model, "DUPLICATE"), names(table.keys))
    if table.comment:
        text += 'COMMENT "%s"\n' % quoted(table.comment)
    if table.partition_column:
        text += "PARTITION BY RANGE(`%s`)\n(%s)\n" % (table.partition_column, ",\n".join(_partitions(table)))
    if table.distribution:
        text += "DISTRIBUTED BY HASH(%s) BUCKETS %d \n" % (names(table.distribution), table.buckets)
    else:
        text += "DISTRIBUTED BY RANDOM BUCKETS %d \n" % table.buckets
    pairs = ['"%s" = "%s"' % (key, quoted(value)) for key, value in properties.items()]
    return text + "PROPERTIES (\n%s\n);" % ",\n".join(pairs)


def engine_word(table: Table) -> str:
    """ENGINE as SHOW CREATE TABLE has it."""
    return "OLAP" if table.engine == "StarRocks" else table.engine


def names(found: t.Iterable[str]) -> str:
    """A list of identifiers."""
    return ", ".join("`%s`" % name for name in found)


def quoted(text: str) -> str:
    """What stands between double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def column_text(column: Column) -> str:
    """One column."""
    words = ["`%s`" % column.name, column.type]
    if column.aggregation:
        words.append(column.aggregation)
    words.append("NULL" if column.nullable else "NOT NULL")
    if column.auto_increment:
        words.append("AUTO_INCREMENT")
    if column.generated:
        words.append("AS %s" % column.generated)
    elif column.default is not None:
        words.append('DEFAULT "%s"' % quoted(column.default))
    return " ".join(words) + ' COMMENT "%s"' % quoted(column.comment)


def _partitions(table: Table) -> t.Iterator[str]:
    for partition in table.partitions.values():
        if not partition.shadow:
            yield 'PARTITION %s VALUES [("%s"), ("%s"))' % (partition.name, partition.lower, partition.upper)
