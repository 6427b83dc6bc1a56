# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a cluster consists of, decoded by column name: columns come and go with versions, their order too."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows

_PERCENT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*%?\s*")


@dataclasses.dataclass(frozen=True)
class Frontend:
    """A row of ``SHOW FRONTENDS``. ``host`` is its column IP word for word (an address or a name).

    ``role``: LEADER, FOLLOWER or OBSERVER. ``http_port`` is the leader's own setting, which the server prints for all.
    ``version`` and ``error`` are "" when there is none (a dead FE shows the text NULL).
    """

    name: str
    host: str
    query_port: int
    http_port: int
    rpc_port: int
    role: str
    alive: bool
    cluster_id: str
    version: str
    error: str

    @property
    def address(self) -> str:
        """``host:query_port`` as the cluster has it on record: its name in journal and results."""
        return str(Address(self.host, self.query_port))


@dataclasses.dataclass(frozen=True)
class Node:
    """A row of ``SHOW BACKENDS`` (kind BE) or ``SHOW COMPUTE NODES`` (kind CN).

    ``disk_used_percent``: of the fullest disk, None where the server does not tell. ``warehouse``: "" without one.
    """

    kind: str
    node_id: str
    host: str
    heartbeat_port: int
    be_port: int
    http_port: int
    alive: bool
    decommissioned: bool
    version: str
    disk_used_percent: t.Optional[float]
    warehouse: str

    @property
    def address(self) -> str:
        """``host:heartbeat_port``, by which ALTER SYSTEM names it too."""
        return str(Address(self.host, self.heartbeat_port))


def decode_frontends(rows: Rows) -> t.Tuple[Frontend, ...]:
    """All rows of ``SHOW FRONTENDS``. KeyError or ValueError for an answer of another shape."""
    return tuple(
        Frontend(
            name=text(row["name"]),
            host=str(row["ip"]),
            query_port=int(row["queryport"]),
            http_port=int(row["httpport"]),
            rpc_port=int(row["rpcport"]),
            role=str(row["role"]).upper(),
            alive=truth(row["alive"]),
            cluster_id=text(row["clusterid"]),
            version=text(row.get("version")),
            error=text(row.get("errmsg")),
        )
        for row in rows.records()
    )


def decode_nodes(rows: Rows, kind: str) -> t.Tuple[Node, ...]:
    """All rows of ``SHOW BACKENDS`` or ``SHOW COMPUTE NODES``; errors as ``decode_frontends``."""
    id_column = "backendid" if kind == "BE" else "computenodeid"
    return tuple(
        Node(
            kind=kind,
            node_id=str(row[id_column]),
            host=str(row["ip"]),
            heartbeat_port=int(row["heartbeatport"]),
            be_port=int(row["beport"]),
            http_port=int(row["httpport"]),
            alive=truth(row["alive"]),
            decommissioned=truth(row.get("systemdecommissioned")) or truth(row.get("clusterdecommissioned")),
            version=text(row.get("version")),
            disk_used_percent=percent(row.get("maxdiskusedpct", row.get("usedpct"))),
            warehouse=text(row.get("warehousename")),
        )
        for row in rows.records()
    )


def text(value: t.Any) -> str:
    r"""A cell as text; "" for SQL NULL and for the texts ``NULL``, ``null`` and ``\N`` that some SHOW print for it."""
    shown = "" if value is None else str(value).strip()
    return "" if shown in ("NULL", "null", "\\N") else shown


def truth(value: t.Any) -> bool:
    """A cell that says ``true`` (Java's way: anything else is false)."""
    return str(value).strip().lower() == "true"


def percent(value: t.Any) -> t.Optional[float]:
    """A cell such as ``12.34 %``; None where there is no number."""
    match = _PERCENT.fullmatch(text(value))
    return float(match.group(1)) if match else None
