# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps of a run that begins nothing because somebody said pause, over one journal."""

from __future__ import annotations

import os
import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Verification
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_control import DuplicationControl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_journal import RunJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


class Scene:
    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = FakeClock()
        self.path = folder / "j.jsonl"
        self.since: t.Mapping[str, str] = {}
        self.params = {"journal": str(self.path), "migration_id": "m"}

    def say(self, text: str) -> None:
        control = pathlib.Path(f"{self.path}.control")
        control.write_text(text)
        os.utime(control, times=(self.clock.wall.timestamp() - 60,) * 2)

    def step(self, seconds: float = 40.0, run_id: str = "r1") -> t.Optional[t.Dict[str, t.Any]]:
        store = SettingsJournal(self.params, Redactor([]), self.clock)
        try:
            options: t.Any = types.SimpleNamespace(
                state="present", wanted=[types.SimpleNamespace(table="orders")], step_time=seconds
            )
            journal = RunJournal(store, run_id, {}, self.clock)
            control = DuplicationControl(self.params, options, store.entries, self.clock)
            told = control.hold(options, journal, Deadline(self.clock, 86400, "timeout"), [], self.since)
        finally:
            store.close()
        self.since = told["since"] if told is not None else {}
        return told

    def entries(self) -> t.Sequence[t.Any]:
        return Journal.read(str(self.path)).entries

    def kinds(self, kind: str) -> t.List[t.Mapping[str, t.Any]]:
        return [one.data for one in self.entries() if one.kind == kind]

    def standing(self) -> Standing:
        standing = Standing()
        for entry in self.entries():
            standing.take(entry)
        return standing


@pytest.fixture(name="scene")
def fixture_scene(tmp_path: pathlib.Path) -> Scene:
    return Scene(tmp_path)


def test_a_run_that_is_paused_for_long_gives_signs_of_life_and_tells_since_when(scene: Scene) -> None:
    scene.say("pause")
    began = scene.clock.wall.timestamp()
    for _number in range(30):
        assert scene.step() is not None
        standing = scene.standing()
        assert standing.running
        assert standing.last is not None and scene.clock.wall.timestamp() - standing.last < 40
        assert standing.waits == {"control.paused": pytest.approx(began)}
    assert len(scene.kinds("wait")) == 1
    assert 20 <= len(scene.kinds("progress")) <= 40, "one each half minute, however often it is looked"
    (wait,) = fold(scene.entries(), Verification(True, 0, "")).waits
    assert wait.reason == "control.paused"
    assert wait.first == pytest.approx(began)
    assert wait.spans[0][1] > began + 1000


def test_another_reason_counts_from_its_own_beginning(scene: Scene) -> None:
    scene.say("pause")
    scene.step()
    scene.say("puase")
    changed = scene.clock.wall.timestamp()
    scene.step()
    scene.step()
    assert list(scene.standing().waits) == ["control.unreadable"]
    assert scene.standing().waits["control.unreadable"] == pytest.approx(changed, abs=1.5)


def test_a_later_run_that_is_held_for_the_same_reason_tells_it_again(scene: Scene) -> None:
    scene.say("pause")
    scene.step()
    scene.since = {}
    scene.step(run_id="r2")
    assert len(scene.kinds("wait")) == 2


def test_a_step_ends_with_the_answer_to_a_wish(scene: Scene) -> None:
    scene.say("pause")
    began = scene.clock.steady
    scene.step()
    assert scene.clock.steady - began < 2
    scene.step()
    assert scene.clock.steady - began > 30


def test_who_may_begin_is_not_held_and_writes_nothing(scene: Scene) -> None:
    assert scene.step() is None
    assert not scene.path.exists()
