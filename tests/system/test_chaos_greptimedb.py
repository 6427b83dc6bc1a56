# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short seeded part of `make chaos-greptimedb`, and proof that its judge can say no."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import random
import typing as t

import pytest

from bench import labs, modules, playbooks
from chaos import ambiguity, journal_check, kills, scenes
from chaos.judgement import Evidence, judge
from chaos.scenes import Scene
from chaos.trial import HOME

SEED = 11
POINTS = 3


@pytest.fixture(scope="module")
def server() -> t.Iterator[modules.ModuleServer]:
    with modules.ModuleServer(HOME / "servers" / "test") as started:
        yield started


@pytest.mark.parametrize("profile", ["0.6", "0.9.5", "1.1"])
def test_a_killed_migration_converges_when_it_is_run_again(profile: str, server: modules.ModuleServer) -> None:
    # Slower than `make chaos-greptimedb`: other tests run beside it, and a stalled second must not look like an outage.
    scene = Scene(profile, SEED, count=2, factor=10.0)
    points = kills.record(scene, server)
    assert {point.effect for point in points} == {"request", "journal"}
    chance = random.Random(f"{SEED} {profile}")
    calls = [point for point in points if point.effect == "request"]
    appends = [point for point in points if point.effect == "journal"]
    # How many appends there are depends on how often was waited: those of the first half come every time.
    chosen = chance.sample(calls, 2) + chance.sample(appends[: len(appends) // 2], POINTS - 2)
    for point in chosen:
        tried = kills.kill_module(scene, point, server)
        assert tried.reached, point
        assert tried.verdict.problems == [], (point, kills.home_of(tried.name))


def test_a_playbook_that_vanishes_with_all_its_processes_converges(server: modules.ModuleServer) -> None:
    point = kills.Point("request", 1, "after")
    tried = kills.kill_playbook(Scene("1.0", SEED, count=2, factor=10.0), point, server)
    assert tried.reached
    assert tried.verdict.problems == [], kills.home_of(tried.name)


def test_a_playbook_waits_for_a_frontend_that_is_away_for_several_steps(tmp_path: pathlib.Path) -> None:
    scene = Scene("1.0", SEED, count=3, factor=2.0)
    with scenes.laboratory(scene) as lab:
        moves = scenes.choose(lab.state(), random.Random(SEED), scene.count)
        given = scenes.options(scene, lab, moves, tmp_path / "journal.jsonl", limits={"global": 1}, step_time="500ms")
        # Real seconds are half of these: longer than a step and than two attempts of a move.
        lab.fault("refuse_connections", mutating=True, after_requests=1, seconds=14)
        played = playbooks.run(playbooks.MIGRATE_PLAY, {"options": given}, tmp_path / "play")
        assert played.code == 0, played.output
        assert [one["hits"] for one in lab.faults()] == [1]
        assert {move["region_id"]: move["to_peer"] for move in moves}.items() <= labs.leaders(lab.state()).items()
    assert "cannot be reached" in played.output
    assert journal_check.problems(tmp_path / "journal.jsonl") == []


@pytest.mark.parametrize("batch", [3, 19])
def test_ambiguous_answers_move_nothing_twice(batch: int, server: modules.ModuleServer) -> None:
    first = batch * ambiguity.BATCH
    cases = list(ambiguity.play_batch(range(first, first + 5), server))
    assert any(one.struck for one in cases)
    assert {one.case.name: one.verdict.problems for one in cases if one.verdict.problems} == {}


MOVE = {"region_id": 4398046511104, "from_peer": 0, "to_peer": 1}
CONVERGED = Evidence(
    leaders={4398046511104: 1, 4398046511105: 0},
    states={},
    switches={4398046511104: 1, 4398046511105: 0},
    missing_writes=0,
    settings_before={"maintenance": False},
    settings_after={"maintenance": False},
    extra_calls=[],
    extra_changed=False,
    ended=True,
    journal=[],
)


def test_the_judge_accepts_what_converged() -> None:
    assert judge([MOVE], CONVERGED).problems == []


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ({"leaders": {4398046511104: 0}}, "is led by 0 and not by 1"),
        ({"states": {4398046511104: "DOWNGRADING"}}, "left DOWNGRADING"),
        ({"switches": {4398046511104: 3}}, "changed its leader 3 times"),
        ({"switches": {4398046511105: 1}}, "nobody wanted to move"),
        ({"missing_writes": 2}, "2 acknowledged writes are lost"),
        ({"settings_after": {"maintenance": True}}, "maintenance is True and was False"),
        ({"extra_calls": ["ADMIN x"]}, "sent 1 mutating calls"),
        ({"extra_changed": True}, "says that it changed something"),
        ({"ended": False}, "did not end well"),
        ({"journal": ["the last line is torn"]}, "journal: the last line is torn"),
    ],
)
def test_the_judge_says_what_is_wrong(difference: dict[str, t.Any], said: str) -> None:
    problems = judge([MOVE], dataclasses.replace(CONVERGED, **difference)).problems
    assert any(said in problem for problem in problems)


def test_a_journal_that_was_tampered_with_is_found(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = {"id": "c1", "resource": "greptimedb.region/1"}
    path.write_text(
        json.dumps({"at": "x", "data": data, "hash": "0", "kind": "change.intent", "prev": "", "seq": 1}), "utf-8"
    )
    assert journal_check.problems(path) == [
        "the last line is torn",
        "line 0: its hash does not match",
        "line 0 does not follow the one before",
        "the change c1 of greptimedb.region/1 has no outcome",
    ]
