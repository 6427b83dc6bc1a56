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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_reports import (
    STUCK_REPORTS,
    TOTAL_TABLES,
    Timed,
    all_finished,
    are_equal,
    is_converged,
    last_span,
    quiet_for,
    tables_left,
)

NOT_STARTED, RUNNING, CONVERGED, IDLE = "not_started", "running", "converged_as_of_cycle", "idle"
STALLED, STALE, FAILED, STOPPED, COMPLETED = "stalled", "stale", "failed", "stopped", "completed"
"""``COMPLETED``: a one-time run is over, with all equal as of its last cycle. Nobody copies what comes after it: "the
migration tool only performs full synchronization instead of incremental synchronization" (manual, one_time_run_mode).
"""
ENDED = "ended"
"""A one-time run is over and nothing in its log is known to be fatal, but no last report says that all is equal. It may
end long after its last one, and what its end means is not documented, so only a comparison tells."""
VERDICTS = (NOT_STARTED, RUNNING, CONVERGED, IDLE, STALLED, STALE, FAILED, STOPPED, COMPLETED, ENDED)

JOB_ABORTED = "starrocks.sync.job_aborted"
LAST_LINES, LAST_ERROR = "starrocks.sync.last_lines", "starrocks.sync.last_error"
"""What the tool has said last in its run, and the last error of unknown kind."""
_TROUBLE = (STALLED, STALE, IDLE, FAILED, ENDED)
_TROUBLE_CODES = ("starrocks.sync.failed_jobs", "starrocks.sync.failed_growing", "starrocks.sync.unknown_jobs")


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


