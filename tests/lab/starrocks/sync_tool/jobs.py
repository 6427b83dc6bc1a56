# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication jobs: queued, sent to the target's FE, followed there, sent again when they failed."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from .cluster import Cluster, ClusterError
from .lab import Lab
from .log import Log
from .model import Name, Request, start_request
from .settings import Settings

PENDING, SENT, RUNNING, FINISHED, FAILED, UNKNOWN = "jobPending", "sent", "running", "finished", "failed", "unknown"
BENIGN = ("exceeds", "is already running", "publish version not finished")
STARTED = {"INITIALIZING": SENT, "SNAPSHOTING": RUNNING, "REPLICATING": RUNNING}
THREAD = "sync-replication"
WHERE = "run(ReplicationJob.java:%d)"


@dataclass
class Job:
    """One table's replication; a failed one keeps its place until it is sent again."""

    request: Request
    state: str = PENDING
    id: str = ""
    error: str = ""


@dataclass
class Jobs:
    """At most one unfinished job a table. ``finished`` counts those that have arrived since the start."""

    source: Cluster
    target: Cluster
    settings: Settings
    lab: Lab
    log: Log
    backends: t.List[str]
    open: t.Dict[Name, Job] = field(default_factory=dict)
    finished: int = 0
    ever: t.Set[Name] = field(default_factory=set)
    number: int = 0

    def plan(self, requests: t.Sequence[Request]) -> None:
        """What a metadata cycle found: new tables are queued, those that wait get the newest versions."""
        wanted = {request.name: request for request in requests}
        for name, job in list(self.open.items()):
            if job.state in (PENDING, FAILED, UNKNOWN):
                if name in wanted:
                    job.request = wanted[name]
                else:
                    self.open.pop(name)
        for name, request in wanted.items():
            self.open.setdefault(name, Job(request))

    def turn(self) -> None:
        """Follow what was sent, then send the next ones."""
        self.follow()
        batch = self.settings.number("replication_job_batch_size", 10)
        for job in [j for j in self.open.values() if j.state in (PENDING, FAILED)][:batch]:
            self._send(job)

    def _send(self, job: Job) -> None:
        self.number += 1
        job.id = "%d-%d" % (int(time.time() * 1000), self.number)
        token = self.settings.text("source_cluster_token")
        name = "%s.%s" % job.request.name
        try:
            self.target.rpc("startTableReplication", start_request(job.request, job.id, token, self.backends))
        except ClusterError as problem:
            text = str(problem)
            if "No data need to replicate" in text:
                self._finish(job)
                return
            benign = any(part in text for part in BENIGN)
            job.state, job.error = PENDING if benign else FAILED, text
            level = "WARN" if benign else "ERROR"
            self.log.write(level, THREAD, WHERE % 131, "Send replication job of table %s failed: %s" % (name, text))
            return
        job.state = SENT
        self.log.info(THREAD, WHERE % 118, "Send replication job of table %s, job id: %s" % (name, job.id))

    def _finish(self, job: Job) -> None:
        self.open.pop(job.request.name, None)
        self.ever.add(job.request.name)
        self.finished += 1

    def follow(self) -> None:
        """How the jobs fare that the target has."""
        sent = [job for job in self.open.values() if job.state in (SENT, RUNNING, UNKNOWN) and job.id]
        if not sent or self.lab.orders().get("stuck_sent"):
            return
        try:
            known = self._states({job.request.name[0] for job in sent})
        except ClusterError as problem:
            self.log.warn(THREAD, WHERE % 164, "Get replication jobs failed: %s" % problem)
            return
        for job in sent:
            state, error = known.get(job.id, ("", ""))
            name = "%s.%s" % job.request.name
            if state == "COMMITTED":
                self.log.info(THREAD, WHERE % 171, "Replication job of table %s finished" % name)
                self._finish(job)
            elif state == "ABORTED":
                job.state, job.error = FAILED, error
                self.log.error(THREAD, WHERE % 176, "Replication job of table %s failed: %s" % (name, error))
            else:
                job.state = STARTED.get(state, UNKNOWN)

    def _states(self, databases: t.Set[str]) -> t.Dict[str, t.Tuple[str, str]]:
        """job id -> (state, error), from '/replications' or, on older targets, from the transactions."""
        try:
            rows = self.target.query("SHOW PROC '/replications'")
            return {row["JobID"]: (row["State"], row["Error"]) for row in rows}
        except ClusterError as problem:
            if "Unknown proc node path" not in str(problem):
                raise
        found: t.Dict[str, t.Tuple[str, str]] = {}
        states = {"VISIBLE": "COMMITTED", "COMMITTED": "COMMITTED", "ABORTED": "ABORTED"}
        for database in databases:
            for leaf in ("finished", "running"):
                for row in self.target.query("SHOW PROC '/transactions/%s/%s'" % (database, leaf)):
                    if row["Label"].startswith("REPLICATION_"):
                        job = row["Label"].split("_", 3)[3]
                        found[job] = states.get(row["TransactionStatus"], "REPLICATING"), row["Reason"]
        return found

    def counts(self) -> t.Dict[str, int]:
        """How many jobs are in each state."""
        found = dict.fromkeys((PENDING, SENT, RUNNING, FINISHED, FAILED, UNKNOWN), 0)
        for job in list(self.open.values()):
            found[job.state] += 1
        found[FINISHED] = self.finished
        extra = int(self.lab.orders().get("unknown", 0))
        found[UNKNOWN] += extra
        return found
