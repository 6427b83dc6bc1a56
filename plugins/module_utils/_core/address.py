# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Addresses of servers as people write them."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption


class Address(t.NamedTuple):
    """A host and a port. IPv6 addresses are held without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(value: t.Any, option: str, default_port: int | None = None) -> Address:
    """``host:port`` or ``[v6]:port``; the port may be left out only where a default is given."""
    text = value.strip() if isinstance(value, str) else ""
    fix = f"Give host:port, such as host-0.example.com:{default_port or 3002}"
    if "://" in text or "/" in text or "@" in text:
        raise InvalidOption(option, f"{value!r} is a URL and not an address", fix)
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise InvalidOption(option, f"{value!r} is not an address", fix)
        port = port[1:]
    elif text.count(":") == 1:
        host, _colon, port = text.partition(":")
    if not host or any(character.isspace() for character in host):
        raise InvalidOption(option, f"{value!r} is not an address", fix)
    if not port:
        if default_port is None:
            raise InvalidOption(option, f"{value!r} has no port", fix)
        return Address(host, default_port)
    return Address(host, as_int(port, option, 1, 65535))
