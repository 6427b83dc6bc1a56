# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fence that a killed run has left is taken off whatever speaks against the next one."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_fences
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_left as cl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_task as ct
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_call import Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_fences import Fences
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import CUT_OVER, LIFTED
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

FENCE = "pegasus:onebox-a/table/{}/env/replica.deny_client_request"
BLOCKED = MigrationError("pegasus.cutover_blocked", "Not ready for the cutover, so nothing was fenced: paused.")
AWAY = MigrationError("pegasus.no_primary_meta", "The target does not answer.")
LIFT = Change(FENCE.format("temp"), "restore", "reconfig*write", None, {})


class Scene:
    """One cutover of a table. ``todo``: what was left; ``looks``: what keeps a call from looking, by its state."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.todo = {"temp": cp.LIFT_FIRST}
        self.looks: t.Dict[str, MigrationError] = {}
        self.done: t.List[str] = []
        self.past = cp.Past({FENCE.format("temp"): Recorded(None, "reconfig*write", 1)}, {})
        self._journal = str(folder / "j.jsonl")
        nothing: t.Callable[..., t.Any] = lambda *_any, **_more: None
        keeper = types.SimpleNamespace(left=(), restore=lambda *_any: [], left_calls=list)
        for name, fake in {
            "Eyes": self._eyes, "load_kazoo": nothing, "living_guard": nothing, "second_call": self._ended,
        }.items():  # fmt: skip
            monkeypatch.setattr(ct, name, fake)
        for name, fake in {
            "refusal": nothing, "reconcile": nothing, "Intervals": nothing, "IntervalKeeper": lambda *_any: keeper,
            "predict": lambda *_any: ChangeList([LIFT]),
        }.items():  # fmt: skip
            monkeypatch.setattr(cutover_fences, name, fake)
        monkeypatch.setattr(cp, "read_past", lambda _entries: self.past)
        monkeypatch.setattr(Call, "look", lambda call, eyes, *_any: self._looked(call, eyes))
        monkeypatch.setattr(Fences, "_decide", self._blocked)
        monkeypatch.setattr(Fences, "_put_right", lambda *_any: self.done.append("put right"))
        monkeypatch.setattr(Fences, "_group", lambda *_any: self.done.append("fenced"))

    def _eyes(self, request: t.Any, _clock: t.Any) -> t.Any:
        def clusters() -> t.Any:
            if request.state in self.looks:
                raise self.looks[request.state]
            return types.SimpleNamespace(source=types.SimpleNamespace(cluster_name="onebox-a", meta_servers=()))

        servers = dict.fromkeys(("replicas", "glances", "source"))
        return types.SimpleNamespace(request=request, clusters=clusters, close=lambda: None, **servers)

    def _looked(self, call: Call, eyes: t.Any) -> t.Mapping[str, str]:
        call.clusters = eyes.clusters()
        call.tracks["temp"] = Track(TableView("temp"), t.cast(t.Any, None))
        return self.todo

    def _ended(self, call: Call, eyes: t.Any, *_any: t.Any) -> t.Dict[str, t.Any]:
        self._looked(call, eyes)
        self.done.append(eyes.request.state)
        call.tracks["temp"].lifted = 1.0
        return {}

    def _blocked(self, *_any: t.Any) -> t.NoReturn:
        raise BLOCKED

    def run(self, check_mode: bool = False) -> t.Tuple[MigrationError, t.Dict[str, t.Any]]:
        """What a cutover ends with, and the partial result."""
        params = {
            "meta_servers": ["m:1", "n:1"], "target_meta_servers": ["p:1", "q:1"], "connect_timeout": "1s",
            "rpc_timeout": "1s", "tables": ["temp"], "state": "cut_over", "switch": "hand_over", "budget": "60s",
            "max_lag": 1, "last_mutation": "strict", "config_sync_interval": "1s", "journal": self._journal,
            "migration_id": "m", "rehearsal_max_age": "7d",
        }  # fmt: skip
        task = ct.CutoverTask(params, check_mode, Redactor([]), t.cast(t.Any, FakeClock()))
        with pytest.raises(MigrationError) as caught:
            task.body()
        return caught.value, task.partial()


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def test_a_shut_gate_keeps_no_old_fence_on(scene: Scene) -> None:
    error, _result = scene.run()
    assert error.code == "pegasus.cutover_blocked"
    assert scene.done == ["put right"]
    assert str(error.message).startswith(
        "What an earlier run had left was put right first: the fence of temp taken off. Not ready for the cutover"
    )


def test_check_mode_predicts_that_and_does_nothing(scene: Scene) -> None:
    error, result = scene.run(check_mode=True)
    assert (error.code, scene.done) == ("pegasus.cutover_blocked", [])
    assert "would be put right first" in str(error.message)
    assert [one["action"] for one in result["changes"]] == ["restore"]


def test_where_nothing_was_left_a_refusal_touches_nothing(scene: Scene) -> None:
    scene.todo = {"temp": cp.FRESH}
    error, result = scene.run()
    assert (error, scene.done, result["changes"]) == (BLOCKED, [], [])


def test_a_cutover_that_cannot_even_look_lifts_what_was_left(scene: Scene) -> None:
    scene.looks = {CUT_OVER: AWAY}
    error, _result = scene.run()
    assert scene.done == [LIFTED]
    assert error.code == AWAY.code and "the fence of temp taken off. The target does not" in str(error.message)
    scene.done.clear()
    assert scene.run(check_mode=True)[0] is AWAY
    scene.past = cp.Past({FENCE.format("other"): Recorded(None, "reconfig*write", 1)}, {})
    assert scene.run()[0] is AWAY
    assert scene.done == []


def test_a_source_that_does_not_answer_is_told_once(scene: Scene) -> None:
    scene.looks = {CUT_OVER: AWAY, LIFTED: AWAY}
    assert scene.run()[0] is AWAY
    scene.looks[LIFTED] = MigrationError("pegasus.already_on_target", "The fence of temp stays.")
    error, _result = scene.run()
    assert error.code == "pegasus.already_on_target"
    assert error.message == "The target does not answer. The fence of temp stays."


def test_what_was_switched_is_finished_first() -> None:
    todo = {"a": cp.LIFT_FIRST, "b": cp.FINISH, "c": cp.FRESH}
    told = cl.put_right_first(BLOCKED, todo, False)
    assert "the fence of a taken off and the cutover of b finished. Not ready" in str(told.message)
    assert (told.details["lifted"], told.details["finished"]) == (["a"], ["b"])
