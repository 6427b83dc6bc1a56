# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Asking without failing: what a server refuses, or a user may not see, is remembered and not raised."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_objects import Kind, kinds_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import plain_database
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import Objects
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier

_OUT_OF_REACH = ("unreachable", "not_leader", "tls_not_offered", "tls_failed", "login_failed", "insecure_transport")
DATABASES_AT_MOST = 20
"""Databases that are asked one by one unless everything is to be looked at."""


class Server(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


Reply = t.Tuple[t.Optional[Rows], str]
"""The rows, or why there are none."""


class Asker:
    """Reads of one cluster. ``problems``: what could not be read, by the name of the question."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept: t.Dict[str, Reply] = {}
        self.problems: t.Dict[str, str] = {}

    def ask(self, name: str, sql: str) -> t.Optional[Rows]:
        """The rows, or None with the reason in ``problems``. Raises only when the cluster itself is out of reach."""
        rows, problem = self.once(sql, name)
        if problem:
            self.problems[name] = problem
        return rows

    def ask_kind(self, sql: str, name: str) -> Reply:
        """As ``once``, and kept: for what is asked in more than one place, and is not long."""
        if sql not in self._kept:
            self._kept[sql] = self.once(sql, name)
        return self._kept[sql]

    def once(self, sql: str, name: str) -> Reply:
        """The rows or why there are none."""
        try:
            return self._server.query(sql, f"look at {name}"), ""
        except MigrationError as error:
            code = error.code.partition(".")[2]
            if code in _OUT_OF_REACH:
                raise
            return None, f"{error.message} {error.server_text or ''}".strip()


def read_objects(
    asker: Asker, databases: t.Sequence[str], takes: t.Callable[[str], bool], profile: Profile
) -> t.Tuple[Objects, ...]:
    """Every kind of object that the version has. ``databases``: those to be asked; ``takes``: whether one is selected.

    What the version should know and does not is a problem like any other: nothing says then that there are none.
    """
    found: t.List[Objects] = []
    for kind in kinds_of(profile):
        statements = [kind.query]
        if kind.database:
            statements = [kind.query.format(database=quote_identifier(name)) for name in databases]
        found.append(_objects(asker, kind, statements, takes))
    return tuple(found)


def _objects(asker: Asker, kind: Kind, statements: t.Sequence[str], takes: t.Callable[[str], bool]) -> Objects:
    names: t.List[str] = []
    for statement in statements:
        rows, problem = asker.ask_kind(statement, kind.name.replace("_", " ") + "s")
        if rows is None:
            return Objects(kind, tuple(sorted(names)), problem)
        for record in rows.records():
            name = [str(record[column]) for column in kind.columns if record.get(column) not in (None, "")]
            if not name or not kind.keep(record):
                continue
            if kind.selected and not takes(plain_database(str(next(iter(record.values()))))):
                continue
            full = kind.selected or kind.joined
            names.append(".".join((plain_database(name[0]), *name[1:])) if full else name[0])
    return Objects(kind, tuple(sorted(dict.fromkeys(names))))
