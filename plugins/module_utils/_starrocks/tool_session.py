# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Starting the sync tool in a session of its own, and ending processes: asked first, then told, then killed.

A stop script is not documented for the tool, so one that comes with it is only a hint: what counts is that the
processes are gone.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import MARK, Process, Processes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import START, STOP

_POLL = 0.05
_PASSED_ON = ("HOME", "JAVA_HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")
"""What the tool gets of the module's environment. The rest may hold the secrets of options."""

Finder = t.Callable[[], t.List[Process]]


def environment(extra: t.Mapping[str, str]) -> t.Dict[str, str]:
    """The environment of a start, besides its mark."""
    kept = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    return {**kept, **extra}


def start_in_session(directory: str, output: str, mark: str, variables: t.Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Run bin/start.sh, with what it prints in the file ``output``. It outlives the module, the task and the terminal.

    One without an interpreter in its first line is run by /bin/sh, as a shell does it.

    :raises MigrationError: ``starrocks.tool_not_started``
    """
    script = os.path.join(directory, START)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def start(*command: str) -> subprocess.Popen[bytes]:
        # run_command would wait for its end.
        return subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            cwd=directory,
            env={**environment(variables), MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )

    try:
        try:
            return start(script)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            return start("/bin/sh", script)
    except OSError as error:
        raise MigrationError(
            "starrocks.tool_not_started", f"{script} cannot be run ({error.strerror or error})."
        ) from error
    finally:
        os.close(descriptor)


NO_SCRIPT = "absent"


def run_stop_script(directory: str, variables: t.Mapping[str, str], find: Finder, timeout: float) -> str:
    """Run bin/stop.sh if there is one, and tell how that went: NO_SCRIPT, "ended 0", "did not end" and the like."""
    script = os.path.join(directory, STOP)
    if not os.path.isfile(script):
        return NO_SCRIPT
    command = [script] if os.access(script, os.X_OK) else ["/bin/sh", script]
    try:
        # run_command knows no time limit.
        asked = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            cwd=directory,
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return f"could not be run: {error.strerror or error}"
    try:
        code = asked.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(asked.pid, signal.SIGKILL)
        asked.wait()
        return "did not end"
    # It may have asked the tool nicely: that must not be cut short by our own signal a moment later.
    _wait_until_gone(find, min(5.0, timeout))
    return f"ended {code}"


def end(find: Finder, processes: Processes, term_timeout: float, kill_timeout: float = 10.0) -> t.List[str]:
    """End every process that ``find`` tells, and those which it tells meanwhile. Times in seconds.

    :returns: the names of the signals that were needed
    :raises MigrationError: ``starrocks.tool_not_stopped``
    """
    used: t.List[str] = []
    for name, seconds in (("SIGTERM", term_timeout), ("SIGKILL", kill_timeout)):
        left = find()
        if not left:
            return used
        used.append(name)
        _signal(left, processes, getattr(signal, name))
        _wait_until_gone(find, seconds)
    left = find()
    if left:
        pids = ", ".join(str(one.pid) for one in left)
        raise MigrationError(
            "starrocks.tool_not_stopped",
            f"The sync tool still runs although it was killed (process {pids}); end it by hand.",
            details={"pids": [one.pid for one in left]},
        )
    return used


def beyond_reach(processes: t.Iterable[Process]) -> t.List[Process]:
    """Those that this user may not end, as ``end`` would find out. Nothing is sent to them."""
    found = []
    for one in processes:
        try:
            os.kill(one.pid, 0)
        except PermissionError:
            found.append(one)
        except ProcessLookupError:
            continue
    return found


def _signal(ours: t.Sequence[Process], processes: Processes, number: int) -> None:
    """To whole groups where they are ours alone, so that a child born meanwhile gets it too."""
    pids = {one.pid for one in ours}
    mixed = {one.group for one in processes.all() if one.pid not in pids} | {os.getpgrp(), 0}
    for group in sorted({one.group for one in ours} - mixed):
        _send(os.killpg, group, number)
    for one in ours:
        now = processes.get(one.pid)
        if one.group in mixed and now is not None and now.started == one.started:
            _send(os.kill, one.pid, number)


def _send(call: t.Callable[[int, int], None], number: int, signal_number: int) -> None:
    try:
        call(number, signal_number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise MigrationError(
            "starrocks.tool_not_stopped",
            f"The sync tool (process {number}) belongs to another user and may not be ended; become that user.",
        ) from error


def _wait_until_gone(find: Finder, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and find():
        time.sleep(_POLL)
