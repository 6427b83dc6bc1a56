# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at a region in flight leads to."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core import control_waits
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_result import ENDS_WHEN

RULES = ms.Rules(settle_time=10.0, move_timeout=600.0, asks_state=True)
BLIND = ms.Rules(settle_time=10.0, move_timeout=600.0, asks_state=False)
SENT = 1000.0


def track(**changes: t.Any) -> ms.Track:
    values: t.Dict[str, t.Any] = {
        "region_id": 4398046511104,
        "from_peer": 1,
        "to_peer": 2,
        "table": "public.t",
        "table_id": 1024,
        "state": ms.SUBMITTED,
        "attempts": 1,
        "intent_id": "7",
        "intent_at": SENT,
        "procedure_id": "538b7476-9f79-4e50-aa9c-b1de90710839",
    }
    values.update(changes)
    return ms.Track(**values)


def seen(
    leader: t.Optional[int] = 1,
    status: str = "ALIVE",
    active: t.Optional[str] = "",
    present: bool = True,
    queued: bool = False,
) -> ms.Sighting:
    return ms.Sighting(leader_peer=leader, leader_status=status, present=present, active=active, queued=queued)


def test_arrival_is_the_placement_and_nothing_else() -> None:
    assert ms.decide(track(), seen(leader=2), SENT + 1, RULES).kind == "done"


@pytest.mark.parametrize("word", ["DOWNGRADED", "DOWNGRADING"])
def test_a_degraded_leader_on_the_target_has_not_arrived(word: str) -> None:
    assert ms.decide(track(), seen(leader=2, status=word), SENT + 1, RULES).kind != "done"


def test_done_is_not_believed_when_the_region_is_still_on_its_source() -> None:
    said_done = track(asked=("Done", ""))
    assert ms.decide(said_done, seen(), SENT + 5, RULES).kind == "keep"
    decision = ms.decide(said_done, seen(), SENT + 11, RULES)
    assert (decision.kind, decision.code) == ("retry", "greptimedb.done_without_move")


def test_a_region_that_somebody_else_moved_is_a_failure_that_names_where_it_is() -> None:
    decision = ms.decide(track(), seen(leader=3), SENT + 1, RULES)
    assert (decision.kind, decision.code) == ("fail", "greptimedb.leader_moved")
    assert "datanode 3" in decision.message


@pytest.mark.parametrize(
    ("sighting", "reason"),
    [
        (seen(active="Running", queued=True), "greptimedb.wait.table_lock"),
        (seen(active="Running"), "greptimedb.wait.preparing_target"),
        (seen(active="Running", status="DOWNGRADING"), "greptimedb.wait.writes_refused"),
        (seen(active="Running", leader=2), "greptimedb.wait.closing_source"),
        (seen(active="Retrying"), "greptimedb.wait.server_retrying"),
        (seen(active="RollingBack"), "greptimedb.wait.rolling_back"),
    ],
)
def test_a_procedure_at_work_is_waited_for_with_its_reason(sighting: ms.Sighting, reason: str) -> None:
    decision = ms.decide(track(active_at=SENT + 500), sighting, SENT + 5000, RULES)
    assert (decision.kind, decision.reason) == ("keep", reason)


def test_an_id_without_procedure_is_borne_for_the_settle_time_and_then_tried_again() -> None:
    early = ms.decide(track(), seen(), SENT + 1, RULES)
    assert (early.kind, early.reason) == ("ask", "greptimedb.wait.registering")
    not_found = track(asked=("not_found", "Procedure not found"))
    assert ms.decide(not_found, seen(), SENT + 9, RULES).kind == "ask"
    late = ms.decide(not_found, seen(), SENT + 10, RULES)
    assert (late.kind, late.code) == ("retry", "greptimedb.never_registered")


def test_a_vanished_procedure_gets_patience_from_when_it_was_last_seen() -> None:
    gone = track(active_at=SENT + 100, asked=("not_found", ""))
    assert ms.decide(gone, seen(), SENT + 109, RULES).kind == "ask"
    assert ms.decide(gone, seen(), SENT + 110, RULES).code == "greptimedb.procedure_forgotten"


def test_a_lost_reply_is_sent_again_only_after_the_settle_time() -> None:
    lost = track(procedure_id=None, reply_lost=True)
    assert ms.decide(lost, seen(), SENT + 9, RULES).reason == "greptimedb.wait.reply_lost"
    assert ms.decide(lost, seen(), SENT + 10, RULES).code == "greptimedb.not_applied"


