# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Source and target must be two clusters."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster


def require_two_clusters(source: Cluster, target: Cluster) -> None:
    """MigrationError ``starrocks.same_cluster`` when both options lead to one cluster."""
    shared = {one.address for one in source.frontends()} & {one.address for one in target.frontends()}
    if source.cluster_id == target.cluster_id and shared:
        raise MigrationError(
            "starrocks.same_cluster",
            f"frontends and target_frontends lead to the same cluster ({source.cluster_id}, {', '.join(sorted(shared))}"
            "). Give the frontends of two clusters. Nothing was changed.",
            details={"cluster_id": source.cluster_id, "shared": sorted(shared)},
        )
