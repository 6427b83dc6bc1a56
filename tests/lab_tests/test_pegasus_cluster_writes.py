# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The write path of replica servers, on the source and on a follower; counters of what was shipped."""

from __future__ import annotations

import json

import pytest

from lab.client import LabClient
from lab.pegasus import structs
from lab.pegasus.frames import Header
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import DENY, LOG, Side, rpc

PENDING = "replica*eon.replica_stub*dup.pending_mutations_count"


def _duplicating(lab: LabClient) -> tuple[Side, Side]:
    source, target = Side(lab), Side(lab, "target")
    source.duplicate(target)
    source.wait_status(LOG)
    return source, target


def test_where_a_write_ends(pegasus_lab: LabFactory) -> None:
    """Deny, then size, then non-idempotent, then primary; and what is not here at all comes first."""
    lab = pegasus_lab("2.6")
    side = Side(lab)
    side.sync_quickly()
    partition = side.partitions()[0]
    bare = next(n for n in side.nodes if n != partition["primary"] and n not in partition["secondaries"])
    put = {"key": b"\0\1a", "value": b"v", "expire_ts_seconds": 0}
    header = Header(app_id=2, partition_index=0)

    def write(node: str, rpc_name: str = "PUT", argument: dict[str, object] | None = None) -> object:
        found = rpc(node, "RPC_RRDB_RRDB_" + rpc_name, argument or put, header)
        return found if isinstance(found, str) else found["error"]

    big = dict(put, value=bytes(2 << 20))
    incr = {"key": b"\0\1n", "increment": 1, "expire_ts_seconds": 0}
    assert write(partition["primary"]) == 0
    assert write(partition["secondaries"][0]) == "ERR_INVALID_STATE"
    assert write(bare) == "ERR_OBJECT_NOT_FOUND"
    assert write(partition["primary"], argument=big) == "ERR_INVALID_DATA"
    assert write(partition["primary"], "INCR", incr) == 0
    lab.foreign(add_duplication={"remote": "onebox-b"})
    for node in (partition["primary"], partition["secondaries"][0]):
        lab.wait_for(lambda state, node=node: write(node, "INCR", incr) == "ERR_OPERATION_DISABLED")  # type: ignore[misc]
    side.deny("reconfig*write")
    lab.wait_for(lambda state: {p["deny"] for p in side.app(state)["partitions"].values()} == {"reconfig*write"})
    assert write(partition["primary"], argument=big) == "ERR_INVALID_STATE"
    assert write(partition["primary"], "INCR", incr) == "ERR_INVALID_STATE"


def test_increments_in_the_record(pegasus_lab: LabFactory) -> None:
    """An INCR changes something only if it is applied."""
    lab = pegasus_lab("2.5")
    source = Side(lab)
    assert [source.incr(b"\0\1n")["new_value"] for _dummy in range(2)] == [1, 2]
    source, _target = _duplicating(lab)
    lab.wait_for(lambda state: source.incr(b"\0\1n") == "ERR_OPERATION_DISABLED")
    lab.clear_requests()
    source.incr(b"\0\1n", index=3)
    source.put(b"\0\1a")
    recorded = [(r["request"], r["mutating"], r["outcome"]) for r in lab.requests() if "RRDB" in r["request"]]
    assert recorded == [("RPC_RRDB_RRDB_INCR 2.3", False, "error: ERR_OPERATION_DISABLED")]
    assert source.get(b"\0\1n")["value"] == b"2"


def test_atomic_writes_made_idempotent(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6")
    source = Side(lab)
    assert source.meta("SET_ATOMIC_IDEMPOTENT", app_name="temp", atomic_idempotent=True)["err"] == "ERR_OK"
    source, target = _duplicating(lab)
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 31)
    assert source.incr(b"\0\1n")["new_value"] == 1
    lab.wait_for(lambda state: target.get(b"\0\1n")["value"] == b"1")


