# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The soak: steps that suit the time, a word after each, and an end at the right moment."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.plugin_utils import _soak
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


def soaking(clock: FakeClock, seconds: float) -> _soak.Soak:
    until = clock.now() + datetime.timedelta(seconds=seconds)
    return _soak.Soak("orders, invoices", "the duplications are removed", until)


@pytest.mark.parametrize(
    ("left", "step"),
    [
        (0.4, 0.4),
        (5, 5),
        (7, 7),
        (8, 5),
        (30, 6),
        (120, 24),
        (3600, 300),
        (3 * 86400, 300),
    ],
)
def test_how_long_a_step_is(left: float, step: float) -> None:
    assert _soak.next_step(left) == step


@pytest.mark.parametrize("seconds", [0.3, 11, 61.5, 3600, 2 * 86400])
def test_it_ends_in_time_and_says_something_in_every_step(seconds: float) -> None:
    clock = FakeClock()
    lines: t.List[str] = []
    assert _soak.soak(soaking(clock, seconds), clock, lines.append) == pytest.approx(seconds)
    assert sum(clock.slept) == pytest.approx(seconds)
    assert max(clock.slept) <= _soak.LONGEST_STEP
    assert len(lines) == len(clock.slept)
    # Long waits do not fill a log.
    assert len(lines) < 30 + seconds / 250


def test_what_it_says() -> None:
    clock = FakeClock()
    lines: t.List[str] = []
    _soak.soak(soaking(clock, 90), clock, lines.append)
    assert lines[0] == (
        "orders, invoices: soaking for 1m 30s more, until 2026-11-21T03:15:30Z, before the duplications "
        "are removed. This may be broken off: the next run waits only for what is left then."
    )
    assert lines[1] == "orders, invoices: 1m 12s of the soak left, until 2026-11-21T03:15:30Z"


def test_nothing_is_said_when_nothing_is_left() -> None:
    clock = FakeClock()
    lines: t.List[str] = []
    assert _soak.soak(soaking(clock, 0), clock, lines.append) == 0
    assert _soak.soak(soaking(clock, -5), clock, lines.append) == 0
    assert lines == [] and clock.slept == []


def test_a_machine_that_was_suspended_does_not_wait_longer() -> None:
    class Suspended(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            self.set_wall_clock(3000)

    clock = Suspended()
    _soak.soak(soaking(clock, 3600), clock, lambda _line: None)
    assert sum(clock.slept) == pytest.approx(360)
