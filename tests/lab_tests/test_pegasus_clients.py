# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writing clients: where they write, what makes them ask again, and what their ledger says."""

from __future__ import annotations

import asyncio
import json
import random
import typing as t
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from lab.clock import LabClock
from lab.http_server import HttpRequest, HttpResponse
from lab.ledger import Account
from lab.pegasus import structs, zookeeper
from lab.pegasus.clients import Clients
from lab.pegasus.clients_keys import crc64, hash_keys, key, sequences, update_request
from lab.pegasus.clients_ledger import PegasusLedger, Refusals
from lab.pegasus.clients_resolver import Resolver
from lab.pegasus.clients_routing import CPP, GO, JAVA, KINDS, Kind, Routes, merge
from lab.pegasus.door import Call, Door
from lab.pegasus.metaproxy import MetaProxy
from lab.pegasus.zookeeper_znodes import Znodes
from lab_tests.pegasus_small import SmallCluster, eventually


def test_hash_keys_fall_into_their_partitions() -> None:
    assert crc64(b"123456789") == 0xAE8B14860A799888
    found = hash_keys(3, 64)
    assert [checksum % 64 for _key, checksum in found] == list(range(64))
    assert not {k for k, _sum in found} & {k for k, _sum in hash_keys(4, 64)}


def test_what_a_store_holds_is_read_from_its_keys() -> None:
    numbers = [1, 2, 3, 5, 8, 9]
    keys = [key(b"writer-1-0", n) for n in numbers] + [key(b"record", 4), b""]
    random.Random(1).shuffle(keys)
    assert list(sequences(keys).values(100)) == numbers


def test_requests_made_by_hand_are_those_of_the_codec() -> None:
    value = {"key": key(b"writer-1-0", 7), "value": b"12", "expire_ts_seconds": 0}
    assert update_request(b"writer-1-0", 7, b"12") == structs.encode("update_request", value)


# ---- windows


def test_a_window_runs_from_the_first_refused_to_the_first_accepted_sent_after_it() -> None:
    account = Account()
    refusals = Refusals(account)
    refusals.accepted(1.0, 1.1)
    refusals.refused(2.0)
    refusals.refused(2.5)
    refusals.accepted(1.9, 2.6)  # sent before, only slow
    assert vars(account)["since"] == 2.0
    refusals.accepted(3.0, 3.1)
    assert (account.windows, account.since, account.refused) == ([(2.0, 3.1)], None, 2)


def test_a_refusal_by_silence_is_known_late_and_dated_back() -> None:
    account = Account()
    refusals = Refusals(account)
    refusals.accepted(1.0, 1.1)
    refusals.accepted(4.0, 4.2)
    refusals.accepted(3.0, 3.5)
    refusals.refused(2.0)
    assert account.windows == [(2.0, 3.5)]
    refusals.refused(1.5)
    assert account.windows == [(1.5, 3.5)]
    refusals.refused(6.0)
    refusals.refused(5.0)
    assert account.since == 5.0


# ---- libraries


def _answer(app_id: int, ballot: int, *primaries: str) -> dict[str, t.Any]:
    partitions = [{"pid": (app_id, i), "ballot": ballot, "primary": p} for i, p in enumerate(primaries)]
    return {"err": "ERR_OK", "app_id": app_id, "partition_count": len(primaries), "partitions": partitions[::-1]}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_routes_of_a_fresh_table_with_small_ballots(kind: Kind) -> None:
    held = merge(kind, None, _answer(2, 9, "a:1", "b:1"))
    assert held == Routes(2, ("a:1", "b:1"), (9, 9), 1)
    moved = merge(kind, held, _answer(7, 3, "c:1", "d:1"))
    assert moved is not None and moved.app_id == 7
    assert moved.primaries == (("a:1", "b:1") if kind is CPP else ("c:1", "d:1"))


def test_only_the_go_client_refuses_a_table_without_all_primaries() -> None:
    assert merge(GO, None, _answer(2, 3, "a:1", "")) is None
    assert merge(JAVA, None, _answer(2, 3, "a:1", "")) is not None
    assert merge(JAVA, None, {"err": "ERR_OK", "partition_count": 0}) is None


