# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that look, judge and switch maintenance mode, against the lab in all generations."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import subprocess
import sys
import typing as t

import pytest

from lab import process
from lab.client import LabClient

MODULES = "ansible_collections.dbops.migration.plugins.modules.greptimedb_"
COLLECTIONS = pathlib.Path(__file__).resolve().parents[2] / "build" / "collections"
PROFILES = ("0.6", "0.7", "0.8", "0.9.2", "0.9.5", "0.12", "0.15", "0.17", "1.0", "1.1")
NO_LIST_OF_PROCEDURES = ("0.6", "0.7", "0.8")
BOUNDARIES = ("0.6", "0.9.2", "1.1")
"""The generations that differ most; `make test-all` asks every one."""
OWN_IDS_OF_LOGICAL_TABLES = PROFILES[3:]
UNSAFE_LOCAL_WAL = PROFILES[:4]

Run = t.Callable[..., t.Dict[str, t.Any]]


def run(module: str, lab: LabClient, **options: t.Any) -> dict[str, t.Any]:
    """One run of a module as Ansible starts it; lists and mappings as JSON text, as AWX would give them."""
    described = lab.describe
    port = "http_port" if options.get("transport") == "http" else "mysql_port"
    arguments = {
        "frontend_host": described["frontend"]["host"],
        "frontend_port": str(described["frontend"][port]),
        "metasrv_addrs": json.dumps([one["grpc"] for one in described["metasrv"]]),
        "metasrv_http_addrs": json.dumps([one["http"] for one in described["metasrv"]]),
        "datanode_http_addrs": json.dumps({key: one["http"] for key, one in described["datanodes"].items()}),
        **options,
    }
    # A preflight that stands in the way exits with 1 and tells why in its result.
    done = subprocess.run(
        [sys.executable, "-m", MODULES + module],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "{" in done.stdout, done.stdout + done.stderr
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


def accept(*finding_ids: str) -> str:
    return json.dumps([{"id": one, "reason": "known", "expires": "2999-01-01"} for one in finding_ids])


def blockers(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return sorted(
        (one["id"].replace("greptimedb.", ""), one["subject"])
        for one in result["findings"]
        if one["severity"] == "blocker" and not one["accepted"]
    )


def unknowable(profile: str) -> list[str]:
    """What preflight cannot find out in this generation, and what an operator therefore has to accept."""
    found = ["greptimedb.procedures.unknown"] if profile in NO_LIST_OF_PROCEDURES else []
    return [*found, "greptimedb.config.unknown"] if profile == "0.6" else found


@pytest.fixture(
    scope="module",
    params=[pytest.param(one, marks=[] if one in BOUNDARIES else [pytest.mark.thorough]) for one in PROFILES],
)
def generation(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, LabClient]]:
    with process.start(profile=request.param, regions=24, writers=1, factor=4) as lab:
        yield request.param, lab


@pytest.mark.parametrize("transport", ["mysql", "http"])
def test_info_tells_what_is_there(generation: tuple[str, LabClient], transport: str) -> None:
    profile, lab = generation
    lab.clear_requests()
    info = run("info", lab, transport=transport)
    assert info.get("msg") is None, info
    state = lab.state()
    regions = {str(one["region_id"]): one for one in info["regions"]}
    assert {key: (one["leader_peer"], one["table"]) for key, one in regions.items()} == {
        key: (one["leader"], one["table"].replace("greptime.", "")) for key, one in state["regions"].items()
    }
    assert info["versions"]["frontend"] == info["versions"]["metasrv"] == state["version"]
    datanodes = [node for node in info["nodes"] if node["kind"] == "datanode"]
    assert {str(node["id"]): node["alive"] for node in datanodes} == dict.fromkeys(state["nodes"], "yes")
    assert {key: one["regions"] for key, one in info["load"].items()} == {
        key: one["leaders"] for key, one in state["nodes"].items()
    }
    if profile != "0.6":
        assert {one["wal_provider"] for one in info["configs"]} == {"kafka"}
        assert {one["storage_type"] for one in info["configs"]} == {"S3"}
        assert info["maintenance_mode"] is False
    assert info["problems"] == {}
    assert lab.requests(mutating=True) == []
    # A fixed number of requests, but one for each table and the leases of the datanodes in the oldest generation.
    assert profile in ("0.6", "0.7") or len(lab.requests()) < 25


def test_a_healthy_cluster_passes_but_for_what_cannot_be_known(generation: tuple[str, LabClient]) -> None:
    profile, lab = generation
    lab.clear_requests()
    first = run("preflight", lab)
    assert sorted({one for one, _subject in blockers(first)}) == sorted(
        one.replace("greptimedb.", "") for one in unknowable(profile)
    )
    assert first["passed"] is not bool(unknowable(profile))
    assert (first.get("code") == "preflight.blocked") is bool(unknowable(profile))
    second = run("preflight", lab, accept=accept(*unknowable(profile)))
    assert second["passed"], second
    assert second["changed"] is False
    assert lab.requests(mutating=True) == []


def test_everything_wrong_with_a_plan_is_told_at_once(generation: tuple[str, LabClient]) -> None:
    profile, lab = generation
    state = lab.state()
    regions = {int(key): one for key, one in state["regions"].items()}
    first, second, third = sorted(regions)[:3]
    elsewhere = (regions[second]["leader"] + 1) % 4
    target = next(one for one in range(4) if one not in (elsewhere, regions[second]["leader"]))
    there = regions[third]["leader"]
    moves = [
        {"region_id": first, "from_peer": regions[first]["leader"], "to_peer": 77},
        {"region_id": second, "from_peer": elsewhere, "to_peer": target},
        {"region_id": third, "from_peer": (there + 1) % 4, "to_peer": there},
        {"region_id": 999 << 32, "from_peer": 0, "to_peer": 1},
    ]
    expected = [
        ("datanode.unknown", "datanode 77"),
        ("region.leader_elsewhere", f"region {second}"),
        ("region.unknown", f"region {999 << 32}"),
    ]
    logical = next(key for key, one in state["tables"].items() if one["physical"] is not None)
    if profile in OWN_IDS_OF_LOGICAL_TABLES:
        region_id = int(logical) << 32
        moves.append({"region_id": region_id, "from_peer": 0, "to_peer": 1})
        expected.append(("region.logical", f"region {region_id}"))
    result = run("preflight", lab, moves=json.dumps(moves), accept=accept(*unknowable(profile)))
    assert result["code"] == "preflight.blocked"
    assert blockers(result) == sorted(expected)
    assert "region.already_there" in [one["id"].replace("greptimedb.", "") for one in result["findings"]]
    physical = [one for one in result["findings"] if one["id"] == "greptimedb.region.logical"]
    assert all("greptime_physical_table" in one["remedy"] for one in physical)


def test_a_local_wal_is_refused_where_it_loses_rows(generation: tuple[str, LabClient]) -> None:
    profile, lab = generation
    if profile == "0.6":
        pytest.skip("datanodes do not tell their configuration before 0.7.0, which is a blocker already")
    lab.config(all_datanodes={"wal_provider": "raft_engine", "storage_type": "File"})
    try:
        result = run("preflight", lab, accept=accept(*unknowable(profile)), fail_on_blocker="false")
    finally:
        lab.config(all_datanodes={"wal_provider": "kafka", "storage_type": "S3"})
    assert result.get("code") is None
    assert (("wal.local", "cluster") in blockers(result)) is (profile in UNSAFE_LOCAL_WAL)
    assert ("storage.local", "cluster") in blockers(result)


def test_maintenance_mode_in_four_steps_and_back(generation: tuple[str, LabClient], tmp_path: pathlib.Path) -> None:
    profile, lab = generation
    options = {"state": "enabled", "journal": str(tmp_path / "journal.jsonl"), "migration_id": "m"}
    if profile == "0.6":
        assert run("maintenance_mode", lab, **options)["code"] == "greptimedb.no_maintenance_mode"
        return

    def sent() -> list[str]:
        found = [one["request"] for one in lab.requests(mutating=True)]
        lab.clear_requests()
        return found

    sent()
    predicted = run("maintenance_mode", lab, _ansible_check_mode=True, **options)
    assert (predicted["changed"], sent()) == (True, [])
    real = run("maintenance_mode", lab, **options)
    assert real["changes"] == predicted["changes"]
    assert sent() == [real["changes"][0]["request"]]
    assert lab.state()["maintenance"]["enabled"]
    again = run("maintenance_mode", lab, **options)
    checked = run("maintenance_mode", lab, _ansible_check_mode=True, **options)
    assert (again["changed"], checked["changed"], sent()) == (False, False, [])
    assert run("info", lab, gather="metasrv")["maintenance_mode"] is True
    back = run("maintenance_mode", lab, **{**options, "state": "restored"})
    assert (back["changed"], back["enabled"]) == (True, False)
    assert not lab.state()["maintenance"]["enabled"]
    sent()
    assert run("maintenance_mode", lab, **{**options, "state": "restored"})["changed"] is False
    assert sent() == []


def test_a_dead_datanode_is_found_by_its_heartbeat(generation: tuple[str, LabClient]) -> None:
    """Last of its generation: the lab's datanode stays dead."""
    profile, lab = generation
    victim = 3
    region = next(int(key) for key, one in lab.state()["regions"].items() if one["leader"] != victim)
    source = lab.leader(region)
    lab.node(victim, False)
    lab.wait_for(lambda state: not state["nodes"][str(victim)]["leased"])
    move = json.dumps([{"region_id": region, "from_peer": source, "to_peer": victim}])
    result = run("preflight", lab, moves=move, accept=accept(*unknowable(profile), "greptimedb.config.unknown"))
    assert blockers(result) == [("datanode.dead", f"datanode {victim}")]


def test_a_paused_manager_a_follower_and_a_foreign_migration() -> None:
    with process.start(profile="1.1", regions=12, writers=0, factor=2) as lab:
        regions = {int(key): one for key, one in lab.state()["regions"].items()}
        one, two = sorted(regions)[:2]
        target = next(peer for peer in range(4) if peer != regions[one]["leader"])
        lab.foreign(add_follower={"region_id": one, "peer": target})
        lab.config(durations={"open_candidate": 60.0})
        other = next(peer for peer in range(4) if peer != regions[two]["leader"])
        lab.foreign(migrate={"region_id": two, "from_peer": regions[two]["leader"], "to_peer": other})
        lab.wait_for(lambda state: any(p["status"] == "Running" for p in state["procedures"]))
        lab.foreign(procedure_manager="paused")
        moves = [
            {"region_id": one, "from_peer": regions[one]["leader"], "to_peer": target},
            {"region_id": two, "from_peer": regions[two]["leader"], "to_peer": other},
        ]
        assert blockers(run("preflight", lab, moves=json.dumps(moves))) == [
            ("manager.paused", "cluster"),
            ("region.follower_on_target", f"region {one}"),
            ("region.migration_running", f"region {two}"),
        ]
        running = run("info", lab, gather="procedures")
        assert [found["region_ids"] for found in running["procedures"]] == [[two]]


@pytest.mark.parametrize("transport", ["mysql", "http"])
def test_users_and_what_they_may(transport: str) -> None:
    users = {"user": "admin", "password": "correct-horse", "readonly_user": "reader", "readonly_password": "battery"}
    with process.start(profile="1.1", regions=8, writers=0, **users) as lab:
        good = run("preflight", lab, transport=transport, username="admin", password="correct-horse")
        assert good.get("msg", "").startswith("No blocker"), good
        wrong = run("info", lab, transport=transport, username="admin", password="staple-9")
        assert wrong["code"] == "greptimedb.auth_failed"
        assert "username" in wrong["msg"]
        assert "staple-9" not in json.dumps(wrong).replace(json.dumps(wrong.get("invocation")), "")
        reader = {"transport": transport, "username": "reader", "password": "battery"}
        assert len(run("info", lab, **reader)["regions"]) == 8
        assert blockers(run("preflight", lab, **reader)) == [("admin.not_permitted", "cluster")]


def test_a_database_that_does_not_exist() -> None:
    with process.start(profile="1.1", regions=4, writers=0) as lab:
        assert run("info", lab, database="nowhere")["code"] == "greptimedb.unknown_database"


def test_tls_levels() -> None:
    with process.start(profile="1.1", regions=4, writers=0, tls=True) as lab:
        ca = lab.describe["ca_cert"]
        assert "regions" in run("info", lab, tls="require")
        assert "regions" in run("info", lab, tls="prefer")
        assert "regions" in run("info", lab, tls="verify-full", ca_cert=ca)
        untrusted = run("info", lab, tls="verify-ca")
        assert untrusted["code"] == "greptimedb.tls_failed"
    with process.start(profile="1.1", regions=4, writers=0) as lab:
        missing = run("info", lab, tls="require", username="u", password="secret-word")
        assert missing["code"] == "greptimedb.tls_not_offered"
        assert "tls" in missing["msg"]
        assert "regions" in run("info", lab, tls="prefer")


@pytest.mark.parametrize("transport", ["mysql", "http"])
@pytest.mark.parametrize(
    ("profile", "code"),
    [
        ("0.4", "greptimedb.version_too_old"),
        ("standalone", "greptimedb.standalone"),
        ("not-greptimedb", "greptimedb.not_greptimedb"),
    ],
)
def test_servers_that_are_none_of_ours(profile: str, code: str, transport: str) -> None:
    with process.start(profile=profile, regions=4, writers=0) as lab:
        for module in ("info", "preflight"):
            result = run(module, lab, transport=transport)
            assert result["code"] == code, result
            assert result["msg"].endswith(".")


@pytest.mark.parametrize("transport", ["mysql", "http"])
def test_nobody_there_and_the_wrong_port(transport: str) -> None:
    with process.start(profile="1.1", regions=4, writers=0) as lab:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            free = taken.getsockname()[1]
        gone = run("info", lab, transport=transport, frontend_port=free)
        assert gone["code"] == "greptimedb.unreachable"
        assert f"127.0.0.1:{free}" in gone["msg"]
        swapped = lab.describe["frontend"]["http_port" if transport == "mysql" else "mysql_port"]
        other = run("info", lab, transport=transport, frontend_port=swapped, connect_timeout="1s", read_timeout="2s")
        assert other["code"] in ("greptimedb.not_greptimedb", "greptimedb.unreachable")


def test_the_metasrv_alone_is_enough_for_the_oldest_generation(tmp_path: pathlib.Path) -> None:
    with process.start(profile="0.6", regions=8, writers=0, factor=4) as lab:
        info = run("info", lab, frontend_host="", gather="nodes,regions")
        assert info["dialect"]["generation"] == "http"
        assert info["versions"]["frontend"] is None
        assert len(info["regions"]) == 8
        # It need not be the one that leads, if that can be reached from here.
        other = lab.describe["metasrv"][-1]
        alone = {"frontend_host": "", "metasrv_addrs": other["grpc"], "metasrv_http_addrs": other["http"]}
        found = run("preflight", lab, fail_on_blocker=False, **alone)["findings"]
        assert [one["id"] for one in found if ".metasrv.leader_" in one["id"]] == []
        region, leader = info["regions"][0]["region_id"], info["regions"][0]["leader_peer"]
        moves = [{"region_id": region, "from_peer": leader, "to_peer": (leader + 1) % 3}]
        journal = str(tmp_path / "m.jsonl")
        moved = run("region_migration", lab, moves=moves, journal=journal, migration_id="m", timeout="30s", **alone)
        assert moved.get("summary") == "1 of 1 regions moved and proved on their target.", moved


def test_an_upgraded_metasrv_under_an_older_frontend() -> None:
    with process.start(profile="0.9.2", regions=8, writers=0, metasrv_version="0.15.5") as lab:
        info = run("info", lab)
        assert (info["versions"]["frontend"], info["versions"]["metasrv"]) == ("0.9.2", "0.15.5")
        assert info["dialect"]["submit_form"] == "select"
        assert info["dialect"]["maintenance_form"] == "post_path"
        found = [one["id"] for one in run("preflight", lab, fail_on_blocker=False)["findings"]]
        assert "greptimedb.versions.mixed" in found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"moves": '[{"region_id": "abc", "from_peer": 1, "to_peer": 2}]'}, ["region_id", "abc"]),
        ({"moves": '[{"region_id": 4398046511104, "from_peer": 1, "to_peer": 1}]'}, ["datanode 1 to itself"]),
        ({"accept": '[{"id": "x"}]'}, ["reason", "expires"]),
        ({"plan": {"format": 1}, "tables": "cpu"}, ["tables", "plan"]),
        ({"connect_timeout": "5 parsecs"}, ["connect_timeout", "parsecs"]),
        ({"journal": "/dev/null"}, ["/dev/null"]),
        ({"plan_file": "/nowhere/plan.yml"}, ["/nowhere/plan.yml"]),
    ],
)
def test_bad_input_is_told_before_anything_is_contacted(options: dict[str, t.Any], words: list[str]) -> None:
    described = {
        "frontend": {"host": "127.0.0.1", "mysql_port": 1, "http_port": 1},
        "metasrv": [{"grpc": "127.0.0.1:1", "http": "127.0.0.1:1"}],
        "datanodes": {},
    }
    nobody = LabClient.__new__(LabClient)
    nobody.describe = described
    result = run("preflight", nobody, **options)
    assert result["code"] not in ("greptimedb.unreachable", "internal.error"), result
    for word in words:
        assert word in result["msg"]
