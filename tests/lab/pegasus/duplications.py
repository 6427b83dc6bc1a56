# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The meta server's side of duplications: add, modify, query, and what replica servers report and learn every 10 s."""

from __future__ import annotations

import fnmatch
import typing as t

from lab.pegasus import model, storage
from lab.pegasus.errors import Refused
from lab.pegasus.followers import Followers
from lab.pegasus.model import App, Duplication, Duplicator, Partition

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster
    from lab.pegasus.node import ReplicaServer

Values = t.Dict[str, t.Any]
LEGAL = {
    (model.INIT, model.PREPARE),
    (model.PREPARE, model.APP),
    (model.APP, model.LOG),
    (model.INIT, model.LOG),
    (model.LOG, model.PAUSE),
    (model.PAUSE, model.LOG),
}


class Duplications:
    """Requests about duplications at the leading meta server, and the life cycle up to DS_LOG."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._followers = Followers(cluster)

    def _app(self, name: str) -> App:
        app = self._cluster.app(name)
        if app is None or app.status != model.AVAILABLE:
            raise Refused("ERR_APP_NOT_EXIST")
        return app

    def check_enabled(self) -> None:
        """ERR_SERVICE_NOT_ACTIVE when duplication is switched off."""
        if not self._cluster.settings.duplication_enabled:
            raise Refused("ERR_SERVICE_NOT_ACTIVE")

    def _check_remote(self, remote: str) -> None:
        settings = self._cluster.settings
        if remote == settings.name:
            raise Refused("ERR_INVALID_PARAMETERS", hint="illegal operation: adding duplication to itself")
        if remote not in settings.group:
            error = "ERR_OBJECT_NOT_FOUND: failed to get cluster id for %s" % remote
            hint = "get_duplication_cluster_id(%s) failed, error: %s" % (remote, error)
            raise Refused("ERR_INVALID_PARAMETERS", hint=hint)
        if remote not in settings.clusters:
            hint = "failed to find cluster[%s] address in config [pegasus.clusters]" % remote
            raise Refused("ERR_INVALID_PARAMETERS", hint=hint)

    async def add(self, request: Values) -> Values:
        """RPC_CM_ADD_DUPLICATION."""
        self.check_enabled()
        cluster, newest = self._cluster, self._cluster.profile.newest
        remote = request["remote_cluster_name"]
        self._check_remote(remote)
        app = self._app(request["app_name"])
        checkpoint = request.get("is_duplicating_checkpoint", True)
        table = (request.get("remote_app_name") or app.name) if newest else app.name
        replicas = (request.get("remote_replica_count") or app.replicas) if newest else app.replicas
        start = model.PREPARE if checkpoint else model.LOG
        for found in app.duplications.values():
            if found.remote == remote and (not newest or found.remote_table == table):
                return await self._add_again(app, found, start)
        if newest:
            self._check_remote_table(app, remote, table)
        dupid = int(cluster.clock.epoch())
        while dupid in app.duplications:
            dupid += 1
        duplication = Duplication(dupid, remote, cluster.clock.epoch(), checkpoint, table, replicas)
        await cluster.pause("meta_write")
        duplication.status = start
        if not checkpoint:
            duplication.confirmed = {p.index: p.decree for p in app.partitions}
        app.duplications[dupid] = duplication
        result = {"err": "ERR_OK", "appid": app.id, "dupid": dupid}
        if newest:
            result.update(remote_app_name=table, remote_replica_count=replicas)
        return result

    async def add_ready(self, request: Values) -> int:
        """A duplication that is in DS_LOG at once, and known everywhere: for tests that are about what comes after."""
        cluster = self._cluster
        dupid = int((await self.add(request))["dupid"])
        app = self._app(request["app_name"])
        duplication = app.duplications[dupid]
        target = cluster.peers[duplication.remote]
        if target.app(duplication.remote_table) is not None:
            raise Refused("ERR_APP_EXIST")
        for partition in app.partitions:
            duplication.prepared.add(partition.index)
            duplication.confirmed[partition.index] = partition.decree
            shipped = partition.decree
            partition.duplicators[dupid] = Duplicator(dupid, model.LOG, model.SLOW, shipped, shipped, reported=True)
            cluster.dirty.add(partition)
        target.meta.tables.create_ready_follower(app, duplication, self._followers.envs(app))
        duplication.status = model.LOG
        for node in [*cluster.nodes.values(), *target.nodes.values()]:
            node.config_sync()
        return dupid

    def _check_remote_table(self, app: App, remote: str, table: str) -> None:
        for other in self._cluster.apps.values():
            for found in other.duplications.values() if other is not app else ():
                if (found.remote, found.remote_table) == (remote, table):
                    hint = "illegal operation: another app(%s) is also replicated to %s/%s" % (
                        other.name,
                        remote,
                        table,
                    )
                    raise Refused("ERR_INVALID_PARAMETERS", hint=hint)
        for found in app.duplications.values():
            if found.remote == remote:
                hint = "illegal operation: app(%s) is already replicated to %s" % (app.name, remote)
                raise Refused("ERR_INVALID_PARAMETERS", hint=hint)

    async def _add_again(self, app: App, found: Duplication, start: int) -> Values:
        """Without checkpoint a paused one goes on silently, on every version."""
        if start == model.LOG and found.status == model.PAUSE:
            await self._cluster.pause("meta_write")
            found.status = model.LOG
            return {"err": "ERR_OK", "appid": app.id, "dupid": found.id}
        if not self._cluster.profile.newest:
            if found.status == start:
                return {"err": "ERR_OK", "appid": app.id, "dupid": found.id}
            return {"err": "ERR_OK", "appid": 0, "dupid": 0}
        if found.status == start:
            raise Refused("ERR_DUP_EXIST", appid=app.id, dupid=found.id)
        hint = "start dup[%s(%d)] failed: err = ERR_INVALID_PARAMETERS" % (app.name, found.id)
        raise Refused("ERR_INVALID_PARAMETERS", hint=hint, appid=app.id, dupid=found.id)

    async def modify(self, request: Values) -> Values:
        """RPC_CM_MODIFY_DUPLICATION."""
        self.check_enabled()
        app = self._app(request["app_name"])
        found = app.duplications.get(request["dupid"])
        if found is None:
            raise Refused("ERR_OBJECT_NOT_FOUND")
        if found.altering:
            raise Refused("ERR_BUSY")
        status = request.get("status", found.status)
        mode = request.get("fail_mode", found.fail_mode)
        legal = status in (found.status, model.REMOVED) or (found.status, status) in LEGAL
        if not legal or not 0 <= mode < len(model.FAIL_MODE):
            raise Refused("ERR_INVALID_PARAMETERS")
        found.altering = True
        try:
            await self._cluster.pause("meta_write")
        finally:
            found.altering = False
        found.status, found.fail_mode = status, mode
        if status == model.REMOVED:
            self._cluster.remove_duplication(app, found)
        return {"err": "ERR_OK", "appid": app.id}

    def query(self, request: Values) -> Values:
        """RPC_CM_QUERY_DUPLICATION."""
        self.check_enabled()
        app = self._app(request["app_name"])
        return {"err": "ERR_OK", "appid": app.id, "entry_list": [self.entry(d) for d in app.duplications.values()]}

    def list_all(self, request: Values) -> Values:
        """RPC_CM_LIST_DUPLICATION (2.6)."""
        self.check_enabled()
        pattern, kind = request.get("app_name_pattern", ""), request.get("match_type", 1)
        forms = {1: "*", 2: "%s", 3: "*%s*", 4: "%s*", 5: "*%s"}
        if kind not in forms:
            raise Refused("ERR_INVALID_PARAMETERS", hint_message="invalid match type")
        wanted = forms[kind].replace("%s", pattern.replace("[", "[[]"))
        states = {
            app.name: {
                "appid": app.id,
                "duplications": {d.id: self.entry(d) for d in app.duplications.values()},
                "app_name": app.name,
                "partition_count": app.partition_count,
            }
            for app in self._cluster.apps.values()
            if app.status == model.AVAILABLE and fnmatch.fnmatchcase(app.name, wanted)
        }
        return {"err": "ERR_OK", "hint_message": "", "app_states": states}

    def entry(self, duplication: Duplication) -> Values:
        """duplication_entry as query and list give it."""
        found: Values = {
            "dupid": duplication.id,
            "status": duplication.status,
            "remote": duplication.remote,
            "create_ts": int(duplication.created * 1000),
            "fail_mode": duplication.fail_mode,
        }
        if self._cluster.profile.newest:
            found["remote_app_name"] = duplication.remote_table
            found["remote_replica_count"] = duplication.remote_replicas
            found["partition_states"] = {
                index: {"confirmed_decree": decree, "last_committed_decree": duplication.committed.get(index, decree)}
                for index, decree in sorted(duplication.confirmed.items())
            }
        return found

    # ---- what a replica server's duplication sync does

    def sync(self, node: ReplicaServer) -> None:
        """One server's sync: life cycle steps, what its primaries learn, what they confirm."""
        cluster = self._cluster
        node.pending_counter = sum(partition.decree - known.shipped for partition, known in node.duplicators())
        led: dict[int, list[Partition]] = {}
        for partition, primary in node.hosted():
            if primary and partition.app.status == model.AVAILABLE:
                led.setdefault(partition.app.id, []).append(partition)
        for app_id, partitions in led.items():
            app = cluster.apps[app_id]
            for duplication in list(app.duplications.values()):
                self._advance(app, duplication)
            for partition in partitions:
                self._sync_partition(partition)
                storage.collect(partition)

    def _advance(self, app: App, duplication: Duplication) -> None:
        if len(duplication.prepared) < app.partition_count or duplication.follower_asked:
            return
        if self._stuck(app, duplication):
            return
        if duplication.status in (model.PREPARE, model.APP):
            duplication.follower_asked = True
            step = self._followers.create if duplication.status == model.PREPARE else self._followers.check
            self._cluster.spawn(step(app, duplication))

    def _stuck(self, app: App, duplication: Duplication) -> bool:
        rule = self._cluster.fault("dup_stuck", table=app.name)
        return rule is not None and rule.step == model.DUP_STATUS[duplication.status]

    def _sync_partition(self, partition: Partition) -> None:
        clock, duplicators = self._cluster.clock, partition.duplicators
        for dupid in set(duplicators) - set(partition.app.duplications):
            del duplicators[dupid]
        for duplication in partition.app.duplications.values():
            known = duplicators.get(duplication.id)
            confirmed = duplication.confirmed.get(partition.index, 0)
            if known is None:
                known = duplicators[duplication.id] = Duplicator(
                    duplication.id, duplication.status, duplication.fail_mode, confirmed, confirmed
                )
                if duplication.status == model.PREPARE and partition.index not in duplication.prepared:
                    known.checkpoint_at = clock.now() + self._cluster.span(self._cluster.settings.durations.checkpoint)
            elif known.status == model.LOG:
                self._confirm(duplication, partition, known)
            self._prepare(duplication, partition, known)
            known.status, known.fail_mode = duplication.status, duplication.fail_mode
            if duplication.status == model.LOG:
                self._cluster.dirty.add(partition)

    def _prepare(self, duplication: Duplication, partition: Partition, known: Duplicator) -> None:
        """The checkpoint of one partition is taken and reported. Until 2.5 a nearly empty replica takes none."""
        if duplication.status != model.PREPARE or known.checkpoint_at is None or known.reported:
            return
        if known.checkpoint_at > self._cluster.clock.now():
            return
        if self._cluster.profile.holds_back and partition.decree < 2:
            return
        partition.checkpoints[duplication.id] = partition.decree, dict(partition.store)
        known.reported = True
        known.shipped = known.confirmed = partition.decree
        duplication.prepared.add(partition.index)
        duplication.confirmed[partition.index] = partition.decree

    def _confirm(self, duplication: Duplication, partition: Partition, known: Duplicator) -> None:
        if self._cluster.fault("dup_stuck", table=partition.app.name, index=partition.index):
            return
        if known.shipped > duplication.confirmed.get(partition.index, 0):
            duplication.confirmed[partition.index] = known.shipped
            duplication.committed[partition.index] = partition.decree
        known.confirmed = max(known.confirmed, duplication.confirmed.get(partition.index, 0))
