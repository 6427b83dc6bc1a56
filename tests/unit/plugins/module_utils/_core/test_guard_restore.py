# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard that waits for others before it puts settings back does not wear out who it asks."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard import Guard, Patience, StillNeeded
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

TURN = 0.05
WATCH = 15.0


class Deeds:
    """Settings that cannot be put back until ``ends``, because of ``error``. ``tried``: when it was tried."""

    def __init__(self, clock: FakeClock, ends: float, error: MigrationError) -> None:
        self.tried: t.List[float] = []
        self._clock = clock
        self._ends = clock.monotonic() + ends
        self._error = error

    def restore_settings(self) -> None:
        self.tried.append(self._clock.monotonic())
        if self._clock.monotonic() < self._ends:
            raise self._error

    def told(self) -> t.Mapping[str, t.Any]:
        return {}


def restored(folder: pathlib.Path, ends: float, error: MigrationError) -> t.Tuple[t.List[float], float]:
    """When a guard that has lifted tries it, and its end, both counted from its beginning."""
    clock = FakeClock()
    deeds: t.Any = Deeds(clock, ends, error)
    listener: t.Any = None
    any_clock: t.Any = clock
    place = GuardPlace.of(str(folder / "j.jsonl"))
    guard = Guard(deeds, any_clock, Patience(silence=28.0, watch=WATCH), place, listener, "g", "path")
    began = clock.monotonic()
    guard.state, guard._ended, guard._bye = gs.LIFTED, began, True
    while not guard._over():
        clock.advance(TURN)
    return [at - began for at in deeds.tried], clock.monotonic() - began


@pytest.mark.parametrize("others", [2000.0, 7200.0])
def test_others_are_waited_for_with_few_questions(tmp_path: pathlib.Path, others: float) -> None:
    tried, end = restored(tmp_path, others, StillNeeded("engine.others", "They are fenced."))
    pauses = [after - before for before, after in zip(tried, tried[1:])]
    assert pauses[0] < 0.5 and max(pauses) <= 5.0 + 2 * TURN
    assert len(tried) < 1000
    expected = min(others, 3600.0)
    assert expected <= end < expected + 6.0


def test_a_server_that_is_away_for_a_moment_is_tried_often_enough(tmp_path: pathlib.Path) -> None:
    away = MigrationError("engine.unreachable", "Away.")
    tried, end = restored(tmp_path, 1.0, away)
    assert end < 2.0
    tried, end = restored(tmp_path, 1000.0, away)
    assert 8 <= len(tried) < 30 and WATCH <= end < WATCH + 6.0
