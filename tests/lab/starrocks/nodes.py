# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backends and compute nodes: their own config values, and the HTTP that changes them (facts 2.4, 4.1)."""

from __future__ import annotations

import asyncio
import typing as t

from lab.gate import Incoming, InjectedError
from lab.http_server import HttpRequest, HttpResponse, HttpServer
from lab.listener import Listener
from lab.starrocks.configs import node_items
from lab.starrocks.records import Node

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

UPDATE = "/api/update_config"


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Until the other side hangs up."""
    while await reader.read(4096):
        pass


class NodeServer:
    """The ports of one backend or compute node, which ``record`` describes, that others connect to: HTTP, and thrift
    (be_port), which takes connections and never answers. The rest are made up."""

    def __init__(self, front: Front, record: Node) -> None:
        self.front = front
        self.record = record
        self.items = {item.name: item for item in node_items(front.profile)}
        self.http_server = HttpServer(self._http)
        self._thrift = Listener(_silent)
        self.forget()

    async def start(self) -> None:
        """Listen on free ports."""
        await self.http_server.start()
        await self._thrift.start()
        self.record.http_port = self.http_server.port
        self.record.be_port = self._thrift.port

    def close(self) -> None:
        """Stop for good."""
        self.http_server.close()
        self._thrift.close()

    def forget(self) -> None:
        """A restart: be.conf holds nothing but defaults."""
        self.record.config = {item.name: item.default for item in self.items.values()}

    async def set_alive(self, alive: bool) -> None:
        """Kill or start the process."""
        if alive and not self.record.alive:
            self.forget()
            self.record.started = self.front.clock.now()
            await self.http_server.resume()
            await self._thrift.resume()
        elif not alive:
            self.http_server.pause()
            self._thrift.pause()
        self.record.alive = alive
        self.front.engine.compactions.nodes = sum(node.record.alive for node in self.front.nodes)

    def update(self, name: str, value: str) -> str:
        """Change one item; returns the server's complaint, or nothing."""
        item = self.items.get(name)
        if item is None:
            return "'%s' is not found" % name
        if not item.mutable:
            return "'%s' is not support to modify" % name
        if item.type == "int" and not value.strip().lstrip("+-").isdigit():
            return "convert '%s' as int failed" % value
        self.record.config[name] = value.strip()
        return ""

    async def _http(self, request: HttpRequest) -> HttpResponse:
        front = self.front
        mutating = request.path == UPDATE
        text = "%s %s" % (request.method, request.target)
        node = "%s:%d" % (self.record.host, self.record.http_port)
        incoming = Incoming("%s-node-http" % front.key, text, mutating, request.gone, node)

        async def apply() -> HttpResponse:
            return self._answer(request)

        try:
            return await front.gate.run(incoming, apply)
        except InjectedError as error:
            return HttpResponse(error.status, str(error))

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/api/health":
            return HttpResponse(200, {"status": "OK", "msg": "To Be Added"})
        if request.path != UPDATE:
            return HttpResponse(404, "")
        if request.method not in ("POST", "PUT"):
            return HttpResponse(405, "")
        if len(request.query) != 1:
            return HttpResponse(200, {"status": "BAD", "msg": ""})
        [(name, value)] = request.query.items()
        problem = self.update(name, value)
        return HttpResponse(200, {"status": "BAD" if problem else "OK", "msg": problem})
