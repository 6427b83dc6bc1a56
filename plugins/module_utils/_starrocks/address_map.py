# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Nodes that are not reachable under the address they report: the value grammar of the tool's hosts.properties."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

_FIX = "Give mappedHost, or mappedHost;srcPort:dstPort,..., such as 10.1.1.1;8030:38030,9030:39030"


@dataclasses.dataclass(frozen=True)
class MappedHost:
    """Where a host is reached, and which of its ports are others there."""

    host: str
    ports: t.Mapping[int, int] = dataclasses.field(default_factory=dict)

    def address(self, port: int) -> Address:
        """Where its port is reached."""
        return Address(self.host, self.ports.get(port, port))

    def as_value(self) -> str:
        """As hosts.properties has it."""
        ports = ",".join(f"{source}:{target}" for source, target in sorted(self.ports.items()))
        return self.host + (f";{ports}" if ports else "")


def parse_mapped_host(value: t.Any, option: str) -> MappedHost:
    """``mappedHost[;srcPort:dstPort[,srcPort:dstPort...]]``; InvalidOption for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    host, semicolon, pairs = text.partition(";")
    host = host.strip()
    if not host or any(letter.isspace() or letter in "/=@" for letter in host) or host.count(":") == 1:
        raise InvalidOption(option, f"{value!r} does not say where the host is reached", _FIX)
    ports: t.Dict[int, int] = {}
    for pair in filter(None, (part.strip() for part in pairs.split(","))):
        source, colon, target = pair.partition(":")
        if not colon:
            raise InvalidOption(option, f"{pair!r} is no pair of ports", _FIX)
        ports[as_int(source, option, 1, 65535)] = as_int(target, option, 1, 65535)
    if semicolon and not ports:
        raise InvalidOption(option, f"{value!r} ends where ports should follow", _FIX)
    return MappedHost(host, ports)
