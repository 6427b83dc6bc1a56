# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the modules of a cutover, of its guard, of both, and of the sync tool, at every visible effect (S1).

The effects are not listed by hand. A run without a kill is recorded: the mutating statements that the lab's frontends
received, the appends to the journal (the end of the sync tool lies between two of them), and the lines of the guard's
record. Then, for every one of them and each side of it, a migration with a journal of its own.
"""

from __future__ import annotations

import collections
import dataclasses
import random
import typing as t

from chaos import fence_kills as fence
from chaos import starrocks_labs as labs
from chaos import starrocks_scenes as scenes
from chaos import starrocks_tool
from chaos.fence_kills import BOTH, GUARD, MODULE, PAIR
from chaos.judgement import Verdict
from chaos.kills import JOURNAL_SIDES, Point
from chaos.starrocks_labs import Servers
from chaos.starrocks_scenes import Scene
from chaos.starrocks_tool import Tool
from chaos.starrocks_trial import HOME, Trial
from lab.client import LabClient

REACH = 40.0
"""Real seconds in which a run must come to its point."""
PROCESS = "process"
SERIES = (*fence.SERIES, PROCESS)
"""Who is killed; `process`: the sync tool, while the module goes on."""


@dataclasses.dataclass(frozen=True)
class Tried:
    """What became of one case; `reached` is False when the run ended before it came to its point.

    `beyond`: real seconds for which writes were refused beyond the budget. `leaks`: where secrets were found.
    """

    name: str
    series: str
    place: str
    reached: bool
    verdict: Verdict
    leaks: tuple[str, ...] = ()
    beyond: float = 0.0

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong."""
        return [*self.verdict.problems, *self.leaks]


def fits(scene: Scene, series: str, point: Point) -> bool:
    """Whether a series has a case at this point: only the cutover starts a guard, and only it needs the tool."""
    if series == PROCESS:
        return scene.operation == scenes.CUT_OVER and point.effect == "request"
    if series != MODULE and scene.operation != scenes.CUT_OVER:
        return False
    return fence.fits(series, point)


def name_of(scene: Scene, series: str, point: Point) -> str:
    """A case's name, which is its folder's too."""
    return f"{scene.name}-{series}-{point.name}"


def record(scene: Scene) -> list[Point]:
    """Run the scene without a kill and return all points that its record shows."""
    name = f"{scene.name}-record"
    with (
        Servers(HOME / "servers" / name) as servers,
        labs.laboratory(scene.shape) as lab,
        Tool(lab, servers, HOME / "tools" / name) as tool,
    ):
        if scene.with_tool:
            tool.catch_up()
        trial = Trial(scene, name, lab, servers, tool)
        trial.set_up()
        since, lines_before = labs.last_seq(lab) + 1, fence.guard_lines(trial.journal)
        ended = trial.run(count=trial.home / "appends")
        if not ended.ok:
            raise RuntimeError(f"{scene.name} does not end well without a kill: {ended.output[-1500:]}")
        calls = [one["request"] for one in labs.sent(lab, since)]
        appends = len((trial.home / "appends").read_bytes())
        lines = fence.guard_lines(trial.journal) - lines_before
        verdict = trial.verdict(trial.converge())
        problems = [*verdict.problems, *trial.leaks()]
        trial.close(problems)
        if problems:
            raise RuntimeError(f"{scene.name} without a kill: {problems}; see {trial.home}")
    own_guard = lines if scene.operation == scenes.CUT_OVER else 0
    return [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *(Point("journal", index, side) for index in range(appends) for side in JOURNAL_SIDES),
        *(Point("guard", index, side) for index in range(own_guard) for side in ("before", "after")),
    ]


def occurrence(points: t.Sequence[Point], point: Point) -> int:
    """How many requests of its text come before it: those of the sync tool lie between, so its number is no help."""
    earlier = [one for one in points if one.effect == "request" and one.side == point.side and one.index < point.index]
    return collections.Counter(one.text for one in earlier)[point.text]


Case = t.Tuple[str, Point, int]
"""Series, point, and how many requests of its text pass before it."""


def kill_all(scene: Scene, cases: t.Sequence[Case]) -> list[Tried]:
    """Cases that share a lab; a new one when something is wrong with it."""
    found: list[Tried] = []
    left = list(cases)
    name = name_of(scene, left[0][0], left[0][1])
    with Servers(HOME / "servers" / name) as servers:
        while left:
            with labs.laboratory(scene.shape) as lab, Tool(lab, servers, HOME / "tools" / name) as tool:
                if scene.with_tool:
                    tool.catch_up()
                while left:
                    series, point, skip = left.pop(0)
                    trial = Trial(scene, name_of(scene, series, point), lab, servers, tool)
                    found.append(kill(scene, series, point, skip, trial))
                    if found[-1].problems:
                        break
    return found


def kill(scene: Scene, series: str, point: Point, skip: int, trial: Trial) -> Tried:
    """Kill at one point, wait for the guard where one is left, then run again until it ends."""
    chance = random.Random(trial.name)
    if series == PROCESS:
        trial.budget = scenes.SHORT_BUDGET
    trial.set_up()
    if point.effect == "request":
        reached = _at_request(trial, series, point, skip)
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
    verdict = trial.verdict(trial.converge())
    leaks = tuple(trial.leaks())
    trial.close([*verdict.problems, *leaks])
    return Tried(trial.name, series, place(scene), reached, verdict, leaks, trial.beyond)


def place(scene: Scene) -> str:
    """Where a figure of a scene was measured."""
    return f"StarRocks {scene.profile} lab, {scene.operation}"


def _at_request(trial: Trial, series: str, point: Point, skip: int) -> bool:
    """While the lab holds a request of the module, before or after it has applied it."""
    lab: LabClient = trial.lab
    lab.breakpoint(point.text, point.side, skip=skip)
    run = trial.start()
    reached = bool(lab.wait_breakpoint(REACH))
    if series == PROCESS:
        starrocks_tool.kill(trial.tool.directory)
    if series in (GUARD, BOTH):
        trial.kill_guards()
    if series not in (GUARD, PROCESS):
        run.kill()
    lab.clear_breakpoints()
    ended = trial.note(run.wait())
    if series == PROCESS and not ended.ok:
        # It may have had everything already; if not, that has to be told, and writes have to go on.
        trial.freed = labs.freed(lab, trial.before, 10.0)
        if not ended.result.get("code"):
            trial.wrong.append("the tool was killed, and nobody tells why the cutover failed")
    return reached
