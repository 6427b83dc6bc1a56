# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Routine loads and pipes: listed, paused, resumed. Both keep their offsets, and go on where they were."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import (
    SYSTEM_DATABASES,
    plain_database,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier, quote_string

ROUTINE_LOAD = "routine_load"
PIPE = "pipe"
RUNNING = "running"
PAUSED = "paused"
ENDED = "ended"

_WORDS = {
    "RUNNING": RUNNING,
    "NEED_SCHEDULE": RUNNING,
    "UNSTABLE": RUNNING,
    "PAUSED": PAUSED,
    "SUSPEND": PAUSED,
}
BY_FREEZE = "disable_load_job"
"""Stands in the reason of a routine load that the freeze itself made stop: ``failed to begin txn ... disable_load_job
is set to true`` (facts 7)."""
_NO_JOB = "no job named"
"""``There is no job named x in db y. Include history? true``: how SHOW ROUTINE LOAD FOR answers. Source:
qe/ShowExecutor.java."""
_VIEWS = ("routine_load_jobs", "pipes")


class JobServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""

    def execute(self, sql: str, doing: str) -> Rows:
        """A change, sent once to the leader."""


@dataclasses.dataclass(frozen=True)
class LoadJob:
    """``state``: RUNNING, PAUSED, or ENDED for all others; ``word``: the server's; ``reason``: of its last change."""

    kind: str
    database: str
    name: str
    job_id: str
    state: str
    word: str
    reason: str = ""

    @property
    def key(self) -> t.Tuple[str, str, str]:
        """What it is known by."""
        return self.kind, self.database, self.name

    @property
    def subject(self) -> str:
        """For people."""
        return f"{self.kind.replace('_', ' ')} {self.database}.{self.name}"

    @property
    def stopped_by_freeze(self) -> bool:
        """Whether the server paused it because loads are switched off."""
        return self.kind == ROUTINE_LOAD and self.state == PAUSED and BY_FREEZE in self.reason

    def resource(self, cluster_id: str) -> str:
        """Its name in the journal."""
        return f"starrocks:{cluster_id}/{self.kind}/{self.database}.{self.name}"

    def as_state(self) -> t.Dict[str, str]:
        """What the journal keeps. With its id, as somebody may make another job of the same name."""
        return {"state": self.state, "id": self.job_id}

    def pause_sql(self) -> str:
        """The statement that pauses it."""
        if self.kind == PIPE:
            return f"ALTER PIPE {self._quoted()} SUSPEND"
        return f"PAUSE ROUTINE LOAD FOR {self._quoted()}"

    def resume_sql(self) -> str:
        """The statement that lets it go on."""
        if self.kind == PIPE:
            return f"ALTER PIPE {self._quoted()} RESUME"
        return f"RESUME ROUTINE LOAD FOR {self._quoted()}"

    def _quoted(self) -> str:
        return f"{quote_identifier(self.database)}.{quote_identifier(self.name)}"


def job_of(resource: str, state: t.Any) -> LoadJob:
    """The job of a resource in the journal, with the state that stands there."""
    kind, _slash, full = resource.split("/", 1)[1].partition("/")
    database, _dot, name = full.partition(".")
    told = state if isinstance(state, dict) else {}
    return LoadJob(kind, database, name, str(told.get("id", "")), str(told.get("state", ENDED)), "")


class JobReader:
    """The load jobs of one cluster, as far as its user may see them."""

    def __init__(self, server: JobServer) -> None:
        self._server = server
        self._views: t.Optional[t.FrozenSet[str]] = None

    def jobs(self) -> t.List[LoadJob]:
        """Every job that has not ended, sorted; those of the system's databases left out."""
        views = self._known_views()
        found: t.List[LoadJob] = []
        if "routine_load_jobs" in views:
            rows = self._server.query(
                "SELECT DB_NAME, NAME, ID, STATE, REASONS_OF_STATE_CHANGED FROM information_schema.routine_load_jobs",
                "list the routine loads",
            )
            found += [_job(ROUTINE_LOAD, *row) for row in rows.rows]
        else:
            for database in self._databases():
                found += self._shown(f"SHOW ROUTINE LOAD FROM {quote_identifier(database)}", database)
        if "pipes" in views:
            found += self._pipes("")
        return sorted(
            (one for one in found if one.database not in SYSTEM_DATABASES and one.state != ENDED),
            key=lambda one: one.key,
        )

    def job(self, wanted: LoadJob) -> t.Optional[LoadJob]:
        """The same job as it is now; None if it is gone."""
        if wanted.kind == PIPE:
            found = self._pipes(
                f" WHERE DATABASE_NAME={quote_string(wanted.database)} AND PIPE_NAME={quote_string(wanted.name)}"
            )
        else:
            full = f"{quote_identifier(wanted.database)}.{quote_identifier(wanted.name)}"
            found = self._shown(f"SHOW ALL ROUTINE LOAD FOR {full}", wanted.database)
        same = [one for one in found if one.key == wanted.key]
        # Of a name that was used again, the jobs that have ended are listed too.
        same.sort(key=lambda one: (one.job_id == wanted.job_id, one.state != ENDED))
        return same[-1] if same else None

    def _databases(self) -> t.List[str]:
        """All of them: a list of those that have transactions may leave out one whose job has not loaded anything."""
        rows = self._server.query("SHOW PROC '/dbs'", "list the databases")
        return sorted({plain_database(text(row.get("dbname"))) for row in rows.records()} - set(SYSTEM_DATABASES))

    def _known_views(self) -> t.FrozenSet[str]:
        if self._views is None:
            rows = self._server.query(
                "SELECT DISTINCT TABLE_NAME FROM information_schema.columns WHERE TABLE_SCHEMA='information_schema' "  # noqa: S608
                f"AND TABLE_NAME IN ({', '.join(quote_string(name) for name in _VIEWS)})",
                "find the views of load jobs",
            )
            self._views = frozenset(str(row[0]).lower() for row in rows.rows)
        return self._views

    def _pipes(self, where: str) -> t.List[LoadJob]:
        rows = self._server.query(
            f"SELECT DATABASE_NAME, PIPE_NAME, PIPE_ID, STATE, LAST_ERROR FROM information_schema.pipes{where}",  # noqa: S608
            "list the pipes",
        )
        return [_job(PIPE, *row) for row in rows.rows]

    def _shown(self, sql: str, database: str) -> t.List[LoadJob]:
        try:
            rows = self._server.query(sql, f"list the routine loads of {database}")
        except MigrationError as error:
            # A job that has ended is forgotten after some days, and one of a dropped database at once.
            if error.code == "starrocks.unknown_database" or _NO_JOB in (error.server_text or "").lower():
                return []
            raise
        return [
            _job(
                ROUTINE_LOAD,
                row.get("dbname") or database,
                row.get("name"),
                row.get("id"),
                row.get("state"),
                row.get("reasonofstatechanged"),
            )
            for row in rows.records()
        ]


def _job(kind: str, database: t.Any, name: t.Any, job_id: t.Any, state: t.Any, reason: t.Any) -> LoadJob:
    word = text(state).upper()
    return LoadJob(
        kind, plain_database(text(database)), text(name), text(job_id), _WORDS.get(word, ENDED), word, text(reason)
    )
