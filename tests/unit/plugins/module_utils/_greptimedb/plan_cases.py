# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small clusters for the tests of plans."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Node,
    Procedure,
    Region,
    Table,
    region_id_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Plan
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_build import build
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_request import read_request

OPTIONS = (
    "datanodes", "moves", "tables", "targets", "exclude_datanodes", "exclude_tables", "limits", "max_moves", "plan",
    "plan_file", "journal", "allow_empty",
)  # fmt: skip


def dialect(version: str = "1.1.4") -> Dialect:
    return Dialect.choose(Version.parse(version), Version.parse(version))


def node(number: int, alive: str = "yes", active_seconds: float = 1.0) -> Node:
    return Node(number, "datanode", f"dn-{number}:3001", None, active_seconds, alive)


def region(table_id: int, number: int, leader: t.Optional[int], table: t.Optional[str] = None, **more: t.Any) -> Region:
    values: t.Dict[str, t.Any] = {"size_bytes": 1000, "memtable_bytes": 10, **more}
    return Region(
        region_id=region_id_of(table_id, number),
        table_id=table_id,
        number=number,
        catalog="greptime",
        schema="public",
        table=table or f"t{table_id}",
        partition=f"p{number}",
        leader_peer=leader,
        leader_status=values.pop("leader_status", "ALIVE" if leader is not None else ""),
        **values,
    )


def cluster(
    regions: t.Sequence[Region],
    nodes: t.Union[int, t.Sequence[Node]] = 4,
    tables: t.Sequence[Table] = (),
    migrating: t.Optional[t.Sequence[int]] = (),
) -> ClusterState:
    datanodes = [node(number) for number in range(nodes)] if isinstance(nodes, int) else list(nodes)
    procedures = None
    if migrating is not None:
        procedures = tuple(
            Procedure(f"pid-{one}", "metasrv-procedure::RegionMigration", "Running", region_ids=(one,))
            for one in migrating
        )
    return ClusterState(
        nodes=(*datanodes, Node(-1, "frontend", "fe:4001")),
        regions=tuple(regions),
        tables=tuple(tables),
        procedures=procedures,
    )


def spread(tables: int, regions: int, datanodes: int) -> t.List[Region]:
    """``tables`` tables of ``regions`` regions, led by the datanodes in turn."""
    return [
        region(1024 + table, number, (table + number) % datanodes)
        for table in range(tables)
        for number in range(regions)
    ]


def plan(state: ClusterState, version: str = "1.1.4", past: t.Any = None, **options: t.Any) -> Plan:
    """The plan that the module would make with these options."""
    params = {**dict.fromkeys(OPTIONS), "balance_by": "count", "tolerance": 10.0, **options}
    return build(read_request(params), state, dialect(version), past)


def targets(made: Plan) -> t.Dict[int, int]:
    """Region id -> target."""
    return {move.region_id: move.to_peer for move in made.moves}
