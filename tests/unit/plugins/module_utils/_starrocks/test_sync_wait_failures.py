# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a tool with which waiting is of no use fits what the next run will do with it."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_nearness import COPYING, Nearness
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_failures import over
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_look import SyncLook


def told(verdict: str, runs: bool) -> t.Tuple[str, str]:
    look: t.Any = types.SimpleNamespace(
        verdict=verdict, why="a disk is full", tool={"reasons": [], "log": "/opt/sync.INFO.log"}, tool_runs=runs
    )
    error = over(t.cast(SyncLook, look), Nearness(COPYING, "partitions", "", 0))
    return error.code, error.message


@pytest.mark.parametrize("verdict", ["stopped", "failed"])
def test_a_tool_that_has_ended_is_started_again(verdict: str) -> None:
    code, message = told(verdict, False)
    assert code == f"starrocks.sync_{verdict}"
    assert "/opt/sync.INFO.log" in message and "the tool is started again" in message


def test_a_one_time_run_that_has_left_something_is_told_with_its_last_lines() -> None:
    why = "the one run is over; its log ends with: out of memory"
    look: t.Any = types.SimpleNamespace(
        verdict="ended", why=why, tool={"reasons": [], "log": "/opt/sync.INFO.log"}, tool_runs=False
    )
    error = over(t.cast(SyncLook, look), Nearness(COPYING, "the first copy of 3 partitions", "", 0))
    assert error.code == "starrocks.sync_failed"
    assert "the first copy of 3 partitions" in error.message and "out of memory" in error.message
    assert "started again" in error.message


def test_a_tool_that_still_runs_is_not_started_again() -> None:
    code, message = told("failed", True)
    assert code == "starrocks.sync_failed"
    assert "the tool still runs" in message and "started again" not in message
