# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole migration whose journal lies in S3, phase by phase on runners that keep nothing of each other."""

from __future__ import annotations

import pathlib

import pytest

from lab import process
from system import playbooks as p
from system.s3_bucket import ACCESS_KEY, BUCKET, SECRET_KEY, Bucket

DRAINED = 1


@pytest.mark.thorough
def test_every_phase_on_a_runner_of_its_own(bucket: Bucket, tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=16, writers=2, factor=10) as lab:
        before = {region: one["leader"] for region, one in lab.state()["regions"].items()}
        variables = {
            **p.connection(lab),
            "greptimedb_strategy": "drain",
            "greptimedb_datanodes": [DRAINED],
            "greptimedb_journal": f"s3://{BUCKET}/drain",
            "greptimedb_migration_id": "drain-s3",
            "greptimedb_s3_endpoint_url": bucket.endpoint,
            "greptimedb_s3_region": "us-east-1",
            "greptimedb_s3_access_key": ACCESS_KEY,
            "greptimedb_s3_secret_key": SECRET_KEY,
            "greptimedb_maintenance_mode": True,
        }

        def phase(name: str, *arguments: str) -> p.Outcome:
            runner = tmp_path / f"runner-{len(list(tmp_path.iterdir()))}"
            runner.mkdir()
            done = p.play(name, variables, runner, *arguments).succeed()
            assert SECRET_KEY not in done.output
            return done

        def mutating() -> list[str]:
            return [one["request"] for one in lab.requests(mutating=True)]

        phase("greptimedb", "--check")
        assert mutating() == []
        assert bucket.text == ""
        phase("greptimedb_preflight")
        phase("greptimedb_migrate")
        phase("greptimedb_cutover")
        phase("greptimedb_restore")
        after = {region: one["leader"] for region, one in lab.state()["regions"].items()}
        assert DRAINED not in after.values()
        assert lab.state()["maintenance"]["enabled"] is False
        assert lab.ledger()["missing"] == 0
        assert '"kind":"change.intent"' in bucket.text
        assert SECRET_KEY not in bucket.text

        lab.clear_requests()
        phase("greptimedb")
        assert mutating() == []
        phase("greptimedb_rollback")
        assert {region: one["leader"] for region, one in lab.state()["regions"].items()} == before
        assert lab.ledger()["missing"] == 0
