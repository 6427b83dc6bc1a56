# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What reports of the sync tool say by themselves, of jobs and of tables. Pure.

A generation of the tool is known of which only reports of tables were ever seen (August 2024), and one with reports of
jobs alone (January 2024). Where there are both, those of jobs tell more.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_line import Report

Timed = t.Tuple[float, Report]
"""A report with the time at which it was made, in Unix seconds."""

STUCK_REPORTS = 3
"""So many reports in a row without any progress, and nothing running, are no coincidence, if they span long enough:
with short report intervals they are made before the tool could have found or begun anything."""
_PENDING = ("ddlPending", "jobPending", "sent", "running")
TOTAL_TABLES = "total table"
_FINISHED_TABLES, _UNFINISHED_TABLES, _EXPIRED_TABLES = "finished table", "unfinished table", "expired table"
"""An expired table has a copy that is behind."""


def is_converged(report: Report) -> bool:
    """Whether a report says that all was equal as of its cycle. A count that a release does not tell is taken for 0."""
    return all_finished(report) and not any(report.count(name) for name in (*_PENDING, "failed"))


def all_finished(report: Report) -> bool:
    """Whether every job is finished and none of unknown state, whatever else it counts.

    ``failed`` may count all that ever failed: failed jobs are sent again, and the manual says to ignore that metric.
    """
    total, finished = report.count("total"), report.count("finished")
    if not total or finished != total or (report.percent is not None and report.percent < 100):
        return False
    return not report.count("unknown")


def are_equal(report: Report) -> bool:
    """Whether a report of tables says that there are some, and that all of them were equal as of its cycle."""
    return bool(report.count(TOTAL_TABLES)) and tables_left(report) == 0


def tables_left(report: Report) -> t.Optional[int]:
    """How many tables a report of tables does not count as copied and up to date; None where it does not tell."""
    total, finished = report.count(TOTAL_TABLES), report.count(_FINISHED_TABLES)
    unfinished, expired = report.count(_UNFINISHED_TABLES), report.count(_EXPIRED_TABLES)
    counted = [one for one in (unfinished, total - finished if total and finished is not None else None) if one]
    if expired is None or (unfinished is None and finished is None):
        return None
    return max([expired, *counted])


def converged_since(reports: t.Sequence[Timed], since: float) -> int:
    """How many of the last reports in a row say so, all of them made at ``since`` (Unix seconds) or later."""
    count = 0
    for at, report in reversed(reports):
        if at < since or not is_converged(report):
            break
        count += 1
    return count


def last_span(reports: t.Sequence[Timed], seconds: float) -> t.Sequence[Timed]:
    """The last reports, no more of them than show it if nothing moves; none if they do not reach back far enough."""
    for begin in range(len(reports) - STUCK_REPORTS, -1, -1):
        if reports[-1][0] - reports[begin][0] >= seconds:
            return reports[begin:]
    return ()


def quiet_for(reports: t.Sequence[Timed]) -> float:
    """For how long the same number of jobs is finished, in seconds, by the reports."""
    last_at, last = reports[-1]
    since = last_at
    for at, report in reversed(reports):
        if report.count("finished") != last.count("finished") or report.count("total") != last.count("total"):
            break
        since = at
    return last_at - since
