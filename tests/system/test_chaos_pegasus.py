# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short seeded parts of `make chaos-pegasus`, and proof that its judge can say no."""

from __future__ import annotations

import dataclasses
import random
import typing as t

import pytest

from chaos import fence_kills, pegasus_ambiguity, pegasus_kills, pegasus_runs, pegasus_scenes, pegasus_whole
from chaos.fence_judgement import Evidence, judge
from chaos.kills import Point
from chaos.pegasus_scenes import Scene
from lab.pegasus import zookeeper

SEED = 11
needs_zookeeper = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing())


@needs_zookeeper
@pytest.mark.cost(25)
def test_killed_cutovers_converge_and_leave_the_table_writable() -> None:
    scene = Scene("2.6", SEED, tables=5)
    points = pegasus_kills.record(scene)
    assert {point.effect for point in points} == {"request", "journal", "guard"}
    chance = random.Random(SEED)

    def some(series: str, effect: str) -> tuple[str, Point]:
        fitting = [one for one in points if one.effect == effect and fence_kills.fits(series, one)]
        # How many appends there are depends on how often was waited: those of the first half come every time.
        return series, chance.choice(fitting[: len(fitting) // 2] if effect == "journal" else fitting)

    cases = [some("module", "journal"), some("guard", "request"), some("both", "request"), some("pair", "request")]
    for tried in pegasus_kills.kill_all(scene, cases):
        assert tried.reached, tried.name
        assert tried.verdict.problems == [], tried.name


@pytest.mark.thorough
@pytest.mark.cost(40)
@pytest.mark.parametrize("operation", [pegasus_scenes.HAND_OVER, pegasus_scenes.COMMITTING, pegasus_scenes.LIFTING])
def test_killed_with_a_switch_of_the_operators_own(operation: str) -> None:
    scene = Scene("2.6", SEED, operation)
    points = [one for one in pegasus_kills.record(scene) if one.effect == "request"]
    chance = random.Random(SEED)
    cases = [(series, chance.choice(points)) for series in fence_kills.SERIES]
    for tried in pegasus_kills.kill_all(scene, cases):
        assert tried.reached, tried.name
        assert tried.verdict.problems == [], tried.name


@needs_zookeeper
@pytest.mark.thorough
@pytest.mark.cost(200)
@pytest.mark.parametrize("operation", pegasus_scenes.PLAYBOOKS)
def test_killed_playbooks_converge_when_the_same_command_is_given_again(operation: str) -> None:
    scene = pegasus_whole.scene("2.6", SEED, operation)
    points = pegasus_whole.record(scene)
    assert {point.effect for point in points} == {"request", "journal"}
    for tried in pegasus_whole.kill_all(scene, random.Random(SEED).sample(points, 2)):
        assert tried.reached, tried.name
        assert tried.verdict.problems == [], tried.name


@needs_zookeeper
@pytest.mark.cost(12)
def test_ambiguous_answers_lose_nothing() -> None:
    misled = pegasus_ambiguity.play_batch([0, 1, 2])
    assert any(one.struck for one in misled)
    assert {one.name: one.verdict.problems for one in misled if one.verdict.problems} == {}


GOOD = Evidence(
    wrong=[],
    held=12.0,
    budget=60.0,
    freed=True,
    writable=True,
    guards=0,
    missing_writes=0,
    settings_before={"source meta_level": "steady"},
    settings_after={"source meta_level": "steady"},
    extra_calls=[],
    extra_changed=False,
    ended=True,
    journal=[],
)


def test_the_judge_accepts_what_converged() -> None:
    assert judge(GOOD).problems == []


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ({"wrong": ["MetaProxy's entry is {}"]}, "MetaProxy's entry is {}"),
        ({"held": 66.0}, "refused for 66.0 s, and the budget is 60 s"),
        ({"freed": False}, "stayed fenced"),
        ({"writable": False}, "cannot write"),
        ({"guards": 1}, "1 guards are still there"),
        ({"missing_writes": 2}, "2 acknowledged writes are lost"),
        ({"settings_after": {"source meta_level": "lively"}}, "meta_level is 'lively' and was 'steady'"),
        ({"settings_after": {"source meta_level": "steady", "x": "1"}}, "x is '1' and was None"),
        ({"extra_calls": ["RPC_CM_UPDATE_APP_ENV"]}, "sent 1 mutating calls"),
        ({"extra_changed": True}, "says that it changed something"),
        ({"ended": False}, "did not end well"),
        ({"journal": ["the change c1 has no outcome"]}, "journal: the change c1 has no outcome"),
    ],
)
def test_the_judge_says_what_is_wrong(difference: dict[str, t.Any], said: str) -> None:
    problems = judge(dataclasses.replace(GOOD, **difference)).problems
    assert any(said in problem for problem in problems)


