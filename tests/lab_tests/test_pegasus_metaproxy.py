# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MetaProxy stand-in keeps the real one's rules, the bad ones too."""

from __future__ import annotations

import asyncio
import json
import typing as t
from contextlib import asynccontextmanager

import pytest

from lab.breakpoints import Breakpoints
from lab.clock import LabClock
from lab.faults import Faults
from lab.gate import Gate
from lab.pegasus import zookeeper
from lab.pegasus.connection import Connection
from lab.pegasus.metaproxy import MetaProxy
from lab.pegasus.zookeeper import ZooKeeper
from lab.pegasus.zookeeper_znodes import Znodes
from lab.record import RequestRecord
from lab_tests.pegasus_small import QUERY, SmallCluster, ask, eventually, silent

pytestmark = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing())
ROOT = "/metaproxy"


@pytest.fixture(scope="module")
def server() -> t.Iterator[ZooKeeper]:
    with zookeeper.running() as running:
        yield running


class Place:
    """Two small clusters, one ZooKeeper session for the test, and proxies."""

    def __init__(self, hosts: str) -> None:
        self.hosts = hosts
        self.clock = LabClock(20)
        self.source, self.target = SmallCluster(2, 4), SmallCluster(7, 4)
        self.znodes = Znodes(hosts)
        self.proxies: list[MetaProxy] = []

    async def proxy(self, **options: t.Any) -> MetaProxy:
        """One more proxy."""
        self.proxies.append(MetaProxy(self.clock, self.hosts, ROOT, **options))
        await self.proxies[-1].start()
        return self.proxies[-1]

    async def point(self, cluster: SmallCluster, table: str = "temp") -> None:
        """Let the entry name a cluster."""
        text = json.dumps({"cluster_name": "c%d" % cluster.app_id, "meta_addrs": cluster.meta_addrs})
        await self.znodes.put("%s/%s" % (ROOT, table), text.encode())


@asynccontextmanager
async def place(server: ZooKeeper) -> t.AsyncIterator[Place]:
    """Everything up, the entry pointing at the source."""
    made = Place(server.hosts)
    await made.source.start()
    await made.target.start()
    await made.znodes.start()
    await made.point(made.source)
    try:
        yield made
    finally:
        for proxy in made.proxies:
            proxy.kill()
        made.znodes.close()
        made.source.close()
        made.target.close()


@pytest.mark.parametrize("version", [0, 1])
def test_it_answers_with_what_the_leader_says_whatever_partitions_are_asked(server: ZooKeeper, version: int) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            proxy = await here.proxy()
            answer = await ask(proxy.address, version=version)
            assert answer == await ask(here.source.metas[1].address)
            assert [p["pid"] for p in answer["partitions"]] == [(2, 0), (2, 1), (2, 2), (2, 3)]

    asyncio.run(scenario())


def test_other_requests_and_http_get_no_reply(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            proxy = await here.proxy()
            assert await silent(proxy.address, "RPC_CM_LIST_NODES", {"status": 0})
            assert await silent(proxy.address, "RPC_CM_CLUSTER_INFO", {})
            reader, writer = await asyncio.open_connection(*proxy.address.split(":"))
            writer.write(b"GET /version HTTP/1.1\r\nhost: x\r\n\r\n")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.3)
            writer.close()

    asyncio.run(scenario())


