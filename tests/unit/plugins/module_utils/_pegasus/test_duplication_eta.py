# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a backlog will take, by how fast it has shrunk; over the steps of a follow loop too."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.duplication_world import Scene


@pytest.fixture(name="scene")
def _scene(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Scene:
    return Scene(monkeypatch, tmp_path)


class Catching:
    """A duplication that is followed step by step; ``step`` sets the backlog and gives what is told of the table."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._follow: t.Any = None
        self.line = ""

    def step(self, backlog: int) -> t.Dict[str, t.Any]:
        self._scene.world.held = backlog
        given: t.Dict[str, t.Any] = {"state": "present", "max_backlog": 10, "unconfirmed": None, "force": False}
        result = self._scene.call(step_time="5s", follow=self._follow, **given)
        assert not result.get("failed"), result
        self._follow, self.line = result.get("follow"), str(result.get("line", ""))
        return dict(result["duplications"][0])


def test_a_backlog_that_shrinks_has_an_end(scene: Scene) -> None:
    catching = Catching(scene)
    began = scene.clock.monotonic()
    assert catching.step(1010)["backlog_eta_seconds"] is None
    told = catching.step(510)
    assert told["backlog"] == 510
    passed = scene.clock.monotonic() - began
    # Half of it took about that long, and the other half will.
    assert told["backlog_eta_seconds"] == pytest.approx(passed, rel=0.5)
    assert "about" in catching.line and "left" in catching.line
    assert catching.step(10)["backlog_eta_seconds"] == 0.0


def test_one_that_grows_has_none_until_it_shrinks_from_there(scene: Scene) -> None:
    catching = Catching(scene)
    catching.step(1010)
    catching.step(510)
    assert catching.step(3000)["backlog_eta_seconds"] is None
    assert "about" not in catching.line
    assert catching.step(1500)["backlog_eta_seconds"] > 0
