# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A meta server and replica servers reduced to what clients and MetaProxy ask of them, for tests of these alone."""

from __future__ import annotations

import asyncio
import typing as t

from lab.gate import ConnectionDropped
from lab.http_server import HttpRequest, HttpResponse
from lab.pegasus.connection import Connection
from lab.pegasus.door import Call, Door
from lab.pegasus.frames import Header, RpcError

QUERY = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"


async def eventually(condition: t.Callable[[], t.Any], seconds: float = 5.0) -> None:
    """Wait until a condition holds."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < end, "did not come true"
        await asyncio.sleep(0.01)


async def _no_http(request: HttpRequest) -> HttpResponse:
    raise ConnectionDropped()


class SmallCluster:
    """Two metas of which the second leads; replica servers that keep what is put. ``deny``: "", timeout, reconfig."""

    def __init__(self, app_id: int, partitions: int = 4, ballot: int = 3, servers: int = 2) -> None:
        self.app_id = app_id
        self.ballot = ballot
        self.deny = ""
        self.knows = True
        self.host_ports = False
        self.queries = 0
        self.stores: list[dict[bytes, bytes]] = [{} for _index in range(partitions)]
        self.metas = [Door(self._follower, _no_http), Door(self._leader, _no_http)]
        self.replicas = [Door(self._replica, _no_http) for _number in range(servers)]

    async def start(self) -> None:
        """Listen everywhere."""
        for door in self.metas + self.replicas:
            await door.start()

    def close(self) -> None:
        """Stop listening."""
        for door in self.metas + self.replicas:
            door.pause()

    @property
    def meta_addrs(self) -> str:
        """As the znode names them."""
        return ",".join(door.address for door in self.metas)

    def _follower(self, call: Call) -> None:
        call.reply({"err": "ERR_FORWARD_TO_OTHERS", "partitions": [{"pid": (0, 0), "primary": self.metas[1].address}]})

    def _leader(self, call: Call) -> None:
        self.queries += 1
        if not self.knows:
            call.reply({"err": "ERR_OBJECT_NOT_FOUND"})
            return
        partitions: list[dict[str, t.Any]] = [
            {"pid": (self.app_id, i), "ballot": self.ballot, "primary": self.replicas[i % len(self.replicas)].address}
            for i in range(len(self.stores))
        ]
        if self.host_ports:
            for partition in partitions:
                partition["hp_primary"] = partition["primary"]
        answer = {"err": "ERR_OK", "app_id": self.app_id, "partition_count": len(partitions), "partitions": partitions}
        call.reply(answer)

    def _replica(self, call: Call) -> None:
        if call.header.app_id != self.app_id:
            call.fail("ERR_OBJECT_NOT_FOUND")
        elif self.deny == "reconfig":
            call.fail("ERR_INVALID_STATE")
        elif self.deny != "timeout":
            self.stores[call.header.partition_index][call.argument["key"]] = call.argument["value"]
            call.reply({"error": 0, "app_id": self.app_id, "partition_index": call.header.partition_index})


async def ask(address: str, table: str = "temp", seconds: float = 5.0, version: int = 0) -> dict[str, t.Any]:
    """The configuration of a table as a server gives it."""
    connection = await Connection.open(address)
    try:
        argument = {"app_name": table, "partition_indices": [1]}
        answer = await connection.call(QUERY, argument, Header(version=version), seconds)
    finally:
        connection.close()
    return t.cast("dict[str, t.Any]", answer)


async def silent(address: str, rpc: str, argument: t.Any) -> bool:
    """True when a call is not answered within a short time."""
    connection = await Connection.open(address)
    try:
        await connection.call(rpc, argument, timeout=0.3)
    except asyncio.TimeoutError:
        return True
    except RpcError:
        return False
    finally:
        connection.close()
    return False
