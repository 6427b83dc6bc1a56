# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log import LogMemory

START = datetime.datetime(2026, 11, 21, 3, 0, tzinfo=datetime.timezone.utc)
RULES = tv.Rules(utc_offset=0.0)
RUNS = tv.Standing(running=True, recorded=True, since=START.timestamp())


def report(minute: float, **counts: int) -> str:
    values = {"total": 10, "ddlPending": 0, "jobPending": 0, "sent": 0, "running": 0, "finished": 0, "failed": 0,
              "unknown": 0, **counts}  # fmt: skip
    at = (START + datetime.timedelta(seconds=round(60 * minute))).strftime("%y/%m/%d %H:%M:%S")
    percent = 100.0 * values["finished"] / values["total"] if values["total"] else 100.0
    told = ", ".join(f"{name}: {value}" for name, value in values.items())
    return f"{at} INFO [r] report(S.java:1): Sync job progress: {percent:.2f}%, {told}\n"


def error(minute: int, text: str) -> str:
    at = (START + datetime.timedelta(minutes=minute)).strftime("%y/%m/%d %H:%M:%S")
    return f"{at} ERROR [r] send(S.java:1): {text}\n"


def judged(
    lines: t.Sequence[str], minute: float, standing: tv.Standing = RUNS, rules: tv.Rules = RULES
) -> tuple[str, list[str]]:
    memory = LogMemory()
    memory.feed("".join(lines).encode())
    verdict = tv.judge(memory, standing, rules, START.timestamp() + 60 * minute)
    assert verdict.verdict in tv.VERDICTS
    return verdict.verdict, [reason.code.rpartition(".")[2] for reason in verdict.reasons]


DONE = report(10, finished=10)


@pytest.mark.parametrize(
    ("lines", "minute", "expected"),
    [
        ([], 1, ("not_started", ["no_report"])),
        ([], 11, ("stale", ["no_report"])),
        ([report(5, total=0)], 6, ("not_started", ["no_report"])),
        ([report(5, total=0), report(10, total=0), report(15, total=0)], 16, ("idle", ["no_jobs"])),
        ([report(5, finished=3, running=2)], 6, ("running", ["jobs_left"])),
        ([DONE], 12, ("converged_as_of_cycle", ["converged"])),
        # Twice the report interval is still fresh; a moment more is not.
        ([DONE], 20, ("converged_as_of_cycle", ["converged"])),
        ([DONE], 20.1, ("stale", ["stale"])),
        ([report(60, finished=10)], 12, ("stale", ["clock"])),
        # 100 % with anything else left is not converged.
        ([report(10, finished=10, failed=1)], 12, ("running", ["jobs_left", "failed_jobs"])),
        ([report(10, finished=10, running=1)], 12, ("running", ["jobs_left"])),
        ([report(10, finished=10, unknown=1)], 12, ("running", ["jobs_left", "unknown_jobs"])),
        ([report(5, finished=9, unknown=1), report(10, finished=9, unknown=1)], 12, ("failed", ["unknown_jobs"])),
        ([report(m, finished=5, sent=m) for m in (5, 10, 15)], 16, ("stalled", ["sent_stuck"])),
        ([report(m, finished=5, sent=3, running=1) for m in (5, 10, 15)], 16, ("running", ["jobs_left"])),
        ([report(m, finished=5 + m, sent=3, total=99) for m in (5, 10, 15)], 16, ("running", ["jobs_left"])),
        # While jobs run, more and more that do not begin are no standstill yet, but a sign of one.
        ([report(m, finished=5 + m, sent=m, running=1, total=99) for m in (5, 10, 15)], 16,
         ("running", ["jobs_left", "sent_growing"])),
        ([report(m, finished=5 + m, sent=m, running=1, total=99) for m in (10, 15)], 16, ("running", ["jobs_left"])),
        ([report(m, finished=5, sent=n, running=1) for m, n in ((5, 1), (10, 3), (15, 3))], 16,
         ("running", ["jobs_left"])),
        ([report(m, finished=5, sent=m, running=5) for m in range(5, 45, 5)], 41,
         ("stalled", ["no_progress", "sent_growing"])),
        ([report(m, finished=5, failed=m) for m in (5, 10, 15)], 16, ("stalled", ["failed_growing", "failed_growing"])),
        ([report(m, finished=m, failed=m, total=99) for m in (5, 10, 15)], 16,
         ("running", ["jobs_left", "failed_growing"])),
        ([report(m, finished=5, jobPending=5) for m in (5, 10, 15)], 16, ("stalled", ["no_progress"])),
        ([report(m, finished=5, running=5) for m in range(5, 45, 5)], 41, ("stalled", ["no_progress"])),
    ],
)  # fmt: skip
def test_verdicts_of_a_running_tool(lines: list[str], minute: float, expected: tuple[str, list[str]]) -> None:
    assert judged(lines, minute) == expected


