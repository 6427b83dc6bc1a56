# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import MARK, Processes
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.tool_lot import (
    DIES,
    NO_INTERPRETER,
    ONCE,
    SLEEPS,
    STUBBORN,
    Lot,
    is_alive,
    make_lot,
    wait_for,
)

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here"),
]


@pytest.fixture(name="lot")
def fixture_lot(tmp_path: pathlib.Path) -> t.Iterator[Lot]:
    yield from make_lot(tmp_path)


def test_another_configuration_restarts_it(lot: Lot) -> None:
    first = lot.call("started")
    assert lot.call("present", report_interval_seconds=60)["restart_needed"]
    second = lot.call("started", report_interval_seconds=60)
    assert lot.actions(second) == ["stop", "start"]
    assert not set(first["pids"]) & set(second["pids"])
    assert "SHOW PROC '/replications'" in second["remains"]
    assert not lot.call("started", report_interval_seconds=60)["changed"]


def test_another_archive_takes_the_place_and_keeps_the_log(lot: Lot) -> None:
    lot.call("started")
    (lot.home / "log").mkdir()
    (lot.home / "log/sync.INFO.log").write_text("old")
    lot.archive(SLEEPS + "# newer\n")
    with pytest.raises(MigrationError, match="another archive"):
        lot.call("present")
    assert lot.actions(lot.call("started")) == ["stop", "install", "configure", "start"]
    assert (lot.home / "log/sync.INFO.log").read_text() == "old"
    assert "newer" in (lot.home / "bin/start.sh").read_text()
    assert [path.name for path in lot.home.parent.iterdir()] == ["sync"]


def test_a_tool_that_does_not_end_is_killed(lot: Lot) -> None:
    lot.archive(STUBBORN, stop="#!/bin/sh\necho asked > asked\n")
    pids = lot.call("started")["pids"]
    assert pids
    wait_for((lot.home / "ready").exists)
    stopped = lot.call("stopped")
    assert not stopped["running"]
    assert (lot.home / "asked").exists()
    assert not any(is_alive(pid) for pid in pids)
    outcome = json.loads(lot.journal.read_text().splitlines()[-1])
    assert outcome["data"]["evidence"]["signals"] == ["SIGTERM", "SIGKILL"]
    assert outcome["data"]["evidence"]["stop_script"] == "ended 0"


def test_a_tool_that_dies_at_once_is_told_with_what_it_said(lot: Lot) -> None:
    lot.archive(DIES)
    with pytest.raises(MigrationError, match="ended at once with 7, saying: no java here") as caught:
        lot.call("started", start_wait="20s")
    assert caught.value.code == "starrocks.tool_died"
    assert lot.failed["changed"]
    assert [change["action"] for change in lot.failed["changes"]] == ["install", "configure"]


def test_a_script_without_an_interpreter_runs_as_it_does_in_a_shell(lot: Lot) -> None:
    """The kernel does not know how to run it (ENOEXEC); a shell takes it for one of its own."""
    lot.archive(NO_INTERPRETER)
    assert lot.call("started")["pids"]
    assert not lot.call("started")["changed"]
    assert not lot.call("stopped")["running"]


def test_what_it_said_is_told_in_its_own_letters(lot: Lot) -> None:
    lot.archive("#!/bin/sh\necho 'no J\u00e4va'\nexit 1\n")
    with pytest.raises(MigrationError, match="saying: no J\u00e4va"):
        lot.call("started", start_wait="20s")


def test_a_killed_tool_is_started_again(lot: Lot) -> None:
    for pid in lot.call("started")["pids"]:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not lot.call("started", check=True)["running"])
    assert lot.actions(lot.call("started")) == ["start"]


def test_a_one_time_run_is_judged_by_its_reports(lot: Lot) -> None:
    lot.archive(ONCE.format(done=4))
    result = lot.call("started", one_time_run_mode=True, start_wait="20s")
    assert (result["running"], result["run"]) == (False, "completed")
    assert result["run_reasons"][0]["code"] == "starrocks.sync.one_time_completed"
    # It is over, and not begun again unless something else is to be copied or it was stopped.
    assert not lot.call("started", one_time_run_mode=True)["changed"]
    lot.archive(DIES)
    with pytest.raises(MigrationError):
        # What the run before has reported, a moment ago, does not count.
        lot.call("started", one_time_run_mode=True, start_wait="20s")
    lot.archive(ONCE.format(done=4))
    lot.call("started", one_time_run_mode=True, start_wait="20s")
    assert (
        lot.actions(lot.call("started", one_time_run_mode=True, include_data_list="db1", force_properties=True))[-1]
        == "start"
    )
    assert not lot.call("stopped")["changed"]
    assert lot.actions(lot.call("started", one_time_run_mode=True))[-1] == "start"


