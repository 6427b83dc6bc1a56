# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's engine: everything that happens behind the SQL surface, and its start.

The front calls ``ddl`` for DDL, ``loads`` for INSERT and DELETE, ``jobs`` to pause and resume routine loads, and
``replications`` through the rpc port; everything else it reads from the records of the cluster.
"""

from __future__ import annotations

import typing as t

from lab.clock import LabClock
from lab.starrocks.background_loads import BackgroundLoads
from lab.starrocks.compaction import Compactions
from lab.starrocks.ddl import Ddl
from lab.starrocks.loads import Loads
from lab.starrocks.replication import Replications
from lab.starrocks.replication_rules import Credentials
from lab.starrocks.schedule import Schedule
from lab.starrocks.settings import EngineSettings
from lab.starrocks.state import Cluster
from lab.starrocks.transactions import Leading, Transactions
from lab.starrocks.vacuum import Vacuum

FORGET_INTERVAL = 60.0


def anybody(_volume: t.Any) -> str:
    """Credentials that nobody checks."""
    return ""


class Engine:
    """``start`` makes the background work due; ``run`` does it until it is cancelled.

    ``peer`` and ``peer_token`` are the other cluster's, from which this one can replicate.
    """

    def __init__(
        self,
        cluster: Cluster,
        front: Leading,
        clock: LabClock,
        peer: Cluster,
        peer_token: t.Callable[[], str],
        readable: Credentials = anybody,
        seed: int = 7,
        settings: EngineSettings | None = None,
    ) -> None:
        self.cluster = cluster
        self.settings = settings or EngineSettings()
        self.schedule = Schedule(clock)
        self.transactions = Transactions(cluster, front, self.schedule, self.settings, seed)
        self.ddl = Ddl(self.transactions)
        self.loads = Loads(self.transactions)
        self.jobs = BackgroundLoads(self.transactions, self.loads)
        self.compactions = Compactions(self.transactions)
        self.vacuum = Vacuum(self.transactions)
        self.replications = Replications(self.transactions, self.compactions, peer, peer_token, readable)

    def start(self) -> None:
        """Everything that runs by itself."""
        self.jobs.start()
        self.compactions.start()
        self.vacuum.start()
        self.schedule.every(lambda: FORGET_INTERVAL, self.replications.forget_old)

    async def run(self) -> None:
        """Do what is due, for ever."""
        await self.schedule.forever()
