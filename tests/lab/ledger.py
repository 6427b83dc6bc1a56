# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was acknowledged to writers, what is missing of it, and when each region refused writes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from lab.clock import LabClock
from lab.intervals import IntervalSet


@dataclass
class Account:
    """One region's (or partition's) account: acknowledged write sequences and refusals, windows in lab seconds."""

    acknowledged: IntervalSet = field(default_factory=IntervalSet)
    refused: int = 0
    windows: list[tuple[float, float]] = field(default_factory=list)
    since: float | None = None


class Ledger:
    """Accounts by region id. ``holds`` tells what a region's leader really holds: missing is counted from that."""

    def __init__(self, clock: LabClock, holds: t.Callable[[int], IntervalSet]) -> None:
        self._clock = clock
        self._holds = holds
        self._accounts: dict[int, Account] = {}

    def account(self, key: int) -> Account:
        """The account of a region, opened when it is first asked for."""
        found = self._accounts.get(key)
        if found is None:
            found = self._accounts[key] = Account()
        return found

    def acknowledge(self, key: int, sequence: int) -> None:
        """A write was answered with success."""
        self.account(key).acknowledged.add(sequence)

    def refuse(self, key: int) -> None:
        """A write was answered with an error."""
        self.account(key).refused += 1

    def writable(self, key: int, writable: bool) -> None:
        """A region's writes began or ceased to be accepted through the frontend, now."""
        account = self.account(key)
        if writable and account.since is not None:
            account.windows.append((account.since, self._clock.now()))
            account.since = None
        elif not writable and account.since is None:
            account.since = self._clock.now()

    def drop(self, key: int) -> None:
        """The region was dropped on purpose: nothing of it can be missing."""
        self._accounts.pop(key, None)

    def missing(self, key: int) -> IntervalSet:
        """Acknowledged writes of a region that its leader does not hold."""
        return self.account(key).acknowledged.minus(self._holds(key))

    def as_dict(self) -> dict[str, t.Any]:
        """Totals, and per region its missing writes, refusals and windows (an open window ends now)."""
        now = self._clock.now()
        per_region: dict[str, t.Any] = {}
        acknowledged = missing = refused = 0
        for key, account in self._accounts.items():
            lost = len(self.missing(key))
            windows = account.windows + ([(account.since, now)] if account.since is not None else [])
            acknowledged += len(account.acknowledged)
            missing += lost
            refused += account.refused
            per_region[str(key)] = {
                "acknowledged": len(account.acknowledged),
                "missing": lost,
                "refused": account.refused,
                "refused_windows": [[round(a, 4), round(b, 4)] for a, b in windows],
                "refused_seconds": round(sum(b - a for a, b in windows), 4),
                "refused_now": account.since is not None,
            }
        return {"acknowledged": acknowledged, "missing": missing, "refused": refused, "per_region": per_region}
