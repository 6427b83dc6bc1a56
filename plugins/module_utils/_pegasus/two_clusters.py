# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Source and target must be two clusters. Addresses alone do not tell: one server may have several names."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import ClusterInfo


def require_two_clusters(source: ClusterInfo, target: ClusterInfo) -> None:
    """MigrationError ``pegasus.same_cluster`` when both lead to one cluster, by its own list of meta servers."""
    if set(source.meta_servers) & set(target.meta_servers):
        raise MigrationError(
            "pegasus.same_cluster",
            f"meta_servers and target_meta_servers both lead to the cluster {source.cluster_name}; give the "
            "cluster that the tables move to.",
        )
