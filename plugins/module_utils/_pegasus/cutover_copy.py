# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the target's table is the copy that the duplication of this table made, by the envs that it left there."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import MASTER_APP
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import MASTER_CLUSTER, MASTER_METAS


def metas_of(clusters: Clusters) -> t.Set[str]:
    """The source's meta servers under every name that is known here."""
    return {address.lower() for address in (*clusters.metas, *clusters.source.meta_servers)}


def of_another(clusters: Clusters, table: TableView, app: model.App) -> t.Dict[str, str]:
    """The envs by which the target's table is the copy of another one. Absent ones say nothing: they may be deleted.

    The source may have another name in duplication (``dup_cluster_name``, 2.6), which it does not tell; then its meta
    servers say that it is the one.
    """
    found: t.Dict[str, str] = {}
    master, there = app.envs.get(MASTER_CLUSTER), app.envs.get(MASTER_METAS, "")
    metas = {part.strip().lower() for part in there.split(",")}
    if master and master != clusters.source.cluster_name and not metas & metas_of(clusters):
        found = {MASTER_CLUSTER: master, MASTER_METAS: there}
    of = app.envs.get(MASTER_APP)
    # Before 2.6 a source does not set it, but copies one that it has itself from a former migration.
    copied = not clusters.profile.remote_app_name and table.app is not None and table.app.envs.get(MASTER_APP) == of
    if of and of != table.name and not copied:
        found[MASTER_APP] = of
    return found
