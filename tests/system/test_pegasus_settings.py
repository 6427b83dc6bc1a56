# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meta level and app envs against the lab: predicted, sent, read back, in effect, and put back."""

from __future__ import annotations

import json
import pathlib
import signal
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system.pegasus_modules import PROFILES, SMALL, Result, metas, run, sent, start, told

# The integration targets try the module each time; this is every corner of it.
pytestmark = pytest.mark.thorough

DENY = "replica.deny_client_request"
THROTTLE = "replica.write_throttling"
USAGE = "rocksdb.usage_scenario"


@pytest.fixture(scope="module", params=PROFILES)
def generation(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, LabClient]]:
    with process.start(profile=request.param, table="temp,other", **SMALL) as lab:
        yield request.param, lab


@pytest.fixture(scope="module")
def newest() -> t.Iterator[LabClient]:
    with process.start(profile="2.6", table="temp,other", **SMALL) as lab:
        yield lab


def journal(folder: pathlib.Path) -> dict[str, t.Any]:
    return {"journal": str(folder / "journal.jsonl"), "migration_id": "m"}


def kinds(options: t.Mapping[str, t.Any]) -> list[str]:
    lines = pathlib.Path(options["journal"]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["kind"] for line in lines]


def envs(lab: LabClient, table: str = "temp") -> dict[str, str]:
    found: dict[str, str] = lab.state()["clusters"]["source"]["apps"][table]["envs"]
    return found


def level(lab: LabClient) -> str:
    found: str = lab.state()["clusters"]["source"]["meta_level"]
    return found


def four_steps(lab: LabClient, module: str, **options: t.Any) -> Result:
    """Check, run, run again, check again: the prediction is what is sent, and then there is nothing to do."""
    lab.clear_requests()
    predicted = run(module, lab, check=True, **options)
    assert (predicted["changed"], sent(lab)) == (True, []), predicted
    done = run(module, lab, **options)
    assert (done["changed"], sent(lab)) == (True, told(predicted)), done
    assert (done["changes"], done["diff"]) == (predicted["changes"], predicted["diff"])
    lab.clear_requests()
    for check in (False, True):
        again = run(module, lab, check=check, **options)
        assert (again["changed"], again["changes"], sent(lab)) == (False, [], []), again
    return done


def test_meta_level(generation: tuple[str, LabClient], tmp_path: pathlib.Path) -> None:
    _profile, lab = generation
    lab.foreign(meta_level="lively")
    recorded = journal(tmp_path)
    done = four_steps(lab, "meta_level", level="steady", **recorded)
    assert (done["former"], done["level"], level(lab)) == ("lively", "steady", "steady")
    before = kinds(recorded)
    restored = four_steps(lab, "meta_level", restore=True, **recorded)
    assert (restored["restore"]["action"], level(lab)) == ("restore", "lively")
    assert kinds(recorded)[len(before) :] == ["change.intent", "change.outcome", "restore"]


def test_meta_level_of_somebody_else_stays(newest: LabClient, tmp_path: pathlib.Path) -> None:
    lab, recorded = newest, journal(tmp_path)
    lab.foreign(meta_level="lively")
    run("meta_level", lab, level="steady", **recorded)
    lab.foreign(meta_level="freezed")
    lab.clear_requests()
    kept = run("meta_level", lab, restore=True, **recorded)
    assert (kept["changed"], kept["restore"]["action"], level(lab), sent(lab)) == (False, "keep_theirs", "freezed", [])
    lab.foreign(meta_level="steady")


def test_nobody_is_asked_when_there_is_nothing_to_put_back(newest: LabClient, tmp_path: pathlib.Path) -> None:
    result = run("meta_level", newest, meta_servers="127.0.0.1:1", restore=True, **journal(tmp_path))
    assert (result["changed"], result["level"], result["restore"]) == (False, None, None)


