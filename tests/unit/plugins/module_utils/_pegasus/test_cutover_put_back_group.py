# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of one fence that nobody follows go back together, and what becomes of each of them is told."""

from __future__ import annotations

import pathlib
import string
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import LIFTED, SWITCHED
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.switched_group import (
    AFTER,
    BEFORE,
    DECREES,
    Scene,
)

EIGHT = "abcdefgh"


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch, EIGHT)


@pytest.mark.parametrize("look", [0.0, 0.1, 0.3])
def test_all_go_back_before_the_guard_decides(scene: Scene, look: float) -> None:
    scene.costs.update(look=look, write=0.2, session=0.5)
    error = scene.run(40.0)
    assert error.code == "pegasus.metaproxy_not_following" and error.details["tables"] == list(EIGHT)
    assert scene.at(BEFORE) == scene.in_state(LIFTED) == EIGHT
    assert scene.sessions == 1 and scene.clock.slept.count(1.0) == 1
    assert scene.guard.state == gs.LIFTED and scene.guard.asked[-2:] == [
        (gs.NOT_SWITCHED, True),
        (gs.LIFTED_BY_MODULE, True),
    ]


def test_a_guard_that_hears_of_the_module_does_not_decide_before_its_time(scene: Scene) -> None:
    error = scene.run(120.0)
    assert error.code == "pegasus.metaproxy_not_following" and scene.in_state(LIFTED) == EIGHT


@pytest.mark.parametrize("look", [0.5, 0.6, 1.0])
def test_the_guard_hears_of_the_module_between_the_tables_of_a_large_group(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, look: float
) -> None:
    names = string.ascii_letters
    scene = Scene(tmp_path, monkeypatch, names)
    scene.costs.update(look=look, write=0.1)
    error = scene.run(900.0)
    assert error.code == "pegasus.metaproxy_not_following" and scene.at(BEFORE) == scene.in_state(LIFTED) == names
    assert scene.guard.state == gs.LIFTED and scene.guard.asked[-2:] == [
        (gs.NOT_SWITCHED, True),
        (gs.LIFTED_BY_MODULE, True),
    ]


def test_they_stay_switched_as_long_as_there_is_time(scene: Scene) -> None:
    began = scene.clock.monotonic()
    scene.run(40.0)
    assert 30.0 < scene.clock.monotonic() - began < 36.0


def test_what_the_guard_has_decided_in_between_is_told_together_with_what_went_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = scene.guard.ask

    def late(request: str, **more: t.Any) -> Answer:
        if request == gs.SWITCH and len(scene.writes) == 5:
            scene.guard.end = scene.clock.monotonic()
        return ask(request, **more)

    monkeypatch.setattr(scene.guard, "ask", late)
    error = scene.run(40.0)
    assert (scene.in_state(LIFTED), scene.in_state(SWITCHED)) == ("abcde", "fgh")
    assert error.code == "pegasus.metaproxy_not_switched" and error.details["tables"] == list("fgh")
    assert error.details["reason"] == "pegasus.metaproxy_not_following"
    assert "the znode of a and b and c and d and e in time" in error.message
    assert "The znode of f and g and h points at the target" in error.message


def test_each_table_is_decided_for_itself(scene: Scene) -> None:
    scene.decrees = lambda name: {0: 8} if name == "c" and scene.writes["c"] else DECREES
    error = scene.run(40.0)
    assert (scene.at(AFTER), scene.in_state(SWITCHED), scene.in_state(LIFTED)) == ("c", "c", "abdefgh")
    assert scene.writes["c"] == [BEFORE, AFTER] and error.code == "pegasus.metaproxy_not_switched"
    assert "The znode of c points at the target" in error.message and "a and b and d" in error.message


def test_one_that_is_not_proved_is_told_apart_from_those_that_are(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = scene.clock.sleep

    def slept(seconds: float) -> None:
        if scene.writes:
            scene.guard.end = scene.clock.monotonic()
        sleep(seconds)

    monkeypatch.setattr(scene.clock, "sleep", slept)
    scene.decrees = lambda name: {0: 8} if name == "c" and scene.writes["c"] else DECREES
    error = scene.run(40.0)
    assert scene.at(BEFORE) == scene.in_state(LIFTED) == EIGHT
    assert error.code == "pegasus.put_back_unproved" and error.details["tables"] == ["c"]
    assert "the znode of a and b and d and e and f and g and h in time" in error.message


def test_a_write_whose_end_is_not_known_hides_nobody_that_went_back(scene: Scene) -> None:
    scene.fails = {("write", "c"): "pegasus.zookeeper_ambiguous"}
    error = scene.run(40.0)
    assert error.code == "pegasus.zookeeper_ambiguous" and "the znode of a and b in time" in error.message
    assert scene.at(BEFORE) == scene.in_state(LIFTED) == "ab" and list(scene.writes) == ["a", "b"]
    assert [found["resource"] for found in scene.kinds("restore")] == ["zookeeper:/mp/a", "zookeeper:/mp/b"]


def test_without_zookeeper_the_rest_goes_forward(scene: Scene) -> None:
    scene.fails = {("read", "c"): "pegasus.zookeeper_unreachable"}
    error = scene.run(40.0)
    assert error.code == "pegasus.metaproxy_not_switched" and error.details["tables"] == list("cdefgh")
    assert scene.in_state(LIFTED) == "ab"


def test_a_group_for_which_the_time_is_too_short_goes_forward_together(scene: Scene) -> None:
    error = scene.run(15.0)
    assert error.code == "pegasus.metaproxy_not_switched" and error.details["tables"] == list(EIGHT)
    assert scene.writes == {}
