# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From shared-data to shared-data by the manual's steps on real sockets, and what happens when one is left out."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from lab_tests.starrocks_support import Sql
from lab_tests.starrocks_tool import Tool

pytestmark = pytest.mark.thorough
VACUUM, COMPACTION, LEGACY, VOLUMES = "vacuum", "compaction", "legacy", "volumes"
STEPS = {
    VACUUM: ("source", 'ADMIN SET FRONTEND CONFIG ("lake_autovacuum_grace_period_minutes" = "10000000")'),
    COMPACTION: ("target", 'ADMIN SET FRONTEND CONFIG ("lake_compaction_max_tasks" = "0")'),
    LEGACY: ("target", 'ADMIN SET FRONTEND CONFIG ("enable_legacy_compatibility_for_replication" = "true")'),
}


def _prepare(lab: LabClient, left_out: str) -> None:
    sessions = {side: Sql(lab, side) for side in ("source", "target")}
    for step, (side, text) in STEPS.items():
        if step != left_out:
            sessions[side].rows(text)
    s3 = lab.describe["s3"]
    for name, bucket in (("lake_a", "lab-source-a"), ("lake_b", "lab-source-b")):
        if left_out != VOLUMES:
            sessions["target"].rows(
                'CREATE STORAGE VOLUME src_%s TYPE = S3 LOCATIONS = ("s3://%s") PROPERTIES ("enabled" = "true",'
                ' "aws.s3.region" = "%s", "aws.s3.endpoint" = "%s", "aws.s3.use_aws_sdk_default_behavior" = "false",'
                ' "aws.s3.use_instance_profile" = "false", "aws.s3.access_key" = "%s", "aws.s3.secret_key" = "%s",'
                ' "aws.s3.enable_partitioned_prefix" = "false")'
                % (name, bucket, s3["region"], s3["endpoint"], s3["access_key"], s3["secret_key"])
            )
    for session in sessions.values():
        session.close()


@pytest.fixture
def lab() -> t.Iterator[LabClient]:
    """Shared-data 4.1 on both sides, with clients."""
    labs = EmbeddedLabs()
    yield labs.start("starrocks", "4.1", mode="shared_data", tables=8, rate=20, factor=60)
    labs.close()


@pytest.fixture
def start(lab: LabClient, tmp_path: Path) -> t.Iterator[t.Callable[[str], Tool]]:
    """Prepare, but for one step, and start the tool."""
    tools: list[Tool] = []

    def run(left_out: str) -> Tool:
        _prepare(lab, left_out)
        tool = Tool(
            lab, tmp_path, meta_job_interval_seconds="60", report_interval_seconds="10", source_cluster_token=""
        )
        tools.append(tool)
        tool.start()
        return tool

    yield run
    for tool in tools:
        tool.close()


def test_prepared_and_frozen_nothing_is_missing(lab: LabClient, start: t.Callable[[str], Tool]) -> None:
    tool = start("")
    tool.until(lambda log: "finishedTableRatio: 100.00%" in log)
    sql = Sql(lab)
    sql.rows('ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")')
    sql.close()
    end = time.monotonic() + 20
    while lab.ledger()["missing_on"]["target"]:
        assert time.monotonic() < end, tool.log[-2000:]
        time.sleep(0.1)
    assert lab.ledger()["acknowledged"] > 0
    assert " ERROR " not in tool.log


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        (COMPACTION, "publish version not finished"),
        (LEGACY, "has inconsistent schema"),
        (VOLUMES, 'Unknown storage volume "src_lake_'),
    ],
)
def test_a_step_left_out_shows(start: t.Callable[[str], Tool], left_out: str, text: str) -> None:
    start(left_out).until(lambda log: log.count(text) > 3, seconds=40)