def test_app_envs(generation: tuple[str, LabClient], tmp_path: pathlib.Path) -> None:
    _profile, lab = generation
    lab.foreign(table="other", env={THROTTLE: "70*delay*1", USAGE: None})
    original = {table: envs(lab, table) for table in ("temp", "other")}
    recorded: dict[str, t.Any] = {"tables": "temp,other", **journal(tmp_path)}
    wanted = {THROTTLE: "2000*delay*50", USAGE: "prefer_write"}
    done = four_steps(lab, "app_env", envs=json.dumps(wanted), **recorded)
    assert [one["envs"] for one in done["tables"]] == [envs(lab, "temp"), envs(lab, "other")]
    assert envs(lab, "other") == {**original["other"], **wanted}
    assert len(told(done)) == 2
    exact = four_steps(lab, "app_env", envs={}, state="exact", prefix="rocksdb", **recorded)
    assert [text.split()[2] for text in told(exact)] == ["del", "del"]
    assert envs(lab) == {THROTTLE: wanted[THROTTLE]}
    four_steps(lab, "app_env", state="restored", **recorded)
    assert {table: envs(lab, table) for table in ("temp", "other")} == original
    four_steps(lab, "app_env", envs=THROTTLE, state="absent", tables="other")
    assert THROTTLE not in envs(lab, "other")


def test_an_env_of_somebody_else_stays(newest: LabClient, tmp_path: pathlib.Path) -> None:
    lab = newest
    recorded: dict[str, t.Any] = {"tables": "temp", **journal(tmp_path)}
    run("app_env", lab, envs={THROTTLE: "2000*delay*50", USAGE: "prefer_write"}, **recorded)
    lab.foreign(env={THROTTLE: "1*delay*1"})
    restored = run("app_env", lab, state="restored", **recorded)
    actions = {one["resource"].rsplit("/", 1)[-1]: one["action"] for one in restored["restore"]}
    assert actions == {THROTTLE: "keep_theirs", USAGE: "restore"}
    assert envs(lab) == {THROTTLE: "1*delay*1"}
    lab.foreign(env={THROTTLE: None})


def test_an_unknown_env_or_value_gets_the_servers_words(generation: tuple[str, LabClient]) -> None:
    profile, lab = generation
    before = envs(lab)
    unknown = run("app_env", lab, tables="temp", envs={"replica.nonsense": "1", THROTTLE: "2000*delay*50"})
    assert unknown["code"] == "pegasus.invalid_parameters"
    quote = "'" if profile == "2.6" else '"'
    assert f"app_env {quote}replica.nonsense{quote} is not supported" in unknown["server_text"]
    value = run("app_env", lab, tables="temp", envs={THROTTLE: "much"})
    assert (value["code"], value["changed"], value["changes"]) == ("pegasus.invalid_parameters", False, [])
    assert value["server_text"] != "ERR_INVALID_PARAMETERS"
    assert envs(lab) == before


def test_wrong_tables_are_told_at_once(newest: LabClient) -> None:
    newest.clear_requests()
    result = run("app_env", newest, tables=["temp", "no1", "no2"], envs={THROTTLE: "2000*delay*50"})
    assert (result["code"], result["details"]["tables"]) == ("pegasus.app_not_found", ["no1", "no2"])
    deny = run("app_env", newest, tables="temp", envs={DENY: "reconfig"})
    assert (deny["code"], "reconfig*write" in deny["msg"]) == ("option.invalid", True)
    assert sent(newest) == []


@pytest.mark.parametrize("kind", ["reply_lost", "drop_before_apply"])
def test_a_lost_reply_is_found_out_by_reading_back(newest: LabClient, tmp_path: pathlib.Path, kind: str) -> None:
    lab = newest
    lab.clear_requests()
    lab.fault(kind, match="RPC_CM_UPDATE_APP_ENV")
    options: dict[str, t.Any] = {
        "tables": "temp",
        "envs": {THROTTLE: "2000*delay*50"},
        "rpc_timeout": "2s",
        **journal(tmp_path),
    }
    done = run("app_env", lab, **options)
    lab.clear_faults()
    assert (done["changed"], envs(lab).get(THROTTLE)) == (True, "2000*delay*50"), done
    assert len(sent(lab)) == (1 if kind == "reply_lost" else 2)
    run("app_env", lab, **{**options, "state": "restored", "envs": None})
    assert THROTTLE not in envs(lab)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_run_is_put_right_by_the_next(newest: LabClient, tmp_path: pathlib.Path, when: str) -> None:
    lab = newest
    options: dict[str, t.Any] = {"tables": "temp", "envs": {THROTTLE: "2000*delay*50"}, **journal(tmp_path)}
    lab.breakpoint("RPC_CM_UPDATE_APP_ENV", when)
    running = start("app_env", {"meta_servers": metas(lab), **options})
    assert lab.wait_breakpoint(20)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    lab.clear_breakpoints()
    assert (THROTTLE in envs(lab)) is (when == "after")
    restored = run("app_env", lab, **{**options, "state": "restored", "envs": None})
    assert (restored["changed"], THROTTLE in envs(lab)) == (when == "after", False), restored
    assert kinds(options).count("change.outcome") == kinds(options).count("change.intent")


