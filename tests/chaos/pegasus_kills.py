# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the cutover's module, of its guard, and of both, at every externally visible effect (S1).

The effects are not listed by hand. A run without a kill is recorded: the mutating requests that the lab received, the
appends to the journal (the switch in ZooKeeper lies between two of them), and the lines of the guard's record. Then,
for every one of them and each side of it, a table and a journal of its own.
"""

from __future__ import annotations

import dataclasses
import random
import typing as t

from bench import modules
from chaos import pegasus_scenes as scenes
from chaos.judgement import Verdict
from chaos.kills import JOURNAL_SIDES, Point
from chaos.pegasus_scenes import Scene
from chaos.pegasus_trial import HOME, Trial
from lab.client import LabClient

REACH = 30.0
"""Real seconds in which a run must come to its point."""
MODULE, GUARD, BOTH, PAIR = "module", "guard", "both", "pair"
SERIES = (MODULE, GUARD, BOTH, PAIR)
"""Who is killed; `pair`: the module, and then the run that is to put it right, too."""


@dataclasses.dataclass(frozen=True)
class Tried:
    """What became of one point; `reached` is False when the run ended before it came there."""

    scene: Scene
    point: Point
    series: str
    reached: bool
    verdict: Verdict

    @property
    def name(self) -> str:
        """The case's name, which is its folder's too."""
        return name_of(self.scene, self.series, self.point)


def name_of(scene: Scene, series: str, point: Point) -> str:
    """A case's name."""
    return f"{scene.name}-{series}-{point.name}"


def record(scene: Scene) -> list[Point]:
    """Run the scene without a kill and return all points that its record shows."""
    with scenes.server(scene, HOME / "servers" / f"{scene.name}-record") as server, scenes.laboratory(scene) as lab:
        trial = Trial(scene, f"{scene.name}-record", lab, server, scene.shape.names[0])
        ended = trial.run(count=trial.home / "appends")
        if not ended.ok:
            raise RuntimeError(f"{scene.name} does not end well without a kill: {ended.output[-1500:]}")
        appends = len((trial.home / "appends").read_bytes())
        calls = [one["request"] for one in lab.requests(since=trial.first_seq, mutating=True)]
        path = trial.home / "journal.jsonl.guard.jsonl"
        lines = len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
        verdict = trial.verdict(True)
        if verdict.problems:
            raise RuntimeError(f"{scene.name} without a kill: {verdict.problems}; see {trial.home}")
    return [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *(Point("journal", index, side) for index in range(appends) for side in JOURNAL_SIDES),
        *(Point("guard", index, side) for index in range(lines) for side in ("before", "after")),
    ]


def fits(series: str, point: Point) -> bool:
    """Whether a series has a case at this point: the guard's own lines are not for a module alone."""
    if point.effect == "guard":
        return series in (GUARD, BOTH)
    if series in (GUARD, PAIR):
        return point.effect == "request"
    return series == MODULE or point.effect == "request" or point.side in ("before", "after")


def kill_all(scene: Scene, cases: t.Sequence[tuple[str, Point]]) -> list[Tried]:
    """Cases that share labs: one table each, and a new lab when tables run out or something is wrong."""
    found: list[Tried] = []
    left = list(cases)
    series, point = left[0]
    home = HOME / "servers" / name_of(scene, series, point)
    with scenes.server(scene, home) as server:
        while left:
            with scenes.laboratory(scene) as lab:
                for table in scene.shape.names:
                    if not left:
                        break
                    series, point = left.pop(0)
                    tried = kill(scene, series, point, lab, server, table)
                    found.append(tried)
                    if tried.verdict.problems:
                        break
    return found


def kill(scene: Scene, series: str, point: Point, lab: LabClient, server: modules.ModuleServer, table: str) -> Tried:
    """Kill at one point, wait for the guard where one is left, then run again until it ends."""
    trial = Trial(scene, name_of(scene, series, point), lab, server, table)
    chance = random.Random(f"{scene.name} {series} {point.name}")
    if point.effect == "request":
        reached = _at_request(trial, series, point)
    else:
        reached = _from_within(trial, series, point)
    if series in (MODULE, PAIR):
        trial.wait_for_guard()
    if series == PAIR:
        trial.run(death={"write": chance.randrange(6), "how": chance.choice(JOURNAL_SIDES)})
        if chance.random() < 0.5:
            trial.kill_guards()
        else:
            trial.wait_for_guard()
    return Tried(scene, point, series, reached, trial.verdict(trial.until_ended()))


def _at_request(trial: Trial, series: str, point: Point) -> bool:
    """While the lab holds a request of the module, before or after it has applied it."""
    lab = trial.lab
    lab.breakpoint("", point.side, skip=point.index)
    run = trial.start()
    reached = bool(lab.wait_breakpoint(REACH))
    if series in (GUARD, BOTH):
        trial.kill_guards()
    if series != GUARD:
        run.kill()
    lab.clear_breakpoints()
    trial.note(run.wait())
    return reached


def _from_within(trial: Trial, series: str, point: Point) -> bool:
    """At an append to the journal, by the module itself; or at a line of its record, by the guard."""
    death = {"write" if point.effect == "journal" else "record": point.index, "how": point.side}
    if point.effect == "journal":
        reached = trial.run(death=death).killed
        if series == BOTH:
            trial.kill_guards()
        return reached
    run = trial.start(death=death)
    ended = trial.note(run.wait())
    path = trial.home / "journal.jsonl.guard.jsonl"
    lines = len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
    reached = lines == point.index + (point.side == "after")
    if series == BOTH and not ended.killed:
        # What the module did without its guard is done; the run after that has nobody at all.
        trial.run(death={"write": 2, "how": "after"})
        trial.kill_guards()
    return reached
