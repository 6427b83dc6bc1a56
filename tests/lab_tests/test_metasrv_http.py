# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metasrv's and datanodes' HTTP by version (facts 5, 6)."""

from __future__ import annotations

import json

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, http, meta, migrate, wait_end


@pytest.mark.parametrize(
    ("version", "on_http_port"), [("0.15.4", 404), ("0.15.5", 200), ("0.16.0", 200), ("1.1", 200), ("0.8", 404)]
)
def test_admin_on_the_http_port(shared_lab: LabFactory, version: str, on_http_port: int) -> None:
    lab = shared_lab(version)
    assert meta(lab, "/admin/health") == (200, "OK\n")
    assert meta(lab, "/admin/health", port="http")[0] == on_http_port
    assert meta(lab, "/health", port="http")[0] == 200
    assert meta(lab, "/admin/leader") == (200, lab.describe["metasrv"][0]["grpc"])
    if on_http_port == 200:
        assert meta(lab, "/admin/leader", method="POST", port="http")[0] == 405
    assert meta(lab, "/admin/leader", method="POST")[0] == 200


def test_maintenance_0_7_2(new_lab: LabFactory) -> None:
    lab = new_lab("0.7.2")
    assert meta(lab, "/admin/maintenance") == (200, "Maintenance mode is disabled")
    assert meta(lab, "/admin/maintenance/set?enable=true") == (200, "Maintenance mode enabled")
    assert meta(lab, "/admin/maintenance", number=2) == (200, "Maintenance mode is enabled")


@pytest.mark.parametrize("version", ["0.8", "0.14.4"])
def test_maintenance_as_text(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version)
    assert meta(lab, "/admin/maintenance?enable=true") == (200, "Maintenance mode is disabled")  # GET only reads
    assert meta(lab, "/admin/maintenance?enable=true", "PUT") == (200, "Maintenance mode enabled")
    assert meta(lab, "/admin/maintenance") == (200, "Maintenance mode is enabled")
    assert meta(lab, "/admin/maintenance?enable=false", "PUT") == (200, "Maintenance mode disabled")
    assert meta(lab, "/admin/maintenance?enable=true", "POST")[0] == 500
    assert [r["mutating"] for r in lab.requests() if "PUT" in r["request"]] == [True, True]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_maintenance_0_15_mutates_with_every_method(new_lab: LabFactory, method: str) -> None:
    lab = new_lab("0.15.0")
    assert meta(lab, "/admin/maintenance") == (200, '{"enabled": false}')
    assert meta(lab, "/admin/maintenance?enable=true", method) == (200, '{"enabled": true}')
    assert meta(lab, "/admin/maintenance") == (200, '{"enabled": true}')
    assert [r["mutating"] for r in lab.requests()] == [False, True, False]


@pytest.mark.parametrize("version", ["0.15.5", "0.16.0", "1.1"])
def test_maintenance_paths(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version)
    for port in ("grpc", "http"):
        assert meta(lab, "/admin/maintenance/enable", "POST", port) == (200, '{"enabled": true}')
        assert meta(lab, "/admin/maintenance/status", port=port) == (200, '{"enabled": true}')
        assert meta(lab, "/admin/maintenance/disable", "POST", port) == (200, '{"enabled": false}')
        assert meta(lab, "/admin/maintenance/enable", "GET", port)[0] == (500 if port == "grpc" else 405)
    assert meta(lab, "/admin/maintenance?enable=true", port="http") == (200, '{"enabled": false}')  # a pure read
    assert meta(lab, "/admin/maintenance?enable=true") == (200, '{"enabled": true}')  # the gRPC port's mutates


@pytest.mark.parametrize(("version", "status"), [("0.15.4", 404), ("0.15.5", 200), ("1.1", 200)])
def test_procedure_manager(new_lab: LabFactory, version: str, status: int) -> None:
    lab = new_lab(version)
    found = meta(lab, "/admin/procedure-manager/status")
    assert found == ((200, '{"status": "running"}') if status == 200 else (404, ""))
    assert meta(lab, "/admin/procedure-manager/pause", "POST")[0] == status
    assert lab.state()["procedure_manager"] == ("paused" if status == 200 else "running")


