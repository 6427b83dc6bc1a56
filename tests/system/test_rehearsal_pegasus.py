# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals of a Pegasus migration against the lab: nothing but the shadow table is touched, and nothing is left."""

from __future__ import annotations

import pathlib
import re
import sys
import typing as t

import pytest
from kazoo.client import KazooClient

from lab import process
from lab.client import LabClient
from system import playbooks as p
from system import rehearsals
from system.pegasus_playbooks import SMALL, apps, levels, mutating, variables, writing_to
from system.rehearsals import entries, measured

# Each has a lab and playbooks of its own, so they may be spread over the workers.
pytestmark = [pytest.mark.cost(90), pytest.mark.thorough]
PREFIX = "dbops_rehearsal_"
DENY = "replica.deny_client_request"
QUIET: dict[str, t.Any] = {**SMALL, "clients": 1, "rate": 10}


def rehearsing(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return variables(lab, folder, pegasus_rehearsal_journal=str(folder / "rehearsal.jsonl"), **more)


def znodes(lab: LabClient) -> list[str]:
    """The tables that MetaProxy's ZooKeeper knows."""
    client = KazooClient(hosts=lab.describe["zookeeper"]["hosts"])
    client.start()
    try:
        return sorted(client.get_children(lab.describe["zookeeper"]["root"]))
    finally:
        client.stop()
        client.close()


def python_without(folder: pathlib.Path, environment: t.Iterable[str]) -> str:
    """A Python for modules that sees nothing of an environment."""
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nunset {" ".join(environment)}\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return str(program)


def nothing_left(lab: LabClient) -> None:
    state = lab.state()
    for side in ("source", "target"):
        there = [name for name, app in apps(lab, side).items() if app["status"] == "AVAILABLE"]
        assert [name for name in there if name.startswith(PREFIX)] == []
        flags = [node["config"]["config_sync_interval_ms"] for node in state["clusters"][side]["nodes"].values()]
        assert set(flags) == {"30000"}
    assert znodes(lab) == ["temp"]
    assert levels(lab) == ["lively", "lively"]


def only_the_shadow_was_touched(lab: LabClient, *more: str) -> None:
    """By the lab's own account: requests that change something, and records that were written from outside.

    ``more``: how requests begin that change a whole cluster for the time of the rehearsal, besides its meta level.
    """
    for text in mutating(lab):
        assert PREFIX in text or text.startswith(("RPC_CM_CONTROL_META", *more)), text
    for side in ("source", "target"):
        for name, app in apps(lab, side).items():
            assert name.startswith(PREFIX) or (app["outside_writes"], app["envs"], app["duplications"]) == (0, {}, {})
    # A lively cluster moves a primary now and then, which refuses clients for a moment, but not as a fence does.
    assert "ERR_OPERATION_DISABLED" not in lab.ledger()["errors"]
    writing_to(lab, "source")


def test_whole_rehearsal_check_run_and_the_real_forecast(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=6, **QUIET) as lab:
        given = rehearsing(lab, tmp_path)
        preview = p.play("pegasus_rehearse", given, tmp_path, "--check", "--diff").succeed()
        assert mutating(lab) == []
        assert znodes(lab) == ["temp"]
        assert not (tmp_path / "rehearsal.jsonl").exists()
        assert f'"pegasus:onebox-a/table/{PREFIX}' in preview.output

        stops, environment = rehearsals.stopped("pegasus", tmp_path)
        # What a credential brings is in the environment of the controller only, and the modules run on another host.
        environment["PEGASUS_ZOOKEEPER_HOSTS"] = given.pop("pegasus_zookeeper_hosts")
        environment["PEGASUS_ZOOKEEPER_ROOT"] = given.pop("pegasus_zookeeper_root")
        far = {"ansible_python_interpreter": python_without(tmp_path, environment)}
        p.play("pegasus_rehearse", {**given, **stops, **far}, tmp_path, **environment).succeed()
        rehearsals.nobody_was_asked(tmp_path)
        nothing_left(lab)
        only_the_shadow_was_touched(lab)
        name = measured(tmp_path)["table"]
        kinds = [re.sub(r" \d+ ", " N ", text.replace(name, "SHADOW")) for text in mutating(lab)]
        assert kinds == [
            "RPC_CM_CREATE_APP SHADOW partitions=8 replicas=3",
            "RPC_CM_CONTROL_META steady",
            "RPC_CM_CONTROL_META steady",
            "RPC_CM_ADD_DUPLICATION SHADOW to onebox-b",
            # The intervals are kept, so the propagation is measured once by itself.
            f"RPC_CM_UPDATE_APP_ENV SHADOW set {DENY}=reconfig*write",
            f"RPC_CM_UPDATE_APP_ENV SHADOW del {DENY}",
            f"RPC_CM_UPDATE_APP_ENV SHADOW set {DENY}=reconfig*write",
            f"RPC_CM_UPDATE_APP_ENV SHADOW set {DENY}=reconfig*all",
            "RPC_CM_MODIFY_DUPLICATION SHADOW N status=DS_REMOVED",
            "RPC_CM_DROP_APP SHADOW reserve_seconds=60",
            "RPC_CM_DROP_APP SHADOW reserve_seconds=60",
            "RPC_CM_CONTROL_META lively",
            "RPC_CM_CONTROL_META lively",
        ]
        found = measured(tmp_path)
        # Those with a primary of the shadow table, which is seldom all five.
        assert found["propagation"]["servers"] > 1
        # The lab runs six times as fast as the clock that measures, and its interval is 30 s.
        assert 3.0 < found["propagation"]["longest"] < 30.0
        assert found["phases"]["switch"] > 0
        assert all(route["refused"] > 0 and route["noticed"] is not None for route in found["routes"].values())


def test_killed_in_the_middle_and_run_again(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.5", factor=6, **QUIET) as lab:
        given = rehearsing(lab, tmp_path, pegasus_last_mutation="accept", pegasus_config_sync_interval="1s")

        def shadow() -> dict[str, t.Any]:
            found = [app for name, app in apps(lab, "source").items() if name.startswith(PREFIX) and "#" not in name]
            return dict(found[-1]) if found else {}

        def made() -> bool:
            return bool(shadow())

        def duplicated() -> bool:
            return any(one["status"] == "DS_LOG" for one in shadow().get("duplications", {}).values())

        def fenced() -> bool:
            return bool(shadow().get("envs", {}).get(DENY) == "reconfig*write")

        for moment in (made, duplicated, fenced):
            p.play_until("pegasus_rehearse", given, tmp_path, moment, seconds=280)
            if moment is duplicated:
                p.play("pegasus_rollback", given, tmp_path).succeed()
                nothing_left(lab)
        p.play("pegasus_rehearse", given, tmp_path).succeed()
        nothing_left(lab)
        only_the_shadow_was_touched(lab, "GET /updateConfig?config_sync_interval_ms=")  # it was asked for
        tables = [one["data"]["table"] for one in entries(tmp_path) if one["kind"] == "rehearsal.started"]
        cleared = [one["data"]["table"] for one in entries(tmp_path) if one["kind"] == "rehearsal.cleared"]
        assert tables == cleared
        assert len(set(tables)) == 4


def test_a_table_of_others_is_left_alone(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=6, **QUIET) as lab:
        given = rehearsing(lab, tmp_path, pegasus_rehearsal_table="dbops_rehearsal_mine")
        lab.foreign(cluster="target", create_table={"name": "dbops_rehearsal_mine"})
        refused = p.play("pegasus_rehearse", given, tmp_path)
        assert refused.failures[0]["code"] == "pegasus.rehearsal_name_taken"
        assert mutating(lab) == []
        assert "dbops_rehearsal_mine" in apps(lab, "target")
        wrong = p.play("pegasus_rehearse", {**given, "pegasus_rehearsal_table": "orders"}, tmp_path)
        assert "does not begin with dbops_rehearsal_" in wrong.failures[0]["msg"]
