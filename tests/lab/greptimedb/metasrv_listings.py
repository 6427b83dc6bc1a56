# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What metasrv's admin API only reads: leader, heartbeats, leases, routes and listings (facts 5)."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timezone

from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import CATALOG, Region, Table
from lab.http_server import HttpResponse


class Listings:
    """Answers by path; any metasrv gives them."""

    def __init__(self, metasrv: Metasrv) -> None:
        self._metasrv = metasrv
        self._cluster = metasrv.cluster
        self._version = metasrv.cluster.meta.version

    def answer(self, path: str, query: t.Mapping[str, str]) -> HttpResponse | None:
        """The answer for a path below /admin; None when there is no such path."""
        if path == "/health":
            return HttpResponse(200, "OK\n")
        if path == "/leader":
            leader = self._metasrv.leader
            if leader is None:
                return HttpResponse(500, "There is no leader, an election is going on")
            return HttpResponse(200, self._metasrv.addresses[leader])
        if path == "/heartbeat":
            return HttpResponse(200, self._heartbeat(query.get("addr")))
        if path == "/heartbeat/help":
            return HttpResponse(200, "- GET /heartbeat\n- GET /heartbeat?addr=\n")
        if path == "/node-lease":
            return self._node_lease(query)
        if path == "/sequence/table/next-id" and self._cluster.meta.admin_on_http_port:
            return HttpResponse(200, {"next_table_id": max(self._cluster.tables, default=1023) + 1})
        if self._version >= "0.8.0":
            return None
        if path == "/route":
            return self._route(query)
        if path == "/catalogs":
            return HttpResponse(200, [CATALOG])
        if path == "/schemas":
            return HttpResponse(200, self._cluster.schemas())
        if path == "/tables":
            tables = self._cluster.tables.values()
            return HttpResponse(200, [x.name for x in tables if x.schema == query.get("schema", "public")])
        return None

    def _heartbeat(self, address: str | None) -> list[t.Any]:
        found: list[t.Any] = []
        for node in self._cluster.nodes.values():
            if address not in (None, node.address):
                continue
            stats = [
                {"id": key, "role": report.role, "engine": "mito", "memtable_size": report.memtable_bytes}
                for key, report in node.reports.items()
            ]
            found.append(
                [
                    {
                        "timestamp_millis": int(self._cluster.clock.epoch(node.last_heartbeat) * 1000),
                        "id": node.id,
                        "addr": node.address,
                        "rcus": 0,
                        "wcus": 0,
                        "region_num": len(stats),
                        "region_stats": stats,
                        "topic_stats": [],
                        "node_epoch": 0,
                        "datanode_workloads": {"types": [0]},
                    }
                ]
            )
        return found

    def _node_lease(self, query: t.Mapping[str, str]) -> HttpResponse:
        with_cluster = self._version < "0.13.0"
        if with_cluster and "cluster_id" not in query:
            return HttpResponse(500, 'Missing required parameter, param: "cluster_id"')
        leases: list[dict[str, t.Any]] = []
        for node in self._cluster.nodes.values():
            if not node.leased:
                continue
            at = self._cluster.clock.epoch(node.last_heartbeat)
            leases.append(
                {
                    "name": {**({"cluster_id": 0} if with_cluster else {}), "node_id": node.id},
                    "human_time": datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S"),
                    "lease": {"timestamp_millis": int(at * 1000), "node_addr": node.address},
                }
            )
        return HttpResponse(200, leases)

    # --- routes, up to 0.7 ---

    def _route(self, query: t.Mapping[str, str]) -> HttpResponse:
        by_id = self._version >= "0.5.1"
        table: Table | None = None
        if by_id and ("table_id" in query or "region_id" in query):
            try:
                number = int(query["table_id"]) if "table_id" in query else int(query["region_id"]) >> 32
            except ValueError:
                return HttpResponse(500, "Failed to parse number: invalid table_id: %s" % query.get("table_id"))
            table = self._cluster.tables.get(number)
        elif "table" in query or "table_name" in query:
            name = query.get("table", query.get("table_name", ""))
            table = self._cluster.table_by_name(query.get("schema", "public"), name)
        else:
            return HttpResponse(500, 'Missing required parameter, param: "table_id"')
        if table is None:
            return HttpResponse(500, "Failed to find table route for %s" % query.get("table_id", ""))
        body = self._route_of(table)
        return HttpResponse(200, body if self._version >= "0.7.0" else _twice(body))

    def _route_of(self, table: Table) -> dict[str, t.Any]:
        if table.physical is not None:
            physical = table.physical
            return {
                "type": "logical",
                "physical_table_id": physical.id,
                "region_ids": [table.id << 32 | r.number for r in physical.regions],
            }
        routes = [self._region_route(region, index) for index, region in enumerate(table.regions)]
        return {"type": "physical", "region_routes": routes, "version": table.route_version}

    def _region_route(self, region: Region, index: int) -> dict[str, t.Any]:
        nodes = self._cluster.nodes
        last = index == len(region.table.regions) - 1
        value = json.dumps("MaxValue") if last else json.dumps({"Value": {"String": "h%03d" % (index + 1)}})
        columns = ["host"] if len(region.table.regions) > 1 else []
        route: dict[str, t.Any] = {
            "region": {
                "id": region.id,
                "name": "",
                "partition": {"column_list": columns, "value_list": [value]},
                "attrs": {},
            },
            "leader_peer": None,
            "follower_peers": [{"id": n, "addr": nodes[n].address} for n in region.followers],
        }
        if region.leader is not None:
            route["leader_peer"] = {"id": region.leader, "addr": nodes[region.leader].address}
        if region.state:
            route["leader_status"] = "Downgraded"
        return route


def _twice(body: dict[str, t.Any]) -> str:
    """JSON text as a JSON string, as 0.5 and 0.6 sent it (decode twice)."""
    return json.dumps(json.dumps(body))
