# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab's MetaProxies with their ZooKeeper: started together, their entries written and followed."""

from __future__ import annotations

import asyncio
import json
import typing as t

from lab.clock import LabClock
from lab.gate import Gate
from lab.pegasus.clients_links import Insiders
from lab.pegasus.metaproxy import MetaProxy
from lab.pegasus.zookeeper import ZooKeeper
from lab.pegasus.zookeeper_znodes import ZnodeMissing, Znodes, ZnodeTrouble

ROOT = "/metaproxy"
RETRY_PAUSE = 0.2


class MetaProxies:
    """``count`` instances. ``clusters``: name of a cluster -> "source" or "target", to tell where an entry points."""

    def __init__(
        self,
        clock: LabClock,
        count: int,
        clusters: t.Mapping[str, str],
        insiders: Insiders,
        gate: Gate | None,
        decodes_host_ports: bool = True,
    ) -> None:
        self._clock = clock
        self._count = count
        self._clusters = clusters
        self._insiders = insiders
        self._gate = gate
        self._decodes_host_ports = decodes_host_ports
        self._znodes = Znodes("")
        self._following: dict[str, asyncio.Task[None]] = {}
        self._entries: dict[str, bytes] = {}
        self.zookeeper = ZooKeeper()
        self.proxies: list[MetaProxy] = []

    async def start(self, tables: t.Iterable[str], cluster: str, metas: t.Sequence[str]) -> None:
        """Start everything, the entries of ``tables`` pointing at one cluster. Raises ZooKeeperError."""
        await self.zookeeper.start()
        self._znodes = Znodes(self.zookeeper.hosts)
        await self._znodes.start()
        for table in tables:
            await self.write(table, {"cluster_name": cluster, "meta_addrs": ",".join(metas)})
            self._following[table] = asyncio.get_running_loop().create_task(self._follow(table))
        for _number in range(self._count):
            proxy = MetaProxy(
                self._clock,
                self.zookeeper.hosts,
                ROOT,
                self._insiders,
                self._gate,
                decodes_host_ports=self._decodes_host_ports,
            )
            await proxy.start()
            self.proxies.append(proxy)

    @property
    def addresses(self) -> list[str]:
        """All instances, dead ones too."""
        return [proxy.address for proxy in self.proxies]

    def proxy(self, address: str) -> MetaProxy:
        """One instance; ValueError when there is none at that address."""
        for proxy in self.proxies:
            if proxy.address == address:
                return proxy
        raise ValueError("metaproxy: %r: not one of %s" % (address, ", ".join(self.addresses)))

    async def write(self, table: str, value: t.Any) -> None:
        """Write an entry: text as it is, anything else as JSON; None removes it. ZnodeMissing, ZnodeTrouble."""
        path = "%s/%s" % (ROOT, table)
        if value is None:
            await self._znodes.delete(path)
        else:
            await self._znodes.put(path, (value if isinstance(value, str) else json.dumps(value)).encode())

    def entry(self, table: str) -> str | None:
        """The entry as it is now, whatever the proxies have cached."""
        data = self._entries.get(table)
        return None if data is None else data.decode("utf-8", "replace")

    def points_at(self, table: str) -> str | None:
        """ "source" or "target" by the cluster name in the entry; None when it names neither."""
        try:
            found = json.loads(self._entries.get(table, b""))
            return self._clusters.get(found["cluster_name"])
        except (ValueError, KeyError, TypeError):
            return None

    async def _follow(self, table: str) -> None:
        path = "%s/%s" % (ROOT, table)
        while True:
            try:
                self._entries[table], watch = await self._znodes.get_and_watch(path)
            except (ZnodeMissing, ZnodeTrouble) as problem:
                if isinstance(problem, ZnodeMissing):
                    self._entries.pop(table, None)
                await asyncio.sleep(RETRY_PAUSE)
            else:
                await watch.event

    def as_dict(self) -> dict[str, t.Any]:
        """Entries by table, and each instance with its cache."""
        return {
            "entries": {table: self.entry(table) for table in self._following},
            "proxies": [proxy.as_dict() for proxy in self.proxies],
        }

    def close(self) -> None:
        """Stop everything."""
        for task in self._following.values():
            task.cancel()
        for proxy in self.proxies:
            proxy.kill()
        self._znodes.close()
        self.zookeeper.close()
