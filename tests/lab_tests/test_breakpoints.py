# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breakpoints hold a request, so that a driver can kill its sender exactly there."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from lab.client import LabClient, LabError
from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, meta, migrate

CLIENT = """
import pymysql, sys
connection = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="x", database="public")
with connection.cursor() as cursor:
    cursor.execute(sys.argv[2])
"""
SUBMIT = "ADMIN migrate_region(%d, 0, 1, 60)" % FIRST


def _client(lab: LabClient) -> subprocess.Popen[bytes]:
    port = str(lab.describe["frontend"]["mysql_port"])
    return subprocess.Popen([sys.executable, "-c", CLIENT, port, SUBMIT])


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_breakpoint(new_lab: LabFactory, when: str) -> None:
    lab = new_lab("1.1")
    lab.breakpoint("migrate_region", when)
    client = _client(lab)
    (reached,) = lab.wait_breakpoint(20)
    assert [held["request"] for held in reached["held"]] == [SUBMIT]
    assert reached["reached"] == 1
    client.send_signal(signal.SIGKILL)
    client.wait(10)
    deadline = time.monotonic() + 10
    while lab.wait_breakpoint(0) and time.monotonic() < deadline:
        time.sleep(0.01)
    (request,) = lab.requests(mutating=True)
    if when == "before":
        assert request["outcome"] == "client gone before apply"
        assert lab.state()["procedures"] == []
    else:
        assert request["outcome"] == "ok; client gone before reply"
        lab.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 1)


def test_released(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=1)
    point = lab.breakpoint("migrate_region", "after", skip=1, times=1)
    assert len(migrate(lab, FIRST + 1, 1, 2)) == 36  # skipped
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(migrate(lab, FIRST, 0, 1)))
    thread.start()
    assert lab.wait_breakpoint(20)[0]["id"] == point
    assert not answers
    assert ask(lab, "SELECT 1") == [(1,)]  # nothing else is held
    assert lab.release(point) == 1
    thread.join(10)
    assert len(answers[0]) == 36
    assert len(migrate(lab, FIRST + 2, 2, 3)) == 36  # used up


def test_over_http_and_cleared(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.breakpoint("/admin/maintenance/enable", "before", surface="metasrv-http")
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(meta(lab, "/admin/maintenance/enable", "POST")[0]))
    thread.start()
    assert lab.wait_breakpoint(20)
    assert lab.state()["maintenance"] == {"enabled": False}
    lab.clear_breakpoints()
    thread.join(10)
    assert answers == [200]
    assert lab.state()["maintenance"] == {"enabled": True}


def test_reads_are_not_held_and_the_wait_ends(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.breakpoint("", "before")
    assert ask(lab, "SELECT 1") == [(1,)]
    assert lab.wait_breakpoint(0.1) == []
    with pytest.raises(LabError, match="before or after"):
        lab.breakpoint("x", "sometime")
