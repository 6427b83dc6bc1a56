# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pegasus lab put together: two clusters, their sockets, MetaProxy with its ZooKeeper, clients, control port."""

from __future__ import annotations

import asyncio
import os
import random
import typing as t
from dataclasses import dataclass, field

from lab.breakpoints import Breakpoints
from lab.clock import LabClock
from lab.control import Control
from lab.faults import Faults
from lab.gate import Gate
from lab.http_server import HttpServer
from lab.ledger import Ledger
from lab.listener import Listener
from lab.pegasus.actions import Actions
from lab.pegasus.balancer import balance_forever
from lab.pegasus.cluster import Cluster
from lab.pegasus.door import Door
from lab.pegasus.edge import ROOT, Edge
from lab.pegasus.meta_server import MetaServer
from lab.pegasus.model import App
from lab.pegasus.node import ReplicaServer
from lab.pegasus.profiles import Profile
from lab.pegasus.replica_server import ReplicaPort
from lab.pegasus.settings import Settings
from lab.pegasus.shipping import Shipping
from lab.pegasus.strikes import ENGINE_FAULTS
from lab.record import RequestRecord

FIRST_TARGET_ID = 5
"""The target has had other tables before, so a follower gets another id than its source."""


@dataclass
class Options:
    """What the command line says."""

    profile: str = "2.6"
    target_profile: str = ""
    factor: float = 1.0
    tables: t.List[str] = field(default_factory=lambda: ["temp"])
    partitions: int = 64
    replicas: int = 3
    clients: int = 8
    rate: float = 200.0
    seed: int = 7
    metaproxy: bool = True
    replica_servers: int = 5
    metas: int = 3
    meta_level: str = "steady"
    records: int = 50
    copy_seconds: t.Optional[float] = None
    more_tables: int = 0


