# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the tables of one fence when the switch of one of them goes wrong."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_finish, cutover_group, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_decision import await_decision
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_group import GroupCutover
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import (
    FENCED,
    LIFTED,
    SWITCHED,
    Track,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_past import FAIL_SKIP, SKIPPED_KIND
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.switch import Switch
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

TABLES = ("a", "b", "c")


class Link:
    """A guard that grants everything, until its link is closed. ``kept``: it has decided so, and allows no commit."""

    def __init__(self) -> None:
        self.asked: t.List[str] = []
        self.kept: t.Optional[t.Sequence[str]] = None
        self.closed = False

    def ask(self, request: str) -> Answer:
        if self.closed:
            raise GuardLost("closed")
        self.asked.append(request)
        refused = self.kept is not None and request == gs.COMMIT
        allowed = gs.COMMITTED if request == gs.COMMIT else gs.SWITCHING
        return Answer(not refused, gs.LIFTED if refused else allowed, None, {"kept": self.kept or ()})

    def require(self, request: str) -> Answer:
        answer = self.ask(request)
        if not answer.granted:
            raise MigrationError("guard.refused", "No commit.")
        return answer

    def close(self) -> None:
        self.closed = True


class Scene:
    """Three fenced and drained tables. ``errors``: what writing a table's znode ends with; ``decided``: the guard's."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.errors: t.Dict[str, str] = {}
        self.decided: t.Optional[t.FrozenSet[str]] = None
        self.written: t.List[str] = []
        self.lifted: t.List[str] = []
        self.committed: t.List[t.Tuple[str, bool]] = []
        self.link = Link()
        clock: t.Any = FakeClock()
        self.journal = Journal.open(
            str(folder / "j.jsonl"), migration_id="m", engine="pegasus", clock=clock, redactor=Redactor([])
        )
        self.tracks = [
            Track(TableView(name, switch=Switch(name, f"/mp/{name}", f"zookeeper:/mp/{name}", b"1", 3, b"2")),
                  t.cast(t.Any, None), state=FENCED)
            for name in TABLES
        ]  # fmt: skip
        monkeypatch.setattr(cutover_group, "ZooKeeper", self.session)
        monkeypatch.setattr(cutover_group, "target_decrees", lambda *_any: None)
        monkeypatch.setattr(cutover_group, "lift_all", self.lift)
        monkeypatch.setattr(cutover_finish, "Behind", self.behind)
        monkeypatch.setattr(cutover_group, "await_decision", lambda *_any: self.decided)
        eyes: t.Any = types.SimpleNamespace(clock=clock, request=types.SimpleNamespace(place="zk"))
        rest: t.Any = types.SimpleNamespace(lift=5.0)
        link: t.Any = self.link
        record = CutoverRecord(self.journal, clock)
        self.group = GroupCutover(eyes, rest, self.tracks, record, rest, rest, link, rest, rest)

    def session(self, place: str) -> t.Any:
        scene = self

        class Session:
            """Writes, or fails as it is told."""

            def __enter__(self) -> Session:
                return self

            def __exit__(self, *_exc: object) -> None:
                pass

            def compare_and_set(self, table: str, data: bytes, version: int) -> int:
                if table in scene.errors:
                    raise MigrationError(scene.errors[table], "No.")
                scene.written.append(table)
                return version + 1

        return Session()

    def behind(self, *_any: t.Any) -> t.Any:
        return types.SimpleNamespace(
            follow=lambda *_all: [],
            close=lambda _track: None,
            verify=lambda *_any: None,
            commit=lambda track, guarded: self.committed.append((track.name, guarded)),
        )

    def lift(self, tracks: t.Sequence[Track], *_any: t.Any) -> None:
        for track in tracks:
            self.lifted.append(track.name)
            track.state = LIFTED

    def run(self) -> str:
        """The code with which the switch ends."""
        try:
            self.group._switch()
        except MigrationError as error:
            self.group._give_up(error)
            return error.code
        return ""

    @property
    def states(self) -> t.List[str]:
        return [track.state for track in self.tracks]


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


@pytest.mark.parametrize("code", ["pegasus.znode_changed", "pegasus.zookeeper_denied"])
def test_what_is_surely_not_written_is_lifted_at_once(scene: Scene, code: str) -> None:
    scene.errors = dict.fromkeys(TABLES, code)
    assert scene.run() == code
    assert scene.lifted == list(TABLES) and scene.states == [LIFTED] * 3
    assert scene.link.asked == [gs.SWITCH, gs.NOT_SWITCHED, gs.LIFTED_BY_MODULE]


@pytest.mark.parametrize("code", ["pegasus.znode_changed", "pegasus.zookeeper_denied"])
def test_the_others_are_switched_and_finished(scene: Scene, code: str) -> None:
    scene.errors = {"b": code}
    assert scene.run() == code
    assert scene.written == ["a", "c"] and scene.lifted == ["b"]
    assert scene.committed == [("a", True), ("c", True)]


def test_the_others_are_committed_when_the_guard_has_kept_them_while_the_first_was_lifted(scene: Scene) -> None:
    scene.errors, scene.link.kept = {"b": "pegasus.znode_changed"}, ["a", "c"]
    assert scene.run() == "pegasus.znode_changed"
    assert scene.lifted == ["b"] and scene.committed == [("a", False), ("c", False)]


def test_what_goes_wrong_with_the_others_is_told_together_with_the_first_reason(scene: Scene) -> None:
    scene.errors, scene.link.kept = {"b": "pegasus.znode_changed"}, ["a"]
    with pytest.raises(MigrationError) as caught:
        scene.run()
    assert caught.value.code == "guard.refused" and caught.value.details["reason"] == "pegasus.znode_changed"
    assert caught.value.message == "No. No commit." and scene.committed == []


@pytest.mark.parametrize("code", ["pegasus.zookeeper_ambiguous", "pegasus.zookeeper_unreachable"])
@pytest.mark.parametrize("kept", [frozenset("a"), frozenset("ab")])
def test_an_unclear_table_is_left_to_the_guard(scene: Scene, code: str, kept: t.FrozenSet[str]) -> None:
    scene.errors, scene.decided = {"b": code}, kept
    assert scene.run() == code
    assert scene.link.closed and scene.lifted == []
    assert scene.states == [SWITCHED if name in kept else LIFTED for name in TABLES]
    assert [name for name, _guarded in scene.committed] == sorted(kept)


def test_while_the_guard_has_not_decided_only_the_switched_are_finished(scene: Scene) -> None:
    scene.errors = {"b": "pegasus.zookeeper_ambiguous"}
    scene.run()
    assert scene.lifted == [] and scene.states == [SWITCHED, FENCED, FENCED]
    assert scene.committed == [("a", False)] and gs.COMMIT not in scene.link.asked


def test_a_journal_that_fails_behind_the_write_leaves_it_unclear(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = scene.journal.outcomes

    def fail(listed: t.Any) -> None:
        if len(scene.written) == 2:
            raise MigrationError("journal.write_failed", "The disk is full.")
        outcomes(listed)

    monkeypatch.setattr(scene.journal, "outcomes", fail)
    scene.decided = frozenset("ab")
    assert scene.run() == "journal.write_failed"
    assert scene.written == ["a", "b"] and scene.lifted == []
    assert scene.states == [SWITCHED, SWITCHED, LIFTED]


def test_a_mode_that_skips_since_the_first_look_is_written_down_before_it_is_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    skips = model.Duplication(77, "DS_LOG", "onebox-b", 0, fail_mode=FAIL_SKIP)
    seen = {track.name: dataclasses.replace(track.view, duplication=skips) for track in scene.tracks}
    eyes: t.Any = scene.group._eyes
    eyes.tables = lambda *_any: seen
    eyes.sampled = lambda _clusters, views, **_more: {view.name: view for view in views}
    eyes.request.max_lag = 0
    clusters: t.Any = scene.group._clusters
    clusters.source = types.SimpleNamespace(cluster_name="onebox-a")

    def refuse(_findings: t.Any) -> None:
        raise MigrationError("pegasus.not_ready", "It skips.")

    monkeypatch.setattr(cutover_group, "gate", lambda *_any: [])
    monkeypatch.setattr(cutover_group, "require", refuse)
    with pytest.raises(MigrationError, match="It skips"):
        scene.group._look_again()
    kept = [one.data for one in scene.journal.entries if one.kind == SKIPPED_KIND]
    assert [one["dupid"] for one in kept] == [77, 77, 77]
    assert len({one["resource"] for one in kept}) == 3


def test_a_fence_is_not_kept_for_a_long_look_at_the_intervals(scene: Scene) -> None:
    looks: t.List[t.Mapping[str, bool]] = []
    group: t.Any = scene.group
    group._keeper = types.SimpleNamespace(require_short=lambda _clock, **more: looks.append(more))
    group._link = types.SimpleNamespace(require_armed=lambda: None)
    group._heed = types.SimpleNamespace(control=types.SimpleNamespace(beat=lambda *_any: None))
    group._armed()
    assert looks == [{"at_a_glance": True}]


def test_a_guard_that_has_ended_has_written_down_what_it_decided(tmp_path: pathlib.Path) -> None:
    place = GuardPlace.of(str(tmp_path / "j.jsonl"))
    clock: t.Any = FakeClock()
    assert await_decision(place, clock, 5.0) is None
    place.append(clock, "g", "started", {"socket": str(tmp_path / "none")})
    place.append(clock, "g", "deciding", {"kept": []})
    assert await_decision(place, clock, 5.0) is None
    place.append(clock, "g", "kept", {"kept": ["a"]})
    place.append(clock, "g", "ended", {"state": "kept"})
    assert await_decision(place, clock, 5.0) == frozenset("a")
