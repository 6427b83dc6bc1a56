# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference tool reaches the servers: its timeouts, and what its client library can decode."""

from __future__ import annotations

import asyncio
import json
import time
import typing as t

from lab.pegasus.connection import Connection
from lab.pegasus.frames import Header, RpcError
from lab.pegasus.thrift import DecodeError

TIMEOUT = 10.0
"""Lab seconds for every request."""
LEAST_TIMEOUT = 2.0
"""Real seconds."""
WRAPPED = 1410
"""What the servers are told, milliseconds: 10 s in nanoseconds do not fit into 32 bits."""
QUERY = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
FORWARD = "ERR_FORWARD_TO_OTHERS"
WORDS = {"RPC_CM_LIST_NODES": "failed to list nodes"}


class Ended(Exception):
    """The tool ends with this text."""


class Calls:
    """RPCs to one cluster's metas and to replica servers, and HTTP pages of these. ``now`` is lab seconds."""

    def __init__(
        self, metas: t.Sequence[str], factor: float, lab_time: float, reads_host_ports: bool, began: float | None = None
    ) -> None:
        self.factor = factor
        self._metas = list(metas)
        self._lab_time = lab_time
        self._began = time.monotonic() if began is None else began
        self._reads_host_ports = reads_host_ports
        self._timeout = max(TIMEOUT / factor, LEAST_TIMEOUT)
        self._connections: dict[str, Connection] = {}

    def of(self, metas: t.Sequence[str]) -> Calls:
        """The same for another cluster."""
        return Calls(metas, self.factor, self._lab_time, self._reads_host_ports, self._began)

    def now(self) -> float:
        """Lab seconds."""
        return self._lab_time + (time.monotonic() - self._began) * self.factor

    async def sleep(self, seconds: float) -> None:
        """Wait that many lab seconds."""
        await asyncio.sleep(seconds / self.factor)

    async def meta(self, rpc: str, argument: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Ask the leader. Ended when it refuses, and when none answers before the deadline."""
        words = WORDS.get(rpc, rpc)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._leader(rpc, argument, words)
        except asyncio.TimeoutError:
            raise Ended("%s [context deadline exceeded]" % words) from None

    async def _leader(self, rpc: str, argument: t.Mapping[str, t.Any], words: str) -> dict[str, t.Any]:
        # The end is looked at here too: a cancellation that something on the way swallows must not make this endless.
        end = time.monotonic() + self._timeout
        while time.monotonic() < end:
            for address in self._metas:
                try:
                    answer = t.cast(
                        "dict[str, t.Any]", await (await self._connection(address)).call(rpc, argument, _HEADER)
                    )
                except (OSError, RpcError, DecodeError, asyncio.TimeoutError):
                    continue
                if answer["err"] == FORWARD or (not self._reads_host_ports and _holds_host_ports(answer)):
                    continue
                if rpc == QUERY and answer["err"] == "ERR_OBJECT_NOT_FOUND":
                    raise Ended("table(%s) doesn't exist" % argument["app_name"])
                if answer["err"] != "ERR_OK":
                    hint = answer.get("hint") or answer.get("hint_message") or ""
                    raise Ended("%s [%s] %s" % (words, answer["err"], hint))
                return answer
            await self.sleep(1.0)
        raise asyncio.TimeoutError

    async def nodes(self) -> list[str]:
        """All replica servers, dead ones too."""
        answer = await self.meta("RPC_CM_LIST_NODES", {"status": 0})
        return [str(node["address"]) for node in answer["infos"]]

    async def app_id(self, table: str) -> int:
        """The table's id."""
        query = {"app_name": table, "partition_indices": []}
        return int((await self.meta(QUERY, query))["app_id"])

    async def cluster_info(self) -> dict[str, str]:
        """The cluster's properties by name."""
        answer = await self.meta("RPC_CM_CLUSTER_INFO", {})
        return dict(zip(answer["keys"], answer["values"]))

    async def counters(self, node: str, part: str) -> dict[str, float]:
        """The perf counters of a replica server whose names contain a text."""
        argument = {"cmd": "perf-counters-by-substr", "arguments": [part]}
        try:
            connection = await self._connection(node)
            text = await connection.call("RPC_CLI_CLI_CALL", argument, _HEADER, self._timeout)
        except (OSError, RpcError, asyncio.TimeoutError) as error:
            raise Ended("%s: %s" % (node, error or "context deadline exceeded")) from error
        try:
            found = json.loads(text)
        except ValueError:  # 2.6 has no such command: the library's list of counters stays empty
            return {}
        return {str(counter["name"]): float(counter["value"]) for counter in found.get("counters", ())}

    async def page(self, node: str, path: str) -> str:
        """The body of a replica server's HTTP page; Ended unless it is 200."""
        url = "http://%s%s" % (node, path)
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await _get(node, path)
        except (OSError, asyncio.TimeoutError, IndexError) as error:
            raise Ended('failed to call "%s": %s' % (url, error or "timeout")) from error
        if status != 200:
            raise Ended('failed to call "%s": code=%d' % (url, status))
        return body

    async def _connection(self, address: str) -> Connection:
        found = self._connections.get(address)
        if found is None or found.closed:
            found = self._connections[address] = await Connection.open(address)
        return found

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()


_HEADER = Header(timeout=WRAPPED)


def _holds_host_ports(answer: t.Any) -> bool:
    """True when an answer holds fields of 2.6, at which the library of 2022 loses its place."""
    if isinstance(answer, dict):
        return any(str(name).startswith("hp_") or _holds_host_ports(value) for name, value in answer.items())
    return isinstance(answer, list) and any(_holds_host_ports(value) for value in answer)


async def _get(node: str, path: str) -> tuple[int, str]:
    host, port = node.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, node)).encode())
        head, _blank, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body.decode()
    finally:
        writer.close()