class PegasusLab:
    """One lab. ``start`` returns when everything listens; ``describe`` is what the describe file holds."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = LabClock(options.factor)
        self.faults = Faults(ENGINE_FAULTS)
        self.record = RequestRecord(self.clock)
        self.breakpoints = Breakpoints()
        self.gate = Gate(self.clock, self.record, self.faults, self.breakpoints)
        self.insiders: set[tuple[str, int]] = set()
        self.clusters = {
            "source": self._create("source", options.profile, "onebox-a"),
            "target": self._create("target", options.target_profile or options.profile, "onebox-b"),
        }
        self.doors: dict[str, Door] = {}
        self.ports: dict[str, ReplicaPort] = {}
        self.edge = Edge(self.clock, self.gate, self.clusters, options.tables, self.insiders, options.seed)
        self.describe: dict[str, t.Any] = {}
        self.stopped = asyncio.Event()
        self._listeners: list[Listener] = []

    def _create(self, key: str, profile: str, name: str) -> Cluster:
        options = self.options
        settings = Settings(
            name=name,
            replica_servers=options.replica_servers,
            metas=options.metas,
            meta_level=options.meta_level,
        )
        cluster = Cluster(key, Profile.choose(profile), settings, self.clock, self.faults)
        cluster.rng = random.Random("%d %s" % (options.seed, key))
        if key == "target":
            cluster.next_app_id = FIRST_TARGET_ID
        return cluster

    async def start(self) -> None:
        """Listen everywhere, create the tables, start what runs in the background, fill ``describe``."""
        for cluster in self.clusters.values():
            await self._listen_servers(cluster)
        source, target = self.clusters.values()
        for cluster, other in ((source, target), (target, source)):
            cluster.peers = {other.name: other}
            cluster.settings.group = {source.name: 1, target.name: 2}
            cluster.settings.clusters = {other.name: ",".join(other.meta.addresses)}
        for cluster in self.clusters.values():
            cluster.add_table("stat", 4, records=10)
        for table in self.options.tables:
            app = source.add_table(table, self.options.partitions, self.options.replicas, self.options.records)
            app.copy_seconds = self.options.copy_seconds
        for number in range(self.options.more_tables):
            source.add_table("more_%05d" % number, self.options.partitions, self.options.replicas)
        for cluster in self.clusters.values():
            self._run(cluster)
        if self.options.metaproxy:
            await self.edge.start()
            for cluster in self.clusters.values():
                cluster.settings.zookeeper_hosts = self.zookeeper["hosts"]
        self.edge.run_clients(self.options.clients, self.options.rate)
        actions = Actions(self)
        self.gate.request_kinds = ENGINE_FAULTS
        self.gate.on_rule = actions.strikes.strike
        control = HttpServer(Control(self, actions).handle)
        await self._listen(control)
        self.describe = {
            "engine": "pegasus",
            "profile": self.options.profile,
            "version": source.profile.version,
            "factor": self.options.factor,
            "seed": self.options.seed,
            "pid": os.getpid(),
            "control": "http://%s" % control.address,
            "clusters": {
                key: {
                    "name": c.name,
                    "version": c.profile.version,
                    "metas": c.meta.addresses,
                    "replicas": list(c.nodes),
                }
                for key, c in self.clusters.items()
            },
            "zookeeper": self.zookeeper or None,
            "metaproxies": [proxy.address for proxy in self.edge.proxies],
            "table": self.options.tables[0],
            "tables": self.options.tables,
        }

    async def _listen_servers(self, cluster: Cluster) -> None:
        for number in range(cluster.settings.metas):
            server = MetaServer(cluster, self.gate, number)
            door = Door(server.call, server.http, self.insiders)
            await self._listen(door)
            cluster.meta.addresses.append(door.address)
            self.doors[door.address] = door
        for number in range(cluster.settings.replica_servers):
            node = ReplicaServer(cluster, number)
            port = ReplicaPort(node, self.gate)
            door = Door(port.call, port.http, self.insiders)
            await self._listen(door)
            node.address = door.address
            cluster.nodes[door.address] = node
            self.doors[door.address] = door
            self.ports[door.address] = port
            node.on_alive = self._door_switch(cluster, door)

    @staticmethod
    def _door_switch(cluster: Cluster, door: Door) -> t.Callable[[bool], None]:
        def switch(alive: bool) -> None:
            if alive:
                cluster.spawn(door.resume())
            else:
                door.pause()

        return switch

    def _run(self, cluster: Cluster) -> None:
        for node in cluster.nodes.values():
            node.config_sync()
            cluster.spawn(node.config_sync_forever())
            cluster.spawn(node.duplication_sync_forever())
            cluster.spawn(self.ports[node.address].counters.forever())
        cluster.spawn(cluster.group_checks())
        cluster.spawn(Shipping(cluster).forever())
        cluster.spawn(balance_forever(cluster))

    async def _listen(self, *listeners: Listener) -> None:
        for listener in listeners:
            await listener.start()
            self._listeners.append(listener)

    @property
    def zookeeper(self) -> dict[str, str]:
        """Where MetaProxy's ZooKeeper is; empty when there is none."""
        found = self.edge.zookeeper
        return {"hosts": found.hosts, "root": ROOT} if found is not None else {}

    @property
    def ledger(self) -> Ledger:
        """The ledger of the first table."""
        return self.edge.ledgers[self.options.tables[0]]

    def cluster(self, key: str) -> Cluster:
        """The source or the target; ValueError for anything else."""
        if key not in self.clusters:
            raise ValueError("cluster: %r is neither source nor target" % key)
        return self.clusters[key]

    def table(self, cluster: Cluster, name: str) -> App:
        """A table of a cluster, the lab's first one unless named; ValueError when it is not there."""
        app = cluster.app(name or self.options.tables[0])
        if app is None:
            raise ValueError("table: %r is not there" % name)
        return app

    def stop(self) -> None:
        """End the lab."""
        self.stopped.set()

    def close(self) -> None:
        """Close every socket and stop everything that runs."""
        self.edge.close()
        for listener in self._listeners:
            listener.close()
        for cluster in self.clusters.values():
            for task in list(cluster.background):
                task.cancel()
