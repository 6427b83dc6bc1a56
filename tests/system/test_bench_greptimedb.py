# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short seeded parts of `make bench-greptimedb`, and proof that its judges can say no."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from bench import greptimedb, makespan, modules, polling, prediction, timeline, workshop
from bench.figures import Figure
from bench.prediction import Predicted
from bench.timeline import Span

SEED = 11
SMALL = makespan.Case("small", 8, 8.0, {"global": 4, "per_source": 2, "per_target": 2}, 4, rerun=True)


@pytest.mark.cost(15)
def test_a_migration_is_measured_by_what_the_lab_has_recorded() -> None:
    found = makespan.measure(SMALL, SEED)
    assert [one.id for one in found] == ["P1", "P2", "P3", "P8", "P8", "P8"]
    ratio, _cpu, looks, _again, calls, changed = found
    # No schedule beats the bound, so less than it would be a mistake of the judge.
    assert ratio.value >= 1.0
    assert looks.runs > 0 and looks.value > 0
    assert (calls.value, changed.value) == (0, 0)


@pytest.mark.cost(12)
def test_check_mode_predicts_the_calls_of_random_states() -> None:
    with modules.ModuleServer(workshop.HOME / "servers" / "test") as server:
        found = list(prediction.states("1.1", [SEED * 1_000_000 + number for number in range(4)], server))
    assert [one for one in found if not one.same_order] == []
    assert any(one.sent for one in found)


MOVES = [{"region_id": 1, "from_peer": 0, "to_peer": 1}, {"region_id": 2, "from_peer": 0, "to_peer": 1}]
REQUESTS: list[dict[str, t.Any]] = [
    {"request": "SELECT 1 FROM information_schema.procedure_info", "at": 9.0, "wall": 9.0, "mutating": False},
    {"request": "ADMIN migrate_region(1, 0, 1)", "at": 10.0, "wall": 10.0, "mutating": True},
    {"request": "SELECT 1 FROM information_schema.procedure_info", "at": 12.0, "wall": 12.0, "mutating": False},
    {"request": "SELECT 1 FROM information_schema.region_peers", "at": 13.0, "wall": 13.0, "mutating": False},
]


def test_a_makespan_begins_with_the_first_submission() -> None:
    one_by_one = [Span(1, 11.0, 14.0), Span(2, 14.0, 18.0)]
    found = timeline.makespan(MOVES, {"global": 1}, REQUESTS, one_by_one)
    assert (found.seconds, found.bound.value, found.peak) == (8.0, 7.0, 1)
    at_once = timeline.makespan(MOVES, {"global": 2}, REQUESTS, [Span(1, 10.0, 13.0), Span(2, 10.0, 14.0)])
    assert (at_once.ratio, at_once.peak, at_once.binding) == (1.0, 2, "the longest move")
    with pytest.raises(ValueError, match="1 regions were not migrated, among them"):
        timeline.makespan(MOVES, {"global": 1}, REQUESTS, one_by_one[:1])


def test_queries_are_counted_for_each_look() -> None:
    found = polling.polling(REQUESTS)
    assert (found.looks, found.per_look, found.per_second) == (2, [1, 2], 0.75)


def test_an_outcome_is_known_when_the_journal_has_it() -> None:
    entries = [
        {
            "kind": "change.intent",
            "at": "",
            "data": {"action": "migrate", "id": "c1", "resource": "greptimedb.region/1"},
        },
        {"kind": "change.outcome", "at": "1970-01-01T00:01:40.500Z", "data": {"id": "c1"}},
        {"kind": "change.outcome", "at": "1970-01-01T00:01:50Z", "data": {"id": "of something else"}},
    ]
    assert polling.lags([Span(1, 10.0, 100.0), Span(2, 10.0, 100.0)], entries, lambda seconds: seconds) == [0.5]


def test_what_was_not_predicted_does_not_count() -> None:
    other = Predicted("1.1", told=("a", "b"), sent=("b", "c"), told_code="", sent_code="", attached=0)
    assert (other.right, other.same, other.same_order) == (1, False, False)
    swapped = Predicted("1.1", told=("a", "b"), sent=("b", "a"), told_code="", sent_code="", attached=0)
    assert (swapped.right, swapped.same, swapped.same_order) == (2, True, False)
    refused = Predicted("1.1", told=("a",), sent=("a",), told_code="", sent_code="input.invalid", attached=0)
    assert (refused.right, refused.same) == (0, False)


def test_a_bar_that_does_not_hold_ends_the_command_with_1(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        Figure("P1", "fast enough", 1.1, "makespan / lower bound", must_be=1.15),
        Figure("P9", "predicted", 98.0, "%", must_be=99.0, at_least=True),
    ]
    monkeypatch.setattr(greptimedb, "RESULT", tmp_path / "bench.json")
    monkeypatch.setattr(greptimedb, "measure", lambda _options: iter(found))
    assert greptimedb.main(["--only", "P1"]) == 0
    assert greptimedb.main([]) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().out
    assert [one["holds"] for one in json.loads((tmp_path / "bench.json").read_text())] == [True, False]
    with pytest.raises(SystemExit):
        greptimedb.main(["--only", "P77"])
