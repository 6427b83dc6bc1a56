# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Transactions of a cluster: what runs, and what wrote to the target besides the replication (facts 4.3, 4.5, 6)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import plain_database

REPLICATION = "REPLICATION"
LAKE_COMPACTION = "LAKE_COMPACTION"
MV_REFRESH = "MV_REFRESH"
_NO_USER_WRITE = frozenset((REPLICATION, LAKE_COMPACTION, MV_REFRESH))
"""What is not written by users into tables. A refresh writes into a materialized view, whose data is not migrated."""
MOST_ROWS = 2000
"""max_show_proc_transactions_entry as shipped: a list this long may have been cut."""
_NO_MANAGER = "does not exist"


class TransactionServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


@dataclasses.dataclass(frozen=True)
class Transaction:
    """A row of ``SHOW PROC '/transactions/<db>/...'``. Times are the server's own text."""

    database: str
    transaction_id: int
    label: str
    status: str
    source: str
    coordinator: str
    committed: str
    finished: str

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        return dataclasses.asdict(self)


class TransactionReader:
    """The transactions of one cluster. Databases are asked for by id, which every version understands."""

    def __init__(self, server: TransactionServer) -> None:
        self._server = server

    def databases(self) -> t.Dict[str, str]:
        """The id of every database that has transactions, by name."""
        rows = self._server.query("SHOW PROC '/transactions'", "list the databases that have transactions")
        return {plain_database(text(row.get("dbname"))): text(row.get("dbid")) for row in rows.records()}

    def running(self, database: str, database_id: str) -> t.List[Transaction]:
        """What has begun and is not visible yet, compactions left out."""
        return [one for one in self._read(database, database_id, "running") if one.source != LAKE_COMPACTION]

    def finished(self, database: str, database_id: str) -> t.List[Transaction]:
        """The newest ones that have ended, newest first, as many as the server shows."""
        return self._read(database, database_id, "finished")

    def _read(self, database: str, database_id: str, state: str) -> t.List[Transaction]:
        try:
            rows = self._server.query(
                f"SHOW PROC '/transactions/{int(database_id)}/{state}'", f"list the {state} transactions of {database}"
            )
        except MigrationError as error:
            # Dropped between two questions.
            if _NO_MANAGER in (error.server_text or "") or "Unknown database" in (error.server_text or ""):
                return []
            raise
        return [_decode(database, row) for row in rows.records()]


def _decode(database: str, row: t.Mapping[str, t.Any]) -> Transaction:
    return Transaction(
        database=database,
        transaction_id=int(text(row.get("transactionid")) or 0),
        label=text(row.get("label")),
        status=text(row.get("transactionstatus")).upper(),
        source=text(row.get("loadjobsourcetype")).upper(),
        coordinator=text(row.get("coordinator")),
        committed=text(row.get("committime")),
        finished=text(row.get("finishtime")),
    )


@dataclasses.dataclass(frozen=True)
class ForeignWrites:
    """``writes``: since the replication began, sorted. ``earlier``: those before that, as far as the server tells.

    ``incomplete``: databases whose list was cut, so that older writes would not be seen.
    """

    writes: t.Tuple[Transaction, ...]
    incomplete: t.Tuple[str, ...]
    earlier: t.Tuple[Transaction, ...] = ()

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        return {
            "writes": [one.as_result() for one in self.writes],
            "earlier": [one.as_result() for one in self.earlier],
            "incomplete": list(self.incomplete),
        }


def foreign(
    finished: t.Iterable[Transaction], longest: int = MOST_ROWS, migrated: t.Collection[str] = ()
) -> ForeignWrites:
    """What became visible on the target and is none of the replication.

    Ids of transactions grow, so the first replication that is shown says what came before; no clock is compared. Where
    the list was cut, it begins within the replication, and everything counts. What came before may have been wiped by
    the first copy, or not, so it is told apart.

    :param migrated: databases that the source has; of others without a replication nothing is the migration's
    """
    by_database: t.Dict[str, t.List[Transaction]] = {}
    for one in finished:
        by_database.setdefault(one.database, []).append(one)
    writes: t.List[Transaction] = []
    earlier: t.List[Transaction] = []
    incomplete: t.List[str] = []
    for database, listed in by_database.items():
        cut = len(listed) >= longest
        if cut:
            incomplete.append(database)
        replications = [one.transaction_id for one in listed if one.source == REPLICATION]
        found = [one for one in listed if one.status == "VISIBLE" and one.source not in _NO_USER_WRITE]
        if not replications:
            # None yet, or all of them are so old that the server has forgotten them.
            earlier += found if database in migrated else ()
            continue
        first = 0 if cut else min(replications)
        writes += [one for one in found if one.transaction_id > first]
        earlier += [one for one in found if one.transaction_id < first]
    return ForeignWrites(_sorted(writes), tuple(sorted(incomplete)), _sorted(earlier))


def _sorted(transactions: t.Iterable[Transaction]) -> t.Tuple[Transaction, ...]:
    return tuple(sorted(transactions, key=lambda one: (one.database, one.transaction_id)))


def find_foreign(
    reader: TransactionReader, databases: t.Collection[str], migrated: t.Collection[str] = ()
) -> ForeignWrites:
    """Look at the finished transactions of these databases of the target. ``migrated``: see :func:`foreign`."""
    ids = reader.databases()
    listed: t.List[Transaction] = []
    for database in sorted(databases):
        if database in ids:
            listed += reader.finished(database, ids[database])
    return foreign(listed, migrated=migrated)
