# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof module against the lab: it waits for what may still come, and never takes silence for a proof."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from tooling import linked

MODULE = "ansible_collections.dbops.migration.plugins.modules.greptimedb_region_proof"


def run(lab: LabClient, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """One run of the module as Ansible starts it."""
    described = lab.describe
    arguments = {
        "frontend_host": described["frontend"]["host"],
        "frontend_port": described["frontend"]["mysql_port"],
        "metasrv_addrs": [one["grpc"] for one in described["metasrv"]],
        "metasrv_http_addrs": [one["http"] for one in described["metasrv"]],
        "timeout": "10s",
        "poll_interval": "100ms",
        "_ansible_check_mode": check,
        **options,
    }
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(linked.collections_root())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "{" in done.stdout, done.stdout + done.stderr
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def leaders(lab: LabClient) -> dict[str, int]:
    return {region: one["leader"] for region, one in lab.state()["regions"].items()}


def first_of(lab: LabClient, datanode: int) -> int:
    return int(next(region for region, leader in leaders(lab).items() if leader == datanode))


@pytest.mark.parametrize("profile", ["0.7", "0.9.5", "1.1"])
def test_it_waits_for_a_migration_that_is_under_way(profile: str) -> None:
    with process.start(profile=profile, regions=8, writers=1, factor=5) as lab:
        # Long enough (2 s of real time) for the first look to come before the switch.
        lab.config(durations={"catch_up": 10.0})
        region = first_of(lab, 1)
        lab.foreign(migrate={"region_id": region, "from_peer": 1, "to_peer": 2})
        assert leaders(lab)[str(region)] == 1
        result = run(lab, moves=[{"region_id": region, "to_peer": 2}], timeout="60s")
        assert result.get("msg") is None
        assert result["passed"] is True
        assert result["looks"] > 1
        assert result["level"] == ("region_info" if profile == "1.1" else "placement")
        assert leaders(lab)[str(region)] == 2


@pytest.mark.parametrize("profile", ["0.15", "1.1"])
def test_a_migration_towards_a_datanode_keeps_it_from_being_empty(profile: str) -> None:
    with process.start(profile=profile, datanodes=4, regions=8, writers=0, factor=5) as lab:
        for region, leader in leaders(lab).items():
            if leader == 1:
                lab.foreign(migrate={"region_id": int(region), "from_peer": 1, "to_peer": 2})
        lab.wait_for(lambda state: 1 not in [one["leader"] for one in state["regions"].values()])
        assert run(lab, empty_datanodes=[1])["passed"] is True
        lab.config(durations={"open_candidate": 600.0})
        lab.foreign(migrate={"region_id": first_of(lab, 2), "from_peer": 2, "to_peer": 1})
        lab.wait_for(lambda state: bool(state["procedures"]))
        assert 1 not in leaders(lab).values()
        result = run(lab, empty_datanodes=[1], timeout="1s")
        assert result["code"] == "greptimedb.datanode_not_empty"
        assert [thing["kind"] for thing in result["holding"]] == ["migration"]


def test_regions_of_tables_created_since_are_seen() -> None:
    with process.start(profile="1.1", datanodes=4, regions=8, writers=0, factor=10) as lab:
        for region, leader in leaders(lab).items():
            if leader == 1:
                lab.foreign(migrate={"region_id": int(region), "from_peer": 1, "to_peer": 2})
        lab.wait_for(lambda state: 1 not in [one["leader"] for one in state["regions"].values()])
        assert run(lab, empty_datanodes="1")["passed"] is True
        for number in range(8):
            lab.foreign(sql=f"CREATE TABLE late_{number} (ts TIMESTAMP TIME INDEX, host STRING, PRIMARY KEY (host))")
            if 1 in leaders(lab).values():
                break
        result = run(lab, empty_datanodes="1")
        assert result["code"] == "greptimedb.datanode_not_empty"
        assert result["holding"][0]["table"].startswith("public.late_")
        assert f"of {result['holding'][0]['table']}" in result["msg"]
        assert result["looks"] == 1


def test_a_target_that_has_died_is_no_proof() -> None:
    with process.start(profile="1.0", regions=8, writers=0, factor=10) as lab:
        region = first_of(lab, 2)
        lab.node(2, alive=False)
        lease_is_over = lab.state()["time"] + 11
        lab.wait_for(lambda state: state["time"] > lease_is_over)
        result = run(lab, moves=[{"region_id": region, "to_peer": 2}], timeout="1s")
        assert result["code"] == "greptimedb.not_proven"
        assert result["proofs"][0]["target_alive"] == "no"


def test_a_frontend_that_restarts_meanwhile_is_waited_for() -> None:
    with process.start(profile="1.1", regions=8, writers=0, factor=2) as lab:
        region = first_of(lab, 1)
        lab.config(durations={"open_candidate": 4.0})
        lab.foreign(migrate={"region_id": region, "from_peer": 1, "to_peer": 3})
        lab.fault("frontend_restart", match="region_peers", after_requests=3, seconds=1.0)
        result = run(lab, moves=[{"region_id": region, "to_peer": 3}], timeout="60s")
        assert result["passed"] is True
        assert [one["hits"] for one in lab.faults()] == [1]


def test_an_election_that_outlasts_the_frontends_patience_is_waited_for() -> None:
    with process.start(profile="1.1", regions=8, writers=0, factor=10) as lab:
        region = first_of(lab, 1)
        for table in ("procedure_info", "region_peers", "region_info"):
            lab.fault("error_before", match=table, times=2, code="Internal", message="Internal error: 1003")
        result = run(lab, moves=[{"region_id": region, "to_peer": 1}])
        assert result.get("passed") is True, result
        assert (result["looks"], result["level"]) == (1, "region_info")
        assert [one["hits"] for one in lab.faults()] == [2, 2, 2]
        lab.fault("error_before", match="procedure_info", times=0, code="Internal", message="Internal error: 1003")
        assert run(lab, moves=[{"region_id": region, "to_peer": 1}], timeout="1s")["code"] == "greptimedb.unavailable"


def test_a_dead_datanode_elsewhere_weakens_the_evidence_and_prevents_nothing() -> None:
    with process.start(profile="1.1", datanodes=4, regions=8, writers=0, factor=10) as lab:
        region = first_of(lab, 1)
        lab.node(3, alive=False)
        lease_is_over = lab.state()["time"] + 11
        lab.wait_for(lambda state: state["time"] > lease_is_over)
        result = run(lab, moves=[{"region_id": region, "to_peer": 1}])
        assert (result["passed"], result["level"]) == (True, "placement"), result
        assert any("datanode 3 is listed and not alive" in note for note in result["notes"])
        lab.node(3, alive=True)
        assert run(lab, moves=[{"region_id": region, "to_peer": 1}])["level"] == "region_info"


def test_canaries_are_executed_last_and_a_failing_one_fails_the_proof(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=8, writers=0, factor=10) as lab:
        region = first_of(lab, 1)
        table = lab.state()["regions"][str(region)]["table"]
        good = {table: f"INSERT INTO {table} (host, ts, val) VALUES ('canary', 1, 1)"}
        moves = [{"region_id": region, "to_peer": 1}]
        wrong = [{"region_id": region, "to_peer": 2}]

        assert run(lab, moves=wrong, canary_sql=good)["code"] == "greptimedb.not_proven"
        predicted = run(lab, check=True, moves=moves, canary_sql=good)
        assert predicted["changed"] is True
        assert lab.requests(mutating=True) == []

        done = run(lab, moves=moves, canary_sql=json.dumps(good), journal=str(tmp_path / "journal.jsonl"))
        assert done["passed"] is True
        assert [one["request"] for one in lab.requests(mutating=True)] == list(good.values())
        assert done["changes"] == predicted["changes"]

        failed = run(lab, moves=moves, canary_sql={"public.none": "INSERT INTO none_such (a) VALUES (1)"})
        assert failed["code"] == "greptimedb.canary_failed"
        assert failed["passed"] is False
        assert "public.none" in failed["msg"]
