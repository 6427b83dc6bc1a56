# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements by their first words: which handler answers, on which frontend, and whether something changes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.mysql_packets import Column, ResultSet
from lab.starrocks.accounts import Rights
from lab.starrocks.errors import SqlError
from lab.starrocks.sql_tokens import Cursor, Token, split

if t.TYPE_CHECKING:
    from lab.starrocks.frontend import FrontendServer

LONGEST = 5
READS = ("SELECT", "SHOW", "DESC", "DESCRIBE", "SET", "USE", "EXPLAIN", "WITH", "BEGIN", "COMMIT", "ROLLBACK", "HELP")


@dataclass
class Context:
    """What a session keeps: current database, session variables, rights."""

    rights: Rights
    database: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    connection_id: int = 0


@dataclass
class Call:
    """One statement on its way: ``connected`` is the frontend that received it, ``frontend`` the one that runs it."""

    cursor: Cursor
    context: Context
    connected: FrontendServer
    frontend: FrontendServer

    @property
    def rights(self) -> Rights:
        """What the user may do."""
        return self.context.rights


Handler = t.Callable[[Call], t.Awaitable[ResultSet]]


@dataclass(frozen=True)
class Statement:
    """``forwarded``: a follower sends it to the leader. ``mutating``: it asks for a change of the cluster."""

    words: tuple[str, ...]
    run: Handler
    mutating: bool = False
    forwarded: bool = False


class StatementSet(t.Protocol):
    """A group of statements."""

    def statements(self) -> t.Iterable[Statement]:
        """Those that the cluster's version has."""


class Dispatcher:
    """Finds the statement with the longest run of first words."""

    def __init__(self, groups: t.Iterable[StatementSet]) -> None:
        self._known = {s.words: s for group in groups for s in group.statements()}
        self._beginnings = {words[:count] for words in self._known for count in range(1, len(words) + 1)}

    def find(self, tokens: t.Sequence[Token], text: str) -> tuple[Statement, Cursor]:
        """The statement and a cursor behind its first words; the parser's refusal when there is none."""
        cursor = Cursor(text, tokens)
        words = cursor.upcoming(LONGEST)
        for count in range(len(words), 0, -1):
            found = self._known.get(words[:count])
            if found is not None:
                cursor.skip(count)
                return found, cursor
        # The first word that no statement has at this place is the parser's complaint.
        cursor.skip(next(n for n in range(len(words), -1, -1) if not n or words[:n] in self._beginnings))
        raise cursor.error()

    def mutating(self, text: str) -> bool:
        """Whether a text asks for a change; what cannot be read counts by its first word."""
        try:
            return any(self._mutating(tokens, text) for tokens in split(text))
        except SqlError:
            return not text.strip().upper().startswith(READS)

    def _mutating(self, tokens: t.Sequence[Token], text: str) -> bool:
        if [token.value.upper() for token in tokens[-3:]] == ["DEFAULT", "STORAGE", "VOLUME"]:
            return True
        try:
            return self.find(tokens, text)[0].mutating
        except SqlError:
            return tokens[0].value.upper() not in READS


def table(names: t.Sequence[str], rows: t.Iterable[t.Sequence[t.Any]]) -> ResultSet:
    """A result as SHOW gives it: everything is VARCHAR."""
    return ResultSet([Column(name) for name in names], [tuple(row) for row in rows])


def records(names: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> ResultSet:
    """A SHOW result of rows by column name; what a row lacks is empty."""
    return table(names, ([row.get(name, "") for name in names] for row in rows))


def flag(value: bool) -> str:
    """true or false"""
    return "true" if value else "false"
