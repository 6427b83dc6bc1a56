# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole migration whose journal lies in S3, phase by phase on runners that keep nothing of each other."""

from __future__ import annotations

import pathlib
import typing as t

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lab import process
from system import playbooks as p

SECRET = "canary-of-the-bucket"
DRAINED = 1


@pytest.fixture
def endpoint() -> t.Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.thorough
def test_every_phase_on_a_runner_of_its_own(endpoint: str, tmp_path: pathlib.Path) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="migrations")

    def stored() -> str:
        listed = client.list_objects_v2(Bucket="migrations").get("Contents", [])
        bodies = [client.get_object(Bucket="migrations", Key=one["Key"])["Body"].read() for one in listed]
        return b"".join(bodies).decode()

    with process.start(profile="1.1", regions=16, writers=2, factor=10) as lab:
        before = {region: one["leader"] for region, one in lab.state()["regions"].items()}
        variables = {
            **p.connection(lab),
            "greptimedb_strategy": "drain",
            "greptimedb_datanodes": [DRAINED],
            "greptimedb_journal": "s3://migrations/drain",
            "greptimedb_migration_id": "drain-s3",
            "greptimedb_s3_endpoint_url": endpoint,
            "greptimedb_s3_region": "us-east-1",
            "greptimedb_s3_access_key": "AKIAEXAMPLE",
            "greptimedb_s3_secret_key": SECRET,
            "greptimedb_maintenance_mode": True,
        }

        def phase(name: str, *arguments: str) -> p.Outcome:
            runner = tmp_path / f"runner-{len(list(tmp_path.iterdir()))}"
            runner.mkdir()
            done = p.play(name, variables, runner, *arguments).succeed()
            assert SECRET not in done.output
            return done

        def mutating() -> list[str]:
            return [one["request"] for one in lab.requests(mutating=True)]

        phase("greptimedb", "--check")
        assert mutating() == []
        assert stored() == ""
        phase("greptimedb_preflight")
        phase("greptimedb_migrate")
        phase("greptimedb_cutover")
        phase("greptimedb_restore")
        after = {region: one["leader"] for region, one in lab.state()["regions"].items()}
        assert DRAINED not in after.values()
        assert lab.state()["maintenance"]["enabled"] is False
        assert lab.ledger()["missing"] == 0
        assert '"kind":"change.intent"' in stored()
        assert SECRET not in stored()

        lab.clear_requests()
        phase("greptimedb")
        assert mutating() == []
        phase("greptimedb_rollback")
        assert {region: one["leader"] for region, one in lab.state()["regions"].items()} == before
        assert lab.ledger()["missing"] == 0
