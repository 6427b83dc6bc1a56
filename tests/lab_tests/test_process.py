# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs as processes, from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab import process
from lab.client import LabClient
from lab_tests.support import FIRST, ask

TESTS = str(Path(__file__).resolve().parent.parent)


def _lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, PYTHONPATH=TESTS)
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_detached_then_stopped(tmp_path: Path) -> None:
    file = str(tmp_path / "lab.json")
    done = _lab("greptimedb", "start", "--profile", "1.1", "--factor", "10", "--describe", file, "--detach")
    assert done.returncode == 0, done.stderr
    try:
        describe = json.loads(Path(file).read_text())
        assert set(describe) >= {"engine", "profile", "version", "pid", "control", "frontend", "metasrv", "datanodes"}
        assert (describe["engine"], describe["version"]) == ("greptimedb", "1.1.4")
        assert oct(os.stat(file).st_mode & 0o777) == "0o600"
        lab = LabClient(file)
        assert ask(lab, "SELECT version()") == [("8.4.2-GreptimeDB-1.1.4",)]
        assert len(lab.state()["regions"]) == 60
        assert "15 leaders" in _lab("status", "--describe", file).stdout
    finally:
        assert _lab("stop", "--describe", file).stdout == "stopped\n"
    assert not Path(file).exists()
    assert _lab("stop", "--describe", file).stdout == "no lab was running\n"
    assert _lab("greptimedb", "status", "--describe", file).returncode == 1


def test_foreground_ends_with_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab", "greptimedb", "start", "--regions", "4", "--user", "me", "--password", "pw"]
    for number in (signal.SIGINT, signal.SIGTERM):
        lab = subprocess.Popen(command, env=dict(os.environ, PYTHONPATH=TESTS), stdout=subprocess.PIPE, text=True)
        assert lab.stdout is not None
        lines = [lab.stdout.readline() for _dummy in range(3)]
        assert "mysql -h 127.0.0.1 -P " in lines[1] and " -u me -p public" in lines[1]
        assert "curl -u me http://127.0.0.1:" in lines[2]
        lab.send_signal(number)
        assert lab.wait(20) == 0
        lab.stdout.close()


def test_a_lab_that_cannot_start_says_why(tmp_path: Path) -> None:
    file = str(tmp_path / "lab.json")
    done = _lab("greptimedb", "start", "--profile", "9.x", "--describe", file, "--detach")
    assert done.returncode == 2
    assert "not a GreptimeDB version: '9.x'" in done.stderr
    assert _lab("greptimedb", "start", "--regions", "0").stderr == "--regions must be 1 or more\n"
    done = _lab("greptimedb", "start", "--describe", str(tmp_path / "no" / "lab.json"), "--detach")
    assert done.returncode == 1
    assert done.stderr.startswith("The lab did not start: ")


def test_context_manager_and_ten_thousand_regions() -> None:
    started = time.monotonic()
    with process.start(profile="1.1", regions=10000, datanodes=20, writers=0) as lab:
        assert time.monotonic() - started < 20
        assert ask(lab, "SELECT count(*) FROM information_schema.region_statistics") == [(10000,)]
        assert lab.leader(FIRST) == 0
        file, pid = lab.describe_file, lab.describe["pid"]
    assert not Path(file).exists()
    assert not Path("/proc/%d" % pid).exists() or "Z" in Path("/proc/%d/stat" % pid).read_text().split()[2]


def test_a_lab_ends_with_the_process_that_it_belongs_to(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    file = str(tmp_path / "lab.json")
    lab = process.spawn(process.arguments("greptimedb", "1.1", {"describe": file, "exit_with": owner.pid}), file)
    owner.kill()
    owner.wait(10)
    assert owner.stdin is not None
    owner.stdin.close()
    assert lab.process is not None
    assert lab.process.wait(20) == 0
