# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at Pegasus clusters of every generation."""

from __future__ import annotations

import socket
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system.pegasus_modules import PROFILES, SMALL, run

# The integration targets try the module each time; this is every corner of it.
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module", params=PROFILES)
def generation(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, LabClient]]:
    with process.start(profile=request.param, table="temp,other", **SMALL) as lab:
        yield request.param, lab


def test_it_tells_what_is_there(generation: tuple[str, LabClient]) -> None:
    profile, lab = generation
    lab.foreign(env={"replica.write_throttling": "9000*delay*1"}, table="other")
    parts = ["nodes", "tables", "partitions", "duplications", "settings"]
    info = run("info", lab, gather=parts)
    assert "msg" not in info, info
    state = lab.state()["clusters"]["source"]
    assert (info["version"], info["meta_level"]) == (state["version"], state["meta_level"])
    assert info["cluster"]["cluster_name"] == state["name"]
    assert info["cluster"]["primary_meta"] == state["meta"]["leader"]
    assert info["behaviour"]["generation"] == profile
    nodes = {node["address"]: (node["alive"], node["version"]) for node in info["nodes"]}
    assert nodes == dict.fromkeys(state["nodes"], (True, state["version"]))
    tables = {table["name"]: table for table in info["tables"]}
    assert set(tables) == set(state["apps"])
    for name, table in tables.items():
        app = state["apps"][name]
        assert (table["app_id"], table["status"], table["envs"]) == (app["id"], app["status"], app["envs"])
        assert {str(one["index"]): one["primary"] for one in table["partitions"]} == {
            index: one["primary"] for index, one in app["partitions"].items()
        }
        assert (table["unhealthy_partitions"], table["duplications"]) == ([], [])
    assert {one["config_sync_interval_ms"] for one in info["settings"].values()} == {
        None if profile == "2.4" else "30000"
    }
    assert info["problems"] == {}
    assert lab.requests(mutating=True) == []


def test_only_what_was_asked_for(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    info = run("info", lab, tables='["other"]', gather="tables")
    assert [table["name"] for table in info["tables"]] == ["other"]
    assert "nodes" not in info
    assert "partitions" not in info["tables"][0]
    missing = run("info", lab, tables="other,Other,nothing")
    assert missing["code"] == "pegasus.app_not_found"
    assert "Other, nothing" in missing["msg"]


def test_progress_is_unknown_where_nobody_tells(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    lab.foreign(table="other", add_duplication={"remote": "onebox-b"})

    def shipping(state: dict[str, t.Any]) -> bool:
        app = state["clusters"]["source"]["apps"]["other"]
        running = [k["status"] for one in app["partitions"].values() for k in one["duplicators"].values()]
        return running == ["DS_LOG"] * 8

    lab.wait_for(shipping, seconds=30)
    progress = run("info", lab, tables="other")["tables"][0]["duplications"][0]["progress"]
    assert (progress["partitions"], progress["running"], progress["unknown"]) == (8, 8, [])
    assert isinstance(progress["backlog"], int)
    lab.fault("partition_missing_in_progress", region_id=3, times=0)
    progress = run("info", lab, tables="other")["tables"][0]["duplications"][0]["progress"]
    lab.clear_faults()
    assert (progress["running"], [one["partition"] for one in progress["unknown"]]) == (7, [3])
    assert (progress["backlog"], progress["largest_backlog"]) == (None, None)


def test_a_dead_server_is_told_and_ends_nothing(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    address = lab.describe["clusters"]["source"]["replicas"][0]
    lab.call("POST", f"/nodes/source/{address}", {"alive": False})
    info = run("info", lab, connect_timeout="1s", rpc_timeout="2s")
    # The meta server does not know yet. Whoever asks the server itself does.
    alive = {node["address"]: (node["alive"], node["version"]) for node in info["nodes"]}[address]
    assert alive == (True, None) or alive[0] is False
    assert not alive[0] or f"node {address}" in info["problems"]
    lab.call("POST", f"/nodes/source/{address}", {"alive": True})


def test_what_is_no_pegasus_is_named(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
        assert run("info", lab, meta_servers=address)["code"] == "pegasus.unreachable"
    control = lab.describe["control"].removeprefix("http://")
    other = run("info", lab, meta_servers=control, rpc_timeout="2s")
    assert other["code"] in ("pegasus.not_pegasus", "pegasus.timeout")
    assert control in other["msg"]
    replica = lab.describe["clusters"]["source"]["replicas"][1]
    assert run("info", lab, meta_servers=replica, rpc_timeout="2s")["code"] == "pegasus.handler_not_found"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "no meta server"),
        ("host", "no port"),
        ("h:1,h:1", "given twice"),
        ("http://h:1", "URL"),
        ("h:99999", "99999"),
    ],
)
def test_wrong_addresses_are_told_before_anybody_is_asked(given: str, words: str) -> None:
    result = run("info", LAB_THAT_IS_NOT_ASKED, meta_servers=given)
    assert words in result["msg"]


class _NoLab:
    describe: t.ClassVar[dict[str, t.Any]] = {"clusters": {"source": {"metas": []}}}


LAB_THAT_IS_NOT_ASKED = t.cast(LabClient, _NoLab())


def test_too_old_a_version_is_named() -> None:
    with process.start(profile="2.3", **SMALL) as lab:
        assert run("info", lab)["code"] == "pegasus.version_too_old"
