# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A commit bears what passes by itself, for as long as the guard leaves it time: clients are on the target already."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_commit as cc
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_end
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import HANDED_OVER_KIND
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.quiescence import Condition
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

LEFT = 300.0
PREPARED = Condition("no_transaction", False, ("1 running", "d: load_7 (BACKEND_STREAMING, PREPARE)"))
QUIET = Condition("no_transaction", True, ("0 running",))
SILENT = MigrationError("starrocks.unreachable", "h1:9031 does not answer in time")


class World:
    """A source behind a hand-over. Times are seconds after which something is so. ``takes``: how long a look takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, guarded: bool = True) -> None:
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self.open_until = self.silent_until = 0.0
        self.moves_at = self.guard_dies_at = 9e9
        self.frozen, self.takes = True, 0.0
        self.held = 0
        self.opened = 0
        self.waits: t.List[Wait] = []
        told = {"seconds_left": LEFT, "source_digest": "proved"}
        entry = Entry(seq=0, at="2026-11-21T03:14:00.000Z", kind=HANDED_OVER_KIND, data=told, prev="", hash="0")
        link = t.cast(t.Any, types.SimpleNamespace(ask=self.ask, close=lambda: None))
        guard = LivingGuard(link, self.ask(gs.STATUS)) if guarded else None
        self.end = cutover_end.End([entry], guard, Track(), self.clock)
        monkeypatch.setattr(cutover_end, "source_snapshot", lambda *_readers: self.snapshot())

    @property
    def spent(self) -> float:
        return self.clock.monotonic() - self.began

    def ask(self, request: str) -> Answer:
        if self.spent >= self.guard_dies_at:
            raise GuardLost("killed")
        lifted = self.spent >= LEFT
        return Answer(True, gs.LIFTED if lifted else gs.HANDED_OVER, None if lifted else LEFT - self.spent, {})

    def snapshot(self) -> t.Any:
        return types.SimpleNamespace(source_digest="moved" if self.spent >= self.moves_at else "proved", partitions=3)

    def look(self) -> t.Any:
        self.clock.advance(self.takes)
        if self.spent < self.silent_until:
            raise SILENT
        return types.SimpleNamespace(frozen=self.frozen)

    def hold(self, *_given: t.Any) -> bool:
        self.held += 1
        self.frozen = True
        return False

    def predict(self, look: t.Any) -> ChangeList:
        return ChangeList([] if look.frozen else [Change("fe", "freeze_again", "false", "true", {})])

    def open(self) -> t.Any:
        self.opened += 1
        return types.SimpleNamespace(waiting=self.waits.append)

    def prove(self, check: bool = False) -> ChangeList:
        eyes = types.SimpleNamespace(
            freeze=types.SimpleNamespace(look=self.look, hold=self.hold, predict=self.predict),
            conditions=lambda _look: [PREPARED if self.spent < self.open_until else QUIET],
            readers=(None, None),
            request=types.SimpleNamespace(poll_interval=2.0),
        )
        opening = None if check else self.open
        return cc.CommitCheck(t.cast(t.Any, eyes), self.end, self.clock, opening).prove()

    def refused(self, check: bool = False) -> MigrationError:
        with pytest.raises(MigrationError) as caught:
            self.prove(check)
        return caught.value


@pytest.fixture(name="world")
def fixture_world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_nothing_is_waited_for_where_all_is_well(world: World) -> None:
    assert not world.prove().changed
    assert (world.clock.slept, world.waits, world.opened) == ([], [], 1)


@pytest.mark.parametrize("check", [False, True])
def test_a_transaction_that_ends_in_time_is_waited_for(world: World, check: bool) -> None:
    world.open_until = 40.0
    world.prove(check)
    assert 40.0 <= world.spent <= 42.0
    assert {one.reason for one in world.waits} == (set() if check else {"starrocks.wait.quiescence"})
    assert all("load_7" in one.worst[0] for one in world.waits)
    assert world.opened == (0 if check else 1)


def test_a_frontend_that_does_not_answer_for_a_moment_is_asked_again(world: World) -> None:
    world.silent_until = 20.0
    world.prove()
    assert 20.0 <= world.spent <= 22.0
    assert {one.reason for one in world.waits} == {"starrocks.wait.unreachable"}
    assert "h1:9031" in world.waits[0].worst[0]


@pytest.mark.parametrize("takes", [0.0, 25.0])
def test_the_last_look_is_over_before_the_guard_lifts(world: World, takes: float) -> None:
    world.takes, world.open_until = takes, 9e9
    told = world.refused()
    assert LEFT - 2 * takes - 2 * 2.0 <= world.spent + cc.MARGIN <= LEFT
    assert told.code == "starrocks.not_quiescent" and told.details["unmet"] == ["no_transaction"]
    assert "load_7" in told.message and "Send the clients that you have switched back" in told.message


def test_what_has_moved_does_not_move_back(world: World) -> None:
    """Also while something is under way that may pass, and also when it comes in later."""
    world.open_until, world.moves_at = 9e9, 0.0
    assert world.refused().code == "starrocks.source_moved"
    assert world.clock.slept == []
    world.moves_at = 30.0
    assert world.refused().code == "starrocks.source_moved"
    assert 30.0 <= world.spent <= 32.0


def test_what_does_not_pass_by_itself_fails_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "look", lambda: _raise(MigrationError("starrocks.access_denied", "no")))
    assert world.refused().code == "starrocks.access_denied"
    assert world.clock.slept == []


def _raise(error: Exception) -> t.Any:
    raise error


def test_without_a_guard_there_is_a_minute_and_nothing_lifts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, guarded=False)
    world.open_until = 9e9
    told = world.refused()
    assert cc.UNGUARDED - 4.0 <= world.spent <= cc.UNGUARDED
    assert "commit again" in told.message and "back to the source" not in told.message
    world.frozen = False
    assert world.refused().code == "starrocks.freeze_was_lifted"


def test_a_freeze_that_a_frontend_has_lost_is_set_again_under_the_guard_alone(world: World) -> None:
    world.frozen = False
    assert world.prove(check=True).changed and world.held == 0
    world.prove()
    assert world.held == 1
    # The guard dies while something is waited for, and a frontend forgets: loads may have come in.
    world.frozen, world.silent_until = False, 30.0
    world.guard_dies_at = 10.0
    assert world.refused().code == "starrocks.freeze_was_lifted"
    assert world.held == 1


def test_a_guard_that_lifts_early_is_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open_until = 9e9
    monkeypatch.setattr(world, "ask", lambda _request: Answer(True, gs.LIFTED, None, {}))
    world.end._guard = LivingGuard(t.cast(t.Any, world), t.cast(t.Any, world.end._guard).answer)
    assert world.refused().code == "starrocks.freeze_was_lifted"
    assert world.spent < 5.0
