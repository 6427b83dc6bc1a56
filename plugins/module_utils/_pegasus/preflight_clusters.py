# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against duplication between these two clusters: who they are, what they know of each other. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import ClusterView

PAIR = "source and target cluster"
LITERAL = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}:\d+", re.ASCII)
_LOOPBACK = re.compile(r"127\.|localhost:")
_GROUP = "[duplication-group]"


def cluster_findings(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    """Everything that does not depend on a table. Two views of one cluster end the list: the rest would mislead.

    So do two names for duplication that are one, as then each answers for itself when it is asked about the other.
    """
    same = _same(source, target)
    if same is not None:
        yield same
        return
    alike = bool(source.name) and source.name == target.name
    if alike or (source.info.cluster_name and source.info.cluster_name == target.info.cluster_name):
        yield _same_name(source, target)
    if alike:
        return
    yield from _identity(source)
    yield from _identity(target)
    yield from _knowledge(source, target)
    yield from _versions(source, target)
    yield _unprovable(source, target)


def _zookeeper(cluster: ClusterView) -> tuple[frozenset[str], str]:
    """Where the cluster keeps its state. The loopback address says nothing: it is another place on every host."""
    hosts = (part.strip() for part in cluster.info.zookeeper_hosts.split(","))
    return frozenset(host for host in hosts if host and not _LOOPBACK.match(host)), cluster.info.zookeeper_root.rstrip(
        "/"
    )


def _same(source: ClusterView, target: ClusterView) -> Finding | None:
    shared = sorted(set(source.info.meta_servers) & set(target.info.meta_servers))
    hosts, root = _zookeeper(source)
    other_hosts, other_root = _zookeeper(target)
    if shared or (hosts & other_hosts and root == other_root):
        return Finding(
            "pegasus.cluster.same",
            "blocker",
            PAIR,
            {"name": source.name, "meta_servers": shared or list(source.info.meta_servers), "zookeeper_root": root},
            "meta_servers and target_meta_servers lead to one and the same cluster. Give the meta servers of the "
            "cluster that the tables move to.",
        )
    return None


def _same_name(source: ClusterView, target: ClusterView) -> Finding:
    """Duplication goes by dup_cluster_name where there is one (2.6). MetaProxy's znodes and our journal do not."""
    return Finding(
        "pegasus.cluster.same_name",
        "blocker",
        PAIR,
        {
            "name": source.info.cluster_name or source.name,
            "duplication_names": [source.name, target.name],
            "source_meta_servers": list(source.info.meta_servers),
            "target_meta_servers": list(target.info.meta_servers),
        },
        "Two clusters have one name, by which duplication, the znodes of MetaProxy and the journal tell them apart. "
        "Give one of them (the new one, on which nothing depends yet) another [replication] cluster_name, and restart "
        "its meta and replica servers. Another dup_cluster_name (2.6) is not enough.",
    )


def _identity(cluster: ClusterView) -> t.Iterator[Finding]:
    option = "cluster_name" if cluster.role == v.SOURCE else "remote_cluster"
    if not cluster.name:
        yield Finding(
            "pegasus.cluster.name_unknown",
            "blocker",
            cluster.subject,
            {"primary_meta": cluster.info.primary_meta},
            f"The cluster does not tell its name, which duplication needs. Set [replication] cluster_name and restart "
            f"meta and replica servers, or give it in {option}.",
        )
    elif cluster.own.outcome == v.DISABLED:
        yield Finding(
            "pegasus.cluster.duplication_disabled",
            "blocker",
            cluster.subject,
            {"answer": cluster.own.text},
            "Set [replication] duplication_enabled to true on its meta and replica servers, and restart them."
            if cluster.role == v.SOURCE
            else "It cannot be asked whether it knows the source. Set [replication] duplication_enabled to true on its "
            "meta and replica servers and restart them, or compare the [duplication-group] sections by hand and accept "
            "this finding.",
        )
    elif cluster.own.outcome == v.UNCLEAR:
        yield _unclear(cluster, cluster.name, cluster.own)
    elif cluster.own.outcome != v.ITSELF:
        yield Finding(
            "pegasus.cluster.other_name",
            "blocker",
            cluster.subject,
            {"asked_for": cluster.name, "answer": cluster.own.text},
            "The cluster does not take this name for its own in duplication. From 2.6 on [replication] "
            f"dup_cluster_name may say another one than cluster_name: give that in {option}.",
        )


def _knowledge(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    for cluster, other in ((source, target), (target, source)):
        outcome = cluster.other.outcome
        if not other.name or cluster.own.outcome == v.DISABLED:
            continue
        if outcome == v.NO_ID:
            yield _no_id(cluster, other)
        elif outcome == v.NO_ADDRESS:
            yield _no_address(cluster, other)
        elif outcome == v.ITSELF:
            yield Finding(
                "pegasus.cluster.same_name",
                "blocker",
                cluster.subject,
                {"asked_for": other.name, "answer": cluster.other.text},
                f"It takes {other.name} for its own name. Name the two clusters apart (cluster_name, from 2.6 on "
                "dup_cluster_name), and restart meta and replica servers.",
            )
        elif outcome != v.KNOWN:
            yield _unclear(cluster, other.name, cluster.other)


def _unclear(cluster: ClusterView, asked: str, answer: v.ProbeAnswer) -> Finding:
    return Finding(
        "pegasus.cluster.ids_unknown",
        "blocker",
        cluster.subject,
        {"asked_for": asked, "answer": answer.text},
        "Its answer does not tell whether it is set up for duplication. Run preflight again; if it stays so, compare "
        f"{_GROUP} and [pegasus.clusters] of both clusters by hand, and accept this finding.",
    )


def _no_id(cluster: ClusterView, other: ClusterView) -> Finding:
    if cluster.role == v.SOURCE:
        remedy = (
            f"Add {cluster.name} and {other.name} with different ids (1 to 127) to {_GROUP} of the configuration of "
            "all meta and replica servers of both clusters, and restart them."
        )
    else:
        remedy = (
            f"Its replica servers would refuse what the source ships, and that makes the replica servers of the SOURCE "
            f"abort again and again. Add {other.name} with its id to {_GROUP} of all meta and replica servers of "
            f"{cluster.name}, and restart them, before anything is duplicated."
        )
    return Finding(
        "pegasus.cluster.ids_missing",
        "blocker",
        cluster.subject,
        {"missing": other.name, "section": _GROUP, "answer": cluster.other.text},
        remedy,
    )


def _no_address(cluster: ClusterView, other: ClusterView) -> Finding:
    metas = ",".join(other.info.meta_servers)
    if cluster.role == v.SOURCE:
        return Finding(
            "pegasus.cluster.address_missing",
            "blocker",
            cluster.subject,
            {"missing": other.name, "section": "[pegasus.clusters]", "answer": cluster.other.text},
            f"Add the line `{other.name} = {metas}` to [pegasus.clusters] of all its meta and replica servers, and "
            "restart them.",
        )
    return Finding(
        "pegasus.cluster.no_way_back",
        "info",
        cluster.subject,
        {"missing": other.name, "section": "[pegasus.clusters]"},
        f"Nothing to do for the way there. To be able to duplicate back to {other.name} after the switch, add the line "
        f"`{other.name} = {metas}` to [pegasus.clusters] of its meta and replica servers beforehand, and restart them.",
    )


def _versions(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    pair = {"source": str(source.version), "target": str(target.version)}
    newer = (source.version.major, source.version.minor) > (target.version.major, target.version.minor)
    if source.profile.generation != target.profile.generation:
        yield Finding(
            "pegasus.version.older_target" if newer else "pegasus.version.pair",
            "warning" if newer else "info",
            PAIR,
            pair,
            "The target has to open files that a newer RocksDB has written. Upgrade the target first, or try it with a "
            "table that does not matter."
            if newer
            else "Nothing to do. What only the newer version can do, such as another table name on the target, needs "
            "both.",
        )
    names = [address for address in source.info.meta_servers if not LITERAL.fullmatch(address)]
    if not names:
        return
    if target.profile.master_metas_must_resolve:
        yield Finding(
            "pegasus.cluster.names_must_resolve",
            "warning",
            target.subject,
            {"names": names},
            "Its replica servers keep these names of the source's meta servers, and do not start when one does not "
            "resolve. Make sure that they resolve there, and keep them in DNS after the migration until every replica "
            "of the tables has been built anew.",
        )
    else:
        yield Finding(
            "pegasus.cluster.host_names",
            "blocker",
            target.subject,
            {"names": names, **pair},
            "A target before 2.6 takes the addresses of the source's meta servers as ip:port only, and its replica "
            "servers abort on names. Configure the source's meta servers by IP address, or upgrade the target to 2.6.",
        )


def _unprovable(source: ClusterView, target: ClusterView) -> Finding:
    return Finding(
        "pegasus.cluster.not_visible_from_here",
        "info",
        PAIR,
        [
            f"The meta servers of {source.name} must reach those of {target.name}.",
            f"The replica servers of {source.name} must reach meta and replica servers of {target.name}.",
            f"The replica servers of {target.name} must reach meta and replica servers of {source.name} (they pull the "
            "checkpoint).",
            f"{_GROUP} was proved at the meta servers only; replica servers must have the same.",
            f"{_GROUP} must give each cluster the same id in both clusters' configuration, which nobody tells: replica "
            f"servers of {target.name} that take the id of {source.name} for their own make those of {source.name} "
            "abort.",
        ],
        "Look at the firewalls between the clusters, and compare the configuration of meta and replica servers, if you "
        "are not sure of them.",
    )
