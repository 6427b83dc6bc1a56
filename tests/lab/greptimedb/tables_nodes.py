# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System tables about nodes, procedures and what datanodes report, by version (facts 3.3, 3.4, 4.4-4.7)."""

from __future__ import annotations

import json
import typing as t

from lab.greptimedb.datanode import Datanode
from lab.greptimedb.errors import ServerError
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import Region, Replica
from lab.greptimedb.sql_eval import Row
from lab.greptimedb.sql_parse import Node
from lab.greptimedb.sql_select import TableData
from lab.greptimedb.storage import storage_place
from lab.greptimedb.versions import Version
from lab.mysql_packets import Column

COMMIT = "9c1e2a3b4d5f60718293a4b5c6d7e8f901234567"

EVENT_COLUMNS = (
    ("type", "string"),
    ("procedure_id", "string"),
    ("procedure_state", "string"),
    ("procedure_error", "string"),
    ("timestamp", "timestamp"),
    ("region_id", "u64"),
    ("table_id", "u32"),
    ("region_number", "u32"),
    ("region_migration_trigger_reason", "string"),
    ("region_migration_src_node_id", "u64"),
    ("region_migration_src_peer_addr", "string"),
    ("region_migration_dst_node_id", "u64"),
    ("region_migration_dst_peer_addr", "string"),
    ("payload", "string"),
)


