# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync tool's stand-in as a process: what it says when it cannot begin, its progress, its death, its mischief."""

from __future__ import annotations

import signal
import time
import typing as t
from pathlib import Path

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from lab_tests.starrocks_support import Sql
from lab_tests.starrocks_tool import Tool

pytestmark = pytest.mark.thorough
LEGACY = 'ADMIN SET FRONTEND CONFIG ("enable_legacy_compatibility_for_replication" = "%s")'
QUICK = {"meta_job_interval_seconds": "20", "report_interval_seconds": "5"}


@pytest.fixture
def labs() -> t.Iterator[EmbeddedLabs]:
    """Labs that end with the test."""
    found = EmbeddedLabs()
    yield found
    found.close()


@pytest.fixture
def tools() -> t.Iterator[list[Tool]]:
    """Tools that end with the test."""
    found: list[Tool] = []
    yield found
    for tool in found:
        tool.close()


def _lab(labs: EmbeddedLabs, **options: t.Any) -> LabClient:
    values = {"tables": 4, "databases": 2, "rate": 0, "factor": 60, **options}
    lab = labs.start("starrocks", values.pop("profile", "3.5"), **values)
    sql = Sql(lab, "target")
    sql.rows(LEGACY % "true")
    sql.close()
    return lab


def _tool(lab: LabClient, directory: Path, tools: list[Tool], **values: str) -> Tool:
    tool = Tool(lab, directory, **{**QUICK, **values})
    tools.append(tool)
    tool.start()
    return tool


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"source_cluster_password": "wrong"}, "Access denied for user 'tool' (using password: YES)"),
        ({"target_cluster_user": "reader", "target_cluster_password": "read-42"}, "OPERATE"),
        ({"source_cluster_token": ""}, "source_cluster_token is not set"),
        ({"meta_job_interval_seconds": "soon"}, 'NumberFormatException: For input string: "soon"'),
    ],
)
def test_it_tells_why_it_cannot_begin(
    labs: EmbeddedLabs, tools: list[Tool], tmp_path: Path, values: dict[str, str], text: str
) -> None:
    tool = _tool(_lab(labs), tmp_path, tools, **values)
    assert tool.wait() == 1
    assert text in tool.log
    assert " ERROR " in tool.log


def test_new_rows_follow_and_it_ends_by_sigterm(labs: EmbeddedLabs, tools: list[Tool], tmp_path: Path) -> None:
    lab = _lab(labs, rate=20, mode="shared_nothing")
    tool = _tool(lab, tmp_path, tools)
    tool.until(lambda log: "progress: 100.00%" in log)
    ledger = lab.call("GET", "/ledger")
    assert ledger["acknowledged"] > 0
    sql = Sql(lab)
    sql.rows('ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")')
    sql.close()
    end = time.monotonic() + 20
    while lab.call("GET", "/ledger")["missing_on"]["target"]:
        assert time.monotonic() < end, tool.log[-2000:]
        time.sleep(0.1)
    assert lab.call("GET", "/ledger")["missing_on"] == {"source": 0, "target": 0}
    tool.signal(signal.SIGTERM)
    assert tool.wait() == 143


def test_orders(labs: EmbeddedLabs, tools: list[Tool], tmp_path: Path) -> None:
    lab = _lab(labs)
    tool = _tool(lab, tmp_path, tools)
    tool.until(lambda log: "unknown: 0" in log)
    lab.call("POST", "/tool", {"unknown": 3, "ignore_term": True})
    tool.until(lambda log: "unknown: 3" in log)
    tool.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert tool.running
    lab.call("POST", "/tool", {"stall": True})
    time.sleep(0.3)
    length = len(tool.log)
    time.sleep(0.5)
    assert len(tool.log) == length
    lab.call("POST", "/tool", {"rotate": True})
    tool.until(lambda log: "progress" in log and len(log) < length)
    lab.call("POST", "/tool", {"crash": 3})
    assert tool.wait() == 3


def test_without_legacy_compatibility_a_table_never_arrives(
    labs: EmbeddedLabs, tools: list[Tool], tmp_path: Path
) -> None:
    lab = _lab(labs)
    sql = Sql(lab, "target")
    sql.rows(LEGACY % "false")
    sql.close()
    tool = _tool(lab, tmp_path, tools)
    log = tool.until(lambda log: log.count("has inconsistent schema, drop and create it") > 1)
    assert "expiredTableRatio: 0.00%" not in log


def test_sent_jobs_go_on_when_the_tool_is_killed(labs: EmbeddedLabs, tools: list[Tool], tmp_path: Path) -> None:
    lab = _lab(labs, factor=20)
    tool = _tool(lab, tmp_path, tools, replication_job_interval_seconds="1", ddl_job_interval_seconds="1")
    tool.until(lambda log: "Send replication job of table" in log)
    tool.signal(signal.SIGKILL)
    tool.wait()
    end = time.monotonic() + 10
    while not (jobs := lab.call("GET", "/state?tables=0")["clusters"]["target"]["replications"]) or any(
        job["state"] != "COMMITTED" for job in jobs.values()
    ):
        assert time.monotonic() < end, jobs
        time.sleep(0.1)
