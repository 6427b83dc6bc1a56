# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Starting a guard: a process of its own that outlives the module, the task, the connection and the terminal."""

from __future__ import annotations

import gc
import os
import signal
import socket
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, with_short_path


def start_guard(place: GuardPlace, run: t.Callable[[socket.socket, str, str], None]) -> GuardLink:
    """Fork a guard that runs ``run(listener, name, socket path)``, and return once it has proved to be alive.

    Everything that ``run`` needs must be imported by now: the archive that a module runs from is removed when the
    module ends. The caller must have no other threads, as forking them leaves locks held for ever.
    """
    place.prepare()
    name = uuid.uuid4().hex[:8]
    path = os.path.join(place.folder, name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with_short_path(path, listener.bind)
        listener.listen(8)
        child = os.fork()
        if child == 0:
            _child(listener, lambda: run(listener, name, path))
        os.waitpid(child, 0)
    except OSError as error:
        raise _failed(error.strerror or str(error)) from error
    finally:
        listener.close()
    link = GuardLink.connect(path)
    try:
        answer = link.ask(gs.STATUS)
        problem = answer.more.get("problem")
        if answer.state != gs.READY or problem:
            raise _failed(str(problem or f"its state is {answer.state}"))
    except MigrationError:
        link.close()
        raise
    return link


def _child(listener: socket.socket, run: t.Callable[[], None]) -> t.NoReturn:
    """In the child: fork once more, so that nobody has to wait for the guard, and become it. Never returns."""
    status = 1
    try:
        os.setsid()
        if os.fork() == 0:
            _let_go(listener.fileno())
            run()
        status = 0
    finally:
        # Neither exit handlers nor buffers of the module are the guard's to run or to flush.
        os._exit(status)


def _let_go(keep: int) -> None:
    """Hold nothing of the module: not Ansible's pipes, which it waits for, and not the lock of the journal.

    What was inherited is pointed at nothing instead of being closed. A number that is not free cannot be given to a
    connection of the guard, which some forgotten object of the module would then close.
    """
    gc.disable()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in _descriptors():
        if number not in (keep, nothing):
            try:
                os.dup2(nothing, number)
            except OSError:
                continue
    os.chdir("/")


def _descriptors() -> t.List[int]:
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        found = list(range(1024))
    return [number for number in found if _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _failed(why: str) -> MigrationError:
    return MigrationError(
        "guard.not_started",
        f"The guard that would lift the fence could not be started ({why}), so nothing was fenced.",
        details={"reason": why},
    )