def test_a_denying_follower_takes_no_log(pegasus_lab: LabFactory) -> None:
    """Also when it inherited the env from its source, and although it is not in the follower's own way at first."""
    lab = pegasus_lab("2.6")
    source, target = _duplicating(lab)
    target.deny("reconfig*write")
    lab.wait_for(lambda state: {p["deny"] for p in target.app(state)["partitions"].values()} == {"reconfig*write"})
    source.put(b"\0\1a")
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 10)
    assert source.progress()[0]["not_duplicated_mutations_num"] == 1
    assert target.get(b"\0\1a")["error"] == 1
    target.env(op=2, keys=[DENY])
    lab.wait_for(lambda state: target.get(b"\0\1a")["error"] == 0)


def test_a_source_fenced_too_early_poisons_its_follower(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    source, target = Side(lab), Side(lab, "target")
    source.deny("reconfig*write")
    source.duplicate(target)
    source.wait_status(LOG)
    lab.wait_for(lambda state: {p["deny"] for p in target.app(state)["partitions"].values()} == {"reconfig*write"})
    assert target.put(b"\0\1a") == "ERR_INVALID_STATE"


def test_the_newer_value_wins(pegasus_lab: LabFactory) -> None:
    """A mutation that comes late does not overwrite what a client wrote on the target meanwhile."""
    lab = pegasus_lab("2.5")
    source, target = _duplicating(lab)
    source.put(b"\0\1a", b"old")
    assert target.put(b"\0\1a", b"new")["error"] == 0
    source.put(b"\0\1z", b"pushes the one before")
    lab.wait_for(lambda state: target.app(state)["partitions"]["0"]["decree"] >= 52)
    assert target.get(b"\0\1a")["value"] == b"new"


def test_duplicate_requests_of_strangers(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.5"))
    entry = {
        "timestamp": 1 << 60,
        "task_code": "RPC_RRDB_RRDB_PUT",
        "raw_message": structs.encode("update_request", {"key": b"\0\1a", "value": b"far", "expire_ts_seconds": 0}),
        "cluster_id": 2,
        "verify_timetag": True,
    }

    def send(cluster_id: int) -> object:
        argument = {"entries": [dict(entry, cluster_id=cluster_id)]}
        return side._data("DUPLICATE", argument, 0, "temp")

    assert send(1) == {"error": 4, "error_hint": "self-duplicating"}
    assert send(9) == {"error": 4, "error_hint": "request cluster id is unconfigured"}
    assert send(2) == {"error": 0, "error_hint": ""}
    assert side.put(b"\0\1a", b"near")["error"] == 0
    assert side.get(b"\0\1a")["value"] == b"near"
    assert [r["mutating"] for r in side.lab.requests() if "DUPLICATE" in r["request"]] == [True] * 3


def test_scans_and_counts(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.5", records=250))
    everything = {"start_key": b"", "stop_key": b"", "start_inclusive": True, "stop_inclusive": False}
    first = side._data("GET_SCANNER", dict(everything, batch_size=100), 0, "temp")
    assert len(first["kvs"]) == 100 and first["context_id"] > 0
    rest = side._data("SCAN", {"context_id": first["context_id"]}, 0, "temp")
    assert len(rest["kvs"]) == 150 and rest["context_id"] == -1
    counted = side._data("GET_SCANNER", dict(everything, only_return_count=True, full_scan=True), 0, "temp")
    assert (counted["kv_count"], counted["kvs"]) == (250, [])


@pytest.mark.parametrize("profile", ["2.4", "2.6"])
def test_counters(pegasus_lab: LabFactory, profile: str) -> None:
    lab = pegasus_lab(profile)
    source, _target = _duplicating(lab)
    primary = source.partitions()[0]["primary"]

    def command(name: str, *arguments: str) -> str:
        return str(rpc(primary, "RPC_CLI_CLI_CALL", {"cmd": name, "arguments": list(arguments)}))

    if profile == "2.6":
        assert command("perf-counters-by-substr", "dup") == "unknown command 'perf-counters-by-substr'"
        assert json.loads(command("server-info"))["version"] == "2.6.0-SNAPSHOT"
        lab.wait_for(lambda state: "dup_pending_mutations" in json.dumps(source.page("/metrics", primary)[1]))
        entity = source.page("/metrics?attributes=table_id,2,partition_id,0", primary)[1]["entities"]
        assert [e["id"] for e in entity] == ["replica@2.0"]
        assert command("replica.query-progress", "2").startswith("")
        lines = command("replica.query-progress", "2").splitlines()
        assert lines[0].endswith(" processed, 0 not found")
        assert '"remote_cluster_name": "onebox-b"' in lines[1] or len(lines) > 2
        return
    assert command("server-info").startswith("Pegasus Server 2.4.0 (")
    found = json.loads(command("perf-counters-by-substr", "pending_mutations_count"))
    assert [c["name"] for c in found["counters"]] == [PENDING]
    source.put(b"\0\1a")

    def shipped() -> dict[str, int]:
        counters = json.loads(command("perf-counters-by-substr", "dup_shipped_ops@2"))["counters"]
        return {c["name"]: c["value"] for c in counters}

    lab.wait_for(lambda state: "replica*app.pegasus*dup_shipped_ops@2.0" in shipped())
    # An empty write, 10 to 20 s after the last one, is behind for a moment too.
    lab.wait_for(lambda state: source.page("/perfCounter?name=%s" % PENDING, primary)[1]["value"] == "0.00")
    assert source.page("/perfCounter?name=nothing", primary)[1] == {}


@pytest.mark.parametrize("profile", ["2.5", "2.6"])
def test_what_preflight_counts(pegasus_lab: LabFactory, profile: str) -> None:
    """Atomic writes, sizes, room on disks."""
    lab = pegasus_lab(profile)
    side = Side(lab)
    lab.foreign(table_fields={"atomic_rates": {"check_and_set": 2.5}, "sst_mb": 77})
    lab.config(cluster="source", disk_available_mb=1234)
    for _dummy in range(20):
        side.incr(b"\0\1n")
    primary = side.partitions()[0]["primary"]
    if profile == "2.6":

        def metrics() -> dict[str, float]:
            page = side.page("/metrics?types=replica&ids=replica@2.0", primary)[1]
            return {m["name"]: m["value"] for e in page["entities"] for m in e["metrics"]}

        lab.wait_for(lambda state: metrics()["incr_requests"] == 20 and metrics()["rdb_total_sst_size_mb"] == 77)
        assert metrics()["check_and_set_requests"] > 0 and metrics()["check_and_mutate_requests"] == 0
        (disk,) = side.page("/metrics?metrics=disk_capacity_avail_mb", primary)[1]["entities"]
        assert disk["metrics"] == [{"name": "disk_capacity_avail_mb", "value": 1234}]
        return

    def counters() -> dict[str, float]:
        answer = rpc(primary, "RPC_CLI_CLI_CALL", {"cmd": "perf-counters-by-postfix", "arguments": ["@2.0", "(MB)"]})
        return {c["name"].rpartition("*")[2]: c["value"] for c in json.loads(answer)["counters"]}

    lab.wait_for(lambda state: counters()["incr_qps@2.0"] > 0)
    assert counters()["check_and_set_qps@2.0"] == 2.5
    assert counters()["disk.storage.sst(MB)@2.0"] == 77
    assert counters()["disk.available.total(MB)"] == 1234


def test_a_target_that_takes_only_small_writes(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    source, target = _duplicating(lab)
    lab.foreign(cluster="target", config={"max_allowed_write_size": 100})
    for number in range(3):
        source.put(b"\0\1%d" % number, bytes(200))
    now = lab.state()["time"]
    lab.wait_for(lambda state: state["time"] > now + 10)
    assert source.progress()[0]["not_duplicated_mutations_num"] == 3
    assert target.get(b"\0\x010")["error"] == 1
