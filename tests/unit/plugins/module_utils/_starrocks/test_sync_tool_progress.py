# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_look
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress import (
    Ask,
    AskInTrouble,
    ProgressTask,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress_options import (
    progress_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_replications import (
    Replications,
    read_replications,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_verdict import Standing
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

BEGIN = FakeClock().wall


def line(minute: int, **counts: int) -> str:
    at = (BEGIN + datetime.timedelta(minutes=minute)).strftime("%y/%m/%d %H:%M:%S")
    told = ", ".join(f"{name}: {value}" for name, value in {"total": 100, "failed": 0, "unknown": 0, **counts}.items())
    return f"{at} INFO [r] report(S.java:1): Sync job progress: 5.00%, {told}\n"


class Tool:
    """A folder with a log, and looks at it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.cursor: t.Any = None
        (folder / "conf").mkdir()
        (folder / "log").mkdir()
        (folder / "conf/sync.properties").write_text("report_interval_seconds=300\nsource_cluster_password=s3cret\n")

    def write(self, text: str) -> None:
        with open(self.folder / "log/sync.INFO.log", "a", encoding="utf-8") as file:
            file.write(text)

    def look(
        self,
        minute: float,
        ask: t.Optional[Ask] = None,
        in_trouble: t.Optional[AskInTrouble] = None,
        **more: t.Any,
    ) -> dict[str, t.Any]:
        self.clock.wall = BEGIN + datetime.timedelta(minutes=minute)
        spec = progress_argument_spec().argument_spec
        params: dict[str, t.Any] = {name: option.get("default") for name, option in spec.items()}
        params.update(directory=str(self.folder), log_utc_offset="UTC", cursor=self.cursor, **more)
        if ask is not None:
            params["target_frontends"] = ["fe-0"]
        result = ProgressTask(params, Redactor([]), self.clock, ask=ask, in_trouble=in_trouble).body()
        self.cursor = json.loads(json.dumps(result["cursor"]))
        return result


@pytest.fixture(name="tool")
def fixture_tool(tmp_path: pathlib.Path) -> Tool:
    return Tool(tmp_path)


def jobs(*cells: tuple[str, str, str]) -> Replications:
    columns = ("JobID", "DatabaseID", "TableID", "TxnID", "CreatedTime", "FinishedTime", "State", "Progress", "Error")
    rows = tuple((job, "1", "7", "9", "now", "then", state, progress, "oh no") for job, state, progress in cells)

    class Server:
        def query(self, sql: str, doing: str) -> Rows:
            assert sql == "SHOW PROC '/replications'"
            assert doing
            return Rows(columns, rows)

    return read_replications(Server(), True)


def test_rate_and_time_left(tool: Tool) -> None:
    tool.write(line(0, finished=10) + line(5, finished=20, running=3) + line(10, finished=30, running=3, sent=1))
    result = tool.look(11)
    assert result["verdict"] == "stopped", "no process was started"
    progress = result["progress"]
    assert (progress["total"], progress["finished"], progress["running"], progress["sent"]) == (100, 30, 3, 1)
    assert progress["ddl_pending"] is None
    assert progress["rate_per_minute"] == 2.0
    assert progress["eta_seconds"] == 35 * 60
    assert progress["age_seconds"] == 60
    assert "30/100 jobs, 2.0/min, about 35m left" in result["summary"]


def test_the_next_look_knows_what_was_before(tool: Tool) -> None:
    tool.write(line(0, finished=10))
    assert tool.look(1)["progress"]["rate_per_minute"] == 0
    (tool.folder / "log/sync.INFO.log").rename(tool.folder / "log/sync.INFO.log.1")
    tool.write(line(5, finished=20))
    result = tool.look(6)
    assert result["progress"]["rate_per_minute"] == 2.0
    assert not result["log"]["gap"]


def test_secrets_of_the_tool_are_masked(tool: Tool) -> None:
    tool.write("26/11/21 03:14:00 ERROR [a] b(C.java:1): jdbc password=s3cret refused\n")
    assert "s3cret" not in json.dumps(tool.look(1))


def test_what_the_target_says_counts(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    # A look at processes would find none: as if the host could not tell.
    monkeypatch.setattr(tool_look.Look, "standing", Standing())
    stalled = "".join(line(m, finished=5, running=2) for m in range(0, 40, 5))
    tool.write(stalled)
    assert tool.look(36, lambda _c: jobs(("1", "REPLICATING", "5/9")))["verdict"] == "stalled"
    result = tool.look(37, lambda _c: jobs(("1", "REPLICATING", "4/9")))
    assert result["verdict"] == "running"
    assert result["reasons"][0]["code"] == "starrocks.sync.replications_moving"
    # A task of a large tablet takes its time.
    assert tool.look(38, lambda _c: jobs(("1", "REPLICATING", "4/9")))["verdict"] == "running"
    tool.write(line(39, total=5, finished=5).replace("5.00%", "100.00%"))
    assert tool.look(39, lambda _c: jobs(("1", "REPLICATING", "1/9")))["verdict"] == "running"
    result = tool.look(39, lambda _c: jobs(("1", "COMMITTED", ""), ("2", "ABORTED", "")))
    assert result["verdict"] == "converged_as_of_cycle"
    assert result["converged_reports"] == 1
    assert result["replications"]["by_state"] == {"COMMITTED": 1, "ABORTED": 1}
    assert result["replications"]["errors"][0]["error"] == "oh no"
    assert tool.look(39, converged_since="2026-11-21T04:00:00Z")["converged_reports"] == 0


def slow(begin: int, end: int) -> str:
    return "".join(line(minute, finished=5, running=2) for minute in range(begin, end, 5))


def test_jobs_that_do_not_move_any_more_are_stuck(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_look.Look, "standing", Standing())
    tool.write(slow(0, 40))
    assert tool.look(40, lambda _c: jobs(("1", "REPLICATING", "5/9")))["verdict"] == "stalled"
    for minute, verdict in ((41, "running"), (50, "running"), (52, "stalled")):
        tool.write(slow(40, 51) if minute == 50 else "")
        found = tool.look(minute, lambda _c: jobs(("1", "REPLICATING", "4/9")))
        assert found["verdict"] == verdict, minute


def test_the_target_is_asked_only_where_something_is_wrong(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven days of jobs are too long a list for every look; and jobs that are seen first may well move."""
    monkeypatch.setattr(tool_look.Look, "standing", Standing())
    asked: list[int] = []

    def ask() -> Replications:
        asked.append(1)
        return jobs(("1", "REPLICATING", "5/9"))

    tool.write(slow(0, 1))
    assert (tool.look(1, in_trouble=ask)["verdict"], asked) == ("running", [])
    tool.write(slow(5, 36))
    assert tool.look(36, in_trouble=ask)["verdict"] == "running"
    tool.write(slow(40, 47))
    assert tool.look(46, in_trouble=ask)["verdict"] == "running"
    assert tool.look(47, in_trouble=ask)["verdict"] == "stalled"
    assert len(asked) == 3


def test_what_the_target_has_aborted_is_told(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong token fails every job there, and the tool's log says no more than how many."""
    monkeypatch.setattr(tool_look.Look, "standing", Standing())
    tool.write("".join(line(m, finished=0, running=0, failed=m) for m in range(0, 30, 5)))
    columns = ("JobID", "DatabaseID", "TableID", "CreatedTime", "FinishedTime", "State", "Progress", "Error")
    rows = (
        ("4", "5", "7", "2026-11-21 03:20:00", "NULL", "SNAPSHOTING", "3/3", ""),
        ("2", "5", "7", "2026-11-21 03:10:00", "2026-11-21 03:11:00", "ABORTED", "", "invalid token"),
        ("1", "5", "8", "2026-11-21 03:05:00", "2026-11-21 03:06:00", "ABORTED", "", "was healed"),
        ("9", "6", "7", "2026-11-21 03:15:00", "2026-11-21 03:16:00", "ABORTED", "", "of another migration"),
        ("3", "5", "8", "2026-11-21 03:07:00", "2026-11-21 03:08:00", "COMMITTED", "", ""),
    )

    class Server:
        def query(self, sql: str, doing: str) -> Rows:
            if sql == "SHOW PROC '/transactions'":
                return Rows(("DbId", "DbName"), (("5", "ours"), ("6", "theirs")))
            return Rows(columns, rows)

    found = tool.look(26, in_trouble=lambda: read_replications(Server(), True, ["ours"]))
    told = {one["code"].rpartition(".")[2]: one["text"] for one in found["reasons"]}
    assert (found["verdict"], list(told)) == ("stalled", ["failed_growing", "replications_running", "job_aborted"])
    assert told["job_aborted"] == (
        "the target has aborted the last job of 1 table, at 2026-11-21 03:11:00: invalid token"
    )
    assert found["replications"]["running"] == 1
    assert [one["error"] for one in found["replications"]["errors"]] == ["invalid token", "was healed"]


def test_a_target_that_does_not_answer_hides_nothing(tool: Tool) -> None:
    def refuse(_connection: t.Any) -> Replications:
        raise MigrationError("starrocks.unreachable", "no")

    tool.write(line(0, finished=10))
    result = tool.look(1, refuse)
    assert result["target_problem"] == {"code": "starrocks.unreachable", "msg": "no"}
    assert result["progress"]["finished"] == 10


def test_transactions_where_there_are_no_jobs() -> None:
    answers = {
        "SHOW PROC '/transactions'": Rows(("DbId", "DbName"), (("5", "db1"),)),
        "SHOW PROC '/transactions/5/running'": Rows(
            ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType"),
            (("1", "REPLICATION_5_7_1", "PREPARE", "REPLICATION"), ("2", "x", "PREPARE", "INSERT_STREAMING")),
        ),
    }

    class Server:
        def query(self, sql: str, doing: str) -> Rows:
            if sql == "SHOW PROC '/replications'":
                raise MigrationError("starrocks.unknown_proc", doing)
            return answers[sql]

    for shows in (True, False):
        found = read_replications(Server(), shows).as_result()
        assert (found["source"], found["running"], found["by_state"]) == ("transactions", 1, {"PREPARE": 1})
        assert found["jobs"][0]["job_id"] == "REPLICATION_5_7_1"


@pytest.mark.parametrize(
    ("more", "option"),
    [
        ({"log_utc_offset": "east"}, "log_utc_offset"),
        ({"converged_since": "soon"}, "converged_since"),
        ({"stall_after": "5 parsecs"}, "stall_after"),
        ({"directory": "opt"}, "directory"),
    ],
)
def test_bad_input(tool: Tool, more: dict[str, t.Any], option: str) -> None:
    params: dict[str, t.Any] = {name: o.get("default") for name, o in progress_argument_spec().argument_spec.items()}
    params.update(directory=str(tool.folder))
    params.update(more)
    with pytest.raises(InvalidOption) as caught:
        ProgressTask(params, Redactor([]), tool.clock).body()
    assert caught.value.option == option


def test_a_folder_without_a_tool(tool: Tool, tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").mkdir()
    tool.folder = tmp_path / "empty"
    with pytest.raises(MigrationError) as caught:
        tool.look(1)
    assert caught.value.code == "starrocks.tool_missing"
