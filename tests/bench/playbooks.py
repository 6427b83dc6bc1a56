# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook as a user starts them, with the CPU time of their whole process tree."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import typing as t

from bench import places, processes

MIGRATE_PLAY = pathlib.Path(__file__).with_name("migrate.yml")
RECAP = re.compile(r"^localhost\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Played:
    """How one ansible-playbook ended; `cpu_seconds` is user and system time with all children."""

    code: int
    output: str
    seconds: float
    cpu_seconds: float

    @property
    def changed(self) -> int:
        """The number of changed tasks that the recap tells; -1 without a recap."""
        found = RECAP.search(self.output)
        return int(found.group(2)) if found else -1


class Play:
    """One ansible-playbook that has begun, in a process group of its own."""

    def __init__(self, argv: t.Sequence[str], home: pathlib.Path, polling: float) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._log = home / "playbook.log"
        self._started = time.monotonic()
        with self._log.open("wb") as sink:
            self._process = subprocess.Popen(
                argv,
                env=places.environment(home, polling),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._reaped = False

    @property
    def pid(self) -> int:
        """The process id of ansible-playbook itself."""
        return self._process.pid

    def kill(self) -> int:
        """SIGKILL ansible-playbook with everything below it; returns how many processes that were."""
        return processes.kill_tree(self._process.pid)

    def wait(self) -> Played:
        """Wait for the end; the resource usage that the kernel returns covers all children that were waited for."""
        _dummy, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        output = self._log.read_text(encoding="utf-8", errors="replace")
        seconds = time.monotonic() - self._started
        return Played(self._process.returncode, output, seconds, usage.ru_utime + usage.ru_stime)


def start(
    playbook: pathlib.Path | str,
    variables: t.Mapping[str, t.Any],
    home: pathlib.Path,
    *,
    check: bool = False,
    polling: float = places.ADVISED_POLLING,
) -> Play:
    """Begin `ansible-playbook` on localhost with these extra variables; `polling`: its internal_poll_interval."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "variables.json"
    file.write_text(json.dumps({"ansible_python_interpreter": sys.executable, **variables}), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "--inventory", "localhost,", "--connection", "local"]
    return Play([*command, *(["--check"] if check else []), "--extra-vars", f"@{file}", str(playbook)], home, polling)


def run(
    playbook: pathlib.Path | str, variables: t.Mapping[str, t.Any], home: pathlib.Path, *, check: bool = False
) -> Played:
    """Run `ansible-playbook` to its end."""
    return start(playbook, variables, home, check=check).wait()
