# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""information_schema's tables about loads, routine loads, pipes and tasks (facts 4.6)."""

from __future__ import annotations

import json
import typing as t

from lab.starrocks import columns
from lab.starrocks.schema import Equals, cell, constant, databases, relation
from lab.starrocks.sql_expr import Getter
from lab.starrocks.sql_select import Relation
from lab.starrocks.state_jobs import RoutineLoad

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements import Call
    from lab.starrocks.statements_select import Source


def compact_json(value: t.Any) -> str:
    """JSON as Gson writes it."""
    return json.dumps(value, separators=(",", ":"))


def source_properties(job: RoutineLoad) -> str:
    """DataSourceProperties"""
    partitions = ",".join(str(number) for number in sorted(job.progress))
    found = {"topic": job.topic, "currentKafkaPartitions": partitions, "brokerList": job.brokers}
    return compact_json(found)


def statistic(job: RoutineLoad) -> str:
    """Statistic"""
    found = {
        "receivedBytes": job.loaded_rows * 100,
        "errorRows": 0,
        "committedTaskNum": job.committed_tasks,
        "loadedRows": job.loaded_rows,
        "loadRowsRate": 0,
        "abortedTaskNum": job.aborted_tasks,
        "totalRows": job.loaded_rows,
        "unselectedRows": 0,
        "receivedBytesRate": 0,
        "taskExecuteTimeMs": 0,
    }
    return compact_json(found)


def progress(job: RoutineLoad) -> str:
    """Progress: partition -> offset as text."""
    return compact_json({str(number): str(offset) for number, offset in job.progress.items()})


def job_properties(job: RoutineLoad) -> str:
    """JobProperties"""
    return compact_json({"desiredConcurrentNum": "3", "format": "json", "taskConsumeSecond": "15", **job.properties})


def reason(job: RoutineLoad) -> str:
    """ReasonOfStateChanged"""
    return "ErrorReason{errCode = 100, msg='%s'}" % job.reason if job.reason else ""


