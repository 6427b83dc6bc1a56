# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for a table's configuration as clients and MetaProxy do: of a list of servers that may not be the leader."""

from __future__ import annotations

import asyncio
import typing as t

from lab.clock import LabClock
from lab.pegasus import structs
from lab.pegasus.clients_links import Insiders, Links, RawConnection
from lab.pegasus.frames import Header, RpcError
from lab.pegasus.thrift import Reader

QUERY = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
EACH_TIMEOUT = 1.0
"""Lab seconds after which the next server is asked too; an answer of the first one still counts."""
LEAST_EACH, LEAST_TIMEOUT = 0.25, 5.0
"""Real seconds until the next server is asked, and for the whole query: a busy machine is no silent server."""
TRIES = 5
FORWARD = "ERR_FORWARD_TO_OTHERS"
NOT_LEADING = (FORWARD, "ERR_SERVICE_NOT_ACTIVE")


def error_of(answer: bytes) -> str:
    """Field 1 ``err`` of an encoded query_cfg_response."""
    reader = Reader(answer)
    reader.field()
    return reader.string()


class Resolver:
    """Asks the server that led last, and others when it refuses or is slow, as the Go client does."""

    def __init__(self, clock: LabClock, addresses: t.Sequence[str], insiders: Insiders) -> None:
        self._clock = clock
        self._links = Links(insiders, RawConnection)
        self._addresses = list(addresses)
        self._lead = 0

    async def query(self, table: str) -> bytes | None:
        """An encoded query_cfg_response that is not ERR_FORWARD_TO_OTHERS; None when no server gave one."""
        argument = structs.encode("query_cfg_request", {"app_name": table, "partition_indices": []})
        loop, factor = asyncio.get_running_loop(), self._clock.factor
        end = loop.time() + max(TRIES * EACH_TIMEOUT / factor, LEAST_TIMEOUT)
        asked: dict[asyncio.Task[bytes | None], int] = {}
        server, tries = self._lead, 0
        try:
            while loop.time() < end and (asked or tries < TRIES):
                if tries < TRIES:
                    asked[loop.create_task(self._ask(self._addresses[server], argument))] = server
                    tries += 1
                pause = max(EACH_TIMEOUT / factor, LEAST_EACH)
                done, _waiting = await asyncio.wait(asked, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                server = (server + 1) % len(self._addresses)
                for task in done:
                    number, answer = asked.pop(task), task.result()
                    error = error_of(answer) if answer is not None else ""
                    if answer is not None and error not in NOT_LEADING:
                        self._lead = number
                        return answer
                    leader = self._leader(answer) if answer is not None and error == FORWARD else None
                    if leader is not None:
                        server = leader
                    elif answer is not None:
                        await self._clock.sleep(0.1)
        finally:
            for task in asked:
                task.cancel()
        return None

    def _leader(self, answer: bytes) -> int | None:
        """The number of the leader that the answer names, if it names one."""
        partitions = structs.decode("query_cfg_response", answer).get("partitions", ())
        leader = partitions[0]["primary"] if partitions else ""
        if not leader:
            return None
        if leader not in self._addresses:
            self._addresses.append(leader)
        return self._addresses.index(leader)

    async def _ask(self, address: str, argument: bytes) -> bytes | None:
        try:
            header = Header(timeout=int(EACH_TIMEOUT * 1000))
            return t.cast(bytes, await self._links.call(address, QUERY, argument, header))
        except RpcError:
            return None

    def close(self) -> None:
        """Close all connections."""
        self._links.close()
