# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port's paths for a GreptimeDB lab: state, writers, nodes, elections, foreign operators, configuration."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from lab.control import Route
from lab.faults import Rule
from lab.gate import AnswerError
from lab.greptimedb.settings import update
from lab.greptimedb.sql_engine import Context
from lab.http_server import HttpRequest

if t.TYPE_CHECKING:
    from lab.greptimedb.server import GreptimeLab


class Actions:
    """What a test or a person may do to the cluster from outside."""

    def __init__(self, lab: GreptimeLab) -> None:
        self._lab = lab
        self._cluster = lab.cluster
        self._metasrv = lab.metasrv

    def routes(self) -> dict[tuple[str, str], Route]:
        """(method, first path segment) -> handler."""
        return {
            ("GET", "state"): self._state,
            ("POST", "writers"): self._writers,
            ("POST", "nodes"): self._nodes,
            ("POST", "metasrv"): self._elections,
            ("POST", "frontend"): self._frontend,
            ("POST", "foreign"): self._foreign,
            ("POST", "config"): self._config,
        }

    async def faults_changed(self) -> None:
        """Strike at once what needs no request, and let the doors follow refuse_connections."""
        for rule in self._lab.faults.rules:
            immediate = rule.kind in ("frontend_restart", "forget_procedures", "refuse_connections")
            if immediate and not rule.on_request and not rule.hits and rule.strike():
                self.strike(rule)
        if not self._lab.faults.active("refuse_connections") and self._cluster.frontend_up:
            await self._lab.open_doors()

    def strike(self, rule: Rule) -> None:
        """Do what a rule of the engine's own kinds says, now."""
        if rule.kind == "frontend_restart":
            self._restart_frontend()
        elif rule.kind == "forget_procedures":
            self._metasrv.manager.forget(self._cluster.clock.now())
        elif rule.kind == "metasrv_failover_mid_way":
            self._metasrv.election_in_background()
        elif rule.kind == "refuse_connections":
            self._cluster.spawn(self._lab.refuse_connections(rule.seconds))

    def _restart_frontend(self) -> None:
        self._cluster.spawn(self._cluster.restart_frontend(self._lab.close_doors, self._lab.open_doors))

    async def _state(self, request: HttpRequest) -> t.Any:
        cluster, metasrv = self._cluster, self._metasrv
        now = cluster.clock.now()
        regions = {
            str(region.id): {
                "table": region.table.full_name,
                "number": region.number,
                "leader": region.leader,
                "switches": region.switches,
                "status": "DOWNGRADING" if region.state else "ALIVE",
                "followers": region.followers,
                "writable": cluster.refusal(region) is None,
                "replicas": {
                    str(n): {"role": r.role, "writable": r.writable, "memtable_bytes": r.memtable_bytes}
                    for n, r in region.replicas.items()
                },
            }
            for region in cluster.regions.values()
        }
        procedures = [
            {
                "pid": p.pid,
                "type": p.type,
                "status": p.status,
                "region_id": p.region or None,
                "started": p.started,
                "ended": p.ended,
                "lock_keys": p.lock_keys,
                "error": metasrv.manager.error_text(p) or None,
                "step": getattr(p.body, "state", None),
            }
            for p in metasrv.manager.procedures.values()
        ]
        nodes = {
            str(n.id): {
                "alive": n.alive,
                "leased": n.leased,
                "addr": n.address,
                "regions": len(n.regions),
                "leaders": sum(1 for r in n.regions.values() if r.leader == n.id),
                "config": dataclasses.asdict(n.config),
            }
            for n in cluster.nodes.values()
        }
        return {
            "engine": "greptimedb",
            "profile": self._lab.options.profile,
            "version": str(cluster.profile.version),
            "pid": os.getpid(),
            "time": now,
            "factor": cluster.clock.factor,
            "epoch": cluster.clock.epoch(),
            "regions": regions,
            "procedures": procedures,
            "nodes": nodes,
            "tables": {
                str(x.id): {"name": x.full_name, "engine": x.engine, "physical": x.physical.id if x.physical else None}
                for x in cluster.tables.values()
            },
            "maintenance": {"enabled": metasrv.maintenance},
            "procedure_manager": "paused" if metasrv.manager.paused else "running",
            "metasrv": {"leader": metasrv.leader, "addresses": metasrv.addresses},
            "frontend": {"up": cluster.frontend_up},
            "writers": {"count": self._lab.writers.count, "rate": self._lab.writers.rate},
        }

    async def _writers(self, request: HttpRequest) -> t.Any:
        data = request.json()
        rate = float(data.get("rate", self._cluster.settings.rate))
        self._lab.writers.run(int(data.get("count", self._cluster.settings.writers)), rate)
        return {"count": self._lab.writers.count, "rate": rate}

    async def _nodes(self, request: HttpRequest) -> t.Any:
        node = self._cluster.nodes[int(request.path.rstrip("/").rsplit("/", 1)[1])]
        alive = bool(request.json()["alive"])
        if alive and not node.alive:
            node.revive()
        elif not alive and node.alive:
            node.kill()
        return {"id": node.id, "alive": node.alive}

    async def _elections(self, request: HttpRequest) -> t.Any:
        action = request.path.rstrip("/").rsplit("/", 1)[1]
        if action not in ("failover", "restart"):
            raise ValueError("POST /metasrv/failover or /metasrv/restart")
        await self._metasrv.failover(restart=action == "restart")
        return {"leader": self._metasrv.leader}

    async def _frontend(self, request: HttpRequest) -> t.Any:
        self._restart_frontend()
        return {}

    async def _foreign(self, request: HttpRequest) -> t.Any:
        """Another operator's action; in no request record."""
        data = request.json()
        result: dict[str, t.Any] = {}
        try:
            if "migrate" in data:
                m = data["migrate"]
                timeout = float(m.get("timeout", 60))
                source, target = int(m["from_peer"]), int(m["to_peer"])
                result["pid"] = await self._metasrv.submit(int(m["region_id"]), source, target, timeout)
            if "maintenance" in data:
                self._metasrv.maintenance = bool(data["maintenance"])
            if "procedure_manager" in data:
                if data["procedure_manager"] not in ("paused", "running"):
                    raise ValueError("procedure_manager: paused or running")
                self._metasrv.manager.paused = data["procedure_manager"] == "paused"
            if "drop_table" in data:
                await self._lab.engine.run("DROP TABLE %s" % data["drop_table"], Context())
            if "sql" in data:
                answer = await self._lab.engine.run(data["sql"], Context())
                result["rows"] = [[str(v) if v is not None else None for v in row] for row in answer.rows]
            if "lose_table_info" in data:
                table = self._cluster.tables[int(data["lose_table_info"])]
                table.info_lost = True
            if "add_follower" in data:
                region = self._cluster.regions[int(data["add_follower"]["region_id"])]
                node = self._cluster.nodes[int(data["add_follower"]["peer"])]
                region.followers.append(node.id)
                self._cluster.open_replica(region, node, leader=False)
        except AnswerError as error:
            result["error"] = str(error)
        return result

    async def _config(self, request: HttpRequest) -> t.Any:
        """Settings by name; ``datanodes`` {id: overrides} and ``all_datanodes`` change log and storage."""
        data = dict(request.json())
        overrides = data.pop("datanodes", {})
        for key in self._cluster.nodes if "all_datanodes" in data else ():
            update(self._cluster.nodes[key].config, data["all_datanodes"])
        data.pop("all_datanodes", None)
        for key, values in overrides.items():
            update(self._cluster.nodes[int(key)].config, values)
        update(self._cluster.settings, data)
        return {"settings": dataclasses.asdict(self._cluster.settings)}
