# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Source and target must be two clusters that can be told apart."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster

ONE_ID = (
    "one is a copy of the other's metadata, or both have the same cluster_id in fe.conf. What is changed on the one "
    "could not be told from what is changed on the other, and could not be put back. Set the target up anew, with an "
    "empty meta_dir and without a cluster_id in fe.conf."
)
"""Two clusters with one id. Otherwise it is chosen at random when the first frontend starts for the first time
(persist/Storage.java), and the names in the journal begin with it."""


def require_two_clusters(source: Cluster, target: Cluster) -> None:
    """MigrationError ``starrocks.same_cluster`` when both options lead to one cluster, or to two with one ClusterId."""
    if source.cluster_id != target.cluster_id:
        return
    shared = sorted({one.address for one in source.frontends()} & {one.address for one in target.frontends()})
    if shared:
        text = (
            f"frontends and target_frontends lead to the same cluster ({source.cluster_id}, {', '.join(shared)}). Give "
            "the frontends of two clusters."
        )
    else:
        text = f"frontends and target_frontends lead to two clusters with one ClusterId ({source.cluster_id}): {ONE_ID}"
    raise MigrationError(
        "starrocks.same_cluster",
        f"{text} Nothing was changed.",
        details={"cluster_id": source.cluster_id, "shared": shared},
    )
