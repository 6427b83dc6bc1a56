# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the target is near enough for a cutover, and what is waited for until then."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv


def near(verdict: str = tv.RUNNING, not_copied: int = 0, good: int = 0, **counts: int) -> sn.Nearness:
    all_counts = {**dict.fromkeys(cmp.VERDICTS, 0), cmp.EQUAL: 5, **counts}
    worst = ["db.t/p behind"] * 9
    return sn.nearness(all_counts, not_copied, worst, verdict, "why", max_behind=3, samples=2, good=good)


def test_two_good_looks_in_a_row() -> None:
    first = near()
    assert (first.reason, first.good) == (sn.SETTLING, 1)
    second = near(good=first.good)
    assert (second.reason, second.good) == ("", 2)


def test_while_loads_go_on_some_may_be_behind() -> None:
    assert near(behind=3, good=1).reason == ""
    late = near(behind=4, good=1)
    assert (late.reason, late.good, late.count, len(late.worst)) == (sn.BEHIND, 0, 4, 5)


@pytest.mark.parametrize("counts", [{"missing_on_target": 1}, {"behind": 1, "not_copied": 1}])
def test_what_was_never_copied_is_waited_for_however_little_it_is(counts: dict[str, t.Any]) -> None:
    found = near(good=5, **counts)
    assert (found.reason, found.good) == (sn.COPYING, 0)
    assert found.waiting_for == "the first copy of 1 partition"


def test_what_was_made_anew_before_is_waited_for() -> None:
    """However much may be behind by loads: nobody has seen yet that the tool takes the old copies away."""
    all_counts = {**dict.fromkeys(cmp.VERDICTS, 0), cmp.EQUAL: 5, cmp.BEHIND: 1}
    found = sn.nearness(all_counts, 0, [], tv.RUNNING, "why", made_anew=1, max_behind=3, samples=1, good=5)
    assert (found.reason, found.good) == (sn.BEHIND, 0)
    assert found.waiting_for == "1 partition that the source has made anew since the copy"


@pytest.mark.parametrize("verdict", [tv.NOT_STARTED, tv.STALLED, tv.STALE, tv.FAILED, tv.STOPPED])
def test_a_tool_that_is_not_well_passes_nothing(verdict: str) -> None:
    found = near(verdict, good=5)
    assert (found.reason, found.good) == (sn.TOOL, 0)
    assert sn.tool_is_over(verdict, found, False) is (verdict in (tv.FAILED, tv.STOPPED))


def test_a_tool_that_finds_nothing_to_copy_is_right_only_where_all_is_equal() -> None:
    """Nobody writes to the source, so there is nothing that it could do."""
    assert near(tv.IDLE, good=1).reason == ""
    assert near(tv.IDLE, good=1, behind=1).reason == sn.TOOL
    assert near(tv.IDLE, good=1, missing_on_target=1).reason == sn.TOOL


@pytest.mark.parametrize("verdict", [tv.STALLED, tv.STALE, tv.IDLE])
@pytest.mark.parametrize(
    ("counts", "what"),
    [
        ({"missing_on_target": 28}, "the first copy of 28 partitions"),
        ({"behind": 9}, "9 partitions that are behind (at most 3 may be)"),
    ],
)
def test_a_tool_that_is_stuck_is_the_reason_while_things_are_missing(
    verdict: str, counts: dict[str, t.Any], what: str
) -> None:
    """It would be waited for in vain, for up to a day, with no word of why."""
    found = near(verdict, **counts)
    assert (found.reason, found.waiting_for) == (sn.TOOL, f"the sync tool (why), for {what}")
    assert (found.count, len(found.worst)) == (next(iter(counts.values())), 5)
    assert not sn.tool_is_over(verdict, found, False), "it may only be slow"


@pytest.mark.parametrize("verdict", [tv.NOT_STARTED, tv.RUNNING, tv.CONVERGED])
def test_a_first_copy_is_waited_for_as_long_as_nothing_is_wrong(verdict: str) -> None:
    assert near(verdict, missing_on_target=28).reason == sn.COPYING


def test_a_run_that_is_over_is_waited_for_no_longer() -> None:
    """What it has missed nobody copies; what it had sent may still come."""
    assert near(tv.COMPLETED, good=1, behind=3).reason == ""
    for counts in ({"missing_on_target": 1}, {"behind": 4}):
        found = near(tv.COMPLETED, **counts)
        assert sn.tool_is_over(tv.COMPLETED, found, False)
        assert not sn.tool_is_over(tv.COMPLETED, found, True)
    assert not sn.tool_is_over(tv.COMPLETED, near(tv.COMPLETED, behind=3), False)


def test_a_run_that_ended_without_a_word_counts_where_all_is_equal_and_only_there() -> None:
    """Nobody says that it had come to its end, so not even what may be behind otherwise is passed."""
    assert near(tv.ENDED, good=1).reason == ""
    assert near(tv.ENDED).reason == sn.SETTLING
    for counts in ({"missing_on_target": 1}, {"behind": 1}, {"extra_on_target": 1}):
        found = near(tv.ENDED, good=5, **counts)
        assert (found.good, found.reason) == (0, sn.COPYING if "missing_on_target" in counts else sn.BEHIND)
        assert sn.tool_is_over(tv.ENDED, found, False)
        assert not sn.tool_is_over(tv.ENDED, found, True), "what it had sent may still come"
    assert not sn.tool_is_over(tv.ENDED, near(tv.ENDED), False)


def test_every_reason_is_documented() -> None:
    for found in (near(), near(behind=9), near(missing_on_target=1), near(tv.STALE)):
        assert sn.REASONS.check(found.reason)
