# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removals that wait until everything has arrived: over several steps and calls, through outages and dead processes."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.duplication_world import (
    Killed,
    Scene,
    World,
)

UNREACHABLE = "pegasus.wait.cluster_unreachable"
NOTHING: t.Dict[str, t.Any] = {"before": {}, "after": {}}


@pytest.fixture(name="scene")
def fixture_scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch, tmp_path)


def actions(result: t.Mapping[str, t.Any]) -> t.List[str]:
    return [change["action"] for change in result["changes"]]


def test_while_it_waits_for_the_arrival_nothing_is_told_to_be_removed(scene: Scene) -> None:
    waiting = scene.step()
    assert (waiting["finished"], waiting["changed"], waiting["changes"]) == (False, False, [])
    assert (waiting["diff"], waiting["follow"]["changes"], waiting["follow"]["diff"]) == (NOTHING, [], NOTHING)
    again = scene.step(waiting["follow"])
    assert (again["changed"], again["changes"]) == (False, [])
    late = scene.call(timeout="30s")
    assert (late["code"], late["changed"], late["changes"]) == ("deadline.expired", False, [])
    assert late["diff"] == NOTHING and scene.world.sent == []
    scene.world.committed += 1
    gone = scene.step(again["follow"])
    assert (gone["finished"], gone["changed"], actions(gone)) == (True, True, ["remove"])
    assert gone["diff"] != NOTHING and scene.world.sent == [{"status": "DS_REMOVED"}]


@pytest.mark.parametrize("dies", [False, True])
def test_a_step_whose_answer_was_lost_knows_its_own_removal(scene: Scene, dies: bool) -> None:
    follow = scene.step()["follow"]
    scene.world.committed += 1
    scene.world.dies = dies
    if dies:
        with pytest.raises(Killed):
            scene.step(follow)
    else:
        scene.step(follow)
    assert scene.world.sent == [{"status": "DS_REMOVED"}] and scene.world.duplication is None
    asked = len(scene.world.asked_left_over)
    repeated = scene.step(follow)
    assert (repeated["finished"], repeated["changed"], actions(repeated)) == (True, True, ["remove"]), repeated
    assert scene.world.asked_left_over[asked:] == [17], "its primaries may not have heard of it"
    assert len(scene.world.sent) == 1
    assert [entry.data["status"] for entry in scene.entries("change.outcome")] == ["done"]
    assert scene.call(state="absent")["changed"] is False


def test_a_removal_of_somebody_else_is_told(scene: Scene) -> None:
    follow = scene.step()["follow"]
    scene.world.duplication = None
    assert scene.step(follow)["code"] == "pegasus.dup_gone"


def test_an_outage_at_the_beginning_of_a_step_is_waited_for(scene: Scene) -> None:
    follow = scene.step()["follow"]
    scene.world.down = MigrationError("pegasus.no_primary_meta", "no meta server is the primary")
    began = scene.clock.steady
    out = scene.step(follow)
    assert (out["finished"], out["changed"], out["waits"][0]["reason"]) == (False, False, UNREACHABLE), out
    assert out["follow"]["tables"]["t"]["goal"] == {"0": 100} and out["follow"]["arriving"] is True
    assert 1 <= scene.clock.steady - began <= 5, "a step that found nothing is no reason for haste"
    scene.world.down = None
    scene.world.committed += 1
    assert actions(scene.step(out["follow"])) == ["remove"]


def test_an_outage_is_not_waited_for_without_end_nor_for_what_is_no_outage(scene: Scene) -> None:
    follow = scene.step()["follow"]
    scene.world.down = MigrationError("pegasus.access_denied", "not you")
    assert scene.step(follow)["code"] == "pegasus.access_denied"
    scene.world.down = MigrationError("pegasus.timeout", "no answer in time")
    assert scene.step()["code"] == "pegasus.timeout", "at the very beginning it is a wrong address"
    scene.clock.sleep(86400)
    late = scene.step(follow)
    assert (late["code"], late["changed"]) == ("deadline.expired", False)
    assert UNREACHABLE in late["msg"]


@pytest.mark.parametrize(("version", "writes"), [("2.4.0", 0), ("2.5.0", 1), ("2.6.0", 1), ("2.6.0", 0)])
def test_calls_that_do_not_wait_come_to_the_removal(scene: Scene, version: str, writes: int) -> None:
    scene.world = World(version, writes)
    if writes or version == "2.6.0":
        assert 0 < scene.until() <= 4
    else:
        assert scene.until(3) == 0, "nobody writes, so the newest mutation stays behind"
        assert len(scene.entries("duplication.removal_goal")) == 1 and len(scene.entries("run.started")) == 1
        scene.world.committed += 1
        assert scene.until() == 1
    assert scene.world.sent == [{"status": "DS_REMOVED"}]


def test_a_prediction_of_a_call_that_does_not_wait_tells_what_is_missing(scene: Scene) -> None:
    predicted = scene.call(check=True, wait=False)
    assert (predicted["finished"], predicted["changes"]) == (True, [])
    assert predicted["waits"][0]["reason"] == "pegasus.wait.unconfirmed"
    assert "nothing yet" in predicted["summary"] and not scene.path.exists()
    assert actions(scene.call(check=True)) == ["remove"], "a run that waits comes to it"
    scene.world.down = MigrationError("pegasus.timeout", "no answer in time")
    assert scene.call(check=True, wait=False)["code"] == "pegasus.timeout"


@pytest.mark.parametrize("how", ["another duplication", "resumed", "too old", "a run that waits", "of another target"])
def test_what_an_earlier_call_waited_for_counts_no_more(scene: Scene, how: str) -> None:
    there = scene.world.duplication
    assert there is not None
    assert scene.call(wait=False)["finished"] is False
    options: t.Dict[str, t.Any] = {"wait": False}
    if how == "another duplication":
        scene.world.duplication = dataclasses.replace(there, dupid=18)
    elif how == "resumed":
        scene.world.duplication = dataclasses.replace(there, status="DS_PAUSE")
        assert actions(scene.call(state="present", wait=False)) == ["resume"]
    elif how == "too old":
        scene.clock.sleep(90000)
    elif how == "a run that waits":
        options = {"timeout": "1s"}
    else:
        scene.world.duplication = dataclasses.replace(there, remote="c")
        options["remote_cluster"] = "c"
    scene.world.committed += 1
    scene.world.sent.clear()
    result = scene.call(**options)
    assert (result["finished"], scene.world.sent) == (False, []), result
    if how == "too old":
        scene.world.committed += 1
        assert actions(scene.call(wait=False)) == ["remove"]


def test_calls_that_do_not_wait_need_a_journal_to_go_on_with(scene: Scene) -> None:
    refused = scene.call(wait=False, journal=None)
    assert refused["code"] == "option.invalid" and scene.world.asked == 0
    for word in ("wait", "state=absent", "unconfirmed=wait", "journal", "wait=true", "unconfirmed=discard"):
        assert word in refused["msg"]
    assert actions(scene.call(wait=False, journal=None, unconfirmed="discard")) == ["remove"]
