# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several tables of which people let so many be copied at a time: counted at the server, over steps, kills and runs."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import ProgressView, judge
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.duplication_world import (
    NODE,
    Killed,
    Scene,
    World,
)

TABLES = ["a", "b", "c", "d", "e"]


class Many(World):
    """Tables whose copies end when ``copied`` says so. ``log``: what was added, in order, and what was copied then.

    ``dies_at``: the table with whose addition the process dies; the server has carried it out.
    """

    def __init__(self) -> None:
        super().__init__("2.6.0")
        self.there: t.Dict[str, model.Duplication] = {}
        self.most = 0
        self.log: t.List[str] = []
        self.resumed: t.List[str] = []
        self.dies_at = ""
        self.refuses: t.Dict[str, MigrationError] = {}

    @property
    def copying(self) -> t.List[str]:
        return [table for table, one in self.there.items() if one.status != "DS_LOG"]

    def copied(self, *tables: str) -> None:
        for table in tables:
            self.there[table] = dataclasses.replace(self.there[table], status="DS_LOG")

    def duplications(self, table: str) -> t.Tuple[model.Duplication, ...]:
        self._answer()
        return (self.there[table],) if table in self.there else ()

    def add_duplication(self, _name: str, remote: str, **fields: t.Any) -> model.AddedDuplication:
        if _name in self.refuses:
            raise self.refuses[_name]
        dupid = 100 + len(self.there)
        self.there[_name] = model.Duplication(dupid, "DS_INIT", remote, 4_000_000_000_000)
        self.log.append(_name)
        self.most = max(self.most, len(self.copying))
        if _name == self.dies_at:
            raise Killed
        return model.AddedDuplication(2, dupid)

    def modify_duplication(self, _name: str, _dupid: int, **fields: t.Any) -> None:
        self.resumed.append(_name)
        self.copied(_name)

    def progress(self, table: str, dupid: int, *, with_decrees: bool) -> ProgressView:
        self._answer()
        config = model.TableConfig(2, 1, (model.Partition(0, 5, 3, NODE, (), 0),))
        info = model.ReplicaInfo(0, 2, 5, "PRIMARY", 100, 100, 0, NODE)
        told = model.PartitionProgress(0, NODE, True, 0, 0, "FAIL_SLOW", dupid)
        infos: t.Any = model.Answers({NODE: (info,)})
        reports: t.Any = model.Answers({NODE: (told,)})
        said = da.Said(config, infos, reports, infos)
        return judge(said.config, dupid, said.progress, said.before if with_decrees else None)


class Run:
    """One run over its steps."""

    def __init__(self, scene: Scene, tables: t.Sequence[str] = TABLES) -> None:
        self._scene = scene
        self._tables = list(tables)
        self.follow: t.Any = None
        self.events: t.List[str] = []

    def call(self, **options: t.Any) -> t.Dict[str, t.Any]:
        given: t.Dict[str, t.Any] = {
            "state": "present", "tables": self._tables, "unconfirmed": None, "force": False, "stable_samples": 2,
            **options,
        }  # fmt: skip
        return self._scene.call(**given)

    def step(self) -> t.Dict[str, t.Any]:
        result = self.call(step_time="5s", follow=self.follow)
        self.follow = result.get("follow")
        self.events += result["events"]
        return result