@pytest.mark.parametrize(
    ("error", "refreshing", "retrying"),
    [
        ("ERR_INVALID_STATE", {"java", "go", "cpp"}, {"java", "cpp"}),
        ("ERR_OBJECT_NOT_FOUND", {"java", "go", "cpp"}, {"java", "go", "cpp"}),
        ("ERR_SESSION_RESET", {"java", "go", "cpp"}, {"java", "cpp"}),
        ("ERR_NOT_ENOUGH_MEMBER", set(), {"java", "cpp"}),
        ("ERR_BUSY", set(), set()),
        ("ERR_INVALID_DATA", {"go", "cpp"}, {"go", "cpp"}),
    ],
)
def test_what_makes_a_library_ask_again_and_try_again(error: str, refreshing: set[str], retrying: set[str]) -> None:
    assert {name for name, kind in KINDS.items() if kind.refreshes(error)} == refreshing
    assert {name for name, kind in KINDS.items() if kind.retries(error)} == retrying


# ---- asking for the configuration


def _slow(seconds: float, answer: bytes) -> Door:
    def called(call: Call) -> None:
        value = structs.decode("query_cfg_response", answer)
        asyncio.get_running_loop().call_later(seconds, call.reply, value)

    async def no_http(request: HttpRequest) -> HttpResponse:
        return HttpResponse(404)

    return Door(called, no_http)


@pytest.mark.parametrize(("delays", "leads"), [((60.0, 0.0), 1), ((0.9, 60.0), 0), ((0.0, 0.0), 0)])
def test_a_silent_server_is_passed_over_and_a_slow_one_still_heard(delays: tuple[float, float], leads: int) -> None:
    async def scenario() -> None:
        answers = [structs.encode("query_cfg_response", _answer(number, 3, "10.0.0.1:1")) for number in range(2)]
        doors = [_slow(seconds, answer) for seconds, answer in zip(delays, answers)]
        for door in doors:
            await door.start()
        resolver = Resolver(LabClock(20), [door.address for door in doors], None)
        assert await resolver.query("temp") == answers[leads]
        resolver.close()
        for door in doors:
            door.pause()

    asyncio.run(scenario())


def test_no_server_no_answer() -> None:
    async def scenario() -> None:
        door = _slow(0, b"")
        await door.start()
        door.pause()
        assert await Resolver(LabClock(20), [door.address], None).query("temp") is None

    asyncio.run(scenario())


# ---- clients at work


class Place:
    """Two small clusters and the clients' ledger over both."""

    def __init__(self) -> None:
        self.clock = LabClock(20)
        self.source, self.target = SmallCluster(2, 4, ballot=9), SmallCluster(7, 4)
        self.authority = "source"
        views = {"source": _view(self.source), "target": _view(self.target)}
        self.ledger = PegasusLedger(self.clock, views, "temp", lambda: self.authority)
        self.clients = Clients(self.clock, self.ledger, "temp", set())

    def acknowledged(self) -> int:
        """Writes acknowledged so far."""
        return t.cast(int, self.ledger.as_dict()["acknowledged"])

    def windows(self) -> list[list[list[float]]]:
        """The windows of each partition."""
        accounts = self.ledger.as_dict()["per_partition"]
        return [accounts[str(index)]["refused_windows"] for index in range(4)]

    async def writing(self) -> None:
        """Wait until more has been acknowledged in every partition."""
        before = {i: len(self.ledger.account(i).acknowledged) for i in range(4)}
        await eventually(lambda: all(len(self.ledger.account(i).acknowledged) > n for i, n in before.items()))


def _view(cluster: SmallCluster) -> t.Any:
    app = SimpleNamespace(partitions=[SimpleNamespace(store=store) for store in cluster.stores])
    return SimpleNamespace(app=lambda name: app)


@asynccontextmanager
async def place() -> t.AsyncIterator[Place]:
    """Everything up, no clients yet."""
    made = Place()
    await made.source.start()
    await made.target.start()
    try:
        yield made
    finally:
        made.clients.close()
        made.source.close()
        made.target.close()


def _metas(cluster: SmallCluster) -> list[str]:
    return [door.address for door in cluster.metas]


@pytest.mark.parametrize("kind", KINDS)
def test_every_acknowledged_write_is_in_the_store_or_counted_as_missing(kind: str) -> None:
    async def scenario() -> None:
        async with place() as here:
            here.clients.run(3, 20.0, _metas(here.source), [kind])
            await here.writing()
            here.clients.close()
            found = here.ledger.as_dict()
            assert found["missing"] == found["refused"] == 0
            assert found["missing_on"] == {"source": 0, "target": found["acknowledged"]}
            for index, store in enumerate(here.source.stores):
                assert len(store) >= found["per_partition"][str(index)]["acknowledged"] > 0
            # The oldest: the newest may have been on its way when the clients ended, and acknowledged to nobody.
            here.source.stores[1].pop(next(iter(here.source.stores[1])))
            found = here.ledger.as_dict()
            assert found["missing"] == found["per_partition"]["1"]["missing"] == 1
            here.authority = "target"
            assert here.ledger.as_dict()["missing"] == found["acknowledged"]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["java", "go"])
