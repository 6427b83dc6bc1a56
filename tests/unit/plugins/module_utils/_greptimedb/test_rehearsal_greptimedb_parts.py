# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals: what the journal tells, what a client saw of a move, and what goes into a plan's forecast."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import Rehearsed, read_rehearsed
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import rehearsal_forecast as rf
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import rehearsal_past as rp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import (
    Move,
    default_limits,
    make_plan,
    with_rehearsal,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_options import (
    moving_params,
    read_options,
    rehearsal_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_prober import Write, window

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.timezone.utc)
HERE = rf.Here(("m:3002",), "1.1.0/1.1.0", NOW)
TABLE = "public.dbops_rehearsal_1"


def entries(*listed: tuple[str, dict[str, t.Any]]) -> list[Entry]:
    return [Entry(seq, "2026-11-21T12:00:00.000Z", kind, data, "", "") for seq, (kind, data) in enumerate(listed)]


START = (rp.STARTED, {"table": TABLE, "metasrv": ["m:3002"]})
INTENT = ("change.intent", {"id": "c1", "resource": rp.resource(TABLE), "action": "create"})


def test_a_rehearsal_is_unfinished_until_it_is_cleared() -> None:
    (one,) = rp.read_rehearsals(entries(START, INTENT))
    assert (one.asked, one.table_id, one.name) == (True, None, "dbops_rehearsal_1")
    assert rp.unfinished([one]) == one
    (done,) = rp.read_rehearsals(entries(START, INTENT, (rp.CLEARED, {"table": TABLE})))
    assert rp.unfinished([done]) is None


def test_a_creation_that_was_refused_was_not_made() -> None:
    (one,) = rp.read_rehearsals(entries(START, INTENT, ("change.outcome", {"id": "c1", "status": "failed"})))
    assert not one.asked


def test_the_id_of_what_was_made_is_remembered() -> None:
    done = ("change.outcome", {"id": "c1", "status": "done", "evidence": {"table_id": 1024}})
    (one,) = rp.read_rehearsals(entries(START, INTENT, done))
    assert one.table_id == 1024


def test_outcomes_of_moves_say_nothing_of_the_table() -> None:
    move = ("change.intent", {"id": "m1", "resource": "greptimedb.region/1", "action": "move"})
    done = ("change.outcome", {"id": "c1", "status": "done", "evidence": {"table_id": 1024}})
    (one,) = rp.read_rehearsals(
        entries(START, INTENT, done, move, ("change.outcome", {"id": "m1", "status": "failed"}))
    )
    assert (one.asked, one.table_id) == (True, 1024)


def writes(*listed: tuple[float, bool]) -> list[Write]:
    """Each is answered a hundredth of a second after it was sent."""
    return [Write(sent, sent + 0.01, accepted) for sent, accepted in listed]


def test_the_refused_window_goes_from_the_first_refusal_to_the_first_write_behind_it() -> None:
    seen = window(writes((0.0, True), (1.0, True), (2.0, False), (2.1, False), (2.5, True), (3.0, True)), 0.5, 2.6)
    assert (seen.refused, seen.refusals) == (0.51, 2)
    assert seen.gap == 1.5
    assert seen.accepted_again == 2.51


def test_without_a_refusal_there_is_no_window() -> None:
    seen = window(writes((0.0, True), (1.0, True), (2.0, True)), 0.5, 2.5)
    assert (seen.refused, seen.refusals, seen.accepted_again) == (0.0, 0, None)


def test_a_refusal_that_lasts_longer_than_the_move_counts_to_its_end() -> None:
    seen = window(writes((0.0, True), (1.0, False), (3.0, True), (4.0, False)), 0.5, 2.0)
    assert (seen.refused, seen.refusals) == (2.01, 1)


def test_several_refusals_are_added() -> None:
    seen = window(writes((1.0, False), (1.5, True), (2.0, False), (2.25, True)), 0.5, 3.0)
    assert seen.refused == 0.77


def data(**more: t.Any) -> dict[str, t.Any]:
    return {
        "at": "2026-11-20T12:00:00.000Z",
        "metasrv": ["m:3002"],
        "version": "1.1.0/1.1.0",
        "refused": 0.4,
        "move_seconds": 1.5,
        **more,
    }


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"metasrv": ["other:3002"]}, "it was on another cluster"),
        ({"version": "1.0.0/1.0.0"}, "the cluster ran 1.0.0/1.0.0 then, and runs 1.1.0/1.1.0 now"),
        ({"at": "2026-11-01T12:00:00.000Z"}, "it is 20d old, and rehearsal_max_age is 2d"),
    ],
)
def test_what_does_not_fit_is_told(more: dict[str, t.Any], why: str) -> None:
    assert rf.unfit(Rehearsed("/r.jsonl", 2 * 86400.0, data(**more)), HERE) == why


def test_a_journal_without_a_rehearsal_is_told(tmp_path: t.Any) -> None:
    found = read_rehearsed({"rehearsal_journal": str(tmp_path / "none.jsonl")}, 1.0, "greptimedb")
    assert found is not None
    assert rf.unfit(found, HERE) == "there is no journal"


def plan() -> t.Any:
    moves = [Move(number, 1, 2, "public.cpu", 1024) for number in range(4)]
    return make_plan("moves", moves, {**default_limits(False), "global": 1}, before={})


def test_a_forecast_takes_what_was_measured_and_names_it() -> None:
    found = with_rehearsal(plan(), data(), "/r.jsonl")
    assert found.forecast["seconds"] == 6.0
    assert found.forecast["refused_per_region"] == 0.4
    assert "/r.jsonl" in found.forecast["basis"]
    assert found.plan_id == plan().plan_id


def test_a_forecast_without_it_tells_why() -> None:
    found = with_rehearsal(plan(), None, "/r.jsonl", "it was on another cluster")
    assert found.forecast["seconds"] == plan().forecast["seconds"] == 12.0
    assert found.forecast["basis"].endswith("the rehearsal in /r.jsonl was not used: it was on another cluster")


def test_every_problem_is_told_at_once() -> None:
    params = {name: option.get("default") for name, option in rehearsal_spec().argument_spec.items()}
    with pytest.raises(MigrationError) as caught:
        read_options({**params, "state": "present", "table": "orders", "target": "two", "timeout": "soon"})
    for name in ("table", "target", "timeout"):
        assert f"{name}: " in caught.value.message


def test_no_control_text_holds_its_moves() -> None:
    given = {"journal": "/r.jsonl", "control": "/wishes", "timeout": "60s"}
    assert control_store(given) is not None
    found = moving_params(given, follow_only=True)
    assert control_store(found) is None
    assert (found["follow_only"], found["timeout"]) == (True, "1h")
