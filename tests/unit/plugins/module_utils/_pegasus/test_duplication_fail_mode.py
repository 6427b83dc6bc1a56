# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Duplications in a fail mode that loses writes or ends servers: set on purpose, and by somebody else."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.duplication_world import Scene

MODES = {"skip": "FAIL_SKIP", "fast": "FAIL_FAST"}


@pytest.fixture(name="scene")
def fixture_scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch, tmp_path)


def present(scene: Scene, **options: t.Any) -> t.Dict[str, t.Any]:
    return scene.call(state="present", force=False, **options)


@pytest.mark.parametrize("mode", sorted(MODES))
def test_a_mode_that_was_asked_for_is_set_and_looked_for_at_every_primary(scene: Scene, mode: str) -> None:
    asked: t.Dict[str, t.Any] = {"fail_mode": mode, "wait": False}
    assert present(scene, fail_mode=mode)["code"] == "option.invalid", "there is nothing to wait for"
    predicted = present(scene, check=True, **asked)
    scene.world.primaries_mode = "FAIL_SLOW"
    first = present(scene, **asked)
    assert not first.get("failed") and first["changes"] == predicted["changes"], first
    assert scene.world.sent == [{"fail_mode": MODES[mode]}]
    assert (first["finished"], first["waits"][0]["reason"]) == (False, "pegasus.wait.fail_mode_spreading")
    scene.world.primaries_mode = ""
    second = present(scene, **asked)
    assert (second["finished"], second["changed"]) == (True, False), second
    assert MODES[mode] in second["summary"] and "caught up" not in second["summary"]
    assert scene.entries("proof") == []


def test_one_that_is_added_gets_its_mode_from_the_next_call(scene: Scene) -> None:
    scene.world.duplication = None
    added = present(scene, fail_mode="skip", wait=False)
    assert [change["action"] for change in added["changes"]] == ["add"]
    assert (added["finished"], added["waits"][0]["reason"]) == (False, "pegasus.wait.fail_mode_spreading")
    after = present(scene, fail_mode="skip", wait=False)
    assert [change["action"] for change in after["changes"]] == ["set_fail_mode"] and after["finished"]


@pytest.mark.parametrize(
    "options", [{"state": "present", "fail_mode": "skip", "wait": False}, {"state": "paused", "wait": False}]
)
def test_one_that_was_seen_to_skip_is_kept_in_mind_whoever_set_it(scene: Scene, options: t.Dict[str, t.Any]) -> None:
    assert scene.world.duplication is not None
    scene.world.duplication = dataclasses.replace(scene.world.duplication, fail_mode="FAIL_SKIP")
    for _number in range(2):
        assert not scene.call(**options).get("failed")
    assert [entry.data["dupid"] for entry in scene.entries("duplication.fail_skip")] == [17]
    scene.world.duplication = dataclasses.replace(scene.world.duplication, fail_mode="FAIL_SLOW")
    assert present(scene)["code"] == "pegasus.dup_fail_mode"


@pytest.mark.parametrize(("mode", "words"), [("FAIL_SKIP", "Start anew"), ("FAIL_FAST", "fail_mode=slow")])
def test_a_mode_that_nobody_asked_for_ends_the_run(scene: Scene, mode: str, words: str) -> None:
    follow = present(scene, step_time="1s")["follow"]
    assert scene.world.duplication is not None
    scene.world.duplication = dataclasses.replace(scene.world.duplication, fail_mode=mode)
    failed = present(scene, step_time="1s", follow=follow)
    assert failed["code"] == "pegasus.dup_fail_mode" and words in failed["msg"]
