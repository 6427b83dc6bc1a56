# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removals that wait until everything has arrived: over several steps and calls, through outages and dead processes."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.duplication_world import Killed, Scene

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
