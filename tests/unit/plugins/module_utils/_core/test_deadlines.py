# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


def test_it_runs_out() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 60, "moving 3 regions")
    clock.advance(59)
    deadline.check()
    assert deadline.remaining() == pytest.approx(1)
    clock.advance(1)
    assert deadline.expired
    assert deadline.remaining() == 0
    with pytest.raises(MigrationError) as caught:
        deadline.check([f"region {n}" for n in range(7)])
    assert caught.value.code == "deadline.expired"
    assert caught.value.message == (
        "moving 3 regions did not end within 1m. "
        "Still running: region 0, region 1, region 2, region 3, region 4 and 2 more."
    )
    assert caught.value.details["running"] == [f"region {n}" for n in range(5)]


def test_setting_the_wall_clock_moves_nothing() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 60, "x")
    clock.set_wall_clock(-3600)
    assert deadline.remaining() == pytest.approx(60)
    clock.set_wall_clock(7200)
    assert not deadline.expired


def test_the_next_process_goes_on_with_what_is_left() -> None:
    clock = FakeClock()
    first = Deadline(clock, 60, "x")
    clock.advance(45)
    second = Deadline(clock, 60, "x", absolute_epoch=first.absolute_epoch)
    assert second.remaining() == pytest.approx(15)
    assert second.absolute_epoch == first.absolute_epoch


def test_a_clock_set_back_between_processes_stretches_nothing() -> None:
    clock = FakeClock()
    end = Deadline(clock, 60, "x").absolute_epoch
    clock.set_wall_clock(-86400)
    assert Deadline(clock, 60, "x", absolute_epoch=end).remaining() == pytest.approx(60)


def test_one_that_passed_is_expired_at_once() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 60, "x", absolute_epoch=clock.now().timestamp() - 1)
    assert deadline.expired
    assert deadline.remaining() == 0


def test_sleep_ends_with_it() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 5, "x")
    deadline.sleep(3)
    deadline.sleep(3)
    assert clock.slept == pytest.approx([3, 2])
    assert deadline.expired


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1])
def test_no_wait_without_end(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Deadline(FakeClock(), seconds, "x")