def current_reports(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.List[Timed]:
    """The job reports of the present run, not those from before the recorded start, with their Unix seconds."""
    return _current(memory.jobs, standing, rules, now)


def _current(reports: t.Sequence[Report], standing: Standing, rules: Rules, now: float) -> t.List[Timed]:
    times = moments([report.at for report in reports], rules.utc_offset, standing.since, now)
    return [
        (at, report)
        for at, report in zip(times, reports)
        # The log tells whole seconds only.
        if at is not None and (standing.since is None or at >= int(standing.since))
    ]


def _table_report(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.Optional[Timed]:
    """The last report of tables of the present run, if it tells how many there are."""
    found = _current([] if memory.tables is None else [memory.tables], standing, rules, now)
    return next((one for one in found if one[1].count(TOTAL_TABLES) is not None), None)


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
    of_tables = _table_report(memory, standing, rules, now)
    told = last if last is not None and last[1].count("total") is not None else of_tables
    stale = 2 * rules.report_interval
    if told is None:
        return _nothing_yet(standing, last, stale, now)
    age = now - told[0]
    if age < -FUTURE:
        text = f"the last report is {format_duration(-age)} ahead of this host's clock; set log_utc_offset"
        return Verdict(STALE, (Reason("starrocks.sync.clock", text),))
    if age > stale:
        text = f"the last report is {format_duration(age)} old, and one was due every {format_duration(stale / 2)}"
        return Verdict(STALE, (Reason("starrocks.sync.stale", text),))
    if not told[1].count(TOTAL_TABLES if told is of_tables else "total"):
        return _without_jobs(standing, told[0], stale, now)
    if told is of_tables:
        return _by_tables(told[1])
    return _by_reports([report for _at, report in reports], reports, rules)


def _by_tables(report: Report) -> Verdict:
    """Of a tool that reports no jobs."""
    if are_equal(report):
        return Verdict(CONVERGED, (Reason("starrocks.sync.converged", "all tables were equal as of the last cycle"),))
    left = tables_left(report)
    count = "an unknown number" if left is None else left
    text = f"{count} of {report.count(TOTAL_TABLES)} tables are not copied or behind"
    return Verdict(RUNNING, (Reason("starrocks.sync.tables_left", text),))


def _by_reports(listed: t.Sequence[Report], reports: t.Sequence[Timed], rules: Rules) -> Verdict:
    last = listed[-1]
    reasons = list(_remarks(listed))
    if all(report.count("unknown") for report in listed[-2:]) and len(listed) > 1:
        return Verdict(FAILED, tuple(reasons))
    if is_converged(last):
        return Verdict(CONVERGED, (Reason("starrocks.sync.converged", "all was equal as of the last cycle"),))
    stuck = _stuck(reports, rules)
    quiet = quiet_for(reports)
    if stuck is None and quiet > rules.stall_after:
        text = f"no job has finished for {format_duration(quiet)}, although {last.count('running') or 0} run"
        stuck = Reason("starrocks.sync.no_progress", text)
    if stuck is not None and all_finished(last):
        # Nothing is left that could move. What it counts besides may be of the past.
        text = f"all {last.count('total')} jobs are finished, and it counts others besides: only a comparison tells"
        return Verdict(IDLE, (Reason("starrocks.sync.all_finished", text), stuck, *reasons))
    if stuck is not None:
        return Verdict(STALLED, (stuck, *reasons))
    left = (last.count("total") or 0) - (last.count("finished") or 0)
    return Verdict(
        RUNNING, (Reason("starrocks.sync.jobs_left", f"{left} of {last.count('total')} jobs are left"), *reasons)
    )


def _remarks(listed: t.Sequence[Report]) -> t.Iterator[Reason]:
    last = listed[-1]
    if last.count("unknown"):
        text = f"{last.count('unknown')} jobs are in an unknown state, which should never be"
        yield Reason("starrocks.sync.unknown_jobs", text)
    failed = [report.count("failed") or 0 for report in listed[-STUCK_REPORTS:]]
    if len(failed) > 1 and failed[-1] > failed[0]:
        yield Reason("starrocks.sync.failed_growing", f"failed jobs went from {failed[0]} to {failed[-1]}")
    elif failed[-1]:
        yield Reason("starrocks.sync.failed_jobs", f"{failed[-1]} jobs have failed; the tool sends them again")
    tail = listed[-STUCK_REPORTS:]
    sent = [report.count("sent") or 0 for report in tail]
    # Where nothing runs besides, that is why nothing moves: see _stuck.
    if len(tail) == STUCK_REPORTS and sent[0] < sent[1] < sent[2] and any(report.count("running") for report in tail):
        text = f"jobs that are sent to the target and have not begun went from {sent[0]} to {sent[-1]}"
        yield Reason("starrocks.sync.sent_growing", text)


def stuck_after(rules: Rules) -> float:
    """Seconds by the log's own times that reports without progress must span before they count.

    The tool looks at the metadata once per ``meta_interval``, and only then knows of new work and of what has ended;
    so nothing may move for one whole cycle, and a job that just missed it waits for the next.
    """
    return 2 * max(rules.report_interval, rules.meta_interval)


def _stuck(reports: t.Sequence[Timed], rules: Rules) -> t.Optional[Reason]:
    """Why nothing moves, if for some reports in a row, and long enough, no job has run and none has finished."""
    span = last_span(reports, stuck_after(rules))
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


def _fatal(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.List[Reason]:
    """Errors that do not end by themselves, if they were seen lately: the tool repeats them every cycle."""
    # One that has ended repeats nothing any more.
    until = min(now, _seconds(memory.last_at, rules, now) or now) if standing.running is False else now
    horizon = until - 2 * (rules.report_interval + rules.meta_interval)
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
    return _seconds(tally.last, rules, now)


def _seconds(at: str, rules: Rules, now: float) -> float:
    try:
        return moment(at, rules.utc_offset, now)
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


def _nothing_yet(standing: Standing, last: t.Optional[Timed], stale: float, now: float) -> Verdict:
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
    reports: t.Sequence[Timed],
    fatal: t.Sequence[Reason],
    now: float,
) -> Verdict:
    if not standing.recorded:
        if not memory.last_at:
            return Verdict(NOT_STARTED, (Reason("starrocks.sync.never_started", "the tool was not started yet"),))
        return Verdict(STOPPED, (Reason("starrocks.sync.stopped", "the tool does not run"),))
    said = tuple(_last_words(memory, standing, rules, now))
    if fatal or not rules.one_time:
        what = "the one run ended before all was equal" if rules.one_time else "the tool ended by itself"
        return Verdict(FAILED, (Reason("starrocks.sync.ended", what), *fatal, *said))
    of_tables = _table_report(memory, standing, rules, now)
    if is_converged(reports[-1][1]) if reports else of_tables is not None and are_equal(of_tables[1]):
        text = "the one run (one_time_run_mode) is over, with all equal as of its end"
        return Verdict(COMPLETED, (Reason("starrocks.sync.one_time_completed", text),))
    text = "the one run (one_time_run_mode) is over, and no last report says whether all is equal"
    lines = tuple(_last_lines(memory, standing, rules, now))
    return Verdict(ENDED, (Reason("starrocks.sync.one_time_ended", text), *said, *lines))


def _last_lines(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.Iterator[Reason]:
    """The end of the log as it stands there, as far as it is of this run."""
    since = int(standing.since or 0)
    lines = [line for at, line in memory.tail if _seconds(at, rules, now) >= since]
    if lines:
        yield Reason(LAST_LINES, " | ".join(lines))


def _last_words(memory: LogMemory, standing: Standing, rules: Rules, now: float) -> t.Iterator[Reason]:
    """The last error of unknown kind since the start: what it said before it ended."""
    tally = memory.errors.get(OTHER)
    if tally is not None and _at(tally, rules, now) >= int(standing.since or 0):
        yield Reason(LAST_ERROR, tally.text)
