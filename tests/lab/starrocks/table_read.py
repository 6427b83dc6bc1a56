# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads CREATE TABLE and the partitions of ALTER TABLE ADD PARTITION into records."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.starrocks.sql_tokens import NUMBER, STRING, SYMBOL, Cursor
from lab.starrocks.state_tables import AGGREGATE, DUPLICATE, NATIVE, PRIMARY, UNIQUE, Column, Index, Table

MODELS = {"DUPLICATE": DUPLICATE, "AGGREGATE": AGGREGATE, "UNIQUE": UNIQUE, "PRIMARY": PRIMARY}
AGGREGATIONS = ("SUM", "MAX", "MIN", "REPLACE", "REPLACE_IF_NOT_NULL", "HLL_UNION", "BITMAP_UNION", "PERCENTILE_UNION")
Range = t.Tuple[str, str, str]
"""(name, lower, upper)"""


@dataclass
class Created:
    """What a CREATE TABLE asks for; the table has no id yet (0)."""

    table: Table
    partitions: list[Range] = field(default_factory=list)


def read_table(cursor: Cursor, name: str) -> Created:
    """From behind the table's name to the statement's end; the server's syntax error otherwise."""
    found = Created(Table(0, name, [], []))
    table = found.table
    _columns(cursor, table)
    while cursor.token.kind != "end":
        if cursor.words("ENGINE"):
            cursor.expect_symbol("=")
            engine = cursor.name()
            table.engine = NATIVE if engine.upper() == "OLAP" else engine
        elif cursor.upcoming(1) and cursor.upcoming(1)[0] in MODELS:
            table.model = MODELS[cursor.take().value.upper()]
            cursor.expect_words("KEY")
            table.keys = names(cursor)
        elif cursor.words("COMMENT"):
            table.comment = cursor.string()
        elif cursor.words("PARTITION", "BY"):
            cursor.words("RANGE")
            table.partition_column = names(cursor)[0]
            found.partitions = ranges(cursor)
        elif cursor.words("DISTRIBUTED", "BY"):
            _distribution(cursor, table)
        elif cursor.words("ORDER", "BY"):
            names(cursor)
        elif cursor.words("PROPERTIES"):
            table.properties = cursor.pairs()
        else:
            raise cursor.error()
    table.replication_num = int(table.properties.pop("replication_num", "3"))
    table.storage_volume = table.properties.pop("storage_volume", "")
    table.keys = table.keys or [table.columns[0].name]
    for column in table.columns:
        column.key = column.name in table.keys
    return found


def names(cursor: Cursor) -> list[str]:
    """(name, ...)"""
    cursor.expect_symbol("(")
    found = [cursor.name()]
    while cursor.symbol(","):
        found.append(cursor.name())
    cursor.expect_symbol(")")
    return found


def _columns(cursor: Cursor, table: Table) -> None:
    cursor.expect_symbol("(")
    while True:
        if cursor.words("INDEX"):
            index = Index(cursor.name(), names(cursor))
            if cursor.words("USING"):
                index.kind = cursor.name().upper()
            if cursor.words("COMMENT"):
                cursor.string()
            table.indexes.append(index)
        else:
            table.columns.append(read_column(cursor))
        if not cursor.symbol(","):
            cursor.expect_symbol(")")
            return


def read_column(cursor: Cursor) -> Column:
    """One column of a CREATE TABLE or ADD COLUMN."""
    column = Column(cursor.name(), _type(cursor))
    while cursor.token.kind != "end" and not (cursor.token.kind == SYMBOL and cursor.token.value in ",)"):
        words = cursor.upcoming(1)
        if words and words[0] in AGGREGATIONS:
            column.aggregation = cursor.take().value.upper()
        elif cursor.words("NOT", "NULL"):
            column.nullable = False
        elif cursor.words("NULL"):
            column.nullable = True
        elif cursor.words("KEY"):
            column.key = True
        elif cursor.words("AUTO_INCREMENT"):
            column.auto_increment = True
        elif cursor.words("AS"):
            column.generated = _balanced(cursor)
        elif cursor.words("DEFAULT"):
            token = cursor.take()
            if token.kind not in (STRING, NUMBER, "word"):
                raise cursor.error()
            column.default = None if token.kind == "word" and token.value.upper() == "NULL" else token.value
        elif cursor.words("COMMENT"):
            column.comment = cursor.string()
        else:
            raise cursor.error()
    return column


def _type(cursor: Cursor) -> str:
    name = cursor.name()
    return name + _balanced(cursor) if cursor.token.kind == SYMBOL and cursor.token.value in "(<" else name


def _balanced(cursor: Cursor) -> str:
    """The text of an expression: up to a comma, or a word after its brackets are closed."""
    start, depth = cursor.token.at, 0
    while cursor.token.kind != "end":
        token = cursor.take()
        if token.kind == SYMBOL and token.value in ("(", "<"):
            depth += 1
        elif token.kind == SYMBOL and token.value in (")", ">"):
            depth -= 1
        follower = cursor.token
        if depth == 0 and (follower.kind == "word" or (follower.kind == SYMBOL and follower.value in ",)")):
            break
    return cursor.text[start : cursor.token.at].strip()


def ranges(cursor: Cursor) -> list[Range]:
    """(PARTITION p VALUES [("a"), ("b")), ...) or one of them without the outer parentheses."""
    outer = cursor.symbol("(")
    found: list[Range] = []
    if outer and cursor.symbol(")"):
        return found
    while True:
        cursor.expect_words("PARTITION")
        cursor.words("IF", "NOT", "EXISTS")
        name = cursor.name()
        cursor.expect_words("VALUES")
        if cursor.words("LESS", "THAN"):
            found.append((name, "", _bound(cursor)))
        else:
            cursor.expect_symbol("[")
            lower = _bound(cursor)
            cursor.expect_symbol(",")
            upper = _bound(cursor)
            cursor.expect_symbol(")")
            found.append((name, lower, upper))
        if not cursor.symbol(","):
            break
    if outer:
        cursor.expect_symbol(")")
    return found


def _bound(cursor: Cursor) -> str:
    cursor.expect_symbol("(")
    text = cursor.take().value
    cursor.expect_symbol(")")
    return text


def _distribution(cursor: Cursor, table: Table) -> None:
    if cursor.words("HASH"):
        table.distribution = names(cursor)
    else:
        cursor.expect_words("RANDOM")
    if cursor.words("BUCKETS"):
        table.buckets = cursor.integer()
