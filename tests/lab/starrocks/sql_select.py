# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELECT over one relation: columns and aggregates, WHERE, GROUP BY, ORDER BY, LIMIT.

A relation gives objects and says how each column is read from one, so that a scan of 100,000 partitions builds only the
columns that were asked for.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.mysql_packets import Column, ResultSet
from lab.starrocks.errors import analyzing_error
from lab.starrocks.sql_expr import ExpressionReader, Getter, like
from lab.starrocks.sql_tokens import END, NUMBER, QUOTED, SYMBOL, WORD, Cursor

Functions = t.Mapping[str, t.Callable[[], t.Any]]
AGGREGATES = ("count", "sum", "min", "max", "avg")
CLAUSES = ("FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "AS", "HAVING")


@dataclass
class Relation:
    """``rows(equals)`` may leave out what does not meet ``equals`` (lower-case column -> allowed values).

    ``count``: how many rows there are, where that is cheaper than reading them.
    """

    name: str
    columns: t.Mapping[str, Getter]
    rows: t.Callable[[t.Mapping[str, set[str]]], t.Iterable[t.Any]]
    kinds: t.Mapping[str, str] = field(default_factory=dict)
    count: t.Callable[[], int] | None = None

    def resolve(self, name: str) -> Getter:
        """How a column is read, whatever the case of its name."""
        found = self.columns.get(name) or self.columns.get(name.upper())
        if found is None:
            found = next((g for n, g in self.columns.items() if n.lower() == name.lower()), None)
        if found is None:
            raise analyzing_error("Column '%s' cannot be resolved" % name)
        return found

    def kind(self, name: str) -> str:
        """The MySQL kind of a column."""
        return self.kinds.get(name.upper(), "string")


@dataclass
class Output:
    """One output column: a value of each row, or an aggregate over the rows of a group.

    ``inferred``: an expression, which is a number where its values are.
    """

    label: str
    kind: str
    value: Getter
    aggregate: str = ""
    distinct: bool = False
    counts_all: bool = False
    inferred: bool = False


def relation_named(cursor: Cursor) -> list[str]:
    """The names after FROM of the SELECT that comes next; none without a FROM. Moves nothing."""
    depth, probe = 0, Cursor(cursor.text, cursor.ahead())
    while probe.token.kind != END:
        token = probe.take()
        if token.kind == SYMBOL and token.value in "()":
            depth += 1 if token.value == "(" else -1
        if depth == 0 and token.kind == WORD and token.value.upper() == "FROM":
            return probe.path()
    return []


def partitions_named(cursor: Cursor) -> list[str]:
    """The names in FROM t PARTITION (...) of the SELECT that comes next; none without. Moves nothing."""
    probe = Cursor(cursor.text, cursor.ahead())
    while probe.token.kind != END and not (probe.words("PARTITION") or probe.words("PARTITIONS")):
        probe.take()
    names: list[str] = []
    if probe.symbol("("):
        names.append(probe.name_or_text())
        while probe.symbol(","):
            names.append(probe.name_or_text())
    return names


class SelectReader:
    """Reads what follows SELECT."""

    def __init__(self, cursor: Cursor, relation: Relation, functions: Functions) -> None:
        self._cursor = cursor
        self._relation = relation
        self._functions = functions

    def _reader(self) -> ExpressionReader:
        return ExpressionReader(self._cursor, self._relation.resolve, self._functions)

    def run(self) -> ResultSet:
        """The statement's result."""
        cursor = self._cursor
        distinct = cursor.words("DISTINCT")
        outputs = self._outputs()
        scan = cursor.words("FROM")
        if scan:
            self._pass_relation()
        return self._rest(outputs, distinct, scan)

    def show(self) -> ResultSet:
        """All columns, as SHOW gives them; LIKE is about the first one. The cursor is behind the relation's name."""
        relation = self._relation
        outputs = [Output(name, "string", get) for name, get in relation.columns.items()]
        if not self._cursor.words("LIKE"):
            return self._rest(outputs, False, True)
        matches, first = like(self._cursor.string()), outputs[0].value
        rows = [row for row in relation.rows({}) if matches(str(first(row)))]
        return self._result(outputs, [tuple([o.value(row) for o in outputs]) for row in rows])

    def _rest(self, outputs: list[Output], distinct: bool, scan: bool) -> ResultSet:
        rows: t.Iterable[t.Any] = [None]
        counted = self._counted(outputs) if scan else None
        if counted is not None:
            return self._result(outputs, [(counted,) * len(outputs)])
        if scan:
            rows = self._scan()
        groups = self._group_by(outputs)
        keyed: t.Iterable[tuple[t.Any, tuple[t.Any, ...]]]
        if groups is not None or any(o.aggregate for o in outputs):
            keyed = [(line, line) for line in _aggregate(outputs, groups or [], list(rows))]
            orders = self._order_by(outputs, by_label=True)
        else:
            orders = self._order_by(outputs, by_label=False)
            getters = [o.value for o in outputs]
            if not orders and not distinct:
                return self._result(outputs, self._limit([tuple([g(row) for g in getters]) for row in rows]))
            keyed = [(row, tuple([g(row) for g in getters])) for row in rows]
        for getter, descending in reversed(orders):
            keyed = sorted(keyed, key=_by(getter), reverse=descending)
        lines = [line for _row, line in keyed]
        return self._result(outputs, self._limit(list(dict.fromkeys(lines)) if distinct else lines))

    def _counted(self, outputs: list[Output]) -> int | None:
        """The answer of a plain COUNT(*) without reading rows."""
        count = self._relation.count
        if count is None or self._cursor.token.kind != END or not all(o.counts_all for o in outputs):
            return None
        return count()

    def _scan(self) -> t.Iterable[t.Any]:
        """The rows that meet WHERE."""
        if not self._cursor.words("WHERE"):
            return self._relation.rows({})
        reader = self._reader()
        test = reader.condition()
        return [row for row in self._relation.rows(reader.equals) if test(row)]

    def _result(self, outputs: list[Output], rows: list[tuple[t.Any, ...]]) -> ResultSet:
        self._cursor.end()
        columns = []
        for number, output in enumerate(outputs):
            numeric = output.inferred and rows and all(type(row[number]) is int for row in rows[:10])
            columns.append(Column(output.label, "i64" if numeric else output.kind))
        return ResultSet(columns, rows)

    def _pass_relation(self) -> None:
        cursor = self._cursor
        cursor.path()
        if cursor.words("PARTITION") or cursor.words("PARTITIONS"):
            cursor.expect_symbol("(")
            while not cursor.symbol(")"):
                cursor.take()
        if cursor.words("AS") or self._alias_ahead():
            cursor.name()

    def _alias_ahead(self) -> bool:
        """True when a name comes next that begins no clause."""
        kind, words = self._cursor.token.kind, self._cursor.upcoming(1)
        return kind == QUOTED or (kind == WORD and words[0] not in CLAUSES)

    def _outputs(self) -> list[Output]:
        outputs: list[Output] = []
        while True:
            if self._cursor.symbol("*"):
                relation = self._relation
                outputs += [Output(name, relation.kind(name), get) for name, get in relation.columns.items()]
            else:
                outputs.append(self._output())
            if not self._cursor.symbol(","):
                return outputs

    def _output(self) -> Output:
        cursor = self._cursor
        start, first = cursor.token.at, cursor.token
        words = cursor.upcoming(1)
        if words and words[0].lower() in AGGREGATES and cursor.is_call():
            output = self._read_aggregate()
        else:
            value = self._reader().condition()
            kind = self._relation.kind(first.value) if first.kind in (WORD, QUOTED) else "string"
            output = Output("", kind, value, inferred=first.kind != QUOTED and kind == "string")
        written = cursor.text[start : cursor.token.at].strip().rstrip(",").strip()
        output.label = written.strip("`").rpartition(".")[2].strip("`") if first.kind in (WORD, QUOTED) else written
        if "(" in written:
            output.label = written
        if cursor.words("AS"):
            output.label = cursor.name_or_text()
        elif self._alias_ahead():
            output.label = cursor.name()
        return output

    def _read_aggregate(self) -> Output:
        cursor = self._cursor
        name = cursor.name().lower()
        cursor.expect_symbol("(")
        distinct = cursor.words("DISTINCT")
        value: Getter = lambda row: 1
        counts_all = cursor.symbol("*")
        if not counts_all:
            value = self._reader().condition()
        cursor.expect_symbol(")")
        return Output("", "i64", value, name, distinct, counts_all and name == "count")

    def _group_by(self, outputs: list[Output]) -> list[Getter] | None:
        if not self._cursor.words("GROUP", "BY"):
            return None
        return [getter for getter, _descending in self._keys(outputs, by_label=False)]

    def _order_by(self, outputs: list[Output], by_label: bool) -> list[tuple[Getter, bool]]:
        return self._keys(outputs, by_label) if self._cursor.words("ORDER", "BY") else []

    def _keys(self, outputs: list[Output], by_label: bool) -> list[tuple[Getter, bool]]:
        cursor, found = self._cursor, []
        while True:
            getter: Getter
            if cursor.token.kind == NUMBER:
                index: int | None = cursor.integer() - 1
            else:
                name = cursor.token.value.lower()
                index = next((i for i, o in enumerate(outputs) if o.label.lower() == name), None)
                if index is not None:
                    cursor.take()
            if index is None:
                getter = self._reader().value()
            else:
                getter = _item(index) if by_label else outputs[index].value
            descending = cursor.words("DESC")
            if not descending:
                cursor.words("ASC")
            found.append((getter, descending))
            if not cursor.symbol(","):
                return found

    def _limit(self, rows: list[tuple[t.Any, ...]]) -> list[tuple[t.Any, ...]]:
        cursor = self._cursor
        if not cursor.words("LIMIT"):
            return rows
        count, start = cursor.integer(), 0
        if cursor.symbol(","):
            start, count = count, cursor.integer()
        elif cursor.words("OFFSET"):
            start = cursor.integer()
        return rows[start : start + count]


def _item(index: int) -> Getter:
    return lambda line: line[index]


def _by(getter: Getter) -> t.Callable[[tuple[t.Any, t.Any]], tuple[int, t.Any]]:
    return lambda pair: _sort_key(getter(pair[0]))


def _sort_key(value: t.Any) -> tuple[int, t.Any]:
    if value is None:
        return 0, 0
    return (1, value) if not isinstance(value, str) else (2, value)


def _aggregate(outputs: list[Output], groups: list[Getter], rows: list[t.Any]) -> list[tuple[t.Any, ...]]:
    buckets: dict[tuple[t.Any, ...], list[t.Any]] = {}
    for row in rows:
        buckets.setdefault(tuple([g(row) for g in groups]), []).append(row)
    if not groups and not buckets:
        buckets[()] = []
    return [tuple([_aggregated(o, members) for o in outputs]) for members in buckets.values()]


def _aggregated(output: Output, rows: list[t.Any]) -> t.Any:
    if not output.aggregate:
        return output.value(rows[0]) if rows else None
    values = [v for v in (output.value(row) for row in rows) if v is not None]
    if output.distinct:
        values = list(dict.fromkeys(values))
    if output.aggregate == "count":
        return len(values)
    if not values:
        return None
    if output.aggregate in ("min", "max"):
        return min(values) if output.aggregate == "min" else max(values)
    total = sum(float(v) if isinstance(v, str) else v for v in values)
    return total if output.aggregate == "sum" else total / len(values)
