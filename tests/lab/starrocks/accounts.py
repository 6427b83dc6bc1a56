# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles and grants of one cluster, and what a session may do (facts 8)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.starrocks.errors import SqlError, access_denied
from lab.starrocks.profiles import Profile

SYSTEM, TABLE, DATABASE, VOLUME, PIPE, USER = "SYSTEM", "TABLE", "DATABASE", "STORAGE VOLUME", "PIPE", "USER"
ALL = "ALL"
_OBJECTS = {
    TABLE: ("SELECT", "INSERT", "UPDATE", "DELETE", "ALTER", "DROP", "EXPORT"),
    DATABASE: ("CREATE TABLE", "ALTER", "DROP", "CREATE VIEW", "CREATE MATERIALIZED VIEW", "CREATE PIPE"),
    VOLUME: ("USAGE", "ALTER", "DROP"),
    PIPE: ("USAGE", "ALTER", "DROP"),
}


@dataclass(frozen=True)
class Grant:
    """One privilege on one kind of object; ``scope``: () for all of them, (db,) for all of a database, else a name."""

    privilege: str
    kind: str
    scope: tuple[str, ...] = ()

    def covers(self, privilege: str, kind: str, name: tuple[str, ...]) -> bool:
        """True when this grant allows the privilege ("" is any privilege) on that object."""
        if self.kind != kind or self.scope != name[: len(self.scope)]:
            return False
        return self.privilege == ALL or privilege in ("", self.privilege)


@dataclass
class Role:
    """A role and what it may do."""

    name: str
    grants: set[Grant] = field(default_factory=set)


@dataclass
class Account:
    """A user; ``default_roles`` are active at login, the others after SET ROLE."""

    name: str
    password: str = ""
    host: str = "%"
    grants: set[Grant] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    default_roles: set[str] = field(default_factory=set)

    @property
    def identity(self) -> str:
        """'user'@'host'"""
        return "'%s'@'%s'" % (self.name, self.host)


def _built_in_roles() -> dict[str, Role]:
    everything = {Grant(privilege, kind) for kind, privileges in _OBJECTS.items() for privilege in privileges}
    admin = {Grant("OPERATE", SYSTEM), Grant("CREATE STORAGE VOLUME", SYSTEM), Grant("CREATE DATABASE", "CATALOG")}
    roles = [
        Role("root"),
        Role("db_admin", everything | admin),
        Role("cluster_admin", {Grant("NODE", SYSTEM)}),
        Role("user_admin", {Grant("GRANT", SYSTEM)}),
        Role("public"),
    ]
    return {role.name: role for role in roles}


class Accounts:
    """All users and roles of a cluster. Changes hold for open sessions too."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.roles = _built_in_roles()
        self.users: dict[str, Account] = {"root": Account("root", roles={"root"}, default_roles={"root"})}

    def user(self, name: str) -> Account:
        """A user; SqlError for an unknown one."""
        if name not in self.users:
            raise SqlError("Getting analyzing error. Detail message: cannot find user '%s'@'%%'!." % name)
        return self.users[name]

    def role(self, name: str) -> Role:
        """A role; SqlError for an unknown one."""
        if name not in self.roles:
            raise SqlError("Getting analyzing error. Detail message: cannot find role %s!." % name)
        return self.roles[name]


class Rights:
    """What one session may do now; ``active`` roles change with SET ROLE."""

    def __init__(self, accounts: Accounts, name: str) -> None:
        self._accounts = accounts
        self.name = name
        self.active = set(self.account.default_roles)

    @property
    def account(self) -> Account:
        """The session's user."""
        return self._accounts.users.get(self.name) or Account(self.name)

    @property
    def all_powerful(self) -> bool:
        """True for root."""
        return "root" in self.active

    def _grants(self) -> t.Iterator[Grant]:
        yield from self.account.grants
        for name in self.active | {"public"}:
            yield from self._accounts.roles[name].grants if name in self._accounts.roles else ()

    def may(self, privilege: str, kind: str, *name: str) -> bool:
        """True when allowed; the privilege "" asks for any privilege on the object."""
        return self.all_powerful or any(grant.covers(privilege, kind, name) for grant in self._grants())

    def sees(self, database: str) -> t.Callable[[str], bool]:
        """Whether tables of a database are visible: any privilege on them makes them so."""
        if self.may("", TABLE, database):
            return lambda table: True
        names = {g.scope[1] for g in self._grants() if g.kind == TABLE and g.scope[:1] == (database,) and g.scope[1:]}
        return names.__contains__

    def demand(self, privilege: str, kind: str, *name: str) -> None:
        """Raise the version's refusal unless allowed."""
        if not self.may(privilege, kind, *name):
            raise self.denied(privilege, kind, *name)

    def demand_any(self, kind: str, *privileges: str) -> None:
        """At least one of several privileges on the system is needed."""
        if not any(self.may(privilege, kind) for privilege in privileges):
            raise self.denied(" OR ".join(privileges), kind)

    def denied(self, privilege: str, kind: str, *name: str) -> SqlError:
        """The version's refusal."""
        thing = kind if kind == SYSTEM else "%s %s" % (kind, ".".join(name[-1:]))
        inactive = self.account.roles - self.active
        return access_denied(self._accounts.profile, privilege or "ANY", thing, self.active, inactive)
