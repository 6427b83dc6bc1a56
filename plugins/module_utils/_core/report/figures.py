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
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import lower_bound


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


@dataclasses.dataclass(frozen=True)
class Best:
    """The shortest time the limits allowed: ``seconds`` for all plans, ``binding`` names the limit of the longest part.

    ``by_limit`` holds what each limit of the newest plan allowed at best.
    """

    seconds: float
    binding: str
    by_limit: t.Mapping[str, float]


def best_of(report: Report) -> t.Optional[Best]:
    """The shortest time in which the attempts could have run under their plans' limits, from how long each took.

    None without a plan, or while fewer than two attempts have ended.
    """
    plans = [plan for plan in report.plans if plan.moves]
    jobs: t.List[t.List[Job]] = [[] for _plan in plans]
    for number, attempt in enumerate(report.current):
        in_force = [place for place, plan in enumerate(plans) if plan.at <= attempt.started]
        if attempt.ended is not None and in_force:
            jobs[in_force[-1]].append(Job(str(number), _keys(attempt), attempt.ended - attempt.started))
    bounds = [lower_bound(some, _limits(plan.limits)) for plan, some in zip(plans, jobs) if some]
    if not bounds or sum(map(len, jobs)) < 2:
        return None
    longest = max(bounds, key=lambda bound: bound.value)
    return Best(math.fsum(bound.value for bound in bounds), longest.binding, bounds[-1].by_key)


def _limits(limits: t.Mapping[str, t.Any]) -> t.Dict[str, t.Optional[int]]:
    return {
        str(key): value
        for key, value in limits.items()
        if isinstance(value, int) and not isinstance(value, bool) and value > 0
    }


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
