# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""App envs: what is accepted, with which hints, and when replica servers know of it."""

from __future__ import annotations

import pytest

from lab.client import LabClient
from lab.pegasus import flags
from lab.pegasus.profiles import Profile
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import DENY, Side, Silence

HINT = (
    "Invalid deny client args, valid include: timeout*all, timeout*write, timeout*read; reconfig*all, reconfig*write, "
    "reconfig*read"
)


@pytest.mark.parametrize("value", ["reconfig", "deny*write", "reconfig*writes", "reconfig*write*", ""])
def test_deny_values(pegasus_lab: LabFactory, value: str) -> None:
    found = Side(pegasus_lab("2.4")).deny(value)
    assert found == {"err": "ERR_INVALID_PARAMETERS", "hint_message": HINT}


@pytest.mark.parametrize(
    ("profile", "hint", "error", "text"),
    [
        ("2.4", 'app_env "colour" is not supported', "ERR_INVALID_PARAMETERS", "invalid app name"),
        ("2.5", 'app_env "colour" is not supported', "ERR_INVALID_PARAMETERS", "invalid app name"),
        ("2.6", "app_env 'colour' is not supported", "ERR_APP_NOT_EXIST", "app cannot be found"),
    ],
)
def test_hints_by_version(pegasus_lab: LabFactory, profile: str, hint: str, error: str, text: str) -> None:
    side = Side(pegasus_lab(profile))
    unknown = side.env(op=1, keys=["colour"], values=["red"])
    assert unknown == {"err": "ERR_INVALID_PARAMETERS", "hint_message": hint}
    assert side.deny("reconfig*write", "missing") == {"err": error, "hint_message": text}
    assert side.env("missing", op=2, keys=[DENY]) == {"err": error, "hint_message": text}
    mark = side.env(op=1, keys=["duplication.master_cluster"], values=["x"])
    assert (mark["err"] == "ERR_OK") is (profile == "2.6")


def test_delete_and_clear(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.5"))
    keys = ["rocksdb.usage_scenario", "rocksdb.checkpoint.reserve_min_count", "default_ttl"]
    assert side.env(op=1, keys=keys, values=["normal", "3", "100"])["err"] == "ERR_OK"
    assert side.env(op=2, keys=[DENY]) == {"err": "ERR_OK", "hint_message": "no key need to delete"}
    assert side.env(op=2, keys=["default_ttl"])["hint_message"] == "deleted keys:\n    default_ttl"
    assert side.env(op=3, clear_prefix="rocks")["hint_message"] == "no key need to delete"
    assert side.env(op=3, clear_prefix="rocksdb.checkpoint")["err"] == "ERR_OK"
    assert side.app()["envs"] == {"rocksdb.usage_scenario": "normal"}
    assert side.env(op=3, clear_prefix="")["err"] == "ERR_OK"
    assert side.app()["envs"] == {}
    assert side.env(op=1, keys=["default_ttl"], values=[])["err"] == "ERR_INVALID_PARAMETERS"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("10*delay*100,20*reject*0", ""),
        ("10K*delay*100", ""),
        ("10*stop*100", 'stop should be "delay" or "reject"'),
        ("10*delay", "The field count of 10*delay should be 3"),
        ("-1*delay*1", "-1 should be non-negative int"),
    ],
)
def test_throttling_values(pegasus_lab: LabFactory, value: str, hint: str) -> None:
    found = Side(pegasus_lab("2.5")).env(op=1, keys=["replica.write_throttling"], values=[value])
    assert found == {"err": "ERR_INVALID_PARAMETERS" if hint else "ERR_OK", "hint_message": hint}


def _denied(lab: LabClient, table: str = "temp") -> set[str]:
    return {p["deny"] for p in Side(lab).app(table=table)["partitions"].values()}


def test_every_server_learns_at_its_own_tick(pegasus_lab: LabFactory) -> None:
    """Within 30 s, and not at once; deletion travels the same way."""
    lab = pegasus_lab("2.5", factor=10, partitions=10)
    side = Side(lab)
    side.deny("reconfig*write")
    set_at = lab.state()["time"]
    learned: dict[str, float] = {}
    while len(learned) < 5:
        state = lab.state()
        nodes = state["clusters"]["source"]["nodes"]
        for partition in side.app(state)["partitions"].values():
            if partition["deny"] == "reconfig*write":
                learned.setdefault(partition["primary"], nodes[partition["primary"]]["last_config_sync"])
    # What counts is when the servers asked, not when this test did, which may be late.
    assert set_at < max(learned.values()) < set_at + 35
    assert max(learned.values()) - min(learned.values()) > 2
    assert side.put(b"\0\1a") == "ERR_INVALID_STATE"
    side.env(op=2, keys=[DENY])
    assert side.put(b"\0\1a") == "ERR_INVALID_STATE"
    lab.wait_for(lambda state: _denied(lab) == {""})
    assert side.put(b"\0\1a")["error"] == 0


