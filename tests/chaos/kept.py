# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of hours has tried so far, case by case, so that one that was broken off can go on.

A file with one JSON object in each line: the digest of all code that a case depends on, the points that were recorded
of a scene, and what became of each case. Cases of other code are never counted together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import typing as t

from chaos.judgement import Verdict
from chaos.kills import Point
from tooling import paths, tree

CODE = ("plugins", "roles", "playbooks", "tests/lab", "tests/bench", "tests/chaos")
ENGINES = ("greptimedb", "pegasus", "starrocks")


class OtherCode(Exception):
    """The file was written by other code."""


def digest(engine: str) -> str:
    """Of every file that a case of an engine depends on: not of what is named after another one."""
    others = [one for one in ENGINES if one != engine]
    found = hashlib.sha256()
    for name in tree.files():
        file = paths.ROOT / name
        elsewhere = not any(name.is_relative_to(folder) for folder in CODE) or any(one in str(name) for one in others)
        if not elsewhere and file.is_file():
            found.update(f"{name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


class Kept:
    """The file of one command. Begun anew unless it is gone on with.

    :raises OtherCode: it is to be gone on with, and the code is not the same any more
    """

    def __init__(self, path: pathlib.Path, code: str, go_on: bool) -> None:
        self._path = path
        self._points: dict[str, list[Point]] = {}
        self._cases: dict[str, dict[str, t.Any]] = {}
        lines = _lines(path) if go_on else []
        if lines:
            if lines[0].get("code") != code:
                raise OtherCode(f"{path} was written by other code; run without --resume")
            for one in lines[1:]:
                if "scene" in one:
                    self._points[one["scene"]] = [Point(**point) for point in one["points"]]
                else:
                    self._cases[one["case"]] = one
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"code": code}) + "\n", encoding="utf-8")

    def __len__(self) -> int:
        return len(self._cases)

    def points(self, scene: str) -> list[Point] | None:
        """The points that were recorded of a scene; None when it was not."""
        return self._points.get(scene)

    def keep_points(self, scene: str, points: t.Sequence[Point]) -> None:
        """Write them down: another recording may have a few more or fewer."""
        self._points[scene] = list(points)
        self._append({"scene": scene, "points": [dataclasses.asdict(one) for one in points]})

    def case(self, name: str) -> dict[str, t.Any] | None:
        """What became of a case, with `verdict`; None when it was not tried."""
        found = self._cases.get(name)
        if found is None:
            return None
        verdict = Verdict(*(tuple(found[field.name]) for field in dataclasses.fields(Verdict)))
        return {**found, "verdict": verdict}

    def keep(self, name: str, verdict: Verdict, **more: t.Any) -> None:
        """Write down what became of a case."""
        self._cases[name] = {"case": name, **dataclasses.asdict(verdict), **more}
        self._append(self._cases[name])

    def _append(self, line: t.Mapping[str, t.Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _lines(path: pathlib.Path) -> list[dict[str, t.Any]]:
    """Every whole line. One that is torn was not kept, and is taken away, as the next one is appended there."""
    if not path.exists():
        return []
    whole, newline, torn = path.read_text(encoding="utf-8").rpartition("\n")
    if torn:
        path.write_text(whole + newline, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]
