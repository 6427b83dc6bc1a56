# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short seeded parts of `make chaos-pegasus` and `make bench-pegasus`, and proof that their judges can say no."""

from __future__ import annotations

import dataclasses
import random
import typing as t

import pytest

from bench import pegasus_cutovers, pegasus_deaths, pegasus_figures, pegasus_liars, pegasus_windows
from bench.pegasus_deaths import Held
from bench.pegasus_labs import Shape
from bench.pegasus_liars import Asked
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


@needs_zookeeper
@pytest.mark.cost(12)
def test_a_window_is_measured_at_the_clients() -> None:
    (found,) = pegasus_cutovers.fast(Shape("2.6", SEED, tables=1, factor=8, partitions=4, rate=20)).ours
    assert found.missing == 0
    assert 0 < found.drain < found.refused < 60


@needs_zookeeper
@pytest.mark.cost(20)
def test_a_strict_cutover_waits_for_what_the_reference_leaves_behind() -> None:
    found = pegasus_cutovers.held_back(Shape("2.5", SEED, tables=2, factor=20, partitions=4, rate=3))
    (ours,), (theirs,) = found.ours, found.theirs
    assert ours.missing == 0
    assert ours.refused > 0
    assert theirs.success
    assert theirs.missing > 0


@needs_zookeeper
@pytest.mark.cost(20)
def test_a_fence_goes_when_its_processes_are_killed() -> None:
    # This seed kills a module 4 s after its fence, and then a module and its guard 5 s after theirs.
    found = pegasus_deaths.kill_some(Shape("2.6", 100, tables=2, factor=10, partitions=4, rate=10), 1.0, 60.0)
    assert [(one.victim, one.fenced) for one in found] == [("module", True), ("both", True)]
    assert [one for one in found if not one.freed or one.missing] == []


@needs_zookeeper
@pytest.mark.cost(25)
def test_liars_are_seen_through() -> None:
    chosen = ("paused", "idle, never prepared", "stuck", "removed in the drain")
    liars = [one for one in pegasus_liars.LIARS if one.name in chosen]
    assert len(liars) == len(chosen)
    found = pegasus_liars.ask(Shape("2.6", SEED, tables=len(liars), factor=10, partitions=4, rate=5), liars)
    assert [one for one in found if one.false_ready or one.left_fenced] == []
    # On a busy machine a cutover may be through before it is lied to.
    assert [one for one in found if one.reached and not one.right] == []


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


LEDGER = {
    "missing": 3,
    "per_partition": {
        "0": {"refused_windows": [[1.0, 2.0], [10.0, 14.0], [15.0, 16.5]]},
        "1": {"refused_windows": [[11.0, 15.0]]},
        "2": {"refused_windows": []},
    },
}


def test_windows_are_those_since_the_cutover_began() -> None:
    assert pegasus_windows.refused(LEDGER, 5.0) == 6.5
    assert pegasus_windows.longest(LEDGER, 5.0) == 4.0
    assert pegasus_windows.refused({"per_partition": {}}) == 0.0
    window = {"all_denied": 1.0, "drained": 5.0}
    told = {"name": "t", "window": window, "forecast": {"window_p50": 5.2, "window_p95": 6.0}}
    found = pegasus_windows.moved(told, LEDGER, 5.0)
    assert (found.drain, found.overhead, found.missing, found.within_p95) == (4.0, 2.5, 3, False)
    assert found.error == pytest.approx(0.2)


def test_bars_that_do_not_hold_are_seen() -> None:
    window = {"all_denied": 1.0, "drained": 2.0}
    told = {"name": "t", "window": window, "forecast": {"window_p50": 6.0, "window_p95": 7.0}}
    slow = dataclasses.replace(pegasus_windows.moved(told, LEDGER, 5.0), refused=20.0)
    held = {figure.case.partition(": ")[2]: figure.holds for figure in pegasus_figures.fast([slow], [], 5, SEED)}
    assert [case for case, holds in held.items() if not holds] == [
        "refused window of the worst partition, first refusal to the last client's, without the drain",
        "acknowledged writes missing on the target after the switch, all cutovers",
    ]
    longer = Held(SEED, "both", True, 1.0, beyond=5.5, held=65.5, fenced=True, freed=False, missing=1)
    assert [figure.holds for figure in pegasus_figures.deaths([longer], 10, SEED)] == [False, False, False]
    lied = Asked("stuck", false_ready=True, reason="switched", right=False, left_fenced=True)
    assert [figure.holds for figure in pegasus_figures.lies([lied], {}, 10, SEED)] == [False, False, False]


FLOW = pegasus_cutovers.Flow("t", True, "", 50.0, missing=2, acknowledged=100, switched=True, blocked=False)


def test_w1_stands_beside_its_reference() -> None:
    window = {"all_denied": 1.0, "drained": 2.0}
    told = {"name": "t", "window": window, "forecast": {"window_p50": 6.0, "window_p95": 7.0}}
    ours = dataclasses.replace(pegasus_windows.moved(told, LEDGER, 5.0), refused=4.0)
    found = {one.case.partition(": ")[2]: one for one in pegasus_figures.fast([ours], [FLOW], 5, SEED)}
    assert found["refused window as clients saw it"].reference == 50.0
    (ratio,) = [one for one in found.values() if one.unit == "times"]
    assert ratio.value == 12.5


def test_a_reference_that_shows_its_defects_no_more_does_not_hold() -> None:
    fine = dataclasses.replace(FLOW, missing=0, refused=3.0)

    def held(flow: pegasus_cutovers.Flow) -> list[bool]:
        found = [*pegasus_figures.strict([], [flow], 5, SEED)]
        for case in ("never prepared", "stuck", "paused", "healthy"):
            found += pegasus_figures.lies([], {case: [flow]}, 5, SEED)
        return [one.holds for one in found]

    assert (set(held(FLOW)), set(held(fine))) == ({True}, {False})
    blocked = dataclasses.replace(FLOW, switched=False, blocked=True)
    for case, success in (("hosts", False), ("no root", True)):
        for flow, holds in ((dataclasses.replace(blocked, success=success), True), (FLOW, False)):
            (one,) = pegasus_figures.lies([], {case: [flow]}, 5, SEED)
            assert one.holds is holds
