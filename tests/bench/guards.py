# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards of fences, found by their records: a guard outlives its module, and a lab that is gone, for a week."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal

from bench import processes

SUFFIX = ".guard.jsonl"


def recorded(journal: pathlib.Path) -> list[int]:
    """The processes of the guards that a journal has had and that did not write that they ended."""
    return _started(pathlib.Path(f"{journal}{SUFFIX}"))


def running(journal: pathlib.Path) -> list[int]:
    """Those of them that run."""
    return [pid for pid in recorded(journal) if processes.runs(pid)]


def kill(journal: pathlib.Path) -> int:
    """SIGKILL those that run; how many."""
    found = running(journal)
    for pid in found:
        _kill(pid)
    return len(found)


def kill_below(folder: pathlib.Path) -> None:
    """SIGKILL the guards of every journal below a folder, when the lab that they guarded is gone."""
    for record in folder.rglob(f"*{SUFFIX}"):
        for pid in _started(record):
            if processes.runs(pid):
                _kill(pid)


def _started(record: pathlib.Path) -> list[int]:
    started: dict[str, int] = {}
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else ():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry["event"] == "started":
                started[entry["guard"]] = int(entry["pid"])
            elif entry["event"] == "ended":
                started.pop(entry["guard"], None)
    return list(started.values())


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
