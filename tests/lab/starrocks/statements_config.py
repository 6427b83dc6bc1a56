# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ADMIN SHOW and ADMIN SET FRONTEND CONFIG (facts 1)."""

from __future__ import annotations

import re
import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks.accounts import SYSTEM
from lab.starrocks.configs import Item
from lab.starrocks.errors import SqlError
from lab.starrocks.frontend import FrontendServer
from lab.starrocks.sql_expr import like_config
from lab.starrocks.statements import Call, Statement, flag, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

COLUMNS = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
UNREACHABLE = "java.net.ConnectException: Connection refused (Connection refused)"


class ConfigStatements:
    """SHOW is the connected frontend's own memory, always; who runs SET depends on the version."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def statements(self) -> t.Iterable[Statement]:
        """Both."""
        yield Statement(("ADMIN", "SHOW"), self._show)
        yield Statement(("ADMIN", "SET"), self._set, True, self._front.profile.set_config_on_leader)

    async def _show(self, call: Call) -> ResultSet:
        cursor = call.cursor
        self._only_frontends(call, "show")
        matches: t.Callable[[str], bool] = lambda text: True
        if cursor.words("LIKE"):
            matches = like_config(cursor.string())
        cursor.end()
        call.rights.demand("OPERATE", SYSTEM)
        config = call.connected.record.config
        return table(
            COLUMNS,
            [
                (item.key, "[%s]" % ", ".join(item.aliases), config[item.key], item.type, flag(item.mutable), "")
                for item in call.connected.catalogue.items
                if any(matches(name) for name in item.names())
            ],
        )

    @staticmethod
    def _only_frontends(call: Call, verb: str) -> None:
        word = call.cursor.name().upper()
        call.cursor.expect_words("CONFIG")
        if word != "FRONTEND":
            raise SqlError("Only support %s Frontend configs now" % ("setting" if verb == "set" else "showing"))

    async def _set(self, call: Call) -> ResultSet:
        cursor = call.cursor
        self._only_frontends(call, "set")
        pairs = cursor.pairs()
        if len(pairs) != 1:
            raise cursor.error()
        persistent = self._front.profile.with_persistent and cursor.words("WITH", "PERSISTENT")
        cursor.end()
        call.rights.demand("OPERATE", SYSTEM)
        [(key, value)] = pairs.items()
        self.set(call.frontend, key, value, call.rights.name if persistent else "")
        return ResultSet()

    def set(self, frontend: FrontendServer, key: str, value: str, persist_as: str = "") -> None:
        """Set a config item on the frontend that runs the statement, then on every other one (facts 1.4)."""
        change(frontend, key, value, persist_as)
        failures = ""
        for other in self._front.frontends:
            if other.host == frontend.host:
                continue  # the server takes it for itself, be it another one on the same host
            if not other.record.alive or self._front.unreachable(other):
                failures += "set config for fe[%s] failed: %s" % (other.host, UNREACHABLE)
            else:
                try:
                    change(other, key, value, persist_as)
                except SqlError as error:
                    failures += "set config for fe[%s] failed: %s;" % (other.host, error)
            if self._front.profile.set_config_on_leader:
                failures += failures  # the server appends its buffer to itself
        if failures:
            errno, sqlstate, prefix = self._front.profile.set_config_failed
            raise SqlError(prefix + failures, errno, sqlstate)


def change(frontend: FrontendServer, key: str, value: str, persist_as: str = "") -> None:
    """Set one item in one frontend's memory; ``persist_as`` is the user who writes it into fe.conf too.

    Raises SqlError when the key is unknown or immutable, or the value no number.
    """
    item = frontend.catalogue.find(key)
    if persist_as:  # before the key is checked: an unknown one ends in fe.conf all the same
        _persist(frontend, key, value, item, persist_as)
    if item is None or not item.mutable:
        raise SqlError("Config '%s' does not exist or is not mutable" % key)
    try:
        frontend.record.config[item.key] = item.normalise(value)
    except ValueError as error:
        raise SqlError("Failed to set config '%s'. err: %s" % (key, error)) from None


def _persist(frontend: FrontendServer, key: str, value: str, item: Item | None, user: str) -> None:
    settings = frontend.front.settings
    if settings.container or settings.read_only_conf:
        raise SqlError("set persisted config failed, because current running mode is not persisted")
    stamp = frontend.front.clock.timestamp(frontend.front.clock.now()).strftime("%Y-%m-%d %H:%M:%S")
    lines = frontend.fe_conf.read_text(encoding="utf-8").splitlines()
    pattern = re.compile(r"%s\s*=.*" % re.escape(key))
    at = next((n for n, line in enumerate(lines) if pattern.fullmatch(line)), None)
    written = "%s = %s" % (key, value)
    if at is None:
        lines += ["# The user %s added %s=%s at %s" % (user, key, value, stamp), written]
    else:
        old = lines[at].partition("=")[2].strip()
        lines[at : at + 1] = ["# The user %s changed %s to %s at %s" % (user, old, value, stamp), written]
    frontend.fe_conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
