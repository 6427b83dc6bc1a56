# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port's paths for a Pegasus lab: state, nodes, elections, foreign operators, configuration; and faults."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from lab.control import Route
from lab.faults import Rule
from lab.gate import AnswerError
from lab.http_server import HttpRequest
from lab.pegasus import model, state
from lab.pegasus.cluster import Cluster
from lab.pegasus.node import ReplicaServer
from lab.pegasus.settings import update
from lab.pegasus.zookeeper_znodes import ZnodeMissing, ZnodeTrouble

if t.TYPE_CHECKING:
    from lab.pegasus.server import PegasusLab

LASTING = frozenset(
    (
        "dup_stuck",
        "dup_fail_skip",
        "stale_progress",
        "frozen_counter",
        "partition_missing_in_progress",
        "config_sync_stalled",
        "lost_log",
        "follower_create_times_out",
    )
)
"""In effect as long as they are set."""
ON_REQUEST = frozenset(("dup_paused", "node_dead", "primary_moves", "meta_failover", "refuse_connections"))
"""At once, or after a request that matches."""
ENGINE_FAULTS = LASTING | ON_REQUEST
EVERY_PARTITION = "all"
STATUS = {name[3:].lower(): number for number, name in enumerate(model.DUP_STATUS)}
FAIL_MODES = {name[5:].lower(): number for number, name in enumerate(model.FAIL_MODE)}


