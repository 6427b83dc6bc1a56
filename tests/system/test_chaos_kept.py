# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of hours that was broken off goes on with what it has tried, and never with cases of other code."""

from __future__ import annotations

import pathlib

import pytest

from bench.crew import Crew
from chaos import pegasus, pegasus_kills
from chaos.judgement import Verdict
from chaos.kept import Kept, OtherCode, digest
from chaos.kills import Point
from chaos.pegasus_kills import Tried
from chaos.pegasus_scenes import Scene
from tooling import tree

SCENE = Scene("2.6", 7, "duplication")
POINTS = [Point("request", index, "before", f"call {index}") for index in range(10)]
FINE = Verdict((), (), ())
WRONG = Verdict(("t: it denies x",), (), ("a setting",))


def test_points_and_cases_come_back_and_a_torn_line_is_not_one(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "cases.jsonl"
    kept = Kept(file, "code", go_on=False)
    kept.keep_points(SCENE.name, POINTS)
    kept.keep("one", FINE, reached=True)
    kept.keep("two", WRONG, reached=False)
    with file.open("a", encoding="utf-8") as more:
        more.write('{"case": "three", "not_conv')
    again = Kept(file, "code", go_on=True)
    assert again.points(SCENE.name) == POINTS
    one, two = again.case("one"), again.case("two")
    assert one is not None and two is not None
    assert (one["verdict"], one["reached"]) == (FINE, True)
    assert (two["verdict"], two["reached"]) == (WRONG, False)
    assert again.case("three") is None and len(again) == 2
    again.keep("three", FINE, reached=True)
    assert len(Kept(file, "code", go_on=True)) == 3
    with pytest.raises(OtherCode):
        Kept(file, "other", go_on=True)
    assert len(Kept(file, "other", go_on=False)) == 0


def test_only_what_is_left_is_tried(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def kill_all(scene: Scene, cases: list[tuple[str, Point]]) -> list[Tried]:
        asked.extend(point.name for _series, point in cases)
        return [Tried(scene, point, series, True, FINE) for series, point in cases]

    monkeypatch.setattr(pegasus, "CASES", tmp_path / "cases.jsonl")
    monkeypatch.setattr(pegasus, "digest", lambda _engine: "code")
    monkeypatch.setattr(pegasus_kills, "record", lambda _scene: POINTS)
    monkeypatch.setattr(pegasus_kills, "kill_all", kill_all)
    given = ["--operations", "duplication", "--profiles", "2.6", "--series", "module"]
    assert len(pegasus.kill_modules(pegasus.read_arguments([*given, "--most", "3"]), Crew(1))) == 3
    assert len(asked) == 3
    tried = pegasus.kill_modules(pegasus.read_arguments([*given, "--resume"]), Crew(1))
    assert sorted(one.point.index for one in tried) == list(range(10))
    assert sorted(asked) == sorted(point.name for point in POINTS)


def test_the_digest_knows_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = digest("pegasus")
    seen = tree.files()

    def without(part: str) -> str:
        monkeypatch.setattr(tree, "files", lambda: [name for name in seen if part not in str(name)])
        return digest("pegasus")

    assert without("starrocks") == without("greptimedb") == without("docs/") == whole
    assert whole not in (without("_pegasus/fence.py"), without("_core/journal.py"), without("lab/clock.py"))
