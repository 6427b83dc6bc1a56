# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of information_schema have in common: columns by name, what the user may see."""

from __future__ import annotations

import typing as t

from lab.starrocks.sql_expr import Getter
from lab.starrocks.sql_select import Relation
from lab.starrocks.state_tables import Database

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements import Call

Equals = t.Mapping[str, set[str]]
Rows = t.Callable[[Equals], t.Iterable[t.Any]]
HIDDEN_DATABASES = ("information_schema", "sys")


def constant(value: t.Any) -> Getter:
    """A column that is the same in every row."""
    return lambda row: value


def cell(name: str) -> Getter:
    """A column of rows that are mappings; empty where a row lacks it."""
    return lambda row: row.get(name, "")


def relation(
    name: str,
    names: t.Iterable[str],
    getters: t.Mapping[str, Getter],
    rows: Rows,
    kinds: t.Mapping[str, t.Iterable[str]] | None = None,
) -> Relation:
    """A relation with these columns in this order; those without a getter are empty. ``kinds``: kind -> columns."""
    empty = constant("")
    by_column = {column: kind for kind, columns in (kinds or {}).items() for column in columns}
    return Relation(name, {column: getters.get(column, empty) for column in names}, rows, by_column)


def databases(front: Front, wanted: set[str] | None) -> t.Iterator[Database]:
    """The databases with these names, or all; never those that are made up on the fly."""
    for database in front.cluster.databases.values():
        if (wanted is None or database.name in wanted) and database.name not in HIDDEN_DATABASES:
            yield database


def visible(
    front: Front, call: Call, equals: Equals, schema: str, name: str, kind: str
) -> t.Iterator[tuple[t.Any, t.Any]]:
    """(database, object) of what the user sees; ``kind``: tables, views or materialized_views of a Database.

    ``schema`` and ``name`` are the relation's columns for them, by which a scan is cut short.
    """
    for database in databases(front, equals.get(schema)):
        sees = call.rights.sees(database.name)
        wanted = equals.get(name)
        for found in getattr(database, kind).values():
            if (wanted is None or found.name in wanted) and sees(found.name):
                yield database, found
