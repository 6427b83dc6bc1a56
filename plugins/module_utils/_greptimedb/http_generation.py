# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The generation without SQL (0.5.1 - 0.6, and 0.7 without a frontend): placement from routes, liveness from leases."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import AdminHttp, Lease
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    ALIVE,
    DEAD,
    LEASE_SECONDS,
    SUSPECT,
    Node,
    Placement,
    Table,
    table_id_of,
)

HEARTBEAT_SECONDS = 3.0
_WATCH_SECONDS = HEARTBEAT_SECONDS + 1.5
_WATCH_PAUSE = 0.25
_CATALOG = "greptime"


def route_placements(document: t.Mapping[str, t.Any] | None) -> dict[int, Placement]:
    """Placement of every region of a table's route; empty for a logical table, which has no regions of its own."""
    found: dict[int, Placement] = {}
    for item in (document or {}).get("region_routes") or ():
        region_id = int(item["region"]["id"])
        leader = item.get("leader_peer")
        status = str(item.get("leader_status") or item.get("leader_state") or "Alive").upper()
        found[region_id] = Placement(
            region_id,
            None if leader is None else int(leader["id"]),
            "" if leader is None else status,
            None,
            tuple(sorted(int(peer["id"]) for peer in item.get("follower_peers") or ())),
        )
    return found


def placements_of_tables(admin: AdminHttp, dialect: Dialect, table_ids: t.Iterable[int]) -> dict[int, Placement]:
    """Placement of the regions of some tables: one request for each table, there is no other way."""
    found: dict[int, Placement] = {}
    for table_id in sorted(set(table_ids)):
        found.update(route_placements(admin.route(dialect, table_id=table_id)))
    return found


def tables_of_schema(admin: AdminHttp, dialect: Dialect, schema: str) -> list[Table]:
    """The physical tables of a schema, as far as the metasrv tells: their ids come from their regions' ids."""
    found: list[Table] = []
    for name in admin.table_names(_CATALOG, schema):
        regions = route_placements(admin.route(dialect, catalog=_CATALOG, schema=schema, table=name))
        table_ids = {table_id_of(region_id) for region_id in regions}
        found.extend(Table(table_id, schema, name) for table_id in sorted(table_ids))
    return found


def watched_nodes(read: t.Callable[[], list[Lease]], clock: Clock) -> list[Node]:
    """Datanodes whose liveness is seen, not computed.

    A lease holds the metasrv's time, and its clock need not be ours: so leases are read until each has been renewed,
    or for a little more than the heartbeat of 3 s. A renewed one is alive. One that was not is at least as old as the
    time watched plus its distance from the newest.
    """
    started = clock.monotonic()
    first = {lease.node_id: lease for lease in read()}
    newest = max((lease.timestamp_millis for lease in first.values()), default=0)
    renewed: dict[int, float] = {}
    while len(renewed) < len(first):
        watched = clock.monotonic() - started
        if watched >= _WATCH_SECONDS:
            break
        clock.sleep(_WATCH_PAUSE)
        now = clock.monotonic()
        for lease in read():
            before = first.get(lease.node_id)
            if before is not None and lease.timestamp_millis > before.timestamp_millis:
                renewed.setdefault(lease.node_id, now)
    elapsed = clock.monotonic() - started
    nodes: list[Node] = []
    for node_id, lease in sorted(first.items()):
        if node_id in renewed:
            nodes.append(Node(node_id, "datanode", lease.addr, active_seconds=0.0, alive=ALIVE))
            continue
        age = elapsed + (newest - lease.timestamp_millis) / 1000.0
        alive = DEAD if age >= LEASE_SECONDS else SUSPECT
        nodes.append(Node(node_id, "datanode", lease.addr, active_seconds=round(age, 3), alive=alive))
    return nodes
