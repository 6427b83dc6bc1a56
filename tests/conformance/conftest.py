# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One conformance run at a time in one checkout: the stages work in folders with fixed names below build/work."""

from __future__ import annotations

import fcntl

import pytest

from tooling import paths

LOCK = pytest.StashKey[object]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Wait until no other run is at it; the lock goes with the process that holds it."""
    if hasattr(session.config, "workerinput"):
        return
    paths.BUILD.mkdir(exist_ok=True)
    handle = (paths.BUILD / "conformance.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Waiting for another run of these tests in {paths.ROOT} to end.", flush=True)
        fcntl.flock(handle, fcntl.LOCK_EX)
    session.config.stash[LOCK] = handle