def test_a_lost_reply_gets_three_times_the_patience_where_nothing_lists_procedures() -> None:
    lost = track(procedure_id=None, reply_lost=True)
    assert ms.decide(lost, seen(active=None), SENT + 29, BLIND).kind == "keep"
    assert ms.decide(lost, seen(active=None), SENT + 30, BLIND).code == "greptimedb.not_applied"


def test_a_rolled_back_procedure_is_tried_again_and_keeps_the_servers_words() -> None:
    failed = track(asked=("Failed", "The region migration procedure aborted"))
    decision = ms.decide(failed, seen(), SENT + 3, RULES)
    assert (decision.kind, decision.code) == ("retry", "greptimedb.procedure_failed")
    assert decision.server_text == "The region migration procedure aborted"


def test_a_poisoned_procedure_is_not_tried_again() -> None:
    assert ms.decide(track(asked=("Poisoned", "")), seen(), SENT + 3, RULES).kind == "fail"


def test_a_route_left_degraded_without_procedure_is_migrated_again() -> None:
    stuck = seen(status="DOWNGRADED")
    assert ms.decide(track(), stuck, SENT + 5, RULES).kind == "keep"
    assert ms.decide(track(), stuck, SENT + 20, RULES).code == "greptimedb.route_stuck"


def test_without_procedure_state_only_the_moves_own_time_limit_ends_the_wait() -> None:
    http_era = seen(active=None)
    assert ms.decide(track(), http_era, SENT + 599, BLIND).kind == "keep"
    assert ms.decide(track(), http_era, SENT + 601, BLIND).code == "greptimedb.move_timeout"


def test_a_dropped_table_ends_the_move() -> None:
    gone = seen(leader=None, status="", present=False)
    assert ms.decide(track(), gone, SENT + 1, RULES).kind == "keep"
    assert ms.decide(track(), gone, SENT + 11, RULES).code == "greptimedb.region_missing"


SIGHTINGS = st.builds(
    ms.Sighting,
    leader_peer=st.sampled_from([None, 1, 2, 3]),
    leader_status=st.sampled_from(["ALIVE", "DOWNGRADED", "DOWNGRADING", "STAGING", ""]),
    present=st.booleans(),
    active=st.sampled_from([None, "", "Running", "Retrying", "PrepareRollback", "RollingBack"]),
    queued=st.booleans(),
)
TRACKS = st.builds(
    track,
    procedure_id=st.sampled_from([None, "a-pid"]),
    reply_lost=st.booleans(),
    active_at=st.sampled_from([None, SENT + 1, SENT + 700]),
    asked=st.sampled_from([None, ("Running", ""), ("Done", ""), ("Failed", "x"), ("Poisoned", ""), ("not_found", "")]),
)


@given(TRACKS, SIGHTINGS, st.floats(min_value=0, max_value=5000), st.sampled_from([RULES, BLIND]))
def test_no_sighting_proves_arrival_but_the_target_leading_and_no_wait_is_without_a_known_reason(
    one: ms.Track, sighting: ms.Sighting, later: float, rules: ms.Rules
) -> None:
    decision = ms.decide(one, sighting, SENT + later, rules)
    degraded = sighting.leader_status in ms.DEGRADED_WORDS
    if decision.kind == "done":
        assert sighting.present and sighting.leader_peer == one.to_peer and not degraded and not sighting.active
    elif decision.kind in ("keep", "ask"):
        assert decision.reason in ms.WAIT_REASONS
    else:
        assert decision.code.startswith("greptimedb.") and decision.message
        assert not sighting.active


def test_every_wait_reason_says_what_ends_it() -> None:
    assert set(ENDS_WHEN) == ms.WAIT_REASONS | set(control_waits.ENDS_WHEN)


def test_a_fresh_submission_is_not_asked_for_by_its_id() -> None:
    assert ms.decide(track(), seen(), SENT + 0.3, RULES).kind == "keep"
    assert ms.decide(track(), seen(), SENT + 1.0, RULES).kind == "ask"


def test_a_procedure_that_was_seen_and_is_gone_is_asked_for_at_once() -> None:
    assert ms.decide(track(active_at=SENT + 0.2), seen(), SENT + 0.3, RULES).kind == "ask"


def test_asking_comes_before_the_settle_time_is_over() -> None:
    quick = ms.Rules(settle_time=0.4, move_timeout=600.0, asks_state=True)
    assert ms.decide(track(), seen(), SENT + 0.3, quick).kind == "ask"
