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
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
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
REMOTE_TABLES = "remote_tables"
REPLICA_COUNT = "remote_replica_count"
PROXIES = "metaproxies"
META_ADDRS = "target_meta_addrs"
_NAME = re.compile(r"[A-Za-z0-9_.:]+", re.ASCII)
"""What the shell and the admin tools let through; the meta server itself takes anything."""


@dataclasses.dataclass(frozen=True)
class PreflightRequest:
    """The options. Empty cluster names: as the clusters say. ``place`` None: without MetaProxy."""

    connection: Connection
    tables: tuple[TableRequest, ...]
    cluster_name: str
    remote_cluster: str
    place: ZooKeeperPlace | None
    metaproxies: tuple[str, ...]
    meta_addrs: tuple[str, ...]
    """What MetaProxies are to use."""
    journaled: bool = False
    """Whether there is a journal that tells what is ours."""

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
            "remote_cluster": {"type": "str"},
            REMOTE_TABLES: {"type": "raw"},
            REPLICA_COUNT: {"type": "int"},
            PROXIES: {"type": "raw"},
            META_ADDRS: {"type": "raw"},
            "fail_on_blocker": {"type": "bool", "default": True},
        }
    )
    return spec.merge(connection_argument_spec(target=True)).merge(zookeeper_argument_spec())


class _Reader:
    """Reads every option and remembers every problem."""

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._problems = OptionProblems()

    def _tables(self) -> tuple[TableRequest, ...]:
        return read_tables(*(self._params.get(name) for name in (TABLES, REMOTE_TABLES, REPLICA_COUNT)))

    def request(self) -> PreflightRequest:
        connection = self._problems.attempt(lambda: Connection.from_params(self._params))
        tables = self._problems.attempt(self._tables)
        proxies = self._problems.attempt(lambda: parse_addresses(self._params.get(PROXIES), PROXIES))
        meta_addrs = self._problems.attempt(lambda: parse_addresses(self._params.get(META_ADDRS), META_ADDRS))
        place: ZooKeeperPlace | None = None
        if any(self._params.get(name) for name in (HOSTS, ROOT, PROXIES)):
            place = self._problems.attempt(lambda: read_place(self._params))
        if connection is None or tables is None or proxies is None or self._problems.found:
            raise self._problems.error()
        return PreflightRequest(
            connection=connection,
            tables=tables,
            cluster_name=str(self._params.get("cluster_name") or "").strip(),
            remote_cluster=str(self._params.get("remote_cluster") or "").strip(),
            place=place,
            metaproxies=proxies,
            meta_addrs=meta_addrs or connection.target_meta_servers,
            journaled=bool(self._params.get("journal")),
        )


def read_tables(
    value: t.Any, remote_tables: t.Any = None, remote_replica_count: t.Any = None
) -> tuple[TableRequest, ...]:
    """The tables by name, each with its name and number of copies on the target; every problem is told at once."""
    problems: list[InvalidOption] = []
    names = [_name(item, f"{TABLES}[{index}]", problems) for index, item in enumerate(as_list(value, TABLES))]
    if not names:
        problems.append(InvalidOption(TABLES, "no table is given", "Name the tables to be moved"))
    problems.extend(_twice(names, TABLES, "Name every table once"))
    remote = {
        name: _name(item, f"{REMOTE_TABLES}.{name}", problems)
        for name, item in as_mapping(remote_tables, REMOTE_TABLES).items()
    }
    strangers = sorted(set(remote) - set(names))
    if strangers:
        problems.append(
            InvalidOption(
                REMOTE_TABLES,
                f"{', '.join(strangers)} is not in {TABLES}",
                "Give the name on the source on the left, and the one on the target on the right",
            )
        )
    count = 0
    if remote_replica_count not in (None, ""):
        try:
            count = as_int(remote_replica_count, REPLICA_COUNT, 1, 15)
        except InvalidOption as problem:
            problems.append(problem)
    found = tuple(TableRequest(name, remote.get(name, name), count) for name in names)
    if len(set(names)) == len(names):
        problems.extend(
            _twice([one.remote_app_name for one in found], REMOTE_TABLES, "Two tables cannot go into one table")
        )
    raise_problems(problems)
    return found


def _twice(names: t.Iterable[str], option: str, fix: str) -> list[InvalidOption]:
    counted = sorted(collections.Counter(name for name in names if name).items())
    return [InvalidOption(option, f"{name} is given twice", fix) for name, count in counted if count > 1]


def _name(value: t.Any, option: str, problems: list[InvalidOption]) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _NAME.fullmatch(text):
        shown = "no name is given" if value in (None, "") else f"{value!r} is not a table name"
        fix = "A name is made of letters, digits and the characters _ . :"
        if isinstance(value, (int, float)):
            # YAML makes 202411 of 2024_11, also where AWX wrote it as text (ansible-core 2.19 and newer).
            shown, fix = f"{value!r} is a number and not text", 'Give it as JSON text, such as ["2024_11"]'
        problems.append(InvalidOption(option, shown, fix))
    return text
