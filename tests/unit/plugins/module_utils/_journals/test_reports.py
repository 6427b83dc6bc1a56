# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of whole runs of all three engines, and of very large ones."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Lag
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.page import page
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Report, Verification
from ansible_collections.dbops.migration.plugins.module_utils._core.report.tiles import summary_lines
from ansible_collections.dbops.migration.plugins.module_utils._core.report.verdict import verdict
from ansible_collections.dbops.migration.plugins.module_utils._journals.switches import rules_of
from ansible_collections.dbops.migration.plugins.module_utils._journals.words import WORDS
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.reading import Page
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals import large
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals.journals import (
    Altered,
    moved,
    report,
)

WHOLE = 2_000_000


def of_lines(engine: str, lines: t.Sequence[large.Line]) -> Report:
    rules = rules_of(engine)
    assert rules is not None
    switch = le.judged(rules(lines))
    return fold(lines, Verification(True, len(lines), "0" * 64), WORDS[engine], {}, switch)


@pytest.mark.parametrize(
    ("engine", "sentence", "headings"),
    [
        ("greptimedb", "All 15 regions moved, each proved on its target.", {"Moves", "Progress"}),
        (
            "pegasus",
            "Table temp was cut over; writes were refused for 9.6s at most.",
            {"Cutover", "Progress", "Lag", "Settings"},
        ),
        ("starrocks", "All 5 tables (10 partitions) were cut over;", {"Cutover", "Settings"}),
    ],
)
def test_a_whole_run_is_good_and_nothing_is_left(engine: str, sentence: str, headings: t.Set[str]) -> None:
    found = report(Altered(engine))
    judged = verdict(found)
    assert (judged.tone, judged.todo) == ("good", [])
    assert judged.sentence.startswith(sentence)
    assert "Switch: legal (every step before it is proved in this journal)" in summary_lines(found)
    read = Page(page(found))
    assert headings | {"Timeline", "Was the switch legal?", "Findings", "Journal"} <= set(read.headings)
    assert all(row[1] == "proved" for row in read.rows["checks-0"])
    assert WORDS[engine].engine in read.text


def _with_looks(altered: Altered, lags: t.Sequence[int]) -> Altered:
    """With more looks at a copy, and a lag at each as StarRocks tells it, from the last ``progress`` on."""
    place = altered.last("progress")
    at, _kind, data = altered.records[place]
    altered.records[place : place + 1] = [
        (moved(at, number * 0.1), "progress", {**data, "done": number, "lag": Lag("partitions", lag).as_result()})
        for number, lag in enumerate(lags)
    ]
    return altered


def test_the_lag_of_partitions_is_a_curve_too_and_a_figure_while_nothing_is_switched() -> None:
    altered = _with_looks(Altered("starrocks"), [10, 7, 2])
    read = Page(page(report(altered)))
    assert "Lag" in read.headings
    assert "Partitions not as on the source, at each look" in read.text
    assert "At most 10 at " in read.text
    altered.records = altered.records[: altered.last("progress") + 1]
    (line,) = [line for line in summary_lines(report(altered)) if line.startswith("Lag: ")]
    assert line.startswith("Lag: 2 (partitions not as on the source at ")


def test_regions_that_move_one_by_one_have_no_lag() -> None:
    found = report(Altered("greptimedb"))
    assert len(found.progress) > 1
    assert "Lag" not in Page(page(found)).headings
    assert not [line for line in summary_lines(found) if line.startswith("Lag")]


def test_fence_and_drain_are_told_partition_by_partition() -> None:
    read = Page(page(report(Altered("pegasus"))))
    rows = read.rows["proof-fence"]
    assert len(rows) == 64
    for subject, writes, *_rest, position, _taken, confirmed, _reached in rows:
        assert subject.startswith("temp/") and writes == "denied"
        assert int(confirmed) >= int(position)


