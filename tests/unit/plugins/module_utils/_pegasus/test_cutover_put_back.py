# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A switch is taken back only when surely nobody has followed it, and never against the guard."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import (
    cutover_finish,
    cutover_put_back,
    model,
    switch,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_finish import Finish
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import LIFTED, SWITCHED, Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

BEFORE, AFTER = b"source", b"target"
PLANNED = switch.Switch("temp", "/mp/temp", "zookeeper:/mp/temp", BEFORE, 3, AFTER)
DECREES = {0: 7}


class Scene:
    """A table whose znode was just switched. ``says``: what the proxies say at a time, by the side and the state.

    ``guard``: the state of the guard, None for gone. ``spends``: the guard uses up a version between two writes.
    """

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.znode = Znode(AFTER, 4)
        self.guard: t.Optional[str] = gs.SWITCHING
        self.spends = ""
        self.away = False
        self.decrees: t.Callable[[], t.Any] = lambda: DECREES
        self.says: t.Callable[[], t.Any] = lambda: switch.SOURCE
        self.asked: t.List[str] = []
        self.writes: t.List[bytes] = []
        clock: t.Any = self.clock
        self.journal = Journal.open(
            str(folder / "j.jsonl"), migration_id="m", engine="pegasus", clock=clock, redactor=Redactor([])
        )
        config = model.TableConfig(1, 1, (model.Partition(0, 3, 3, "a:1", (), 9),))
        self.track = Track(
            TableView("temp", switch=PLANNED, target_name="temp", config=config),
            t.cast(t.Any, None), state=SWITCHED, target_before=DECREES,
        )  # fmt: skip
        monkeypatch.setattr(cutover_finish, "ZooKeeper", lambda _place: self)
        monkeypatch.setattr(cutover_finish, "lift_all", self._lift)
        monkeypatch.setattr(cutover_put_back, "target_decrees", lambda *_any: self.decrees())
        monkeypatch.setattr(switch, "look_at_proxies", lambda *_any: self._look())
        target = types.SimpleNamespace(query_config=lambda _name: config, app=lambda _name: None)
        request = types.SimpleNamespace(place="zk", proxies=("p:1",))
        eyes: t.Any = types.SimpleNamespace(clock=clock, request=request, settings=None, target=target)
        clusters: t.Any = types.SimpleNamespace(target=types.SimpleNamespace(cluster_name="onebox-b"))
        link: t.Any = self
        record = CutoverRecord(self.journal, clock)
        self.finish = Finish(eyes, clusters, record, link, 5.0)
        monkeypatch.setattr(self.finish._behind, "close", lambda _track: None)
        monkeypatch.setattr(self.finish._behind, "verify", lambda *_any: None)

    def _look(self) -> switch.ProxyLook:
        said = self.says()
        return switch.ProxyLook({"p:1": said}, {}) if said else switch.ProxyLook({}, {"p:1": "gives no answer"})

    def _lift(self, tracks: t.Sequence[Track], *_any: t.Any) -> None:
        for track in tracks:
            track.state = LIFTED

    # The guard.

    def ask(self, request: str) -> t.Any:
        if self.guard is None:
            raise GuardLost("gone")
        found = gs.step(self.guard, request)
        self.guard = found.state
        if request != gs.STATUS:
            self.asked.append(request)
        return found

    def require(self, request: str) -> None:
        if not self.ask(request).granted:
            raise MigrationError("guard.refused", "No.")

    # ZooKeeper.

    def __enter__(self) -> Scene:
        if self.away:
            raise MigrationError("pegasus.zookeeper_unreachable", "It is away.")
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def read(self, table: str) -> Znode:
        return self.znode

    def compare_and_set(self, table: str, data: bytes, version: int) -> int:
        if self.spends == data.decode():
            self.znode = Znode(self.znode.data, self.znode.version + 1)
        if version != self.znode.version:
            raise MigrationError("pegasus.znode_changed", "No.")
        self.writes.append(data)
        self.znode = Znode(data, version + 1)
        return version + 1

    # What is done.

    def run(self, left: float) -> str:
        """The code with which it ends that began so many seconds before the deadline."""
        clock: t.Any = self.clock
        try:
            self.finish.run([self.track], Deadline(clock, left, "the cutover"))
        except MigrationError as error:
            return error.code
        return ""

    def follow_after(self, seconds: float, then: str = switch.TARGET) -> None:
        """The proxies follow so many seconds from now."""
        at = self.clock.monotonic() + seconds
        self.says = lambda: then if self.clock.monotonic() >= at else switch.SOURCE


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def test_it_is_taken_back_when_every_proxy_has_lost_its_watch(scene: Scene) -> None:
    assert scene.run(20.0) == "pegasus.metaproxy_not_following"
    assert scene.writes == [BEFORE] and scene.track.state == LIFTED
    assert scene.asked == [gs.SWITCH, gs.NOT_SWITCHED, gs.LIFTED_BY_MODULE] and scene.guard == gs.LIFTED


