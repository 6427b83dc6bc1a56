# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another operator does to a cluster behind everybody's back; in no request record."""

from __future__ import annotations

import typing as t

from lab.starrocks.accounts import Rights
from lab.starrocks.errors import SqlError
from lab.starrocks.front import Front
from lab.starrocks.sql_tokens import split
from lab.starrocks.state_jobs import AlterJob, Pipe, RoutineLoad, Task
from lab.starrocks.statements import Call, Context

if t.TYPE_CHECKING:
    from lab.starrocks.server import StarRocksLab

Action = t.Callable[[Front, t.Any], t.Awaitable[t.Any]]


class Foreign:
    """Actions by name; each gets the cluster and its value."""

    def __init__(self, lab: StarRocksLab) -> None:
        self._lab = lab
        self._actions: dict[str, Action] = {
            "alter": self._alter,
            "config": self._config,
            "fields": self._fields,
            "others": self._others,
            "pipe": self._pipe,
            "routine_load": self._routine_load,
            "sql": self._sql,
            "task": self._task,
            "volume": self._volume,
        }

    async def run(self, data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """{"cluster" (source), action: value, ...}; results by action, and "error" when a server refused."""
        actions = dict(data)
        front = self._lab.front(actions.pop("cluster", "source"))
        unknown = sorted(set(actions) - set(self._actions))
        if unknown:
            raise ValueError("%s: not one of %s" % (", ".join(unknown), ", ".join(self._actions)))
        result: dict[str, t.Any] = {}
        try:
            for name, value in actions.items():
                result[name] = await self._actions[name](front, value)
        except SqlError as error:
            result["error"] = str(error)
        return result

    async def _sql(self, front: Front, value: str | list[str]) -> list[t.Any]:
        """Statements as root on the leader; the rows of each."""
        results: list[t.Any] = []
        for text in [value] if isinstance(value, str) else value:
            for tokens in split(text):
                leader = front.forward(front.frontends[0])
                statement, cursor = front.dispatcher.find(tokens, text)
                context = Context(Rights(front.accounts, "root"))
                answer = await statement.run(Call(cursor, context, leader, leader))
                results.append([list(row) for row in answer.rows])
        return results

    async def _config(self, front: Front, values: t.Mapping[str, str]) -> None:
        """{key: value} into the memory of every living frontend, or of "frontend" only."""
        values = dict(values)
        only = values.pop("frontend", "")
        chosen = [front.frontend(only)] if only else [f for f in front.frontends if f.record.alive]
        for key, value in values.items():
            for frontend in chosen:
                item = frontend.catalogue.find(key)
                if item is None:
                    raise ValueError("%s: this version has no such item" % key)
                frontend.record.config[item.key] = item.normalise(str(value))

    async def _others(self, front: Front, values: t.Mapping[str, list[dict[str, str]]]) -> None:
        """{"RESOURCE GROUPS": [{column: text}], "tablet_reshard_jobs": [...]}: what SHOW and the schema list."""
        front.cluster.others.update(values)

    async def _task(self, front: Front, values: t.Mapping[str, t.Any]) -> None:
        """{"name", "database", "table", "definition", "interval"}"""
        front.cluster.tasks.append(Task(**{"definition": "INSERT INTO t SELECT 1", **values}))

    async def _routine_load(self, front: Front, values: t.Mapping[str, t.Any]) -> int:
        """{"name", "database", "table", "state", "rate", ...}; returns its id."""
        partitions = {0: 999}
        given = {"topic": "topic", "state": "RUNNING", **values}
        job = RoutineLoad(front.cluster.new_id(), progress=dict(partitions), produced=dict(partitions), **given)
        front.cluster.routine_loads.append(job)
        return job.id

    async def _pipe(self, front: Front, values: t.Mapping[str, t.Any]) -> int:
        """{"name", "database", "table", "state", ...}; returns its id."""
        pipe = Pipe(front.cluster.new_id(), **values)
        front.cluster.pipes.append(pipe)
        return pipe.id

    async def _alter(self, front: Front, values: t.Mapping[str, t.Any]) -> int:
        """{"database", "table", "kind": COLUMN, ROLLUP or OPTIMIZE, "state"}: a job that never ends; its id."""
        values = {"kind": "COLUMN", **values}
        database = front.cluster.databases[values.pop("database")]
        job = AlterJob(front.cluster.new_id(), created=front.clock.now(), **values)
        database.alters.append(job)
        return job.id

    async def _volume(self, front: Front, values: t.Mapping[str, t.Any]) -> None:
        """{"name", "params": {key: value or null}, "enabled", "comment", "locations"} of a volume that is there."""
        volume = front.cluster.storage_volumes[values["name"]]
        for key, value in values.get("params", {}).items():
            if value is None:
                volume.params.pop(key, None)
            else:
                volume.params[key] = str(value)
        volume.enabled = bool(values.get("enabled", volume.enabled))
        volume.comment = str(values.get("comment", volume.comment))
        volume.locations = list(values.get("locations", volume.locations))

    async def _fields(self, front: Front, values: t.Mapping[str, t.Any]) -> None:
        """{"table": "db.t", "partition": name or absent, field: value}: any field of the record."""
        values = dict(values)
        database, _dot, name = values.pop("table").partition(".")
        table = front.cluster.databases[database].tables[name]
        partition = values.pop("partition", "")
        record: t.Any = table.partitions[partition] if partition else table
        for field, value in values.items():
            if not hasattr(record, field):
                raise ValueError("%s: no such field" % field)
            setattr(record, field, value)
