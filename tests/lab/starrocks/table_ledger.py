# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was acknowledged to the lab's clients, table by table and partition by partition, and what is missing of it."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field

from lab.clock import LabClock
from lab.intervals import IntervalSet
from lab.starrocks.state import Cluster

Place = t.Tuple[str, str, str]
"""(database, table, partition)"""


@dataclass
class Account:
    """One partition's; times in lab seconds. ``last``: the newest acknowledgement."""

    acknowledged: IntervalSet = field(default_factory=IntervalSet)
    refused: int = 0
    last: float = 0.0


class TableLedger:
    """Written by the clients' threads. ``refused`` windows are of all clients together, from the first refusal of any
    to the next acknowledgement of any.
    """

    def __init__(self, clock: LabClock, clusters: t.Mapping[str, Cluster]) -> None:
        self._clock = clock
        self._clusters = clusters
        self._lock = threading.Lock()
        self._accounts: dict[Place, Account] = {}
        self._windows: list[tuple[float, float]] = []
        self._since: float | None = None
        self.writes_to = "source"

    def _account(self, place: Place) -> Account:
        return self._accounts.setdefault(place, Account())

    def acknowledge(self, place: Place, keys: range) -> None:
        """Rows were answered with OK."""
        now = self._clock.now()
        with self._lock:
            account = self._account(place)
            account.acknowledged.update(IntervalSet([(keys.start, keys.stop)]))
            account.last = now
            if self._since is not None:
                self._windows.append((self._since, now))
                self._since = None

    def refuse(self, place: Place, rows: int) -> None:
        """Rows were answered with an error, or not at all."""
        with self._lock:
            self._account(place).refused += rows
            if self._since is None:
                self._since = self._clock.now()

    def missing(self, place: Place, key: str) -> IntervalSet:
        """Acknowledged rows that a cluster does not hold in a visible version."""
        database = self._clusters[key].databases.get(place[0])
        table = database.tables.get(place[1]) if database else None
        partition = table.partitions.get(place[2]) if table else None
        acknowledged = self._accounts[place].acknowledged
        return acknowledged.minus(partition.content) if partition is not None else acknowledged.copy()

    def as_dict(self) -> dict[str, t.Any]:
        """Totals and tables; ``missing`` is counted on the cluster that clients write to, ``missing_on`` on both."""
        with self._lock:
            tables: dict[str, dict[str, t.Any]] = {}
            for place, account in self._accounts.items():
                found = tables.setdefault(
                    ".".join(place[:2]),
                    {"acknowledged": 0, "refused": 0, "last": 0.0, "missing_on": dict.fromkeys(self._clusters, 0)},
                )
                found["acknowledged"] += len(account.acknowledged)
                found["refused"] += account.refused
                found["last"] = max(found["last"], account.last)
                for key in self._clusters:
                    found["missing_on"][key] += len(self.missing(place, key))
            now = self._clock.now()
            windows = self._windows + ([(self._since, now)] if self._since is not None else [])
        missing_on = {key: sum(found["missing_on"][key] for found in tables.values()) for key in self._clusters}
        return {
            "acknowledged": sum(found["acknowledged"] for found in tables.values()),
            "refused": sum(found["refused"] for found in tables.values()),
            "missing": missing_on[self.writes_to],
            "missing_on": missing_on,
            "writes_to": self.writes_to,
            "refused_windows": [[round(a, 4), round(b, 4)] for a, b in windows],
            "refused_seconds": round(sum(b - a for a, b in windows), 4),
            "per_table": tables,
        }
