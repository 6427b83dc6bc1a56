# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import Past, PastMove
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Region
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Plan
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_under_way import as_arrived, note
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.plan_cases import (
    cluster,
    plan,
    spread,
)

REGIONS = spread(3, 4, 4)
LEAVING = [one for one in REGIONS if one.leader_peer == 1]


def sent(one: Region, to_peer: int, **more: t.Any) -> PastMove:
    own = f"pid-{one.region_id}"
    move = PastMove(one.region_id, 1, to_peer, one.qualified, one.table_id, "i", 0.0, own, True, 0, "")
    return dataclasses.replace(move, **more)


def past_of(*moves: PastMove) -> Past:
    return Past({move.region_id: move for move in moves}, {}, [], None, [])


def drain(state: ClusterState) -> Plan:
    return plan(state, strategy="drain", datanodes=[1])


def test_a_move_of_our_own_is_no_obstacle_and_the_plan_is_the_one_of_afterwards() -> None:
    first = LEAVING[0]
    begun = {move.region_id: move.to_peer for move in drain(cluster(REGIONS)).moves}
    move = sent(first, begun[first.region_id])
    look = cluster(REGIONS, migrating=[first.region_id])
    assert not drain(look).complete
    state, arrived = as_arrived(look, past_of(move))
    assert arrived == [first.region_id]
    made = drain(state)
    assert made.complete
    # The next run follows it to its end, and then makes the very plan that people have approved.
    there = [dataclasses.replace(one, leader_peer=move.to_peer) if one is first else one for one in REGIONS]
    assert made.plan_id == drain(cluster(there)).plan_id
    assert len(made.moves) == len(LEAVING) - 1


@pytest.mark.parametrize("status", ["ALIVE", "DOWNGRADED"])
def test_a_submission_whose_answer_was_never_seen_is_ours(status: str) -> None:
    first = dataclasses.replace(LEAVING[0], leader_status=status)
    look = cluster([first], migrating=[first.region_id])
    unanswered = sent(first, 2, procedure_id=None, accepted=False)
    assert as_arrived(look, past_of(unanswered))[1] == [first.region_id]


def test_a_move_of_somebody_else_stays_an_obstacle() -> None:
    first, second = LEAVING[:2]
    look = cluster(REGIONS, migrating=[first.region_id, second.region_id])
    state, arrived = as_arrived(look, past_of(sent(first, 2, procedure_id="other"), sent(second, 2, status="done")))
    assert arrived == []
    assert state.regions == look.regions
    assert len(drain(state).unplaceable) == 2


def test_a_move_that_ended_without_a_trace_is_planned_again() -> None:
    first = LEAVING[0]
    state, arrived = as_arrived(cluster(REGIONS), past_of(sent(first, 2)))
    assert arrived == []
    assert first.region_id in {move.region_id for move in drain(state).moves}


def test_before_the_server_lists_procedures_the_journal_is_what_is_known() -> None:
    first, second, third = LEAVING
    refusing = dataclasses.replace(second, leader_status="DOWNGRADED")
    look = cluster([first, refusing, third], migrating=None)
    unanswered = {"procedure_id": None, "accepted": False}
    state, arrived = as_arrived(
        look, past_of(sent(first, 2), sent(refusing, 3, **unanswered), sent(third, 0, **unanswered))
    )
    # Of the third nothing shows that its call was ever sent.
    assert arrived == [first.region_id, second.region_id]
    assert [(one.leader_peer, one.degraded) for one in state.regions] == [(2, False), (3, False), (1, False)]


def test_what_is_under_way_is_told() -> None:
    assert note([7], "s3://b/m").startswith("1 region is on the way by a run of this migration that was broken off (7;")
    assert "6 regions are on the way" in note(range(6), "j") and "0, 1, 2, 3, 4, ..." in note(range(6), "j")