class Jobs:
    """Jobs of databases; what loads into a table that the user does not see is hidden with it."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def sources(self) -> t.Mapping[str, Source]:
        """Those that the version has."""
        profile = self._front.profile
        found: dict[str, Source] = {"tasks": self._tasks, "task_runs": self._empty("task_runs", "QUERY_ID TASK_NAME")}
        if profile.since("3.1"):
            found["loads"] = self._loads
            found["stream_loads"] = self._empty("stream_loads", " ".join(columns.STREAM_LOADS))
            found["routine_load_jobs"] = self._routine_loads
        if profile.pipes:
            found["pipes"] = self._pipes
        if profile.tablet_reshard:
            names = "JOB_ID DB_NAME TABLE_NAME JOB_TYPE JOB_STATE CREATED_TIME FINISHED_TIME ERROR_MESSAGE"
            found["tablet_reshard_jobs"] = self._other("tablet_reshard_jobs", names)
        return {"information_schema." + name: source for name, source in found.items()}

    @staticmethod
    def _empty(name: str, names: str) -> Source:
        return lambda call: relation(name, columns.words(names), {}, lambda equals: [])

    def _other(self, name: str, names: str) -> Source:
        """Rows that only a test puts there (the cluster's ``others``)."""
        getters = {n: cell(n) for n in columns.words(names)}
        return lambda call: relation(
            name, columns.words(names), getters, lambda equals: self._front.cluster.others.get(name, [])
        )

    def _loads(self, call: Call) -> Relation:
        front = self._front

        def rows(equals: Equals) -> t.Iterator[t.Any]:
            for database in databases(front, equals.get("db_name") or equals.get("database_name")):
                sees = call.rights.sees(database.name)
                yield from (load for load in database.loads if sees(load.table))

        done: t.Callable[[t.Any], bool] = lambda load: load.state in ("FINISHED", "CANCELLED")
        getters: dict[str, Getter] = {
            "ID": lambda load: load.id,
            "JOB_ID": lambda load: load.id,
            "LABEL": lambda load: load.label,
            "DB_NAME": lambda load: load.database,
            "DATABASE_NAME": lambda load: load.database,
            "TABLE_NAME": lambda load: load.table,
            "USER": lambda load: load.user,
            "WAREHOUSE": constant("default_warehouse"),
            "STATE": lambda load: load.state,
            "PROGRESS": lambda load: "ETL:100%; LOAD:100%" if done(load) else "ETL:N/A; LOAD:N/A",
            "TYPE": lambda load: load.type,
            "PRIORITY": constant("NORMAL"),
            "SCAN_ROWS": lambda load: load.rows,
            "SINK_ROWS": lambda load: load.rows,
            "CREATE_TIME": lambda load: front.stamp(load.created),
            "LOAD_FINISH_TIME": lambda load: front.stamp(load.finished) if load.finished is not None else None,
            "ERROR_MSG": lambda load: load.error,
        }
        return relation("loads", columns.loads(front.profile), getters, rows, {"i64": ("ID", "JOB_ID")})

    def _routine_loads(self, call: Call) -> Relation:
        front = self._front

        def rows(equals: Equals) -> t.Iterator[RoutineLoad]:
            for job in front.cluster.routine_loads:
                if call.rights.sees(job.database)(job.table):
                    yield job

        stamp: t.Callable[[float | None], str | None] = lambda at: None if at is None else front.stamp(at)
        getters: dict[str, Getter] = {
            "ID": lambda job: job.id,
            "NAME": lambda job: job.name,
            "CREATE_TIME": lambda job: stamp(job.created),
            "PAUSE_TIME": lambda job: stamp(job.paused),
            "END_TIME": lambda job: stamp(job.ended),
            "DB_NAME": lambda job: job.database,
            "TABLE_NAME": lambda job: job.table,
            "STATE": lambda job: job.state,
            "DATA_SOURCE_TYPE": constant("KAFKA"),
            "CURRENT_TASK_NUM": lambda job: 1 if job.state == "RUNNING" else 0,
            "JOB_PROPERTIES": job_properties,
            "DATA_SOURCE_PROPERTIES": source_properties,
            "CUSTOM_PROPERTIES": constant("{}"),
            "STATISTICS": statistic,
            "PROGRESS": progress,
            "REASONS_OF_STATE_CHANGED": reason,
            "LATEST_SOURCE_POSITION": lambda job: compact_json({str(n): str(o) for n, o in job.produced.items()}),
            "OFFSET_LAG": lambda job: compact_json(
                {str(n): str(o - job.progress.get(n, -1)) for n, o in job.produced.items()}
            ),
            "TIMESTAMP_PROGRESS": constant("{}"),
        }
        names = columns.routine_load_jobs(front.profile)
        return relation("routine_load_jobs", names, getters, rows, {"i64": ("ID", "CURRENT_TASK_NUM")})

    def _pipes(self, call: Call) -> Relation:
        front = self._front
        shown = [pipe for pipe in front.cluster.pipes if call.rights.sees(pipe.database)(pipe.table)]
        getters: dict[str, Getter] = {
            "DATABASE_NAME": lambda pipe: pipe.database,
            "PIPE_ID": lambda pipe: pipe.id,
            "PIPE_NAME": lambda pipe: pipe.name,
            "PROPERTIES": lambda pipe: compact_json(pipe.properties),
            "STATE": lambda pipe: pipe.state,
            "TABLE_NAME": lambda pipe: "%s.%s" % (pipe.database, pipe.table),
            "LOAD_STATUS": lambda pipe: compact_json(
                {"loadedFiles": pipe.loaded_files, "loadedRows": pipe.loaded_rows}
            ),
            "LAST_ERROR": lambda pipe: pipe.last_error or None,
            "CREATED_TIME": lambda pipe: front.stamp(pipe.created),
        }
        return relation("pipes", columns.PIPES, getters, lambda equals: shown, {"i64": ("PIPE_ID",)})

    def _tasks(self, call: Call) -> Relation:
        front = self._front
        getters: dict[str, Getter] = {
            "TASK_NAME": lambda task: task.name,
            "CREATE_TIME": lambda task: front.stamp(task.created),
            "SCHEDULE": lambda task: "START NONE EVERY(%d SECONDS)" % task.interval if task.interval else "MANUAL",
            "CATALOG": constant("default_catalog"),
            "DATABASE": lambda task: task.database,
            "DEFINITION": lambda task: task.definition,
            "PROPERTIES": constant("{}"),
            "CREATOR": constant("'root'@'%'"),
        }
        return relation("tasks", columns.tasks(front.profile), getters, lambda equals: front.cluster.tasks)
