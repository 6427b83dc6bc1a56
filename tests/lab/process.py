# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs as processes: start one (in the background), stop one, and a context manager for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from lab.client import LabClient

START_SECONDS = 60.0
STOP_SECONDS = 15.0
TESTS_DIRECTORY = str(Path(__file__).resolve().parent.parent)


class LabProcessError(Exception):
    """A lab could not be started or stopped; the message is one sentence."""


def _environment() -> dict[str, str]:
    path = os.environ.get("PYTHONPATH", "")
    return dict(os.environ, PYTHONPATH=TESTS_DIRECTORY + (os.pathsep + path if path else ""))


def arguments(engine: str, profile: str, options: t.Mapping[str, t.Any]) -> list[str]:
    """The command line that starts a lab with these options (``regions=60``, ``tls=True``)."""
    found = [engine, "start", "--profile", profile]
    for name, value in options.items():
        if value is True:
            found.append("--%s" % name.replace("_", "-"))
        elif value is not None and value is not False:
            found += ["--%s" % name.replace("_", "-"), str(value)]
    return found


def spawn(command: t.Sequence[str], describe_file: str) -> LabClient:
    """Start ``python -m lab <command>`` in a session of its own; return when everything listens."""
    log_path = describe_file + ".log"
    if os.path.exists(describe_file):
        os.unlink(describe_file)
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=_environment(),
        )
    end = time.monotonic() + START_SECONDS
    while not os.path.exists(describe_file):
        if process.poll() is not None:
            lines = Path(log_path).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise LabProcessError(lines[-1] if lines else "it ended without output")
        if time.monotonic() > end:
            process.kill()
            raise LabProcessError("not up within %d s; see %s" % (START_SECONDS, log_path))
        time.sleep(0.01)
    client = LabClient(describe_file)
    client.process = process
    return client


def _answers(control: str, pid: int) -> bool:
    """True when the control port belongs to the process that the describe file names."""
    try:
        with urllib.request.urlopen(control + "/state", timeout=30) as response:
            return bool(json.load(response)["pid"] == pid)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:  # a zombie of ours has ended too
        return Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True


def stop(describe_file: str) -> bool:
    """End the lab of a describe file by its pid, and remove the file. False when it was not running any more."""
    try:
        with open(describe_file, encoding="utf-8") as stream:
            describe = json.load(stream)
    except FileNotFoundError:
        return False
    pid = int(describe["pid"])
    running = _alive(pid) and _answers(describe["control"], pid)
    if running:
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while _alive(pid):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.01)
    for path in (describe_file, describe_file + ".log"):
        if os.path.exists(path):
            os.unlink(path)
    return running


@contextmanager
def start(engine: str = "greptimedb", profile: str = "1.1", **options: t.Any) -> t.Iterator[LabClient]:
    """Run a lab for the duration of a ``with``; options are those of the command line: ``regions=60``, ``tls=True``."""
    with tempfile.TemporaryDirectory(prefix="lab-") as directory:
        describe_file = os.path.join(directory, "lab.json")
        own = {"describe": describe_file, "exit_with": os.getpid()}
        client = spawn(arguments(engine, profile, {**options, **own}), describe_file)
        try:
            yield client
        finally:
            stop(describe_file)
