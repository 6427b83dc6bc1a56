# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Duplications against the lab: added once, followed by evidence, stuck ones explained, liars not believed."""

from __future__ import annotations

import json
import pathlib
import signal
import time
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system.pegasus_modules import PROFILES, SMALL, Result, metas, run, sent, start, told

# The integration targets try the module each time; this is every corner of it.
pytestmark = pytest.mark.thorough

# Ten tables, so that tests do not meet; clients write to the first only.
TABLES = ("busy", "a", "b", "c", "d", "e", "f", "g", "h", "i")
QUICK = {"remote_cluster": "onebox-b", "poll_interval": "300ms", "settle_time": "2s"}


@pytest.fixture(scope="module", params=PROFILES)
def generation(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, LabClient]]:
    with process.start(profile=request.param, table=",".join(TABLES), **SMALL) as lab:
        yield request.param, lab


@pytest.fixture(scope="module")
def newest() -> t.Iterator[LabClient]:
    with process.start(profile="2.6", table=",".join(TABLES), **SMALL) as lab:
        yield lab


@pytest.fixture(scope="module")
def older() -> t.Iterator[LabClient]:
    with process.start(profile="2.5", table=",".join(TABLES), **SMALL) as lab:
        yield lab


def journal(folder: pathlib.Path) -> dict[str, t.Any]:
    return {"journal": str(folder / "journal.jsonl"), "migration_id": "m"}