@pytest.fixture(name="scene")
def fixture_scene(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Scene:
    scene = Scene(monkeypatch, tmp_path)
    scene.world = Many()
    monkeypatch.setattr(duplication, "Clusters", lambda *_given: scene.world)
    return scene


@pytest.fixture(name="world")
def fixture_world(scene: Scene) -> Many:
    assert isinstance(scene.world, Many)
    return scene.world


def say(scene: Scene, text: t.Optional[str]) -> None:
    control = pathlib.Path(f"{scene.path}.control")
    if text is None:
        control.unlink()
        return
    control.write_text(text)
    os.utime(control, times=(scene.clock.wall.timestamp() - 60,) * 2)


def acknowledged(scene: Scene) -> t.List[t.Tuple[str, str]]:
    return [(one.data["wish"], one.data["effect"]) for one in scene.entries("control")]


def reasons(result: t.Mapping[str, t.Any]) -> t.Dict[str, int]:
    return {one["reason"]: one["count"] for one in result["waits"]}


def test_without_a_limit_all_are_added_at_once(scene: Scene, world: Many) -> None:
    Run(scene).step()
    assert (world.log, world.most) == (TABLES, 5)


def test_so_many_are_copied_at_a_time_and_the_next_begins_when_one_ships(scene: Scene, world: Many) -> None:
    say(scene, "limits tables=2")
    run = Run(scene)
    predicted = run.call(check=True)
    first = run.step()
    assert "limits tables=2 (from now on at most 2 tables are copied at a time" in run.events[0]
    assert world.log == ["a", "b"]
    assert reasons(first)["pegasus.wait.turn"] == 3
    (wait,) = [one for one in first["waits"] if one["reason"] == "pegasus.wait.turn"]
    assert "the turn of c, as 2 tables are being copied and the limit is 2 (and 2 more tables)" in wait["waiting_for"]
    assert "c: no duplication, turn" in first["line"]
    run.step()
    assert world.log == ["a", "b"]
    world.copied("b")
    run.step()
    assert world.log == ["a", "b", "c"]
    world.copied("a", "c")
    run.step()
    assert (world.log, world.most) == (TABLES, 2)
    world.copied("d", "e")
    result = run.step()
    while not result["finished"]:
        result = run.step()
    assert result["changes"] == predicted["changes"], "check mode tells all of it, in this order"
    assert acknowledged(scene) == [("limits tables=2", "taken")]

    again = Run(scene)
    assert again.call(check=True)["changes"] == []
    second = again.step()
    while not second["finished"]:
        second = again.step()
    assert (second["changed"], again.events) == (False, [])
    assert len(scene.entries("change.intent")) == 5


def test_a_limit_can_be_raised_lowered_and_taken_away_while_it_runs(scene: Scene, world: Many) -> None:
    say(scene, "limits tables=1")
    run = Run(scene)
    run.step()
    assert world.log == ["a"]
    say(scene, "limits tables=3")
    run.step()
    assert world.log == ["a", "b", "c"]
    say(scene, "limits tables=1")
    run.step()
    world.copied("a", "b")
    run.step()
    assert world.log == ["a", "b", "c"], "what was begun goes on, and counts"
    say(scene, None)
    run.step()
    assert world.log == TABLES
    assert [wish for wish, _effect in acknowledged(scene)] == [
        "limits tables=1", "limits tables=3", "limits tables=1", "none",
    ]  # fmt: skip
    assert "any number of tables" in run.events[-3]


@pytest.mark.parametrize("line", ["limits per_source=1", "limits tables=9 global=1"])
def test_what_is_no_limit_here_is_refused_in_one_sentence_and_changes_nothing(
    scene: Scene, world: Many, line: str
) -> None:
    say(scene, "limits tables=2")
    run = Run(scene)
    run.step()
    say(scene, line)
    result = run.step()
    assert not result.get("failed") and world.log == ["a", "b"]
    assert run.events[-1].endswith("Pegasus has no such limit, so nothing is changed; write limits tables=2)")
    world.copied("a")
    run.step()
    assert world.log == ["a", "b", "c"], "the limit that was taken before holds, also in later steps"
    assert acknowledged(scene)[-1][1] == "not_applicable"


def test_tables_that_wait_for_their_turn_are_not_begun_during_a_pause(scene: Scene, world: Many) -> None:
    say(scene, "limits tables=2")
    run = Run(scene)
    run.step()
    world.copied("a", "b")
    say(scene, "pause\nlimits tables=2")
    result = run.step()
    assert world.log == ["a", "b"] and reasons(result)["control.paused"] == 3
    assert result["finished"] is False
    say(scene, "limits tables=2")
    run.step()
    assert world.log == ["a", "b", "c", "d"]


def test_a_run_that_was_killed_finds_its_own_and_goes_on_within_the_limit(scene: Scene, world: Many) -> None:
    say(scene, "limits tables=2")
    world.dies_at = "b"
    with pytest.raises(Killed):
        Run(scene).step()
    assert world.log == ["a", "b"]
    run = Run(scene)
    run.step()
    assert world.log == ["a", "b"], "both are counted, also the one whose reply nobody heard"
    assert any("b: duplication 101 of an earlier run found" in event for event in run.events)
    world.copied("a", "b")
    run.step()
    assert (world.log, world.most) == (["a", "b", "c", "d"], 2)


def test_what_somebody_else_copies_meanwhile_counts_and_resumptions_wait_for_nothing(scene: Scene, world: Many) -> None:
    world.there["c"] = model.Duplication(7, "DS_APP", "b", 1)
    world.there["e"] = model.Duplication(8, "DS_PAUSE", "b", 1)
    say(scene, "limits tables=2")
    run = Run(scene)
    predicted = run.call(check=True)
    result = run.step()
    assert (world.log, world.resumed) == (["a"], ["e"])
    assert result["changes"] == predicted["changes"][:2]
    world.copied("c")
    run.step()
    assert world.log == ["a", "b"]


def test_a_table_that_cannot_be_begun_when_its_turn_comes_ends_the_run_with_its_own_error(
    scene: Scene, world: Many
) -> None:
    say(scene, "limits tables=1")
    run = Run(scene, ["a", "b"])
    run.step()
    world.copied("a")
    world.there["b"] = model.Duplication(9, "DS_LOG", "b", 1, remote_app_name="other")
    failed = run.step()
    assert (failed["failed"], failed["code"]) == (True, "pegasus.dup_mismatch")
    assert world.log == ["a"]


def test_an_outage_when_its_turn_comes_is_waited_for(scene: Scene, world: Many) -> None:
    say(scene, "limits tables=1")
    run = Run(scene, ["a", "b"])
    run.step()
    world.copied("a")
    world.refuses["b"] = MigrationError("pegasus.unreachable", "10.0.1.1:34601 does not answer")
    result = run.step()
    assert not result.get("failed"), result
    assert "pegasus.wait.cluster_unreachable" in reasons(result)
    world.refuses.clear()
    run.step()
    assert world.log == ["a", "b"]


def test_a_call_that_does_not_wait_adds_as_many_as_may_be_copied(scene: Scene, world: Many) -> None:
    say(scene, "limits tables=2")
    run = Run(scene)
    for count in (2, 4, 5):
        predicted = run.call(check=True, wait=False)
        result = run.call(wait=False)
        assert (len(world.log), result["finished"]) == (count, False)
        assert predicted["changes"][: len(result["changes"])] == result["changes"]
        world.copied(*world.log)
    assert world.most == 2
