# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GreptimeDB lab put together: cluster, metasrvs, sockets, writers, control port."""

from __future__ import annotations

import asyncio
import os
import typing as t
from dataclasses import dataclass

from lab.breakpoints import Breakpoints
from lab.clock import LabClock
from lab.control import Control
from lab.faults import Faults
from lab.gate import Gate
from lab.greptimedb.actions import Actions
from lab.greptimedb.cluster import ENGINE_FAULTS, Cluster
from lab.greptimedb.datanode_http import DatanodeHttp
from lab.greptimedb.failover import failover_forever
from lab.greptimedb.frontend import Frontend, User
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.metasrv_http import MetasrvHttp
from lab.greptimedb.other_mysql import OtherMysql, no_such_page
from lab.greptimedb.profiles import PROFILES, Profile
from lab.greptimedb.settings import Settings
from lab.greptimedb.sql_engine import SqlEngine
from lab.greptimedb.writers import Writers
from lab.http_server import HttpRequest, HttpResponse, HttpServer
from lab.ledger import Ledger
from lab.listener import Listener
from lab.mysql_server import MysqlServer
from lab.record import RequestRecord

if t.TYPE_CHECKING:
    from lab.tls import Certificates

TRIGGERED = frozenset(("frontend_restart", "metasrv_failover_mid_way", "forget_procedures", "refuse_connections"))


@dataclass
class Options:
    """What the command line says beside the cluster's settings."""

    profile: str = "1.1"
    metasrv_version: str = ""
    factor: float = 1.0
    username: str = ""
    password: str = ""
    readonly_username: str = ""
    readonly_password: str = ""
    tls: str = ""
    state_directory: str = "."


class GreptimeLab:
    """One lab. ``start`` returns when everything listens; ``describe`` is what the describe file holds."""

    def __init__(self, options: Options, settings: Settings) -> None:
        self.options = options
        self.standalone = options.profile == "standalone"
        self.distributed = options.profile not in ("standalone", "not-greptimedb")
        if self.standalone:
            settings.datanodes, settings.metasrvs, settings.followers = 1, 1, 0
        version = PROFILES.get(options.profile, options.profile)
        self.clock = LabClock(options.factor)
        self.faults = Faults(ENGINE_FAULTS)
        self.record = RequestRecord(self.clock)
        self.breakpoints = Breakpoints()
        self.gate = Gate(self.clock, self.record, self.faults, self.breakpoints)
        profile = Profile(version)
        meta = Profile(options.metasrv_version) if options.metasrv_version else profile
        self.cluster = Cluster(profile, meta, settings, self.clock, self.faults)
        self.metasrv = Metasrv(self.cluster)
        self.engine = SqlEngine(self.metasrv, self.standalone)
        self.writers = Writers(self.cluster)
        users = {options.username: User(options.password)} if options.username else {}
        if options.readonly_username:
            users[options.readonly_username] = User(options.readonly_password, "ro")
        self.frontend = Frontend(self.engine, self.gate, users)
        self.tls: Certificates | None = None
        self._listeners: list[Listener] = []
        self._doors: list[Listener] = []
        self.describe: dict[str, t.Any] = {}
        self.stopped = asyncio.Event()

    async def start(self) -> None:
        """Listen everywhere, start heartbeats and writers, fill ``describe``."""
        options, settings = self.options, self.cluster.settings
        context = None
        if options.tls:
            from lab import tls  # needs cryptography, which only TLS needs

            self.tls = tls.create(options.state_directory)
            context = self.tls.server_context()
        greptimedb = options.profile != "not-greptimedb"
        backend = self.frontend if greptimedb else OtherMysql(self.gate, self.frontend.users)
        answer = self.frontend.http if greptimedb else no_such_page
        mysql = MysqlServer(backend, context, require_tls=options.tls == "require")
        http = HttpServer(answer)
        grpc = HttpServer(_nothing)
        self._doors = [mysql, http]
        await self._listen(mysql, http, grpc)
        self.metasrv.frontend_address = grpc.address
        frontend = {"host": "127.0.0.1", "mysql_port": mysql.port, "http_port": http.port}
        if context is not None:
            https = HttpServer(answer, context)
            await self._listen(https)
            self._doors.append(https)
            frontend["https_port"] = https.port
        metasrvs = await self._listen_metasrvs() if self.distributed else []
        datanodes = await self._listen_datanodes() if self.distributed else {}
        actions = Actions(self)
        self.gate.request_kinds = TRIGGERED
        self.gate.on_rule = actions.strike
        control = HttpServer(Control(self, actions).handle)
        await self._listen(control)
        self.describe = {
            "engine": "greptimedb",
            "profile": options.profile,
            "version": str(self.cluster.profile.version) if greptimedb else OtherMysql.mysql_version,
            "metasrv_version": str(self.cluster.meta.version),
            "factor": options.factor,
            "seed": settings.seed,
            "pid": os.getpid(),
            "control": "http://%s" % control.address,
            "frontend": frontend,
            "metasrv": metasrvs,
            "datanodes": datanodes,
            "username": options.username,
            "password": options.password,
            "readonly_username": options.readonly_username,
            "readonly_password": options.readonly_password,
            "ca_cert": self.tls.ca_file if self.tls else None,
        }
        for node in self.cluster.nodes.values():
            node.heartbeat()
            self.cluster.spawn(node.heartbeat_forever())
        self.cluster.spawn(self.metasrv.manager.sweep_forever())
        self.cluster.spawn(failover_forever(self.metasrv))
        if settings.writers:
            self.writers.run(settings.writers, settings.rate)

    async def _listen(self, *listeners: Listener) -> None:
        for listener in listeners:
            await listener.start()
            self._listeners.append(listener)

    async def _listen_metasrvs(self) -> list[dict[str, str]]:
        found = []
        for number in range(self.metasrv.count):
            handlers = MetasrvHttp(self.metasrv, self.gate, number)
            grpc, http = HttpServer(handlers.grpc_port), HttpServer(handlers.http_port)
            await self._listen(grpc, http)
            self.metasrv.addresses[number] = grpc.address
            found.append({"grpc": grpc.address, "http": http.address})
        return found

    async def _listen_datanodes(self) -> dict[str, dict[str, str]]:
        found = {}
        for node in self.cluster.nodes.values():
            grpc, http = HttpServer(_nothing), HttpServer(DatanodeHttp(node, self.gate).handle)
            await self._listen(grpc, http)
            node.address = grpc.address
            found[str(node.id)] = {"addr": grpc.address, "http": http.address}
        return found

    async def refuse_connections(self, seconds: float) -> None:
        """The frontend's doors refuse connections for that many lab seconds (0: until the fault is removed)."""
        self.close_doors()
        if seconds:
            await self.clock.sleep(seconds)
            await self.open_doors()

    def close_doors(self) -> None:
        """Refuse connections to the frontend."""
        for door in self._doors:
            door.pause()

    async def open_doors(self) -> None:
        """Accept connections to the frontend again."""
        for door in self._doors:
            await door.resume()

    @property
    def ledger(self) -> Ledger:
        """The writers' ledger."""
        return self.cluster.ledger

    def stop(self) -> None:
        """End the lab."""
        self.stopped.set()

    def close(self) -> None:
        """Close every socket and stop everything that runs."""
        for listener in self._listeners:
            listener.close()
        for task in list(self.cluster.background):
            task.cancel()


async def _nothing(request: HttpRequest) -> HttpResponse:
    """A gRPC port on which nothing but gRPC is spoken."""
    return HttpResponse(404, "")