def entries(options: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    lines = pathlib.Path(options["journal"]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def duplicate(lab: LabClient, check: bool = False, **options: t.Any) -> Result:
    return run("duplication", lab, check, **{**QUICK, "target_meta_servers": metas(lab, "target"), **options})


def on_source(lab: LabClient, table: str) -> dict[str, dict[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = lab.state()["clusters"]["source"]["apps"][table]["duplications"]
    return found


def four_steps(lab: LabClient, **options: t.Any) -> Result:
    """Check, run, run again, check again: the prediction is what is sent, and then there is nothing to do."""
    lab.clear_requests()
    predicted = duplicate(lab, check=True, **options)
    assert (predicted["changed"], sent(lab)) == (True, []), predicted
    done = duplicate(lab, **options)
    assert (done.get("finished"), done["changed"], sent(lab)) == (True, True, told(predicted)), done
    assert (done["changes"], done["diff"]) == (predicted["changes"], predicted["diff"])
    before = entries(options)
    lab.clear_requests()
    for check in (False, True):
        again = duplicate(lab, check=check, **options)
        assert (again.get("finished"), again["changed"], again["changes"], sent(lab)) == (True, False, [], []), again
    assert entries(options) == before, "a run that finds everything in order leaves no trace"
    return done


def test_from_nothing_to_caught_up_and_back(generation: tuple[str, LabClient], tmp_path: pathlib.Path) -> None:
    _profile, lab = generation
    options: dict[str, t.Any] = {"tables": "busy, a", **journal(tmp_path)}
    done = four_steps(lab, **options)
    source, target = (lab.state()["clusters"][side]["apps"] for side in ("source", "target"))
    for told_of in done["duplications"]:
        table = told_of["table"]
        (there,) = source[table]["duplications"].values()
        assert (there["status"], there["lost"], told_of["ours"], told_of["done"]) == ("DS_LOG", 0, True, True)
        assert (told_of["running"], told_of["unknown"], told_of["partitions"]) == (8, [], 8)
        assert target[table]["records"] >= source[table]["records"] - there["not_shipped"] - 20
    kinds = [one["kind"] for one in entries(options)]
    assert kinds[:2] == ["journal.opened", "run.started"]
    assert kinds[-2:] == ["proof", "run.finished"]
    four_steps(lab, **{**options, "state": "paused"})
    assert {one["status"] for one in on_source(lab, "busy").values()} == {"DS_PAUSE"}
    resumed = four_steps(lab, **options)
    assert [change["action"] for change in resumed["changes"]] == ["resume", "resume"]
    four_steps(lab, **{**options, "state": "absent"})
    proof = [one["data"] for one in entries(options) if one["kind"] == "proof"][-1]
    assert proof["kind"] == "pegasus.duplication_arrived" and len(proof["items"]) == 16
    assert all(one["confirmed"] >= one["position"] for one in proof["items"])
    assert (on_source(lab, "busy"), on_source(lab, "a")) == ({}, {})


def test_a_duplication_of_somebody_else_stays(generation: tuple[str, LabClient], tmp_path: pathlib.Path) -> None:
    _profile, lab = generation
    lab.foreign(table="b", add_duplication={"remote": "onebox-b"})
    options: dict[str, t.Any] = {"tables": "b", **journal(tmp_path)}
    present = duplicate(lab, **options)
    assert (present["changed"], present["duplications"][0]["ours"]) == (False, False), present
    lab.clear_requests()
    refused = duplicate(lab, **{**options, "state": "absent"})
    assert (refused["code"], sent(lab)) == ("pegasus.dup_not_ours", [])
    forced = duplicate(lab, **{**options, "state": "absent"}, force=True)
    assert (forced["changed"], on_source(lab, "b")) == (True, {})


@pytest.mark.parametrize("kind", ["reply_lost", "drop_before_apply"])
def test_a_lost_reply_is_no_second_duplication(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path, kind: str
) -> None:
    _profile, lab = generation
    table = "c" if kind == "reply_lost" else "d"
    lab.clear_requests()
    lab.fault(kind, match=f"RPC_CM_ADD_DUPLICATION {table} ")
    options: dict[str, t.Any] = {"tables": table, "rpc_timeout": "2s", **journal(tmp_path)}
    done = duplicate(lab, wait=False, **options)
    lab.clear_faults()
    assert (done["changed"], len(on_source(lab, table))) == (True, 1), done
    assert len(sent(lab)) == (1 if kind == "reply_lost" else 2)
    assert done["duplications"][0]["ours"] is True
    duplicate(lab, **{**options, "state": "absent"}, unconfirmed="discard")
    assert on_source(lab, table) == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_was_killed_finds_its_place(newest: LabClient, tmp_path: pathlib.Path, when: str) -> None:
    lab, table = newest, "a" if when == "before" else "b"
    options: dict[str, t.Any] = {"tables": table, **journal(tmp_path)}
    lab.breakpoint(f"RPC_CM_ADD_DUPLICATION {table} ", when)
    running = start("duplication", {"meta_servers": metas(lab), **QUICK, **options})
    assert lab.wait_breakpoint(20)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    lab.clear_breakpoints()
    assert len(on_source(lab, table)) == (1 if when == "after" else 0)
    done = duplicate(lab, **options)
    assert (done["finished"], done["changed"], len(on_source(lab, table))) == (True, when == "before", 1), done
    assert done["duplications"][0]["ours"] is True
    duplicate(lab, **{**options, "state": "absent"})
    assert on_source(lab, table) == {}


def test_a_removal_goes_on_from_call_to_call(generation: tuple[str, LabClient], tmp_path: pathlib.Path) -> None:
    _profile, lab = generation
    options: dict[str, t.Any] = {"tables": "i", **journal(tmp_path)}
    assert duplicate(lab, **options).get("finished")
    lab.clear_requests()
    for _call in range(120):
        predicted = duplicate(lab, check=True, wait=False, **{**options, "state": "absent"})
        assert sent(lab) == []
        result = duplicate(lab, wait=False, **{**options, "state": "absent"})
        assert "code" not in result, result
        if result["changes"]:
            break
        assert predicted["changes"] == [] and predicted["waits"][0]["reason"] == "pegasus.wait.unconfirmed", predicted
        time.sleep(0.3)
    assert (len(sent(lab)), on_source(lab, "i")) == (1, {})
    assert len([one for one in entries(options) if one["kind"] == "duplication.removal_goal"]) <= 1


def test_a_step_that_died_in_its_removal_is_repeated(older: LabClient, tmp_path: pathlib.Path) -> None:
    lab = older
    options: dict[str, t.Any] = {"tables": "d", **journal(tmp_path)}
    assert duplicate(lab, **options).get("finished")
    options.update(state="absent")
    follow = json.dumps(duplicate(lab, step_time="100ms", **options)["follow"])
    lab.breakpoint("RPC_CM_MODIFY_DUPLICATION d ", "after")
    running = start("duplication", {"meta_servers": metas(lab), **QUICK, **options, "follow": follow})
    assert lab.wait_breakpoint(60)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    lab.clear_breakpoints()
    repeated = duplicate(lab, **options, follow=follow)
    assert (repeated.get("finished"), repeated["changed"]) == (True, True), repeated
    assert [change["action"] for change in repeated["changes"]] == ["remove"]


@pytest.mark.parametrize("mode", ["skip", "fast"])
def test_a_mode_that_loses_writes_is_set_when_asked_for(newest: LabClient, tmp_path: pathlib.Path, mode: str) -> None:
    lab, table = newest, "d" if mode == "skip" else "e"
    options: dict[str, t.Any] = {"tables": table, **journal(tmp_path)}
    assert duplicate(lab, **options).get("finished")
    for _call in range(60):
        result = duplicate(lab, fail_mode=mode, wait=False, **options)
        assert "code" not in result, result
        if result["finished"]:
            break
        time.sleep(0.3)
    assert result["finished"] and f"FAIL_{mode.upper()}" in result["summary"]
    assert duplicate(lab, **options).get("code") == ("pegasus.dup_fail_mode" if mode == "skip" else None)


def test_steps_hand_on_what_they_saw(newest: LabClient, tmp_path: pathlib.Path) -> None:
    lab = newest
    options: dict[str, t.Any] = {"tables": "c", "step_time": "500ms", **journal(tmp_path)}
    follow: t.Any = None
    lines = []
    for _step in range(60):
        step = duplicate(lab, **options, follow=json.dumps(follow) if follow else None)
        assert "code" not in step, step
        lines.append(step["line"])
        if step["finished"]:
            break
        follow = step["follow"]
    assert step["finished"]
    assert [change["action"] for change in step["changes"]] == ["add"]
    assert any("DS_PREPARE" in line for line in lines)
    runs = [one["data"]["run_id"] for one in entries(options) if one["kind"] in ("run.started", "run.finished")]
    assert len(runs) == 2 and runs[0] == runs[1]


LIARS = {
    "stale_progress": "progress_frozen",
    "stale_progress,dup_stuck": "progress_frozen",
    "frozen_counter": None,
    "partition_missing_in_progress": "progress_unknown",
    "dup_stuck": "nothing_shipped",
}


LIARS_OF_2_6 = {**LIARS, "stale_progress": None, "stale_progress,dup_stuck": "nothing_shipped"}
"""There the meta server has on record what was shipped, and that counts where its replica servers repeat themselves."""


@pytest.mark.parametrize("kind", sorted(LIARS))
def test_liars_are_not_believed(generation: tuple[str, LabClient], tmp_path: pathlib.Path, kind: str) -> None:
    """Busy tables: what stands still, is missing, or is small but never shipped, is no catching up."""
    profile, lab = generation
    options: dict[str, t.Any] = {"tables": "busy", **journal(tmp_path)}
    if not on_source(lab, "busy") and "busy" in lab.state()["clusters"]["target"]["apps"]:
        lab.foreign(cluster="target", drop_table="busy")
    ready = duplicate(lab, **options)
    assert ready.get("finished"), ready
    for fault in kind.split(","):
        lab.fault(fault, times=0, table="busy", **({"region_id": 3} if kind == "partition_missing_in_progress" else {}))
    result = duplicate(lab, timeout="6s", stable_samples=4, **options)
    lab.clear_faults()
    reason = (LIARS_OF_2_6 if profile == "2.6" else LIARS)[kind]
    if reason is None:
        # The perf counters, for example, which nothing here is based on.
        assert result["finished"]
        return
    assert result["code"] == "deadline.expired", result
    assert result["waits"][0]["reason"] == "pegasus.wait." + reason


@pytest.mark.parametrize(
    ("kind", "code"), [("dup_paused", "pegasus.dup_paused"), ("dup_fail_skip", "pegasus.dup_fail_mode")]
)
def test_what_somebody_else_changes_meanwhile_ends_the_wait(
    newest: LabClient, tmp_path: pathlib.Path, kind: str, code: str
) -> None:
    lab = newest
    assert duplicate(lab, tables="busy")["finished"]
    step = duplicate(lab, tables="busy", step_time="100ms", stable_samples=50)
    lab.fault(kind, table="busy", times=0)
    result = duplicate(lab, tables="busy", stable_samples=50, follow=json.dumps(step["follow"]))
    lab.clear_faults()
    assert result["code"] == code, result
    assert "busy" in result["msg"]
    if kind == "dup_paused":
        assert duplicate(lab, tables="busy")["finished"], "a new run puts it right"
        return
    # What was left out does not come by setting it back, whoever does that.
    written_down = {"tables": "busy", **journal(tmp_path)}
    lab.clear_requests()
    again = duplicate(lab, **written_down)
    assert (again["code"], sent(lab)) == (code, []) and "Start anew" in again["msg"]
    lab.foreign(table="busy", duplication={"fail_mode": "slow"})
    set_back = duplicate(lab, **written_down)
    assert (set_back["code"], sent(lab)) == (code, []), set_back


def test_a_table_of_that_name_on_the_target_is_named_before_and_after(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path
) -> None:
    _profile, lab = generation
    lab.foreign(cluster="target", create_table={"name": "e", "partitions": 8})
    options: dict[str, t.Any] = {"tables": "e", **journal(tmp_path)}
    lab.clear_requests()
    refused = duplicate(lab, **options)
    assert (refused["code"], sent(lab)) == ("pegasus.target_table_exists", [])
    # Without a look at the target it is added, and then it is stuck.
    blind = duplicate(lab, target_meta_servers=None, timeout="3s", **options)
    assert (blind["code"], blind["waits"][0]["reason"]) == ("deadline.expired", "pegasus.wait.checkpoint_preparing")
    stuck = duplicate(lab, **options)
    assert (stuck["code"], stuck["details"]["cause"]) == ("pegasus.dup_stuck", "pegasus.wait.target_table_exists")
    assert "renamed or dropped" in stuck["msg"]
    lab.clear_requests()
    unproved = duplicate(lab, **{**options, "state": "absent"})
    assert (unproved["code"], sent(lab)) == ("pegasus.dup_unconfirmed", [])
    assert duplicate(lab, **{**options, "state": "absent"}, unconfirmed="discard")["finished"]


def test_a_creation_whose_answer_was_lost_is_named(older: LabClient, tmp_path: pathlib.Path) -> None:
    lab = older
    lab.fault("follower_create_times_out", times=0)
    options: dict[str, t.Any] = {"tables": "f", **journal(tmp_path)}
    stuck = duplicate(lab, stuck_after="2s", timeout="30s", **options)
    lab.clear_faults()
    assert stuck["code"] == "pegasus.dup_stuck", stuck
    assert stuck["details"]["cause"] == "pegasus.wait.target_reply_lost"


def test_a_frozen_target_is_waited_for_by_name(newest: LabClient, tmp_path: pathlib.Path) -> None:
    lab = newest
    lab.foreign(cluster="target", meta_level="freezed")
    options: dict[str, t.Any] = {"tables": "g", **journal(tmp_path)}
    late = duplicate(lab, timeout="2s", **options)
    assert (late["code"], late["waits"][0]["reason"]) == ("deadline.expired", "pegasus.wait.target_freezed")
    lab.foreign(cluster="target", meta_level="steady")
    assert duplicate(lab, **options)["finished"]


def test_it_goes_on_through_elections_deaths_and_moves(newest: LabClient, tmp_path: pathlib.Path) -> None:
    lab = newest
    options: dict[str, t.Any] = {"tables": "busy, h", "rpc_timeout": "2s", "connect_timeout": "1s", **journal(tmp_path)}
    follow = duplicate(lab, **options, step_time="200ms")["follow"]
    lab.fault("meta_failover")
    lab.fault("primary_moves", table="busy", step="all")
    address = lab.describe["clusters"]["source"]["replicas"][2]
    lab.fault("node_dead", node=address, seconds=40)
    done = duplicate(lab, **options, timeout="60s", follow=json.dumps(follow))
    assert done.get("finished"), done
    assert [(one["running"], one["unknown"]) for one in done["duplications"]] == [(8, [])] * 2


def test_everything_wrong_is_told_at_once_and_nothing_is_sent(newest: LabClient) -> None:
    lab = newest
    lab.clear_requests()
    result = duplicate(lab, tables="i,no1,no2")
    assert (result["code"], set(result["details"]["tables"])) == ("pegasus.app_not_found", {"no1", "no2"})
    unknown = duplicate(lab, tables="i", remote_cluster="nowhere")
    assert unknown["code"] == "pegasus.invalid_parameters"
    assert "nowhere" in unknown["server_text"]
    same = duplicate(lab, tables="i", target_meta_servers=metas(lab))
    assert (same["code"], "same cluster" in same["msg"]) in (("option.invalid", True), ("input.invalid", True))
    assert on_source(lab, "i") == {}
