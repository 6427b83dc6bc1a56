# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the Pegasus engine, and the common ones at its surfaces."""

from __future__ import annotations

import pytest

from lab.client import LabClient, LabError
from lab.pegasus.frames import Header
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import DENY, LOG, Side, Silence, rpc
from lab_tests.support import http


def _duplicating(lab: LabClient) -> tuple[Side, Side]:
    source, target = Side(lab), Side(lab, "target")
    source.duplicate(target)
    source.wait_status(LOG)
    return source, target


def _pass(lab: LabClient, seconds: float) -> None:
    end = lab.state()["time"] + seconds
    lab.wait_for(lambda state: state["time"] > end)


def _write(side: Side, count: int = 5) -> None:
    for number in range(count):
        assert side.put(b"\0\1%d" % number)["error"] == 0


def test_a_lost_answer_was_applied(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    side = Side(lab)
    lab.fault("reply_lost", match="UPDATE_APP_ENV temp set")
    with pytest.raises(Silence):
        side.deny("reconfig*write")
    assert side.app()["envs"] == {DENY: "reconfig*write"}
    (request,) = lab.requests(mutating=True)
    assert request["request"] == "RPC_CM_UPDATE_APP_ENV temp set replica.deny_client_request=reconfig*write"
    assert (request["surface"], request["outcome"]) == ("meta-rpc", "ok; reply lost")


def test_an_error_after_apply(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    side = Side(lab)
    lab.fault("error_5xx_after_apply", match="CONTROL_META blind", code="ERR_BUSY")
    assert side.meta("CONTROL_META", level=200) == "ERR_BUSY"
    assert lab.state()["clusters"]["source"]["meta_level"] == "blind"
    lab.fault("error_before", match="CONTROL_META steady")
    assert side.meta("CONTROL_META", level=400) == "ERR_TIMEOUT"
    assert lab.state()["clusters"]["source"]["meta_level"] == "blind"


def test_texts_of_the_record(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source = Side(lab)
    added = source.duplicate(Side(lab, "target"))
    source.meta("MODIFY_DUPLICATION", app_name="temp", dupid=added["dupid"], fail_mode=1)
    source.meta("MODIFY_DUPLICATION", app_name="temp", dupid=added["dupid"], status=5)
    source.env(op=2, keys=[DENY])
    source.env(op=3, clear_prefix="rocksdb")
    source.meta("RENAME_APP", old_app_name="temp", new_app_name="old")
    source.meta("DROP_APP", app_name="old", options={"reserve_seconds": 60})
    source.meta("RECALL_APP", app_id=2, new_app_name="temp")
    http("http://%s/updateConfig?config_sync_interval_ms=1000" % source.nodes[0])
    assert [(r["surface"], r["request"]) for r in lab.requests(mutating=True)] == [
        ("meta-rpc", "RPC_CM_ADD_DUPLICATION temp to onebox-b"),
        ("meta-rpc", "RPC_CM_MODIFY_DUPLICATION temp %d fail_mode=FAIL_SKIP" % added["dupid"]),
        ("meta-rpc", "RPC_CM_MODIFY_DUPLICATION temp %d status=DS_REMOVED" % added["dupid"]),
        ("meta-rpc", "RPC_CM_UPDATE_APP_ENV temp del replica.deny_client_request"),
        ("meta-rpc", "RPC_CM_UPDATE_APP_ENV temp clear rocksdb"),
        ("meta-rpc", "RPC_CM_RENAME_APP temp old"),
        ("meta-rpc", "RPC_CM_DROP_APP old reserve_seconds=60"),
        ("meta-rpc", "RPC_CM_RECALL_APP 2 temp"),
        ("replica-http", "GET /updateConfig?config_sync_interval_ms=1000"),
    ]


def test_skip_mode_loses(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _duplicating(lab)
    lab.fault("dup_fail_skip")
    assert source.entries()[0]["fail_mode"] == 1
    lab.wait_for(lambda state: source.progress()[0]["fail_mode"] == "FAIL_SKIP")
    _write(source, 40)
    lab.wait_for(lambda state: source.progress()[0]["not_duplicated_mutations_num"] == 0)
    (duplication,) = source.app()["duplications"].values()
    assert duplication["lost"] == 2
    assert target.app()["records"] == source.app()["records"] - 2


def test_stuck_shipping(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _duplicating(lab)
    lab.fault("dup_stuck")
    _write(source)
    _pass(lab, 20)
    progress = source.progress()[0]
    assert (progress["duplicating"], progress["not_duplicated_mutations_num"]) == (True, 5)
    assert target.get(b"\0\x010")["error"] == 1
    lab.clear_faults()
    lab.wait_for(lambda state: source.progress()[0]["not_duplicated_mutations_num"] == 0)


@pytest.mark.parametrize("step", ["DS_PREPARE", "DS_APP"])
def test_stuck_before_the_log(pegasus_lab: LabFactory, step: str) -> None:
    lab = pegasus_lab("2.6")
    source = Side(lab)
    lab.fault("dup_stuck", step=step)
    source.duplicate(Side(lab, "target"))
    _pass(lab, 90)
    (duplication,) = source.app()["duplications"].values()
    assert duplication["status"] == step
    lab.clear_faults()
    source.wait_status(LOG)


def test_stale_progress(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _duplicating(lab)
    source.progress()
    lab.fault("stale_progress")
    lab.fault("dup_stuck")
    _write(source)
    assert source.progress()[0]["not_duplicated_mutations_num"] == 0
    assert target.get(b"\0\x010")["error"] == 1
    lab.clear_faults()
    assert source.progress()[0]["not_duplicated_mutations_num"] <= 5
    lab.wait_for(lambda state: target.get(b"\0\x014")["error"] == 0)


def test_a_lasting_fault_ends_by_itself(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    lab.fault("stale_progress", seconds=20)
    lab.fault("frozen_counter")
    lab.wait_for(lambda state: [f["kind"] for f in lab.faults()] == ["frozen_counter"])


def test_a_partition_is_missing(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, _target = _duplicating(lab)
    lab.fault("partition_missing_in_progress", region_id=2)
    assert sorted(source.progress()) == [0, 1, 3]
    lab.clear_faults()
    assert sorted(source.progress()) == [0, 1, 2, 3]


def test_a_lost_log(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source, target = _duplicating(lab)
    lab.fault("lost_log", region_id=0)
    _write(source)
    _pass(lab, 10)
    assert source.progress()[0]["not_duplicated_mutations_num"] == 5
    lab.foreign(duplication={"fail_mode": "skip"})
    lab.wait_for(lambda state: source.progress()[0]["not_duplicated_mutations_num"] == 0)
    assert target.get(b"\0\x010")["error"] == 1


def test_paused_by_another_operator_after_a_request(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    source, _target = _duplicating(lab)
    lab.fault("dup_paused", match="UPDATE_APP_ENV temp set")
    assert source.entries()[0]["status"] == LOG
    source.deny("reconfig*write")
    assert source.entries()[0]["status"] == 4


def test_primaries_move_in_the_midst(pegasus_lab: LabFactory) -> None:
    """After a request; the new primaries deny what their servers learned to deny."""
    lab = pegasus_lab("2.5", partitions=8)
    side = Side(lab)
    lab.fault("primary_moves", match="UPDATE_APP_ENV temp set", step="all")
    before = side.partitions()
    side.deny("reconfig*write")
    after = side.partitions()
    assert [p["ballot"] for p in after] == [p["ballot"] + 1 for p in before]
    assert all(a["primary"] in b["secondaries"] for a, b in zip(after, before))
    lab.wait_for(lambda state: {p["deny"] for p in side.app(state)["partitions"].values()} == {"reconfig*write"})


def test_a_server_out_of_reach(pegasus_lab: LabFactory) -> None:
    """It goes on with its work, nobody can ask it."""
    lab = pegasus_lab("2.6")
    side = Side(lab)
    for node in (side.nodes[0], side.metas[1]):
        lab.fault("refuse_connections", node=node)
        with pytest.raises(ConnectionRefusedError):
            rpc(node, "RPC_CLI_CLI_CALL", {"cmd": "server-info", "arguments": []})
    synced = lab.state()["nodes"][side.nodes[0]]["last_config_sync"]
    lab.wait_for(lambda state: state["nodes"][side.nodes[0]]["last_config_sync"] > synced)
    lab.clear_faults()
    for node in (side.nodes[0], side.metas[1]):
        assert "2.6" in rpc(node, "RPC_CLI_CLI_CALL", {"cmd": "server-info", "arguments": []})


def test_no_timeout_no_answer(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.6"))
    with pytest.raises(Silence):
        rpc(side.metas[0], "RPC_CM_LIST_NODES", {"status": 0}, Header(timeout=0), timeout=0.3)


def test_frozen_counter(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.4")
    source, _target = _duplicating(lab)
    _pass(lab, 21)
    lab.fault("frozen_counter")
    lab.fault("dup_stuck")
    _write(source, 9)
    _pass(lab, 41)
    primary = source.partitions()[0]["primary"]
    name = "replica*eon.replica_stub*dup.pending_mutations_count"
    assert source.page("/perfCounter?name=" + name, primary)[1]["value"] in ("0.00", "1.00")
    lab.clear_faults()
    lab.fault("dup_stuck")
    lab.wait_for(lambda state: float(source.page("/perfCounter?name=" + name, primary)[1]["value"]) >= 9)


def test_breakpoints_hold_rpcs(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    side = Side(lab)
    lab.breakpoint("UPDATE_APP_ENV", when="before")
    with pytest.raises(Silence):
        rpc(
            side.metas[0],
            "RPC_CM_UPDATE_APP_ENV",
            {"app_name": "temp", "op": 1, "keys": [DENY], "values": ["reconfig*write"]},
            timeout=0.3,
        )
    lab.wait_for(lambda state: lab.requests(mutating=True)[0]["outcome"] == "client gone before apply")
    assert side.app()["envs"] == {}


def test_unknown_things(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    with pytest.raises(LabError, match="is not one of"):
        lab.fault("frontend_restart")
    with pytest.raises(LabError, match="colour: not one of add_duplication, config"):
        lab.foreign(colour="red")
    with pytest.raises(LabError, match="neither source nor target"):
        lab.foreign(cluster="third", meta_level="lively")
    with pytest.raises(LabError, match="table: 'none' is not there"):
        lab.foreign(table="none", env={"a": "b"})
