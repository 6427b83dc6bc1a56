# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routine loads and pipes: SHOW, PAUSE, RESUME, STOP, ALTER PIPE (facts 4.6, 7)."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns
from lab.starrocks.accounts import PIPE, TABLE
from lab.starrocks.errors import SqlError, analyzing_error
from lab.starrocks.schema_jobs import compact_json, job_properties, progress, reason, source_properties, statistic
from lab.starrocks.state_jobs import Pipe, RoutineLoad
from lab.starrocks.statements import Call, Statement, records, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

FINAL = ("STOPPED", "CANCELLED")


class JobStatements:
    """SHOW leaves out stopped jobs unless ALL is said."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def statements(self) -> t.Iterable[Statement]:
        """Those that the version has."""
        yield Statement(("SHOW", "ROUTINE", "LOAD"), self._show)
        yield Statement(("SHOW", "ALL", "ROUTINE", "LOAD"), self._show_all)
        if self._front.profile.since("3.1.8", "3.2"):
            yield Statement(("SHOW", "CREATE", "ROUTINE", "LOAD"), self._show_create)
        for verb, run in (("PAUSE", self._pause), ("RESUME", self._resume), ("STOP", self._stop)):
            yield Statement((verb, "ROUTINE", "LOAD", "FOR"), run, mutating=True, forwarded=True)
        if self._front.profile.pipes:
            yield Statement(("ALTER", "PIPE"), self._alter_pipe, mutating=True, forwarded=True)
            yield Statement(("SHOW", "PIPES"), self._show_pipes)

    # --- routine loads ---

    def _find(self, call: Call) -> RoutineLoad:
        path = call.cursor.path()
        database = path[-2] if len(path) > 1 else call.context.database
        for job in self._front.cluster.routine_loads:
            if (job.database, job.name) == (database, path[-1]) and job.state not in FINAL:
                return job
        raise SqlError("There is no running job with name[%s] in database[%s]" % (path[-1], database))

    def _wanted(self, call: Call, every: bool) -> list[RoutineLoad]:
        cursor, name = call.cursor, ""
        database = call.context.database
        if cursor.words("FOR"):
            path = cursor.path()
            name, database = path[-1], path[-2] if len(path) > 1 else database
        if cursor.words("FROM"):
            database = cursor.path()[-1]
        cursor.end()
        if not database:
            raise SqlError("No database selected", 1046, "3D000")
        self._front.database(database)
        found = [
            job
            for job in self._front.cluster.routine_loads
            if job.database == database
            and name in ("", job.name)
            and (every or job.state not in FINAL)
            and call.rights.sees(job.database)(job.table)
        ]
        if name and not found:
            words = (name, database, "true" if every else "false")
            raise SqlError("There is no job named %s in db %s. Include history? %s" % words)
        return found

    async def _show(self, call: Call) -> ResultSet:
        return self._listing(self._wanted(call, every=False))

    async def _show_all(self, call: Call) -> ResultSet:
        return self._listing(self._wanted(call, every=True))

    def _listing(self, jobs: t.Iterable[RoutineLoad]) -> ResultSet:
        stamp = self._front.stamp
        rows = [
            {
                "Id": job.id,
                "Name": job.name,
                "CreateTime": stamp(job.created),
                "PauseTime": stamp(job.paused),
                "EndTime": stamp(job.ended),
                "DbName": job.database,
                "TableName": job.table,
                "State": job.state,
                "DataSourceType": "KAFKA",
                "CurrentTaskNum": 1 if job.state == "RUNNING" else 0,
                "JobProperties": job_properties(job),
                "DataSourceProperties": source_properties(job),
                "CustomProperties": "{}",
                "Statistic": statistic(job),
                "Progress": progress(job),
                "TimestampProgress": "{}",
                "ReasonOfStateChanged": reason(job),
                "Warehouse": "default_warehouse",
                "LatestSourcePosition": compact_json({str(n): str(o) for n, o in job.produced.items()}),
                "OffsetLag": compact_json({str(n): str(o - job.progress.get(n, -1)) for n, o in job.produced.items()}),
            }
            for job in jobs
        ]
        return records(columns.show_routine_load(self._front.profile), rows)

    async def _show_create(self, call: Call) -> ResultSet:
        job = self._find(call)
        call.cursor.end()
        offsets = ",".join(str(offset) for offset in job.progress.values())
        numbers = ",".join(str(number) for number in job.progress)
        text = "CREATE ROUTINE LOAD %s ON %s\nPROPERTIES\n(\n%s\n)\nFROM KAFKA\n(\n%s\n);" % (
            job.name,
            job.table,
            ",\n".join('"%s" = "%s"' % item for item in {"format": "json", **job.properties}.items()),
            '"kafka_broker_list" = "%s",\n"kafka_topic" = "%s",\n"kafka_partitions" = "%s",\n"kafka_offsets" = "%s"'
            % (job.brokers, job.topic, numbers, offsets),
        )
        return table(("Job", "Create Job"), [(job.name, text)])

    def _change(self, call: Call) -> RoutineLoad:
        job = self._find(call)
        call.cursor.end()
        call.rights.demand("INSERT", TABLE, job.database, job.table)
        return job

    async def _pause(self, call: Call) -> ResultSet:
        job = self._change(call)
        if job.state != "PAUSED":
            self._front.engine.jobs.pause(job, "User %s pauses routine load job" % call.rights.name)
        return ResultSet()

    async def _resume(self, call: Call) -> ResultSet:
        job = self._change(call)
        if job.state == "PAUSED":
            self._front.engine.jobs.resume(job)
        return ResultSet()

    async def _stop(self, call: Call) -> ResultSet:
        job = self._change(call)
        job.state, job.ended = "STOPPED", self._front.clock.now()
        return ResultSet()

    # --- pipes ---

    async def _alter_pipe(self, call: Call) -> ResultSet:
        cursor = call.cursor
        path = cursor.path()
        database = path[-2] if len(path) > 1 else call.context.database
        found = next((p for p in self._front.cluster.pipes if (p.database, p.name) == (database, path[-1])), None)
        if found is None:
            raise analyzing_error("Can not find pipe %s" % ".".join(path))
        if not cursor.words("SUSPEND"):
            cursor.expect_words("RESUME")
            state = "RUNNING"
        else:
            state = "SUSPEND"
        cursor.end()
        call.rights.demand("ALTER", PIPE, found.database, found.name)
        if found.state not in ("FINISHED",):
            found.state = state
        return ResultSet()

    async def _show_pipes(self, call: Call) -> ResultSet:
        database = call.context.database
        if call.cursor.words("FROM"):
            database = call.cursor.path()[-1]
        call.cursor.end()
        pipes = [pipe for pipe in self._front.cluster.pipes if pipe.database == database]
        names = (
            "DATABASE_NAME",
            "PIPE_ID",
            "PIPE_NAME",
            "STATE",
            "TABLE_NAME",
            "LOAD_STATUS",
            "LAST_ERROR",
            "CREATED_TIME",
        )
        return table(names, [self._pipe(pipe) for pipe in pipes])

    def _pipe(self, pipe: Pipe) -> tuple[t.Any, ...]:
        status = compact_json({"loadedFiles": pipe.loaded_files, "loadedRows": pipe.loaded_rows})
        full = "%s.%s" % (pipe.database, pipe.table)
        created = self._front.stamp(pipe.created)
        return pipe.database, pipe.id, pipe.name, pipe.state, full, status, pipe.last_error or None, created
