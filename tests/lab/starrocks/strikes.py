# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of StarRocks' frontends and nodes: what they are called, and what they do when they strike."""

from __future__ import annotations

import typing as t

from lab.faults import Rule
from lab.starrocks.front import Front
from lab.starrocks.frontend import FrontendServer

if t.TYPE_CHECKING:
    from lab.starrocks.server import StarRocksLab

LASTING = frozenset(("frontend_cut_off",))
"""In effect as long as they are set, or for ``seconds``."""
ON_REQUEST = frozenset(("frontend_dead", "frontend_restart", "leader_failover", "refuse_connections", "node_dead"))
"""At once, or after a request that matches; for ``seconds`` where that makes sense."""
ENGINE_FAULTS = LASTING | ON_REQUEST
RESTART_SECONDS = 2.0


class Strikes:
    """Does what rules of the engine's own kinds say; ``cluster`` is the source unless given."""

    def __init__(self, lab: StarRocksLab) -> None:
        self._lab = lab
        self._refusing: set[FrontendServer] = set()

    async def changed(self) -> None:
        """Strike at once what waits for no request, and end what is not set any more."""
        rules = self._lab.faults.rules
        for rule in rules:
            if rule.kind in ENGINE_FAULTS and not rule.on_request and not rule.hits and rule.strike():
                self.strike(rule)
        if not any(rule.kind == "refuse_connections" for rule in rules):
            for frontend in list(self._refusing):
                await self._open(frontend)
        for front in self._lab.fronts.values():
            if not any(rule.kind == "frontend_cut_off" for rule in rules):
                front.cut_off.clear()

    def strike(self, rule: Rule) -> None:
        """Do what a rule says, now."""
        front = self._lab.front(rule.cluster or "source")
        if rule.kind == "node_dead":
            front.spawn(self._node_dead(front, rule))
            return
        if rule.kind == "leader_failover":
            front.spawn(front.failover())
            return
        frontend = front.frontend(rule.node) if rule.node else front.frontends[-1]
        if rule.kind == "frontend_dead":
            front.kill(frontend)
            if rule.seconds:
                front.spawn(self._revive(front, frontend, rule.seconds))
        elif rule.kind == "frontend_restart":
            front.spawn(front.restart(frontend, rule.seconds or RESTART_SECONDS))
        elif rule.kind == "refuse_connections":
            self._refusing.add(frontend)
            for listener in frontend.listeners:
                listener.pause()
            if rule.seconds:
                front.spawn(self._open(frontend, rule.seconds))
        elif rule.kind == "frontend_cut_off":
            front.cut_off.add(frontend.record.name)
            if rule.seconds:
                front.spawn(self._join(front, frontend, rule.seconds))

    async def _open(self, frontend: FrontendServer, seconds: float = 0.0) -> None:
        await self._lab.clock.sleep(seconds)
        self._refusing.discard(frontend)
        if frontend.record.alive:
            for listener in frontend.listeners:
                await listener.resume()

    async def _revive(self, front: Front, frontend: FrontendServer, seconds: float) -> None:
        await self._lab.clock.sleep(seconds)
        if not frontend.record.alive:
            await front.revive(frontend)

    async def _join(self, front: Front, frontend: FrontendServer, seconds: float) -> None:
        await self._lab.clock.sleep(seconds)
        front.cut_off.discard(frontend.record.name)

    async def _node_dead(self, front: Front, rule: Rule) -> None:
        """The node with that id or host (the last one unless given), or all of them ("all")."""
        chosen = [n for n in front.nodes if rule.node in ("all", str(n.record.id), n.record.host)]
        for node in chosen or front.nodes[-1:]:
            await node.set_alive(False)
        if rule.seconds:
            await self._lab.clock.sleep(rule.seconds)
            for node in chosen or front.nodes[-1:]:
                await node.set_alive(True)
