# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether both clusters are fit for it: frontends, nodes, ports, disks, tablets and settings. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    TARGET,
    ClusterView,
    Port,
    View,
)

_SHOWN = 20
DISK_LIMIT = "target_cluster_max_disk_used_percent"


def cluster_findings(view: View, cluster: ClusterView) -> t.Iterator[Finding]:
    """Of one of the two."""
    yield from _frontends(cluster)
    yield from _addresses(cluster)
    yield from _nodes(cluster)
    yield from _tablets(cluster)
    yield from _settings(cluster)
    if cluster.role == TARGET:
        yield from _disks(view)
        yield from _parallel(cluster)
    else:
        yield from _trash(view)


def port_findings(ports: t.Iterable[Port]) -> t.Iterator[Finding]:
    """Ports that did not answer. Those of nodes are needed by the target's nodes, which cannot be asked from here."""
    failed = [port for port in ports if port.problem]
    for role in sorted({port.role for port in failed}):
        for kind, severity in (("FE", "blocker"), ("node", "warning")):
            found = {
                f"{port.what} {port.address}": port.problem
                for port in failed
                if port.role == role and port.what.startswith("FE ") is (kind == "FE")
            }
            if not found:
                continue
            who = "The host of the sync tool" if kind == "FE" else "The target's nodes, and the host of the sync tool,"
            yield Finding(
                "starrocks.port.frontend_unreachable" if kind == "FE" else "starrocks.port.node_unreachable",
                severity,
                f"{role} cluster",
                found,
                f"{who} must reach these. Open the firewall, or map the addresses (address_map and hosts.properties). "
                "They were tried from the host where this module runs. rpc_port (9020) asks for no password, so open "
                "it "
                "to the host of the tool only.",
            )


def _frontends(cluster: ClusterView) -> t.Iterator[Finding]:
    dead = {frontend.address: frontend.error for frontend in cluster.frontends if not frontend.alive}
    if dead:
        yield Finding(
            "starrocks.frontend.dead",
            "blocker",
            cluster.subject,
            dead,
            "Settings must be changed on every frontend, and any of them may come to lead. Start these, or drop them "
            "from the cluster (ALTER SYSTEM DROP).",
        )
    if cluster.silent:
        yield Finding(
            "starrocks.frontend.unreachable",
            "blocker",
            cluster.subject,
            dict(cluster.silent),
            "Every frontend must be reached directly, because each one keeps its own settings. Open its query port, or "
            "give address_map.",
        )
    hosts: t.Dict[str, t.List[str]] = {}
    for frontend in cluster.frontends:
        hosts.setdefault(frontend.host, []).append(frontend.address)
    shared = {host: addresses for host, addresses in hosts.items() if len(addresses) > 1}
    if shared:
        yield Finding(
            "starrocks.frontend.same_host",
            "warning",
            cluster.subject,
            shared,
            "A frontend does not tell a setting to others on its own host. The modules of this collection set these "
            "one "
            "by one; whoever sets something by hand must do so too.",
        )


def _addresses(cluster: ClusterView) -> t.Iterator[Finding]:
    """A load balancer answers with whichever frontend it likes, so what is read is no frontend's for certain."""
    others = {
        address: {"told": answer.query_port, "expected": _port(address)}
        for address, answer in cluster.answers.items()
        if answer.query_port not in (None, _port(address))
    }
    places: t.Dict[str, t.List[str]] = {}
    for address, place in cluster.reached_at.items():
        places.setdefault(place, []).append(address)
    shared = {place: addresses for place, addresses in places.items() if len(addresses) > 1}
    if others or shared:
        yield Finding(
            "starrocks.frontend.load_balancer",
            "blocker",
            cluster.subject,
            {"another_answers": others, "one_address_for_several": shared},
            "A load balancer or a wrong address_map stands before the frontends. Give addresses that lead to one "
            "frontend each.",
        )
    strange = sorted(set(cluster.given) - set(cluster.reached_at.values()) - _own(cluster))
    if strange:
        yield Finding(
            "starrocks.frontend.not_listed",
            "warning",
            cluster.subject,
            {"given": strange, "frontends": sorted(cluster.reached_at.values())},
            "These addresses are not those of any frontend, so they are names of one, or a load balancer. Only the "
            "first question goes there, and then each frontend is asked directly. Better give their own addresses.",
        )


