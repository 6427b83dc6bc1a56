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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.table_ids import (
    ids_of,
    names_of,
    seen_names,
    untold,
)

REPLICATION = "REPLICATION"
LAKE_COMPACTION = "LAKE_COMPACTION"
MV_REFRESH = "MV_REFRESH"
_NO_USER_WRITE = frozenset((REPLICATION, LAKE_COMPACTION, MV_REFRESH))
"""What is not written by users into tables. A refresh writes into a materialized view, whose data is not migrated."""
MOST_ROWS = 2000
"""``_LONGEST`` as shipped: a list this long may have been cut."""
_LONGEST = "max_show_proc_transactions_entry"
_KEPT = "label_keep_max_second"
_KEPT_SECONDS = 259200.0
"""``_KEPT`` as shipped."""
_MOST_KEPT = "label_keep_max_num"
_MOST_KEPT_NUMBER = 1000
"""``_MOST_KEPT`` as shipped."""
MOST_ASKED = 200
"""Of so many transactions, the newest ones, it is asked which tables they wrote to: one question for each."""
_GONE = ("does not exist", "Unknown database")
"""Of a transaction that was forgotten, or a database that was dropped, between two questions."""


class TransactionServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


class Migrated(t.Protocol):
    """What is migrated (``PartitionReader`` of the source)."""

    @property
    def databases(self) -> t.Collection[str]:
        """Databases that may have a table that is."""

    def tables(self, database: str) -> t.Collection[str]:
        """Its tables that are."""


@dataclasses.dataclass(frozen=True)
class Transaction:
    """A row of ``SHOW PROC '/transactions/<db>/...'``. Times are the server's own text.

    ``tables``: the migrated ones that it wrote to; none where that was not asked, or the server does not know.
    """

    database: str
    transaction_id: int
    label: str
    status: str
    source: str
    coordinator: str
    committed: str
    finished: str
    tables: t.Tuple[str, ...] = ()

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        return dataclasses.asdict(self)


class TransactionReader:
    """The transactions of one cluster. Databases are asked for by id, which every version understands."""

    def __init__(self, server: TransactionServer) -> None:
        self._server = server
        self._silent: t.Set[str] = set()
        """Databases whose transactions do not tell what they wrote to: the next one is not asked."""

    def databases(self) -> t.Dict[str, str]:
        """The id of every database that has transactions, by name."""
        rows = self._server.query("SHOW PROC '/transactions'", "list the databases that have transactions")
        return {plain_database(text(row.get("dbname"))): text(row.get("dbid")) for row in rows.records()}

    def running(self, database: str, database_id: str) -> t.List[Transaction]:
        """What has begun and is not visible yet, compactions left out."""
        return [one for one in self._read(database, database_id, "running") if one.source != LAKE_COMPACTION]

    def committed(self, database: str, database_id: str) -> t.List[t.Tuple[Transaction, str]]:
        """What is committed and not visible yet, compactions too, with the error of its last publish ("": none)."""
        rows = self._rows(database, database_id, "running")
        found = [(_decode(database, row), text(row.get("errmsg"))) for row in rows]
        return [(one, error) for one, error in found if one.status == "COMMITTED"]

    def finished(self, database: str, database_id: str) -> t.List[Transaction]:
        """The newest ones that have ended, newest first, as many as the server shows."""
        return self._read(database, database_id, "finished")

    def longest(self) -> int:
        """How many rows of a list the server shows at most; as shipped where it does not tell."""
        return self._config(_LONGEST, MOST_ROWS)

    def kept(self) -> float:
        """For how many seconds the server remembers finished ones at most; as shipped where it does not tell."""
        return float(self._config(_KEPT, int(_KEPT_SECONDS)))

    def most_kept(self) -> int:
        """How many transactions of a database the server remembers at most, those that run included."""
        return self._config(_MOST_KEPT, _MOST_KEPT_NUMBER)

    def under_way(self, database: str) -> int:
        """How many transactions of a database have not ended, compactions too; none of one that is gone."""
        database_id = self.databases().get(database)
        return 0 if database_id is None else len(self._rows(database, database_id, "running"))

    def _config(self, key: str, shipped: int) -> int:
        sql = f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal(key)}"
        try:
            rows = self._server.query(sql, "see which transactions are listed")
        except MigrationError:
            # It takes a privilege more than the lists do in some versions.
            return shipped
        found = [text(row.get("value")) for row in rows.records() if row.get("key") == key]
        return int(found[0]) if found and found[0].isdigit() else shipped

    def _read(self, database: str, database_id: str, state: str) -> t.List[Transaction]:
        return [_decode(database, row) for row in self._rows(database, database_id, state)]

    def _rows(self, database: str, database_id: str, state: str) -> t.List[t.Dict[str, t.Any]]:
        rows = self._ask(f"/transactions/{int(database_id)}/{state}", f"list the {state} transactions of {database}")
        return [] if rows is None else list(rows.records())

    def written(
        self, database_id: str, transaction: Transaction, state: str = "finished"
    ) -> t.Optional[t.FrozenSet[int]]:
        """The ids of the tables that a transaction wrote to; None where the server has forgotten it, or never tells."""
        if database_id in self._silent:
            return None
        path = f"/transactions/{int(database_id)}/{state}/{transaction.transaction_id}"
        try:
            rows = self._ask(path, f"see which tables {transaction.label} wrote to")
        except MigrationError as error:
            if not untold(error):
                raise
            self._silent.add(database_id)
            return None
        return None if rows is None else ids_of(rows)

    def tables(self, database: str, database_id: str) -> t.Optional[t.Dict[int, str]]:
        """The names of a database's tables by id; None where nobody knows them."""
        try:
            rows = self._ask(f"/dbs/{int(database_id)}", f"list the tables of {database}")
        except MigrationError as error:
            if not untold(error):
                raise
            rows = None
        found = None if rows is None else names_of(rows)
        return seen_names(self._server, database) if found is None else found

    def _ask(self, path: str, doing: str) -> t.Optional[Rows]:
        """None for what is gone by now."""
        try:
            return self._server.query(f"SHOW PROC '{path}'", doing)
        except MigrationError as error:
            if any(words in (error.server_text or "") for words in _GONE):
                return None
            raise


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
class Listing:
    """The finished transactions of a database that were shown. ``shown_from``: when the oldest finished, "" if none.

    ``cut``: whether the server may have shown less than it has.
    """

    ids: t.FrozenSet[int]
    shown_from: str
    cut: bool


