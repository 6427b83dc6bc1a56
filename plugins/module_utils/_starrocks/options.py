# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The connection options of one cluster, or of source and target, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address, parse_address
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TLS_LEVELS, TlsSettings, read_tls
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.address_map import (
    MappedHost,
    parse_mapped_host,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version

QUERY_PORT = 9030
TARGET = "target_"


@dataclasses.dataclass(frozen=True)
class Connection:
    """How to reach one cluster. Timeouts in seconds. ``prefix``: what stands before the names of its options.

    ``frontends`` are addresses that can be reached as they are; ``address_map`` is for those that the cluster itself
    tells, by host as its IP columns show it. ``all_roles``: whether a session turns on all that was granted.
    """

    frontends: t.Tuple[Address, ...]
    username: str
    password: str = dataclasses.field(repr=False)
    tls: TlsSettings
    address_map: t.Mapping[str, MappedHost]
    connect_timeout: float
    read_timeout: float
    assume_version: t.Optional[Version] = None
    prefix: str = ""
    all_roles: bool = True

    def reach(self, host: str, port: int) -> Address:
        """Where a node is reached that the cluster has on record as this host and port."""
        mapped = self.address_map.get(host)
        return Address(host, port) if mapped is None else mapped.address(port)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any], prefix: str = "") -> Connection:
        """The connection of a module's parameters.

        :raises InvalidOption: one option is wrong
        :raises InvalidInput: several are; all are told at once
        """
        problems = OptionProblems()
        connection = _Reader(params, prefix, problems).connection()
        problems.raise_all()
        return connection


def source_and_target(params: t.Mapping[str, t.Any]) -> t.Tuple[Connection, Connection]:
    """Both connections of a module that talks to two clusters; everything that is wrong with them at once.

    A frontend that stands on both sides is refused: a cluster cannot be migrated into itself.
    """
    problems = OptionProblems()
    source = _Reader(params, "", problems).connection()
    target = _Reader(params, TARGET, problems).connection()
    same = [str(address) for address in source.frontends if address in target.frontends]
    if same:
        problems.add(
            "target_frontends",
            f"{', '.join(same)} stands in frontends too",
            "Source and target must be two clusters; give the frontends of each",
        )
    problems.raise_all()
    return source, target


def connection_argument_spec(prefix: str = "") -> ArgumentSpec:
    """The options of one cluster, ``prefix`` before their names; documented in ``doc_fragments/_starrocks*.py``."""

    def option(kind: str, name: str, **more: t.Any) -> t.Dict[str, t.Any]:
        return {"type": kind, "fallback": (env_fallback, [f"STARROCKS_{prefix}{name}".upper()]), **more}

    return ArgumentSpec(
        {
            f"{prefix}frontends": option("raw", "frontends"),
            f"{prefix}username": option("str", "username", default="root"),
            f"{prefix}password": option("str", "password", no_log=True),
            f"{prefix}tls": option("str", "tls", choices=list(TLS_LEVELS), default="disable"),
            f"{prefix}ca_cert": option("path", "ca_cert"),
            f"{prefix}client_cert": option("path", "client_cert"),
            f"{prefix}client_key": option("path", "client_key", no_log=False),
            f"{prefix}address_map": option("raw", "address_map"),
            f"{prefix}assume_version": option("str", "assume_version"),
            f"{prefix}connect_timeout": {"type": "str", "default": "5s"},
            f"{prefix}read_timeout": {"type": "str", "default": "60s"},
        }
    )


class _Reader:
    """Reads every option of one side and remembers every problem."""

    def __init__(self, params: t.Mapping[str, t.Any], prefix: str, problems: OptionProblems) -> None:
        self._params = params
        self._prefix = prefix
        self._problems = problems

    def connection(self) -> Connection:
        tls, wrong = read_tls(self._params, self._prefix)
        self._problems.found += wrong
        return Connection(
            frontends=self._frontends(),
            username=str(self._value("username") or "root"),
            password=str(self._value("password") or ""),
            tls=tls,
            address_map=self._address_map(),
            connect_timeout=self._seconds("connect_timeout"),
            read_timeout=self._seconds("read_timeout"),
            assume_version=self._assume_version(),
            prefix=self._prefix,
        )

    def _value(self, name: str) -> t.Any:
        return self._params.get(self._prefix + name)

    def _frontends(self) -> t.Tuple[Address, ...]:
        name = self._prefix + "frontends"
        none: t.List[t.Any] = []
        known = len(self._problems.found)
        found = []
        for item in self._problems.attempt(lambda: as_list(self._value("frontends"), name), none):
            address = self._problems.attempt(functools.partial(parse_address, item, name, QUERY_PORT))
            if address is not None and address not in found:
                found.append(address)
        if not found and len(self._problems.found) == known:
            fix = f"Give the frontends of the cluster, such as fe-0.example.com:{QUERY_PORT}"
            self._problems.add(name, "there is none", f"{fix} (or set STARROCKS_{name.upper()})")
        return tuple(found)

    def _address_map(self) -> t.Dict[str, MappedHost]:
        name = self._prefix + "address_map"
        none: t.Dict[str, t.Any] = {}
        found: t.Dict[str, MappedHost] = {}
        for host, value in self._problems.attempt(lambda: as_mapping(self._value("address_map"), name), none).items():
            mapped = self._problems.attempt(functools.partial(parse_mapped_host, value, f"{name}[{host}]"))
            if mapped is not None:
                found[host] = mapped
        return found

    def _seconds(self, name: str) -> float:
        return self._problems.attempt(lambda: parse_duration(self._value(name), self._prefix + name, maximum=3600), 1.0)

    def _assume_version(self) -> t.Optional[Version]:
        value = self._value("assume_version")
        if value is None or str(value).strip() == "":
            return None
        version = parse_version(str(value))
        if version is None:
            self._problems.add(
                f"{self._prefix}assume_version", f"{value!r} is no version", "Give three numbers, such as 3.3.14"
            )
        return version