def test_a_value_set_in_the_same_moment_is_left_alone(newest: LabClient, tmp_path: pathlib.Path) -> None:
    lab = newest
    lab.breakpoint("RPC_CM_UPDATE_APP_ENV", "after")
    running = start(
        "app_env",
        {"meta_servers": metas(lab), "tables": "temp", "envs": {THROTTLE: "2000*delay*50"}, **journal(tmp_path)},
    )
    assert lab.wait_breakpoint(20)
    lab.foreign(env={THROTTLE: "1*delay*1"})
    lab.clear_breakpoints()
    out, _err = running.communicate(timeout=60)
    result = json.loads(out[out.index("{") :])
    assert (result["code"], envs(lab)[THROTTLE]) == ("pegasus.setting_contested", "1*delay*1")
    lab.foreign(env={THROTTLE: None})


def deny(lab: LabClient, table: str) -> set[str]:
    return {one["deny"] for one in lab.state()["clusters"]["source"]["apps"][table]["partitions"].values()}


def test_a_fence_is_proved_on_every_primary_without_writing(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path
) -> None:
    _profile, lab = generation
    lab.foreign(add_duplication={"remote": "onebox-b"})
    added = lab.state()["time"]

    def known(state: dict[str, t.Any]) -> bool:
        app = state["clusters"]["source"]["apps"]["temp"]
        if min(node["last_config_sync"] for node in state["clusters"]["source"]["nodes"].values()) <= added:
            return False
        running = [k["status"] for one in app["partitions"].values() for k in one["duplicators"].values()]
        return running == ["DS_LOG"] * 8

    lab.wait_for(known, seconds=40)
    lab.clear_requests()
    options: dict[str, t.Any] = {"tables": "temp", "wait_propagated": True, **journal(tmp_path)}
    fenced = run("app_env", lab, envs={DENY: "reconfig*write"}, **options)
    assert deny(lab, "temp") == {"reconfig*write"}, fenced
    proof = fenced["propagated"][0]
    assert (proof["evidence"], proof["answer"], proof["partitions"]) == ("probe", "denied", 8)
    lifted = run("app_env", lab, state="restored", **options)
    assert deny(lab, "temp") == {""}, lifted
    assert (lifted["propagated"][0]["evidence"], lifted["propagated"][0]["answer"]) == ("probe", "open")
    # Nothing but the two changes: no probe was carried out.
    assert [text.split()[:3] for text in sent(lab)] == [
        ["RPC_CM_UPDATE_APP_ENV", "temp", "set"],
        ["RPC_CM_UPDATE_APP_ENV", "temp", "del"],
    ]
    assert kinds(options).count("proof") == 2


def test_anything_else_is_in_effect_after_one_whole_interval(newest: LabClient) -> None:
    lab = newest
    lab.foreign(config={"config_sync_interval_ms": 2000})
    options: dict[str, t.Any] = {"tables": "other", "wait_propagated": True}
    done = run("app_env", lab, envs={DENY: "timeout*write"}, **options)
    proof = done["propagated"][0]
    assert (proof["evidence"], proof["longest_interval_seconds"], proof["servers"]) == ("config_sync_interval", 2.0, 5)
    assert proof["seconds"] >= 2.0
    assert deny(lab, "other") == {"timeout*write"}
    short = run("app_env", lab, envs=DENY, state="absent", propagation_timeout="1s", **options)
    assert (short["code"], short["changed"], DENY in envs(lab, "other")) == ("deadline.expired", True, False)
    lab.foreign(config={"config_sync_interval_ms": 30000})


def test_a_server_that_does_not_tell_its_interval_is_unknown(newest: LabClient) -> None:
    lab = newest
    address = lab.describe["clusters"]["source"]["replicas"][0]
    lab.fault(
        "error_before", surface="replica-http", match="config_sync_interval_ms", mutating=False, times=0, status=500
    )
    result = run("app_env", lab, tables="other", envs={USAGE: "normal"}, wait_propagated=True, propagation_timeout="5s")
    lab.clear_faults()
    assert (result["code"], result["changed"]) == ("pegasus.propagation_unknown", True), result
    assert address in result["details"]["servers"]
