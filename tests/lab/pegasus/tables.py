# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables at the meta server: list, configuration, create, drop, recall, rename, and followers of duplications."""

from __future__ import annotations

import fnmatch
import typing as t

from lab.pegasus import model
from lab.pegasus.errors import Refused
from lab.pegasus.model import App, Duplication, Partition

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster

Values = t.Dict[str, t.Any]
HOLD_SECONDS = 7 * 24 * 3600


class Tables:
    """Requests about tables at the leading meta server."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def info(self, app: App) -> Values:
        """app_info, with the fields that this version has."""
        found: Values = {
            "status": app.status,
            "app_type": "pegasus",
            "app_name": app.name,
            "app_id": app.id,
            "partition_count": app.partition_count,
            "envs": app.envs,
            "is_stateful": True,
            "max_replica_count": app.replicas,
            "expire_second": app.expires,
            "create_second": app.created,
            "drop_second": app.dropped,
            "duplicating": app.duplicating,
            "init_partition_count": -1,
            "is_bulk_loading": app.bulk_loading,
        }
        if self._cluster.profile.newest:
            found["atomic_idempotent"] = app.atomic_idempotent
        return found

    def list_apps(self, request: Values) -> Values:
        """RPC_CM_LIST_APPS."""
        status = request.get("status", 0)
        apps = [a for a in self._cluster.apps.values() if status in (0, a.status)]
        if self._cluster.profile.newest and request.get("match_type", 1) != 1:
            forms = {2: "%s", 3: "*%s*", 4: "%s*", 5: "*%s"}
            wanted = forms[request["match_type"]].replace("%s", request.get("app_name_pattern", ""))
            apps = [a for a in apps if fnmatch.fnmatchcase(a.name, wanted)]
        return {"err": "ERR_OK", "infos": [self.info(a) for a in apps]}

    def configuration(self, partition: Partition) -> Values:
        """partition_configuration, with host_port fields on 2.6."""
        found: Values = {
            "pid": partition.gpid,
            "ballot": partition.ballot,
            "max_replica_count": partition.app.replicas,
            "primary": partition.primary,
            "secondaries": partition.secondaries,
            "last_drops": partition.last_drops,
            "last_committed_decree": max(0, partition.decree - 1),
            "partition_flags": 0,
        }
        if self._cluster.profile.newest:
            host = self._cluster.host_port
            found["hp_primary"] = host(partition.primary)
            found["hp_secondaries"] = [host(a) for a in partition.secondaries]
            found["hp_last_drops"] = [host(a) for a in partition.last_drops]
        return found

    def query_config(self, request: Values) -> Values:
        """RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX."""
        app = self._cluster.app(request["app_name"])
        if app is None:
            raise Refused("ERR_OBJECT_NOT_FOUND")
        if app.status == model.CREATING:
            raise Refused("ERR_BUSY_CREATING")
        if app.status != model.AVAILABLE:
            raise Refused("ERR_BUSY_DROPPING" if app.status == model.DROPPING else "ERR_OBJECT_NOT_FOUND")
        wanted = request.get("partition_indices") or range(app.partition_count)
        return {
            "err": "ERR_OK",
            "app_id": app.id,
            "partition_count": app.partition_count,
            "is_stateful": True,
            "partitions": [self.configuration(app.partitions[i]) for i in wanted if 0 <= i < app.partition_count],
        }

    async def create(self, request: Values) -> Values:
        """RPC_CM_CREATE_APP: the table is available once it is registered, its partitions get primaries after that."""
        cluster, options = self._cluster, request["options"]
        if cluster.meta.level <= model.LEVELS["freezed"]:
            raise Refused("ERR_STATE_FREEZED")
        found = cluster.app(request["app_name"])
        if found is not None:
            if found.status == model.AVAILABLE and options.get("success_if_exist"):
                return {"err": "ERR_OK", "appid": found.id}
            busy = {model.CREATING: "ERR_BUSY_CREATING", model.DROPPING: "ERR_BUSY_DROPPING"}
            raise Refused(busy.get(found.status, "ERR_APP_EXIST"))
        count, replicas = options.get("partition_count", 0), options.get("replica_count", 3)
        if count < 1 or not 1 <= replicas <= len(cluster.nodes) or not _name_allowed(request["app_name"]):
            raise Refused("ERR_INVALID_PARAMETERS")
        app = cluster.new_app(request["app_name"], count, replicas, options.get("envs", {}))
        await cluster.pause("meta_write")
        app.status = model.AVAILABLE
        cluster.spawn(self._open(app))
        return {"err": "ERR_OK", "appid": app.id}

    async def _open(self, app: App) -> None:
        await self._cluster.pause("create_table")
        for partition, members in zip(app.partitions, self._cluster.place(app)):
            self._cluster.serve(partition, members)

    def create_follower(self, app: App, duplication: Duplication, envs: dict[str, str], source: Cluster) -> None:
        """What the source's RPC_CM_CREATE_APP sets off here: each primary copies the checkpoint before it opens."""
        cluster = self._cluster
        if cluster.meta.level <= model.LEVELS["freezed"]:
            raise Refused("ERR_STATE_FREEZED")
        if duplication.remote_replicas > len(cluster.nodes):
            raise Refused("ERR_INVALID_PARAMETERS")
        found = cluster.new_app(duplication.remote_table, app.partition_count, duplication.remote_replicas, envs)
        found.data_version = app.data_version
        found.status = model.AVAILABLE
        for partition, members in zip(found.partitions, cluster.place(found)):
            cluster.spawn(self._copy(app, partition, members, duplication, source))

    def create_ready_follower(self, app: App, duplication: Duplication, envs: dict[str, str]) -> None:
        """A follower that holds all that its source holds now."""
        cluster = self._cluster
        if "duplication.follower_app_status" in envs:
            envs["duplication.follower_app_status"] = "created"
        found = cluster.new_app(duplication.remote_table, app.partition_count, duplication.remote_replicas, envs)
        found.status, found.data_version = model.AVAILABLE, app.data_version
        for own, partition, members in zip(app.partitions, found.partitions, cluster.place(found)):
            partition.store, partition.decree = dict(own.store), own.decree
            cluster.serve(partition, members)

    async def _copy(
        self, app: App, partition: Partition, members: list[str], duplication: Duplication, source: Cluster
    ) -> None:
        cluster = self._cluster
        durations = cluster.settings.durations
        seconds = cluster.span(durations.copy)
        if app.copy_seconds is not None:
            seconds = app.copy_seconds * cluster.rng.uniform(0.6, 1.0)
        await cluster.clock.sleep(seconds)
        while _stuck(source, app, partition):
            await cluster.clock.sleep(1.0)
        if _host_names(source) and not cluster.profile.newest:
            cluster.nodes[members[0]].kill()  # it asserts that the master's meta servers are addresses
            return
        decree, store = app.partitions[partition.index].checkpoints.get(duplication.id, (0, {}))
        partition.store = dict(store)
        partition.decree = decree
        members.sort(key=lambda address: not cluster.nodes[address].alive)
        cluster.serve(partition, members[:1])
        await cluster.clock.sleep(cluster.span(durations.learn))
        for member in members[1:]:
            if member not in partition.members() and partition.primary:
                partition.secondaries.append(member)
                partition.ballot += 1

    async def drop(self, request: Values) -> Values:
        """RPC_CM_DROP_APP: the table stays recallable for seven days, or reserve_seconds."""
        cluster, options = self._cluster, request["options"]
        app = cluster.app(request["app_name"])
        if app is None:
            if options.get("success_if_not_exist"):
                return {"err": "ERR_OK"}
            raise Refused("ERR_APP_NOT_EXIST")
        if app.status != model.AVAILABLE:
            raise Refused("ERR_BUSY_CREATING" if app.status == model.CREATING else "ERR_BUSY_DROPPING")
        app.status = model.DROPPING
        await cluster.pause("meta_write")
        app.status = model.DROPPED
        app.dropped = int(cluster.clock.epoch())
        app.expires = app.dropped + int(options.get("reserve_seconds", 0) or HOLD_SECONDS)
        for duplication in list(app.duplications.values()):
            cluster.remove_duplication(app, duplication)
        return {"err": "ERR_OK"}

    async def recall(self, request: Values) -> Values:
        """RPC_CM_RECALL_APP."""
        cluster = self._cluster
        app = cluster.apps.get(request["app_id"])
        if app is None:
            raise Refused("ERR_APP_NOT_EXIST")
        if app.status != model.DROPPED:
            raise Refused("ERR_APP_EXIST")
        if cluster.clock.epoch() >= app.expires:
            raise Refused("ERR_APP_NOT_EXIST")
        name = request.get("new_app_name") or app.name
        if cluster.app(name) is not None:
            raise Refused("ERR_INVALID_PARAMETERS")
        await cluster.pause("meta_write")
        app.name, app.status, app.dropped, app.expires = name, model.AVAILABLE, 0, 0
        return {"err": "ERR_OK", "info": self.info(app)}

    async def rename(self, request: Values) -> Values:
        """RPC_CM_RENAME_APP (2.5)."""
        cluster = self._cluster
        old, new = request["old_app_name"], request["new_app_name"]
        app = cluster.app(old)
        if app is None or app.status != model.AVAILABLE:
            raise Refused("ERR_APP_NOT_EXIST", hint_message="ERR_APP_NOT_EXIST: app(%s) not exist" % old)
        if cluster.app(new) is not None:
            raise Refused("ERR_INVALID_PARAMETERS", hint_message="ERR_INVALID_PARAMETERS: app(%s) already exist" % new)
        if not _name_allowed(new):
            raise Refused("ERR_INVALID_PARAMETERS", hint_message="ERR_INVALID_PARAMETERS: invalid app name")
        await cluster.pause("meta_write")
        app.name = new
        return {"err": "ERR_OK", "hint_message": ""}


def _host_names(cluster: Cluster) -> bool:
    """True when the cluster calls itself by names."""
    return cluster.profile.newest and any(c.isalpha() for c in cluster.settings.host)


def _stuck(source: Cluster, app: App, partition: Partition) -> bool:
    rule = source.fault("dup_stuck", table=app.name, index=partition.index)
    return rule is not None and rule.step == "DS_APP"


def _name_allowed(name: str) -> bool:
    return bool(name) and all(c.isalnum() or c in "_.:" for c in name)
