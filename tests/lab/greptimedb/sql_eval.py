# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of a parsed SELECT over tables given as lists of tuples: expressions become closures over row tuples."""

from __future__ import annotations

import functools
import operator
import re
import typing as t
from datetime import datetime

from lab.greptimedb.sql_parse import Node
from lab.mysql_packets import Column

Row = t.Tuple[t.Any, ...]
Value = t.Callable[[Row], t.Any]
AGGREGATES = frozenset(("count", "sum", "min", "max", "avg"))
_OPS: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
}


class UnknownColumn(Exception):
    """A column that no table of the statement has."""


class UnknownFunction(Exception):
    """A function that the server does not know."""


class Scope:
    """Columns of the joined row: (table alias, column)."""

    def __init__(self, columns: t.Sequence[tuple[str, Column]]) -> None:
        self.columns = columns

    def index(self, qualifier: str, name: str) -> int:
        """Position of a column in the row."""
        for position, (alias, column) in enumerate(self.columns):
            if column.name.lower() == name.lower() and (not qualifier or alias == qualifier):
                return position
        raise UnknownColumn(name if not qualifier else "%s.%s" % (qualifier, name))


def contains_aggregate(node: Node) -> bool:
    """True when an expression counts or sums over rows."""
    if node[0] == "fn" and node[1] in AGGREGATES:
        return True
    return any(contains_aggregate(part) for part in children(node))


def children(node: Node) -> t.Iterator[Node]:
    """The expressions directly inside one."""
    for part in node[1:]:
        if isinstance(part, tuple):
            if part and isinstance(part[0], str):
                yield part
            else:
                yield from part


def kind_of(node: Node, scope: Scope) -> str:
    """The column kind of an expression's result."""
    if node[0] == "col":
        return scope.columns[scope.index(node[1], node[2])][1].kind
    if node[0] == "lit":
        return {bool: "bool", int: "i64", float: "f64"}.get(type(node[1]), "string")
    if node[0] == "fn" and node[1] in ("min", "max"):
        return kind_of(node[2][0], scope)
    if node[0] == "fn":
        return {"count": "i64", "sum": "i64", "avg": "f64"}.get(node[1], "string")
    if node[0] == "op":
        return "bool" if node[1] in ("and", "or", "=", "!=", "<", ">", "<=", ">=") else "i64"
    if node[0] == "cast":
        return "i64" if "int" in node[2] else "string"
    return {"in": "bool", "like": "bool", "null": "bool", "not": "bool", "neg": "i64"}.get(node[0], "string")


def text_of(node: Node) -> str:
    """The name of an unnamed result column, as the query engine writes expressions."""
    if node[0] == "col":
        return str(node[2])
    if node[0] == "lit":
        value = node[1]
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "Boolean(%s)" % str(value).lower()
        return str({int: "Int64(%s)", float: "Float64(%s)"}.get(type(value), 'Utf8("%s")') % value)
    if node[0] == "fn":
        return "%s(%s)" % (node[1], ",".join("*" if a[0] == "star" else text_of(a) for a in node[2]))
    if node[0] == "op":
        return "%s %s %s" % (text_of(node[2]), node[1].upper(), text_of(node[3]))
    return str(node[1]) if node[0] == "var" else "expr"


@functools.lru_cache(maxsize=256)
def _like(pattern: str) -> re.Pattern[str]:
    parts = [".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern]
    return re.compile("".join(parts) + r"\Z", re.S)


def _binary(op: str, left: t.Any, right: t.Any) -> t.Any:
    if left is None or right is None:
        return None
    if op == "||":
        return "%s%s" % (left, right)
    if isinstance(left, datetime) and isinstance(right, str):
        right = datetime.fromisoformat(right)
    elif isinstance(left, str) != isinstance(right, str):
        left, right = str(left), str(right)
    return _OPS[op](left, right)


def _negative(value: t.Any) -> t.Any:
    return None if value is None else 0 - value


def _logic(op: str, left: Value, right: Value) -> Value:
    decisive = op == "or"

    def evaluate(row: Row) -> t.Any:
        first = left(row)
        if first is not None and bool(first) is decisive:
            return decisive
        second = right(row)
        if second is not None and bool(second) is decisive:
            return decisive
        return None if first is None or second is None else not decisive

    return evaluate


def _in(value: Value, items: t.Sequence[Node], scope: Scope, negated: bool) -> Value:
    if all(item[0] == "lit" for item in items):
        members = {item[1] for item in items}
        texts = {str(m) for m in members}

        def constant(row: Row) -> t.Any:
            left = value(row)
            return None if left is None else ((left in members or str(left) in texts) != negated)

        return constant
    compiled = [compile_value(item, scope) for item in items]
    return lambda row: None if value(row) is None else ((value(row) in [c(row) for c in compiled]) != negated)


def compile_value(node: Node, scope: Scope) -> Value:
    """A closure that computes an expression for a row; raises UnknownColumn or UnknownFunction."""
    kind = node[0]
    if kind == "lit":
        return lambda row, value=node[1]: value  # type: ignore[misc]
    if kind == "col":
        return operator.itemgetter(scope.index(node[1], node[2]))
    if kind == "op" and node[1] in ("and", "or"):
        return _logic(node[1], compile_value(node[2], scope), compile_value(node[3], scope))
    if kind == "op":
        return _operation(node[1], compile_value(node[2], scope), compile_value(node[3], scope))
    if kind == "in":
        return _in(compile_value(node[1], scope), node[2], scope, node[3])
    if kind in ("fn", "var", "star"):
        raise UnknownFunction(str(node[1]))
    inner = compile_value(node[1], scope)
    if kind == "not":
        return lambda row: None if inner(row) is None else not inner(row)
    if kind == "neg":
        return lambda row: _negative(inner(row))
    if kind == "null":
        return lambda row: (inner(row) is None) != node[2]
    if kind == "like":
        pattern = compile_value(node[2], scope)
        return lambda row: None if inner(row) is None else bool(_like(pattern(row)).match(str(inner(row)))) != node[3]
    to_int = "int" in node[2]
    return lambda row: None if inner(row) is None else int(inner(row)) if to_int else str(inner(row))


def _operation(op: str, left: Value, right: Value) -> Value:
    return lambda row: _binary(op, left(row), right(row))


def aggregate(node: Node, scope: Scope, rows: t.Sequence[Row]) -> t.Any:
    """The value of an expression that may contain aggregates, for one group of rows."""
    if node[0] == "fn" and node[1] in AGGREGATES:
        if node[2][0][0] == "star":
            return len(rows)
        value = compile_value(node[2][0], scope)
        values = [v for v in map(value, rows) if v is not None]
        if node[1] == "count":
            return len(values)
        if not values:
            return None
        if node[1] == "avg":
            return sum(values) / len(values)
        return {"sum": sum, "min": min, "max": max}[node[1]](values)  # type: ignore[operator]
    if contains_aggregate(node) and node[0] == "op":
        return _binary(node[1], aggregate(node[2], scope, rows), aggregate(node[3], scope, rows))
    return compile_value(node, scope)(rows[0]) if rows else None
