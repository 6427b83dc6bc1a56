# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four loops: metadata, DDL, replication, report; each with its interval from sync.properties, in lab seconds."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from . import ddl, report
from .cluster import Cluster, ClusterError
from .jobs import Jobs
from .lab import Lab
from .log import Log
from .model import Catalog, Ddl, replications
from .settings import Settings

KEEPER = "updateClusterMeta(ClusterMetaKeeper.java:57)"
BATCH = 200
"""Tables whose metadata is asked for in one call."""
DDL_WHERE = "run(DDLJob.java:%d)"


class Terminated(Exception):
    """The synchronisation must not go on; the message says why."""


class Sync:
    """``turn`` does what is due. In the older generation the loops' threads have numbers, later names."""

    def __init__(self, source: Cluster, target: Cluster, settings: Settings, lab: Lab, log: Log) -> None:
        self._source = source
        self._target = target
        self._settings = settings
        self._lab = lab
        self._log = log
        self._due = dict.fromkeys(("meta", "ddl", "replication", "report"), lab.now())
        self._catalogs = {"source": Catalog(), "target": Catalog()}
        self._pending: t.List[Ddl] = []
        self._ddl_done = 0
        self._cycles = 0
        self._jobs = Jobs(source, target, settings, lab, log, [])
        self._loops: t.Tuple[t.Tuple[str, int, t.Callable[[], None]], ...] = (
            ("meta", settings.number("meta_job_interval_seconds", 180), self._update_meta),
            ("ddl", settings.number("ddl_job_interval_seconds", 10), self._run_ddl),
            ("replication", settings.number("replication_job_interval_seconds", 10), self._run_replication),
            ("report", settings.number("report_interval_seconds", 300), self._report),
        )

    def check(self) -> None:
        """What must hold before anything begins; Terminated or ClusterError otherwise."""
        for cluster in (self._source, self._target):
            rows = cluster.query("ADMIN SHOW FRONTEND CONFIG LIKE 'run_mode'")
            self._catalogs[cluster.side].run_mode = rows[0]["Value"] if rows else "shared_nothing"
        modes = [self._catalogs[side].run_mode for side in ("source", "target")]
        if modes == ["shared_data", "shared_nothing"]:
            raise Terminated("Synchronization from shared-data cluster to shared-nothing cluster is not supported")
        if modes[0] == "shared_nothing":
            if not self._settings.text("source_cluster_token"):
                raise Terminated("source_cluster_token is not set")
            self._jobs.backends = self._source.backends()

    def turn(self) -> bool:
        """Do what is due; True when a one-time run is complete."""
        for name, seconds, loop in self._loops:
            if self._lab.now() >= self._due[name]:
                # Fixed delay, as a scheduled executor has it: counted from the end.
                try:
                    loop()
                except ClusterError as problem:
                    self._log.error(self._thread(name), "run(%sJob.java:77)" % name.capitalize(), str(problem))
                self._due[name] = self._lab.now() + max(seconds, 1)
        once = self._settings.flag("one_time_run_mode", False)
        if once and self._cycles > 1 and not self._pending and not self._jobs.open:
            self._report()
            return True
        return False

    def _thread(self, name: str) -> str:
        if self._lab.generation == "a":
            return "Thread-%d" % (1 + list(self._due).index(name))
        return "sync-%s" % name

    # --- loops ---

    def _update_meta(self) -> None:
        for cluster in (self._source, self._target):
            cluster.open()
            self._catalogs[cluster.side] = self._read(cluster)
            text = "%s cluster metadata synchronization completed." % cluster.side.capitalize()
            self._log.info(self._thread("meta"), KEEPER, text)
        self._cycles += 1
        self._check_disks()
        source, target = self._catalogs["source"], self._catalogs["target"]
        self._pending = ddl.statements(source, target, self._settings, self._warn)
        self._jobs.plan(replications(source, target, self._settings))

    def _warn(self, text: str) -> None:
        self._log.warn(self._thread("ddl"), DDL_WHERE % 49, text)

    def _read(self, cluster: Cluster) -> Catalog:
        """Databases and selected tables; external tables and those with AUTO_INCREMENT are left out."""
        databases = cluster.rpc("getDatabases", {})
        found = Catalog(databases, {}, self._catalogs[cluster.side].run_mode)

        def read(part: t.Tuple[str, t.List[str]]) -> t.Any:
            return cluster.rpc("getTableMeta", {"database": part[0], "tables": part[1]})

        parts = []
        for name, data in databases.items():
            selected = [x for x in data["tables"] if self._settings.selects(name, x)]
            parts += [(name, selected[at : at + BATCH]) for at in range(0, len(selected), BATCH)]
        with ThreadPoolExecutor(max(1, self._settings.number("meta_job_threads", 4))) as pool:
            for metas in pool.map(read, parts):
                for meta in metas:
                    if meta["native"] and not meta["auto_increment"]:
                        found.tables[(meta["database"], meta["table"])] = meta
        if cluster.side == "source":
            found.databases = {name: data for name, data in databases.items() if self._settings.selects(name)}
        return found

    def _check_disks(self) -> None:
        limit = self._settings.number("target_cluster_max_disk_used_percent", 80)
        if self._catalogs["target"].run_mode == "shared_data":
            return
        for row in self._target.query("SHOW BACKENDS"):
            used = float(row["MaxDiskUsedPct"].rstrip("% "))
            if used > limit:
                text = "Disk used percent %.2f%% of target backend %s exceeds %d%%, terminate"
                raise Terminated(text % (used, row["IP"], limit))

    def _run_ddl(self) -> None:
        batch = self._settings.number("ddl_job_batch_size", 10)
        taken, self._pending = self._pending[:batch], self._pending[batch:]
        for job in taken:
            try:
                self._target.query(job.sql)
            except ClusterError as problem:
                # It comes back with the next metadata cycle.
                text = "Execute ddl of %s failed: %s, sql: %s" % (job.subject, problem, job.sql.replace("\n", " "))
                self._log.error(self._thread("ddl"), DDL_WHERE % 83, text)
                continue
            self._ddl_done += 1
            self._log.info(self._thread("ddl"), DDL_WHERE % 79, "Execute ddl of %s succeeded" % job.subject)

    def _run_replication(self) -> None:
        self._jobs.turn()

    def _report(self) -> None:
        source, target = self._catalogs["source"], self._catalogs["target"]
        counts, ever = self._jobs.counts(), len(self._jobs.ever)
        progress = report.Progress(counts, len(self._pending), self._ddl_done, ever, source, target)
        report.write(self._log, self._lab.generation, progress)
