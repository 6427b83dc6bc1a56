# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's writing clients: a fixed rate over all partitions, through MetaProxy or straight through meta servers."""

from __future__ import annotations

import asyncio
import random
import typing as t

from lab.clock import LabClock
from lab.pegasus.clients_client import Client
from lab.pegasus.clients_ledger import PegasusLedger
from lab.pegasus.clients_links import Insiders
from lab.pegasus.clients_resolver import Resolver
from lab.pegasus.clients_routing import KINDS

MIN_PAUSE = 0.005
"""Real seconds: faster clients send several writes per turn instead of sleeping less."""
MOST_WRITES = 1000.0
"""Real writes per second: a faster lab writes less per lab second, so that servers and clients fit one processor."""


class Clients:
    """``run`` replaces the clients. Those of one kind after the other take the servers of ``addresses`` in turn."""

    def __init__(self, clock: LabClock, ledger: PegasusLedger, table: str, insiders: Insiders, seed: int = 7) -> None:
        self._clock = clock
        self._ledger = ledger
        self._table = table
        self._insiders = insiders
        self._rng = random.Random("clients %d" % seed)
        self._tasks: list[asyncio.Task[None]] = []
        self._numbers = 0
        self._sequences: dict[int, int] = {}
        self.clients: list[Client] = []
        self.rate = 0.0

    def run(self, count: int, rate: float, addresses: t.Sequence[str], kinds: t.Sequence[str] = ("java", "go")) -> None:
        """``count`` clients that share ``rate`` writes per lab second; ``addresses`` are MetaProxies or meta servers.

        ValueError for an unknown kind.
        """
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown:
            raise ValueError("kinds: %s: not among %s" % (", ".join(unknown), ", ".join(KINDS)))
        self.close()
        self.rate = min(rate, MOST_WRITES / self._clock.factor)
        for number in range(count if rate > 0 else 0):
            at = number % len(addresses)
            servers = [*addresses[at:], *addresses[:at]]
            resolver = Resolver(self._clock, servers, self._insiders)
            kind = KINDS[kinds[number % len(kinds)]]
            # Numbers are not used twice, so no client ever writes another one's keys.
            self._numbers += 1
            client = Client(self._numbers, kind, self._clock, resolver, self._ledger, self._insiders)
            self.clients.append(client)
            self._tasks.append(asyncio.get_running_loop().create_task(self._write(client, self.rate / count)))

    async def _write(self, client: Client, rate: float) -> None:
        await client.open(self._table)
        clock = self._clock
        due = clock.now() + self._rng.uniform(0, 1 / rate)
        cursor = self._rng.randrange(1 << 16)
        while True:
            now = clock.now()
            while due <= now:
                due += 1 / rate
                assert client.routes is not None
                cursor = (cursor + 1) % len(client.routes.primaries)
                sequence = self._sequences[cursor] = self._sequences.get(cursor, 0) + 1
                client.write(cursor, sequence)
            await clock.sleep(max(due - clock.now(), MIN_PAUSE * clock.factor))

    def as_dict(self) -> list[dict[str, t.Any]]:
        """Each client: kind, app id that it writes to, and what it saw."""
        return [
            {
                "kind": client.kind.name,
                "app_id": client.routes.app_id if client.routes else None,
                "primaries": sorted(set(client.routes.primaries)) if client.routes else [],
                **vars(client.figures),
            }
            for client in self.clients
        ]

    def close(self) -> None:
        """Stop all clients."""
        for task in self._tasks:
            task.cancel()
        for client in self.clients:
            client.close()
        self._tasks, self.clients = [], []
