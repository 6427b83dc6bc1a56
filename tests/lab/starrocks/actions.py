# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port's paths for a StarRocks lab: state, frontends, nodes, configuration, foreign operators."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import typing as t

from lab.control import Route
from lab.http_server import HttpRequest
from lab.starrocks import state_json
from lab.starrocks.foreign import Foreign
from lab.starrocks.profiles import Profile
from lab.starrocks.strikes import RESTART_SECONDS, Strikes

if t.TYPE_CHECKING:
    from lab.starrocks.server import StarRocksLab


class Actions:
    """What a test or a person may do to the clusters from outside."""

    def __init__(self, lab: StarRocksLab) -> None:
        self._lab = lab
        self.strikes = Strikes(lab)

    def routes(self) -> dict[tuple[str, str], Route]:
        """(method, first path segment) -> handler."""
        return {
            ("GET", "state"): self._state,
            ("POST", "frontends"): self._frontends,
            ("POST", "nodes"): self._nodes,
            ("POST", "config"): self._config,
            ("POST", "foreign"): self._foreign,
            ("POST", "tool"): self._tool,
            ("POST", "writers"): self._writers,
        }

    async def faults_changed(self) -> None:
        """Strike at once what waits for no request."""
        await self.strikes.changed()

    async def _state(self, request: HttpRequest) -> t.Any:
        lab = self._lab
        tables = request.query.get("tables", "1") not in ("0", "false")
        return {
            "engine": "starrocks",
            "profile": lab.options.profile,
            "version": lab.fronts["source"].profile.version,
            "pid": os.getpid(),
            "time": lab.clock.now(),
            "factor": lab.clock.factor,
            "epoch": lab.clock.epoch(),
            "writes_to": lab.ledger.writes_to,
            "clients": [dataclasses.asdict(figures) for figures in lab.writers.figures],
            "clusters": {key: state_json.cluster(front, tables) for key, front in lab.fronts.items()},
        }

    async def _frontends(self, request: HttpRequest) -> t.Any:
        """POST /frontends/<cluster>/<number, host:port or name>/kill|start|restart, /frontends/<cluster>/failover

        POST /frontends/<cluster>/<frontend> {"version", "error", "clock_skew"}: what it says of itself; {"profile"}:
        its version in the middle of an upgrade.
        """
        _frontends, key, *rest = request.path.strip("/").split("/")
        front = self._lab.front(key)
        if rest == ["failover"]:
            await front.failover()
            return {"leader": front.leader.address if front.leader else None}
        name, action = rest if len(rest) > 1 else (rest[0], "")
        frontend = front.frontend(name)
        if not action:
            values = dict(request.json())
            if "profile" in values:
                frontend.become(Profile.choose(values.pop("profile"), front.profile.run_mode))
            _set_fields(frontend.record, values, ("version", "error", "clock_skew"))
            return state_json.frontend(frontend)
        if action == "kill" and frontend.record.alive:
            front.kill(frontend)
        elif action == "start" and not frontend.record.alive:
            await front.revive(frontend)
        elif action == "restart":
            await front.restart(frontend, float(request.json().get("seconds", RESTART_SECONDS)))
        elif action not in ("kill", "start"):
            raise ValueError("POST /frontends/<cluster>/<frontend>/kill, start or restart")
        return state_json.frontend(frontend)

    async def _nodes(self, request: HttpRequest) -> t.Any:
        """POST /nodes/<cluster>/<id or host> {"alive", "decommissioned", "disk_used", "version", "error", ...}"""
        _nodes, key, name = request.path.strip("/").split("/")
        for node in self._lab.front(key).nodes:
            if name in (str(node.record.id), node.record.host):
                values = dict(request.json())
                if "alive" in values:
                    await node.set_alive(bool(values.pop("alive")))
                known = {f.name for f in dataclasses.fields(node.record)} - {"id", "http_port", "alive"}
                _set_fields(node.record, values, known)
                return state_json.node(node)
        raise ValueError("node: %r is not there" % name)

    async def _foreign(self, request: HttpRequest) -> t.Any:
        return await Foreign(self._lab).run(request.json())

    async def _writers(self, request: HttpRequest) -> t.Any:
        """{"count", "rate": rows per lab second, "to": "source"|"target"}; what is left out stays as it is."""
        data, options = request.json(), self._lab.options
        if "to" in data:
            self._lab.writers.point_to(data["to"])
        if "count" in data or "rate" in data:
            options.clients = int(data.get("count", options.clients))
            options.rate = float(data.get("rate", options.rate))
            await asyncio.to_thread(self._lab.writers.run, options.clients, options.rate)
        return {"count": options.clients, "rate": options.rate, "to": self._lab.ledger.writes_to}

    async def _tool(self, request: HttpRequest) -> t.Any:
        """What the sync tool is to suffer from now on (sync_tool/lab.py); {} nothing."""
        orders = request.json()
        temporary = self._lab.tool_orders.with_suffix(".new")
        temporary.write_text(json.dumps(orders), encoding="utf-8")
        temporary.replace(self._lab.tool_orders)
        return orders

    async def _config(self, request: HttpRequest) -> t.Any:
        """Settings by name, of both clusters or of "cluster": FrontSettings, and EngineSettings under "engine"."""
        data = dict(request.json())
        key = data.pop("cluster", "")
        engine = data.pop("engine", {})
        slow_down = data.pop("slow_down", None)
        fronts = [self._lab.front(key)] if key else list(self._lab.fronts.values())
        for front in fronts:
            _set_fields(front.settings, data, {f.name for f in dataclasses.fields(front.settings)})
            settings = front.engine.settings
            _set_fields(settings, engine, {f.name for f in dataclasses.fields(settings)})
            if slow_down is not None:
                front.engine.replications.slow_down = float(slow_down)
        return {
            "settings": {
                front.key: {**dataclasses.asdict(front.settings), "engine": dataclasses.asdict(front.engine.settings)}
                for front in fronts
            }
        }


def _set_fields(record: t.Any, values: t.Mapping[str, t.Any], known: t.Collection[str]) -> None:
    """Set fields of a record from JSON, adding to mappings; ValueError with one sentence for an unknown name."""
    for name, value in values.items():
        if name not in known:
            raise ValueError("%s: not one of %s" % (name, ", ".join(sorted(known))))
        current = getattr(record, name)
        if isinstance(current, dict):
            current.update(value)
        else:
            setattr(record, name, tuple(value) if isinstance(value, list) else value)
