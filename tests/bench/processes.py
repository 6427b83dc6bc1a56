# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Process trees: who descends from a process, and how to kill it with all of them at once."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal


def descendants(root: int) -> list[int]:
    """The processes that descend from `root` now, parents first. A child whose parent has died is not found."""
    children: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name in parentheses may hold anything, so only what follows its end is split.
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def kill_tree(root: int) -> int:
    """SIGKILL `root` and everything below it, as a container that vanishes does. Returns how many were killed.

    All are stopped first: ansible-core's workers have sessions of their own, and none may act on another's death.
    """
    stopped: list[int] = []
    while True:
        fresh = [pid for pid in [root, *descendants(root)] if pid not in stopped]
        if not fresh:
            break
        for pid in fresh:
            _send(pid, signal.SIGSTOP)
        stopped += fresh
    for pid in stopped:
        _send(pid, signal.SIGKILL)
    return len(stopped)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def runs(pid: int) -> bool:
    """Whether a process is there, and has not ended to wait for its parent only."""
    with contextlib.suppress(OSError, IndexError):
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
    return False
