# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next run takes over what an earlier one's guard still waits to put back, before its own fence counts on that."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_fences, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_fences import Fences
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

A, B = "10.0.0.1:34801", "10.0.0.2:34801"
INTERVAL = "pegasus:onebox-a/node/{}/config/config_sync_interval_ms"


class Scene:
    """A run that fences two tables, each for itself. ``events``: what happens to guards; ``state``: of the old one."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: t.List[t.Any] = []
        self.nodes: t.Tuple[str, ...] = (A, B)
        self.state = gs.LIFTED
        self._place = GuardPlace.of(str(folder / "j.jsonl"))
        monkeypatch.setattr(cutover_fences, "living_guard", self._living)
        monkeypatch.setattr(cutover_fences, "start", self._start)
        monkeypatch.setattr(cutover_fences, "GroupCutover", lambda *_any: types.SimpleNamespace(run=lambda: None))

    def _link(self, name: str) -> t.Any:
        def ask(request: str, **more: t.Any) -> None:
            self.events.append((name, request, more))

        return types.SimpleNamespace(pid=1, ask=ask, close=lambda: self.events.append((name, "hung up")))

    def _living(self, _place: GuardPlace) -> t.Optional[LivingGuard]:
        answer: t.Any = types.SimpleNamespace(state=self.state, more={})
        return LivingGuard(self._link("old"), answer) if self.state else None

    def _start(self, _request: t.Any, _clusters: t.Any, _place: t.Any, keeper: t.Any, *_any: t.Any) -> t.Any:
        name = f"new {1 + sum('started' in event for event in self.events)}"
        self.events.append((name, "started", sorted(one.node for one in keeper.left)))
        return self._link(name)

    def run(self) -> None:
        clock: t.Any = FakeClock()
        info = model.ClusterInfo("onebox-a", "", (), "", "", "steady")
        clusters = Clusters(
            source=info, target=info, profile=Profile.choose(Version.parse("2.6.0")), nodes=self.nodes,
            intervals=dict.fromkeys(self.nodes, "1000"), config_sync=1.0, duplication_sync=10.0, remote="onebox-b",
            group_check=100.0, round_trip=0.01,
        )  # fmt: skip
        past = cp.Past({INTERVAL.format(node): Recorded("30000", "1000", 1) for node in (A, B)}, {})
        tracks = {name: Track(TableView(name), t.cast(t.Any, None)) for name in "ab"}
        control = types.SimpleNamespace(require=lambda *_any: None)
        call: t.Any = types.SimpleNamespace(clusters=clusters, tracks=tracks, control=control, clock=clock)
        request = types.SimpleNamespace(interval_ms=1000, place="zk")
        eyes: t.Any = types.SimpleNamespace(request=request, replicas=None, glances=None)
        journal: t.Any = None
        fences = Fences(call, eyes, journal, self._place, past, dict.fromkeys("ab", cp.FRESH))
        record: t.Any = types.SimpleNamespace(append=lambda *_any: None)
        forecast: t.Any = types.SimpleNamespace(held_p95=10.0)
        for name in "ab":
            fences._group(record, [name], forecast)


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


BYE = {"settings_restored": True}


def test_the_new_guard_is_there_before_the_old_one_is_let_go(scene: Scene) -> None:
    scene.run()
    assert scene.events == [
        ("new 1", "started", [A, B]),
        ("old", gs.BYE, BYE),
        ("old", "hung up"),
        ("new 2", "started", [A, B]),
        ("new 1", gs.BYE, BYE),
        ("new 1", "hung up"),
    ]


def test_without_an_old_guard_nobody_is_told(scene: Scene) -> None:
    scene.state = ""
    scene.run()
    assert [event[0] for event in scene.events] == ["new 1", "new 2", "new 1", "new 1"]


@pytest.mark.parametrize(("nodes", "state"), [((A,), gs.LIFTED), ((A, B), gs.LIFTING)])
def test_what_the_new_run_does_not_see_or_know_stays_with_the_old_guard(
    scene: Scene, nodes: t.Tuple[str, ...], state: str
) -> None:
    scene.nodes, scene.state = nodes, state
    scene.run()
    assert [event[1:] for event in scene.events if event[0] == "old"] == [("hung up",)]