@pytest.mark.parametrize("left", [2.0, 4.5, 13.5])
def test_with_too_little_time_to_know_it_goes_forward(scene: Scene, left: float) -> None:
    scene.follow_after(9.0)
    assert scene.run(left) == ""
    assert scene.writes == [] and scene.track.state == "committed" and scene.asked == [gs.COMMIT]


def test_proxies_that_never_follow_are_told_of_when_it_went_forward(scene: Scene) -> None:
    assert scene.run(5.0) == "pegasus.metaproxy_not_switched"
    assert scene.writes == [] and scene.track.state == SWITCHED


@pytest.mark.parametrize("seen", [switch.OTHER, switch.TARGET, ""])
def test_a_proxy_that_says_or_hides_something_else_proves_nothing(scene: Scene, seen: str) -> None:
    at = scene.clock.monotonic() + 10.0
    scene.says = lambda: seen if at <= scene.clock.monotonic() < at + 0.3 else switch.SOURCE
    wanted = "" if seen == switch.TARGET else "pegasus.metaproxy_not_switched"
    assert scene.run(20.0) == wanted
    assert scene.writes == []


def test_a_proxy_that_was_silent_counts_anew(scene: Scene) -> None:
    at = scene.clock.monotonic() + 5.0
    scene.says = lambda: "" if scene.clock.monotonic() < at else switch.SOURCE
    assert scene.run(20.0) == "pegasus.metaproxy_not_following"
    assert scene.writes == [BEFORE]


@pytest.mark.parametrize("guard", [gs.KEPT, gs.DECIDING, None])
def test_without_the_guards_word_it_goes_forward(scene: Scene, guard: t.Optional[str]) -> None:
    scene.guard = guard
    assert scene.run(20.0) == "pegasus.metaproxy_not_switched"
    assert scene.writes == []


@pytest.mark.parametrize("trouble", ["decrees", "unread", "away", "spent"])
def test_what_cannot_be_put_back_goes_forward(scene: Scene, trouble: str) -> None:
    if trouble == "decrees":
        scene.decrees = lambda: {0: 8}
    elif trouble == "unread":
        scene.znode = Znode(b"theirs", 5)
    elif trouble == "away":
        scene.away = True
    else:
        scene.spends = "source"
    assert scene.run(20.0) == "pegasus.metaproxy_not_switched"
    assert scene.writes == [] and scene.track.state == SWITCHED


def moved_behind_the_put_back(scene: Scene, how: str) -> None:
    """What shows only when the znode is as before."""
    back: t.Callable[[], bool] = lambda: bool(scene.writes)
    if how == "written":
        scene.decrees = lambda: {0: 8} if back() else DECREES
    elif how == "unknown":
        scene.decrees = lambda: None if back() else DECREES
    else:
        said = {"followed": switch.TARGET, "silent": "", "failed": None}[how]
        times: t.List[float] = []

        def says() -> t.Optional[str]:
            if not back() or len(times) > 1:
                return switch.TARGET if times else switch.SOURCE
            times.append(scene.clock.monotonic())
            if said is None:
                raise MigrationError("pegasus.timeout", "No answer.")
            return said

        scene.says = says


@pytest.mark.parametrize("how", ["written", "unknown", "followed", "silent", "failed"])
def test_when_a_client_may_have_been_on_the_target_it_is_switched_again(scene: Scene, how: str) -> None:
    moved_behind_the_put_back(scene, how)
    code = scene.run(20.0)
    assert scene.writes == [BEFORE, AFTER] and scene.znode.data == AFTER
    assert scene.asked[:2] == [gs.SWITCH, gs.SWITCH]
    assert code == ("" if how in ("followed", "silent", "failed") else "pegasus.metaproxy_not_switched")
    assert scene.track.state in ("committed", SWITCHED)


@pytest.mark.parametrize("how", ["written", "silent"])
@pytest.mark.parametrize("guard", [gs.LIFTING, gs.LIFTED, None])
def test_once_the_guard_lifts_it_is_not_switched_again(scene: Scene, how: str, guard: t.Optional[str]) -> None:
    moved_behind_the_put_back(scene, how)
    sleep = scene.clock.sleep

    def slept(seconds: float) -> None:
        if scene.writes:
            scene.guard = guard
        sleep(seconds)

    scene.clock.sleep = slept  # type: ignore[method-assign]
    assert scene.run(20.0) == "pegasus.put_back_unproved"
    assert scene.writes == [BEFORE] and scene.track.state == LIFTED


def test_a_guard_that_decides_between_its_word_and_the_write_has_spent_the_version(scene: Scene) -> None:
    moved_behind_the_put_back(scene, "written")
    scene.spends = "target"
    assert scene.run(20.0) == "pegasus.put_back_unproved"
    assert scene.writes == [BEFORE] and scene.znode == Znode(BEFORE, 6)
