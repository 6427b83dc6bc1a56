# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster as its clients see it: frontends and who leads, nodes, accounts, statements."""

from __future__ import annotations

import asyncio
import random
import ssl
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from lab.clock import LabClock
from lab.gate import Gate
from lab.starrocks.accounts import Accounts
from lab.starrocks.configs import Catalogue
from lab.starrocks.engine import Engine
from lab.starrocks.errors import SqlError, unknown_database, unknown_table
from lab.starrocks.frontend import FrontendServer
from lab.starrocks.frontend_http import FrontendHttp
from lab.starrocks.nodes import NodeServer
from lab.starrocks.records import BACKEND, COMPUTE_NODE, FOLLOWER, LEADER, OBSERVER, Frontend, Node
from lab.starrocks.state import Cluster
from lab.starrocks.state_tables import Database, Table
from lab.starrocks.statements import Dispatcher, StatementSet
from lab.starrocks.statements_session import variable_defaults

FRONTEND_HOSTS = {"source": "10.1.0.%d", "target": "10.2.0.%d"}
NODE_HOSTS = {"source": "10.1.1.%d", "target": "10.2.1.%d"}
FRONTEND_NAME, NODE_NAME = "fe-%d.fe-search.%s.svc.cluster.local", "cn-%d.cn-search.%s.svc.cluster.local"
FIRST_HOST, FIRST_NODE_HOST = 11, 21


@dataclass
class FrontSettings:
    """What a person may set; times are lab seconds.

    election: how long nobody leads. heartbeat: how long a dead frontend still counts as alive. container: /.dockerenv
    exists, so nothing can be persisted. read_only_conf: fe.conf is not writable. version_text: shown instead of the
    real version (a custom build). host_names: nodes are known by names, as in Kubernetes; counts at the start only.
    fe_conf: further lines of every fe.conf.
    """

    election: t.Tuple[float, float] = (3.0, 6.0)
    heartbeat: float = 5.0
    container: bool = False
    read_only_conf: bool = False
    version_text: str = ""
    host_names: bool = False
    fe_conf: t.Dict[str, str] = field(default_factory=dict)


