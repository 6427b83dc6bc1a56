# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A parser for the SELECT statements that a careful client sends: joins, conditions, grouping, order, limit."""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass, field

Node = t.Tuple[t.Any, ...]
"""("lit", v) ("col", qualifier, name) ("fn", name, args) ("op", op, a, b) ("not", a) ("neg", a) ("null", a, negated)
("in", a, items, negated) ("like", a, b, negated) ("var", name) ("star", qualifier) ("cast", a, type)"""

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/
    |(?P<number>\d+\.\d+|\d+)
    |(?P<string>'(?:[^'\\]|''|\\.)*')
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    |(?P<var>@@[\w.]+)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<op><=|>=|<>|!=|<<|>>|\|\||::|[-+*/%(),.=<>&|;])""",
    re.X | re.S,
)
_COMPARE = {"=": "=", "<>": "!=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_RESERVED = frozenset(
    ["from", "where", "group", "order", "limit", "offset", "on", "join", "left", "inner", "right", "and", "or", "not"]
    + ["in", "like", "is", "as", "asc", "desc", "union", "having"]
)


class SqlSyntaxError(ValueError):
    """The statement is not understood."""


@dataclass(frozen=True)
class Source:
    """One table of FROM; ``on`` joins it to those before."""

    name: tuple[str, ...]
    alias: str
    join: str = ""
    on: Node | None = None


@dataclass
class Select:
    """A parsed SELECT; ``items`` are (expression, alias or None)."""

    items: list[tuple[Node, str | None]]
    distinct: bool = False
    sources: list[Source] = field(default_factory=list)
    where: Node | None = None
    group: list[Node] = field(default_factory=list)
    order: list[tuple[Node, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


@functools.lru_cache(maxsize=1024)
def tokenize(text: str) -> tuple[tuple[str, str], ...]:
    """(kind, text) pairs; strings and quoted names come without their quotes."""
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise SqlSyntaxError("unexpected character %r at position %d" % (text[at], at))
        at = found.end()
        kind, value = found.lastgroup, found.group()
        if kind == "string":
            tokens.append((kind, re.sub(r"\\(.)|''", lambda m: m.group(1) or "'", value[1:-1])))
        elif kind == "quoted":
            tokens.append((kind, value[1:-1].replace(value[0] * 2, value[0])))
        elif kind:
            tokens.append((kind, value))
    while tokens and tokens[-1] == ("op", ";"):
        tokens.pop()
    return tuple(tokens)


@functools.lru_cache(maxsize=256)
def parse_select(text: str) -> Select:
    """Parse one SELECT; raises SqlSyntaxError."""
    parser = _Parser(tokenize(text))
    parser.word("select", needed=True)
    select = parser.select()
    if parser.at < len(parser.tokens):
        raise SqlSyntaxError("unexpected %r" % parser.tokens[parser.at][1])
    return select


class _Parser:
    def __init__(self, tokens: tuple[tuple[str, str], ...]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("end", "")

    def word(self, *words: str, needed: bool = False) -> str:
        kind, text = self.peek()
        if kind == "word" and text.lower() in words:
            self.at += 1
            return text.lower()
        if needed:
            raise SqlSyntaxError("expected %s, found %r" % (" or ".join(words).upper(), text))
        return ""

    def op(self, *ops: str, needed: bool = False) -> str:
        kind, text = self.peek()
        if kind == "op" and text in ops:
            self.at += 1
            return text
        if needed:
            raise SqlSyntaxError("expected %s, found %r" % (" or ".join(ops), text))
        return ""

    def name(self) -> str:
        kind, text = self.peek()
        if kind not in ("word", "quoted"):
            raise SqlSyntaxError("expected a name, found %r" % text)
        self.at += 1
        return text if kind == "quoted" else text.lower()

    def list_of(self, item: t.Callable[[], t.Any]) -> list[t.Any]:
        found = [item()]
        while self.op(","):
            found.append(item())
        return found

    def select(self) -> Select:
        distinct = bool(self.word("distinct"))
        select = Select(self.list_of(self.item), distinct)
        if self.word("from"):
            select.sources.append(self.source())
            while True:
                join = self.word("left", "inner", "join")
                if not join:
                    break
                if join != "join":
                    self.word("outer")
                    self.word("join", needed=True)
                select.sources.append(self.source("left" if join == "left" else "inner"))
        if self.word("where"):
            select.where = self.expr()
        if self.word("group"):
            self.word("by", needed=True)
            select.group = self.list_of(self.expr)
        if self.word("order"):
            self.word("by", needed=True)
            select.order = self.list_of(self.ordering)
        if self.word("limit"):
            select.limit = int(self.peek()[1])
            self.at += 1
        if self.word("offset"):
            select.offset = int(self.peek()[1])
            self.at += 1
        return select

    def item(self) -> tuple[Node, str | None]:
        if self.op("*"):
            return ("star", ""), None
        if self.peek(1) == ("op", ".") and self.peek(2) == ("op", "*"):
            qualifier = self.name()
            self.at += 2
            return ("star", qualifier), None
        node = self.expr()
        return node, self.alias()

    def alias(self) -> str | None:
        if self.word("as"):
            return self.name()
        kind, text = self.peek()
        if kind == "quoted" or (kind == "word" and text.lower() not in _RESERVED):
            return self.name()
        return None

    def source(self, join: str = "") -> Source:
        parts = [self.name()]
        while self.op("."):
            parts.append(self.name())
        alias = self.alias() or parts[-1]
        on = None
        if join:
            self.word("on", needed=True)
            on = self.expr()
        return Source(tuple(parts), alias, join, on)

    def ordering(self) -> tuple[Node, bool]:
        node = self.expr()
        return node, self.word("asc", "desc") == "desc"

    def expr(self) -> Node:
        node = self.and_()
        while self.word("or"):
            node = ("op", "or", node, self.and_())
        return node

    def and_(self) -> Node:
        node = self.not_()
        while self.word("and"):
            node = ("op", "and", node, self.not_())
        return node

    def not_(self) -> Node:
        return ("not", self.not_()) if self.word("not") else self.comparison()

    def comparison(self) -> Node:
        node = self.sum()
        while True:
            op = self.op(*_COMPARE)
            if op:
                node = ("op", _COMPARE[op], node, self.sum())
            elif self.word("is"):
                negated = bool(self.word("not"))
                self.word("null", needed=True)
                node = ("null", node, negated)
            else:
                at = self.at
                negated = bool(self.word("not"))
                if self.word("in"):
                    self.op("(", needed=True)
                    items = self.list_of(self.expr)
                    self.op(")", needed=True)
                    node = ("in", node, tuple(items), negated)
                elif self.word("like"):
                    node = ("like", node, self.sum(), negated)
                else:
                    self.at = at
                    return node

    def sum(self) -> Node:
        node = self.unary()
        while True:
            op = self.op("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "||")
            if not op:
                return node
            node = ("op", op, node, self.unary())

    def unary(self) -> Node:
        if self.op("-"):
            return ("neg", self.unary())
        node = self.primary()
        while self.op("::"):
            node = ("cast", node, self.name())
        return node

    def primary(self) -> Node:
        kind, text = self.peek()
        self.at += 1
        if kind == "number":
            return ("lit", float(text) if "." in text else int(text))
        if kind == "string":
            return ("lit", text)
        if kind == "var":
            return ("var", text)
        if (kind, text) == ("op", "("):
            node = self.expr()
            self.op(")", needed=True)
            return node
        if kind == "word" and text.lower() in ("null", "true", "false"):
            return ("lit", {"null": None, "true": True, "false": False}[text.lower()])
        if kind not in ("word", "quoted") or (kind == "word" and text.lower() in _RESERVED):
            raise SqlSyntaxError("unexpected %r" % text)
        name = text if kind == "quoted" else text.lower()
        if self.op("("):
            return self.call(name)
        parts = [name]
        while self.op("."):
            parts.append(self.name())
        return ("col", parts[-2] if len(parts) > 1 else "", parts[-1])

    def call(self, name: str) -> Node:
        if name == "cast":
            node = self.expr()
            self.word("as", needed=True)
            node = ("cast", node, self.name())
            self.op(")", needed=True)
            return node
        args: tuple[Node, ...] = ()
        if self.op("*"):
            args = (("star", ""),)
        elif self.peek() != ("op", ")"):
            args = tuple(self.list_of(self.expr))
        self.op(")", needed=True)
        return ("fn", name, args)
