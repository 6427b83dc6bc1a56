# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress lines of each generation of the tool (facts 5.4)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .log import Log
from .model import Catalog, equal

UNITS = ("B", "KB", "MB", "GB", "TB")


def pretty(size: float) -> str:
    """320.000 B, 131.634 GB"""
    unit = 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return "%.3f %s" % (size, UNITS[unit])


@dataclass
class Progress:
    """What a report counts: jobs by state, DDL statements that wait and that are done, tables."""

    jobs: t.Mapping[str, int]
    ddl_pending: int
    ddl_done: int
    ever: int
    source: Catalog
    target: Catalog

    @property
    def total(self) -> int:
        """All jobs of this run."""
        return sum(self.jobs.values()) + self.ddl_pending + self.ddl_done

    @property
    def ratio(self) -> float:
        """Finished ones in percent."""
        return 100.0 * (self.jobs["finished"] + self.ddl_done) / self.total if self.total else 0.0


def write(lines: Log, generation: str, progress: Progress) -> None:
    """One report."""
    if generation == "a":
        _databases(lines, progress)
        _jobs(lines, "Thread-4", "report(SyncJob.java:226)", "Sync progress", progress, with_sent=False)
        return
    where = "report(SyncJob.java:423)"
    _jobs(lines, "sync-reporter", "report(SyncJob.java:401)", "Sync job progress", progress, generation != "b")
    tables = len(progress.source.tables)
    expired = sum(1 for n, meta in progress.source.tables.items() if not equal(meta, progress.target.tables.get(n)))
    finished = min(tables, progress.ever)
    shares = [100.0 * count / tables if tables else 0.0 for count in (finished, expired)]
    lines.info(
        "sync-reporter",
        where,
        "Sync table progress, finishedTableRatio: %.2f%%, expiredTableRatio: %.2f%%, total table: %d, "
        "finished table: %d, unfinished table: %d, expired table: %d."
        % (*shares, tables, finished, tables - finished, expired),
    )


def _jobs(lines: Log, thread: str, where: str, name: str, progress: Progress, with_sent: bool) -> None:
    jobs = progress.jobs
    running = "sent: %d, running: %d" % (jobs["sent"], jobs["running"])
    if not with_sent:
        running = "running: %d" % (jobs["sent"] + jobs["running"])
    text = "%s: %.2f%%, total: %d, ddlPending: %d, jobPending: %d, %s, finished: %d, failed: %d, unknown: %d"
    values = progress.total, progress.ddl_pending, jobs["jobPending"]
    finished = jobs["finished"] + progress.ddl_done
    lines.info(
        thread, where, text % (name, progress.ratio, *values, running, finished, jobs["failed"], jobs["unknown"])
    )


def _databases(lines: Log, progress: Progress) -> None:
    waiting = sum(progress.jobs[key] for key in ("jobPending", "failed"))
    sizes = [_sizes(catalog) for catalog in (progress.source, progress.target)]
    lines.info("Thread-4", "report(SyncJob.java:182)", "DDL job queue size: %d" % progress.ddl_pending)
    lines.info("Thread-4", "report(SyncJob.java:184)", "Replication job queue size: %d" % waiting)
    keeper = "reportDbProgress(ClusterMetaKeeper.java:%d)"
    names = [name for name in sizes[0] if name not in sizes[1]]
    lines.info("Thread-4", keeper % 981, "Databases pending synchronization: [%s]" % ", ".join(names))
    only = [name for name in sizes[1] if name not in sizes[0]]
    lines.info("Thread-4", keeper % 982, "Databases that only exist in the target cluster: [%s]" % ", ".join(only))
    for name, size in sizes[0].items():
        mine = sizes[1].get(name, 0)
        text = "Database %s, source size: %s, target size: %s, diff: %s"
        lines.info("Thread-4", keeper % 1001, text % (name, pretty(size), pretty(mine), pretty(size - mine)))
    totals = [sum(found.values()) for found in sizes]
    text = "Total source size: %s, total target size: %s, total diff: %s"
    lines.info("Thread-4", keeper % 1017, text % (pretty(totals[0]), pretty(totals[1]), pretty(totals[0] - totals[1])))


def _sizes(catalog: Catalog) -> t.Dict[str, int]:
    found = dict.fromkeys(catalog.databases, 0)
    for (database, _table), meta in catalog.tables.items():
        found[database] = found.get(database, 0) + meta["bytes"]
    return found
