# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one module many times without paying for its imports each time: every run is a fork with the real main().

The process reads one JSON request a line from its standard input and answers with JSON lines:

    {"arguments": {...}, "output": path, "death": {"write": 3, "how": "torn"} or null, "count": path or null}
    -> {"pid": 123}                      the run has begun; the caller may kill it
    -> {"status": 0}                     it has ended, as os.waitpid says

`death` kills the run from within at the n-th append to its journal: `before` anything is written, `torn` in the middle
of the line, `after` it is written, `head` before the journal's head is replaced. The hooks are on os.write and
os.replace, so the product's code is the one that users run. `count` is a file that gets one letter for each append.
A process that the run has forked and that keeps a record of its own (the guard of a fence) is killed likewise:
`{"record": 3, "how": "before"}` or `after`.

A second argument on the command line is how much faster than the machine's clock time passes for the product, as in a
lab with that factor: intervals, budgets, pauses and deadlines are then lab seconds. What the machine really does is
not sped up, so our own processing counts that many times.
"""

from __future__ import annotations

import datetime
import importlib
import json
import os
import signal
import sys
import time
import typing as t

from tooling.lazy import load_whole

JOURNAL_LINE = b'{"at":"'
RECORD_LINE = b'{"at": "'


def speed_up(factor: float) -> None:
    """Make the product's clock run that many times faster from now on, in this process and its forks."""
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock

    started = time.monotonic()
    epoch = datetime.datetime.now(datetime.timezone.utc)

    def passed() -> float:
        return (time.monotonic() - started) * factor

    def sleep(_clock: SystemClock, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / factor)

    quick: dict[str, t.Any] = {
        "monotonic": lambda _clock: started + passed(),
        "now": lambda _clock: epoch + datetime.timedelta(seconds=passed()),
        "sleep": sleep,
    }
    for name, method in quick.items():
        setattr(SystemClock, name, method)


class Death:
    """Counts appends to the journal and kills this process at one of them."""

    def __init__(self, plan: t.Mapping[str, t.Any] | None, count: str | None) -> None:
        self._plan = plan or {}
        self._seen = 0
        self._lines = 0
        self._count = os.open(count, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if count else None
        self._write = os.write
        self._replace = os.replace

    def install(self) -> None:
        """Put the hooks in place."""
        os.write = self._hooked_write
        os.replace = self._hooked_replace  # type: ignore[assignment]

    def _hooked_write(self, fd: int, data: t.Any) -> int:
        if bytes(data[: len(RECORD_LINE)]) == RECORD_LINE:
            return self._line_of_record(fd, data)
        if bytes(data[: len(JOURNAL_LINE)]) != JOURNAL_LINE:
            return self._write(fd, data)
        if self._count is not None:
            self._write(self._count, b"w")
        now = self._seen == self._plan.get("write")
        self._seen += 1
        how = self._plan.get("how")
        if now and how == "before":
            self._die()
        if now and how == "torn":
            self._write(fd, data[: max(1, len(data) * 2 // 3)])
            self._die()
        written = self._write(fd, data)
        if now and how == "after":
            self._die()
        return written

    def _line_of_record(self, fd: int, data: t.Any) -> int:
        now = self._lines == self._plan.get("record")
        self._lines += 1
        if now and self._plan.get("how") == "before":
            self._die()
        written = self._write(fd, data)
        if now:
            self._die()
        return written

    def _hooked_replace(self, source: t.Any, target: t.Any, **more: t.Any) -> None:
        if self._seen - 1 == self._plan.get("write") and self._plan.get("how") == "head":
            self._die()
        self._replace(source, target, **more)

    @staticmethod
    def _die() -> t.NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


def _child(module: t.Any, basic: t.Any, request: t.Mapping[str, t.Any]) -> t.NoReturn:
    fd = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    Death(request.get("death"), request.get("count")).install()
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": request["arguments"]}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    status = 1
    try:
        module.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve until standard input ends."""
    from ansible.module_utils import basic

    if len(sys.argv) > 2 and float(sys.argv[2]) != 1:
        speed_up(float(sys.argv[2]))
    importlib.import_module("pymysql")
    module = load_whole(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDONLY)
    for line in sys.stdin:
        request = json.loads(line)
        answers.flush()
        pid = os.fork()
        if not pid:
            os.dup2(null, 0)
            _child(module, basic, request)
        answers.write(json.dumps({"pid": pid}) + "\n")
        answers.flush()
        _dummy, status = os.waitpid(pid, 0)
        answers.write(json.dumps({"status": status}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
