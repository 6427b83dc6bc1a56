# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What in a single cluster speaks against a migration: its versions, its meta level, its servers. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_clusters import LITERAL
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import ClusterView


def member_findings(cluster: ClusterView) -> t.Iterator[Finding]:
    """The same questions to source and target."""
    yield from _mixed(cluster)
    yield from _level(cluster)
    yield from _addresses(cluster)
    yield from _nodes(cluster)


def _mixed(cluster: ClusterView) -> t.Iterator[Finding]:
    servers = cluster.server_versions
    by_version: dict[str, list[str]] = {}
    for address, version in sorted((servers.good if servers is not None else {}).items()):
        by_version.setdefault(str(version), []).append(address)
    if set(by_version) - {str(cluster.version)}:
        yield Finding(
            "pegasus.version.mixed",
            "warning",
            cluster.subject,
            {"primary_meta": str(cluster.version), "replica_servers": by_version},
            "Finish the upgrade first: what the servers can do, and which bugs they have, is judged by the version of "
            "the primary meta server.",
        )


def _level(cluster: ClusterView) -> t.Iterator[Finding]:
    level = cluster.info.meta_level
    if level == "lively":
        yield Finding(
            "pegasus.meta.lively",
            "warning",
            cluster.subject,
            {"meta_level": level},
            "Moving primaries while a table is duplicating has crashed replica servers. The migrate phase sets the "
            "level to steady and puts it back in the end; working by hand, set it to steady first.",
            "https://github.com/apache/incubator-pegasus/issues/1589",
        )
    elif level != "steady":
        yield Finding(
            "pegasus.meta.level_too_low",
            "blocker",
            cluster.subject,
            {"meta_level": level or "not told"},
            "Below steady no table can be created"
            + (", also not the copy of a table. " if cluster.role == v.TARGET else " and no lost primary is replaced. ")
            + "Find out who set it and why, then set it to steady.",
        )


def _addresses(cluster: ClusterView) -> t.Iterator[Finding]:
    option = "meta_servers" if cluster.role == v.SOURCE else "target_meta_servers"
    if len(cluster.given) < 2:
        yield Finding(
            "pegasus.meta.single_address",
            "warning",
            cluster.subject,
            {"given": list(cluster.given), "cluster": list(cluster.info.meta_servers)},
            "If this meta server fails, the migration stands still, whoever leads then. Name all meta servers of the "
            f"cluster in {option}.",
        )
    listed = set(cluster.info.meta_servers)
    strange = [address for address in cluster.given if address not in listed and LITERAL.fullmatch(address)]
    if strange and all(LITERAL.fullmatch(address) for address in listed) and listed:
        yield Finding(
            "pegasus.meta.strange_address",
            "warning",
            cluster.subject,
            {"given": strange, "cluster": sorted(listed)},
            f"The cluster does not count these among its meta servers. Correct {option}, unless they are other "
            "addresses of the same servers; clients must be able to reach what is written to MetaProxy.",
        )


def _nodes(cluster: ClusterView) -> t.Iterator[Finding]:
    dead = [node.address for node in cluster.nodes if not node.alive]
    if dead:
        yield Finding(
            "pegasus.node.dead",
            "warning",
            cluster.subject,
            {"dead": dead, "alive": len(cluster.alive)},
            "Start them, or let the cluster forget them. Their partitions have fewer copies, and the rest of the "
            "cluster copies data to make up for it while the migration copies too.",
        )
