# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the target's frontends still replicate after the tool has ended: jobs go on by themselves (facts 6).

Another migration may replicate into the same cluster, and even into the same database. Only what is in our scope
counts: a row of /replications tells its database and table, and so does the label of a transaction,
``REPLICATION_<dbId>_<tableId>_<jobId>``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    REPLICATION,
    TransactionReader,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

_ENDED = ("COMMITTED", "ABORTED")
_LABEL = re.compile(r"REPLICATION_\d+_(\d+)_", re.IGNORECASE)


class ReplicationServer(t.Protocol):
    """What is needed of a target (``client.Cluster``)."""

    @property
    def profile(self) -> Profile:
        """How it behaves."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


class Running(t.NamedTuple):
    """``table``: its id, "" where it is not told. ``words``: for people. ``transaction``: its id, 0 of a job.

    ``committed``: whether all that is left is that it becomes visible.
    """

    database: str
    table: str
    words: str
    transaction: int = 0
    committed: bool = False


def running_replications(target: ReplicationServer, scope: Scope, databases: t.Collection[str]) -> t.List[str]:
    """In words, what ``find_running`` finds."""
    return [one.words for one in find_running(target, scope, databases)]


def find_running(target: ReplicationServer, scope: Scope, databases: t.Collection[str]) -> t.List[Running]:
    """Every job and transaction of the replication that has not ended.

    Both are asked for: a job begins before its transaction, and older versions show transactions only.

    :param databases: those of the target that ``scope`` touches
    """
    reader = TransactionReader(target)
    ids = {name: one for name, one in reader.databases().items() if name in databases}
    running = [*_jobs(target, {one: name for name, one in ids.items()}), *_transactions(reader, ids)]
    limited = {one.database for one in running if scope.limits(one.database)}
    names = {name: reader.tables(name, ids[name]) or {} for name in limited}
    return [one for one in running if _ours(one, scope, names.get(one.database, {}))]


def _ours(one: Running, scope: Scope, names: t.Mapping[int, str]) -> bool:
    """Of a table that nobody knows (any more), it is taken to be."""
    name = names.get(int(one.table)) if one.table.isdigit() else None
    return name is None or scope.takes(one.database, name)


def _jobs(target: ReplicationServer, names: t.Mapping[str, str]) -> t.Iterator[Running]:
    if not target.profile.replications_proc:
        return
    try:
        rows = target.query("SHOW PROC '/replications'", "list the replication jobs")
    except MigrationError as error:
        if error.code != "starrocks.unknown_proc":
            raise
        return
    for row in rows.records():
        state, database = text(row.get("state")).upper(), names.get(text(row.get("databaseid")))
        if state not in _ENDED and database is not None:
            words = f"job {text(row.get('jobid'))} is {state} {text(row.get('progress'))}".rstrip()
            yield Running(database, text(row.get("tableid")), words)


def _transactions(reader: TransactionReader, ids: t.Mapping[str, str]) -> t.Iterator[Running]:
    for database in sorted(ids):
        for one in reader.running(database, ids[database]):
            if one.source == REPLICATION:
                told = _LABEL.match(one.label)
                table, words = told.group(1) if told else "", f"{database}: {one.label} is {one.status}"
                yield Running(database, table, words, one.transaction_id, one.status == "COMMITTED")
