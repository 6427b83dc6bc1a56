# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The target's own account of the replication: its jobs, or where it shows none, its transactions.

Jobs go on in the frontend whether the tool runs or not. Source: common/proc/ReplicationsProcNode.java.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    REPLICATION,
    TransactionReader,
    TransactionServer,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text

JOBS, TRANSACTIONS = "replications", "transactions"

_ENDED = ("COMMITTED", "ABORTED")
_PROGRESS = re.compile(r"(\d+)/(\d+)")
_MOST_SHOWN = 20

Error = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Job:
    """A job of one table that has not ended. ``left``, ``total``: its tasks, None where they are not told."""

    job_id: str
    table_id: str
    state: str
    left: t.Optional[int]
    total: t.Optional[int]
    created: str

    @property
    def key(self) -> str:
        """Its identity and how far it is: another key means that it moved."""
        return f"{self.job_id}:{self.state}:{self.left}/{self.total}"


@dataclasses.dataclass(frozen=True)
class Replications:
    """``source``: JOBS or TRANSACTIONS. ``errors``: of aborted jobs, newest first. ``failing``: those of them after
    which no job of the same table was committed."""

    source: str
    running: t.Tuple[Job, ...]
    by_state: t.Mapping[str, int]
    errors: t.Tuple[Error, ...]
    failing: t.Tuple[Error, ...] = ()

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results: counts of all, and the first of each list."""
        told = [job.left for job in self.running if job.left is not None]
        return {
            "source": self.source,
            "running": len(self.running),
            "by_state": dict(self.by_state),
            "tasks_left": sum(told) if told else None,
            "jobs": [dataclasses.asdict(job) for job in self.running[:_MOST_SHOWN]],
            "errors": [dict(error) for error in self.errors[:_MOST_SHOWN]],
        }


def read_replications(
    server: TransactionServer, shows_jobs: bool, databases: t.Optional[t.Collection[str]] = None
) -> Replications:
    """Ask a cluster.

    :param shows_jobs: whether its version has SHOW PROC '/replications'
    :param databases: whose replications count, where others than ours may go on; None for all
    """
    reader = TransactionReader(server)
    ids: t.Optional[t.Dict[str, str]] = None
    if databases is not None:
        ids = {name: one for name, one in reader.databases().items() if name in databases}
    if shows_jobs:
        try:
            rows = server.query("SHOW PROC '/replications'", "list the replication jobs")
        except MigrationError as error:
            if error.code != "starrocks.unknown_proc":
                raise
        else:
            ours = None if ids is None else set(ids.values())
            return _jobs([row for row in rows.records() if ours is None or text(row.get("databaseid")) in ours])
    found = [
        Job(one.label, one.label, one.status, None, None, "")
        for database, database_id in sorted((reader.databases() if ids is None else ids).items())
        for one in reader.running(database, database_id)
        if one.source == REPLICATION
    ]
    return Replications(TRANSACTIONS, tuple(found), _counted(job.state for job in found), ())


def _jobs(rows: t.Sequence[t.Mapping[str, t.Any]]) -> Replications:
    running: t.List[Job] = []
    errors: t.List[t.Tuple[str, t.Dict[str, str]]] = []
    states: t.List[str] = []
    committed: t.Dict[str, str] = {}
    for row in rows:
        state = text(row.get("state")).upper()
        states.append(state)
        table, finished = text(row.get("tableid")), text(row.get("finishedtime"))
        if state not in _ENDED:
            progress = _PROGRESS.fullmatch(text(row.get("progress")).strip())
            left, total = (int(number) for number in progress.groups()) if progress else (None, None)
            running.append(Job(text(row.get("jobid")), table, state, left, total, text(row.get("createdtime"))))
        elif state == "ABORTED":
            told = {
                "job_id": text(row.get("jobid")),
                "table_id": table,
                "finished": finished,
                "error": text(row.get("error")),
            }
            errors.append((finished, told))
        else:
            committed[table] = max(finished, committed.get(table, ""))
    errors.sort(key=lambda pair: pair[0], reverse=True)
    # Times of one frontend as it writes them, year first, so that they sort as text. Equal ones are taken for healed.
    failing = tuple(told for at, told in errors if at > committed.get(told["table_id"], ""))
    return Replications(JOBS, tuple(running), _counted(states), tuple(told for _at, told in errors), failing)


def _counted(states: t.Iterable[str]) -> t.Dict[str, int]:
    counts: t.Dict[str, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return counts
