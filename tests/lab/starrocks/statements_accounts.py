# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles and grants as statements (facts 8). The parser takes what administrators write for these objects."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks.accounts import ALL, DATABASE, PIPE, SYSTEM, TABLE, VOLUME, Account, Grant, Role
from lab.starrocks.errors import analyzing_error
from lab.starrocks.sql_tokens import Cursor
from lab.starrocks.statements import Call, Statement, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

_OBJECTS = {
    ("SYSTEM",): SYSTEM,
    ("STORAGE", "VOLUME"): VOLUME,
    ("STORAGE", "VOLUMES"): VOLUME,
    ("DATABASE",): DATABASE,
    ("DATABASES",): DATABASE,
    ("TABLE",): TABLE,
    ("TABLES",): TABLE,
    ("PIPE",): PIPE,
    ("PIPES",): PIPE,
    ("CATALOG",): "CATALOG",
}


class AccountStatements:
    """They run on the leader; GRANT ON SYSTEM or user_admin is needed."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def statements(self) -> t.Iterable[Statement]:
        """Those that the version has."""
        changes: dict[tuple[str, ...], t.Callable[[Call], t.Awaitable[ResultSet]]] = {
            ("CREATE", "USER"): self._create_user,
            ("ALTER", "USER"): self._alter_user,
            ("DROP", "USER"): self._drop_user,
            ("CREATE", "ROLE"): self._create_role,
            ("DROP", "ROLE"): self._drop_role,
            ("GRANT",): self._grant,
            ("REVOKE",): self._revoke,
        }
        for words, run in changes.items():
            yield Statement(words, run, mutating=True, forwarded=True)
        if self._front.profile.roles:
            yield Statement(("SET", "DEFAULT", "ROLE"), self._set_default_role, mutating=True, forwarded=True)
        if self._front.profile.roles:
            yield Statement(("SHOW", "USERS"), self._users)
        yield Statement(("SHOW", "ALL", "AUTHENTICATION"), self._authentication)
        yield Statement(("SHOW", "ROLES"), self._roles)
        yield Statement(("SHOW", "GRANTS"), self._grants)

    # --- users ---

    @staticmethod
    def _identity(cursor: Cursor) -> str:
        """'user'[@'host'] -> user"""
        name = cursor.name_or_text()
        if cursor.symbol("@"):
            cursor.name_or_text()
        return name

    def _admin(self, call: Call) -> None:
        call.rights.demand("GRANT", SYSTEM)

    def _password(self, cursor: Cursor) -> str:
        cursor.expect_words("IDENTIFIED")
        if cursor.words("WITH"):
            cursor.name()
        cursor.expect_words("BY")
        return cursor.string()

    async def _create_user(self, call: Call) -> ResultSet:
        cursor = call.cursor
        if_not_exists = cursor.words("IF", "NOT", "EXISTS")
        name = self._identity(cursor)
        password = self._password(cursor) if cursor.upcoming(1) == ("IDENTIFIED",) else ""
        roles: set[str] = set()
        if cursor.words("DEFAULT", "ROLE"):
            roles = self._names(cursor)
        cursor.end()
        self._admin(call)
        users = self._front.accounts.users
        if name in users:
            if if_not_exists:
                return ResultSet()
            raise analyzing_error("Operation CREATE USER failed for '%s'@'%%' : user already exists" % name)
        for role in roles:
            self._front.accounts.role(role)
        users[name] = Account(name, password, roles=roles, default_roles=set(roles))
        return ResultSet()

    async def _alter_user(self, call: Call) -> ResultSet:
        call.cursor.words("IF", "EXISTS")
        name = self._identity(call.cursor)
        password = self._password(call.cursor)
        call.cursor.end()
        self._admin(call)
        self._front.accounts.user(name).password = password
        return ResultSet()

    async def _drop_user(self, call: Call) -> ResultSet:
        if_exists = call.cursor.words("IF", "EXISTS")
        name = self._identity(call.cursor)
        call.cursor.end()
        self._admin(call)
        if name not in self._front.accounts.users:
            if if_exists:
                return ResultSet()
            raise analyzing_error("Operation DROP USER failed for '%s'@'%%' : user not exists" % name)
        del self._front.accounts.users[name]
        return ResultSet()

    @staticmethod
    def _names(cursor: Cursor) -> set[str]:
        names = {cursor.name_or_text()}
        while cursor.symbol(","):
            names.add(cursor.name_or_text())
        return names

    # --- roles ---

    async def _create_role(self, call: Call) -> ResultSet:
        call.cursor.words("IF", "NOT", "EXISTS")
        names = self._names(call.cursor)
        call.cursor.end()
        self._admin(call)
        for name in names:
            self._front.accounts.roles.setdefault(name, Role(name))
        return ResultSet()

    async def _drop_role(self, call: Call) -> ResultSet:
        call.cursor.words("IF", "EXISTS")
        names = self._names(call.cursor)
        call.cursor.end()
        self._admin(call)
        for name in names:
            self._front.accounts.roles.pop(name, None)
        return ResultSet()

    async def _set_default_role(self, call: Call) -> ResultSet:
        cursor = call.cursor
        every, none = cursor.words("ALL"), cursor.words("NONE")
        names = set() if every or none else self._names(cursor)
        cursor.expect_words("TO")
        account = self._front.accounts.user(self._identity(cursor))
        cursor.end()
        if account.name != call.rights.name:
            self._admin(call)
        for name in sorted(names - account.roles):
            raise analyzing_error("Role %s is not granted to %s" % (name, account.identity))
        account.default_roles = set(account.roles) if every else names
        return ResultSet()

    # --- grants ---

    async def _grant(self, call: Call) -> ResultSet:
        return self._give(call, "TO", lambda grants, changed: grants.update(changed))

    async def _revoke(self, call: Call) -> ResultSet:
        return self._give(call, "FROM", lambda grants, changed: grants.difference_update(changed))

    def _give(self, call: Call, word: str, change: t.Callable[[set[Grant], set[Grant]], None]) -> ResultSet:
        cursor = call.cursor
        privileges = self._privileges(cursor)
        self._admin(call)
        if not cursor.words("ON"):
            cursor.expect_words(word)
            self._give_roles(cursor, privileges, word)
            return ResultSet()
        kind, scopes = self._object(cursor)
        cursor.expect_words(word)
        grants = {Grant(privilege, kind, scope) for privilege in privileges for scope in scopes}
        if cursor.words("ROLE"):
            holder = self._front.accounts.role(cursor.name_or_text()).grants
        else:
            cursor.words("USER")
            holder = self._front.accounts.user(self._identity(cursor)).grants
        cursor.words("WITH", "GRANT", "OPTION")
        cursor.end()
        change(holder, grants)
        return ResultSet()

    def _give_roles(self, cursor: Cursor, names: t.Sequence[str], word: str) -> None:
        cursor.words("USER")
        account = self._front.accounts.user(self._identity(cursor))
        cursor.end()
        roles = {self._front.accounts.role(name.lower()).name for name in names}
        if word == "TO":
            account.roles |= roles
        else:
            account.roles -= roles
            account.default_roles -= roles

    @staticmethod
    def _privileges(cursor: Cursor) -> list[str]:
        """Privileges of several words, or names of roles, up to ON, TO or FROM."""
        found: list[str] = []
        while True:
            words = [cursor.name_or_text().upper()]
            while cursor.upcoming(1) and cursor.upcoming(1)[0] not in ("ON", "TO", "FROM"):
                words.append(cursor.name().upper())
            text = " ".join(words)
            found.append(ALL if text in ("ALL", "ALL PRIVILEGES") else text)
            if not cursor.symbol(","):
                return found

    def _object(self, cursor: Cursor) -> tuple[str, list[tuple[str, ...]]]:
        """(kind, scopes)"""
        every = cursor.words("ALL")
        kind = ""
        for words, known in _OBJECTS.items():
            if cursor.words(*words):
                kind = known
                break
        if kind == SYSTEM:
            return SYSTEM, [()]
        if not kind and not every:
            kind = TABLE
        if every:
            if not kind:
                raise cursor.error()
            return kind, [self._everything(cursor)]
        scopes = [self._scope(cursor)]
        while cursor.symbol(","):
            scopes.append(self._scope(cursor))
        return kind, scopes

    @staticmethod
    def _everything(cursor: Cursor) -> tuple[str, ...]:
        """Behind ALL TABLES: IN ALL DATABASES, IN DATABASE d, or nothing."""
        if not cursor.words("IN"):
            return ()
        if cursor.words("ALL", "DATABASES"):
            return ()
        cursor.expect_words("DATABASE")
        return (cursor.name(),)

    @staticmethod
    def _scope(cursor: Cursor) -> tuple[str, ...]:
        """db.table, db.*, *.* or a name."""
        names: list[str] = []
        while True:
            if cursor.symbol("*"):
                names.append("*")
            else:
                names.append(cursor.name_or_text())
            if not cursor.symbol("."):
                return tuple(name for name in names if name != "*")

    # --- listings ---

    async def _users(self, call: Call) -> ResultSet:
        call.cursor.end()
        self._admin(call)
        return table(("User",), [(account.identity,) for account in self._front.accounts.users.values()])

    async def _authentication(self, call: Call) -> ResultSet:
        call.cursor.end()
        self._admin(call)
        names = ("UserIdentity", "Password", "AuthPlugin", "UserForAuthPlugin")
        users = self._front.accounts.users.values()
        return table(names, [(account.identity, "Yes", "MYSQL_NATIVE_PASSWORD", None) for account in users])

    async def _roles(self, call: Call) -> ResultSet:
        call.cursor.end()
        self._admin(call)
        built_in = ("root", "db_admin", "cluster_admin", "user_admin", "public")
        rows = [(name, "true" if name in built_in else "false", "NULL") for name in self._front.accounts.roles]
        return table(("Name", "Builtin", "Comment"), rows)

    async def _grants(self, call: Call) -> ResultSet:
        cursor = call.cursor
        account = call.rights.account
        if cursor.words("FOR"):
            account = self._front.accounts.user(self._identity(cursor))
        cursor.end()
        if account.name != call.rights.name:
            self._admin(call)
        rows = [
            (account.identity, "NULL" if grant.kind == SYSTEM else "default_catalog", _text(grant, account.identity))
            for grant in sorted(account.grants, key=str)
        ]
        if account.roles:
            names = ", ".join("'%s'" % name for name in sorted(account.roles))
            rows.insert(0, (account.identity, "NULL", "GRANT %s TO %s" % (names, account.identity)))
        return table(("UserIdentity", "Catalog", "Grants"), rows)


def _text(grant: Grant, identity: str) -> str:
    """A grant as SHOW GRANTS prints it."""
    if grant.kind == SYSTEM:
        target = SYSTEM
    elif not grant.scope:
        target = "ALL %sS" % grant.kind + (" IN ALL DATABASES" if grant.kind in (TABLE, PIPE) else "")
    elif grant.kind in (TABLE, PIPE) and len(grant.scope) == 1:
        target = "ALL %sS IN DATABASE %s" % (grant.kind, grant.scope[0])
    else:
        target = "%s %s" % (grant.kind, ".".join(grant.scope))
    return "GRANT %s ON %s TO USER %s" % (grant.privilege, target, identity)
