# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""StarRocks' SQL in tokens, and a cursor over them with which statements are read word by word."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from lab.starrocks.errors import SqlError, syntax_error

WORD, QUOTED, STRING, NUMBER, SYMBOL, END = "word", "quoted", "string", "number", "symbol", "end"
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*(?:\n|$)|\#[^\n]*(?:\n|$)|/\*(?!\+).*?\*/|/\*\+.*?\*/)
    |(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    |(?P<quoted>`(?:[^`]|``)*`)
    |(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w$]))
    |(?P<word>@@[\w.]+|[\w$]+)
    |(?P<symbol><=>|<>|!=|<=|>=|:=|\|\||&&|[-+*/%=<>(),.;@\[\]{}:!])
    """,
    re.X | re.S,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}

_RESERVED = """
    ADD ALL ALTER ANALYZE AND ARRAY AS ASC BETWEEN BIGINT BITMAP BOTH BY CASE CHAR CHARACTER CHECK COLLATE COLUMN
    COMPACTION CONVERT CREATE CROSS CUBE DATABASE DATABASES DECIMAL DEFAULT DEFERRED DELETE DESC DESCRIBE DISTINCT
    DOUBLE DROP DUAL ELSE EXCEPT EXISTS EXPLAIN FALSE FLOAT FOR FORCE FROM FULL FUNCTION GRANT GROUP GROUPING GROUPS
    HAVING HLL IF IGNORE IMMEDIATE IN INDEX INFILE INNER INSERT INT INTEGER INTERSECT INTO IS JOIN JSON KEY KEYS
    KILL LARGEINT LATERAL LEFT LIKE LIMIT LOAD MAXVALUE MINUS MOD NOT NULL ON OR ORDER OUTER OUTFILE OVER PARTITION
    PERCENTILE PRIMARY PROCEDURE QUALIFY RANGE READ REGEXP RELEASE RENAME REPLACE REVOKE RIGHT RLIKE ROW ROWS SCHEMA
    SCHEMAS SELECT SET SHOW SMALLINT SYSTEM SWAP TABLE TERMINATED THEN TINYINT TO TRUE UNION UNIQUE UNSIGNED UPDATE
    USE USING VALUES VARCHAR WHEN WHERE WITH
"""
RESERVED = frozenset(_RESERVED.split())
"""Words of the grammar that are no identifiers unless they are quoted."""


@dataclass(frozen=True)
class Token:
    """``value`` is what the token means: a string without its quotes and escapes."""

    kind: str
    value: str
    at: int


def _unquote(text: str) -> str:
    quote, body = text[0], text[1:-1].replace(text[0] * 2, text[0])
    if quote == "`":
        return body
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1] if m[1] not in "%_" else "\\" + m[1]), body, flags=re.S)


def position(text: str, at: int) -> tuple[int, int]:
    """(line, column) as the server counts: lines from 1, columns from 0."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1)


def split(text: str) -> list[list[Token]]:
    """The statements of a text; SqlError where it is no SQL at all."""
    statements: list[list[Token]] = [[]]
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise syntax_error(*position(text, at), "Unexpected input '%s'" % text[at])
        kind, raw = str(found.lastgroup), found.group()
        if kind == SYMBOL and raw == ";":
            statements.append([])
        elif kind != "space":
            statements[-1].append(Token(kind, _unquote(raw) if kind in (STRING, QUOTED) else raw, at))
        at = found.end()
    return [tokens for tokens in statements if tokens]


class Cursor:
    """Reads one statement. Every ``expect_*`` raises the server's syntax error when something else comes."""

    def __init__(self, text: str, tokens: t.Sequence[Token]) -> None:
        self.text = text
        self._tokens = [*tokens, Token(END, "<EOF>", len(text))]
        self._at = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    def upcoming(self, count: int) -> tuple[str, ...]:
        """The next words in upper case, as many as there are up to ``count``."""
        words: list[str] = []
        for token in self._tokens[self._at : self._at + count]:
            if token.kind != WORD:
                break
            words.append(token.value.upper())
        return tuple(words)

    def ahead(self) -> t.Sequence[Token]:
        """All tokens from here on."""
        return self._tokens[self._at : -1]

    def is_call(self) -> bool:
        """True when the next token is followed by an opening parenthesis."""
        follower = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        return follower.kind == SYMBOL and follower.value == "("

    def skip(self, count: int) -> None:
        """Pass over tokens."""
        self._at += count

    def take(self) -> Token:
        """The next token, passed over."""
        token = self.token
        if token.kind != END:
            self._at += 1
        return token

    def error(self) -> SqlError:
        """The syntax error at the next token."""
        return syntax_error(*position(self.text, self.token.at), "Unexpected input '%s'" % self.token.value)

    def words(self, *words: str) -> bool:
        """Pass over these words if all of them come next."""
        if self.upcoming(len(words)) != words:
            return False
        self._at += len(words)
        return True

    def symbol(self, symbol: str) -> bool:
        """Pass over a symbol if it comes next."""
        if self.token.kind != SYMBOL or self.token.value != symbol:
            return False
        self._at += 1
        return True

    def expect_words(self, *words: str) -> None:
        """These words must come next."""
        for word in words:
            if not self.words(word):
                raise self.error()

    def expect_symbol(self, symbol: str) -> None:
        """This symbol must come next."""
        if not self.symbol(symbol):
            raise self.error()

    def name(self) -> str:
        """An identifier, quoted or not."""
        if self.token.kind not in (WORD, QUOTED):
            raise self.error()
        return self.take().value

    def identifier(self) -> str:
        """An identifier as an expression has it: a reserved word must be quoted."""
        if self.token.kind == WORD and self.token.value.upper() in RESERVED and not self.is_call():
            raise self.error()
        return self.name()

    def name_or_text(self) -> str:
        """An identifier or a string literal."""
        return self.take().value if self.token.kind == STRING else self.name()

    def string(self) -> str:
        """A string literal."""
        if self.token.kind != STRING:
            raise self.error()
        return self.take().value

    def integer(self) -> int:
        """A whole number."""
        if self.token.kind != NUMBER or not self.token.value.isdigit():
            raise self.error()
        return int(self.take().value)

    def path(self) -> list[str]:
        """name[.name...]"""
        names = [self.name()]
        while self.symbol("."):
            names.append(self.name())
        return names

    def pairs(self) -> dict[str, str]:
        """("k" = "v", ...), both of them string literals."""
        found: dict[str, str] = {}
        self.expect_symbol("(")
        while True:
            key = self.string()
            self.expect_symbol("=")
            found[key] = self.string()
            if not self.symbol(","):
                self.expect_symbol(")")
                return found

    def end(self) -> None:
        """Nothing may follow."""
        if self.token.kind != END:
            raise self.error()

    def rest(self) -> str:
        """The text from here on; passes over it."""
        text = self.text[self.token.at :]
        self._at = len(self._tokens) - 1
        return text
