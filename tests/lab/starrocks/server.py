# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A StarRocks lab put together: two clusters, their sockets, control port."""

from __future__ import annotations

import asyncio
import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from lab import tls
from lab.breakpoints import Breakpoints
from lab.clock import LabClock
from lab.control import Control
from lab.faults import Faults
from lab.gate import Gate
from lab.http_server import HttpServer
from lab.intervals import IntervalSet
from lab.ledger import Ledger
from lab.record import RequestRecord
from lab.starrocks.actions import Actions
from lab.starrocks.engine import Engine
from lab.starrocks.front import Front, FrontSettings
from lab.starrocks.people import USERS, add_people
from lab.starrocks.profiles import SHARED_NOTHING, Profile
from lab.starrocks.state import Cluster
from lab.starrocks.strikes import ENGINE_FAULTS
from lab.starrocks.vocabulary import statement_groups

KEYS = ("source", "target")


@dataclass
class Options:
    """What the command line says; ``target_*`` are as those of the source when empty."""

    profile: str = "4.1"
    target_profile: str = ""
    mode: str = SHARED_NOTHING
    target_mode: str = ""
    factor: float = 1.0
    databases: int = 4
    tables: int = 200
    partitions: int = 4
    rate: float = 20.0
    seed: int = 7
    frontends: int = 3
    observers: int = 0
    nodes: int = 3
    same_host: bool = False
    container: bool = False
    tls: str = ""
    version_text: str = ""
    fe_conf: t.Dict[str, str] = field(default_factory=dict)


class StarRocksLab:
    """One lab. ``start`` returns when everything listens; ``describe`` is what the describe file holds."""

    def __init__(self, options: Options, directory: str) -> None:
        self.options = options
        self.directory = Path(directory)
        self.clock = LabClock(options.factor)
        self.faults = Faults(ENGINE_FAULTS)
        self.record = RequestRecord(self.clock)
        self.breakpoints = Breakpoints()
        self.gate = Gate(self.clock, self.record, self.faults, self.breakpoints)
        self.fronts = {
            "source": self._create("source", options.profile, options.mode),
            "target": self._create(
                "target", options.target_profile or options.profile, options.target_mode or options.mode
            ),
        }
        source, target = self.fronts.values()
        for front, other in ((source, target), (target, source)):
            front.engine = Engine(
                front.cluster, front, self.clock, other.cluster, lambda other=other: other.token, seed=options.seed
            )
            front.set_statements(statement_groups(front))
        self.ledger = Ledger(self.clock, lambda key: IntervalSet())
        self.describe: dict[str, t.Any] = {}
        self.stopped = asyncio.Event()
        self._control: HttpServer | None = None

    def _create(self, key: str, profile_name: str, mode: str) -> Front:
        options = self.options
        profile = Profile.choose(profile_name, mode)
        settings = FrontSettings(
            container=options.container, version_text=options.version_text, fe_conf=dict(options.fe_conf)
        )
        front = Front(Cluster(key, profile), settings, self.clock, self.gate, options.seed)
        add_people(front.accounts)
        front.add_frontends(options.frontends, self.directory / key, options.same_host, options.observers)
        front.add_nodes(options.nodes)
        return front

    async def start(self) -> None:
        """Listen everywhere and fill ``describe``."""
        certificates = tls.create(str(self.directory)) if self.options.tls else None
        context = certificates.server_context() if certificates else None
        for front in self.fronts.values():
            await front.start(context, self.options.tls == "require")
        for front in self.fronts.values():
            front.engine.start()
            front.spawn(front.engine.run())
        actions = Actions(self)
        self.gate.request_kinds = ENGINE_FAULTS
        self.gate.on_rule = actions.strikes.strike
        self._control = HttpServer(Control(self, actions).handle)
        await self._control.start()
        self.describe = {
            "engine": "starrocks",
            "profile": self.options.profile,
            "version": self.fronts["source"].profile.version,
            "factor": self.options.factor,
            "seed": self.options.seed,
            "pid": os.getpid(),
            "control": "http://%s" % self._control.address,
            "clusters": {key: _describe(front) for key, front in self.fronts.items()},
            "users": dict(USERS),
            "ca_cert": certificates.ca_file if certificates else "",
        }

    def front(self, key: str) -> Front:
        """The source or the target; ValueError for anything else."""
        if key not in self.fronts:
            raise ValueError("cluster: %r is neither source nor target" % key)
        return self.fronts[key]

    def stop(self) -> None:
        """End the lab."""
        self.stopped.set()

    def close(self) -> None:
        """Close every socket and stop everything that runs."""
        if self._control is not None:
            self._control.close()
        for front in self.fronts.values():
            front.close()


def _describe(front: Front) -> dict[str, t.Any]:
    profile = front.profile
    hosts = [server.record.host for server in front.frontends] + [server.record.host for server in front.nodes]
    return {
        "cluster_id": front.cluster_id,
        "profile": "%d.%d" % profile.number[:2],
        "version": profile.version,
        "run_mode": profile.run_mode,
        "token": front.token,
        "frontends": [
            {
                "host": server.record.host,
                "query_port": server.record.query_port,
                "http_port": server.record.http_port,
                "rpc_port": server.record.rpc_port,
                "role": server.record.role,
                "fe_conf": str(server.fe_conf),
                "version_file": str(server.version_file),
            }
            for server in front.frontends
        ],
        "address": ["127.0.0.1:%d" % server.record.query_port for server in front.frontends],
        "address_map": dict.fromkeys(hosts, "127.0.0.1"),
        "nodes": [
            {
                "id": server.record.id,
                "kind": server.record.kind,
                "host": server.record.host,
                "http_port": server.record.http_port,
            }
            for server in front.nodes
        ],
    }
