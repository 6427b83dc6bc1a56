# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the pair of clusters allows: two different ones, a supported path, versions that fit. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import applicable
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import known_bugs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import PRIMARY_KEY
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import ClusterView, View
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import (
    DATA_VERSIONS,
    LAKE_REPLICATION_TARGET,
    REPLICATION_TARGET,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import ONE_ID
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version

SAME = "starrocks.cluster.same"
SAME_ID = "starrocks.cluster.same_id"
PAIR = "source and target"


def pair_findings(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    """Same-cluster guard, path and versions."""
    if source.cluster_id == target.cluster_id:
        yield from _same(source, target)
    yield from _path(source, target)
    if (target.version.major, target.version.minor) < (source.version.major, source.version.minor):
        yield Finding(
            "starrocks.version.older_target",
            "warning",
            PAIR,
            {"source": str(source.version), "target": str(target.version)},
            "The target is older than the source, so it may not know table properties, types or functions in use. Take "
            "a target of the same or a newer version.",
        )
    for cluster in (source, target):
        yield from _mixed(cluster)


def may_accept(acceptance: Acceptance) -> bool:
    """Whether an operator may accept what it names: never one cluster, or two that nobody can tell apart."""
    return acceptance.id not in (SAME, SAME_ID)


def path_name(view: View) -> str:
    """``shared_nothing -> shared_data``, for people."""
    return f"{view.source.profile.run_mode} -> {view.target.profile.run_mode}"


def bug_findings(view: View) -> t.Iterator[Finding]:
    """Known bugs of the target's version that what is moved can meet."""
    for bug in applicable(known_bugs.BUGS, view.target.version, features(view)):
        yield dataclasses.replace(bug, subject=f"{view.target.subject}, version {view.target.version}")


def features(view: View) -> t.Set[str]:
    """What is in use, in the words of ``known_bugs``."""
    found: t.Set[str] = set()
    if view.target.profile.shared_data:
        found.add(known_bugs.DATA_TO_DATA if view.source.profile.shared_data else known_bugs.NOTHING_TO_DATA)
        if any(PRIMARY_KEY in table.traits for table in view.selected_natives()):
            found.add(known_bugs.PRIMARY_KEY_LAKE)
        if view.details.generated and not view.source.profile.shared_data:
            found.add(known_bugs.GENERATED_LAKE)
    if view.details.control_characters:
        found.add(known_bugs.CONTROL_CHARACTERS)
    return found


def _same(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    def members(cluster: ClusterView) -> t.Set[str]:
        return {frontend.address for frontend in cluster.frontends}

    shared = sorted(members(source) & members(target))
    if shared:
        yield Finding(
            SAME,
            "blocker",
            PAIR,
            {"cluster_id": source.cluster_id, "frontends": shared},
            "Both options lead to one cluster. Give the frontends of the cluster that the tables move to in "
            "target_frontends.",
        )
    else:
        yield Finding(
            SAME_ID,
            "blocker",
            PAIR,
            {"cluster_id": source.cluster_id},
            f"Both clusters have one ClusterId, but no frontend in common: {ONE_ID} This cannot be accepted.",
        )


def _path(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    evidence = {
        "path": f"{source.profile.run_mode} -> {target.profile.run_mode}",
        "source": str(source.version),
        "target": str(target.version),
    }
    if source.profile.shared_data and not target.profile.shared_data:
        yield Finding(
            "starrocks.path.unsupported",
            "blocker",
            PAIR,
            evidence,
            "A shared-data cluster cannot be migrated to a shared-nothing one. Take a shared-data target.",
        )
        return
    lake = source.profile.shared_data
    needed = LAKE_REPLICATION_TARGET if lake else ", ".join(REPLICATION_TARGET)
    fits = target.profile.lake_replication_target if lake else target.profile.replication_target
    if not fits:
        yield Finding(
            "starrocks.path.target_too_old",
            "blocker",
            PAIR,
            {**evidence, "needed": needed},
            f"The target must be of {needed} or newer for this path. Upgrade it first.",
        )
        return
    if lake and not source.profile.partitions_meta_data_version:
        yield Finding(
            "starrocks.path.unprovable",
            "blocker",
            PAIR,
            {**evidence, "needed": ", ".join(DATA_VERSIONS)},
            f"A shared-data source tells the data versions of its partitions from {' and '.join(DATA_VERSIONS)} on. "
            "Without them no partition can be proved equal, and the cutover would not come to its end. Upgrade the "
            "source first.",
        )
    yield Finding("starrocks.path.supported", "info", PAIR, evidence, "Nothing to do.")


def _mixed(cluster: ClusterView) -> t.Iterator[Finding]:
    members = [(one.address, one.version) for one in cluster.frontends if one.alive]
    members += [(one.address, one.version) for one in cluster.nodes if one.alive and one.version]
    versions: t.Dict[str, t.List[str]] = {}
    for address, text in members:
        parsed = parse_version(text)
        versions.setdefault(str(parsed) if parsed is not None else text, []).append(address)
    if len(versions) > 1:
        yield Finding(
            "starrocks.version.mixed",
            "warning",
            cluster.subject,
            versions,
            "The cluster runs several versions. Finish the upgrade before the migration: requests are chosen by the "
            "oldest frontend.",
        )
