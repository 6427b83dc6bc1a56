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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import ran
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_reports import converged_since

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
    assert converged_since(reports, START.timestamp()) == 2
    assert converged_since(reports, START.timestamp() + 16 * 60) == 1
    assert converged_since(reports, START.timestamp() + 21 * 60) == 0


def table_report(minute: float, total: int, finished: int, expired: int = 0, **more: int) -> str:
    """As the screenshot of August 2024 shows it, which has no line of jobs."""
    at = (START + datetime.timedelta(minutes=minute)).strftime("%y/%m/%d %H:%M:%S")
    told = {"finished table": finished, "unfinished table": total - finished, "expired table": expired, **more}
    listed = ", ".join(f"{name}: {value}" for name, value in told.items())
    return (
        f"{at} INFO [sync-reporter] report(SyncJob.java:423): Sync table progress, finishedTableRatio: 0.00%, "
        f"expiredTableRatio: 0.00%, total table: {total}, {listed}.\n"
    )


@pytest.mark.parametrize(
    ("lines", "minute", "expected"),
    [
        ([table_report(10, 2, 2)], 12, ("converged_as_of_cycle", ["converged"])),
        ([table_report(10, 2, 1)], 12, ("running", ["tables_left"])),
        # Finished once, and behind by now.
        ([table_report(10, 2, 2, expired=2)], 12, ("running", ["tables_left"])),
        ([table_report(10, 2, 2)], 20.1, ("stale", ["stale"])),
        ([table_report(60, 2, 2)], 12, ("stale", ["clock"])),
        ([table_report(5, 0, 0)], 6, ("not_started", ["no_report"])),
        ([table_report(15, 0, 0)], 16, ("idle", ["no_jobs"])),
        ([table_report(-5, 2, 2)], 1, ("not_started", ["no_report"])),
        # Where jobs are reported too, they decide, in whatever order the two lines come.
        ([table_report(10, 2, 2), report(10, finished=3, running=2)], 12, ("running", ["jobs_left"])),
        ([DONE, table_report(10, 2, 1, expired=1)], 12, ("converged_as_of_cycle", ["converged"])),
        ([report(-5, finished=10), table_report(10, 2, 1)], 12, ("running", ["tables_left"])),
    ],
)
def test_a_tool_that_reports_tables_alone_is_judged_by_them(
    lines: list[str], minute: float, expected: tuple[str, list[str]]
) -> None:
    assert judged(lines, minute) == expected


@pytest.mark.parametrize("counts", ["expired table: 0", "unfinished table: 0", "finished table: 2"])
def test_a_count_of_tables_that_is_not_told_proves_nothing(counts: str) -> None:
    at = (START + datetime.timedelta(minutes=10)).strftime("%y/%m/%d %H:%M:%S")
    line = f"{at} INFO [r] report(S.java:1): Sync table progress, total table: 2, {counts}.\n"
    assert judged([line], 12) == ("running", ["tables_left"])


@pytest.mark.parametrize(
    ("lines", "codes", "well"),
    [
        ([report(5, total=0)], ["one_time_ended", "last_lines"], True),
        (["26/11/21 03:04:00 INFO [m] main(M.java:1): bye\n"], ["one_time_ended", "last_lines"], True),
        ([report(5, finished=9)], ["one_time_ended", "last_lines"], True),
        ([error(9, "out of memory")], ["one_time_ended", "last_error", "last_lines"], False),
        (["26/11/21 02:04:00 INFO [m] main(M.java:1): of the run before\n"], ["one_time_ended"], False),
        ([], ["one_time_ended"], False),
    ],
)
def test_a_one_time_run_may_end_without_a_last_report(lines: list[str], codes: list[str], well: bool) -> None:
    """Every 300 s one is due, and the run may end right before it; what its exit code means is not documented."""
    rules = tv.Rules(utc_offset=0.0, one_time=True)
    standing = tv.Standing(False, True, RUNS.since)
    assert judged(lines, 12, standing, rules) == ("ended", codes)
    memory = LogMemory()
    memory.feed("".join(lines).encode())
    verdict = tv.judge(memory, standing, rules, START.timestamp() + 720)
    assert ran(verdict.verdict, verdict.reasons, 1) is well
    assert ran(verdict.verdict, verdict.reasons, None) is well
    assert ran(verdict.verdict, verdict.reasons, 0)


def test_the_last_lines_of_a_run_are_told_and_none_of_the_run_before() -> None:
    lines = [report(-5, finished=10), *(f"26/11/21 03:0{m}:00 INFO [m] main(M.java:1): step {m}\n" for m in (1, 2))]
    memory = LogMemory()
    memory.feed("".join([*lines, "a line without a time\n"]).encode())
    standing = tv.Standing(False, True, RUNS.since)
    verdict = tv.judge(memory, standing, tv.Rules(utc_offset=0.0, one_time=True), START.timestamp() + 720)
    told = {reason.code: reason.text for reason in verdict.reasons}[tv.LAST_LINES]
    assert told == (
        "26/11/21 03:01:00 INFO [m] main(M.java:1): step 1 | 26/11/21 03:02:00 INFO [m] main(M.java:1): step 2"
        " | a line without a time"
    )


def test_a_fatal_error_of_a_run_that_is_over_is_not_forgotten() -> None:
    rules = tv.Rules(utc_offset=0.0, one_time=True)
    standing = tv.Standing(False, True, RUNS.since)
    assert judged([error(9, "Access denied"), DONE], 600, standing, rules)[0] == "failed"


def test_a_tool_that_tells_its_tables_alone_can_complete_its_run() -> None:
    rules = tv.Rules(utc_offset=0.0, one_time=True)
    standing = tv.Standing(False, True, RUNS.since)
    assert judged([table_report(10, 2, 2)], 12, standing, rules) == ("completed", ["one_time_completed"])
    assert judged([table_report(10, 2, 1)], 12, standing, rules)[0] == "ended"


@pytest.mark.parametrize("failed", [[1, 1, 1], [1, 2, 3]])
def test_jobs_that_failed_once_do_not_make_a_finished_tool_stall(failed: list[int]) -> None:
    """The manual says to ignore them: they are sent again, and the count may be of all that ever failed."""
    lines = [report(m, finished=10, failed=count) for m, count in zip((5, 10, 15), failed)]
    assert judged(lines, 16)[0] == "idle"
    assert judged(lines, 16)[1][:2] == ["all_finished", "no_progress" if failed[0] == failed[-1] else "failed_growing"]
    assert judged([report(m, finished=9, failed=1) for m in (5, 10, 15)], 16)[0] == "stalled"
    assert judged([report(m, finished=10, failed=1, unknown=int(m == 15)) for m in (5, 10, 15)], 16)[0] == "stalled"
