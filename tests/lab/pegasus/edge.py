# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between clients and clusters: ZooKeeper, MetaProxies, and the writing clients with their ledger."""

from __future__ import annotations

import json
import typing as t

from lab.clock import LabClock
from lab.gate import Gate
from lab.pegasus.clients import Clients
from lab.pegasus.clients_ledger import PegasusLedger
from lab.pegasus.cluster import Cluster
from lab.pegasus.metaproxy import MetaProxy
from lab.pegasus.zookeeper import ZooKeeper
from lab.pegasus.zookeeper_znodes import ZnodeMissing, Znodes, ZnodeTrouble

ROOT = "/metaproxy"
PROXIES = 2


class Edge:
    """``authority`` per table names the cluster that its clients are meant for: "source" or "target".

    With MetaProxy that is what the znode says; without, what ``switch`` was last told.
    """

    def __init__(
        self,
        clock: LabClock,
        gate: Gate,
        clusters: t.Mapping[str, Cluster],
        tables: t.Sequence[str],
        insiders: set[tuple[str, int]],
        seed: int,
    ) -> None:
        self._clock = clock
        self._gate = gate
        self._clusters = clusters
        self._insiders = insiders
        self._znodes: Znodes | None = None
        self.zookeeper: ZooKeeper | None = None
        self.proxies: list[MetaProxy] = []
        self.authority = dict.fromkeys(tables, "source")
        self.ledgers: dict[str, PegasusLedger] = {}
        self.clients: dict[str, Clients] = {}
        for table in tables:
            self.ledgers[table] = PegasusLedger(clock, clusters, table, self._authority_of(table))
            self.clients[table] = Clients(clock, self.ledgers[table], table, insiders, seed)

    def _authority_of(self, table: str) -> t.Callable[[], str]:
        return lambda: self.authority[table]

    async def start(self) -> None:
        """ZooKeeper, the entries of all tables, and two MetaProxies."""
        self.zookeeper = ZooKeeper()
        await self.zookeeper.start()
        self._znodes = Znodes(self.zookeeper.hosts)
        await self._znodes.start()
        for table in self.authority:
            await self.point(table, "source")
        for _number in range(PROXIES):
            proxy = MetaProxy(self._clock, self.zookeeper.hosts, ROOT, self._insiders, self._gate)
            await proxy.start()
            self.proxies.append(proxy)

    def run_clients(self, count: int, rate: float, kinds: t.Sequence[str] = ("java", "go")) -> None:
        """Replace the clients: ``count`` of them and ``rate`` writes per lab second, shared by all tables."""
        tables = len(self.clients)
        for table, clients in self.clients.items():
            addresses = [p.address for p in self.proxies] or self._clusters[self.authority[table]].meta.addresses
            share = max(1, count // tables) if count else 0
            clients.run(share, rate / tables, addresses, kinds)

    async def point(self, table: str, key: str) -> None:
        """Write a table's entry as an operator would."""
        cluster = self._clusters[key]
        entry = {"cluster_name": cluster.name, "meta_addrs": ",".join(cluster.meta.addresses)}
        await self.write(table, json.dumps(entry))

    async def write(self, table: str, data: str | None) -> None:
        """Write any bytes, or remove the entry (None)."""
        if self._znodes is None:
            raise ValueError("there is no ZooKeeper")
        path = "%s/%s" % (ROOT, table)
        if data is None:
            await self._znodes.delete(path)
        else:
            await self._znodes.put(path, data.encode())

    async def znodes(self) -> dict[str, str | None]:
        """The entries' text by table, None where there is none; brings ``authority`` up to date."""
        found: dict[str, str | None] = {}
        for table in self.authority if self._znodes is not None else ():
            assert self._znodes is not None
            try:
                data, _version = await self._znodes.get("%s/%s" % (ROOT, table))
                found[table] = data.decode("utf-8", "replace")
            except ZnodeMissing:
                found[table] = None
            except ZnodeTrouble:
                continue
            self._learn(table, found[table])
        return found

    def _learn(self, table: str, text: str | None) -> None:
        try:
            name = json.loads(text or "{}").get("cluster_name")
        except (ValueError, AttributeError):
            return
        for key, cluster in self._clusters.items():
            if cluster.name == name:
                self.authority[table] = key

    def switch(self, table: str, key: str, count: int, rate: float) -> None:
        """Without MetaProxy: an operator points the clients of a table at the other cluster's meta servers."""
        if self.proxies:
            raise ValueError("switch: with MetaProxy the znode says where clients go")
        self.authority[table] = key
        self.clients[table].run(count, rate, self._clusters[key].meta.addresses)

    async def ledger(self) -> dict[str, t.Any]:
        """The first table's ledger; with several tables the sums, and each under ``tables``."""
        await self.znodes()
        found = {table: ledger.as_dict() for table, ledger in self.ledgers.items()}
        first = next(iter(found.values()))
        if len(found) == 1:
            return first
        sums = {name: sum(one[name] for one in found.values()) for name in ("acknowledged", "missing", "refused")}
        return {**first, **sums, "tables": found}

    def as_dict(self) -> dict[str, t.Any]:
        """Proxies and clients, for the control port."""
        return {
            "metaproxies": [proxy.as_dict() for proxy in self.proxies],
            "clients": {table: clients.as_dict() for table, clients in self.clients.items()},
            "rates": {table: clients.rate for table, clients in self.clients.items()},
            "authority": dict(self.authority),
        }

    def close(self) -> None:
        """End everything."""
        for clients in self.clients.values():
            clients.close()
        for proxy in self.proxies:
            proxy.kill()
        if self._znodes is not None:
            self._znodes.close()
        if self.zookeeper is not None:
            self.zookeeper.close()

    async def zookeeper_action(self, action: str) -> None:
        """Stop or start ZooKeeper."""
        if self.zookeeper is None or action not in ("stop", "start"):
            raise ValueError("zookeeper: stop or start, where there is one")
        if action == "stop":
            self.zookeeper.stop()
        else:
            await self.zookeeper.start()
