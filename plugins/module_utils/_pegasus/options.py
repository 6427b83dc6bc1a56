# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The connection options, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems

META_SERVERS = "meta_servers"
TARGET_META_SERVERS = "target_meta_servers"
ENVIRONMENT = {META_SERVERS: "PEGASUS_META_SERVERS", TARGET_META_SERVERS: "PEGASUS_TARGET_META_SERVERS"}

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?", re.ASCII)
_FIX = "Give host:port, such as meta-0.example.com:34601"


@dataclasses.dataclass(frozen=True)
class ConnectionSettings:
    """How long to wait, in seconds: for a connection to be made, and for a whole call (connecting included)."""

    connect_timeout: float = 3.0
    rpc_timeout: float = 10.0


@dataclasses.dataclass(frozen=True)
class Connection:
    """The meta servers of one cluster, or of source and target, each as ``host:port``."""

    meta_servers: tuple[str, ...]
    target_meta_servers: tuple[str, ...]
    """Empty for a module that talks to one cluster."""
    settings: ConnectionSettings

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Connection:
        """The connection of a module's parameters.

        :raises InvalidOption: one option is wrong
        :raises InvalidInput: several are; all are told at once
        """
        problems: list[InvalidOption] = []
        source = _meta_servers(params, META_SERVERS, problems)
        target: tuple[str, ...] = ()
        if TARGET_META_SERVERS in params:
            target = _meta_servers(params, TARGET_META_SERVERS, problems)
            both = [address for address in target if address in source]
            if both:
                problems.append(
                    InvalidOption(
                        TARGET_META_SERVERS,
                        f"{', '.join(both)} is also in {META_SERVERS}, so source and target are the same cluster",
                        "Give the meta servers of the cluster that the table moves to",
                    )
                )
        seconds = {name: _seconds(params, name, problems) for name in ("connect_timeout", "rpc_timeout")}
        raise_problems(problems)
        return cls(source, target, ConnectionSettings(**seconds))


def connection_argument_spec(*, target: bool = False) -> ArgumentSpec:
    """The options that every module of this engine takes; ``doc_fragments/_pegasus.py`` documents them.

    With ``target``, those of a module that talks to the source and to the target cluster.
    """
    options: dict[str, dict[str, t.Any]] = {
        META_SERVERS: {"type": "raw", "fallback": (env_fallback, [ENVIRONMENT[META_SERVERS]])},
        "connect_timeout": {"type": "str", "default": "3s"},
        "rpc_timeout": {"type": "str", "default": "10s"},
    }
    if target:
        options[TARGET_META_SERVERS] = {
            "type": "raw",
            "fallback": (env_fallback, [ENVIRONMENT[TARGET_META_SERVERS]]),
        }
    return ArgumentSpec(options)


def parse_address(value: t.Any, option: str) -> str:
    """``host:port`` with a lower-case host. Pegasus knows names and IPv4 addresses only, and no default port."""
    text = value.strip() if isinstance(value, str) else ""
    if "/" in text or "@" in text:
        raise InvalidOption(option, f"{value!r} is a URL and not an address", _FIX)
    if text.count(":") > 1:
        raise InvalidOption(option, f"{value!r} looks like an IPv6 address, which Pegasus does not know", _FIX)
    host, colon, port = text.partition(":")
    if not _HOST.fullmatch(host):
        raise InvalidOption(option, f"{value!r} is not an address", _FIX)
    if not colon or not port:
        raise InvalidOption(option, f"{value!r} has no port", _FIX)
    return f"{host.lower()}:{as_int(port, option, 1, 65535)}"


def parse_addresses(value: t.Any, option: str) -> tuple[str, ...]:
    """A list of addresses in any form that AWX and templates deliver; empty if nothing is given.

    :raises InvalidOption: an address is wrong, or given twice
    :raises InvalidInput: several are; all are told at once
    """
    problems: list[InvalidOption] = []
    found = _addresses(value, option, problems)
    raise_problems(problems)
    return found


def _addresses(value: t.Any, option: str, problems: list[InvalidOption]) -> tuple[str, ...]:
    found: list[str] = []
    try:
        items = as_list(value, option)
    except InvalidOption as problem:
        problems.append(problem)
        return ()
    for item in items:
        try:
            address = parse_address(item, option)
        except InvalidOption as problem:
            problems.append(problem)
            continue
        if address in found:
            problems.append(InvalidOption(option, f"{address} is given twice", "Name every server once"))
        found.append(address)
    return tuple(found)


def _meta_servers(params: t.Mapping[str, t.Any], option: str, problems: list[InvalidOption]) -> tuple[str, ...]:
    before = len(problems)
    found = _addresses(params.get(option), option, problems)
    if not found and len(problems) == before:
        problems.append(
            InvalidOption(
                option,
                "no meta server is given",
                f"Set {option} (or {ENVIRONMENT[option]}) to the list of the cluster's meta servers as host:port",
            )
        )
    return found


def _seconds(params: t.Mapping[str, t.Any], name: str, problems: list[InvalidOption]) -> float:
    try:
        return parse_duration(params[name], name, maximum=3600)
    except InvalidOption as problem:
        problems.append(problem)
        return 1.0
