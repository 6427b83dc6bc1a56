# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port's paths for a Pegasus lab: state, nodes, elections, foreign operators, configuration."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from lab.control import Route
from lab.http_server import HttpRequest
from lab.pegasus import state
from lab.pegasus.foreign import Foreign
from lab.pegasus.settings import update
from lab.pegasus.strikes import Strikes

if t.TYPE_CHECKING:
    from lab.pegasus.server import PegasusLab


class Actions:
    """What a test or a person may do to the clusters from outside."""

    def __init__(self, lab: PegasusLab) -> None:
        self._lab = lab
        self.strikes = Strikes(lab)

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

    async def faults_changed(self) -> None:
        """Strike at once what waits for no request."""
        await self.strikes.changed()

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
        node = self._lab.cluster(key).nodes[address]
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
        cluster = self._lab.cluster(key)
        await cluster.meta.failover()
        return {"leader": cluster.meta.leader_address}

    async def _foreign(self, request: HttpRequest) -> t.Any:
        return await Foreign(self._lab).run(request.json())

    async def _config(self, request: HttpRequest) -> t.Any:
        """Settings by name, of both clusters or of "cluster"."""
        data = dict(request.json())
        key = data.pop("cluster", "")
        clusters = [self._lab.cluster(key)] if key else list(self._lab.clusters.values())
        for cluster in clusters:
            update(cluster.settings, data)
        return {"settings": {c.key: dataclasses.asdict(c.settings) for c in clusters}}
