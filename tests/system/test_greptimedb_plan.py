# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan module against the lab, over all generations: what it plans is what the cluster would take."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest

from lab import process
from lab.client import LabClient

MODULE = "ansible_collections.dbops.migration.plugins.modules.greptimedb_region_plan"
COLLECTIONS = pathlib.Path(__file__).resolve().parents[2] / "build" / "collections"
PROFILES = ("0.6", "0.7", "0.8", "0.9.2", "0.9.5", "0.12", "0.15", "0.17", "1.0", "1.1")
BOUNDARIES = ("0.6", "0.9.2", "0.12", "1.1")
"""The generations that differ most; `make test-all` asks every one."""
TABLE_AT_A_TIME = ("0.6", "0.7", "0.8", "0.9.2", "0.9.5", "0.12")


def run(lab: LabClient, **options: t.Any) -> dict[str, t.Any]:
    """One run of the module as Ansible starts it, all options as text or JSON text where AWX would give that."""
    described = lab.describe
    arguments = {
        "frontend_host": described["frontend"]["host"],
        "frontend_port": described["frontend"]["mysql_port"],
        "metasrv_addrs": json.dumps([one["grpc"] for one in described["metasrv"]]),
        "metasrv_http_addrs": json.dumps([one["http"] for one in described["metasrv"]]),
        **options,
    }
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        check=False,
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.startswith("{") or "\n{" in done.stdout, done.stdout + done.stderr
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def leaders(lab: LabClient, tables: t.Callable[[str], bool] = lambda _name: True) -> dict[int, int]:
    regions = lab.state()["regions"]
    return {int(one): regions[one]["leader"] for one in regions if tables(regions[one]["table"])}


@pytest.fixture(
    scope="module",
    params=[pytest.param(one, marks=[] if one in BOUNDARIES else [pytest.mark.thorough]) for one in PROFILES],
)
def generation(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, LabClient]]:
    with process.start(profile=request.param, regions=60, writers=2) as lab:
        yield request.param, lab


def test_a_drain_names_exactly_the_regions_of_the_datanode(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path
) -> None:
    profile, lab = generation
    there = leaders(lab)
    dest = str(tmp_path / "plan.yml")
    lab.clear_requests()
    first = run(lab, strategy="drain", datanodes="1", dest=dest)
    assert first.get("msg") is None
    assert first["changed"] is True
    moves = first["plan"]["moves"]
    assert {move["region_id"] for move in moves} == {region for region, leader in there.items() if leader == 1}
    assert first["moves"] > 0
    assert first["complete"] is True
    assert {move["to_peer"] for move in moves} <= {0, 2, 3}
    assert first["plan"]["limits"]["per_table"] == (1 if profile in TABLE_AT_A_TIME else None)
    # Leaders of one table never crowd on one target while another target has none of the drained ones.
    for table_id in {move["table_id"] for move in moves}:
        to = collections.Counter(move["to_peer"] for move in moves if move["table_id"] == table_id)
        held = collections.Counter(leader for region, leader in there.items() if region >> 32 == table_id)
        after = [held[node] + to[node] for node in (0, 2, 3)]
        assert max(after) - min(after) <= max(1, max(held[node] for node in (0, 2, 3)) - min(after))
    # Under writers, the same again is the same plan, and the edited file is taken.
    again = run(lab, strategy="drain", datanodes=[1], dest=dest)
    assert again["changed"] is False
    assert again["plan_id"] == first["plan_id"]
    checked = run(lab, strategy="validate", plan_file=dest)
    assert checked["plan_id"] == first["plan_id"]
    assert lab.requests(mutating=True) == []


def test_an_edited_plan_is_checked_against_the_cluster(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path
) -> None:
    _profile, lab = generation
    there = leaders(lab)
    mine = [region for region, leader in there.items() if leader == 1]
    rows = [
        {"region_id": str(mine[0]), "from_peer": "1", "to_peer": "7"},
        {"region_id": mine[1], "from_peer": 2, "to_peer": 3},
        {"region_id": 42, "from_peer": 1, "to_peer": 2},
    ]
    plan = {"format": 1, "engine": "greptimedb", "moves": rows}
    result = run(lab, strategy="validate", plan=json.dumps(plan))
    assert result["code"] == "greptimedb.plan_invalid"
    assert [problem.partition(" ")[0] for problem in result["details"]["problems"]] == [
        "plan.moves[0]",
        "plan.moves[1]",
        "plan.moves[2]",
    ]


def test_balance_and_table(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    there = leaders(lab)
    balanced = run(lab, strategy="balance", exclude_datanodes="3", tolerance="0")
    kept = {region: leader for region, leader in there.items() if leader != 3}
    for move in balanced["plan"]["moves"]:
        kept[move["region_id"]] = move["to_peer"]
    counts = collections.Counter(kept.values())
    assert max(counts.values()) - min(counts.values()) <= 1
    table = lab.state()["regions"][str(min(there))]["table"]
    brought = run(lab, strategy="table", tables=[table], targets="[0]")
    assert {move["region_id"] for move in brought["plan"]["moves"]} == {
        region for region, leader in leaders(lab, lambda name: name == table).items() if leader != 0
    }


@pytest.mark.parametrize("profile", ["0.9.2", "1.1"])
def test_a_dead_datanode_is_no_target_and_cannot_be_drained(profile: str) -> None:
    with process.start(profile=profile, regions=20, writers=0, factor=3) as lab:
        lab.call("POST", "/nodes/2", {"alive": False})
        end = time.monotonic() + 30
        while True:
            result = run(lab, strategy="drain", datanodes=[2])
            reasons = {one["reason"].partition(" (")[0] for one in result["plan"]["unplaceable"]}
            if reasons == {"datanode 2 is not alive"}:
                break
            assert time.monotonic() < end, result["summary"]
            time.sleep(0.3)
        assert result["moves"] == 0
        assert result["complete"] is False
        other = run(lab, strategy="drain", datanodes=[1])
        assert {move["to_peer"] for move in other["plan"]["moves"]} <= {0, 3}


def test_followers_are_never_targets() -> None:
    with process.start(profile="0.15", regions=24, followers=1, writers=0) as lab:
        state = lab.state()["regions"]
        result = run(lab, strategy="drain", datanodes=[1])
        assert result["moves"] > 0
        for move in result["plan"]["moves"]:
            assert move["to_peer"] not in state[str(move["region_id"])]["followers"]


def test_without_a_frontend_the_oldest_generation_plans_one_schema_and_says_so() -> None:
    with process.start(profile="0.6", regions=60, writers=0) as lab:
        result = run(lab, strategy="drain", datanodes=[1], frontend_host=None, frontend_port=None)
        public = leaders(lab, lambda name: name.startswith("public."))
        assert {move["region_id"] for move in result["plan"]["moves"]} == {
            region for region, leader in public.items() if leader == 1
        }
        assert any("Only the tables of schema public could be listed" in line for line in result["summary"])
