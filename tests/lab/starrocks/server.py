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
from lab.record import RequestRecord
from lab.starrocks import furnish, furnish_copied, tool_archive
from lab.starrocks.actions import Actions
from lab.starrocks.engine import Engine
from lab.starrocks.front import Front, FrontSettings
from lab.starrocks.people import USERS, add_people
from lab.starrocks.profiles import SHARED_NOTHING, Profile
from lab.starrocks.rpc import Rpc
from lab.starrocks.s3 import BUCKETS, S3, SOURCE, TARGET
from lab.starrocks.state import Cluster, StorageVolume
from lab.starrocks.strikes import ENGINE_FAULTS
from lab.starrocks.table_ledger import TableLedger
from lab.starrocks.vocabulary import statement_groups
from lab.starrocks.volume_rules import BUILTIN, PREFIX_COUNT, PREFIX_ENABLED
from lab.starrocks.writers import Writers

NO_S3 = {
    "aws.s3.region": "us-east-1",
    "aws.s3.endpoint": "http://127.0.0.1:9",
    "aws.s3.use_aws_sdk_default_behavior": "false",
    "aws.s3.use_instance_profile": "false",
    "aws.s3.access_key": "lab-access-key",
    "aws.s3.secret_key": "lab-secret-key",
}
"""What volumes say in a lab without an S3 server."""


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
    copied: bool = False
    clients: int = 4
    rate: float = 20.0
    seed: int = 7
    frontends: int = 3
    observers: int = 0
    nodes: int = 3
    same_host: bool = False
    host_names: bool = False
    container: bool = False
    tls: str = ""
    version_text: str = ""
    s3: bool = True
    tool_generation: str = "2026"
    tool_background: bool = False
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
            self._connect(front, other)
        shared = any(front.profile.shared_data for front in self.fronts.values())
        self.s3 = S3() if shared and options.s3 else None
        clusters = {key: front.cluster for key, front in self.fronts.items()}
        self.ledger = TableLedger(self.clock, clusters)
        self.writers = Writers(self.clock, clusters, self._query_ports, self.ledger, options.seed)
        self.tool_orders = self.directory / "tool-orders.json"
        self.describe: dict[str, t.Any] = {}
        self.stopped = asyncio.Event()
        self._control: HttpServer | None = None

    def _create(self, key: str, profile_name: str, mode: str) -> Front:
        options = self.options
        profile = Profile.choose(profile_name, mode)
        settings = FrontSettings(
            container=options.container,
            version_text=options.version_text,
            host_names=options.host_names,
            fe_conf=dict(options.fe_conf),
        )
        if options.tls:
            settings.fe_conf.update(ssl_keystore_location="/opt/starrocks/fe/conf/keystore.p12")
            settings.fe_conf.update(ssl_keystore_password="keystore-secret")
            settings.fe_conf.update(ssl_force_secure_transport=str(options.tls == "require").lower())
        front = Front(Cluster(key, profile), settings, self.clock, self.gate, options.seed)
        add_people(front.accounts)
        front.add_frontends(options.frontends, self.directory / key, options.same_host, options.observers)
        front.add_nodes(options.nodes)
        return front

    def _connect(self, front: Front, other: Front) -> None:
        """Give a cluster its engine, which may copy from the other one, and its statements."""
        peer, token = other.cluster, lambda: other.token
        front.engine = Engine(front.cluster, front, self.clock, peer, token, self._readable, self.options.seed)
        front.engine.compactions.nodes = self.options.nodes
        front.engine.replications.on_crash = front.crash_node
        # What shared-data clusters hold is read without the source's nodes.
        sides = [front] if other.profile.shared_data else [front, other]
        front.engine.replications.nodes_alive = lambda: all(any(n.record.alive for n in side.nodes) for side in sides)
        front.set_statements(statement_groups(front))

    async def start(self) -> None:
        """Listen everywhere and fill ``describe``."""
        certificates = tls.create(str(self.directory)) if self.options.tls else None
        context = certificates.server_context() if certificates else None
        if self.s3 is not None:
            await asyncio.to_thread(self.s3.start)
        self._furnish()
        for front in self.fronts.values():
            Rpc(front, front.engine, self.fronts["source"].profile.shared_data).attach()
            await front.start(context, self.options.tls == "require")
        for front in self.fronts.values():
            front.engine.start()
            front.spawn(front.engine.run())
        self.writers.run(self.options.clients, self.options.rate)
        archive, sha256 = tool_archive.build(
            self.directory,
            self.options.factor,
            self.options.tool_generation,
            self.tool_orders,
            self.options.tool_background,
        )
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
            "tool": {"archive": str(archive), "sha256": sha256},
            "s3": self.s3.describe() if self.s3 is not None else None,
        }

    def _query_ports(self, key: str) -> list[int]:
        return [frontend.record.query_port for frontend in self.fronts[key].frontends]

    def _readable(self, volume: StorageVolume) -> str:
        return self.s3.problem(volume) if self.s3 is not None else ""

    def _furnish(self) -> None:
        """Volumes on both clusters, everything else on the source."""
        options = self.options
        source, target = self.fronts.values()
        for front, user, buckets in ((source, SOURCE, BUCKETS[:2]), (target, TARGET, BUCKETS[2:])):
            if front.profile.shared_data:
                params = self.s3.params(user) if self.s3 is not None else NO_S3
                furnish.volumes(front.engine, params, buckets)
                if options.fe_conf.get("enable_load_volume_from_conf") == "true":
                    number = front.cluster.new_id()
                    volume = StorageVolume(number, BUILTIN, "S3", ["s3://%s" % buckets[0]], dict(params))
                    front.cluster.storage_volumes[BUILTIN] = volume
        amount = furnish.Amount(options.databases, options.tables, options.partitions, rate=options.rate)
        furnish.source(source.engine, amount, options.seed)
        furnish.target(target.engine)
        if options.copied:
            furnish_copied.copied(source.engine, target.engine)
        if source.profile.shared_data and source.profile.partitioned_prefix:
            # What the source has must not be copied into the mirrored volume.
            source.cluster.storage_volumes["lake_b"].params.update({PREFIX_ENABLED: "true", PREFIX_COUNT: "256"})

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
        self.writers.close()
        if self._control is not None:
            self._control.close()
        for front in self.fronts.values():
            front.close()
        if self.s3 is not None:
            self.s3.close()


def _describe(front: Front) -> dict[str, t.Any]:
    profile = front.profile
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
        "address_map": _address_map(front),
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


def _address_map(front: Front) -> dict[str, str]:
    """host -> where it is, as hosts.properties says it.

    SHOW FRONTENDS prints the leader's HTTP port for every row; here each frontend has one of its own, so whoever leads,
    the port that is printed must lead to the right host. Of two frontends on one host it is the first one's then.
    """
    found = dict.fromkeys((node.record.host for node in front.nodes), "127.0.0.1")
    for server in reversed(front.frontends):
        host, own = server.record.host, server.record.http_port
        ports = [other.record.http_port for other in front.frontends if other.record.host != host]
        pairs = ",".join("%d:%d" % (port, own) for port in ports)
        found[host] = "127.0.0.1;%s" % pairs if pairs else "127.0.0.1"
    return found
