# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether nothing is under way any more that could still change the source. All four conditions, each with evidence.

1. Every living frontend refuses loads. 2. No transaction runs, compactions left out. 3. Two looks at all partitions,
some time apart, show the same versions. 4. No ALTER job, routine load, pipe or broker load is unfinished (facts 7).

Transactions and ALTER jobs are asked for database by database, up to four statements for each. No statement tells of
all, so databases that have nothing to migrate are left out: what goes on there is in no comparison.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    TransactionReader,
    TransactionServer,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier

SWITCHED_OFF = "loads_refused"
NO_TRANSACTIONS = "no_transaction"
UNCHANGED = "partitions_unchanged"
NO_JOBS = "no_job"


_ALTER_KINDS = ("COLUMN", "ROLLUP", "OPTIMIZE")
_ENDED = ("FINISHED", "CANCELLED")
_NOT_HERE = ("starrocks.syntax", "starrocks.unsupported_here", "starrocks.unknown_table")
_LOADS = (
    "SELECT LABEL, STATE, TYPE FROM information_schema.loads WHERE STATE NOT IN ('FINISHED', 'CANCELLED') AND "
    "TYPE='BROKER'"
)


@dataclasses.dataclass(frozen=True)
class Condition:
    """One of the four. ``evidence``: what it was concluded from, or what stands against it, in words."""

    name: str
    met: bool
    evidence: t.Tuple[str, ...]

    def as_item(self, at: str) -> t.Dict[str, t.Any]:
        """For a proof in the journal."""
        return {"subject": self.name, "met": self.met, "evidence": list(self.evidence), "at": at}


class QuietWatch:
    """Remembers the source's digest over several looks. ``quiet`` in seconds; times of ``clock.monotonic``."""

    def __init__(self, clock: Clock, quiet: float) -> None:
        self._clock = clock
        self._quiet = quiet
        self._digest = ""
        self._since: t.Optional[float] = None
        self._since_text = ""

    def forget(self) -> None:
        """Begin anew: the freeze had not held, or a transaction was running."""
        self._since = None
        self._digest = ""

    def looked(self, digest: str, began: float) -> Condition:
        """A look at the source's partitions, begun at ``began`` while nothing ran and ended just now; says whether they
        have been the same for long enough: from the end of the first look to the begin of the last."""
        if self._since is None or digest != self._digest:
            self._digest, self._since = digest, self._clock.monotonic()
            self._since_text = iso(self._clock.now())
        unchanged = max(0.0, began - self._since)
        shown = f"source digest {digest[:16]} since {self._since_text}, for {unchanged:.1f} s of {self._quiet:g} s"
        return Condition(UNCHANGED, unchanged >= self._quiet, (shown,))

    @property
    def digest(self) -> str:
        """The digest of the last look; "" for none."""
        return self._digest


class Migrating(t.Protocol):
    """What is migrated (``PartitionReader`` of the source)."""

    @property
    def databases(self) -> t.Mapping[str, int]:
        """Databases that may have a table that is, with the number of their tables and views."""


class QuietReader:
    """Asks the source for what is under way.

    ``migrating``: as it was at the last comparison. What is made after it is in the next one, and not on the target.
    """

    def __init__(self, server: TransactionServer, migrating: Migrating) -> None:
        self._server = server
        self._migrating = migrating
        self._transactions = TransactionReader(server)
        self._without: t.Set[str] = set()

    def conditions(self, freeze: FreezeLook) -> t.List[Condition]:
        """Conditions 1, 2 and 4, as they are now."""
        tables = self._migrating.databases
        ids = {name: one for name, one in self._transactions.databases().items() if tables.get(name)}
        # Not those that have transactions: an ALTER job needs none.
        altered = sorted(name for name, count in tables.items() if count)
        transactions = self._no_transactions(ids)
        alter = [job for name in altered for job in self._alter_jobs(name, name in ids)]
        return [_refused(freeze), transactions, self._no_jobs(alter, freeze)]

    def _no_transactions(self, ids: t.Mapping[str, str]) -> Condition:
        running = [
            f"{one.database}: {one.label or one.transaction_id} ({one.source}, {one.status})"
            for name, one_id in sorted(ids.items())
            for one in self._transactions.running(name, one_id)
        ]
        looked = f"0 running in {len(ids)} databases" if not running else f"{len(running)} running"
        return Condition(NO_TRANSACTIONS, not running, (looked, *running[:5]))

    def _no_jobs(self, alter: t.Sequence[str], freeze: FreezeLook) -> Condition:
        # Those first that a freeze does not stop: only the first few are told.
        left = [*alter]
        left += [f"{job.subject} is {job.word}" for job in freeze.running]
        left += [f"broker load {row[0]} is {row[1]}" for row in self._optional(_LOADS, "list the broker loads").rows]
        looked = "no ALTER job, routine load, pipe or broker load is unfinished" if not left else f"{len(left)} left"
        return Condition(NO_JOBS, not left, (looked, *left[:5]))

    def _alter_jobs(self, database: str, listed: bool) -> t.List[str]:
        """``listed``: whether the server has just named it. Otherwise it may be dropped since the last comparison."""
        found: t.List[str] = []
        for kind in _ALTER_KINDS:
            sql = f"SHOW ALTER TABLE {kind} FROM {quote_identifier(database)}"
            try:
                rows = self._optional(sql, f"list the ALTER jobs of {database}", kind)
            except MigrationError as error:
                if listed or error.code != "starrocks.unknown_database":
                    raise
                return []
            for row in rows.records():
                state = text(row.get("state")).upper()
                if state not in _ENDED:
                    found.append(f"ALTER {kind} of {database}.{text(row.get('tablename'))} is {state or 'unknown'}")
        return found

    def _optional(self, sql: str, doing: str, name: str = "") -> Rows:
        """The rows; none where the version does not know the statement or the view."""
        name = name or sql
        if name in self._without:
            return Rows((), ())
        try:
            return self._server.query(sql, doing)
        except MigrationError as error:
            if error.code not in _NOT_HERE:
                raise
            self._without.add(name)
            return Rows((), ())


def _refused(freeze: FreezeLook) -> Condition:
    told = tuple(f"{address}: {fs.KEY} {value or 'unknown'}" for address, value in freeze.switch.told().items())
    return Condition(SWITCHED_OFF, freeze.switch.everywhere == fs.ON, told)
