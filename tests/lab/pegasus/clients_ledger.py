# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients' accounts per partition: acknowledged writes, windows of refusal, and what the clusters really hold."""

from __future__ import annotations

import typing as t
from bisect import bisect_right
from collections import Counter, deque

from lab.clock import LabClock
from lab.intervals import IntervalSet
from lab.ledger import Account, Ledger
from lab.pegasus.clients_keys import sequences

REMEMBERED = 256
"""Acknowledgements per partition that a late refusal (one without an answer) is compared with."""


class Holder(t.Protocol):
    """A cluster, as far as its storage goes."""

    def app(self, name: str) -> t.Any:
        """The table with ``partitions``, each with a ``store`` by key; None when it is not there."""


class Refusals:
    """Windows of one partition: from the sending of the first refused try to the first acceptance sent after that.

    A try without an answer is known as refused only later, maybe when others were accepted long since: then its window
    ended with the first of those.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._accepted: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    def accepted(self, sent: float, now: float) -> None:
        """A try sent at ``sent`` was acknowledged."""
        self._accepted.append((sent, now))
        since = self._account.since
        if since is not None and sent > since:
            self._account.since = None
            self._close(since, now)

    def refused(self, sent: float) -> None:
        """A try sent at ``sent`` was refused, or never answered."""
        account = self._account
        account.refused += 1
        if account.since is not None:
            account.since = min(account.since, sent)
            return
        later = [end for start, end in self._accepted if start > sent]
        if later:
            self._close(sent, min(later))
        else:
            account.since = sent

    def _close(self, start: float, end: float) -> None:
        """Add a window, joined with those that it meets."""
        windows = self._account.windows
        at = bisect_right(windows, (start, end))
        windows.insert(at, (start, end))
        joined: list[tuple[float, float]] = []
        for low, high in windows:
            if joined and low <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(high, joined[-1][1])
            else:
                joined.append((low, high))
        windows[:] = joined


class PegasusLedger(Ledger):
    """Accounts by partition index. ``missing`` is counted in the cluster that ``authority`` names: source or target.

    That is where the table's clients are meant to be: what MetaProxy's entry says, or the operator's own switch.
    """

    def __init__(
        self, clock: LabClock, clusters: t.Mapping[str, Holder], table: str, authority: t.Callable[[], str]
    ) -> None:
        super().__init__(clock, lambda index: self.held(authority(), index))
        self._clusters = clusters
        self._table = table
        self._authority = authority
        self._refusals: dict[int, Refusals] = {}
        self._counted: dict[str, dict[int, IntervalSet]] = {}
        self.errors: Counter[str] = Counter()

    def held(self, cluster: str, index: int) -> IntervalSet:
        """The clients' sequences that a cluster's partition holds; none when the table is not there."""
        counted = self._counted.get(cluster, {})
        if index not in counted:
            app = self._clusters[cluster].app(self._table)
            there = app is not None and index < len(app.partitions)
            counted[index] = sequences(app.partitions[index].store) if there else IntervalSet()
        return counted[index]

    def accepted(self, index: int, sequence: int, sent: float, now: float) -> None:
        """A write was acknowledged; ``sent`` and ``now`` are the lab times of its last try."""
        self.acknowledge(index, sequence)
        self._of(index).accepted(sent, now)

    def refused(self, index: int, error: str, sent: float) -> None:
        """A try was refused with that error name."""
        self.errors[error] += 1
        self._of(index).refused(sent)

    def _of(self, index: int) -> Refusals:
        found = self._refusals.get(index)
        if found is None:
            found = self._refusals[index] = Refusals(self.account(index))
        return found

    def as_dict(self) -> dict[str, t.Any]:
        """As for every engine, with ``per_partition``, ``authority``, ``errors``, and ``missing_on`` per cluster."""
        self._counted = {cluster: {} for cluster in self._clusters}
        try:
            found = super().as_dict()
            accounts = found.pop("per_region")
            missing_on = {
                cluster: sum(len(self._lacking(cluster, int(index))) for index in accounts)
                for cluster in self._clusters
            }
        finally:
            self._counted = {}
        found.update(per_partition=accounts, missing_on=missing_on)
        return dict(found, authority=self._authority(), errors=dict(self.errors))

    def _lacking(self, cluster: str, index: int) -> IntervalSet:
        return self.account(index).acknowledged.minus(self.held(cluster, index))