def test_a_cutover_of_a_whole_source_is_told_by_its_steps() -> None:
    found = report(Altered("starrocks"))
    (cutover,) = found.cutovers
    assert cutover.state == "committed" and (cutover.tables, cutover.parts) == (5, 10)
    assert cutover.refused is not None and cutover.refused > cutover.window["handed_over"]
    assert cutover.forecast["window_p95"] > 0
    read = Page(page(found))
    assert "the source is at rest" in read.text and "proved equal" in read.text
    assert "handed_over; deadline" in read.rows["runs-table"][1][5]


def test_a_switch_that_was_not_legal_is_the_first_thing_said() -> None:
    altered = Altered("pegasus")
    altered.data("proof", kind="drain")["items"][3]["confirmed"] = 1
    found = report(altered)
    judged = verdict(found)
    assert judged.tone == "bad" and "not legal by this journal" in judged.sentence
    assert judged.todo[0].startswith(
        "Find out why the switch was not legal: temp: partition 3: confirmed 1 of position"
    )
    assert "not so" in {row[1] for row in Page(page(found)).rows["checks-0"]}


def test_a_switch_without_proof_is_no_good_verdict() -> None:
    judged = verdict(report(Altered("starrocks").drop("proof", kind="guard")))
    assert (judged.tone, judged.sentence.endswith("not proved by this journal.")) == ("care", True)


def test_a_run_that_ends_behind_the_freeze_says_that_writes_may_be_refused() -> None:
    altered = Altered("starrocks")
    altered.records = altered.records[: altered.last("proof", kind="quiescence")]
    found = report(altered)
    judged = verdict(found)
    assert judged.tone != "good"
    assert judged.todo[0].startswith("Writes may still be refused: run the cutover again")
    assert found.fenced[-1][1] == found.last


def test_a_hand_over_waits_for_the_operator() -> None:
    altered = Altered("starrocks")
    altered.records = altered.records[: altered.last("cutover.committed")]
    judged = verdict(report(altered))
    assert judged.sentence == "Handed over: writes are stopped, and the switch of the whole source is yours to make."
    assert judged.todo[0].startswith("Commit the cutover, or lift the freeze: ")


def test_a_lifted_freeze_is_told_with_its_span() -> None:
    altered = Altered("starrocks")
    place = altered.last("cutover.handed_over")
    at = altered.records[altered.last("cutover.committed")][0]
    altered.records = [*altered.records[: place + 1], (at, "freeze.lifted", {"cluster_id": "77", "at": at, "kept": []})]
    found = report(altered)
    assert found.cutovers[0].state == "lifted"
    assert len(found.fenced) == 1 and found.fenced[0][1] > found.fenced[0][0]
    assert verdict(found).sentence.startswith("Not cut over: the freeze of the whole source was lifted.")


def test_wishes_hooks_and_notifications_are_told() -> None:
    altered = Altered("pegasus")
    at = altered.records[-1][0]
    altered.records += [
        (at, "control", {"kind": "pause", "wish": "pause", "effect": "taken", "detail": "nothing new is begun"}),
        (at, "control", {"kind": "limits", "wish": "none", "effect": "not_applicable", "detail": "no move runs"}),
        (at, "control", {"kind": "text", "wish": "", "effect": "unreadable", "detail": "line 2"}),
        (at, "hook", {"edge": "before_cutover", "file": "hooks/tell.yml", "status": "failed", "reason": "it said no"}),
        (at, "notification", {"event": "cutover_committed", "status": "delivered", "to": "https://hooks/***"}),
    ]
    found = report(altered)
    assert verdict(found).todo == ["The migration was asked to pause: take that back when it is to go on."]
    read = Page(page(found))
    assert read.rows["control-table"][0][1:] == ["pause", "taken", "nothing new is begun"]
    assert read.rows["control-table"][1][1:] == ["limits withdrawn", "not applicable", "no move runs"]
    assert read.rows["control-table"][2][1:] == ["text", "unreadable", "line 2"]
    assert read.rows["hook-table"] == [
        [read.rows["hook-table"][0][0], "before_cutover", "failed", "it said no; hooks/tell.yml"]
    ]
    assert read.rows["notification-table"][0][2] == "delivered"
    assert "wishes" in read.text and "hooks" in read.text and "notifications" in read.text


