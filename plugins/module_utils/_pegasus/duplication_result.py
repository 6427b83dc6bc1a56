# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a duplication task tells: one record per table, waits, progress, and a line for people."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Progress
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import (
    RUNNING,
    UNKNOWN,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_standing import REASONS
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import TableRun

MOST_TABLES_IN_LINE = 3


def duplication(run: TableRun) -> t.Dict[str, t.Any]:
    """One table as the result shows it. Numbers that are not known of every partition are null."""
    there, view = run.duplication, run.view
    shown: t.Dict[str, t.Any] = {
        "table": run.wanted.table,
        "app_id": None if run.app is None else run.app.app_id,
        "remote": run.wanted.remote,
        "remote_table": run.wanted.remote_name,
        "dupid": None if there is None else there.dupid,
        "status": None if there is None else there.status,
        "fail_mode": None if there is None else there.fail_mode,
        "create_ts_ms": None if there is None else there.create_ts_ms,
        "ours": run.ours,
        "done": run.done,
        "waits_for": "" if run.standing.cause is None else run.standing.cause.reason,
        "partitions": 0 if run.app is None else run.app.partition_count,
        "running": 0 if view is None else len(view.having(RUNNING)),
        "unknown": [] if view is None else [one.index for one in view.having(UNKNOWN)],
        "copied": run.copied,
        "backlog": None if view is None else view.backlog_total,
        "largest_backlog": None,
        "largest_backlog_partition": None,
        "backlog_eta_seconds": run.eta,
        "samples_within_limit": run.track.good,
    }
    if view is not None and view.largest is not None and view.backlog_total is not None:
        shown["largest_backlog"] = view.largest.backlog
        shown["largest_backlog_partition"] = view.largest.index
    return shown


def progress(runs: t.Sequence[TableRun], earlier: t.Iterable[t.Tuple[float, int]], clock: Clock) -> Progress:
    """Partitions that are where they should be, of all; ``earlier``: (Unix seconds, done) of the steps before."""
    total = sum(run.partitions for run in runs)
    found = Progress(total, clock, earlier=[(_moment(at), done) for at, done in earlier])
    found.update(sum(run.partitions_done for run in runs))
    return found


def waits(runs: t.Sequence[TableRun]) -> t.List[t.Dict[str, t.Any]]:
    """One wait per reason, the one of most tables first."""
    by_reason: t.Dict[str, t.List[TableRun]] = {}
    for run in runs:
        if run.standing.cause is not None:
            by_reason.setdefault(run.standing.cause.reason, []).append(run)
    found = []
    for reason in sorted(by_reason, key=lambda one: (-len(by_reason[one]), one)):
        members = sorted(by_reason[reason], key=lambda run: run.waiting_since)
        first = members[0].standing.cause
        if first is None:
            continue
        more = len(members) - 1
        worst = [item for run in members if run.standing.cause is not None for item in run.standing.cause.worst]
        if more:
            worst = [run.standing.cause.what for run in members if run.standing.cause is not None]
        found.append(
            Wait(
                reason=REASONS.check(reason),
                waiting_for=first.what + (f" (and {more} more tables)" if more else ""),
                ends_when=first.ends_when,
                since=iso(_moment(members[0].waiting_since)),
                worst=worst,
                count=len(members),
            ).as_result()
        )
    return found


def line(runs: t.Sequence[TableRun]) -> str:
    """The one line that a person watches."""
    waiting = [run for run in runs if not run.done]
    done = len(runs) - len(waiting)
    parts = [_table_line(run) for run in waiting[:MOST_TABLES_IN_LINE]]
    if len(waiting) > MOST_TABLES_IN_LINE:
        parts.append(f"and {len(waiting) - MOST_TABLES_IN_LINE} more")
    if done or not runs:
        parts.insert(0, f"{done} of {len(runs)} tables ready")
    return "; ".join(parts)


def _table_line(run: TableRun) -> str:
    there = run.duplication
    text = f"{run.wanted.table}: {'no duplication' if there is None else there.status}"
    if run.view is not None and run.view.backlog_total is not None and run.view.largest is not None:
        text += f", backlog {run.view.backlog_total} (partition {run.view.largest.index}: {run.view.largest.backlog})"
        if run.eta:
            text += f", about {format_duration(max(1, round(run.eta)))} left"
    elif run.copied is not None:
        text += f", {run.copied}/{run.partitions} partitions copied"
    if run.standing.cause is not None:
        text += f", {run.standing.cause.reason.rsplit('.', 1)[-1]}"
    return text


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
