# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHOW FRONTENDS, SHOW BACKENDS, SHOW COMPUTE NODES, SHOW WAREHOUSES (facts 4.1)."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns
from lab.starrocks.accounts import SYSTEM
from lab.starrocks.errors import SqlError
from lab.starrocks.frontend import FrontendServer
from lab.starrocks.nodes import NodeServer
from lab.starrocks.records import BACKEND, COMPUTE_NODE
from lab.starrocks.statements import Call, Statement, flag, records, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

NULL_TEXT = "NULL"
REFUSED = "got exception"


class NodeStatements:
    """The leader answers, for whoever holds OPERATE or NODE."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def statements(self) -> t.Iterable[Statement]:
        """All of them."""
        yield Statement(("SHOW", "FRONTENDS"), self._frontends, forwarded=True)
        yield Statement(("SHOW", "BACKENDS"), self._backends, forwarded=True)
        yield Statement(("SHOW", "COMPUTE", "NODES"), self._compute_nodes, forwarded=True)
        if self._front.profile.since("3.0"):
            yield Statement(("SHOW", "WAREHOUSES"), self._warehouses)

    def _check(self, call: Call) -> None:
        call.cursor.end()
        call.rights.demand_any(SYSTEM, "OPERATE", "NODE")

    async def _frontends(self, call: Call) -> ResultSet:
        self._check(call)
        names = columns.frontends(self._front.profile)
        return records(names, [self._frontend(frontend, call.frontend) for frontend in self._front.frontends])

    def _frontend(self, frontend: FrontendServer, leader: FrontendServer) -> dict[str, t.Any]:
        alive, record = frontend.seen_alive, frontend.record
        beat = self._front.clock.now() if alive else frontend.changed_at
        return {
            "Id": record.id,
            "Name": record.name,
            "IP": record.host,
            "EditLogPort": record.edit_log_port,
            "HttpPort": leader.record.http_port,  # the leader prints its own for every row
            "QueryPort": record.query_port,
            "RpcPort": record.rpc_port,
            "Role": record.role,
            "ClusterId": self._front.cluster_id,
            "Join": "true",
            "Alive": flag(alive),
            "ReplayedJournalId": self._front.journal_id,
            "LastHeartbeat": self._front.stamp(beat),
            "IsHelper": flag(not frontend.observer),
            "ErrMsg": record.error or ("" if alive else REFUSED),
            "StartTime": self._front.stamp(record.started),
            "Version": frontend.version_shown if alive else NULL_TEXT,
        }

    def _node(self, server: NodeServer) -> dict[str, t.Any]:
        front, node = self._front, server.record
        percent = "%.2f %%" % node.disk_used_percent
        now = front.stamp(front.clock.now())
        return {
            "BackendId": node.id,
            "ComputeNodeId": node.id,
            "IP": node.host,
            "HeartbeatPort": node.heartbeat_port,
            "BePort": node.be_port,
            "HttpPort": node.http_port,
            "BrpcPort": node.brpc_port,
            "LastStartTime": front.stamp(node.started),
            "LastHeartbeat": now,
            "Alive": flag(node.alive),
            "SystemDecommissioned": flag(node.decommissioned),
            "ClusterDecommissioned": "false",
            "TabletNum": front.tablets_per_node(),
            "DataUsedCapacity": size(node.disk_used),
            "AvailCapacity": size(node.disk_total - node.disk_used),
            "TotalCapacity": size(node.disk_total),
            "UsedPct": percent,
            "MaxDiskUsedPct": percent,
            "ErrMsg": node.error,
            "Version": node.version or front.version_shown,
            "Status": '{"lastSuccessReportTabletsTime":"%s"}' % now,
            "DataTotalCapacity": size(node.disk_total),
            "DataUsedPct": percent,
            "CpuCores": 16,
            "MemLimit": "54.500GB",
            "NumRunningQueries": 0,
            "MemUsedPct": "3.10 %",
            "CpuUsedPct": "1.0 %",
            "DataCacheMetrics": "Status: Normal, DiskUsage: 0B/0B, MemUsage: 0B/0B",
            "StatusCode": "OK" if node.alive else "DISCONNECTED",
            "HasStoragePath": flag(front.profile.shared_data),
            "StarletPort": 9070,
            "WorkerId": 1 + front.nodes.index(server),
            "WarehouseName": node.warehouse,
        }

    async def _backends(self, call: Call) -> ResultSet:
        self._check(call)
        return self._listing(BACKEND, columns.backends(self._front.profile))

    async def _compute_nodes(self, call: Call) -> ResultSet:
        self._check(call)
        return self._listing(COMPUTE_NODE, columns.compute_nodes(self._front.profile))

    def _listing(self, kind: str, names: t.Sequence[str]) -> ResultSet:
        return records(names, [self._node(node) for node in self._front.nodes if node.record.kind == kind])

    async def _warehouses(self, call: Call) -> ResultSet:
        call.cursor.end()
        if not self._front.profile.shared_data:
            errno, sqlstate = self._front.profile.unsupported_in_mode
            raise SqlError("unsupported statement in shared_nothing mode", errno, sqlstate)
        names = ("Id", "Name", "State", "NodeCount", "CurrentClusterCount", "MaxClusterCount")
        return table(names, [(0, "default_warehouse", "AVAILABLE", len(self._front.nodes), 1, 1)])


def size(count: float) -> str:
    """A size as listings print it: 131.634 GB."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if count < 1024:
            return "%.3f %s" % (count, unit)
        count /= 1024
    return "%.3f PB" % count
