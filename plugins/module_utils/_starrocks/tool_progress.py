# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How far the sync tool is, in one look: its log, its processes, and what the target itself says."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Progress
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_errors import SEVERITY
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_file import LogFile, read_log
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_line import Report
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import (
    Look,
    look_at,
    properties_of,
    rules_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import Processes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress_options import (
    read_progress_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import is_secret
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_replications import (
    Replications,
    read_replications,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_reports import converged_since

_RATE_WINDOW = 1800.0
_COUNTS = {
    "total": "total", "ddlPending": "ddl_pending", "jobPending": "job_pending", "sent": "sent", "running": "running",
    "finished": "finished", "failed": "failed", "unknown": "unknown",
}  # fmt: skip
_JOBS, _MOVED_AT = "replication_jobs", "replication_jobs_moved_at"
"""In the cursor: what the running jobs were at the last look, and when one of them was last another than before."""

Ask = t.Callable[[Connection], Replications]
AskInTrouble = t.Callable[[], Replications]


class ProgressTask:
    """One call of the module. ``ask``: how the target is asked, for tests.

    ``compared``: see ``tool_verdict.Rules``. ``in_trouble``: how the target is asked where the log alone says that
    something is wrong, in the place of the option; a list of seven days' jobs is too long for every look.
    """

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        redactor: Redactor,
        clock: Clock,
        *,
        processes: t.Optional[Processes] = None,
        ask: t.Optional[Ask] = None,
        compared: bool = False,
        in_trouble: t.Optional[AskInTrouble] = None,
    ) -> None:
        self._params = params
        self._redactor = redactor
        self._clock = clock
        self._processes = processes or Processes()
        self._ask = ask or self._ask_target
        self._compared = compared
        self._in_trouble = in_trouble

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        request = read_progress_request(self._params)
        home = Home(request.directory)
        if not home.exists():
            raise MigrationError(
                "starrocks.tool_missing", f"There is nothing in {request.directory}; correct directory."
            )
        look = look_at(home, self._processes)
        properties = properties_of(look.files)
        rules = rules_of(properties, request.stall_after, request.log.utc_offset)
        rules = dataclasses.replace(
            rules,
            report_interval=request.report_interval or rules.report_interval,
            meta_interval=request.meta_interval or rules.meta_interval,
            compared=self._compared,
        )
        log = read_log(request.log.path(home.directory), request.cursor)
        now = self._clock.now().timestamp()
        verdict = tv.judge(log.memory, look.standing, rules, now)
        replications, problem = self._target(request.target, verdict)
        moved_at = self._moved_at(replications, request.cursor, now)
        if replications is not None:
            moving = moved_at is not None and now - moved_at <= tv.stuck_after(rules)
            verdict = _with_jobs(verdict, replications, moving)
        reports = tv.current_reports(log.memory, look.standing, rules, now)
        progress = _progress(reports, now, self._clock)
        result = {
            "verdict": verdict.verdict,
            "reasons": [reason.as_result() for reason in verdict.reasons],
            "summary": _summary(verdict, progress),
            "progress": progress,
            "tables": _values(log.memory.tables),
            "sizes": log.memory.sizes,
            "errors": _errors(log),
            "converged_reports": converged_since(reports, request.since or 0.0),
            "process": _process(look),
            "replications": None if replications is None else replications.as_result(),
            "target_problem": problem,
            "log": {
                "path": log.path or None,
                "written_at": None if log.written is None else iso(_utc(log.written)),
                "gap": log.gap,
            },
            "cursor": {**log.cursor, _JOBS: _keys(replications, request.cursor), _MOVED_AT: moved_at},
        }
        # The tool may write into its log what it was given, and its secrets are no options of this module.
        secrets = [value for name, value in properties.items() if is_secret(name)]
        masked: t.Dict[str, t.Any] = Redactor(secrets).mask(result)
        return masked

    def _target(
        self, connection: t.Optional[Connection], verdict: tv.Verdict
    ) -> t.Tuple[t.Optional[Replications], t.Optional[t.Dict[str, t.Any]]]:
        """The target's account, or why there is none: the log is told of even when the target does not answer."""
        try:
            if self._in_trouble is not None:
                return (self._in_trouble() if tv.in_trouble(verdict) else None), None
            return (self._ask(connection) if connection is not None else None), None
        except MigrationError as error:
            return None, error.as_result()

    def _moved_at(
        self, found: t.Optional[Replications], cursor: t.Mapping[str, t.Any], now: float
    ) -> t.Optional[float]:
        """When a running job was last seen to move, in Unix seconds. None: never so far.

        Who asks in trouble only has never looked before, and sees at the next looks whether they move.
        """
        before, known = cursor.get(_JOBS), cursor.get(_MOVED_AT)
        if found is not None and found.running:
            if not isinstance(before, list):
                return now if self._in_trouble is not None else None
            if {job.key for job in found.running} - {str(key) for key in before}:
                return now
        return float(known) if isinstance(known, (int, float)) else None

    def _ask_target(self, connection: Connection) -> Replications:
        with Cluster(connection, self._redactor, self._clock) as target:
            return read_replications(target, target.profile.replications_proc)


def _with_jobs(verdict: tv.Verdict, found: Replications, moving: bool) -> tv.Verdict:
    """The verdict with what the target knows: it knows later than the last report, and of more than the tool does.

    ``moving``: whether a running job has moved lately: for no longer than reports without progress count for nothing.
    """
    more: t.List[tv.Reason] = []
    if found.failing and verdict.verdict not in (tv.CONVERGED, tv.COMPLETED):
        tables = len({one["table_id"] for one in found.failing})
        last = found.failing[0]
        text = (
            f"the target has aborted the last job of {tables} table{'' if tables == 1 else 's'}, at {last['finished']}"
        )
        more.append(tv.Reason(tv.JOB_ABORTED, f"{text}: {last['error']}"))
    count = len(found.running)
    if not count:
        return tv.Verdict(verdict.verdict, (*verdict.reasons, *more))
    reason = tv.Reason("starrocks.sync.replications_running", f"{count} replication jobs run on the target")
    if verdict.verdict == tv.CONVERGED:
        return tv.Verdict(tv.RUNNING, (reason, *verdict.reasons))
    if verdict.verdict == tv.STALLED and verdict.reasons[0].code == "starrocks.sync.no_progress" and moving:
        text = f"{count} replication jobs run on the target, and move"
        return tv.Verdict(tv.RUNNING, (tv.Reason("starrocks.sync.replications_moving", text), *more))
    return tv.Verdict(verdict.verdict, (*verdict.reasons, reason, *more))


def _keys(found: t.Optional[Replications], cursor: t.Mapping[str, t.Any]) -> t.Any:
    if found is None:
        return cursor.get(_JOBS)
    return [job.key for job in found.running]


def _progress(reports: t.Sequence[t.Tuple[float, Report]], now: float, clock: Clock) -> t.Optional[t.Dict[str, t.Any]]:
    """The last report's counts, with the rate of the half hour before it. None when there is no report."""
    if not reports:
        return None
    at, last = reports[-1]
    counts: t.Dict[str, t.Any] = {ours: last.count(name) for name, ours in _COUNTS.items()}
    samples = [(_utc(moment), report.count("finished") or 0) for moment, report in reports]
    rate = Progress(counts["total"] or 0, clock, window=_RATE_WINDOW, earlier=samples).rate_per_minute
    left = max(0, (counts["total"] or 0) - (counts["finished"] or 0))
    eta = 0.0 if not left and counts["total"] else left * 60.0 / rate if rate > 0 else None
    return {
        **counts,
        "percent": last.percent,
        "at": iso(_utc(at)),
        "age_seconds": round(now - at, 1),
        "rate_per_minute": round(rate, 2),
        "eta_seconds": None if eta is None else round(eta, 1),
        "other": {name: value for name, value in last.values.items() if name not in _COUNTS},
    }


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _summary(verdict: tv.Verdict, progress: t.Optional[t.Mapping[str, t.Any]]) -> str:
    """One line for people."""
    parts = [verdict.verdict.replace("_", " ")]
    if progress is not None and progress["total"]:
        parts.append(f"{progress['finished']}/{progress['total']} jobs")
        if progress["eta_seconds"]:
            parts.append(f"{progress['rate_per_minute']}/min, about {format_duration(progress['eta_seconds'])} left")
    return ", ".join(parts) + f" ({verdict.reasons[0].text})"


def _values(report: t.Optional[Report]) -> t.Optional[t.Dict[str, t.Any]]:
    return None if report is None else {"at": report.at, **report.values}


def _errors(log: LogFile) -> t.List[t.Dict[str, t.Any]]:
    return [
        {"kind": kind, "severity": SEVERITY[kind], **dataclasses.asdict(tally)}
        for kind, tally in sorted(log.memory.errors.items())
        if kind in SEVERITY
    ]


def _process(look: Look) -> t.Dict[str, t.Any]:
    start = look.start
    return {
        "running": look.running,
        "pids": look.pids,
        "supervisor": None if start is None else start.supervisor,
        "started_at": None if start is None else start.at,
    }
