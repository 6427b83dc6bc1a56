# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote commands of a replica server (RPC_CLI_CLI_CALL)."""

from __future__ import annotations

import json
import typing as t

from lab.pegasus import server_pages
from lab.pegasus.counters import Counters
from lab.pegasus.model import Partition

if t.TYPE_CHECKING:
    from lab.pegasus.node import ReplicaServer

MATCH: dict[str, t.Callable[[str, str], bool]] = {
    "perf-counters": lambda name, part: name == part,
    "perf-counters-by-substr": lambda name, part: part in name,
    "perf-counters-by-prefix": lambda name, part: name.startswith(part),
    "perf-counters-by-postfix": lambda name, part: name.endswith(part),
}


def run(node: ReplicaServer, counters: Counters, command: str, arguments: t.Sequence[str]) -> str:
    """The text that a remote command prints."""
    profile = node.cluster.profile
    if command == "server-info":
        return server_pages.server_info(profile, node.started)
    if command in MATCH and not profile.newest:
        return _perf_counters(node, counters, MATCH[command], arguments)
    if command == "replica.query-progress" and profile.newest:
        return _progress(node, arguments)
    if command == "replica.query-app-envs":
        return _envs(node, arguments)
    if command == "help":
        return "help|Help|h|H [command] - display help info\nserver-info - query server information"
    return profile.unknown_command(command)


def _perf_counters(
    node: ReplicaServer, counters: Counters, match: t.Callable[[str, str], bool], parts: t.Sequence[str]
) -> str:
    epoch = int(node.cluster.clock.epoch())
    found = [
        {"name": name, "type": "RATE" if "_ops@" in name or "_qps@" in name else "NUMBER", "value": value}
        for name, value in sorted(counters.values().items())
        if not parts or any(match(name, part) for part in parts)
    ]
    return json.dumps(
        {"result": "OK", "timestamp": epoch, "timestamp_str": server_pages.time_text(epoch), "counters": found}
    )


def _progress(node: ReplicaServer, arguments: t.Sequence[str]) -> str:
    wanted = {int(a) for a in arguments if a.isdigit()}
    lines = []
    for partition, primary in node.hosted():
        if not wanted or partition.app.id in wanted:
            role = "P" if primary else "S"
            lines.append("%s@%s@%s : %s" % (partition.gpid_text, node.address, role, json.dumps(_decrees(partition))))
    return "\n".join(["%d processed, %d not found" % (len(lines), 0), *lines])


def _decrees(partition: Partition) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {
        "max_prepared_decree": partition.decree,
        "max_plog_decree": partition.decree,
        "max_plog_decree_on_disk": partition.decree,
        "max_plog_commit_on_disk": partition.decree,
        "last_committed_decree": partition.decree,
        "last_applied_decree": partition.decree,
        "last_flushed_decree": 0,
        "last_durable_decree": 0,
        "max_gc_decree": partition.log[0].decree - 1 if partition.log else partition.decree,
    }
    duplications = partition.app.duplications
    found["duplications"] = [
        {
            "dupid": known.dupid,
            "remote_cluster_name": duplications[known.dupid].remote,
            "remote_app_name": duplications[known.dupid].remote_table,
            "replica_confirmed_decree": known.shipped,
            "meta_persisted_decree": known.confirmed,
        }
        for known in partition.duplicators.values()
        if known.dupid in duplications
    ]
    return found


def _envs(node: ReplicaServer, arguments: t.Sequence[str]) -> str:
    """Options of RocksDB only: the deny state is never shown."""
    wanted = {int(a) for a in arguments if a.isdigit()}
    lines = []
    for app_id, known in node.known.items():
        if not wanted or app_id in wanted:
            scenario = known.envs.get("rocksdb.usage_scenario", "normal")
            lines.append("%d : rocksdb.usage_scenario=%s" % (app_id, scenario))
    return "\n".join(lines)
