# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of one fence a table is followed and another taken back: the first is committed, also after the guard has decided."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reasons import taken_back
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import LIFTED, SWITCHED
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.switched_group import BEFORE, Scene

DECIDED = "The guard had decided before the commit"


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The proxies follow a, and not b."""
    return Scene(tmp_path, monkeypatch, "ab", followed="a")


def notes(scene: Scene) -> str:
    return " ".join(found["text"] for found in scene.kinds("note"))


def test_in_time_the_guard_is_told(scene: Scene) -> None:
    scene.costs["lift"] = 1.0
    error = scene.run(30.0)
    assert error.code == "pegasus.metaproxy_not_following" and error.details["committed"] == ["a"]
    assert [found["guarded"] for found in scene.kinds("cutover.committed")] == [True]
    assert scene.guard.state == gs.COMMITTED and notes(scene) == ""


@pytest.mark.parametrize("takes", [{}, {gs.DECIDING: 20.0}, {gs.LIFTING: 1000.0}])
def test_what_the_guard_has_kept_is_committed_without_it(scene: Scene, takes: t.Dict[str, float]) -> None:
    scene.costs["lift"], scene.guard.takes = 16.0, takes
    error = scene.run(30.0)
    assert error.code == "pegasus.metaproxy_not_following" and error.details["tables"] == ["b"]
    assert "The clients of a are on the target, which is committed." in error.message
    assert [(found["table"], found["guarded"]) for found in scene.kinds("cutover.committed")] == [("a", False)]
    assert scene.in_state("committed") == "a" and scene.in_state(LIFTED) == "b" and scene.closed == ["a"]
    assert DECIDED in notes(scene) and scene.guard.kept == {"a"}


def test_a_guard_that_keeps_all_of_them_is_waited_for_and_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, monkeypatch, "ab", followed="ab")
    scene.guard.end, scene.guard.takes = scene.clock.monotonic(), {gs.DECIDING: 3.0}
    clock: t.Any = scene.clock
    scene.finish.run(scene.tracks, Deadline(clock, 30.0, "the cutover"))
    assert [found["guarded"] for found in scene.kinds("cutover.committed")] == [True, True]
    assert scene.guard.state == gs.COMMITTED and notes(scene) == ""


def test_what_the_guard_has_let_go_is_not_committed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.costs["lift"] = 16.0
    lift = scene._lift

    def lifted(*given: t.Any) -> None:
        scene.znodes["a"] = Znode(BEFORE, 9)
        lift(*given)

    monkeypatch.setattr(
        "ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_finish.lift_all", lifted
    )
    error = scene.run(30.0)
    assert error.code == "guard.refused" and error.details["reason"] == "pegasus.metaproxy_not_following"
    assert "No MetaProxy followed the znode of b in time" in error.message
    assert scene.kinds("cutover.committed") == [] and scene.in_state(SWITCHED) == "a"


def test_a_guard_that_cannot_decide_is_not_waited_for_without_end(scene: Scene) -> None:
    scene.costs["lift"], scene.guard.takes = 16.0, {gs.DECIDING: 1000.0}
    began = scene.clock.monotonic()
    error = scene.run(30.0)
    assert error.code == "guard.refused" and error.details["state"] == gs.DECIDING
    assert scene.clock.monotonic() - began < 90.0 and scene.kinds("cutover.committed") == []


def test_a_guard_that_is_gone_has_nothing_left_to_do(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.finish._behind, "verify", lambda *_any: setattr(scene.guard, "lost", True))
    assert scene.run(30.0).code == "pegasus.metaproxy_not_following"
    assert [found["guarded"] for found in scene.kinds("cutover.committed")] == [False]
    assert "was gone" in notes(scene)


def test_a_fence_that_stays_keeps_nobody_from_committing_those_that_were_followed(scene: Scene) -> None:
    scene.fails = {("lift", "b"): "pegasus.not_lifted"}
    error = scene.run(30.0)
    assert error.code == "pegasus.not_lifted" and error.details["reason"] == "pegasus.metaproxy_not_following"
    assert "znode of b in time, so it was put back byte for byte; no client has been on the target" in error.message
    assert "The clients of a are on the target, which is committed." in error.message
    assert error.message.endswith("Could not lift b.")
    assert [found["table"] for found in scene.kinds("cutover.committed")] == ["a"] and scene.closed == ["a"]


def test_a_guard_that_has_still_to_lift_is_not_told_of_the_commit(scene: Scene) -> None:
    scene.fails = {("lift", "b"): "pegasus.not_lifted"}
    scene.run(30.0)
    assert scene.guard.state == gs.SWITCHING and "was not told of the commit" in notes(scene)
    assert [found["guarded"] for found in scene.kinds("cutover.committed")] == [False]
    scene.clock.advance(60.0)
    scene.guard.ask(gs.STATUS)
    assert scene.guard.state == gs.LIFTED and scene.guard.kept == {"a"}


def test_a_fence_that_stays_hides_nothing_that_goes_wrong_with_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsound(*_any: object) -> None:
        raise MigrationError("pegasus.target_unsound", "The target is not sound.")

    monkeypatch.setattr(scene.finish._behind, "verify", unsound)
    scene.fails = {("lift", "b"): "pegasus.not_lifted"}
    error = scene.run(30.0)
    assert error.code == "pegasus.not_lifted" and error.details["reason"] == "pegasus.target_unsound"
    assert "it was put back byte for byte" in error.message and "The target is not sound. Could not" in error.message
    assert scene.kinds("cutover.committed") == [] and "committed" not in error.message


@pytest.mark.parametrize("kept", [True, False])
def test_what_the_guard_has_decided_while_it_was_lifted_in_vain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    def in_vain(*_any: object) -> None:
        if not kept:
            scene.znodes["a"] = Znode(BEFORE, 9)
        scene.clock.advance(60.0)
        raise MigrationError("pegasus.not_lifted", "It stays.")

    monkeypatch.setattr(
        "ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_finish.lift_all", in_vain
    )
    error = scene.run(30.0)
    reason = "pegasus.metaproxy_not_following" if kept else "guard.refused"
    assert error.code == "pegasus.not_lifted" and error.details["reason"] == reason
    assert [found["table"] for found in scene.kinds("cutover.committed")] == (["a"] if kept else [])
    assert (DECIDED in notes(scene)) == kept


def test_those_committed_are_in_the_details_of_every_mixture() -> None:
    error = taken_back(["b"], ["c"], ["a"])
    assert error is not None and error.code == "pegasus.put_back_unproved"
    assert error.details == {"tables": ["c"], "committed": ["a"], "reason": "pegasus.metaproxy_not_following"}
    assert error.message.count("The clients of a are on the target") == 1