def _wished(altered: Altered, line: str, effect: str = "taken") -> Altered:
    """With a wish as the last word."""
    kind = "cutover" if line.startswith(("postpone", "proceed")) else "run"
    at = altered.records[-1][0]
    altered.records.append((at, "control", {"kind": kind, "wish": line, "effect": effect, "detail": "so"}))
    return altered


def test_an_abort_is_taken_back_before_anything_is_run_again() -> None:
    altered = Altered("pegasus")
    altered.records = altered.records[: altered.last("proof", kind="guard")]
    assert verdict(report(_wished(altered, "abort the backup is late"))).todo[:2] == [
        "The migration was asked to abort the backup is late: take that back when it is to go on.",
        "Unless the last run is still at work, run cutover again: its last run has no recorded end.",
    ]
    late = report(_wished(Altered("pegasus"), "abort", "not_applicable"))
    assert verdict(late).todo == []


def test_a_postponement_is_to_be_done_about_while_it_lasts_and_something_is_left_to_switch() -> None:
    altered = Altered("pegasus")
    altered.records = altered.records[: altered.last("run.started", phase="cutover")]
    held = verdict(report(_wished(altered, "postpone until 2199-01-01T00:00:00.000Z"))).todo
    assert "The migration was asked to postpone until 2199-01-01T00:00:00.000Z: take" in " ".join(held)
    assert "postpone" not in " ".join(verdict(report(_wished(altered, "postpone until 2020-01-01T00:00:00Z"))).todo)
    for until in ("2020", "2199"):
        assert verdict(report(_wished(Altered("pegasus"), f"postpone until {until}-01-01T00:00:00.000Z"))).todo == []


@pytest.mark.parametrize("engine", ["greptimedb", "pegasus", "starrocks"])
def test_nobody_is_told_to_start_beside_a_run_that_may_be_at_work(engine: str) -> None:
    altered = Altered(engine)
    altered.records = altered.records[: altered.where("progress")[0] + 1]
    todo = verdict(report(altered)).todo
    assert [one for one in todo if one.startswith("Unless the last run is still at work, ")]
    assert not [one for one in todo if one.startswith(("Run migr", "Run the migr", "Start the move"))]


@pytest.fixture(scope="module", params=["pegasus", "starrocks"])
def ten_thousand(request: pytest.FixtureRequest) -> t.Tuple[str, t.List[large.Line]]:
    make = {"pegasus": large.pegasus, "starrocks": large.starrocks}[request.param]
    return request.param, make(10_000)


def test_ten_thousand_tables_stay_within_two_megabytes(ten_thousand: t.Tuple[str, t.List[large.Line]]) -> None:
    engine, lines = ten_thousand
    found = of_lines(engine, lines)
    assert found.switch is not None and found.switch.legal == le.YES
    assert verdict(found).sentence.startswith("All 10,000 tables ")
    markup = page(found)
    assert len(markup.encode("utf-8")) <= WHOLE
    # Every table is there by its name, and none is left to the journal alone.
    names = {"pegasus": "user_profile_09999", "starrocks": "sales.orders_09999"}
    assert names[engine] in markup
    assert markup.count("<tr><th scope=row>") > 10_000
    assert markup.count("<rect") < 500


def test_names_of_any_length_stay_within_two_megabytes_too(ten_thousand: t.Tuple[str, t.List[large.Line]]) -> None:
    engine, lines = ten_thousand
    long = [line._replace(data=_longer(line.data)) for line in lines[:20_000]]
    assert len(page(of_lines(engine, long)).encode("utf-8")) <= WHOLE


def _longer(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {_longer(key): _longer(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_longer(one) for one in value]
    if isinstance(value, str):
        return value.replace("user_profile", "p" * 200).replace("sales.", "s" * 200 + ".")
    return value
