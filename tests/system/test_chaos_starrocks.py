# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short seeded parts of `make chaos-starrocks`, and proof that its judges can say no."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import time
import typing as t

import pytest

from chaos import (
    fence_kills,
    starrocks,
    starrocks_foreign,
    starrocks_frontends,
    starrocks_kills,
    starrocks_labs,
    starrocks_rollbacks,
    starrocks_scenes,
    starrocks_tool_kills,
)
from chaos.canaries import Canaries, ProcessLists
from chaos.judgement import Verdict
from chaos.kills import Point
from chaos.starrocks_kills import Tried
from chaos.starrocks_moments import PHASES, SYNC
from chaos.starrocks_scenes import Scene

SEED = 11


def _some(scene: Scene, points: t.Sequence[Point], series: str, effect: str) -> starrocks_kills.Case:
    fitting = [one for one in points if one.effect == effect and starrocks_kills.fits(scene, series, one)]
    # How many appends there are depends on how often was waited: those of the first half come every time.
    sure = fitting[: len(fitting) // 2] if effect == "journal" else fitting
    point = random.Random(f"{SEED} {series} {effect}").choice(sure)
    return series, point, starrocks_kills.occurrence(points, point)


def _judge(scene: Scene, kinds: t.Sequence[tuple[str, str]]) -> None:
    points = starrocks_kills.record(scene)
    cases = [_some(scene, points, series, effect) for series, effect in kinds]
    for tried in starrocks_kills.kill_all(scene, cases):
        assert tried.reached, tried.name
        assert tried.problems == [], tried.name


@pytest.mark.cost(10)
def test_a_killed_freeze_converges() -> None:
    _judge(Scene("4.1", SEED, starrocks_scenes.FREEZE), [("module", "journal")])


@pytest.mark.thorough
@pytest.mark.cost(60)
def test_killed_cutovers_converge_and_let_writes_go() -> None:
    kinds = [("module", "journal"), ("guard", "request"), ("both", "request"), ("pair", "request"), ("both", "guard")]
    _judge(Scene("4.1", SEED), kinds)


@pytest.mark.thorough
@pytest.mark.cost(30)
def test_a_freeze_that_nobody_guards_is_lifted_before_the_gate() -> None:
    """The tool was ended already: as long as writes are refused it has nothing to do, and the gate would stay shut."""
    scene = Scene("4.1", SEED)
    points = starrocks_kills.record(scene)
    late = [point for point in points if point.effect == "journal" and point.side == "after"][-4]
    (tried,) = starrocks_kills.kill_all(scene, [("both", late, 0)])
    assert (tried.reached, tried.problems) == (True, [])


@pytest.mark.thorough
@pytest.mark.cost(100)
def test_a_killed_rollback_converges() -> None:
    """Given up while the tool copies, and killed when the tool is gone: what it had sent goes on in the target."""
    tried = starrocks_rollbacks.kill(starrocks_rollbacks.Given(SYNC, Point("process", 0, "goes")))
    assert (tried.reached, tried.problems) == (True, []), tried.name


@pytest.mark.thorough
@pytest.mark.cost(30)
def test_a_killed_sync_tool_is_started_again_or_its_absence_told() -> None:
    _judge(Scene("3.2", SEED), [("process", "request")])
    chosen = starrocks_tool_kills.Some(starrocks_tool_kills.START, lambda points: [points[-1], points[-2]])
    for tried in starrocks_tool_kills.kill_all(chosen):
        assert tried.problems == [], tried.name


@pytest.mark.thorough
@pytest.mark.cost(60)
def test_a_frontend_that_forgets_and_somebody_who_changes_a_setting() -> None:
    event = starrocks_frontends.Event("sync", "source", starrocks_frontends.RESTART_FOLLOWER)
    case = next(one for one in starrocks_foreign.CASES if one.name == "foreign-switch-grace-source")
    for tried in (starrocks_frontends.play(event), starrocks_foreign.play(case)):
        assert tried.reached, tried.name
        assert tried.problems == [], tried.name


def test_every_phase_is_disturbed() -> None:
    assert len(starrocks_frontends.EVENTS) == len(PHASES) * 2 * 3
    assert {case.phase for case in starrocks_foreign.CASES} == set(PHASES)


def test_who_is_killed_where() -> None:
    cutover, lift = Scene("4.1", SEED), Scene("4.1", SEED, starrocks_scenes.LIFT)
    request, append, line = Point("request", 0, "after"), Point("journal", 0, "torn"), Point("guard", 0, "before")
    assert [name for name in starrocks_kills.SERIES if starrocks_kills.fits(cutover, name, request)] == [
        "module", "guard", "both", "pair", "process",
    ]  # fmt: skip
    assert [name for name in starrocks_kills.SERIES if starrocks_kills.fits(cutover, name, append)] == ["module"]
    assert [name for name in starrocks_kills.SERIES if starrocks_kills.fits(cutover, name, line)] == ["guard", "both"]
    assert [name for name in starrocks_kills.SERIES if starrocks_kills.fits(lift, name, request)] == ["module"]
    assert set(fence_kills.SERIES) < set(starrocks_kills.SERIES)
    texts = [Point("request", number, "before", text) for number, text in enumerate(("set", "pause", "set", "set"))]
    assert [starrocks_kills.occurrence(texts, one) for one in texts] == [0, 0, 1, 2]


def _state(**more: t.Any) -> dict[str, t.Any]:
    frontends = [{"name": f"fe_{number}", "config": {}} for number in (1, 2)]
    cluster: dict[str, t.Any] = {
        "frontends": frontends,
        "nodes": [],
        "globals": {},
        "storage_volumes": {},
        "users": {},
        "routine_loads": {"sales.from_kafka_0": "RUNNING", "sales.theirs": "PAUSED"},
        "pipes": {"sales.from_files_0": "RUNNING"},
    }
    return {"clusters": {"source": {**cluster, **more}}}


@pytest.mark.parametrize(
    ("difference", "name"),
    [
        ({"frontends": [{"name": "fe_1", "config": {"disable_load_job": "true"}}]}, "source fe_1 disable_load_job"),
        ({"routine_loads": {"sales.from_kafka_0": "PAUSED", "sales.theirs": "PAUSED"}}, "sales.from_kafka_0"),
        ({"routine_loads": {"sales.from_kafka_0": "RUNNING", "sales.theirs": "RUNNING"}}, "sales.theirs"),
        ({"pipes": {"sales.from_files_0": "SUSPEND"}}, "sales.from_files_0"),
        ({"storage_volumes": {"src_lake_a": {}}}, "src_lake_a"),
        ({"users": {"cluster_sync": {}}}, "cluster_sync"),
        ({"globals": {"x": "1"}}, "globals"),
    ],
)
def test_a_setting_that_is_left_is_seen(difference: dict[str, t.Any], name: str) -> None:
    before, after = starrocks_labs.settings(_state()), starrocks_labs.settings(_state(**difference))
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    assert len(differing) == 1
    assert name in differing[0]


def test_a_routine_load_that_is_about_to_run_is_no_difference() -> None:
    scheduled = {"sales.from_kafka_0": "NEED_SCHEDULE", "sales.theirs": "PAUSED"}
    assert starrocks_labs.settings(_state(routine_loads=scheduled)) == starrocks_labs.settings(_state())


def test_the_longest_refusal_is_of_this_case_and_in_real_seconds() -> None:
    ledger = {"refused_windows": [[0.0, 900.0], [1000.0, 1100.0], [1190.0, 1250.0]]}
    assert starrocks_labs.longest_refusal(ledger, 1200.0, 20.0) == 2.5
    assert starrocks_labs.longest_refusal(ledger, 950.0, 20.0) == 5.0
    assert starrocks_labs.longest_refusal(ledger, 1300.0, 20.0) == 0.0


def test_what_is_wrong_with_a_sync_tool(tmp_path: pathlib.Path) -> None:
    wrong = starrocks_tool_kills.wrong_with
    assert wrong("start", tmp_path, [1, 2]) == ["2 processes of the tool run, and not 1", "it has no configuration"]
    (tmp_path / "conf").mkdir()
    properties = tmp_path / starrocks_tool_kills.PROPERTIES
    properties.write_text("source_cluster_password=x\n")
    properties.chmod(0o644)
    assert wrong("restart", tmp_path, [1]) == ["the mode of its configuration is 644"]
    properties.chmod(0o600)
    assert wrong("start", tmp_path, [1]) == wrong("stop", tmp_path, []) == []
    assert wrong("remove", tmp_path, [1]) == ["1 processes of the tool run, and not 0", "its folder is still there"]


SECRET = 'canary:root=%0a"#!\\n'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        json.dumps({"password": SECRET}),
        json.dumps({"output": json.dumps({"password": SECRET})}),
        "http://root:canary%3Aroot%3D%250a%22%23%21%5Cn@host",
        'source_cluster_password=canary\\:root\\=%0a"\\#\\!\\\\n',
        "Y2FuYXJ5OnJvb3Q9JTBhIiMhXG4=",
    ],
)
def test_a_secret_is_found_however_it_is_written(tmp_path: pathlib.Path, text: str) -> None:
    canaries = Canaries({"password of root": SECRET}, inputs=["vars.json"])
    (tmp_path / "work").mkdir()
    (tmp_path / "vars.json").write_text(text)
    assert canaries.leaks(tmp_path) == []
    (tmp_path / "work" / "journal.jsonl").write_text(text)
    assert canaries.leaks(tmp_path) == ["the password of root is in work/journal.jsonl"]


