# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution of a parsed SELECT: tables with pushed-down filters, hash joins, filter, grouping, order, limit."""

from __future__ import annotations

import operator
import typing as t
from dataclasses import dataclass

from lab.greptimedb.sql_eval import Row, Scope, Value, aggregate, compile_value, contains_aggregate, kind_of, text_of
from lab.greptimedb.sql_parse import Node, Select, Source
from lab.mysql_packets import Column, ResultSet


@dataclass
class TableData:
    """A table: its columns, and its rows given the filters that the engine pushes down to it."""

    columns: t.Sequence[Column]
    rows: t.Callable[[t.Sequence[Node]], t.Iterable[Row]]


TableLookup = t.Callable[[t.Tuple[str, ...]], TableData]


def conjuncts(node: Node | None) -> list[Node]:
    """The parts of a condition that are joined by AND."""
    if node is None:
        return []
    if node[0] == "op" and node[1] == "and":
        return conjuncts(node[2]) + conjuncts(node[3])
    return [node]


def _pushable(node: Node, alias: str, names: t.Container[str], single: bool) -> bool:
    """True for conditions of a kind that the server pushes down, about columns of one table only."""
    if node[0] == "op" and node[1] in ("and", "or"):
        return _pushable(node[2], alias, names, single) and _pushable(node[3], alias, names, single)
    if node[0] == "not":
        return _pushable(node[1], alias, names, single)
    if node[0] == "op" and node[1] in ("=", "!="):
        operands = [node[2], node[3]]
    elif node[0] == "in":
        operands = [node[1], *node[2]]
    elif node[0] == "like":
        operands = [node[1], node[2]]
    else:
        return False
    columns = [x for x in operands if x[0] == "col"]
    mine = all((c[1] == alias or (single and not c[1])) and c[2].lower() in names for c in columns)
    return len(columns) == 1 and mine and all(x[0] in ("col", "lit") for x in operands)


def execute(select: Select, lookup: TableLookup) -> ResultSet:
    """Run a SELECT that has a FROM."""
    columns: list[tuple[str, Column]] = []
    rows: list[Row] = []
    for source in select.sources:
        data = lookup(source.name)
        names = {c.name.lower() for c in data.columns}
        single = len(select.sources) == 1
        filters = [c for c in conjuncts(select.where) if _pushable(c, source.alias, names, single)]
        found = list(data.rows(filters))
        own = [(source.alias, c) for c in data.columns]
        rows = _join(rows, columns, found, own, source) if columns else found
        columns = columns + own
    scope = Scope(columns)
    if select.where is not None:
        keep = compile_value(select.where, scope)
        rows = [row for row in rows if keep(row) is True]
    if select.group or any(contains_aggregate(node) for node, _dummy in select.items):
        return _grouped(select, scope, rows)
    return _plain(select, scope, rows)


def _join(
    left: list[Row], columns: list[tuple[str, Column]], right: list[Row], own: list[tuple[str, Column]], source: Source
) -> list[Row]:
    scope = Scope(columns + own)
    width = len(columns)
    keys: list[tuple[int, int]] = []
    rest: list[Value] = []
    for part in conjuncts(source.on):
        if part[0] == "op" and part[1] == "=" and part[2][0] == part[3][0] == "col":
            first, second = sorted(scope.index(x[1], x[2]) for x in (part[2], part[3]))
            if first < width <= second:
                keys.append((first, second - width))
                continue
        rest.append(compile_value(part, scope))
    table: dict[t.Any, list[Row]] = {}
    for row in right:
        table.setdefault(tuple(row[b] for _dummy, b in keys), []).append(row)
    nothing = (None,) * len(own)
    joined: list[Row] = []
    for row in left:
        key = tuple(row[a] for a, _dummy in keys)
        matches = [row + other for other in table.get(key, ()) if None not in key]
        matches = [m for m in matches if all(c(m) is True for c in rest)]
        if not matches and source.join == "left":
            matches = [row + nothing]
        joined += matches
    return joined


def _items(select: Select, scope: Scope) -> list[tuple[Node, Column]]:
    items: list[tuple[Node, Column]] = []
    for node, alias in select.items:
        if node[0] == "star":
            items += [(("col", a, c.name), c) for a, c in scope.columns if node[1] in ("", a)]
        else:
            items.append((node, Column(alias or text_of(node), kind_of(node, scope))))
    return items


def _plain(select: Select, scope: Scope, rows: list[Row]) -> ResultSet:
    items = _items(select, scope)
    for node, descending in reversed(select.order):
        key = compile_value(_resolve(node, select, items), scope)
        rows = sorted(rows, key=lambda row, k=key: _sortable(k(row)), reverse=descending)  # type: ignore[misc]
    if not select.distinct:
        rows = _limited(select, rows)
    result = _projected(items, scope, rows)
    if select.distinct:
        result.rows = _limited(select, list(dict.fromkeys(result.rows)))
    return result


def _projected(items: list[tuple[Node, Column]], scope: Scope, rows: list[Row]) -> ResultSet:
    if len(items) > 1 and all(node[0] == "col" for node, _dummy in items):
        project = operator.itemgetter(*(scope.index(node[1], node[2]) for node, _dummy in items))
        return ResultSet([c for _dummy, c in items], [project(row) for row in rows])
    values = [compile_value(node, scope) for node, _dummy in items]
    return ResultSet([c for _dummy, c in items], [tuple(v(row) for v in values) for row in rows])


def _grouped(select: Select, scope: Scope, rows: list[Row]) -> ResultSet:
    items = _items(select, scope)
    by = [compile_value(_resolve(node, select, items), scope) for node in select.group]
    groups: dict[t.Any, list[Row]] = {} if by else {(): []}
    for row in rows:
        groups.setdefault(tuple(v(row) for v in by), []).append(row)
    found = list(groups.values())
    for node, descending in reversed(select.order):
        target = _resolve(node, select, items)
        found.sort(key=lambda g, n=target: _sortable(aggregate(n, scope, g)), reverse=descending)  # type: ignore[misc]
    result = [tuple(aggregate(node, scope, group) for node, _dummy in items) for group in _limited(select, found)]
    return ResultSet([c for _dummy, c in items], result)


def _resolve(node: Node, select: Select, items: list[tuple[Node, Column]]) -> Node:
    """An item named by its alias or its position."""
    if node[0] == "lit" and isinstance(node[1], int):
        return items[node[1] - 1][0]
    if node[0] == "col" and not node[1]:
        for expression, alias in select.items:
            if alias is not None and alias == node[2]:
                return expression
    return node


def _sortable(value: t.Any) -> tuple[bool, t.Any]:
    return value is None, 0 if value is None else value


def _limited(select: Select, rows: list[t.Any]) -> list[t.Any]:
    end = None if select.limit is None else select.offset + select.limit
    return rows[select.offset : end]
