# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meta servers: who answers, tables, levels, versions."""

from __future__ import annotations

import json
import urllib.request

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import Side, rpc
from lab_tests.support import http

QUERY = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
TEMP = {"app_name": "temp", "partition_indices": []}


def test_only_the_leader_answers(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.6", metas=3))
    assert rpc(side.metas[1], "RPC_CM_LIST_APPS", {"status": 0}) == {"err": "ERR_FORWARD_TO_OTHERS", "infos": []}
    forwarded = rpc(side.metas[2], QUERY, TEMP)
    assert forwarded["err"] == "ERR_FORWARD_TO_OTHERS"
    assert forwarded["partitions"][0]["primary"] == forwarded["partitions"][0]["hp_primary"] == side.metas[0]
    status, body = http("http://%s/meta/cluster" % side.metas[1])  # urllib follows the 307
    assert status == 200 and side.metas[0] in body


def test_the_leader_moves(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5", factor=5)  # each state lasts long enough for a busy machine to see it
    side = Side(lab)
    lab.fault("meta_failover")
    seen = set()
    for _dummy in range(2000):
        found = [rpc(meta, "RPC_CM_LIST_NODES", {"status": 0})["err"] for meta in side.metas]
        seen.update(found)
        if "ERR_OK" in found and found[0] != "ERR_OK":
            break
    assert found == ["ERR_FORWARD_TO_OTHERS", "ERR_OK", "ERR_FORWARD_TO_OTHERS"]
    assert seen == {"ERR_FORWARD_TO_OTHERS", "ERR_SERVICE_NOT_ACTIVE", "ERR_UNDER_RECOVERY", "ERR_OK"}
    assert lab.state()["clusters"]["source"]["meta"]["leader"] == side.metas[1]
    assert lab.state()["clusters"]["target"]["meta"]["leader"] == lab.describe["clusters"]["target"]["metas"][0]


def test_cluster_info(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.4"))
    found = side.meta("CLUSTER_INFO")
    values = dict(zip(found["keys"], found["values"]))
    assert values["cluster_name"] == "onebox-a"
    assert values["meta_servers"] == ",".join(side.metas)
    assert (values["primary_meta_server"], values["meta_function_level"]) == (side.metas[0], "steady")
    assert "cluster_name" not in http("http://%s/meta/cluster" % side.metas[0])[1]


def test_pages_of_every_server_are_plain_text_also_where_they_are_json(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.5"))
    for url in ("%s/meta/cluster" % side.metas[0], "%s/meta/app/duplication?name=temp" % side.metas[0]):
        with urllib.request.urlopen("http://%s" % url, timeout=10) as reply:
            assert reply.headers["content-type"] == "text/plain"
            json.loads(reply.read())
    with urllib.request.urlopen("http://%s/version" % side.nodes[0], timeout=10) as reply:
        assert reply.headers["content-type"] == "text/plain"


def test_configuration_and_replicas_agree(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.4", partitions=8))
    partitions = side.partitions()
    assert [p["pid"] for p in partitions] == [(2, i) for i in range(8)]
    assert not any("hp_primary" in p for p in partitions)
    for partition in partitions:
        infos = rpc(partition["primary"], "RPC_QUERY_REPLICA_INFO", {"node": partition["primary"]})["replicas"]
        own = next(info for info in infos if info["pid"] == partition["pid"])
        assert (own["status"], own["ballot"], own["last_committed_decree"]) == (3, partition["ballot"], 50)
        decree = {"pid": partition["pid"], "node": partition["primary"]}
        assert rpc(partition["primary"], "RPC_QUERY_PN_DECREE", decree) == {"err": "ERR_OK", "last_decree": 50}


def test_tables_come_and_go(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    side = Side(lab)
    options = {"partition_count": 2, "replica_count": 3, "success_if_exist": False, "app_type": "pegasus"}
    made = side.meta("CREATE_APP", app_name="new", options=dict(options, is_stateful=True, envs={}))
    assert made["err"] == "ERR_OK"
    assert side.meta("CREATE_APP", app_name="new", options=options)["err"] == "ERR_APP_EXIST"
    lab.wait_for(lambda state: all(p["primary"] for p in side.app(state, "new")["partitions"].values()))
    assert side.meta("RENAME_APP", old_app_name="new", new_app_name="temp")["err"] == "ERR_INVALID_PARAMETERS"
    assert side.meta("RENAME_APP", old_app_name="new", new_app_name="newer")["err"] == "ERR_OK"
    assert side.meta("DROP_APP", app_name="new", options={"success_if_not_exist": False})["err"] == "ERR_APP_NOT_EXIST"
    assert side.meta("DROP_APP", app_name="newer", options={"reserve_seconds": 1000})["err"] == "ERR_OK"
    assert side.meta("QUERY_PARTITION_CONFIG_BY_INDEX", app_name="newer", partition_indices=[])["err"] == (
        "ERR_OBJECT_NOT_FOUND"
    )
    dropped = next(a for a in side.meta("LIST_APPS", status=0)["infos"] if a["app_name"] == "newer")
    assert dropped["status"] == 6 and dropped["expire_second"] - dropped["drop_second"] == 1000
    back = side.meta("RECALL_APP", app_id=dropped["app_id"], new_app_name="again")
    assert (back["err"], back["info"]["app_name"]) == ("ERR_OK", "again")


def test_levels(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.4", meta_level="lively"))
    assert side.meta("CONTROL_META", level=10000) == {"err": "ERR_OK", "old_level": 500}
    assert side.meta("CONTROL_META", level=300) == {"err": "ERR_OK", "old_level": 500}
    options = {"partition_count": 2, "replica_count": 3}
    assert side.meta("CREATE_APP", app_name="new", options=options)["err"] == "ERR_STATE_FREEZED"
    assert side.meta("CONTROL_META", level=450)["err"] == "ERR_INVALID_PARAMETERS"
    recorded = [(r["request"], r["mutating"]) for r in side.lab.requests() if "CONTROL" in r["request"]]
    assert recorded == [
        ("RPC_CM_CONTROL_META invalid", False),
        ("RPC_CM_CONTROL_META freezed", True),
        ("RPC_CM_CONTROL_META 450", True),
    ]


def test_a_lively_cluster_moves_primaries(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6", meta_level="lively")
    side = Side(lab)

    def ballots() -> list[int]:
        return [p["ballot"] for name in ("stat", "temp") for p in side.partitions(name)]

    before = ballots()
    lab.wait_for(lambda state: sum(ballots()) > sum(before))
    side.meta("CONTROL_META", level=400)
    steady = ballots()
    start = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > start + 70)
    assert ballots() == steady


@pytest.mark.parametrize(
    ("profile", "missing"),
    [
        ("2.4", {"RPC_CM_RENAME_APP", "RPC_CM_LIST_DUPLICATION", "RPC_CM_GET_ATOMIC_IDEMPOTENT"}),
        ("2.5", {"RPC_CM_LIST_DUPLICATION", "RPC_CM_GET_ATOMIC_IDEMPOTENT"}),
        ("2.6", set()),
    ],
)
def test_handlers_by_version(pegasus_lab: LabFactory, profile: str, missing: set[str]) -> None:
    side = Side(pegasus_lab(profile))
    asked = {
        "RPC_CM_RENAME_APP": {"old_app_name": "no", "new_app_name": "x"},
        "RPC_CM_LIST_DUPLICATION": {"app_name_pattern": "", "match_type": 1},
        "RPC_CM_GET_ATOMIC_IDEMPOTENT": {"app_name": "temp"},
        "RPC_CM_GET_MAX_REPLICA_COUNT": {"app_name": "temp"},
    }
    answers = {name: rpc(side.metas[0], name, argument) for name, argument in asked.items()}
    assert {name for name, answer in answers.items() if answer == "ERR_HANDLER_NOT_FOUND"} == missing
    assert side.meta("LIST_APPS", status=1)["infos"][1]["app_name"] == "temp"
    assert ("atomic_idempotent" in side.meta("LIST_APPS", status=1)["infos"][1]) is (profile == "2.6")


def test_split_and_bulk_load(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.4")
    side = Side(lab)
    assert side.meta("QUERY_PARTITION_SPLIT", app_name="temp")["err"] == "ERR_INVALID_STATE"
    idle = side.meta("QUERY_BULK_LOAD_STATUS", app_name="temp")
    assert (idle["err"], idle["app_status"], idle["is_bulk_loading"]) == ("ERR_OK", 0, False)
    lab.foreign(table_fields={"splitting": True, "bulk_loading": True})
    assert side.meta("QUERY_PARTITION_SPLIT", app_name="temp")["new_partition_count"] == 8
    assert side.meta("QUERY_BULK_LOAD_STATUS", app_name="temp")["is_bulk_loading"] is True


def test_a_dead_node(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    side = Side(lab)
    victim = side.partitions()[0]["primary"]
    lab.call("POST", "/nodes/source/%s" % victim, {"alive": False})
    with pytest.raises(ConnectionRefusedError):
        rpc(victim, "RPC_QUERY_REPLICA_INFO", {"node": victim})
    lab.wait_for(lambda state: side.app(state)["partitions"]["0"]["primary"] not in ("", victim))
    status = {n["address"]: n["status"] for n in side.meta("LIST_NODES", status=0)["infos"]}
    assert status[victim] == 2 and sorted(status.values()) == [1, 1, 1, 1, 2]
    assert side.partitions()[0]["last_drops"] == [victim]
    lab.call("POST", "/nodes/source/%s" % victim, {"alive": True})
    lab.wait_for(lambda state: victim in side.app(state)["partitions"]["0"]["secondaries"])


@pytest.mark.parametrize(("access", "error"), [("sasl", "ERR_UNAUTHENTICATED"), ("acl", "ERR_ACL_DENY")])
def test_closed_clusters(pegasus_lab: LabFactory, access: str, error: str) -> None:
    lab = pegasus_lab("2.6")
    lab.config(cluster="source", access=access)
    side = Side(lab)
    assert side.meta("LIST_NODES", status=0) == error
    assert rpc(side.nodes[0], "RPC_QUERY_REPLICA_INFO", {"node": side.nodes[0]}) == error


def test_many_tables(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.6", more_tables=300, partitions=8))
    assert len(side.meta("LIST_APPS", status=1)["infos"]) == 302
    replicas = [rpc(node, "RPC_QUERY_REPLICA_INFO", {"node": node})["replicas"] for node in side.nodes]
    assert sum(len(found) for found in replicas) == 3 * (4 + 301 * 8)
    assert {r["app_type"] for found in replicas for r in found} == {"pegasus"}
