# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Where a synchronization stands, told from the tool's reports, its errors and its processes.

100 % only means "equal as of the last metadata cycle", ``total: 0`` that nothing is known yet, and no report at all
that nothing is known any more. Source: facts of the manual's section on progress, and its screenshots.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log import LogMemory, Tally
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_errors import (
    FATAL,
    OTHER,
    SEVERITY,
    TARGET_AHEAD,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_line import Report
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_time import FUTURE, moment, moments

NOT_STARTED, RUNNING, CONVERGED, IDLE = "not_started", "running", "converged_as_of_cycle", "idle"
STALLED, STALE, FAILED, STOPPED, COMPLETED = "stalled", "stale", "failed", "stopped", "completed"
"""``COMPLETED``: a one-time run is over, with all equal as of its last cycle. Nobody copies what comes after it: "the
migration tool only performs full synchronization instead of incremental synchronization" (manual, one_time_run_mode).
"""
VERDICTS = (NOT_STARTED, RUNNING, CONVERGED, IDLE, STALLED, STALE, FAILED, STOPPED, COMPLETED)

_STUCK_REPORTS = 3
"""So many reports in a row without any progress, and nothing running, are no coincidence, if they span the time of
``stuck_after``: with short report intervals they are made before the tool could have found or begun anything."""
JOB_ABORTED = "starrocks.sync.job_aborted"
_TROUBLE = (STALLED, STALE, IDLE, FAILED)
_TROUBLE_CODES = ("starrocks.sync.failed_jobs", "starrocks.sync.failed_growing", "starrocks.sync.unknown_jobs")
_PENDING = ("ddlPending", "jobPending", "sent", "running")


@dataclasses.dataclass(frozen=True)
class Standing:
    """The tool's processes. ``running`` None: not known. ``since``: Unix seconds of the start that is recorded.

    ``recorded``: whether there is a start that nobody ended on purpose.
    """

    running: t.Optional[bool] = None
    recorded: bool = False
    since: t.Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Rules:
    """All in seconds, except ``one_time``. ``utc_offset`` None: the log has the local time of this host.

    ``compared``: whether the partitions are compared besides. That tells better whether somebody wrote to the target:
    the tool logs the same refusal for a partition that the source has made anew, until it has dropped its copy.
    """

    report_interval: float = 300.0
    meta_interval: float = 180.0
    stall_after: float = 1800.0
    one_time: bool = False
    utc_offset: t.Optional[float] = None
    compared: bool = False


@dataclasses.dataclass(frozen=True)
class Reason:
    """``code`` is stable; ``text`` is for people."""

    code: str
    text: str

    def as_result(self) -> t.Dict[str, str]:
        """The reason as plain data."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``verdict`` is one of VERDICTS; the first reason is why."""

    verdict: str
    reasons: t.Tuple[Reason, ...]


def current_reports(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.List[t.Tuple[float, Report]]:
    """The job reports of the present run, not those from before the recorded start, with their Unix seconds."""
    times = moments([report.at for report in memory.jobs], rules.utc_offset, standing.since, now)
    return [
        (at, report)
        for at, report in zip(times, memory.jobs)
        # The log tells whole seconds only.
        if at is not None and (standing.since is None or at >= int(standing.since))
    ]


def is_converged(report: Report) -> bool:
    """Whether a report says that all was equal as of its cycle. A count that a release does not tell is taken for 0."""
    total, finished = report.count("total"), report.count("finished")
    if not total or finished != total or (report.percent is not None and report.percent < 100):
        return False
    return not any(report.count(name) for name in (*_PENDING, "failed", "unknown"))


def converged_since(reports: t.Sequence[t.Tuple[float, Report]], since: float) -> int:
    """How many of the last reports in a row say so, all of them made at ``since`` (Unix seconds) or later."""
    count = 0
    for at, report in reversed(reports):
        if at < since or not is_converged(report):
            break
        count += 1
    return count


def in_trouble(verdict: Verdict) -> bool:
    """Whether something may be wrong, so that the target should be asked what it knows."""
    return verdict.verdict in _TROUBLE or any(reason.code in _TROUBLE_CODES for reason in verdict.reasons)


def judge(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> Verdict:
    """The verdict at ``now``, in Unix seconds."""
    reports = current_reports(memory, standing, rules, now)
    fatal = _fatal(memory, standing, rules, now)
    if standing.running is False:
        return _not_running(memory, standing, rules, reports, fatal, now)
    if fatal:
        return Verdict(FAILED, tuple(fatal))
    last = reports[-1] if reports else None
    stale = 2 * rules.report_interval
    if last is None or last[1].count("total") is None:
        return _nothing_yet(standing, last, stale, now)
    age = now - last[0]
    if age < -FUTURE:
        text = f"the last report is {format_duration(-age)} ahead of this host's clock; set log_utc_offset"
        return Verdict(STALE, (Reason("starrocks.sync.clock", text),))
    if age > stale:
        text = f"the last report is {format_duration(age)} old, and one was due every {format_duration(stale / 2)}"
        return Verdict(STALE, (Reason("starrocks.sync.stale", text),))
    if not last[1].count("total"):
        return _without_jobs(standing, last[0], stale, now)
    return _by_reports([report for _at, report in reports], reports, rules)


def _by_reports(listed: t.Sequence[Report], reports: t.Sequence[t.Tuple[float, Report]], rules: Rules) -> Verdict:
    last = listed[-1]
    reasons = list(_remarks(listed))
    if all(report.count("unknown") for report in listed[-2:]) and len(listed) > 1:
        return Verdict(FAILED, tuple(reasons))
    if is_converged(last):
        return Verdict(CONVERGED, (Reason("starrocks.sync.converged", "all was equal as of the last cycle"),))
    stuck = _stuck(reports, rules)
    if stuck is not None:
        return Verdict(STALLED, (stuck, *reasons))
    quiet = _quiet_for(reports)
    if quiet > rules.stall_after:
        text = f"no job has finished for {format_duration(quiet)}, although {last.count('running') or 0} run"
        return Verdict(STALLED, (Reason("starrocks.sync.no_progress", text), *reasons))
    left = (last.count("total") or 0) - (last.count("finished") or 0)
    return Verdict(
        RUNNING, (Reason("starrocks.sync.jobs_left", f"{left} of {last.count('total')} jobs are left"), *reasons)
    )


def _remarks(listed: t.Sequence[Report]) -> t.Iterator[Reason]:
    last = listed[-1]
    if last.count("unknown"):
        text = f"{last.count('unknown')} jobs are in an unknown state, which should never be"
        yield Reason("starrocks.sync.unknown_jobs", text)
    failed = [report.count("failed") or 0 for report in listed[-_STUCK_REPORTS:]]
    if len(failed) > 1 and failed[-1] > failed[0]:
        yield Reason("starrocks.sync.failed_growing", f"failed jobs went from {failed[0]} to {failed[-1]}")
    elif failed[-1]:
        yield Reason("starrocks.sync.failed_jobs", f"{failed[-1]} jobs have failed; the tool sends them again")
    tail = listed[-_STUCK_REPORTS:]
    sent = [report.count("sent") or 0 for report in tail]
    # Where nothing runs besides, that is why nothing moves: see _stuck.
    if len(tail) == _STUCK_REPORTS and sent[0] < sent[1] < sent[2] and any(report.count("running") for report in tail):
        text = f"jobs that are sent to the target and have not begun went from {sent[0]} to {sent[-1]}"
        yield Reason("starrocks.sync.sent_growing", text)


def stuck_after(rules: Rules) -> float:
    """Seconds by the log's own times that reports without progress must span before they count.

    The tool looks at the metadata once per ``meta_interval``, and only then knows of new work and of what has ended;
    so nothing may move for one whole cycle, and a job that just missed it waits for the next.
    """
    return 2 * max(rules.report_interval, rules.meta_interval)


def _last_span(reports: t.Sequence[t.Tuple[float, Report]], rules: Rules) -> t.Sequence[t.Tuple[float, Report]]:
    """The last reports, no more of them than show it if nothing moves; none if they do not reach back far enough."""
    for begin in range(len(reports) - _STUCK_REPORTS, -1, -1):
        if reports[-1][0] - reports[begin][0] >= stuck_after(rules):
            return reports[begin:]
    return ()


def _stuck(reports: t.Sequence[t.Tuple[float, Report]], rules: Rules) -> t.Optional[Reason]:
    """Why nothing moves, if for some reports in a row, and long enough, no job has run and none has finished."""
    span = _last_span(reports, rules)
    tail = [report for _at, report in span]
    if not tail or any(report.count("running") for report in tail):
        return None
    first, last = tail[0], tail[-1]
    if any(report.count("finished") != first.count("finished") for report in tail):
        return None
    if any(report.count("total") != first.count("total") for report in tail):
        return None
    sent = [report.count("sent") or 0 for report in tail]
    if sent[0] and sent == sorted(sent):
        text = f"{sent[-1]} jobs are sent to the target, and none of them begins"
        return Reason("starrocks.sync.sent_stuck", text)
    if (last.count("failed") or 0) > (first.count("failed") or 0):
        return Reason("starrocks.sync.failed_growing", f"jobs fail ({last.count('failed')} by now), and none finishes")
    text = f"no job runs and none has finished in the last {len(tail)} reports"
    return Reason("starrocks.sync.no_progress", f"{text}, which is {format_duration(span[-1][0] - span[0][0])}")


def _quiet_for(reports: t.Sequence[t.Tuple[float, Report]]) -> float:
    """For how long the same number of jobs is finished, in seconds, by the reports."""
    last_at, last = reports[-1]
    since = last_at
    for at, report in reversed(reports):
        if report.count("finished") != last.count("finished") or report.count("total") != last.count("total"):
            break
        since = at
    return last_at - since


def _fatal(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.List[Reason]:
    """Errors that do not end by themselves, if they were seen lately: the tool repeats them every cycle."""
    horizon = now - 2 * (rules.report_interval + rules.meta_interval)
    if standing.since is not None:
        horizon = max(horizon, int(standing.since))
    found = []
    for kind, tally in memory.errors.items():
        if kind == TARGET_AHEAD and rules.compared:
            continue
        if SEVERITY.get(kind) == FATAL and _at(tally, rules, now) >= horizon:
            found.append(Reason(f"starrocks.sync.{kind}", _told(kind, tally)))
    return sorted(found, key=lambda reason: reason.code != f"starrocks.sync.{TARGET_AHEAD}")


def _at(tally: Tally, rules: Rules, now: float) -> float:
    try:
        return moment(tally.last, rules.utc_offset, now)
    except (ValueError, OverflowError):
        return 0.0


def _told(kind: str, tally: Tally) -> str:
    names = ", ".join(list(tally.subjects)[-5:])
    if kind == TARGET_AHEAD:
        who = f"Tables ({names})" if names else "A table"
        return f"{who} on the target got data from somebody else and will never be equal: {tally.text}"
    return f"{tally.text}{f' ({names})' if names else ''}"


def _without_jobs(standing: Standing, reported: float, stale: float, now: float) -> Verdict:
    """A tool that was just started has not looked yet. One that goes on saying so has found nothing to copy, as it is
    where nobody writes to the source; whether that is right, only a comparison can tell."""
    begun = standing.since if standing.since is not None else reported
    if standing.running and now - begun > stale:
        text = f"the tool reports no job, and runs for {format_duration(now - begun)}"
        return Verdict(IDLE, (Reason("starrocks.sync.no_jobs", text),))
    return Verdict(NOT_STARTED, (Reason("starrocks.sync.no_report", "the tool knows of no job yet"),))


def _nothing_yet(standing: Standing, last: t.Optional[t.Tuple[float, Report]], stale: float, now: float) -> Verdict:
    what = "no report has come yet" if last is None else "its report does not tell of jobs"
    begun = standing.since if standing.since is not None else (None if last is None else last[0])
    if standing.running and begun is not None and now - begun > stale:
        text = f"{what}, although the tool runs for {format_duration(now - begun)}"
        return Verdict(STALE, (Reason("starrocks.sync.no_report", text),))
    return Verdict(NOT_STARTED, (Reason("starrocks.sync.no_report", what),))


def _not_running(
    memory: LogMemory,
    standing: Standing,
    rules: Rules,
    reports: t.Sequence[t.Tuple[float, Report]],
    fatal: t.Sequence[Reason],
    now: float,
) -> Verdict:
    if not standing.recorded:
        if not memory.last_at:
            return Verdict(NOT_STARTED, (Reason("starrocks.sync.never_started", "the tool was not started yet"),))
        return Verdict(STOPPED, (Reason("starrocks.sync.stopped", "the tool does not run"),))
    if rules.one_time and reports and is_converged(reports[-1][1]) and not fatal:
        text = "the one run (one_time_run_mode) is over, with all equal as of its end"
        return Verdict(COMPLETED, (Reason("starrocks.sync.one_time_completed", text),))
    what = "the one run ended before all was equal" if rules.one_time else "the tool ended by itself"
    return Verdict(FAILED, (Reason("starrocks.sync.ended", what), *fatal, *_last_words(memory, standing, rules, now)))


def _last_words(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.Iterator[Reason]:
    """The last error of unknown kind since the start: what it said before it ended."""
    tally = memory.errors.get(OTHER)
    if tally is not None and _at(tally, rules, now) >= int(standing.since or 0):
        yield Reason("starrocks.sync.last_error", tally.text)