@pytest.mark.parametrize("counts", [{"jobPending": 5}, {"sent": 5}])
def test_short_report_intervals_make_no_tool_stall(counts: dict[str, int]) -> None:
    """A tool that reports each second cannot have moved after three of them: it looks at the metadata every 180 s."""
    rules = tv.Rules(report_interval=1.0, utc_offset=0.0)
    lines = [report(5 + second / 60, finished=5, **counts) for second in range(362)]
    assert judged(lines[:3], 5.05, rules=rules) == ("running", ["jobs_left"])
    assert judged(lines[:360], 5 + 360 / 60, rules=rules) == ("running", ["jobs_left"])
    assert judged(lines, 5 + 362 / 60, rules=rules)[0] == "stalled"
    moved = [*lines[:200], *(report(5 + second / 60, finished=6, **counts) for second in range(200, 400))]
    assert judged(moved, 5 + 400 / 60, rules=rules) == ("running", ["jobs_left"])


def test_three_reports_are_needed_however_long_they_take() -> None:
    lines = [report(minute, finished=5, jobPending=5) for minute in (5, 16)]
    assert judged(lines, 16.5) == ("running", ["jobs_left"])
    assert tv.stuck_after(tv.Rules()) == 600.0
    assert tv.stuck_after(tv.Rules(report_interval=5.0, meta_interval=10.0)) == 20.0


def test_a_stall_is_seen_over_more_reports_than_are_kept() -> None:
    rules = tv.Rules(report_interval=1.0, utc_offset=0.0)
    lines = [report(5 + second / 60, finished=5, running=5) for second in range(1802)]
    assert judged(lines, 5 + 1802 / 60, rules=rules) == ("stalled", ["no_progress"])
    assert judged(lines[:1700], 5 + 1700 / 60, rules=rules) == ("running", ["jobs_left"])


def test_reports_of_an_earlier_run_do_not_count() -> None:
    assert judged([report(-5, finished=10)], 1) == ("not_started", ["no_report"])
    assert judged([report(-5, finished=10)], 1, tv.Standing())[0] == "converged_as_of_cycle"


def test_a_table_that_somebody_wrote_to_is_a_failure_by_name_while_it_repeats() -> None:
    ahead = error(9, "table db1.t: Target data version: 9 is larger than source data version: 7")
    memory = LogMemory()
    memory.feed((ahead + DONE).encode())
    verdict = tv.judge(memory, RUNS, RULES, START.timestamp() + 660)
    assert verdict.verdict == "failed"
    assert verdict.reasons[0].code == "starrocks.sync.target_ahead"
    assert "db1.t" in verdict.reasons[0].text
    # Where partitions are compared, that says better whether it was somebody: the source may have made one anew.
    compared = dataclasses.replace(RULES, compared=True)
    assert tv.judge(memory, RUNS, compared, START.timestamp() + 660).verdict == "converged_as_of_cycle"
    assert judged([ahead, report(30, finished=10)], 31)[0] == "converged_as_of_cycle"


def test_benign_errors_change_nothing() -> None:
    benign = error(9, "The replication jobs exceeds the replication_max_parallel_table_count: 100")
    assert judged([benign, DONE], 11)[0] == "converged_as_of_cycle"


@pytest.mark.parametrize(
    ("lines", "standing", "one_time", "expected"),
    [
        ([], tv.Standing(running=False), False, ("not_started", ["never_started"])),
        ([DONE], tv.Standing(running=False), False, ("stopped", ["stopped"])),
        ([DONE], tv.Standing(False, True, RUNS.since), False, ("failed", ["ended"])),
        ([DONE], tv.Standing(False, True, RUNS.since), True, ("completed", ["one_time_completed"])),
        ([report(10, finished=9)], tv.Standing(False, True, RUNS.since), True, ("failed", ["ended"])),
        ([], tv.Standing(False, True, RUNS.since), True, ("failed", ["ended"])),
        ([error(9, "out of memory")], tv.Standing(False, True, RUNS.since), False, ("failed", ["ended", "last_error"])),
        ([error(-9, "out of memory")], tv.Standing(False, True, RUNS.since), False, ("failed", ["ended"])),
        ([error(9, "Access denied"), DONE], tv.Standing(False, True, RUNS.since), True,
         ("failed", ["ended", "access_denied"])),
    ],
)  # fmt: skip
def test_verdicts_of_a_tool_that_does_not_run(
    lines: list[str], standing: tv.Standing, one_time: bool, expected: tuple[str, list[str]]
) -> None:
    rules = tv.Rules(utc_offset=0.0, one_time=one_time)
    assert judged(lines, 12, standing, rules) == expected


def test_how_many_reports_in_a_row() -> None:
    memory = LogMemory()
    memory.feed(
        (report(5, finished=10) + report(10, finished=9) + report(15, finished=10) + report(20, finished=10)).encode()
    )
    reports = tv.current_reports(memory, RUNS, RULES, START.timestamp() + 21 * 60)
    assert tv.converged_since(reports, START.timestamp()) == 2
    assert tv.converged_since(reports, START.timestamp() + 16 * 60) == 1
    assert tv.converged_since(reports, START.timestamp() + 21 * 60) == 0
