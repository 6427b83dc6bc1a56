# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every externally visible effect of a migration, before and after it (S1).

The effects are not listed by hand. A first run without a kill is recorded: the mutating requests that the lab received,
and the appends to the journal. Then, for every one of them and each side of it, a fresh lab and a fresh journal.
"""

from __future__ import annotations

import dataclasses
import pathlib
import random
import threading
import typing as t

from bench import modules, playbooks, timeline
from chaos import scenes
from chaos.judgement import Verdict
from chaos.scenes import Scene
from chaos.trial import HOME, Trial

REACH = 15.0
"""Real seconds in which a run must come to its point."""

JOURNAL_SIDES = ("before", "torn", "after", "head")


@dataclasses.dataclass(frozen=True)
class Point:
    """Where to kill: at the n-th mutating request or the n-th append to the journal, and on which side of it."""

    effect: str
    index: int
    side: str
    text: str = ""

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"{self.effect}-{self.index}-{self.side}"


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
        return f"{self.scene.name}-{self.series}-{self.point.name}"


def record(scene: Scene, server: modules.ModuleServer, *, journal: bool = True) -> list[Point]:
    """Run the scene without a kill and return all points that its record shows."""
    home = HOME / f"{scene.name}-record"
    with scenes.laboratory(scene) as lab:
        trial = Trial(home.name, lab, _moves(scene, lab), home)
        given = scenes.options(scene, lab, trial.moves, trial.journal)
        ended = trial.note(server.run(given, home / "out.txt", count=home / "appends"))
        appends = len((home / "appends").read_bytes())
        calls = [one["request"] for one in lab.requests(mutating=True)]
        if not ended.ok:
            raise RuntimeError(f"{scene.name} does not end well without a kill: {ended.output[-1500:]}")
        trial.verdict(True, lambda: server.run(given, home / "out.txt"))
    points = [Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")]
    if journal:
        points += [Point("journal", index, side) for index in range(appends) for side in JOURNAL_SIDES]
    return points


def _moves(scene: Scene, lab: t.Any) -> list[dict[str, int]]:
    return scenes.choose(lab.state(), random.Random(scene.seed), scene.count)


def kill_module(scene: Scene, point: Point, server: modules.ModuleServer, rng: random.Random | None = None) -> Tried:
    """Kill the module's process at one point, then run again until it ends.

    With `rng`, the run after the kill is killed too, at one of its first appends to the journal.
    """
    series = "module" if rng is None else "pair"
    home = HOME / f"{scene.name}-{series}-{point.name}"
    with scenes.laboratory(scene) as lab:
        trial = Trial(home.name, lab, _moves(scene, lab), home)
        given = scenes.options(scene, lab, trial.moves, trial.journal)
        out = home / "out.txt"
        if point.effect == "request":
            lab.breakpoint("", point.side, skip=point.index)
            run = server.start(given, out)
            reached = bool(lab.wait_breakpoint(REACH))
            run.kill()
            trial.note(run.wait())
            lab.clear_breakpoints()
        else:
            death = {"write": point.index, "how": point.side}
            reached = trial.note(server.run(given, out, death=death)).killed
        if rng is not None:
            trial.note(server.run(given, out, death={"write": rng.randrange(4), "how": rng.choice(JOURNAL_SIDES)}))

        def again() -> modules.Ended:
            return server.run(given, out)

        verdict = trial.verdict(trial.until_ended(again), again)
    return Tried(scene, point, series, reached, verdict)


def kill_late(scene: Scene, point: Point, server: modules.ModuleServer, rng: random.Random) -> Tried:
    """Kill the module while its submission is still on the way; the server applies it while the next run is at work.

    The lab forgets a held request whose client has gone, so the late one comes over its control port.
    """
    home = HOME / f"{scene.name}-late-{point.name}"
    with scenes.laboratory(scene) as lab:
        trial = Trial(home.name, lab, _moves(scene, lab), home)
        given = scenes.options(scene, lab, trial.moves, trial.journal)
        out = home / "out.txt"
        lab.breakpoint("", "before", skip=point.index)
        run = server.start(given, out)
        reached = bool(lab.wait_breakpoint(REACH))
        run.kill()
        trial.note(run.wait())
        lab.clear_breakpoints()
        region = timeline.submitted_region(point.text)
        move = next(one for one in trial.moves if one["region_id"] == region)
        # Up to twice the settle time: before the next run has given the submission up, and after.
        late = threading.Timer(rng.uniform(0.0, 20 / scene.factor), lab.foreign, kwargs={"migrate": move})
        late.start()

        def again() -> modules.Ended:
            return server.run(given, out)

        ended = trial.until_ended(again)
        late.join()
        verdict = trial.verdict(trial.until_ended(again) and ended, again)
    return Tried(scene, point, "late", reached, verdict)


def kill_playbook(scene: Scene, point: Point, server: modules.ModuleServer) -> Tried:
    """Kill ansible-playbook with everything below it at one mutating request, then run the playbook again."""
    home = HOME / f"{scene.name}-playbook-{point.name}"
    with scenes.laboratory(scene) as lab:
        trial = Trial(home.name, lab, _moves(scene, lab), home)
        given = scenes.options(scene, lab, trial.moves, trial.journal)
        variables = {"options": given}
        lab.breakpoint("", point.side, skip=point.index)
        play = playbooks.start(playbooks.MIGRATE_PLAY, variables, home / "play")
        reached = bool(lab.wait_breakpoint(2 * REACH))
        play.kill()
        trial.note(modules.Ended(True, {}, play.wait().output))
        lab.clear_breakpoints()

        def again() -> modules.Ended:
            played = playbooks.run(playbooks.MIGRATE_PLAY, variables, home / "play")
            result = {"changed": played.changed != 0, "failed": played.code != 0}
            return modules.Ended(False, result, played.output)

        def once_more() -> modules.Ended:
            return server.run(given, home / "out.txt")

        verdict = trial.verdict(trial.until_ended(again), once_more)
    return Tried(scene, point, "playbook", reached, verdict)


def home_of(name: str) -> pathlib.Path:
    """The folder in which a failed case was left."""
    return HOME / name
