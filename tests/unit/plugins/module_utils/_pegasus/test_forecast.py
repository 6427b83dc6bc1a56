# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast against what can be computed by hand."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import forecast as fc

PACE = fc.Pace(
    partitions=(13, 13, 13, 13, 12),
    config_sync=1.0,
    duplication_sync=10.0,
    held_back=0.0,
    backlog=0.0,
    round_trip=0.02,
    poll=0.2,
    switch=0.6,
)


def test_the_same_input_gives_the_same_forecast() -> None:
    assert fc.forecast(PACE) == fc.forecast(dataclasses.replace(PACE))


def test_a_short_interval_leaves_the_duplication_sync() -> None:
    found = fc.forecast(PACE)
    # The latest of five syncs every 10 s: median 10 * 0.5 ** (1 / 5) = 8.7 s, p95 9.9 s; then fence, poll and switch.
    assert 8.7 < found.window_p50 < 11.0
    assert 9.9 < found.window_p95 < 12.0


def test_without_shortening_the_fence_takes_up_to_an_interval() -> None:
    found = fc.forecast(dataclasses.replace(PACE, config_sync=30.0))
    assert 28.0 < found.parts["fence"] + 4 < 34.0
    assert found.held_p95 > 30.0
    assert found.lift > 30.0


def test_the_held_back_mutation_comes_within_one_to_two_group_checks() -> None:
    found = fc.forecast(dataclasses.replace(PACE, held_back=100.0))
    assert 195 < found.window_p50 < 212
    assert found.window_p95 < 215
    single = fc.forecast(dataclasses.replace(PACE, partitions=(1,), held_back=100.0))
    assert 140 < single.window_p50 < 165


def test_backlog_is_time_that_is_added() -> None:
    more = fc.forecast(dataclasses.replace(PACE, backlog=20.0))
    assert more.window_p50 - fc.forecast(PACE).window_p50 == pytest.approx(20.0, abs=0.5)


def test_a_budget_below_the_minimum_is_refused_with_the_minimum() -> None:
    found = fc.forecast(PACE)
    with pytest.raises(MigrationError) as caught:
        fc.require_budget(found, 5.0, "temp")
    least = caught.value.details["minimum_budget"]
    assert caught.value.code == "pegasus.budget_too_small"
    assert found.minimum_budget <= least < found.minimum_budget + 1
    assert "budget: 5s is too short for temp" in caught.value.message
    fc.require_budget(found, least, "temp")


def test_the_lift_reserve_holds_a_whole_interval() -> None:
    assert fc.lift_reserve(30.0, 0.02, 0.2) > 30.0
