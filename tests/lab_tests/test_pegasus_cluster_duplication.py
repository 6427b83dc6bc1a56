# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Duplication: life cycle, adding twice, what is held back, what stands in its way."""

from __future__ import annotations

import json

import pytest

from lab.client import LabClient
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import APP, LOG, PAUSE, PREPARE, REMOVED, Side, rpc
from lab_tests.support import http


def _sides(lab: LabClient) -> tuple[Side, Side]:
    return Side(lab), Side(lab, "target")


@pytest.mark.parametrize("profile", ["2.4", "2.5", "2.6"])
def test_life_cycle(pegasus_lab: LabFactory, profile: str) -> None:
    """About 40 to 60 s for a small table; the follower is a copy, envs included."""
    lab = pegasus_lab(profile, factor=60)
    source, target = _sides(lab)
    source.env(op=1, keys=["default_ttl"], values=["0"])
    start = lab.state()["time"]
    added = source.duplicate(target)
    assert added["err"] == "ERR_OK" and added["appid"] == 2
    assert ("remote_app_name" in added) is (profile == "2.6")
    seen: list[int] = []
    while not seen or seen[-1] != LOG:
        status = source.entries()[0]["status"]
        if not seen or seen[-1] != status:
            seen.append(status)
        if status == PREPARE:
            assert not any(p["duplicating"] for p in source.progress().values())
    assert seen == [PREPARE, APP, LOG]
    assert 25 < lab.state()["time"] - start < 200
    source.wait_status(LOG)
    envs = target.app()["envs"]
    names = {"master_cluster", "master_metas"} | (
        {"master_app_name", "follower_app_status"} if profile == "2.6" else set()
    )
    assert set(envs) == {"default_ttl", *("duplication." + name for name in names)}
    assert envs["duplication.master_cluster"] == "onebox-a"
    assert envs["duplication.master_metas"] == ",".join(source.metas)
    assert target.app()["records"] == source.app()["records"] == 200
    assert target.app_id() != source.app_id()
    assert source.meta("LIST_APPS", status=1)["infos"][1]["duplicating"] is True
    assert all(p["duplicating"] for p in source.progress().values()) and len(source.progress()) == 4