@pytest.mark.parametrize("version", ["0.6", "0.7"])
def test_route(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version)
    for query in ("table_id=1024", "region_id=%d" % (FIRST + 1), "catalog=greptime&schema=public&table=cpu"):
        found = json.loads(meta(lab, "/admin/route?" + query, number=1)[1])
        if version == "0.6":
            assert isinstance(found, str)  # a JSON string that holds JSON
            found = json.loads(found)
        assert found["type"] == "physical"
        assert [r["leader_peer"]["id"] for r in found["region_routes"]] == [0, 1, 2, 3] * 2
        assert found["region_routes"][0]["region"]["id"] == FIRST
        assert "leader_status" not in found["region_routes"][0]
    lab.fault("stuck_downgrading", region_id=FIRST)
    path = "/admin/region-migration?region_id=%d&from_peer_id=0&to_peer_id=1" % FIRST
    assert meta(lab, path)[0] == 200
    lab.wait_for(lambda s: s["regions"][str(FIRST)]["status"] == "DOWNGRADING" and not s["procedures"])
    found = json.loads(meta(lab, "/admin/route?table_id=1024")[1])
    found = json.loads(found) if isinstance(found, str) else found
    assert found["region_routes"][0]["leader_status"] == "Downgraded"


def test_route_is_gone_in_0_8(shared_lab: LabFactory) -> None:
    assert meta(shared_lab("0.8"), "/admin/route?table_id=1024") == (404, "")


def test_route_of_a_logical_table_and_of_none(shared_lab: LabFactory) -> None:
    lab = shared_lab("0.7")
    logical = next(k for k, v in lab.state()["tables"].items() if v["physical"])
    assert json.loads(meta(lab, "/admin/route?table_id=" + logical)[1])["type"] == "logical"
    assert meta(lab, "/admin/route?table_id=4711")[0] == 500


@pytest.mark.parametrize(("version", "needs_cluster"), [("0.12", True), ("0.13.0", False), ("1.1", False)])
def test_node_lease(new_lab: LabFactory, version: str, needs_cluster: bool) -> None:
    lab = new_lab(version)
    if needs_cluster:
        assert meta(lab, "/admin/node-lease")[0] == 500
    path = "/admin/node-lease" + ("?cluster_id=0" if needs_cluster else "")
    found = json.loads(meta(lab, path)[1])
    assert [x["name"]["node_id"] for x in found] == [0, 1, 2, 3]
    assert found[0]["lease"]["node_addr"] == lab.describe["datanodes"]["0"]["addr"]
    lab.node(1, alive=False)
    lab.wait_for(lambda s: not s["nodes"]["1"]["leased"])
    assert [x["name"]["node_id"] for x in json.loads(meta(lab, path)[1])] == [0, 2, 3]


def test_datanode_config(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.config(datanodes={"2": {"bucket": "other", "wal_provider": "raft_engine"}})
    first, third = (http("http://%s/config" % lab.describe["datanodes"][n]["http"])[1] for n in "02")
    assert 'provider = "kafka"\nbroker_endpoints = ["kafka-0.kafka:9092", "kafka-1.kafka:9092"]' in first
    assert 'type = "S3"\nbucket = "greptimedb-lab"\nroot = "cluster-a"' in first
    assert 'provider = "raft_engine"' in third
    assert 'bucket = "other"' in third
    assert not [line for line in first.splitlines() if "secret" in line or "access_key" in line]
    lab.node(2, alive=False)
    with pytest.raises(OSError):
        http("http://%s/config" % lab.describe["datanodes"]["2"]["http"])


def test_datanode_config_since_0_7(shared_lab: LabFactory) -> None:
    lab = shared_lab("0.6")
    assert http("http://%s/config" % lab.describe["datanodes"]["0"]["http"])[0] == 404


def test_migrations_run_in_maintenance_mode_and_failover_does_not(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=40)
    lab.config(region_failover=True)
    lab.foreign(maintenance=True)
    assert wait_end(lab, migrate(lab, FIRST, 0, 1)) == {"status": "Done"}
    lab.node(3, alive=False)
    started = lab.state()["time"]
    lab.wait_for(lambda s: s["time"] > started + 25)
    assert lab.leader(FIRST + 3) == 3
    lab.foreign(maintenance=False)
    lab.wait_for(lambda s: s["nodes"]["3"]["leaders"] == 0 and s["regions"][str(FIRST + 3)]["leader"] != 3)
    lab.wait_for(lambda s: all(r["leader"] != 3 for r in s["regions"].values()))
    assert lab.ledger()["missing"] == 0  # Kafka's log is replayed
    reasons = ask(lab, "SELECT region_migration_trigger_reason FROM greptime_private.events")
    assert ("Failover",) in reasons
