# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import look_at
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import (
    MARK,
    Process,
    Processes,
    Start,
    by_hand,
    of_start,
    runs_tool,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_session import beyond_reach

HOME = "/opt/sync"
START = Start(100, 5000, "boot", "mark", "2026-11-21T03:14:00.000Z", "config", "session")


def process(
    pid: int = 100, session: int = 100, started: int = 5000, argv: str = "sleep 9", cwd: str = "/", mark: str = ""
) -> Process:
    return Process(pid, pid, session, started, "S", tuple(argv.split()), cwd, mark)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([process()], [100]),
        ([process(), process(101, 100, 5001, "java -jar x", HOME)], [100, 101]),
        # The mark alone is enough, wherever the process went.
        ([process(200, 200, 6000, mark="mark")], [200]),
        ([process(200, 200, 6000, mark="other")], []),
        # A number that was given again, and a session of it.
        ([process(started=5001)], []),
        ([process(started=5001), process(101, 100, 5002, cwd=HOME)], []),
        ([process(101, 100, 5001, cwd=HOME)], [101]),
        ([process(101, 100, 4999, cwd=HOME)], []),
        ([process(101, 100, 5001)], []),
        ([process(101, 99, 5001, cwd=HOME)], []),
    ],
)
def test_processes_of_a_start(listed: list[Process], found: list[int]) -> None:
    assert [one.pid for one in of_start(listed, START, "boot", HOME)] == found
    assert of_start(listed, START, "another boot", HOME) == []
    assert of_start(listed, None, "boot", HOME) == []


@pytest.mark.parametrize(
    ("argv", "cwd", "found"),
    [
        ("/bin/sh ./bin/start.sh", HOME, True),
        ("bash -x /opt/sync/bin/start.sh", "/root", True),
        ("-sh bin/start.sh", HOME, True),
        ("/opt/sync/bin/start.sh", "/", True),
        ("java -cp lib/* com.example.Main", HOME, True),
        ("/usr/bin/java -jar /opt/sync/lib/sync.jar", "/", True),
        ("java -Dconf=/opt/sync/conf Main", "/", True),
        ("java -cp /usr/share/x.jar:/opt/sync/lib/y.jar Main", "/", True),
        # A shell, a pager and an editor in the folder, and the tool of another one.
        ("-bash", HOME, False),
        ("less log/sync.INFO.log", HOME, False),
        ("vi bin/start.sh", HOME, False),
        ("tail -f /opt/sync/log/sync.INFO.log", "/", False),
        ("java -jar /opt/sync2/lib/sync.jar", "/opt/sync2", False),
        ("sh bin/start.sh", "/opt/sync2", False),
        ("", HOME, False),
    ],
)
def test_a_tool_that_was_started_by_hand(argv: str, cwd: str, found: bool) -> None:
    one = process(argv=argv, cwd=cwd)
    assert runs_tool(one, HOME) is found
    assert by_hand([one], [], HOME) == ([one] if found else [])
    assert by_hand([one], [one], HOME) == []


def test_what_proc_says(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "77"
    folder.mkdir()
    numbers = " ".join(str(number) for number in range(4, 53))
    (folder / "stat").write_text(f"77 (a) b ( c) R {numbers}\n")
    (folder / "cmdline").write_bytes(b"/bin/sh\0bin/start.sh\0")
    (folder / "environ").write_bytes(f"A=1\0{MARK}=xyz\0".encode())
    os.symlink(HOME, folder / "cwd")
    (tmp_path / "78").mkdir()
    (tmp_path / "78" / "stat").write_text(f"78 (x) Z {numbers}\n")
    (tmp_path / "79").mkdir()
    (tmp_path / "uptime").write_text("1 1")
    (found,) = Processes(str(tmp_path)).all()
    assert found == Process(77, 5, 6, 22, "R", ("/bin/sh", "bin/start.sh"), HOME, "xyz")
    assert Processes(str(tmp_path)).boot() == ""
    assert Processes(str(tmp_path / "none")).all() == []


def test_a_child_that_was_made_while_its_parent_was_looked_at(tmp_path: pathlib.Path) -> None:
    class Racing(Processes):
        looks = 0

        def boot(self) -> str:
            return "boot"

        def all(self) -> list[Process]:
            self.looks += 1
            return [] if self.looks == 1 else [process(101, 101, 5001, mark="mark")]

    home = Home(str(tmp_path))
    home.remember_start(START)
    assert look_at(home, Racing()).pids == [101]


def test_a_record_that_is_none() -> None:
    assert Start.from_record(START.as_record()) == START
    for wrong in (
        {},
        {**START.as_record(), "pid": "100"},
        {**START.as_record(), "mark": None},
        {**START.as_record(), "at": "soon"},
    ):
        assert Start.from_record(wrong) is None


def test_who_may_not_be_ended_is_known_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def kill(pid: int, number: int) -> None:
        sent.append(number)
        if pid != 100:
            raise PermissionError if pid == 101 else ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    assert [one.pid for one in beyond_reach([process(), process(101), process(102)])] == [101]
    assert sent == [0, 0, 0]
