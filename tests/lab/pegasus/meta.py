# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The meta servers of one cluster: who leads, what state the leader is in, and all requests but those about tables."""

from __future__ import annotations

import typing as t

from lab.pegasus import app_envs, model
from lab.pegasus.duplications import Duplications
from lab.pegasus.errors import HeaderError, Refused
from lab.pegasus.tables import Tables

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster
    from lab.pegasus.node import ReplicaServer

Values = t.Dict[str, t.Any]
ACTIVE, STARTING, RECOVERING = "active", "starting", "recovering"
STATE_ERRORS = {STARTING: "ERR_SERVICE_NOT_ACTIVE", RECOVERING: "ERR_UNDER_RECOVERY"}


class Meta:
    """State that the meta servers share through ZooKeeper. ``leader`` is an index into ``addresses``, or None."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.addresses: list[str] = []
        self.leader: int | None = 0
        self.state = ACTIVE
        self.level = model.LEVELS[cluster.settings.meta_level]
        self.started = int(cluster.clock.epoch())
        self.tables = Tables(cluster)
        self.duplications = Duplications(cluster)
        self._handlers: dict[str, t.Callable[[Values], t.Any]] = {
            "RPC_CM_LIST_APPS": self.tables.list_apps,
            "RPC_CM_LIST_NODES": self.list_nodes,
            "RPC_CM_CLUSTER_INFO": self.cluster_info,
            "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX": self.tables.query_config,
            "RPC_CM_CREATE_APP": self.tables.create,
            "RPC_CM_DROP_APP": self.tables.drop,
            "RPC_CM_RECALL_APP": self.tables.recall,
            "RPC_CM_RENAME_APP": self.tables.rename,
            "RPC_CM_UPDATE_APP_ENV": self._update_env,
            "RPC_CM_ADD_DUPLICATION": self.duplications.add,
            "RPC_CM_MODIFY_DUPLICATION": self.duplications.modify,
            "RPC_CM_QUERY_DUPLICATION": self.duplications.query,
            "RPC_CM_LIST_DUPLICATION": self.duplications.list_all,
            "RPC_CM_CONTROL_META": self.control,
            "RPC_CM_PROPOSE_BALANCER": self.propose,
            "RPC_CM_DDD_DIAGNOSE": lambda request: {"err": "ERR_OK", "partitions": []},
            "RPC_CM_GET_MAX_REPLICA_COUNT": self._max_replica_count,
            "RPC_CM_SET_MAX_REPLICA_COUNT": self._set_max_replica_count,
            "RPC_CM_GET_ATOMIC_IDEMPOTENT": self._atomic_idempotent,
            "RPC_CM_SET_ATOMIC_IDEMPOTENT": self._set_atomic_idempotent,
            "RPC_CM_QUERY_PARTITION_SPLIT": self._query_split,
            "RPC_CM_QUERY_BULK_LOAD_STATUS": self._query_bulk_load,
        }

    @property
    def answers(self) -> bool:
        """True while there is a leader that does its work."""
        return self.leader is not None and self.state == ACTIVE

    @property
    def public_addresses(self) -> list[str]:
        """The addresses as this version gives them: host names in 2.6."""
        host = self._cluster.host_port if self._cluster.profile.newest else str
        return [host(address) for address in self.addresses]

    @property
    def leader_address(self) -> str:
        """host:port of the leader, "" while there is none."""
        return "" if self.leader is None else self.addresses[self.leader]

    def handles(self, rpc: str) -> bool:
        """True when this version of the server knows the RPC."""
        return rpc in self._handlers and rpc not in self._cluster.profile.missing_handlers

    async def answer(self, rpc: str, request: Values, number: int) -> Values:
        """The result of one request at the meta server of that number. Raises Refused or HeaderError."""
        if not self.handles(rpc):
            raise HeaderError("ERR_HANDLER_NOT_FOUND")
        if number != self.leader:
            self._forward(rpc)
        if self.state != ACTIVE:
            raise Refused(STATE_ERRORS[self.state])
        result = self._handlers[rpc](request)
        return t.cast(Values, result if isinstance(result, dict) else await result)

    def _forward(self, rpc: str) -> None:
        """A meta server that does not lead; only one RPC's answer names the leader."""
        if rpc != "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX":
            raise Refused("ERR_FORWARD_TO_OTHERS")
        partition: Values = {
            "pid": (0, 0),
            "ballot": 0,
            "max_replica_count": 0,
            "primary": self.leader_address,
            "secondaries": [],
            "last_drops": [],
            "last_committed_decree": 0,
            "partition_flags": 0,
        }
        if self._cluster.profile.newest:
            partition["hp_primary"] = self._cluster.host_port(self.leader_address)
        raise Refused("ERR_FORWARD_TO_OTHERS", app_id=0, partition_count=0, is_stateful=False, partitions=[partition])

    # ---- elections

    async def failover(self) -> None:
        """The leader is lost; another one is elected, starts and recovers."""
        if self.leader is None:
            return
        old, self.leader = self.leader, None
        await self._cluster.pause("election")
        self.state = STARTING
        self.leader = (old + 1) % len(self.addresses)
        await self._cluster.pause("meta_starting")
        self.state = RECOVERING
        await self._cluster.pause("meta_recovery")
        self.state = ACTIVE
        self.started = int(self._cluster.clock.epoch())

    async def bury(self, node: ReplicaServer) -> None:
        """A replica server died: after failure detection its primaries move and its secondaries are dropped."""
        await self._cluster.pause("failure_detection")
        if node.alive:
            return
        for app in self._cluster.apps.values():
            for partition in app.partitions:
                if partition.primary == node.address:
                    self._cluster.move_primary(partition)
                elif node.address in partition.secondaries:
                    partition.secondaries.remove(node.address)
                    partition.last_drops.append(node.address)
                    partition.ballot += 1

    async def welcome(self, node: ReplicaServer) -> None:
        """A replica server came back: it serves again what it was dropped from."""
        await self._cluster.pause("learn")
        if not node.alive:
            return
        for app in self._cluster.apps.values():
            for partition in app.partitions:
                if node.address in partition.last_drops and node.address not in partition.members():
                    partition.last_drops.remove(node.address)
                    if partition.primary:
                        partition.secondaries.append(node.address)
                    else:
                        partition.primary = node.address
                    partition.ballot += 1

    # ---- requests

    def list_nodes(self, request: Values) -> Values:
        """RPC_CM_LIST_NODES."""
        status, found = request.get("status", 0), []
        for node in self._cluster.nodes.values():
            state = 1 if self.node_alive(node) else 2
            if status in (0, state):
                info: Values = {"status": state, "address": node.address}
                if self._cluster.profile.newest:
                    info["hp_node"] = self._cluster.host_port(node.address)
                found.append(info)
        return {"err": "ERR_OK", "infos": found}

    def node_alive(self, node: ReplicaServer) -> bool:
        """What failure detection says: a node is taken for alive while partitions are still placed on it."""
        return node.alive or any(True for _dummy in node.hosted())

    def cluster_values(self) -> dict[str, str]:
        """The pairs of cluster info, in order, without the cluster's name."""
        host = self._cluster.host_port if self._cluster.profile.newest else str
        level = {number: name for name, number in model.LEVELS.items()}[self.level]
        primaries, totals = self._spread()
        return {
            "meta_servers": ",".join(self.public_addresses),
            "primary_meta_server": host(self.leader_address),
            "zookeeper_hosts": self._cluster.settings.zookeeper_hosts,
            "zookeeper_root": self._cluster.settings.zookeeper_root,
            "meta_function_level": level,
            "balance_operation_count": "move_primary=0,copy_primary=0,copy_secondary=0,total=0",
            "primary_replica_count_stddev": "%.2f" % _deviation(primaries),
            "total_replica_count_stddev": "%.2f" % _deviation(totals),
        }

    def _spread(self) -> tuple[list[int], list[int]]:
        primaries = dict.fromkeys(self._cluster.nodes, 0)
        totals = dict.fromkeys(self._cluster.nodes, 0)
        for node in self._cluster.nodes.values():
            for _partition, primary in node.hosted():
                totals[node.address] += 1
                primaries[node.address] += primary
        return list(primaries.values()), list(totals.values())

    def cluster_info(self, request: Values) -> Values:
        """RPC_CM_CLUSTER_INFO."""
        values = dict(self.cluster_values(), cluster_name=self._cluster.name)
        return {"err": "ERR_OK", "keys": list(values), "values": list(values.values())}

    async def _update_env(self, request: Values) -> Values:
        return await app_envs.update(self._cluster, request)

    def control(self, request: Values) -> Values:
        """RPC_CM_CONTROL_META: sets the level and tells the old one; "invalid" only asks."""
        old, level = self.level, request["level"]
        if level != model.INVALID_LEVEL:
            if level not in model.LEVELS.values():
                raise Refused("ERR_INVALID_PARAMETERS", old_level=old)
            self.level = level
        return {"err": "ERR_OK", "old_level": old}

    def propose(self, request: Values) -> Values:
        """RPC_CM_PROPOSE_BALANCER: moves a primary if an action asks for it."""
        partition = self._cluster.partition(*request["gpid"])
        if partition is None:
            raise Refused("ERR_INVALID_PARAMETERS")
        if self.level < model.LEVELS["steady"]:
            raise Refused("ERR_INVALID_STATE")
        for action in request.get("action_list", []):
            if action["type"] == 2:
                try:
                    self._cluster.move_primary(partition, action["node"])
                except ValueError:
                    raise Refused("ERR_INVALID_PARAMETERS") from None
        return {"err": "ERR_OK"}

    def _available(self, request: Values, **fields: t.Any) -> model.App:
        app = self._cluster.app(request["app_name"])
        if app is None or app.status != model.AVAILABLE:
            raise Refused("ERR_APP_NOT_EXIST", **fields)
        return app

    def _max_replica_count(self, request: Values) -> Values:
        return {"err": "ERR_OK", "max_replica_count": self._available(request).replicas, "hint_message": ""}

    async def _set_max_replica_count(self, request: Values) -> Values:
        app = self._available(request)
        if not 1 <= request["max_replica_count"] <= len(self._cluster.nodes):
            raise Refused("ERR_INVALID_PARAMETERS", hint_message="invalid max_replica_count")
        await self._cluster.pause("meta_write")
        old, app.replicas = app.replicas, request["max_replica_count"]
        return {"err": "ERR_OK", "old_max_replica_count": old, "hint_message": ""}

    def _atomic_idempotent(self, request: Values) -> Values:
        return {"err": "ERR_OK", "atomic_idempotent": self._available(request).atomic_idempotent, "hint_message": ""}

    async def _set_atomic_idempotent(self, request: Values) -> Values:
        app = self._available(request)
        await self._cluster.pause("meta_write")
        old, app.atomic_idempotent = app.atomic_idempotent, request["atomic_idempotent"]
        return {"err": "ERR_OK", "old_atomic_idempotent": old, "hint_message": ""}

    def _query_split(self, request: Values) -> Values:
        app = self._available(request)
        if not app.splitting:
            raise Refused("ERR_INVALID_STATE")
        status = {p.index: 1 for p in app.partitions if p.splitting}
        return {"err": "ERR_OK", "new_partition_count": app.partition_count * 2, "status": status}

    def _query_bulk_load(self, request: Values) -> Values:
        app = self._available(request)
        status = 1 if app.bulk_loading else 0
        return {
            "err": "ERR_OK",
            "app_name": app.name,
            "app_status": status,
            "partitions_status": [status] * app.partition_count,
            "max_replica_count": app.replicas,
            "bulk_load_states": [{} for _dummy in app.partitions],
            "is_bulk_loading": app.bulk_loading,
        }


def _deviation(values: t.Sequence[int]) -> float:
    if not values:
        return 0.0
    mean = sum(values) / len(values)
    return float((sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5)
