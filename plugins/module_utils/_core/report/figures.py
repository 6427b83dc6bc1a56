# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Figures that a report derives from its records: the spread of measurements, time at work, the bound of the limits."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Attempt, Report
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Job
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import Bound, lower_bound


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, 95th percentile (both nearest rank) and largest of ``count`` values."""

    count: int
    median: float
    p95: float
    largest: float


def spread(values: t.Iterable[t.Optional[float]]) -> t.Optional[Spread]:
    """The spread of the values that are known, None when none is."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return Spread(len(known), _rank(known, 0.5), _rank(known, 0.95), known[-1])


def _rank(ordered: t.Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def span_of(report: Report, attempt: Attempt) -> t.Tuple[float, float]:
    """From the submission to the outcome, or to the last that was seen of an attempt without one."""
    return attempt.started, max(attempt.started, last_seen(report, attempt))


def busy_periods(report: Report, attempts: t.Sequence[Attempt]) -> t.List[t.Tuple[float, float]]:
    """The times at work on the attempts, oldest first, not overlapping.

    Within one run, pauses between moves count as work (a scheduler that idles is slow); between runs they do not.
    """
    spans = [span_of(report, attempt) for attempt in attempts]
    spans.sort()
    merged: t.List[t.Tuple[float, float]] = []
    for start, stop in spans:
        if merged and (start <= merged[-1][1] or _same_run(report, merged[-1][1], start)):
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def last_seen(report: Report, attempt: Attempt) -> float:
    """Until when an attempt without outcome is known to have run: the end of the run that made it."""
    if attempt.ended is not None:
        return attempt.ended
    for run in report.runs:
        if run.started <= attempt.started <= run.last_seen:
            return run.last_seen
    return report.last or attempt.started


def _same_run(report: Report, before: float, after: float) -> bool:
    if not report.runs:
        return True
    return any(run.started <= before and after <= run.last_seen for run in report.runs)


def time_at_work(report: Report) -> float:
    """Seconds at work on the moves of the present direction, pauses between runs left out."""
    return math.fsum(stop - start for start, stop in busy_periods(report, report.current))


def bound_of(report: Report) -> t.Optional[Bound]:
    """The shortest time in which the attempts could have run under the newest plan's limits, from how long each took.

    None without a plan, or while fewer than two attempts have ended.
    """
    if report.plan is None:
        return None
    jobs = [
        Job(str(number), _keys(attempt), attempt.ended - attempt.started)
        for number, attempt in enumerate(report.current)
        if attempt.ended is not None
    ]
    limits = {
        str(key): value
        for key, value in report.plan.limits.items()
        if isinstance(value, int) and not isinstance(value, bool) and value > 0
    }
    return lower_bound(jobs, limits) if len(jobs) > 1 and limits else None


def _keys(attempt: Attempt) -> t.Tuple[str, ...]:
    return (
        "global",
        f"per_source:{attempt.source}",
        f"per_target:{attempt.target}",
        f"per_table:{attempt.group}",
    )


def first_forecast(report: Report) -> t.Optional[t.Tuple[int, float]]:
    """The first forecast made with at least a tenth done: (percent done then, seconds it said were left)."""
    since = min((attempt.started for attempt in report.current), default=0.0)
    for entry in report.progress:
        if entry.at >= since and entry.eta and entry.total and 0.1 <= entry.done / entry.total < 1:
            return round(entry.done / entry.total * 100), entry.eta
    return None