def test_what_a_finished_cutover_has_to_look_like() -> None:
    scene = Scene("2.6", SEED)
    target = {"name": "onebox-b", "metas": ["a:1", "b:2"]}
    lab: t.Any = type("Lab", (), {"describe": {"clusters": {"target": target}}})()
    app: dict[str, t.Any] = {
        "envs": {"replica.deny_client_request": "reconfig*all"},
        "duplications": {"1": {"remote": "onebox-b", "status": "DS_LOG", "fail_mode": "FAIL_SLOW"}},
    }
    clusters: dict[str, t.Any] = {"source": {"apps": {"t": app}}, "target": {"apps": {"t": {"envs": {}}}}}
    entry = '{"cluster_name": "onebox-b", "meta_addrs": "a:1,b:2"}'
    assert pegasus_scenes.wrong(scene, lab, {"clusters": clusters, "znodes": {"t": entry}}, "t") == []
    app["envs"] = {"replica.deny_client_request": "reconfig*write"}
    app["duplications"] = {}
    clusters["target"]["apps"]["t"]["envs"] = {"replica.deny_client_request": "reconfig*write"}
    found = pegasus_scenes.wrong(scene, lab, {"clusters": clusters, "znodes": {"t": "{}"}}, "t")
    assert [one.split()[1] for one in found] == ["duplications", "source", "entry", "target"]


def test_what_was_handed_over_is_closed_at_the_end_and_what_was_lifted_is_open() -> None:
    lab: t.Any = None
    app: dict[str, t.Any] = {
        "envs": {"replica.deny_client_request": "reconfig*all"},
        "duplications": {"1": {"remote": "onebox-b", "status": "DS_LOG", "fail_mode": "FAIL_SLOW"}},
    }
    clusters: dict[str, t.Any] = {"source": {"apps": {"t": app}}, "target": {"apps": {"t": {"envs": {}}}}}
    state = {"clusters": clusters, "znodes": {}}

    def found(operation: str) -> list[str]:
        return pegasus_scenes.wrong(Scene("2.6", SEED, operation), lab, state, "t")

    assert found(pegasus_scenes.COMMITTING) == []
    assert found(pegasus_scenes.LIFTING) == ["it denies reconfig*all"]
    app["envs"] = {}
    assert found(pegasus_scenes.LIFTING) == []
    assert found(pegasus_scenes.HAND_OVER) == ["its source denies None and not reconfig*all"]


def test_what_a_whole_run_and_a_rollback_have_to_leave() -> None:
    closed = {"envs": {"replica.deny_client_request": "reconfig*all"}, "duplications": {}}
    there: dict[str, t.Any] = {"envs": {}, "duplications": {}}
    moved = {
        "clusters": {"source": {"apps": {"t_old": closed}}, "target": {"apps": {"t": there}}},
        "znodes": {"t": '{"cluster_name": "onebox-b", "meta_addrs": "a:1"}'},
    }
    given_up = {
        "clusters": {"source": {"apps": {"t": there}}, "target": {"apps": {}}},
        "znodes": {"t": '{"cluster_name": "onebox-a", "meta_addrs": "a:1"}'},
    }
    assert list(pegasus_runs.wrong(pegasus_scenes.WHOLE_RUN, moved, "t")) == []
    assert list(pegasus_runs.wrong(pegasus_scenes.ROLLBACK, given_up, "t")) == []
    assert len(list(pegasus_runs.wrong(pegasus_scenes.WHOLE_RUN, given_up, "t"))) == 4
    assert len(list(pegasus_runs.wrong(pegasus_scenes.ROLLBACK, moved, "t"))) == 3
