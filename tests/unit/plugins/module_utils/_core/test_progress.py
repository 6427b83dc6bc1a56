# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Progress
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


def test_rate_and_eta() -> None:
    clock = FakeClock()
    progress = Progress(100, clock)
    progress.update(0, running=4)
    clock.advance(60)
    progress.update(20, running=4, failed=2)
    assert progress.as_result() == {
        "done": 20,
        "total": 100,
        "running": 4,
        "failed": 2,
        "rate_per_minute": 20.0,
        "eta_seconds": 234.0,
    }
    assert progress.line() == "20/100 done (20 %), 4 running, 2 failed, 20.0/min, about 3m 54s left"


def test_no_rate_no_eta() -> None:
    clock = FakeClock()
    progress = Progress(10, clock)
    progress.update(0, running=1)
    clock.advance(60)
    progress.update(0, running=1)
    assert progress.eta_seconds is None
    assert progress.line() == "0/10 done (0 %), 1 running"


def test_what_was_done_before_makes_no_rate() -> None:
    clock = FakeClock()
    progress = Progress(1000, clock)
    progress.update(900)
    clock.advance(60)
    progress.update(901)
    assert progress.rate_per_minute == pytest.approx(1)


def test_the_rate_forgets_what_is_older_than_the_window() -> None:
    clock = FakeClock()
    progress = Progress(1000, clock, window=60)
    for minute in range(10):
        progress.update(minute * 50)
        clock.advance(60)
    progress.update(450)
    assert progress.rate_per_minute == 0
    assert progress.eta_seconds is None


def test_the_next_process_goes_on() -> None:
    clock = FakeClock()
    earlier = [(clock.now() - datetime.timedelta(seconds=60), 10)]
    progress = Progress(100, clock, earlier=earlier)
    progress.update(40)
    assert progress.rate_per_minute == pytest.approx(30)
    assert progress.eta_seconds == pytest.approx(120)


def test_a_clock_set_back_gives_no_nonsense() -> None:
    clock = FakeClock()
    progress = Progress(100, clock)
    progress.update(10)
    clock.set_wall_clock(-3600)
    progress.update(20)
    assert progress.rate_per_minute == 0
    clock.advance(60)
    progress.update(30)
    assert progress.rate_per_minute == pytest.approx(10)


def test_hundred_percent_only_at_the_end() -> None:
    progress = Progress(1000, FakeClock())
    progress.update(999)
    assert "(99 %)" in progress.line()
    progress.update(1000)
    assert progress.line() == "1000/1000 done (100 %)"
    assert progress.eta_seconds == 0
    assert Progress(0, FakeClock()).line() == "0/0 done"


@given(st.lists(st.tuples(st.floats(-100, 1000), st.integers(0, 50)), max_size=30))
def test_never_negative(steps: list[tuple[float, int]]) -> None:
    clock = FakeClock()
    progress = Progress(50, clock)
    for seconds, done in steps:
        clock.set_wall_clock(seconds)
        progress.update(done)
        assert progress.rate_per_minute >= 0
        assert progress.eta_seconds is None or progress.eta_seconds >= 0
        assert progress.line()
