# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The sync tool's conf/hosts.properties, made of address maps and checked against the hosts that the clusters tell.

A line is ``<SOURCE/TARGET>_<host>=<value>``, ``host`` as the IP column of SHOW FRONTENDS, SHOW BACKENDS or SHOW COMPUTE
NODES shows it, letter by letter. The value is an address in older releases of the tool, and
``mappedHost[;srcPort:dstPort,...]`` since 2026; the comment in the shipped file tells which.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.address_map import (
    MappedHost,
    parse_mapped_host,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import Properties

SOURCE, TARGET = "SOURCE", "TARGET"
ADDRESS, MAPPED = "address", "mapped"
"""The two generations of the value's grammar."""


@dataclasses.dataclass(frozen=True)
class Side:
    """One cluster. ``hosts``: what its IP columns show; empty when nobody asked. ``option``: where its map is from."""

    name: str
    addresses: t.Mapping[str, MappedHost]
    hosts: t.Tuple[str, ...]
    option: str
    hosts_option: str


def read_side(params: t.Mapping[str, t.Any], name: str, problems: t.List[InvalidOption]) -> Side:
    """One cluster's map and hosts of a module's parameters; what is wrong is added to ``problems``."""
    prefix = "target_" if name == TARGET else ""
    option, hosts_option = f"{prefix}address_map", f"{name.lower()}_hosts"
    addresses: t.Dict[str, MappedHost] = {}
    hosts: t.List[str] = []
    try:
        for mapped, value in as_mapping(params.get(option), option).items():
            try:
                addresses[mapped] = parse_mapped_host(value, f"{option}[{mapped}]")
            except InvalidOption as problem:
                problems.append(problem)
        for item in as_list(params.get(hosts_option), hosts_option):
            host: t.Any = item.get("host") if isinstance(item, t.Mapping) else item
            if not isinstance(host, str) or not host.strip():
                fix = "Give hosts as SHOW FRONTENDS shows them, or what starrocks_info returns"
                problems.append(InvalidOption(hosts_option, f"{item!r} names no host", fix))
            elif host.strip() not in hosts:
                hosts.append(host.strip())
    except InvalidOption as problem:
        problems.append(problem)
    return Side(name, addresses, tuple(hosts), option, hosts_option)


def literal_problems(side: Side) -> t.List[InvalidOption]:
    """Each mapped host that the cluster does not have: the tool would never look it up, and reach nothing."""
    found = []
    for host in side.addresses:
        if side.hosts and host not in side.hosts:
            near = difflib.get_close_matches(host, side.hosts, n=1)
            meant = f", but {near[0]}" if near else ""
            found.append(
                InvalidOption(
                    side.option,
                    f"{host} is none of the hosts of the {side.name.lower()} cluster{meant}",
                    f"Write a host as its IP column shows it: {', '.join(side.hosts[:8])}",
                )
            )
    return found


def unmapped_names(side: Side) -> t.List[str]:
    """The hosts that are names and not mapped: they must resolve on the tool's host and on the target's nodes."""
    return [host for host in side.hosts if host not in side.addresses and not _is_address(host)]


def grammar_of(shipped: str) -> str:
    """Which grammar a shipped hosts.properties speaks of in its comment; MAPPED when it speaks of none.

    Source: the comments of both generations, vendor's manual and its revisions before 2026 (``<domain>=<IP>``).
    """
    comments = "".join(line for line in shipped.splitlines(True) if line.lstrip().startswith(("#", "!")))
    return ADDRESS if "mappedHost" not in comments and "<IP>" in comments else MAPPED


def grammar_problems(side: Side, grammar: str) -> t.List[InvalidOption]:
    """What an older release of the tool does not understand."""
    if grammar != ADDRESS:
        return []
    found = []
    for host, mapped in side.addresses.items():
        if mapped.ports:
            problem = f"{host} has ports mapped, and this release of the tool maps none"
            found.append(InvalidOption(side.option, problem, "Use a release of 2026 or later, or the same ports"))
        elif not _is_address(mapped.host):
            problem = f"{host} is mapped to the name {mapped.host}, and this release of the tool takes addresses only"
            found.append(InvalidOption(side.option, problem, "Give its IP address"))
    return found


def hosts_text(shipped: str, sides: t.Iterable[Side]) -> str:
    """The file's content; the shipped comments stay. ``starrocks.properties_malformed`` if it cannot be read."""
    entries = {f"{side.name}_{host}": mapped.as_value() for side in sides for host, mapped in side.addresses.items()}
    return Properties.parse(shipped).merged(entries).text()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