class Actions:
    """What a test or a person may do to the clusters from outside."""

    def __init__(self, lab: PegasusLab) -> None:
        self._lab = lab
        self._refusing: set[str] = set()

    def routes(self) -> dict[tuple[str, str], Route]:
        """(method, first path segment) -> handler."""
        return {
            ("GET", "state"): self._state,
            ("POST", "nodes"): self._nodes,
            ("POST", "meta"): self._meta,
            ("POST", "foreign"): self._foreign,
            ("POST", "config"): self._config,
            ("GET", "ledger"): self._ledger,
            ("POST", "writers"): self._writers,
            ("POST", "metaproxy"): self._metaproxy,
            ("POST", "zookeeper"): self._zookeeper,
        }

    def _cluster(self, key: str) -> Cluster:
        if key not in self._lab.clusters:
            raise ValueError("cluster: %r is neither source nor target" % key)
        return self._lab.clusters[key]

    # ---- faults

    async def faults_changed(self) -> None:
        """Strike at once what waits for no request."""
        for rule in self._lab.faults.rules:
            if rule.kind in ENGINE_FAULTS and not rule.on_request and not rule.hits and rule.strike():
                self.strike(rule)
        refusing = {rule.node for rule in self._lab.faults.rules if rule.kind == "refuse_connections"}
        for address in self._refusing - refusing:
            await self._open(address)

    def strike(self, rule: Rule) -> None:
        """Do what a rule of the engine's own kinds says, now."""
        cluster = self._cluster(rule.cluster or "source")
        if rule.kind == "node_dead":
            node = cluster.nodes[rule.node or next(a for a, n in cluster.nodes.items() if n.alive)]
            node.kill()
            if rule.seconds:
                cluster.spawn(self._revive(cluster, node, rule.seconds))
        elif rule.kind == "refuse_connections":
            self._lab.doors[rule.node].pause()
            self._refusing.add(rule.node)
            if rule.seconds:
                cluster.spawn(self._open(rule.node, rule.seconds))
        elif rule.kind == "meta_failover":
            cluster.spawn(cluster.meta.failover())
        elif rule.kind == "primary_moves":
            self._move_primaries(cluster, rule)
        elif rule.kind == "dup_paused":
            for duplication in self._duplications(cluster, rule.table):
                if duplication.status == model.LOG:
                    duplication.status = model.PAUSE
        elif rule.kind == "dup_fail_skip":
            for duplication in self._duplications(cluster, rule.table):
                duplication.fail_mode = model.SKIP
        if rule.kind in LASTING and rule.seconds:
            cluster.spawn(self._lift(rule))

    async def _open(self, address: str, seconds: float = 0.0) -> None:
        """Accept connections again, unless the server is dead."""
        await self._lab.clock.sleep(seconds)
        self._refusing.discard(address)
        node = next((c.nodes[address] for c in self._lab.clusters.values() if address in c.nodes), None)
        if node is None or node.alive:
            await self._lab.doors[address].resume()

    async def _lift(self, rule: Rule) -> None:
        """End a lasting fault after its lab seconds."""
        await self._lab.clock.sleep(rule.seconds)
        if rule in self._lab.faults.rules:
            self._lab.faults.rules.remove(rule)

    async def _revive(self, cluster: Cluster, node: ReplicaServer, seconds: float) -> None:
        await cluster.clock.sleep(seconds)
        if not node.alive:
            node.revive()

    def _move_primaries(self, cluster: Cluster, rule: Rule) -> None:
        """One partition's primary (region_id, else the first), or all of the table's (step "all")."""
        app = self._table(cluster, rule.table)
        every = rule.step == EVERY_PARTITION
        for partition in app.partitions if every else [app.partitions[rule.region_id or 0]]:
            cluster.move_primary(partition, rule.node if rule.node in partition.secondaries else "")

    def _table(self, cluster: Cluster, name: str) -> model.App:
        app = cluster.app(name or self._lab.options.tables[0])
        if app is None:
            raise ValueError("table: %r is not there" % name)
        return app

    @staticmethod
    def _duplications(cluster: Cluster, table: str) -> list[model.Duplication]:
        apps = [app for app in cluster.apps.values() if table in ("", app.name)]
        return [duplication for app in apps for duplication in app.duplications.values()]

    # ---- paths

    async def _state(self, request: HttpRequest) -> t.Any:
        lab = self._lab
        return {
            "engine": "pegasus",
            "profile": lab.options.profile,
            "version": lab.clusters["source"].profile.version,
            "pid": os.getpid(),
            "time": lab.clock.now(),
            "factor": lab.clock.factor,
            "epoch": lab.clock.epoch(),
            "clusters": {key: state.cluster(c) for key, c in lab.clusters.items()},
            "nodes": {a: state.node(n) for c in lab.clusters.values() for a, n in c.nodes.items()},
            "znodes": await lab.edge.znodes(),
            **lab.edge.as_dict(),
        }

    async def _ledger(self, request: HttpRequest) -> t.Any:
        return await self._lab.edge.ledger()

    async def _writers(self, request: HttpRequest) -> t.Any:
        """{"count", "rate", "kinds": ["java", "go", "cpp"]} replaces the clients."""
        data, options = request.json(), self._lab.options
        options.clients = int(data.get("count", options.clients))
        options.rate = float(data.get("rate", options.rate))
        self._lab.edge.run_clients(options.clients, options.rate, data.get("kinds", ("java", "go")))
        return {"count": options.clients, "rate": options.rate}

    async def _metaproxy(self, request: HttpRequest) -> t.Any:
        """POST /metaproxy/<number>/kill|start|lose_watches"""
        _metaproxy, number, action = request.path.strip("/").split("/")
        proxy = self._lab.edge.proxies[int(number)]
        if action == "kill":
            proxy.kill()
        elif action == "start":
            await proxy.start()
        elif action == "lose_watches":
            await proxy.lose_watches()
        else:
            raise ValueError("POST /metaproxy/<number>/kill, start or lose_watches")
        return proxy.as_dict()

    async def _zookeeper(self, request: HttpRequest) -> t.Any:
        """POST /zookeeper/stop, /zookeeper/start"""
        await self._lab.edge.zookeeper_action(request.path.strip("/").split("/")[1])
        return {}

    async def _nodes(self, request: HttpRequest) -> t.Any:
        """POST /nodes/<cluster>/<address> {"alive": true|false}"""
        _nodes, key, address = request.path.strip("/").split("/")
        node = self._cluster(key).nodes[address]
        alive = bool(request.json()["alive"])
        if alive and not node.alive:
            node.revive()
        elif not alive and node.alive:
            node.kill()
        return {"address": address, "alive": node.alive}

    async def _meta(self, request: HttpRequest) -> t.Any:
        """POST /meta/<cluster>/failover; returns when another meta server leads and has recovered."""
        _meta, key, action = request.path.strip("/").split("/")
        if action != "failover":
            raise ValueError("POST /meta/<cluster>/failover")
        cluster = self._cluster(key)
        await cluster.meta.failover()
        return {"leader": cluster.meta.leader_address}

    async def _foreign(self, request: HttpRequest) -> t.Any:
        """Another operator's actions on one cluster ("source" unless "cluster" says); in no request record."""
        data = dict(request.json())
        cluster = self._cluster(data.pop("cluster", "source"))
        table = data.pop("table", self._lab.options.tables[0])
        result: dict[str, t.Any] = {}
        try:
            for name, value in data.items():
                action = getattr(self, "_foreign_" + name, None)
                if action is None:
                    known = sorted(n[9:] for n in dir(self) if n.startswith("_foreign_"))
                    raise ValueError("%s: not one of %s" % (name, ", ".join(known)))
                result[name] = await action(cluster, table, value)
        except (AnswerError, ZnodeMissing, ZnodeTrouble) as error:
            result["error"] = str(error)
        return result

    async def _foreign_env(self, cluster: Cluster, table: str, values: t.Mapping[str, str | None]) -> None:
        """{key: value}; null deletes the key."""
        envs = dict(self._table(cluster, table).envs)
        for key, value in values.items():
            if value is None:
                envs.pop(key, None)
            else:
                envs[key] = value
        self._table(cluster, table).envs = envs

    async def _foreign_meta_level(self, cluster: Cluster, table: str, level: str) -> None:
        cluster.meta.level = model.LEVELS[level]

    async def _foreign_duplication(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """{"status": "pause"|"log"|"removed", "fail_mode": "slow"|"skip"|"fast"} for all of the table, as a request."""
        app = self._table(cluster, table)
        for duplication in list(app.duplications.values()):
            change: dict[str, t.Any] = {"app_name": app.name, "dupid": duplication.id}
            if "status" in values:
                change["status"] = STATUS[values["status"]]
            if "fail_mode" in values:
                change["fail_mode"] = FAIL_MODES[values["fail_mode"]]
            await cluster.meta.duplications.modify(change)

    async def _foreign_add_duplication(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> int:
        """{"remote", "checkpoint": bool, "ready": bool}; returns the dupid. ready: in DS_LOG at once."""
        request = {"app_name": table, "remote_cluster_name": values["remote"]}
        if values.get("ready"):
            return await cluster.meta.duplications.add_ready(request)
        request["is_duplicating_checkpoint"] = values.get("checkpoint", True)
        return int((await cluster.meta.duplications.add(request))["dupid"])

    async def _foreign_move_primary(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> str:
        """{"partition", "to": address (any living secondary if absent)}; returns the new primary."""
        partition = self._table(cluster, table).partitions[int(values.get("partition", 0))]
        return cluster.move_primary(partition, values.get("to", ""))

    async def _foreign_config(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """{flag: value} on every replica server, or on "node" only."""
        values = dict(values)
        address = values.pop("node", "")
        for node in cluster.nodes.values():
            if address in ("", node.address):
                node.flags.update({name: str(value) for name, value in values.items()})

    async def _foreign_create_table(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> int:
        """{"name", "partitions", "replicas", "records", "envs"}; returns the id."""
        if cluster.app(values["name"]) is not None:
            raise ValueError("table: %r is there already" % values["name"])
        app = cluster.add_table(
            values["name"],
            int(values.get("partitions", 8)),
            int(values.get("replicas", 3)),
            int(values.get("records", 0)),
        )
        app.envs = dict(values.get("envs", {}))
        return app.id

    async def _foreign_drop_table(self, cluster: Cluster, table: str, name: str) -> None:
        await cluster.meta.tables.drop({"app_name": name, "options": {}})

    async def _foreign_rename_table(self, cluster: Cluster, table: str, values: t.Mapping[str, str]) -> None:
        await cluster.meta.tables.rename({"old_app_name": values["old"], "new_app_name": values["new"]})

    async def _foreign_znode(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """{"cluster": "source"|"target"} or {"data": text, null removes it}: the table's entry for MetaProxy."""
        if "cluster" in values:
            await self._lab.edge.point(table, values["cluster"])
        else:
            await self._lab.edge.write(table, values["data"])

    async def _foreign_switch(self, cluster: Cluster, table: str, to: str) -> None:
        """Without MetaProxy: the clients of the table go to "source" or "target" from now on."""
        options = self._lab.options
        share = max(1, options.clients // len(options.tables)) if options.clients else 0
        self._lab.edge.switch(table, self._cluster(to).key, share, options.rate / len(options.tables))

    async def _foreign_table_fields(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """Set fields of a table."""
        known = (
            "bulk_loading",
            "splitting",
            "atomic_idempotent",
            "data_version",
            "copy_seconds",
            "replicas",
            "atomic_rates",
            "sst_mb",
        )
        app = self._table(cluster, table)
        for name, value in values.items():
            if name not in known:
                raise ValueError("%s: not one of %s" % (name, ", ".join(known)))
            setattr(app, name, value)

    async def _config(self, request: HttpRequest) -> t.Any:
        """Settings by name, of both clusters or of "cluster"."""
        data = dict(request.json())
        key = data.pop("cluster", "")
        clusters = [self._cluster(key)] if key else list(self._lab.clusters.values())
        for cluster in clusters:
            update(cluster.settings, data)
        return {"settings": {c.key: dataclasses.asdict(c.settings) for c in clusters}}
