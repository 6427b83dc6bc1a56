# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the ports that a migration needs can be reached. From here: the tool and this module share a host at best."""

from __future__ import annotations

import concurrent.futures
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import Port

_AT_ONCE = 32

Wanted = t.Tuple[str, str, Address]


def wanted_ports(
    role: str, connection: Connection, frontends: t.Iterable[Frontend], nodes: t.Iterable[Node]
) -> t.List[Wanted]:
    """The tool needs all three ports of every frontend; ``nodes``: those whose data ports are needed too."""
    found: t.List[Wanted] = []
    for frontend in frontends:
        if not frontend.alive:
            continue
        for name in ("query_port", "http_port", "rpc_port"):
            address = connection.reach(frontend.host, getattr(frontend, name))
            found.append((role, f"FE {frontend.host} {name}", address))
    for node in nodes:
        if not node.alive:
            continue
        for name, port in (("be_port", node.be_port), ("http_port", node.http_port)):
            found.append((role, f"{node.kind} {node.host} {name}", connection.reach(node.host, port)))
    return found


def probe(wanted: t.Sequence[Wanted], seconds: float) -> t.Tuple[Port, ...]:
    """A connection to each, ended at once."""
    if not wanted:
        return ()
    with concurrent.futures.ThreadPoolExecutor(min(_AT_ONCE, len(wanted))) as pool:
        problems = list(pool.map(lambda one: _problem(one[2], seconds), wanted))
    return tuple(Port(role, what, str(address), problem) for (role, what, address), problem in zip(wanted, problems))


def _problem(address: Address, seconds: float) -> str:
    try:
        socket.create_connection((address.host, address.port), seconds).close()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""
