# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the sync tool is given to drop the copy of a partition that the source has made anew."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Renewed
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.renewal import MOST, Renewal, why_stay
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_cycle import Cycle, cycle_of

CYCLE = cycle_of({})
LATE = CYCLE.renewal + 1


def anew(*partitions: str, life: int = 9) -> t.List[Renewed]:
    return [Renewed("d.t", partition, "made_anew", life) for partition in partitions]


def late(renewal: Renewal, renewed: t.List[Renewed], now: float, cycle: t.Optional[Cycle] = CYCLE) -> t.List[str]:
    """One look; the partitions that the tool does not drop. What is known goes through the result of a step."""
    renewal.__init__(json.loads(json.dumps(renewal.as_record())))  # type: ignore[misc]
    renewal.look(renewed, now)
    return [one.partition for one in renewal.overdue(renewed, cycle, now)[0]]


def test_the_tools_cycle() -> None:
    assert (CYCLE.meta, CYCLE.work, CYCLE.renewal) == (180, 20, 380)
    assert (CYCLE.drops_extra, CYCLE.drops_renewed) == (True, True)
    given = {
        "meta_job_interval_seconds": "5", "replication_job_interval_seconds": "x", "ddl_job_interval_seconds": "1",
        "ddl_job_allow_drop_inconsistent_time_partition": " False",
    }  # fmt: skip
    assert (cycle_of(given).renewal, cycle_of(given).drops_renewed) == (21, False)
    assert cycle_of(given, 60.0).meta == 60


def test_two_looks_of_the_tool_and_no_more() -> None:
    renewal = Renewal()
    assert late(renewal, anew("p"), 0) == []
    assert late(renewal, anew("p"), CYCLE.renewal) == []
    assert late(renewal, anew("p"), LATE) == ["p"]
    assert renewal.overdue(anew("p"), CYCLE, LATE)[1] == "it has not dropped them in 6m 20s, which is two of its looks"
    assert late(renewal, anew(), LATE + 1) == []


def test_what_is_made_anew_once_more_begins_anew() -> None:
    renewal = Renewal()
    late(renewal, anew("p"), 0)
    assert late(renewal, anew("p", life=10), LATE) == []
    assert late(renewal, anew("p", life=10), 2 * LATE) == ["p"]


def test_as_long_as_those_of_its_time_go_the_tool_is_on_its_way() -> None:
    """It drops a few in each turn. Those that came later say nothing of one that has been there for long."""
    renewal = Renewal()
    late(renewal, anew("p", "q", "r"), 0)
    assert late(renewal, anew("q", "r"), 300) == []
    assert late(renewal, anew("r", "later"), 600) == []
    assert late(renewal, anew("r"), 900) == []
    assert late(renewal, anew("r"), 600 + LATE) == ["r"]


def test_time_in_which_nothing_could_be_seen_does_not_count() -> None:
    renewal = Renewal()
    late(renewal, anew("p"), 0)
    renewal.pardon(LATE)
    assert late(renewal, anew("p"), LATE + 1) == []


def test_what_was_there_from_the_first_look_on_is_awaited() -> None:
    renewal = Renewal()
    late(renewal, anew("p"), 0)
    late(renewal, anew("p", "q"), 5)
    assert renewal.awaited == 1
    late(renewal, anew("q"), 10)
    assert renewal.awaited == 0


def test_many_are_watched_in_turns() -> None:
    renewal = Renewal()
    names = [f"p{number:05}" for number in range(MOST + 5)]
    late(renewal, anew(*names), 0)
    assert len(renewal.as_record()["watched"]) == MOST
    assert len(late(renewal, anew(*names), LATE)) == MOST
    assert late(renewal, anew(*names[-5:]), LATE + 1) == []
    assert late(renewal, anew(*names[-5:]), 2 * LATE) == []
    assert late(renewal, anew(*names[-5:]), 2 * LATE + 1) == names[-5:]


def test_where_nothing_drops_them_no_time_is_given() -> None:
    off = cycle_of({"ddl_job_allow_drop_inconsistent_time_partition": "false"})
    assert (why_stay(CYCLE), why_stay(None)) == ("", "it does not run any more")
    assert why_stay(off) == "ddl_job_allow_drop_inconsistent_time_partition is false"
    for cycle in (off, None):
        assert late(Renewal(), anew("p"), 0, cycle) == ["p"]
        with pytest.raises(MigrationError) as caught:
            Renewal().require(anew("p"), cycle, 0)
        assert caught.value.code == "starrocks.made_anew"
        assert "d.t/p. Drop these tables on the target" in caught.value.message
    Renewal().require(anew("p"), CYCLE, 0)