def test_refused_with_reconfig_they_ask_again_and_write_on_where_they_are_sent(kind: str) -> None:
    async def scenario() -> None:
        async with place() as here:
            here.clients.run(2, 20.0, _metas(here.source), [kind])
            await here.writing()
            here.source.deny = "reconfig"
            await eventually(lambda: all(here.ledger.account(i).since is not None for i in range(4)))
            asked = here.source.queries
            await eventually(lambda: here.source.queries > asked + 2)
            before, here.source.deny = here.clock.now(), ""
            await here.writing()
            assert all(len(w) == 1 and w[0][1] >= before for w in here.windows())
            assert set(here.ledger.errors) <= {"ERR_INVALID_STATE"}

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["java", "go"])
def test_refused_by_silence_they_stay(kind: str) -> None:
    async def scenario() -> None:
        async with place() as here:
            here.clients.run(2, 20.0, _metas(here.source), [kind])
            await here.writing()
            asked, since = here.source.queries, here.clock.now()
            here.source.deny = "timeout"
            await eventually(lambda: here.ledger.errors["ERR_TIMEOUT"] > 20)
            noticed = here.clock.now()
            assert here.source.queries == asked
            here.source.deny = ""
            await here.writing()
            windows = here.windows()
            # Dated back to when it was sent, not to when it was given up.
            assert all(w and since - 2 < w[0][0] < noticed - 10 for w in windows), (since, noticed, windows)

    asyncio.run(scenario())


def test_a_server_that_is_gone_makes_them_ask_again() -> None:
    async def scenario() -> None:
        async with place() as here:
            here.clients.run(2, 20.0, _metas(here.source))
            await here.writing()
            asked = here.source.queries
            here.source.replicas[0].pause()
            await eventually(lambda: here.ledger.errors["ERR_SESSION_RESET"] and here.source.queries > asked)
            await here.source.replicas[0].resume()
            await here.writing()
            assert here.ledger.as_dict()["missing"] == 0

    asyncio.run(scenario())


def test_a_fast_clock_lowers_the_rate_and_unknown_kinds_are_refused() -> None:
    async def scenario() -> None:
        async with place() as here:
            here.clients.run(1, 1000.0, _metas(here.source))
            assert here.clients.rate * here.clock.factor == 1000
            assert [client["kind"] for client in here.clients.as_dict()] == ["java"]
            with pytest.raises(ValueError, match=r"rust: not among java, go, cpp"):
                here.clients.run(1, 1.0, _metas(here.source), ["rust"])

    asyncio.run(scenario())


@pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing())
def test_through_metaproxy_they_follow_to_the_other_cluster_except_those_that_cannot() -> None:
    async def scenario() -> None:
        server, insiders = zookeeper.ZooKeeper(), set[t.Tuple[str, int]]()
        await server.start()
        znodes = Znodes(server.hosts)
        await znodes.start()
        async with place() as here:

            async def point(cluster: SmallCluster) -> None:
                data = json.dumps({"cluster_name": "any", "meta_addrs": cluster.meta_addrs})
                await znodes.put("/metaproxy/temp", data.encode())

            await point(here.source)
            proxies = [MetaProxy(here.clock, server.hosts, "/metaproxy", insiders) for _number in range(2)]
            for proxy in proxies:
                await proxy.start()
            here.clients.run(3, 20.0, [p.address for p in proxies], ["java", "go", "cpp"])
            await here.writing()
            here.source.deny = "reconfig"
            await eventually(lambda: all(here.ledger.account(i).since is not None for i in range(4)))
            for mine, its in zip(here.target.stores, here.source.stores):
                mine.update(its)
            here.authority = "target"
            await point(here.target)
            await eventually(lambda: [c["app_id"] for c in here.clients.as_dict()[:2]] == [7, 7])
            await here.writing()
            java, go, cpp = here.clients.as_dict()
            targets = sorted(door.address for door in here.target.replicas)
            assert java["primaries"] == go["primaries"] == targets
            assert [app_id for _at, app_id in java["moved"]] == [2, 7]
            assert cpp["primaries"] == sorted(door.address for door in here.source.replicas)
            assert here.ledger.as_dict()["missing"] == 0
            for proxy in proxies:
                proxy.kill()
        znodes.close()
        server.close()

    asyncio.run(scenario())
