# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The follower of a duplication: how the source's meta server has it made, and when it is ready for the log."""

from __future__ import annotations

import typing as t

from lab.pegasus import model
from lab.pegasus.errors import Refused
from lab.pegasus.model import App, Duplication

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster


class Followers:
    """Steps of the life cycle in which a cluster's meta server speaks with the target's."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def create(self, app: App, duplication: Duplication) -> None:
        """RPC_CM_CREATE_APP to the target, which answers before its partitions have primaries; then DS_APP."""
        cluster = self._cluster
        target = cluster.peers.get(duplication.remote)
        try:
            if target is None or not target.meta.answers:
                raise Refused("ERR_TIMEOUT")
            if not self._is_ours(target, duplication):
                target.meta.tables.create_follower(app, duplication, self.envs(app), cluster)
                await target.pause("meta_write")
                if cluster.fault("follower_create_times_out", table=app.name):
                    raise Refused("ERR_TIMEOUT")
            if duplication.status == model.PREPARE:
                duplication.status = model.APP
        except Refused as refused:
            duplication.follower_error = str(refused)
        finally:
            duplication.follower_asked = False

    def envs(self, app: App) -> dict[str, str]:
        """A copy of the source's envs as they are now, and this cluster's mark."""
        cluster = self._cluster
        envs = dict(app.envs)
        envs["duplication.master_cluster"] = cluster.name
        envs["duplication.master_metas"] = ",".join(cluster.meta.public_addresses)
        if cluster.profile.newest:
            envs["duplication.master_app_name"] = app.name
            envs["duplication.follower_app_status"] = "creating"
        return envs

    def _is_ours(self, target: Cluster, duplication: Duplication) -> bool:
        """ERR_APP_EXIST if the name is taken; 2.6 takes a table that carries this cluster's mark for its own."""
        found = target.app(duplication.remote_table)
        if found is None:
            return False
        marked = found.envs.get("duplication.follower_app_status") and self._cluster.profile.newest
        if not marked or found.envs.get("duplication.master_cluster") != self._cluster.name:
            raise Refused("ERR_APP_EXIST")
        return True

    async def check(self, app: App, duplication: Duplication) -> None:
        """DS_LOG once every partition of the follower has a primary and (always until 2.5) a secondary."""
        try:
            target = self._cluster.peers[duplication.remote]
            await target.pause("meta_write")
            found = target.app(duplication.remote_table)
            if found is None or not target.meta.answers:
                raise Refused("ERR_APP_NOT_EXIST")
            if found.partition_count != app.partition_count:
                raise Refused("ERR_INCONSISTENT_STATE")
            if not all(p.primary for p in found.partitions):
                raise Refused("ERR_INACTIVE_STATE")
            single = self._cluster.profile.newest and duplication.remote_replicas == 1
            if not single and not all(p.secondaries for p in found.partitions):
                raise Refused("ERR_NOT_ENOUGH_MEMBER")
            duplication.follower_error = ""
            if duplication.status == model.APP:
                duplication.status = model.LOG
                for partition in app.partitions:
                    partition.checkpoints.pop(duplication.id, None)
            if self._cluster.profile.newest:
                found.envs["duplication.follower_app_status"] = "created"
        except Refused as refused:
            duplication.follower_error = str(refused)
        finally:
            duplication.follower_asked = False