def humantime(seconds: float) -> str:
    """A duration as cluster_info shows it: "1s 20ms", "2m 3s"."""
    millis = max(0, int(seconds * 1000))
    parts: list[str] = []
    for unit, size in (("day", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, millis = divmod(millis, size)
        if count:
            parts.append("%d%s" % (count, unit + "s" if unit == "day" and count > 1 else unit))
    return " ".join(parts) or "0s"


class NodeTables:
    """Tables that metasrv or the datanodes answer."""

    def __init__(self, metasrv: Metasrv, standalone: bool) -> None:
        self.metasrv = metasrv
        self.cluster = metasrv.cluster
        self.standalone = standalone
        self._version: Version = self.cluster.profile.version

    def cluster_info(self) -> TableData:
        """Nodes with the age of their last heartbeat."""
        extended = self._version >= "1.0.0-beta.1"
        columns = [Column("peer_id", "i64"), Column("peer_type"), Column("peer_addr")]
        if extended:
            columns.append(Column("peer_hostname"))
            names = ("total_cpu_millicores", "total_memory_bytes", "cpu_usage_millicores", "memory_usage_bytes")
            columns += [Column(name, "i64") for name in names]
        columns += [Column("version"), Column("git_commit"), Column("start_time", "timestamp")]
        columns += [Column("uptime"), Column("active_time")]
        if extended:
            columns.append(Column("node_status"))

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            if self.cluster.profile.cluster_info_peer_id_bug and any(map(_asks_peer_id, filters)):
                return
            for peer, kind, address, version, started, active, status in self._nodes():
                since = self.cluster.clock.now() - started
                row: Row = (peer, kind, address)
                row += (address.split(":")[0], 4000, 8 << 30, 250, 1 << 30) if extended else ()
                row += (str(version), COMMIT[:9], self.cluster.clock.timestamp(started), humantime(since), active)
                yield row + ((json.dumps(status, separators=(",", ":")) if status else None,) if extended else ())

        return TableData(columns, rows)

    def _nodes(self) -> t.Iterator[tuple[int, str, str, Version, float, str | None, dict[str, t.Any]]]:
        cluster, now = self.cluster, self.cluster.clock.now()
        if self.standalone:
            yield 0, "STANDALONE", "", self._version, 0.0, None, {}
            return
        for node in cluster.nodes.values():
            roles = [region.replicas[node.id].leader for region in node.regions.values()]
            leaders, followers = sum(roles), len(roles) - sum(roles)
            status = {"workloads": ["hybrid"], "leader_regions": leaders, "follower_regions": followers}
            active = humantime(now - node.last_heartbeat)
            yield node.id, "DATANODE", node.address, self._version, node.started, active, status
        beat = now % cluster.settings.durations.heartbeat
        started = cluster.frontend_started
        yield -1, "FRONTEND", self.metasrv.frontend_address, self._version, started, humantime(beat), {}
        for number, address in enumerate(self.metasrv.addresses):
            leads = {"is_leader": number == self.metasrv.leader}
            yield -1, "METASRV", address, self.cluster.meta.version, 0.0, None, leads

    def region_statistics(self) -> TableData:
        """What the datanodes' last heartbeats said of their regions."""
        since_010 = self._version >= "0.10.0"
        names = ["region_rows", "disk_size", "index_size"] if since_010 else []
        names += ["memtable_size", "manifest_size", "sst_size"]
        names += ["sst_num"] if self._version >= "0.16.0" else []
        names += ["written_bytes_since_open"] if self._version >= "1.0.0-beta.1" else []
        columns = [Column("region_id", "u64", False), Column("table_id", "u32"), Column("region_number", "u32")]
        columns += [Column(n, "u64") for n in names] + [Column("engine"), Column("region_role")]

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            for node in self.cluster.nodes.values():
                for key, report in node.reports.items():
                    region = self.cluster.regions.get(key)
                    if region is None:
                        continue
                    values = {
                        "region_rows": report.rows,
                        "disk_size": report.sst_bytes + report.sst_bytes // 50,
                        "index_size": report.sst_bytes // 50,
                        "memtable_size": report.memtable_bytes,
                        "manifest_size": 2048 + report.sst_bytes // 100_000,
                        "sst_size": report.sst_bytes,
                        "sst_num": report.sst_bytes // 32_000_000 + 1,
                        "written_bytes_since_open": report.memtable_bytes,
                    }
                    row = (key, region.table.id, region.number, *(values[n] for n in names))
                    yield row + (region.table.engine, report.role)

        return TableData(columns, rows)

    def procedure_info(self) -> TableData:
        """Procedures in the leader's memory."""
        columns = [
            Column("procedure_id"),
            Column("procedure_type"),
            Column("start_time", "timestamp"),
            Column("end_time", "timestamp"),
            Column("status"),
            Column("lock_keys"),
        ]
        clock = self.cluster.clock

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            for p in list(self.metasrv.manager.procedures.values()):
                yield (p.pid, p.type, clock.timestamp(p.started), clock.timestamp(p.ended), p.status, p.lock_keys)

        return TableData(columns, rows)

    def region_info(self) -> TableData:
        """What the datanodes themselves say of the regions that they have open; one that is dead fails the query."""
        columns = [
            Column("region_id", "u64", False),
            Column("table_id", "u32"),
            Column("region_number", "u32"),
            Column("region_group", "u32"),
            Column("region_sequence", "u32"),
            Column("state"),
            Column("role"),
            Column("writable", "bool"),
            Column("committed_sequence", "u64"),
            Column("flushed_sequence", "u64"),
            Column("manifest_version", "u64"),
            Column("compaction_time_window"),
            Column("region_options"),
            Column("sst_format"),
            Column("node_id", "u64"),
        ]

        def rows(filters: t.Sequence[Node]) -> t.Iterator[Row]:
            for node in self.cluster.nodes.values():
                if not node.alive:
                    raise ServerError("Internal", "Failed to inspect datanode %d: connection refused" % node.id)
                for region in list(node.regions.values()):
                    yield self._region_info_row(node, region, region.replicas[node.id])

        return TableData(columns, rows)

    def _region_info_row(self, node: Datanode, region: Region, replica: Replica) -> Row:
        flushed = self.cluster.storage.flushed(storage_place(node.config, node.id), region.id).last()
        committed = max(x for x in (flushed, replica.memtable.last(), -1) if x is not None)
        options: dict[str, t.Any] = {"wal_options": {"wal.provider": node.config.wal_provider}}
        if node.config.wal_provider == "kafka":
            options["wal_options"]["wal.kafka.topic"] = "greptimedb_wal_topic_%d" % (region.id % 64)
        state = ("Leader(Writable)" if replica.writable else "Leader(Downgrading)") if replica.leader else "Follower"
        return (
            region.id,
            region.table.id,
            region.number,
            region.number >> 24,
            region.number & 0xFFFFFF,
            state,
            "Leader" if replica.leader else "Follower",
            replica.writable,
            committed + 1,
            (flushed or 0) + 1,
            7,
            None,
            json.dumps(options),
            "flat",
            node.id,
        )

    def events(self) -> TableData:
        """The durable history of migrations."""
        found = [tuple(row[name] for name, _dummy in EVENT_COLUMNS) for row in self.metasrv.events.rows]
        return TableData([Column(n, k) for n, k in EVENT_COLUMNS], lambda filters: found)

    def build_info(self) -> TableData:
        """The frontend's build."""
        clean = self._version >= "0.15.0"
        names = ["git_branch", "git_commit", "git_commit_short", *(["git_clean"] if clean else []), "pkg_version"]
        row: Row = ("", COMMIT, COMMIT[:9], *(["true"] if clean else []), str(self._version))
        return TableData([Column(n) for n in names], lambda filters: [row])


def _asks_peer_id(node: Node) -> bool:
    """True for `peer_id = n` and `peer_id IN (...)`: u64 never equals i64 in the pushed-down predicate."""
    if node[0] == "op" and node[1] == "=":
        return any(x[0] == "col" and x[2] == "peer_id" for x in node[2:])
    if node[0] == "in" and not node[3]:
        return bool(node[1][0] == "col" and node[1][2] == "peer_id")
    return bool(node[0] == "op" and node[1] in ("and", "or") and any(map(_asks_peer_id, node[2:])))
