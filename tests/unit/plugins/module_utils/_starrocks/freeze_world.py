# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory, as far as a freeze can touch it. Behaviour is tested in the lab; this one is for corners."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import classify
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import thaw_all
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.http_wire import HttpReply
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

BY_SWITCH = "failed to begin txn for task x: disable_load_job is set to true, all load jobs are rejected"
_SET = re.compile(r'ADMIN SET FRONTEND CONFIG \("disable_load_job" = "(true|false)"\)')
_JOB = re.compile(r"(PAUSE|RESUME) ROUTINE LOAD FOR `(\w+)`\.`(\w+)`")
_PIPE = re.compile(r"ALTER PIPE `(\w+)`\.`(\w+)` (SUSPEND|RESUME)")
_SHOW = re.compile(r"SHOW ALL ROUTINE LOAD FOR `(\w+)`\.`(\w+)`")


@dataclasses.dataclass
class Job:
    kind: str
    database: str
    name: str
    job_id: str
    state: str
    reason: str = ""


class World:
    """``values``: the switch of every frontend by name; the first one leads. Two may share a host."""

    def __init__(self, version: str = "3.5.1", hosts: t.Sequence[str] = ("h0", "h1", "h2")) -> None:
        self.version = Version.parse(version)
        self.profile = Profile.choose(self.version, "shared_data")
        self.cluster_id = "77"
        self.hosts = list(hosts)
        self.values = {f"fe{index}": "false" for index in range(len(self.hosts))}
        self.dead: t.Set[str] = set()
        self.deaf: t.Set[str] = set()
        self.dropped: t.Set[str] = set()
        self.silent: t.Set[str] = set()
        """Alive, and telling nothing to us; the others reach them."""
        self.cut_off: t.Set[str] = set()
        """Alive, and answering us; the others cannot tell them anything."""
        self.no_http = False
        """The user has OPERATE, and not the role root."""
        self.bad_gateway = 0
        """So many requests over HTTP are carried out, and answered by a proxy that knows nothing of it."""
        self.jobs: t.Dict[t.Tuple[str, str], Job] = {}
        self.loading: t.Sequence[str] = ("d",)
        """Databases that have transactions."""
        self.changes: t.List[str] = []
        self.asked: t.List[str] = []
        """Whom each statement of ``changes`` was sent to."""
        self.lose_replies = 0
        self.before_statement: t.Callable[[str], None] = lambda _sql: None

    def add(self, name: str, state: str = "RUNNING", kind: str = "routine_load", job_id: str = "1") -> Job:
        job = self.jobs[(kind, name)] = Job(kind, "d", name, job_id, state)
        return job

    def tick(self) -> None:
        """Running routine loads meet the switch of the leader."""
        if self.values["fe0"] == "true":
            for job in self.jobs.values():
                if job.kind == "routine_load" and job.state in ("RUNNING", "NEED_SCHEDULE"):
                    job.state, job.reason = "PAUSED", BY_SWITCH

    # What a client.Cluster offers.

    def frontends(self, refresh: bool = False) -> t.Tuple[Frontend, ...]:
        return tuple(
            Frontend(name, self.hosts[index], 9030 + index, 8030, 9020, "LEADER" if index == 0 else "FOLLOWER",
                     name not in self.dead, self.cluster_id, "", "")
            for index, name in enumerate(self.values)
        )  # fmt: skip

    def leader(self) -> Frontend:
        return self.frontends()[0]

    def on_each(self, items: t.Iterable[t.Any], call: t.Callable[[t.Any], t.Any]) -> t.Any:
        good, failed = {}, {}
        for item in items:
            try:
                good[item] = call(item)
            except MigrationError as error:
                failed[item] = error
        return good, failed

    def query_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        self._reach(frontend)
        if not sql.startswith("ADMIN SHOW FRONTEND CONFIG LIKE"):
            return self._list(sql)
        key, value = ("http_port", "8030") if "http" in sql else ("disable_load_job", self.values[frontend.name])
        columns = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
        return Rows(columns, ((key, "[]", value, "boolean", "true", ""),))

    def _reach(self, frontend: Frontend) -> None:
        if frontend.name in self.silent:
            raise MigrationError("starrocks.unreachable", f"{frontend.name} does not answer in time")

    def query(self, sql: str, doing: str) -> Rows:
        return self.query_on(self.leader(), sql, doing)

    def _list(self, sql: str) -> Rows:
        self.tick()
        if sql == "SHOW PROC '/transactions'":
            listed = [("10", name) for name in self.loading] + [("11", "_statistics_")]
            return Rows(("DbId", "DbName"), tuple(listed))
        if sql == "SHOW PROC '/dbs'":
            return Rows(("DbId", "DbName", "TableNum"), (("10", "d", "1"), ("11", "_statistics_", "9")))
        if "information_schema.columns" in sql:
            return Rows(("TABLE_NAME",), (("routine_load_jobs",), ("pipes",)))
        if "routine_load_jobs" in sql:
            return Rows(("a",) * 5, tuple(self._row(job) for job in self._of("routine_load")))
        if "information_schema.pipes" in sql:
            return Rows(("a",) * 5, tuple(self._row(job) for job in self._of("pipe") if _asked(sql, job)))
        found = _SHOW.fullmatch(sql)
        assert found, sql
        columns = ("DbName", "Name", "Id", "State", "ReasonOfStateChanged")
        if found.group(1) in self.dropped:
            raise _refused(f"failed to find database by dbFullName {found.group(1)}")
        jobs = [job for job in self._of("routine_load") if job.name == found.group(2)]
        if not jobs:
            raise _refused(f"There is no job named {found.group(2)} in db {found.group(1)}. Include history? true")
        return Rows(columns, tuple(self._row(job) for job in jobs))

    def _of(self, kind: str) -> t.List[Job]:
        return [job for job in self.jobs.values() if job.kind == kind]

    @staticmethod
    def _row(job: Job) -> t.Tuple[str, ...]:
        return job.database, job.name, job.job_id, job.state, job.reason

    def execute(self, sql: str, doing: str) -> Rows:
        return self.execute_on(self.leader(), sql, doing)

    def execute_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        self.before_statement(sql)
        self._reach(frontend)
        self.changes.append(sql)
        self.asked.append(frontend.name)
        missed: t.Dict[str, str] = {}
        found = _SET.fullmatch(sql)
        if found:
            at = self.leader() if self.profile.set_runs_on == "leader" else frontend
            for index, name in enumerate(self.values):
                if name in self.dead or (name in self.cut_off and name != at.name):
                    missed[self.hosts[index]] = "no route"
                elif name == at.name or self.hosts[index] != at.host:
                    self.values[name] = found.group(1)
        else:
            self._change_job(sql)
        self.tick()
        if self.lose_replies > 0:
            self.lose_replies -= 1
            raise MigrationError("starrocks.no_reply", "lost")
        if missed:
            raise MigrationError("starrocks.config_partial", "partial", details={"failed_frontends": missed})
        return Rows((), ())

    def _change_job(self, sql: str) -> None:
        found = _JOB.fullmatch(sql)
        if found:
            job = self.jobs.get(("routine_load", found.group(3)))
            if job is None or job.state in ("STOPPED", "CANCELLED"):
                raise _refused(f"There is no running job with name[{found.group(3)}] in database[{found.group(2)}]")
            job.state, job.reason = ("PAUSED" if found.group(1) == "PAUSE" else "NEED_SCHEDULE"), ""
            return
        found = _PIPE.fullmatch(sql)
        assert found, sql
        self.jobs[("pipe", found.group(2))].state = "SUSPEND" if found.group(3) == "SUSPEND" else "RUNNING"

    def http(self, place: t.Any, method: str, path: str, doing: str, *, mutating: bool = False) -> HttpReply:
        self._reach(place)
        if self.no_http:
            raise MigrationError("starrocks.access_denied", "not over HTTP", server_text="401")
        self.changes.append(f"{place.name} {path}")
        if place.name not in self.deaf:
            self.values[place.name] = path.rpartition("=")[2]
        self.tick()
        if self.bad_gateway > 0:
            self.bad_gateway -= 1
            return HttpReply(502, "<html>Bad Gateway</html>", "")
        return HttpReply(200, '{"set":{"disable_load_job":"x"},"err":{}}', "")


def _refused(text: str) -> MigrationError:
    return MigrationError(f"starrocks.{classify(text, 1064)}", "refused", server_text=text)


def _asked(sql: str, job: Job) -> bool:
    return "WHERE" not in sql or f'"{job.name}"' in sql


class Migration:
    """A journal of its own, and freezes of one world."""

    def __init__(self, world: World, folder: pathlib.Path) -> None:
        self.world = world
        self.clock = FakeClock()
        self.journal = Journal.open(
            str(folder / "j.jsonl"), migration_id="m", engine="starrocks", clock=self.clock, redactor=Redactor([])
        )
        self.cluster = t.cast(Cluster, world)
        self.record = self.again()

    def again(self) -> FreezeRecord:
        """What a later run starts with."""
        return FreezeRecord(self.journal, self.clock, self.world.cluster_id)

    def freeze(self) -> Freeze:
        freeze = Freeze(self.cluster, self.clock)
        freeze.apply(freeze.look(), self.record, Deadline(self.clock, 60, "test"))
        return freeze

    def lift(self) -> None:
        self.record = self.again()
        thaw_all(self.cluster, self.record, self.clock, 30)
