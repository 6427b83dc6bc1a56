# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What preflight is asked to look at, checked as a whole before anything is contacted."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
    raise_problems,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    Connection,
    connection_argument_spec,
    parse_addresses,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import TableRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import (
    HOSTS,
    ROOT,
    ZooKeeperPlace,
    read_place,
    zookeeper_argument_spec,
)

TABLES = "tables"
PROXIES = "metaproxies"
_KEYS = ("name", "remote_app_name", "remote_replica_count")
_NAME = re.compile(r"[A-Za-z0-9_.:]+", re.ASCII)
"""What the shell and the admin tools let through; the meta server itself takes anything."""

Value = t.TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class PreflightRequest:
    """The options. Empty cluster names: as the clusters say. ``place`` None: without MetaProxy."""

    connection: Connection
    tables: tuple[TableRequest, ...]
    cluster_name: str
    target_cluster_name: str
    place: ZooKeeperPlace | None
    metaproxies: tuple[str, ...]

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> PreflightRequest:
        """The request of a module's parameters.

        :raises InvalidOption: one option is wrong
        :raises InvalidInput: several are; all are told at once
        """
        return _Reader(params).request()


def preflight_argument_spec() -> ArgumentSpec:
    """The options besides journal and acceptances."""
    spec = ArgumentSpec(
        {
            TABLES: {"type": "raw", "required": True},
            "cluster_name": {"type": "str"},
            "target_cluster_name": {"type": "str"},
            PROXIES: {"type": "raw"},
            "fail_on_blocker": {"type": "bool", "default": True},
        }
    )
    return spec.merge(connection_argument_spec(target=True)).merge(zookeeper_argument_spec())


class _Reader:
    """Reads every option and remembers every problem."""

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._problems: list[InvalidOption | str] = []

    def _try(self, call: t.Callable[[], Value]) -> Value | None:
        try:
            return call()
        except InvalidOption as problem:
            self._problems.append(problem)
        except InvalidInput as problem:
            self._problems.extend(problem.problems)
        return None

    def request(self) -> PreflightRequest:
        connection = self._try(lambda: Connection.from_params(self._params))
        tables = self._try(lambda: read_tables(self._params.get(TABLES)))
        proxies = self._try(lambda: parse_addresses(self._params.get(PROXIES), PROXIES))
        place: ZooKeeperPlace | None = None
        if any(self._params.get(name) for name in (HOSTS, ROOT, PROXIES)):
            place = self._try(lambda: read_place(self._params))
        if len(self._problems) == 1 and isinstance(self._problems[0], MigrationError):
            raise self._problems[0]
        if connection is None or tables is None or proxies is None or self._problems:
            raise InvalidInput(self._problems)
        return PreflightRequest(
            connection=connection,
            tables=tables,
            cluster_name=str(self._params.get("cluster_name") or "").strip(),
            target_cluster_name=str(self._params.get("target_cluster_name") or "").strip(),
            place=place,
            metaproxies=proxies,
        )


def read_tables(value: t.Any) -> tuple[TableRequest, ...]:
    """Names, or mappings of ``name``, ``remote_app_name``, ``remote_replica_count``; every problem is told at once."""
    problems: list[InvalidOption] = []
    found: list[TableRequest] = []
    items = as_list(value, TABLES)
    if not items:
        problems.append(InvalidOption(TABLES, "no table is given", "Name the tables to be moved"))
    for index, item in enumerate(items):
        table = _table(item, f"{TABLES}[{index}]", problems)
        if table is not None:
            found.append(table)
    names = collections.Counter(one.name for one in found)
    problems.extend(
        InvalidOption(TABLES, f"{name} is given twice", "Name every table once")
        for name, count in sorted(names.items())
        if count > 1
    )
    remotes: dict[str, list[str]] = {}
    for one in found:
        remotes.setdefault(one.remote_app_name, []).append(one.name)
    problems.extend(
        InvalidOption(
            TABLES, f"{' and '.join(sorted(set(sources)))} both go to {remote}", "Give each its own remote_app_name"
        )
        for remote, sources in sorted(remotes.items())
        if len(set(sources)) > 1
    )
    raise_problems(problems)
    return tuple(found)


def _table(item: t.Any, place: str, problems: list[InvalidOption]) -> TableRequest | None:
    before = len(problems)
    given = dict(item) if isinstance(item, t.Mapping) else {"name": item}
    problems.extend(
        InvalidOption(f"{place}.{key}", "unknown key", "Use " + ", ".join(_KEYS))
        for key in sorted(set(map(str, given)) - set(_KEYS))
    )
    name = _name(given.get("name"), f"{place}.name" if isinstance(item, t.Mapping) else place, problems)
    remote = given.get("remote_app_name")
    remote_name = name if remote in (None, "") else _name(remote, f"{place}.remote_app_name", problems)
    count = 0
    if given.get("remote_replica_count") not in (None, ""):
        try:
            count = as_int(given["remote_replica_count"], f"{place}.remote_replica_count", 1, 15)
        except InvalidOption as problem:
            problems.append(problem)
    return TableRequest(name, remote_name, count) if len(problems) == before else None


def _name(value: t.Any, option: str, problems: list[InvalidOption]) -> str:
    text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if not _NAME.fullmatch(text):
        shown = "no name is given" if value in (None, "") else f"{value!r} is not a table name"
        problems.append(InvalidOption(option, shown, "A name is made of letters, digits and the characters _ . :"))
    return text
