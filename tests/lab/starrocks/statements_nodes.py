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
from lab.starrocks.frontend import EDIT_LOG_PORT, Frontend
from lab.starrocks.nodes import BACKEND, COMPUTE_NODE, Node
from lab.starrocks.statements import Call, Statement, flag, records, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

DISK_BYTES = 1 << 40
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

    def _frontend(self, frontend: Frontend, leader: Frontend) -> dict[str, t.Any]:
        alive = frontend.seen_alive
        beat = frontend.front.clock.now() if alive else frontend.changed_at
        return {
            "Id": frontend.number + 1,
            "Name": frontend.name,
            "IP": frontend.host,
            "EditLogPort": EDIT_LOG_PORT,
            "HttpPort": leader.http_server.port,  # the leader prints its own for every row
            "QueryPort": frontend.mysql.port if alive or frontend.started_at else 0,
            "RpcPort": frontend.rpc.port if alive or frontend.started_at else 0,
            "Role": frontend.role,
            "ClusterId": self._front.cluster_id,
            "Join": "true",
            "Alive": flag(alive),
            "ReplayedJournalId": self._front.journal_id,
            "LastHeartbeat": self._front.stamp(beat),
            "IsHelper": flag(not frontend.observer),
            "ErrMsg": "" if alive else REFUSED,
            "StartTime": self._front.stamp(frontend.started_at),
            "Version": frontend.version_shown if alive else NULL_TEXT,
        }

    def _node(self, node: Node) -> dict[str, t.Any]:
        shown, profile = node.shown, self._front.profile
        used = DISK_BYTES * shown.disk_used_percent / 100
        tablets = self._front.tablets_per_node()
        status = '{"lastSuccessReportTabletsTime":"%s"}' % self._front.stamp(self._front.clock.now())
        return {
            "BackendId": node.node_id,
            "ComputeNodeId": node.node_id,
            "IP": node.host,
            "HeartbeatPort": 9050,
            "BePort": 9060,
            "HttpPort": node.http_server.port,
            "BrpcPort": 8060,
            "LastStartTime": self._front.stamp(0.0),
            "LastHeartbeat": self._front.stamp(self._front.clock.now()),
            "Alive": flag(shown.alive),
            "SystemDecommissioned": flag(shown.decommissioned),
            "ClusterDecommissioned": "false",
            "TabletNum": tablets,
            "DataUsedCapacity": size(used),
            "AvailCapacity": size(DISK_BYTES - used),
            "TotalCapacity": size(DISK_BYTES),
            "UsedPct": "%.2f %%" % shown.disk_used_percent,
            "MaxDiskUsedPct": "%.2f %%" % shown.disk_used_percent,
            "ErrMsg": shown.error,
            "Version": node.version,
            "Status": status,
            "DataTotalCapacity": size(DISK_BYTES),
            "DataUsedPct": "%.2f %%" % shown.disk_used_percent,
            "CpuCores": 16,
            "MemLimit": "54.500GB",
            "NumRunningQueries": 0,
            "MemUsedPct": "3.10 %",
            "CpuUsedPct": "1.0 %",
            "DataCacheMetrics": "Status: Normal, DiskUsage: 0B/0B, MemUsage: 0B/0B",
            "StatusCode": "OK" if shown.alive else "DISCONNECTED",
            "HasStoragePath": flag(profile.shared_data),
            "StarletPort": 9070,
            "WorkerId": node.node_id - 10000,
            "WarehouseName": shown.warehouse,
        }

    async def _backends(self, call: Call) -> ResultSet:
        self._check(call)
        return self._listing(BACKEND, columns.backends(self._front.profile))

    async def _compute_nodes(self, call: Call) -> ResultSet:
        self._check(call)
        return self._listing(COMPUTE_NODE, columns.compute_nodes(self._front.profile))

    def _listing(self, kind: str, names: t.Sequence[str]) -> ResultSet:
        return records(names, [self._node(node) for node in self._front.nodes if node.kind == kind])

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
