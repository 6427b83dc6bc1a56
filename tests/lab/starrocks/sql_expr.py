# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions over one row: read once, compiled to a closure, with SQL's NULL (None is "unknown")."""

from __future__ import annotations

import re
import typing as t
import zlib

from lab.starrocks import sql_crypt
from lab.starrocks.errors import SqlError, analyzing_error
from lab.starrocks.sql_tokens import NUMBER, QUOTED, STRING, SYMBOL, WORD, Cursor

Row = t.Any
Getter = t.Callable[[Row], t.Any]
Resolve = t.Callable[[str], Getter]
"""A column's name -> how it is read from a row; SqlError for an unknown one."""

COMPARISONS = ("=", "<>", "!=", "<", ">", "<=", ">=", "<=>")


def like(pattern: str, ignore_case: bool = False) -> t.Callable[[str], bool]:
    """SQL's LIKE: % any run, _ any one character, backslash escapes."""
    parts: list[str] = []
    escaped = False
    for char in pattern:
        if escaped:
            parts.append(re.escape(char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            parts.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
    found = re.compile("".join(parts), re.S | (re.I if ignore_case else 0))
    return lambda text: found.fullmatch(text) is not None


def like_config(pattern: str) -> t.Callable[[str], bool]:
    r"""How FEs match config keys: % is Java's .*, _ is its ., \_ and \% stand for themselves, the rest is a regex."""
    java = re.sub(r"\\([%_])|([%_])", lambda m: m[1] or (".*" if m[2] == "%" else "."), pattern)
    try:
        found = re.compile(java)
    except re.error:
        raise SqlError("Bad pattern in SQL: %s" % pattern) from None
    return lambda text: found.fullmatch(text) is not None


def _compare(operator: str, left: t.Any, right: t.Any) -> bool | None:
    if operator == "<=>":
        return bool(left == right)
    if left is None or right is None:
        return None
    if isinstance(left, str) != isinstance(right, str):
        left, right = _number(left), _number(right)
        if left is None or right is None:
            return False if operator == "=" else None
    if operator == "=":
        return bool(left == right)
    if operator in ("<>", "!="):
        return bool(left != right)
    if operator in ("<", "<="):
        return bool(left < right) or (operator == "<=" and bool(left == right))
    return bool(left > right) or (operator == ">=" and bool(left == right))


def _number(value: t.Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class ExpressionReader:
    """Reads conditions and values; ``functions`` are those of constants: name -> value."""

    def __init__(self, cursor: Cursor, resolve: Resolve, functions: t.Mapping[str, t.Callable[[], t.Any]]) -> None:
        self._cursor = cursor
        self._resolve = resolve
        self._functions = functions
        self.equals: dict[str, set[str]] = {}
        """Columns that must have one of these values whatever else holds: what a scan may use to read less."""

    def condition(self) -> Getter:
        """OR binds weakest."""
        kept = dict(self.equals)
        left = self._conjunction()
        while self._cursor.words("OR") or self._cursor.symbol("||"):
            self.equals = dict(kept)
            left = _either(left, self._conjunction())
            self.equals = dict(kept)
        return left

    def _conjunction(self) -> Getter:
        left = self._negation()
        while self._cursor.words("AND") or self._cursor.symbol("&&"):
            left = _both(left, self._negation())
        return left

    def _negation(self) -> Getter:
        if self._cursor.words("NOT") or self._cursor.symbol("!"):
            kept = dict(self.equals)
            inner = self._negation()
            self.equals = kept
            return lambda row: None if inner(row) is None else not inner(row)
        return self._predicate()

    def _predicate(self) -> Getter:
        column = self._column_ahead()
        left = self.value()
        cursor = self._cursor
        if cursor.token.kind == SYMBOL and cursor.token.value in COMPARISONS:
            operator = cursor.take().value
            constant = cursor.token.value if cursor.token.kind == STRING else None
            right = self.value()
            if operator == "=" and column and constant is not None:
                self.equals.setdefault(column, {constant})
            return lambda row: _compare(operator, left(row), right(row))
        if cursor.words("IS"):
            negated = cursor.words("NOT")
            cursor.expect_words("NULL")
            return lambda row: (left(row) is None) != negated
        negated = cursor.words("NOT")
        test = self._set_test(left, column if not negated else "")
        if test is None:
            if negated:
                raise cursor.error()
            return left
        found = test
        return (lambda row: None if found(row) is None else not found(row)) if negated else found

    def _set_test(self, left: Getter, column: str) -> Getter | None:
        cursor = self._cursor
        if cursor.words("IN"):
            return self._in(left, column)
        if cursor.words("LIKE"):
            matches = like(cursor.string())
            return lambda row: None if left(row) is None else matches(str(left(row)))
        if cursor.words("REGEXP") or cursor.words("RLIKE"):
            found = re.compile(cursor.string())
            return lambda row: None if left(row) is None else found.search(str(left(row))) is not None
        if cursor.words("BETWEEN"):
            low = self.value()
            cursor.expect_words("AND")
            high = self.value()
            return _both(
                lambda row: _compare(">=", left(row), low(row)), lambda row: _compare("<=", left(row), high(row))
            )
        return None

    def _in(self, left: Getter, column: str) -> Getter:
        cursor = self._cursor
        cursor.expect_symbol("(")
        strings: set[str] = set()
        numbers: set[float] = set()
        while True:
            token = cursor.take()
            if token.kind == STRING:
                strings.add(token.value)
            elif token.kind == NUMBER:
                numbers.add(float(token.value))
                strings.add(token.value)
            else:
                raise cursor.error()
            if not cursor.symbol(","):
                break
        cursor.expect_symbol(")")
        if column and not numbers:
            self.equals.setdefault(column, strings)
        numbers |= {number for number in map(_number, strings) if number is not None}

        def test(row: Row) -> bool | None:
            value = left(row)
            if value is None:
                return None
            return value in strings if isinstance(value, str) else float(value) in numbers

        return test

    def _column_ahead(self) -> str:
        """The column's name when a plain column comes next, else nothing."""
        token = self._cursor.token
        return token.value.lower() if token.kind in (WORD, QUOTED) else ""

    def value(self) -> Getter:
        """A literal, a column, a function of values, or a condition in parentheses."""
        cursor = self._cursor
        token = cursor.token
        if token.kind == STRING:
            text = cursor.take().value
            return lambda row: text
        negative = cursor.symbol("-")
        if cursor.token.kind == NUMBER:
            written = cursor.take().value
            number: float = int(written) if written.isdigit() else float(written)
            return lambda row: -number if negative else number
        if negative:
            raise cursor.error()
        if cursor.symbol("("):
            inner = self.condition()
            cursor.expect_symbol(")")
            return inner
        if token.kind == WORD and token.value.upper() in ("NULL", "TRUE", "FALSE"):
            constant = {"NULL": None, "TRUE": True, "FALSE": False}[cursor.take().value.upper()]
            return lambda row: constant
        return self._named()

    def _named(self) -> Getter:
        cursor = self._cursor
        name = cursor.identifier()
        if cursor.symbol("("):
            return self._function(name)
        if cursor.symbol("."):
            name = cursor.path()[-1]
        return self._resolve(name)

    def _cast(self) -> Getter:
        """What follows CAST( ."""
        inner = self.condition()
        self._cursor.expect_words("AS")
        number = self._cursor.name().upper() in ("BIGINT", "INT", "LARGEINT", "SMALLINT", "TINYINT")
        while not self._cursor.symbol(")"):
            self._cursor.take()
        convert: t.Callable[[t.Any], t.Any] = int if number else str
        return lambda row: None if inner(row) is None else convert(inner(row))

    def _function(self, name: str) -> Getter:
        cursor = self._cursor
        if name.upper() == "CAST":
            return self._cast()
        if cursor.symbol(")"):
            constant = self._functions.get(name.lower())
            if constant is None:
                raise analyzing_error("No matching function with signature: %s()" % name.lower())
            value = constant()
            return lambda row: value
        arguments = [self.condition()]
        while cursor.symbol(","):
            arguments.append(self.condition())
        cursor.expect_symbol(")")
        return _scalar(name.lower(), arguments)


def _both(left: Getter, right: Getter) -> Getter:
    def test(row: Row) -> bool | None:
        first = left(row)
        if first is not None and not first:
            return False
        second = right(row)
        if second is not None and not second:
            return False
        return None if first is None or second is None else True

    return test


def _either(left: Getter, right: Getter) -> Getter:
    def test(row: Row) -> bool | None:
        first = left(row)
        if first:
            return True
        second = right(row)
        if second:
            return True
        return None if first is None or second is None else False

    return test


_OF_TEXT: dict[str, t.Callable[[str], t.Any]] = {
    "lower": str.lower,
    "upper": str.upper,
    "length": len,
    "trim": str.strip,
    "crc32": lambda text: zlib.crc32(text.encode()),
    # Any good hash will do: both clusters use this one.
    "murmur_hash3_32": lambda text: zlib.crc32(b"murmur" + text.encode()) - (1 << 31),
    "xx_hash3_64": lambda text: zlib.crc32(b"xx" + text.encode()),
}


def _scalar(name: str, arguments: list[Getter]) -> Getter:
    first = arguments[0]
    if name in _OF_TEXT:
        change = _OF_TEXT[name]
        return lambda row: None if first(row) is None else change(str(first(row)))
    if name == "to_base64":
        return lambda row: None if first(row) is None else sql_crypt.to_base64(first(row))
    if name == "aes_encrypt" and len(arguments) == 2:
        return lambda row: sql_crypt.aes_encrypt(str(first(row)), str(arguments[1](row)))
    if name == "char":
        return lambda row: chr(int(first(row)))
    if name in ("ifnull", "coalesce"):
        return lambda row: next((v for v in (a(row) for a in arguments) if v is not None), None)
    if name == "concat":
        return lambda row: None if any(a(row) is None for a in arguments) else "".join(str(a(row)) for a in arguments)
    if name == "concat_ws":
        return lambda row: str(first(row)).join(str(v) for v in (a(row) for a in arguments[1:]) if v is not None)
    if name == "if" and len(arguments) == 3:
        return lambda row: arguments[1](row) if first(row) else arguments[2](row)
    raise analyzing_error("No matching function with signature: %s(...)" % name)
