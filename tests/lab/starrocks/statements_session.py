# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What concerns a session: SET, SET ROLE, USE, variables, SELECT without a table."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks.accounts import SYSTEM
from lab.starrocks.errors import SqlError, unknown_database
from lab.starrocks.sql_expr import like
from lab.starrocks.statements import Call, Statement, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements_volumes import VolumeStatements


def variable_defaults(front: Front) -> dict[str, str]:
    """The variables that matter; all else that is asked for is unknown."""
    found = {
        "autocommit": "true",
        "character_set_server": "utf8",
        "enable_filter_unused_columns_in_scan_stage": "true",
        "forward_to_leader": "false",
        "interactive_timeout": "3600",
        "lower_case_table_names": "0",
        "max_allowed_packet": "33554432",
        "query_timeout": "300",
        "sql_mode": "32",
        "time_zone": "UTC",
        "tx_isolation": "REPEATABLE-READ",
        "version": front.profile.facade,
        "version_comment": front.version_comment,
        "wait_timeout": "28800",
    }
    if front.profile.shared_data and front.profile.since("3.3"):
        found["warehouse"] = "default_warehouse"
    return found


class SessionStatements:
    """Handled by the connected frontend, but for SET GLOBAL, which the leader makes known to all."""

    def __init__(self, front: Front, volumes: VolumeStatements) -> None:
        self._front = front
        self._volumes = volumes

    def statements(self) -> t.Iterable[Statement]:
        """All of them."""
        yield Statement(("SET",), self._set)
        yield Statement(("SET", "GLOBAL"), self._set_global, mutating=True, forwarded=True)
        if self._front.profile.roles:
            yield Statement(("SET", "ROLE"), self._set_role)
        yield Statement(("USE",), self._use)
        for words in (("SHOW", "VARIABLES"), ("SHOW", "SESSION", "VARIABLES")):
            yield Statement(words, self._show_session)
        yield Statement(("SHOW", "GLOBAL", "VARIABLES"), self._show_global)
        for words in (("SHOW", "WARNINGS"), ("SHOW", "COLLATION")):
            yield Statement(words, self._nothing)
        yield Statement(("SHOW", "PROCESSLIST"), self._processes)
        yield Statement(("SHOW", "FULL", "PROCESSLIST"), self._processes)

    async def _set(self, call: Call) -> ResultSet:
        cursor = call.cursor
        if self._is_default_volume(call):
            return await self._set_default_volume(call)
        if cursor.words("SESSION") or cursor.words("LOCAL"):
            pass
        elif cursor.upcoming(1) and cursor.upcoming(1)[0] in ("NAMES", "CHARACTER", "CHARSET", "TRANSACTION"):
            cursor.rest()
            return ResultSet()
        while True:
            self._assign(call, call.context.variables)
            if not cursor.symbol(","):
                cursor.end()
                return ResultSet()

    @staticmethod
    def _is_default_volume(call: Call) -> bool:
        """SET name AS DEFAULT STORAGE VOLUME: told from SET name = value by the second word."""
        ahead = [token.value.upper() for token in call.cursor.ahead()]
        return ahead[1:5] == ["AS", "DEFAULT", "STORAGE", "VOLUME"]

    async def _set_default_volume(self, call: Call) -> ResultSet:
        if not self._front.profile.storage_volumes:
            raise call.cursor.error()
        self._front.forward(call.connected)
        name = call.cursor.name_or_text()
        call.cursor.skip(4)
        call.cursor.end()
        self._volumes.set_default(call, name)
        return ResultSet()

    def _assign(self, call: Call, into: dict[str, str]) -> None:
        cursor = call.cursor
        name = cursor.name().lower().removeprefix("@@").removeprefix("session.").removeprefix("global.")
        if not cursor.symbol(":="):
            cursor.expect_symbol("=")
        if name not in self._front.variables:
            raise SqlError("Unknown system variable '%s'" % name, 1193, "HY000")
        cursor.symbol("-")
        into[name] = cursor.take().value

    async def _set_global(self, call: Call) -> ResultSet:
        call.rights.demand("OPERATE", SYSTEM)
        self._assign(call, self._front.cluster.globals)
        call.cursor.end()
        return ResultSet()

    async def _set_role(self, call: Call) -> ResultSet:
        cursor, rights = call.cursor, call.rights
        if cursor.words("ALL"):
            rights.active = set(rights.account.roles)
        elif cursor.words("DEFAULT"):
            rights.active = set(rights.account.default_roles)
        elif cursor.words("NONE"):
            rights.active = set()
        else:
            names = {cursor.name_or_text()}
            while cursor.symbol(","):
                names.add(cursor.name_or_text())
            for name in sorted(names - rights.account.roles):
                raise SqlError("Getting analyzing error. Detail message: Role %s is not granted." % name)
            rights.active = names
        cursor.end()
        return ResultSet()

    async def _use(self, call: Call) -> ResultSet:
        name = call.cursor.path()[-1]
        call.cursor.end()
        if not self._front.has_database(name):
            raise unknown_database(self._front.profile, name)
        call.context.database = name
        return ResultSet()

    async def _show_session(self, call: Call) -> ResultSet:
        return self._show(call, {**self._front.variables, **call.context.variables})

    async def _show_global(self, call: Call) -> ResultSet:
        return self._show(call, self._front.variables)

    def _show(self, call: Call, values: t.Mapping[str, str]) -> ResultSet:
        cursor = call.cursor
        matches: t.Callable[[str], bool] = lambda text: True
        if cursor.words("LIKE"):
            matches = like(cursor.string(), ignore_case=True)
        elif cursor.words("WHERE"):
            cursor.expect_words("VARIABLE_NAME")
            cursor.expect_symbol("=")
            matches = like(cursor.string().replace("_", "\\_"), ignore_case=True)
        cursor.end()
        rows = [(name, values[name]) for name in sorted(values) if matches(name)]
        return table(("Variable_name", "Value"), rows)

    async def _nothing(self, call: Call) -> ResultSet:
        call.cursor.rest()
        return table(("Level", "Code", "Message"), [])

    async def _processes(self, call: Call) -> ResultSet:
        names = ("Id", "User", "Host", "Db", "Command", "ConnectionStartTime", "Time", "State", "Info", "IsPending")
        now = self._front.stamp(self._front.clock.now())
        row = (
            1,
            call.rights.name,
            "127.0.0.1:1",
            call.context.database,
            "Query",
            now,
            0,
            "OK",
            call.cursor.text,
            "false",
        )
        return table(names, [row])
