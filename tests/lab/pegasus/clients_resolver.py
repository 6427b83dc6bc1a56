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
from lab.pegasus.thrift import Reader
from lab.pegasus.wire import Header, RpcError

QUERY = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
EACH_TIMEOUT = 1.0
"""Lab seconds that one server has to answer before the next one is asked."""
LEAST_TIMEOUT = 0.5
"""Real seconds: however fast the lab's clock, its servers need some time."""
TRIES = 5


def error_of(answer: bytes) -> str:
    """Field 1 ``err`` of an encoded query_cfg_response."""
    reader = Reader(answer)
    reader.field()
    return reader.string()


class Resolver:
    """Asks the server that led last, then the others. An answer stays bytes."""

    def __init__(self, clock: LabClock, addresses: t.Sequence[str], insiders: Insiders) -> None:
        self._clock = clock
        self._links = Links(insiders, RawConnection)
        self._addresses = list(addresses)
        self._lead = 0

    async def query(self, table: str) -> bytes | None:
        """An encoded query_cfg_response that is not ERR_FORWARD_TO_OTHERS; None when no server gave one."""
        argument = structs.encode("query_cfg_request", {"app_name": table, "partition_indices": []})
        for _attempt in range(TRIES):
            lead = self._lead
            answer = await self._ask(self._addresses[lead], argument)
            if answer is not None:
                error = error_of(answer)
                if error not in ("ERR_FORWARD_TO_OTHERS", "ERR_SERVICE_NOT_ACTIVE"):
                    return answer
                if error == "ERR_FORWARD_TO_OTHERS" and self._forwarded(answer):
                    continue
                await self._clock.sleep(0.1)
            if self._lead == lead:
                self._lead = (lead + 1) % len(self._addresses)
        return None

    def _forwarded(self, answer: bytes) -> bool:
        """Turn to the leader that the answer names; False when it names none."""
        partitions = structs.decode("query_cfg_response", answer).get("partitions", ())
        leader = partitions[0]["primary"] if partitions else ""
        if not leader:
            return False
        if leader not in self._addresses:
            self._addresses.append(leader)
        self._lead = self._addresses.index(leader)
        return True

    async def _ask(self, address: str, argument: bytes) -> bytes | None:
        timeout = max(EACH_TIMEOUT / self._clock.factor, LEAST_TIMEOUT)
        try:
            asked = self._links.call(address, QUERY, argument, Header(timeout=int(EACH_TIMEOUT * 1000)))
            return t.cast(bytes, await asyncio.wait_for(asked, timeout))
        except (asyncio.TimeoutError, RpcError):
            return None

    def close(self) -> None:
        """Close all connections."""
        self._links.close()