@dataclasses.dataclass(frozen=True)
class ForeignWrites:
    """``writes``: since the replication began, sorted. ``earlier``: those before that, as far as the server tells.

    ``incomplete``: databases whose list was cut, so that older writes would not be seen. ``listings``: by database.
    """

    writes: t.Tuple[Transaction, ...]
    incomplete: t.Tuple[str, ...]
    earlier: t.Tuple[Transaction, ...] = ()
    listings: t.Mapping[str, Listing] = dataclasses.field(default_factory=dict)

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


def of_migrated(
    reader: TransactionReader, found: t.Iterable[Transaction], migrated: Migrated, most: int = MOST_ASKED
) -> t.Tuple[Transaction, ...]:
    """Those that wrote to a table that is migrated, with its name, and those of which nobody knows any more.

    A table that was dropped since took what was written with it. The newest ``most`` are asked about. Where the server
    tells no names of tables either, every write counts.
    """
    newest = sorted(found, key=lambda one: -one.transaction_id)
    ids = reader.databases() if newest else {}
    taken = {name: set(migrated.tables(name)) for name in {one.database for one in newest} & set(migrated.databases)}
    names: t.Dict[str, t.Optional[t.Dict[int, str]]] = {}
    kept: t.List[Transaction] = []
    for number, one in enumerate(newest):
        known = number < most and one.database in ids
        written = reader.written(ids[one.database], one) if known else None
        if written and one.database not in names:
            names[one.database] = reader.tables(one.database, ids[one.database])
        called = names.get(one.database)
        if not written or called is None:
            kept.append(one)
            continue
        there = {called.get(table, "") for table in written} & taken.get(one.database, set())
        if there:
            kept.append(dataclasses.replace(one, tables=tuple(sorted(there))))
    return _sorted(kept)


def _listing(finished: t.Sequence[Transaction], longest: int) -> Listing:
    oldest = min(finished, key=lambda one: one.transaction_id).finished if finished else ""
    return Listing(frozenset(one.transaction_id for one in finished), oldest, len(finished) >= longest)


def find_foreign(
    reader: TransactionReader, databases: t.Collection[str], migrated: t.Optional[Migrated] = None
) -> ForeignWrites:
    """Look at the finished transactions of these databases of the target.

    :param migrated: where it is given, only what was written to migrated tables counts (see :func:`of_migrated`)
    """
    ids = reader.databases()
    shown = {database: reader.finished(database, ids[database]) for database in sorted(databases) if database in ids}
    listed = [one for finished in shown.values() for one in finished]
    longest = reader.longest() if listed else MOST_ROWS
    if migrated is None:
        return foreign(listed, longest)
    found = foreign(listed, longest, migrated.databases)
    return dataclasses.replace(
        found,
        listings={database: _listing(finished, longest) for database, finished in shown.items()},
        writes=of_migrated(reader, found.writes, migrated),
        earlier=of_migrated(reader, found.earlier, migrated),
    )