def test_a_one_time_run_that_ends_without_a_last_report_is_for_a_comparison_to_judge(lot: Lot) -> None:
    """Its last report may be minutes old by then, and what its exit code means is not documented."""
    lot.archive(ONCE.format(done=3))
    result = lot.call("started", one_time_run_mode=True, start_wait="20s")
    assert (result["running"], result["run"]) == (False, "ended")
    codes = [reason["code"] for reason in result["run_reasons"]]
    assert codes == ["starrocks.sync.one_time_ended", "starrocks.sync.last_lines"]
    # Nobody knows here whether it was complete, so it is begun again.
    assert lot.actions(lot.call("started", check=True, one_time_run_mode=True)) == ["start"]


def test_a_one_time_run_that_ends_at_once_with_an_error_has_died(lot: Lot) -> None:
    failing = ONCE.format(done=3).replace("exit 1", 'echo "$at ERROR [m] main(M.java:1): no such host"\nexit 1')
    lot.archive(failing)
    with pytest.raises(MigrationError) as caught:
        lot.call("started", one_time_run_mode=True, start_wait="20s")
    assert caught.value.code == "starrocks.tool_died"


def test_a_tool_that_somebody_else_started(lot: Lot) -> None:
    lot.call("present")
    reader = subprocess.Popen(["sleep", "600"], cwd=lot.home)
    shell = subprocess.Popen(["sh", "./bin/start.sh"], cwd=lot.home, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: lot.call("present")["pids"] == [shell.pid])
        for state in ("started", "stopped", "absent"):
            with pytest.raises(MigrationError, match=f"process {shell.pid}") as caught:
                lot.call(state)
            assert caught.value.code == "starrocks.tool_started_elsewhere"
        assert lot.actions(lot.call("stopped", adopt=True)) == ["stop"]
        assert shell.wait(5) != 0
        assert reader.poll() is None, "a process that merely stands in the folder is none of the tool's"
    finally:
        for process in (reader, shell):
            process.kill()
            process.wait()


def test_a_number_that_was_given_again_is_nobody_of_ours(lot: Lot) -> None:
    lot.call("started")
    lot.call("stopped")
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        found = Processes().get(other.pid)
        assert found is not None
        record = {"pid": other.pid, "started": found.started - 1, "boot": Processes().boot(), "mark": "x",
                  "at": "2026-01-01T00:00:00.000Z", "config": "", "supervisor": "session"}  # fmt: skip
        (lot.home / ".dbops-migration/start.json").write_text(json.dumps(record))
        assert not lot.call("stopped")["changed"]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_child_that_leaves_the_session_is_still_found(lot: Lot) -> None:
    lot.archive("#!/bin/sh\nsetsid sh -c 'cd /; exec sleep 600' &\n")
    lot.call("started")

    def found() -> list[tuple[str, str, bool]]:
        seen = [Processes().get(pid) for pid in lot.call("started")["pids"]]
        return [(one.argv[0], one.cwd, bool(one.mark)) for one in seen if one is not None and one.argv]

    wait_for(lambda: found() == [("sleep", "/", True)])
    (pid,) = lot.call("started")["pids"]
    assert lot.actions(lot.call("stopped")) == ["stop"]
    assert not is_alive(pid)


def test_the_tool_gets_no_secret_of_the_module(lot: Lot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    lot.archive("#!/bin/sh\nenv > seen\nexec sleep 600\n")
    lot.call("started", environment={"JAVA_HOME": "/opt/java"})
    wait_for(lambda: (lot.home / "seen").exists() and MARK in (lot.home / "seen").read_text())
    seen = (lot.home / "seen").read_text()
    assert "hidden" not in seen
    assert "JAVA_HOME=/opt/java\n" in seen
