# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to Pegasus over its RPC protocol, with the codec of the lab, which was written from the protocol alone."""

from __future__ import annotations

import asyncio
import typing as t

from clients.place import Place, Refused
from lab.pegasus.clients_keys import crc64, key, update_request
from lab.pegasus.connection import Connection
from lab.pegasus.frames import Header, RpcError
from lab.pegasus.thrift import STRUCT, DecodeError

QUERY = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
PUT, GET = "RPC_RRDB_RRDB_PUT", "RPC_RRDB_RRDB_GET"
OK, NOT_FOUND = 0, 1
"""RocksDB's status codes, which stand in field ``error`` of the data responses."""
TIMEOUT = 5.0
FAILURES = (OSError, RpcError, DecodeError, asyncio.TimeoutError)


class PegasusClient:
    """Place: ``servers`` (meta servers, or MetaProxies for a table that is there), ``table``, and for a new one
    ``partitions`` and ``replicas``. A key is one hash key.
    """

    def __init__(self, place: Place) -> None:
        self._servers: list[str] = list(place["servers"])
        self._table: str = place["table"]
        self._options = {
            "partition_count": int(place.get("partitions", 4)),
            "replica_count": int(place.get("replicas", 3)),
            "success_if_exist": True,
            "app_type": "pegasus",
            "is_stateful": True,
            "envs": {},
        }
        self._loop = asyncio.new_event_loop()
        self._connections: dict[str, Connection] = {}
        self._app = 0
        self._primaries: list[str] = []

    def make(self) -> None:
        """Until every partition has a primary."""
        self._loop.run_until_complete(self._make())

    def write(self, keys: t.Sequence[int]) -> None:
        """A PUT for each key."""
        self._loop.run_until_complete(self._write(keys))

    def held(self, keys: t.Collection[int]) -> set[int]:
        """A GET for each key."""
        return self._loop.run_until_complete(self._held(keys))

    def close(self) -> None:
        """End all connections."""
        for connection in self._connections.values():
            connection.close()
        # One more turn of the loop, in which the sockets are closed.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _make(self) -> None:
        answer = await self._ask(QUERY, {"app_name": self._table, "partition_indices": []})
        if answer["err"] == "ERR_OBJECT_NOT_FOUND":
            made = await self._ask("RPC_CM_CREATE_APP", {"app_name": self._table, "options": self._options})
            if made["err"] != "ERR_OK":
                raise Refused(f"create {self._table}: {made['err']}")
        await self._find()

    async def _find(self) -> None:
        """Where the partitions are."""
        answer = await self._ask(QUERY, {"app_name": self._table, "partition_indices": []})
        primaries = [one["primary"] for one in answer.get("partitions", ())]
        if answer["err"] != "ERR_OK" or not primaries or not all(primaries):
            raise Refused(f"{self._table}: {answer['err']}, primaries {primaries}")
        self._app, self._primaries = answer["app_id"], primaries

    async def _ask(self, rpc: str, argument: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The answer of the meta server that leads."""
        problem = "no server is given"
        for server in self._servers:
            try:
                found = await (await self._to(server)).call(rpc, argument, Header(timeout=5000), TIMEOUT)
            except FAILURES as error:
                problem = f"{server}: {error or type(error).__name__}"
                continue
            if found["err"] != "ERR_FORWARD_TO_OTHERS":
                return t.cast("dict[str, t.Any]", found)
            problem = f"{server}: another one leads"
        raise Refused(f"{rpc}: {problem}")

    async def _write(self, keys: t.Sequence[int]) -> None:
        for number in keys:
            hash_key = _hash_key(number)
            body = update_request(hash_key, 0, b"%d" % number)
            found = await self._data(PUT, hash_key, body)
            if found["error"] != OK:
                raise Refused(f"{PUT}: storage error {found['error']}")

    async def _held(self, keys: t.Collection[int]) -> set[int]:
        there = set()
        for number in keys:
            hash_key = _hash_key(number)
            found = await self._data(GET, hash_key, None)
            if found["error"] not in (OK, NOT_FOUND):
                raise Refused(f"{GET}: storage error {found['error']}")
            if found["error"] == OK:
                there.add(number)
        return there

    async def _data(self, rpc: str, hash_key: bytes, body: bytes | None) -> dict[str, t.Any]:
        if not self._primaries:
            await self._find()
        checksum = crc64(hash_key)
        index = checksum % len(self._primaries)
        header = Header(self._app, index, int(TIMEOUT * 1000), 0, checksum)
        try:
            connection = await self._to(self._primaries[index])
            if body is None:
                future = connection.send(rpc, key(hash_key, 0), header)
            else:
                future = connection.send_bytes(rpc, body, header, STRUCT)
            async with asyncio.timeout(TIMEOUT):
                return t.cast("dict[str, t.Any]", await future)
        except FAILURES as error:
            raise Refused(f"{rpc}: {error or type(error).__name__}") from error

    async def _to(self, server: str) -> Connection:
        found = self._connections.get(server)
        if found is None or found.closed:
            async with asyncio.timeout(TIMEOUT):
                found = self._connections[server] = await Connection.open(server)
        return found


def _hash_key(number: int) -> bytes:
    return b"molecule-%d" % number
