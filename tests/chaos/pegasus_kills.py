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
from chaos import fence_kills as fence
from chaos import pegasus_scenes as scenes
from chaos.fence_kills import BOTH, GUARD, MODULE, PAIR
from chaos.judgement import Verdict
from chaos.kills import JOURNAL_SIDES, Point
from chaos.pegasus_scenes import COMMITTING, LIFTING, Scene
from chaos.pegasus_trial import HOME, Trial
from lab.client import LabClient

REACH = 30.0
"""Real seconds in which a run must come to its point."""


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
        trial = Trial(scene, f"{scene.name}-record", lab, server, scene.cases[0])
        ended = trial.run(count=trial.home / "appends")
        if not ended.ok:
            raise RuntimeError(f"{scene.name} does not end well without a kill: {ended.output[-1500:]}")
        appends = len((trial.home / "appends").read_bytes())
        calls = [one["request"] for one in lab.requests(since=trial.first_seq, mutating=True)]
        # Where the guard is there before, its record does not begin with this call.
        lines = 0 if scene.operation in (COMMITTING, LIFTING) else fence.guard_lines(trial.journal)
        verdict = trial.verdict(trial.complete(ended).ok)
        if verdict.problems:
            raise RuntimeError(f"{scene.name} without a kill: {verdict.problems}; see {trial.home}")
    return [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *(Point("journal", index, side) for index in range(appends) for side in JOURNAL_SIDES),
        *(Point("guard", index, side) for index in range(lines) for side in ("before", "after")),
    ]


def kill_all(scene: Scene, cases: t.Sequence[tuple[str, Point]]) -> list[Tried]:
    """Cases that share labs: tables of its own each, and a new lab when these run out or something is wrong."""
    found: list[Tried] = []
    left = list(cases)
    series, point = left[0]
    home = HOME / "servers" / name_of(scene, series, point)
    with scenes.server(scene, home) as server:
        while left:
            with scenes.laboratory(scene) as lab:
                for tables in scene.cases:
                    if not left:
                        break
                    series, point = left.pop(0)
                    tried = kill(scene, series, point, lab, server, tables)
                    found.append(tried)
                    if tried.verdict.problems:
                        break
    return found


def kill(
    scene: Scene, series: str, point: Point, lab: LabClient, server: modules.ModuleServer, tables: t.Sequence[str]
) -> Tried:
    """Kill at one point, wait for the guard where one is left, then run again until it ends."""
    trial = Trial(scene, name_of(scene, series, point), lab, server, tables)
    chance = random.Random(f"{scene.name} {series} {point.name}")
    if point.effect == "request":
        reached = _at_request(trial, series, point)
    else:
        reached = fence.from_within(trial, series, point)
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