def test_http_of_the_meta_server(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _sides(lab)
    page = "http://%s/meta/app/duplication?name=" % source.metas[0]
    assert http(page + "temp") == (200, "null")
    assert http(page + "none") == (404, "ERR_APP_NOT_EXIST")
    dupid = source.duplicate(target)["dupid"]
    source.wait_status(LOG)
    found = json.loads(http(page + "temp")[1])
    assert found["appid"] == 2
    assert {k: found["1"][k] for k in ("dupid", "fail_mode", "remote", "status", "remote_app_name")} == {
        "dupid": dupid,
        "fail_mode": "FAIL_SLOW",
        "remote": "onebox-b",
        "status": "DS_LOG",
        "remote_app_name": "temp",
    }
    assert set(found["1"]["partition_states"]) == {"0", "1", "2", "3"}


def test_progress_pages(pegasus_lab: LabFactory) -> None:
    source = Side(pegasus_lab("2.4", partitions=2))
    with_primary = {p["primary"] for p in source.partitions()}
    bare = next(n for n in source.nodes if n not in with_primary)
    assert source.page("/replica/duplication") == (400, "appid should not be empty")
    assert source.page("/replica/duplication?appid=2", bare) == (404, "no primary for app [appid=2]")
    led = source.partitions()[0]["primary"]
    assert source.page("/replica/duplication?appid=2", led) == (404, "no duplication assigned for app [appid=2]")
    assert source.page("/replica/data_version?app_id=2", led)[1]["0"] == {"data_version": "1"}
    assert source.page("/replica/data_version?app_id=77") == (404, "app_id=77 not found")


@pytest.mark.parametrize("profile", ["2.5", "2.6"])
def test_the_last_mutation(pegasus_lab: LabFactory, profile: str) -> None:
    """Until 2.5 it stays behind until another one is written, an empty one if need be, 100 to 200 s later."""
    lab = pegasus_lab(profile)
    source, target = _sides(lab)
    source.duplicate(target)
    source.wait_status(LOG)
    for number in range(3):
        assert source.put(b"\0\1%d" % number)["error"] == 0
    written = lab.state()["time"]
    held = 2 if profile == "2.5" else 3
    lab.wait_for(lambda state: target.get(b"\0\1%d" % (held - 1))["error"] == 0)
    assert target.get(b"\0\1%d" % held)["error"] == 1
    assert source.progress()[0]["not_duplicated_mutations_num"] == 3 - held
    if profile == "2.5":
        lab.wait_for(lambda state: target.get(b"\0\x012")["error"] == 0)
        assert 95 < lab.state()["time"] - written < 400
        assert source.progress()[0]["not_duplicated_mutations_num"] == 1


def test_confirmed_at_duplication_sync(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6", factor=20)
    source, target = _sides(lab)
    source.duplicate(target)
    source.wait_status(LOG)
    lab.wait_for(lambda state: all(not p["not_confirmed_mutations_num"] for p in source.progress().values()))
    for number in range(5):
        source.put(b"\0\1%d" % number)
    lab.wait_for(lambda state: source.progress()[0]["not_duplicated_mutations_num"] == 0)
    lab.wait_for(lambda state: source.progress()[0]["not_confirmed_mutations_num"] == 0)
    states = source.entries()[0]["partition_states"]
    assert states[0]["confirmed_decree"] == source.app()["partitions"]["0"]["decree"] == 55


@pytest.mark.parametrize("profile", ["2.5", "2.6"])
def test_adding_twice(pegasus_lab: LabFactory, profile: str) -> None:
    lab = pegasus_lab(profile)
    source, target = _sides(lab)
    dupid = source.duplicate(target)["dupid"]
    again = source.duplicate(target)
    if profile == "2.5":
        assert (again["err"], again["dupid"]) == ("ERR_OK", dupid)
    else:
        assert again["err"] == "ERR_DUP_EXIST"
    source.wait_status(LOG)
    again = source.duplicate(target)
    if profile == "2.5":
        assert (again["err"], again["appid"], again["dupid"]) == ("ERR_OK", 0, 0)
    else:
        assert again["err"] == "ERR_INVALID_PARAMETERS"
        assert again["hint"] == "start dup[temp(%d)] failed: err = ERR_INVALID_PARAMETERS" % dupid
    assert source.meta("MODIFY_DUPLICATION", app_name="temp", dupid=dupid, status=PAUSE)["err"] == "ERR_OK"
    resumed = source.duplicate(target, is_duplicating_checkpoint=False)
    assert (resumed["err"], source.entries()[0]["status"]) == ("ERR_OK", LOG)
    assert len(source.entries()) == 1


def test_illegal_changes(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    source, target = _sides(lab)
    dupid = source.duplicate(target)["dupid"]

    def modify(**values: int) -> str:
        return str(source.meta("MODIFY_DUPLICATION", **{"app_name": "temp", "dupid": dupid, **values})["err"])

    assert modify(status=PAUSE) == modify(status=LOG) == modify(fail_mode=9) == "ERR_INVALID_PARAMETERS"
    assert modify(dupid=1, status=PAUSE) == "ERR_OBJECT_NOT_FOUND"
    assert modify(fail_mode=1) == "ERR_OK" and source.entries()[0]["fail_mode"] == 1
    source.wait_status(LOG)
    assert modify(status=PREPARE) == "ERR_INVALID_PARAMETERS"
    assert modify(status=PAUSE) == modify(status=LOG) == modify(status=REMOVED) == "ERR_OK"
    assert source.entries() == []
    assert modify(status=LOG) == "ERR_OBJECT_NOT_FOUND"


@pytest.mark.parametrize("profile", ["2.5", "2.6"])
def test_the_target_has_the_table(pegasus_lab: LabFactory, profile: str) -> None:
    lab = pegasus_lab(profile)
    source, target = _sides(lab)
    lab.foreign(cluster="target", create_table={"name": "temp", "partitions": 4})
    source.duplicate(target)
    lab.wait_for(lambda state: any(d["follower_error"] for d in source.app(state)["duplications"].values()))
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 60)
    (duplication,) = source.app()["duplications"].values()
    assert (duplication["status"], duplication["follower_error"]) == ("DS_PREPARE", "ERR_APP_EXIST")
    assert target.app()["records"] == 0


@pytest.mark.parametrize(("profile", "ends"), [("2.5", False), ("2.6", True)])
def test_the_follower_s_creation_times_out(pegasus_lab: LabFactory, profile: str, ends: bool) -> None:
    lab = pegasus_lab(profile)
    source, target = _sides(lab)
    lab.fault("follower_create_times_out")
    source.duplicate(target)
    lab.wait_for(lambda state: "temp" in state["clusters"]["target"]["apps"])
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 60)
    assert (source.entries()[0]["status"] == LOG) is ends


def test_asking_which_clusters_know_each_other(pegasus_lab: LabFactory) -> None:
    """With a table that does not exist; nothing is changed, and the record says so."""
    lab = pegasus_lab("2.6")
    source, target = _sides(lab)

    def ask(side: Side, remote: str) -> tuple[str, str]:
        found = side.meta("ADD_DUPLICATION", app_name="no_such_table", remote_cluster_name=remote)
        return found["err"], found.get("hint", "")

    assert ask(source, "onebox-b") == ("ERR_APP_NOT_EXIST", "")
    assert ask(target, "onebox-b")[1] == "illegal operation: adding duplication to itself"
    assert ask(source, "elsewhere")[1].startswith("get_duplication_cluster_id(elsewhere) failed, error: ")
    lab.config(cluster="source", clusters={})
    assert ask(source, "onebox-b")[1] == "failed to find cluster[onebox-b] address in config [pegasus.clusters]"
    assert lab.requests(mutating=True) == []
    lab.config(cluster="source", duplication_enabled=False)
    assert ask(source, "onebox-b")[0] == "ERR_SERVICE_NOT_ACTIVE"


def test_another_table_name_and_replica_count(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _sides(lab)
    added = source.duplicate(target, remote_app_name="moved", remote_replica_count=1)
    assert (added["remote_app_name"], added["remote_replica_count"]) == ("moved", 1)
    source.wait_status(LOG)
    assert [p["secondaries"] for p in target.partitions("moved")] == [[]] * 4
    lab.foreign(create_table={"name": "other", "partitions": 4})
    refused = source.duplicate(target, "other", remote_app_name="moved")
    assert refused["err"] == "ERR_INVALID_PARAMETERS"
    listed = source.meta("LIST_DUPLICATION", app_name_pattern="tem", match_type=4)["app_states"]
    assert list(listed) == ["temp"] and len(listed["temp"]["duplications"]) == 1


def test_a_single_replica_gets_stuck_until_2_5(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5", replicas=1)
    source, target = _sides(lab)
    source.duplicate(target)
    source.wait_status(APP)
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 60)
    assert [d["follower_error"] for d in source.app()["duplications"].values()] == ["ERR_NOT_ENOUGH_MEMBER"]


def test_a_paused_one_ships_nothing(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _sides(lab)
    source.duplicate(target)
    source.wait_status(LOG)
    lab.foreign(duplication={"status": "pause"})
    lab.wait_for(lambda state: not any(p["duplicating"] for p in source.progress().values()))
    for number in range(5):
        source.put(b"\0\1%d" % number)
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 5)
    assert source.progress()[0]["not_duplicated_mutations_num"] == 5
    lab.foreign(duplication={"status": "log"})
    lab.wait_for(lambda state: target.get(b"\0\x014")["error"] == 0)


def test_a_removed_one_leaves_its_log(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    source, target = _sides(lab)
    dupid = source.duplicate(target)["dupid"]
    source.wait_status(LOG)
    source.put(b"\0\1a")
    source.meta("MODIFY_DUPLICATION", app_name="temp", dupid=dupid, status=REMOVED)
    lab.wait_for(lambda state: source.progress() == {})
    assert target.get(b"\0\1a")["error"] == 1
    lab.wait_for(lambda state: isinstance(source.incr(b"\0\1n"), dict))


def test_an_empty_table_waits_for_empty_writes_until_2_5(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.4", records=0)
    source, target = _sides(lab)
    source.duplicate(target)
    start = lab.state()["time"]
    source.wait_status(LOG)
    assert lab.state()["time"] - start > 130


def test_slow_copies(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6", copy_seconds=100)
    source, target = _sides(lab)
    source.duplicate(target)
    source.wait_status(APP)
    start = lab.state()["time"]
    assert {p["primary"] for p in target.partitions()} == {""}
    source.wait_status(LOG)
    assert 55 < lab.state()["time"] - start < 400


def test_a_moved_primary_ships_again_from_what_was_confirmed(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6", factor=30)
    source, target = _sides(lab)
    source.duplicate(target)
    source.wait_status(LOG)
    before = source.partitions()[0]
    for number in range(5):
        source.put(b"\0\1%d" % number)
    lab.fault("primary_moves")
    after = source.partitions()[0]
    assert after["ballot"] == before["ballot"] + 1 and after["primary"] in before["secondaries"]
    assert before["primary"] in after["secondaries"]
    assert 0 not in source.progress()
    old = rpc(before["primary"], "RPC_QUERY_REPLICA_INFO", {"node": before["primary"]})["replicas"]
    assert next(r["status"] for r in old if r["pid"] == (2, 0)) == 4
    source.wait_status(LOG)
    lab.wait_for(lambda state: source.progress()[0]["not_confirmed_mutations_num"] == 0)
    assert target.get(b"\0\x014")["error"] == 0


@pytest.mark.parametrize("profile", ["2.5", "2.6"])
def test_one_that_is_ready_at_once(pegasus_lab: LabFactory, profile: str) -> None:
    lab = pegasus_lab(profile)
    source, target = _sides(lab)
    lab.foreign(add_duplication={"remote": "onebox-b", "ready": True})
    assert source.entries()[0]["status"] == LOG
    assert sorted(source.progress()) == [0, 1, 2, 3]
    assert all(p["duplicating"] and not p["not_confirmed_mutations_num"] for p in source.progress().values())
    assert source.incr(b"\0\1n") == "ERR_OPERATION_DISABLED"
    assert target.app()["records"] == source.app()["records"]
    for number in range(2):
        source.put(b"\0\1%d" % number)
    lab.wait_for(lambda state: target.get(b"\0\x010")["error"] == 0)
    assert lab.requests(mutating=True) == []