def test_a_file_with_secrets_is_for_its_owner_only(tmp_path: pathlib.Path) -> None:
    canaries = Canaries({"password of root": SECRET}, private=["conf/sync.properties"])
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "sync.properties"
    path.write_text(SECRET)
    path.chmod(0o640)
    assert canaries.leaks(tmp_path) == ["conf/sync.properties holds secrets, and its mode is 640"]
    path.chmod(0o600)
    assert canaries.leaks(tmp_path) == []


def test_a_secret_in_a_command_line_is_seen() -> None:
    with ProcessLists(Canaries({"password of root": "canary:in:a:list"})) as lists:
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)", "canary:in:a:list"])
        try:
            end = time.monotonic() + 10
            while not lists.seen and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()
    assert lists.seen
    assert "canary:in:a:list" not in lists.seen[0]


GOOD = Tried("case", "module", "StarRocks lab", True, Verdict((), (), ()))


@pytest.mark.parametrize(
    ("difference", "broken"),
    [
        ({}, []),
        ({"reached": False}, ["S1.points"]),
        ({"verdict": Verdict(("3 acknowledged writes are lost",), (), ())}, ["S1.converged"]),
        ({"verdict": Verdict((), (), ("source fe_1 x is '1' and was None",))}, ["S1.converged", "S7"]),
        ({"leaks": ("the password of root is in out.txt",)}, ["S9"]),
        ({"beyond": 5.5}, ["W8"]),
    ],
)
def test_bars_that_do_not_hold_are_seen(difference: dict[str, t.Any], broken: list[str]) -> None:
    found = list(starrocks.kill_figures([dataclasses.replace(GOOD, **difference)], SEED))
    assert [figure.id for figure in found] == ["S1.points", "S1.converged", "S7", "S9", "W8"]
    assert [figure.id for figure in found if not figure.holds] == broken
    assert list(starrocks.kill_figures([], SEED)) == []


def test_cases_are_chosen_by_the_seed() -> None:
    cases = list(range(20))
    whole = starrocks.read_arguments([])
    assert starrocks.some(whole, "a", cases) == cases
    few = starrocks.read_arguments(["--seeds", "4"])
    later = starrocks.read_arguments(["--seeds", "4", "--first", "4"])
    assert starrocks.some(few, "a", cases) == starrocks.some(few, "a", cases)
    assert not set(starrocks.some(few, "a", cases)) & set(starrocks.some(later, "a", cases))
    with pytest.raises(SystemExit):
        starrocks.read_arguments(["--series", "modul"])