class Front:
    """The client side of one cluster; ``cluster`` is what it holds."""

    def __init__(self, cluster: Cluster, settings: FrontSettings, clock: LabClock, gate: Gate, seed: int) -> None:
        self.cluster = cluster
        self.key = cluster.key
        self.profile = cluster.profile
        self.accounts = Accounts(cluster.profile)
        self.settings = settings
        self.clock = clock
        self.gate = gate
        self.rng = random.Random("front %d %s" % (seed, cluster.key))
        self.cluster_id = self.rng.randrange(100_000_000, 2_000_000_000)
        self.token = "%08x-%04x-%04x-%04x-%012x" % tuple(self.rng.getrandbits(n) for n in (32, 16, 16, 16, 48))
        self.catalogue = Catalogue(cluster.profile)
        self.engine: Engine
        """Set once the other cluster is there too."""
        self.frontends: list[FrontendServer] = []
        self.nodes: list[NodeServer] = []
        self.cut_off: set[str] = set()
        """Names of frontends that the others cannot reach, though clients can."""
        self.default_variables = variable_defaults(self)
        self.frontend_http = FrontendHttp(self)
        self.dispatcher = Dispatcher([])
        self.background: set[asyncio.Task[t.Any]] = set()

    def add_frontends(self, count: int, directory: Path, same_host: bool, observers: int = 0) -> None:
        """Make them; nothing listens yet. With ``same_host`` the first two share a host."""
        for number in range(count):
            place = number - 1 if same_host and number else number
            host = FRONTEND_HOSTS[self.key] % (FIRST_HOST + place)
            if self.settings.host_names:
                host = FRONTEND_NAME % (place, self.key)
            role = LEADER if not number else OBSERVER if number >= count - observers else FOLLOWER
            name = "%s_%d_%d" % (host, 9010, 1700000000000 + number)
            record = Frontend(number + 1, name, host, role)
            self.frontends.append(FrontendServer(self, record, directory / ("fe-%d" % (number + 1))))

    def add_nodes(self, count: int) -> None:
        """Backends where data lies on them, compute nodes where it lies in storage volumes."""
        kind = COMPUTE_NODE if self.profile.shared_data else BACKEND
        for number in range(count):
            host = NODE_HOSTS[self.key] % (FIRST_NODE_HOST + number)
            if self.settings.host_names:
                host = NODE_NAME % (number, self.key)
            record = Node(self.cluster.new_id(), kind, host)
            self.nodes.append(NodeServer(self, record))

    def crash_node(self) -> None:
        """A backend or compute node dies and comes back a little later, as of issue #45276."""
        node = next((node for node in self.nodes if node.record.alive), None)
        if node is not None:
            self.spawn(self._crash(node))

    async def _crash(self, node: NodeServer) -> None:
        await node.set_alive(False)
        await self.clock.sleep(self.engine.settings.crash_restart)
        await node.set_alive(True)

    def set_statements(self, groups: t.Iterable[StatementSet]) -> None:
        """What the frontends understand."""
        self.dispatcher = Dispatcher(groups)

    async def start(self, tls: ssl.SSLContext | None, require_tls: bool) -> None:
        """Listen everywhere."""
        for frontend in self.frontends:
            await frontend.start(tls, require_tls)
        for node in self.nodes:
            await node.start()

    def spawn(self, work: t.Coroutine[t.Any, t.Any, t.Any]) -> None:
        """Run something in the background until the lab ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def close(self) -> None:
        """Stop everything."""
        for frontend in self.frontends:
            frontend.close()
        for node in self.nodes:
            node.close()
        for task in list(self.background):
            task.cancel()

    # --- leadership ---

    @property
    def leader(self) -> FrontendServer | None:
        """The living leader; None during an election."""
        return next((f for f in self.frontends if f.leads and f.record.alive), None)

    def config(self, key: str) -> str:
        """A config value as the leader has it; KeyError for an item that the version does not have."""
        return (self.leader or self.frontends[0]).record.config[key]

    def forward(self, frontend: FrontendServer) -> FrontendServer:
        """The frontend that runs a forwarded statement; SqlError while nobody leads."""
        leader = self.leader
        if leader is None:
            # The facts give no text for this; only that it is 1064.
            raise SqlError("Forward to leader failed: %s knows no leader" % frontend.record.name)
        return leader

    def frontend(self, name: str) -> FrontendServer:
        """By number (from 1), host, host:port or node name; ValueError for an unknown one."""
        for frontend in self.frontends:
            if name in (str(frontend.record.id), frontend.record.host, frontend.address, frontend.record.name):
                return frontend
        raise ValueError("frontend: %r is not there" % name)

    def kill(self, frontend: FrontendServer) -> None:
        """End a frontend's process; when it led, there is an election."""
        frontend.die()
        if frontend.leads:
            frontend.record.role = FOLLOWER
            self.spawn(self._elect(frontend))

    async def _elect(self, old: FrontendServer | None) -> None:
        """After a while another living follower leads; nobody without a majority of the followers."""
        await self.clock.sleep(self.rng.uniform(*self.settings.election))
        voters = [f for f in self.frontends if not f.observer]
        living = [f for f in voters if f.record.alive]
        if self.leader is None and len(living) * 2 > len(voters):
            next((f for f in living if f is not old), living[0]).record.role = LEADER

    async def failover(self) -> None:
        """Another frontend leads; the old leader lives on as a follower. Returns when it leads."""
        old = self.leader
        if old is not None:
            old.record.role = FOLLOWER
            await self._elect(old)

    async def revive(self, frontend: FrontendServer) -> None:
        """Start a frontend's process again: it has read fe.conf and forgotten what was set."""
        await frontend.revive()
        if self.leader is None:
            self.spawn(self._elect(None))

    async def restart(self, frontend: FrontendServer, seconds: float = 2.0) -> None:
        """Down for some lab seconds."""
        if frontend.record.alive:
            self.kill(frontend)
        await self.clock.sleep(seconds)
        await self.revive(frontend)

    # --- what listings show ---

    @property
    def variables(self) -> dict[str, str]:
        """Global variables."""
        return {**self.default_variables, **self.cluster.globals}

    @property
    def version_shown(self) -> str:
        """The version that nodes report."""
        return self.settings.version_text or self.profile.node_version

    @property
    def version_comment(self) -> str:
        """@@version_comment"""
        return self.settings.version_text or self.profile.version_comment

    @property
    def journal_id(self) -> int:
        """The last journal entry replayed everywhere."""
        return 1000 + int(self.clock.now())

    def stamp(self, at: float | None) -> str:
        """A time as listings print it; NULL for none."""
        return "NULL" if at is None else self.clock.timestamp(at).strftime("%Y-%m-%d %H:%M:%S")

    def unreachable(self, frontend: FrontendServer) -> bool:
        """True while the other frontends cannot reach this one."""
        return frontend.record.name in self.cut_off

    def scan_node(self) -> None:
        """A scan needs a living node; SqlError without one."""
        if not any(node.record.alive for node in self.nodes):
            kind = "Compute" if self.profile.shared_data else "Backend"
            raise SqlError("%s node not found. Check if any %s node is down." % (kind, kind.lower()))

    def tablets_per_node(self) -> int:
        """TabletNum of a node's listing, the same for all."""
        tablets = sum(
            partition.buckets * (1 if self.profile.shared_data else table.replication_num)
            for _database, table in self.cluster.tables()
            for partition in table.all_partitions()
        )
        return tablets // max(1, len(self.nodes))

    # --- names ---

    def has_database(self, name: str) -> bool:
        """True for a database that is there."""
        return name in self.cluster.databases or name.lower() in ("information_schema", "sys")

    def database(self, name: str) -> Database:
        """A database; the version's error for an unknown one."""
        found = self.cluster.databases.get(name)
        if found is None:
            raise unknown_database(self.profile, name)
        return found

    def table(self, database: str, name: str) -> tuple[Database, Table]:
        """A table; the version's error for an unknown one."""
        found = self.database(database)
        if name not in found.tables:
            raise unknown_table(self.profile, name)
        return found, found.tables[name]
