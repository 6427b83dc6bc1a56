# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Asking without failing: what a version does not know and what a user may not see is remembered, not raised."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_objects import KINDS, Kind
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import plain_database
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import Objects
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier

_OUT_OF_REACH = ("unreachable", "not_leader", "tls_not_offered", "tls_failed", "login_failed", "insecure_transport")
# How an old version says that it has never heard of a statement or a table.
_NOT_KNOWN = ("syntax", "unsupported_here", "unknown_table", "unknown_proc", "unknown_database")
DATABASES_AT_MOST = 20
"""Databases that are asked one by one unless everything is to be looked at."""


class Server(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


Reply = t.Tuple[t.Optional[Rows], str, bool]
"""The rows, or why there are none, and whether that is because the version has no such thing."""


class Asker:
    """Reads of one cluster. ``problems``: what could not be read, by the name of the question."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept: t.Dict[str, Reply] = {}
        self.problems: t.Dict[str, str] = {}

    def ask(self, name: str, sql: str) -> t.Optional[Rows]:
        """The rows, or None with the reason in ``problems``. Raises only when the cluster itself is out of reach."""
        rows, problem, _unknown = self.once(sql, name)
        if problem:
            self.problems[name] = problem
        return rows

    def ask_kind(self, sql: str, name: str) -> Reply:
        """As ``once``, and kept: for what is asked in more than one place, and is not long."""
        if sql not in self._kept:
            self._kept[sql] = self.once(sql, name)
        return self._kept[sql]

    def once(self, sql: str, name: str) -> Reply:
        """The rows or why there are none, and whether the version has no such thing."""
        try:
            return self._server.query(sql, f"look at {name}"), "", False
        except MigrationError as error:
            code = error.code.partition(".")[2]
            if code in _OUT_OF_REACH:
                raise
            text = error.server_text or ""
            unknown = code in _NOT_KNOWN or "No matching" in text or "not support" in text.lower()
            return None, f"{error.message} {text}".strip(), unknown


def read_objects(
    asker: Asker, databases: t.Sequence[str], takes: t.Callable[[str], bool], shared_data: bool, deep: bool
) -> t.Tuple[Objects, ...]:
    """Every kind of object. ``databases``: the selected ones; ``takes``: whether one is selected."""
    asked = databases if deep else databases[:DATABASES_AT_MOST]
    found: t.List[Objects] = []
    for kind in KINDS:
        if kind.lake_only and not shared_data:
            continue
        statements = [kind.query]
        if kind.database:
            statements = [kind.query.format(database=quote_identifier(name)) for name in asked]
        found.append(_objects(asker, kind, statements, takes))
    return tuple(found)


def _objects(asker: Asker, kind: Kind, statements: t.Sequence[str], takes: t.Callable[[str], bool]) -> Objects:
    names: t.List[str] = []
    for statement in statements:
        rows, problem, unknown = asker.ask_kind(statement, kind.name.replace("_", " ") + "s")
        if rows is None:
            return Objects(kind, tuple(sorted(names)), "" if unknown else problem, unknown)
        for record in rows.records():
            name = [str(record[column]) for column in kind.columns if record.get(column) not in (None, "")]
            if not name or not kind.keep(record):
                continue
            if kind.selected and not takes(plain_database(str(next(iter(record.values()))))):
                continue
            names.append(".".join(name if kind.selected else name[:1]))
    return Objects(kind, tuple(sorted(dict.fromkeys(names))))