def test_a_changed_entry_reaches_every_proxy(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            proxies = [await here.proxy() for _number in range(2)]
            for proxy in proxies:
                assert (await ask(proxy.address))["app_id"] == 2
            await here.point(here.target)
            await eventually(lambda: all(p.as_dict()["tables"]["temp"]["cluster_name"] == "c7" for p in proxies))
            for proxy in proxies:
                assert (await ask(proxy.address))["app_id"] == 7
            # The one-shot watch is set again.
            await here.point(here.source)
            await eventually(lambda: all(p.as_dict()["tables"]["temp"]["cluster_name"] == "c2" for p in proxies))

    asyncio.run(scenario())


def test_a_lost_session_leaves_the_old_entry_for_ever(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            deaf, other = await here.proxy(), await here.proxy()
            for proxy in (deaf, other):
                await ask(proxy.address)
            await deaf.lose_watches()
            await here.point(here.target)
            await eventually(lambda: other.as_dict()["tables"]["temp"]["cluster_name"] == "c7")
            assert (await ask(deaf.address))["app_id"] == 2
            assert deaf.as_dict()["tables"]["temp"]["watched"] is False
            # A table that it did not hold is read, and a restart puts everything right.
            await here.point(here.target, "second")
            assert (await ask(deaf.address, "second"))["app_id"] == 7
            address = deaf.address
            deaf.kill()
            await deaf.start()
            assert deaf.address == address
            assert (await ask(deaf.address))["app_id"] == 7

    asyncio.run(scenario())


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cluster_name": 5}', b'{"meta_addrs": ["a:1", "b:2"]}'])
def test_an_update_that_cannot_be_read_kills_those_that_watch(server: ZooKeeper, data: bytes) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            watching, other = await here.proxy(), await here.proxy()
            await ask(watching.address)
            await here.znodes.put(ROOT + "/temp", data)
            await eventually(lambda: not watching.alive)
            assert "when trigger watcher" in watching.panic
            with pytest.raises(OSError):
                await Connection.open(watching.address)
            assert other.alive
            assert (await ask(other.address))["err"] == "ERR_INVALID_DATA"
            assert other.alive

    asyncio.run(scenario())


def test_errors_of_entries(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            proxy = await here.proxy()
            assert (await ask(proxy.address, "nowhere"))["err"] == "ERR_OBJECT_NOT_FOUND"
            await here.znodes.put(ROOT + "/single", b'{"cluster_name": "c", "meta_addrs": "127.0.0.1:1"}')
            assert (await ask(proxy.address, "single"))["err"] == "ERR_INVALID_DATA"
            # Go reads names without regard to case, and does not trim addresses.
            text = json.dumps({"Meta_Addrs": here.source.meta_addrs, "else": {"a": 1}})
            await here.znodes.put(ROOT + "/case", text.encode())
            assert (await ask(proxy.address, "case"))["app_id"] == 2
            await ask(proxy.address)
            await here.znodes.delete(ROOT + "/temp")
            await eventually(lambda: "temp" not in proxy.as_dict()["tables"])
            assert (await ask(proxy.address))["err"] == "ERR_OBJECT_NOT_FOUND"

    asyncio.run(scenario())


def test_without_zookeeper_cached_tables_are_served() -> None:
    async def scenario() -> None:
        server = ZooKeeper()
        await server.start()
        async with place(server) as here:
            proxy = await here.proxy()
            await ask(proxy.address)
            server.close()
            await eventually(lambda: not proxy._znodes._client.connected)  # type: ignore[union-attr]
            assert (await ask(proxy.address))["app_id"] == 2
            assert (await ask(proxy.address, "second"))["err"] == "ERR_ZOOKEEPER_OPERATION"

    asyncio.run(scenario())


def test_the_table_asked_for_least_recently_makes_room(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            proxy = await here.proxy(capacity=2)
            for table in ("one", "two", "three"):
                await here.point(here.source, table)
            for table in ("one", "two", "one", "three"):
                await ask(proxy.address, table)
            assert sorted(proxy.as_dict()["tables"]) == ["one", "three"]

    asyncio.run(scenario())


def test_the_client_library_of_2021_cannot_read_the_newest_metas(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            here.source.host_ports = True
            old, new = await here.proxy(decodes_host_ports=False), await here.proxy()
            assert await silent(old.address, QUERY, {"app_name": "temp", "partition_indices": []})
            assert (await ask(new.address))["partitions"][0]["hp_primary"] == here.source.replicas[0].address

    asyncio.run(scenario())


def test_requests_are_recorded_except_those_of_the_labs_own_clients(server: ZooKeeper) -> None:
    async def scenario() -> None:
        async with place(server) as here:
            record, insiders = RequestRecord(here.clock), set[t.Tuple[str, int]]()
            gate = Gate(here.clock, record, Faults(()), Breakpoints())
            proxy = await here.proxy(gate=gate, insiders=insiders)
            own = await Connection.open(proxy.address, insiders)
            await own.call(QUERY, {"app_name": "temp", "partition_indices": []})
            assert record.since(0) == []
            await ask(proxy.address)
            (entry,) = record.since(0)
            assert (entry.surface, entry.mutating, entry.outcome) == ("metaproxy", False, "ok")
            assert entry.request == '%s {"app_name": "temp", "partition_indices": [1]}' % QUERY
            own.close()

    asyncio.run(scenario())