def test_a_shorter_interval_counts_from_the_next_tick_on(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5", factor=20, partitions=10)
    side = Side(lab)
    path = "/updateConfig?config_sync_interval_ms=1000"
    before = {address: node["last_config_sync"] for address, node in lab.state()["clusters"]["source"]["nodes"].items()}
    for node in side.nodes:
        assert side.page(path, node) == (200, {"update_status": "ERR_OK"})
    state = lab.state()
    assert any(n["last_config_sync"] == before[a] for a, n in state["clusters"]["source"]["nodes"].items())
    now = state["time"]
    lab.wait_for(lambda state: state["time"] > now + 31)
    side.deny("reconfig*write")
    now = lab.state()["time"]
    lab.wait_for(lambda state: _denied(lab) == {"reconfig*write"})
    assert lab.state()["time"] - now < 10
    assert [r["request"] for r in lab.requests(mutating=True)][:5] == ["GET %s" % path] * 5


def test_flags_by_version(pegasus_lab: LabFactory) -> None:
    new, old = Side(pegasus_lab("2.5")), Side(pegasus_lab("2.4"))
    shown = new.page("/config?name=config_sync_interval_ms")[1]
    assert (shown["value"], shown["tags"], shown["section"]) == ("30000", "flag_tag::FT_MUTABLE", "replication")
    assert old.page("/config?name=config_sync_interval_ms")[1] == (
        "ERR_OBJECT_NOT_FOUND: config_sync_interval_ms is not found"
    )
    status = old.page("/updateConfig?config_sync_interval_ms=1000")[1]["update_status"]
    assert status == "ERR_OBJECT_NOT_FOUND: config_sync_interval_ms is not found"
    assert old.page("/config?name=max_allowed_write_size")[1]["value"] == "1048576"
    bad = new.page("/updateConfig?config_sync_interval_ms=soon")[1]["update_status"]
    assert bad == "ERR_INVALID_PARAMETERS: soon is invalid"
    fixed = new.page("/updateConfig?group_check_interval_ms=1")[1]["update_status"]
    assert fixed == "ERR_INVALID_PARAMETERS: group_check_interval_ms is not mutable"
    assert new.page("/updateConfig?a=1&b=2")[0] == 400


def test_flags_are_named_without_their_section() -> None:
    """The remote commands of the same purpose have it in their names."""
    for name in ("max_copy_rate_megabytes_per_disk", "max_send_rate_megabytes_per_disk"):
        found = flags.shown(Profile.choose("2.4"), name, flags.defaults()[name])
        assert found is not None and (found["name"], found["section"], found["value"]) == (name, "nfs", "0")
        assert flags.shown(Profile.choose("2.4"), "nfs." + name, "0") is None


def test_a_restarted_server_forgets_its_flags(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5")
    side = Side(lab)
    side.page("/updateConfig?config_sync_interval_ms=1000")
    lab.fault("node_dead", node=side.nodes[0], seconds=5)
    lab.wait_for(lambda state: not state["nodes"][side.nodes[0]]["alive"])
    lab.wait_for(lambda state: state["nodes"][side.nodes[0]]["alive"])
    assert side.page("/config?name=config_sync_interval_ms")[1]["value"] == "30000"


def test_reads_and_silence(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.6"))
    side.sync_quickly()
    assert side.put(b"\0\1a", b"one")["error"] == 0
    for value, put, get in (
        ("reconfig*write", "ERR_INVALID_STATE", b"one"),
        ("reconfig*all", "ERR_INVALID_STATE", "ERR_INVALID_STATE"),
        ("reconfig*read", 0, "ERR_INVALID_STATE"),
        ("timeout*write", None, b"one"),
    ):
        side.deny(value)
        side.lab.wait_for(lambda state, value=value: _denied(side.lab) == {value})  # type: ignore[misc]
        if put is None:
            with pytest.raises(Silence):
                side.put(b"\0\1b", timeout=0.3)
        else:
            answer = side.put(b"\0\1b")
            assert (answer if isinstance(answer, str) else answer["error"]) == put
        answer = side.get(b"\0\1a")
        assert (answer if isinstance(answer, str) else answer["value"]) == get


def test_config_sync_stalled(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.5", partitions=10)
    side = Side(lab)
    lab.fault("config_sync_stalled", node=side.nodes[2])
    side.deny("reconfig*write")
    now = lab.state()["time"]
    state = lab.wait_for(lambda state: state["time"] > now + 65)
    for partition in side.app(state)["partitions"].values():
        assert partition["deny"] == ("" if partition["primary"] == side.nodes[2] else "reconfig*write")
    lab.clear_faults()
    lab.wait_for(lambda state: _denied(lab) == {"reconfig*write"})
