# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sys.grants_to_users, sys.grants_to_roles, sys.role_edges (facts 9)."""

from __future__ import annotations

import typing as t

from lab.starrocks import columns
from lab.starrocks.accounts import SYSTEM, Grant
from lab.starrocks.schema import constant, relation
from lab.starrocks.sql_expr import Getter
from lab.starrocks.sql_select import Relation

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements import Call
    from lab.starrocks.statements_select import Source

_GRANTS = columns.words("GRANTEE OBJECT_CATALOG OBJECT_DATABASE OBJECT_NAME OBJECT_TYPE PRIVILEGE_TYPE IS_GRANTABLE")
_EDGES = columns.words("FROM_ROLE TO_ROLE TO_USER")


class Grants:
    """Other users' grants need GRANT on the system."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def sources(self) -> t.Mapping[str, Source]:
        """They came with roles."""
        if not self._front.profile.since("3.1"):
            return {}
        return {
            "sys.grants_to_users": self._users,
            "sys.grants_to_roles": self._roles,
            "sys.role_edges": self._edges,
        }

    def _listing(self, name: str, grantees: t.Iterable[tuple[str, set[Grant]]]) -> Relation:
        rows = [(grantee, grant) for grantee, grants in grantees for grant in sorted(grants, key=str)]
        getters: dict[str, Getter] = {
            "GRANTEE": lambda row: row[0],
            "OBJECT_CATALOG": lambda row: None if row[1].kind == SYSTEM else "default_catalog",
            "OBJECT_DATABASE": lambda row: row[1].scope[0] if len(row[1].scope) > 1 else None,
            "OBJECT_NAME": lambda row: row[1].scope[-1] if row[1].scope else None,
            "OBJECT_TYPE": lambda row: row[1].kind,
            "PRIVILEGE_TYPE": lambda row: row[1].privilege,
            "IS_GRANTABLE": constant("NO"),
        }
        return relation(name, _GRANTS, getters, lambda equals: rows)

    def _users(self, call: Call) -> Relation:
        call.rights.demand("GRANT", SYSTEM)
        return self._listing("grants_to_users", [(a.identity, a.grants) for a in self._front.accounts.users.values()])

    def _roles(self, call: Call) -> Relation:
        call.rights.demand("GRANT", SYSTEM)
        return self._listing("grants_to_roles", [(r.name, r.grants) for r in self._front.accounts.roles.values()])

    def _edges(self, call: Call) -> Relation:
        call.rights.demand("GRANT", SYSTEM)
        rows = [(role, user.identity) for user in self._front.accounts.users.values() for role in sorted(user.roles)]
        getters: dict[str, Getter] = {
            "FROM_ROLE": lambda row: row[0],
            "TO_USER": lambda row: row[1],
            "TO_ROLE": constant(None),
        }
        return relation("role_edges", _EDGES, getters, lambda equals: rows)