def _own(cluster: ClusterView) -> t.Set[str]:
    return {frontend.address for frontend in cluster.frontends}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _nodes(cluster: ClusterView) -> t.Iterator[Finding]:
    dead = [node.address for node in cluster.nodes if not node.alive]
    if dead:
        yield Finding(
            "starrocks.node.dead",
            "blocker",
            cluster.subject,
            {"dead": dead[:_SHOWN], "count": len(dead), "of": len(cluster.nodes)},
            "Tablets on dead nodes are neither read nor written. Start these nodes, or drop them from the cluster.",
        )
    leaving = [node.address for node in cluster.nodes if node.decommissioned]
    if leaving:
        yield Finding(
            "starrocks.node.decommissioned",
            "warning",
            cluster.subject,
            leaving,
            "Tablets are moving off these nodes. Let that end first.",
        )


def _tablets(cluster: ClusterView) -> t.Iterator[Finding]:
    health = cluster.health
    if health is None:
        return
    evidence = {
        "unhealthy_tablets": health.unhealthy,
        "inconsistent_tablets": health.inconsistent,
        "broken_tablets": health.broken,
        "query": "SHOW PROC '/statistic'",
    }
    if health.inconsistent or health.broken:
        yield Finding(
            "starrocks.tablet.broken",
            "blocker",
            cluster.subject,
            evidence,
            "Some tablets are broken, or their copies disagree. Repair them first (ADMIN REPAIR TABLE, ADMIN SHOW "
            "REPLICA STATUS).",
        )
    elif health.unhealthy:
        yield Finding(
            "starrocks.tablet.unhealthy",
            "warning",
            cluster.subject,
            evidence,
            "Some tablets lack copies. Wait until they are repaired, or see why they are not.",
        )


def _settings(cluster: ClusterView) -> t.Iterator[Finding]:
    disabled = [address for address, answer in cluster.answers.items() if answer.loads_disabled]
    if disabled:
        on_target = cluster.role == TARGET
        yield Finding(
            "starrocks.config.loads_disabled",
            "blocker" if on_target else "warning",
            cluster.subject,
            {"disable_load_job": "true", "frontends": disabled, "of": len(cluster.answers)},
            "disable_load_job is on there, which stops replication too while such a frontend leads. Set it to false on "
            "each of them."
            if on_target
            else "disable_load_job is on there already: nothing can be written while such a frontend leads. If a "
            "former run left it, lift it on each of them.",
        )
    encrypted = {
        name: shown
        for name, shown in (
            ("default_master_key", "set (not shown)"),
            ("enable_transparent_data_encryption", "true"),
        )
        if cluster.config.get(name)
    }
    if encrypted:
        yield Finding(
            "starrocks.config.encrypted",
            "blocker",
            cluster.subject,
            encrypted,
            "Encryption at rest (TDE) is set up, and files cannot be read with the keys of another cluster. Check with "
            "the vendor whether your versions can, before you accept this.",
            "https://github.com/StarRocks/starrocks/pull/78080",
        )


def _disks(view: View) -> t.Iterator[Finding]:
    if view.target.profile.shared_data:
        return
    limit = float(view.properties.get(DISK_LIMIT) or 80)
    used = {
        node.address: node.disk_used_percent
        for node in view.target.nodes
        if node.disk_used_percent is not None and node.disk_used_percent >= limit - 10
    }
    if used:
        above = max(used.values()) >= limit
        yield Finding(
            "starrocks.disk.full" if above else "starrocks.disk.nearly_full",
            "blocker" if above else "warning",
            view.target.subject,
            {"used_percent": used, "limit": limit},
            f"The sync tool ends when a disk of the target is above {limit:g} % ({DISK_LIMIT}). Make room, or add "
            "nodes.",
        )


def _parallel(cluster: ClusterView) -> t.Iterator[Finding]:
    at_once = cluster.config.get("replication_max_parallel_table_count", "")
    limit = cluster.config.get("max_running_txn_num_per_db", "")
    if at_once.isdigit() and limit.isdigit() and int(at_once) >= int(limit):
        yield Finding(
            "starrocks.config.transactions",
            "warning",
            cluster.subject,
            {"replication_max_parallel_table_count": int(at_once), "max_running_txn_num_per_db": int(limit)},
            "Every table in replication holds a transaction, and a database may have no more than "
            "max_running_txn_num_per_db of them. Raise that, or lower replication_max_parallel_table_count.",
        )


def _trash(view: View) -> t.Iterator[Finding]:
    seconds = view.source.config.get("catalog_trash_expire_second", "")
    if view.source.profile.shared_data and seconds.isdigit() and int(seconds) < view.duration:
        yield Finding(
            "starrocks.config.trash_expires",
            "warning",
            view.source.subject,
            {"catalog_trash_expire_second": int(seconds), "expected_duration": int(view.duration)},
            f"The migration is expected to take {format_duration(view.duration)}. Files of tables and partitions "
            "that are "
            f"dropped or truncated meanwhile are deleted after {format_duration(float(seconds))}, whatever the grace "
            "period of the vacuum is. Raise catalog_trash_expire_second on the source, or let nobody drop anything.",
        )
