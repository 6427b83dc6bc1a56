# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the whole run, `ansible-playbook dbops.migration.greptimedb` with maintenance mode: what it switches too.

Killed are ansible-playbook and everything below it, at every mutating request that a recorded run shows, and as soon as
the journal has a certain number of lines. Then the same command again.
"""

from __future__ import annotations

import pathlib
import random
import time
import typing as t

from bench import modules, playbooks
from chaos import scenes
from chaos.kills import REACH, Point, Tried
from chaos.scenes import Scene
from chaos.trial import HOME, Trial
from lab.client import LabClient

PLAYBOOK = "dbops.migration.greptimedb"
PROFILES = ("0.12", "1.1")
"""One with maintenance mode as text and flushes of ours, one with the newest of everything."""
WATCHED = 4
"""How many of the journal's lengths are tried; a run takes several seconds."""
WATCH_PAUSE = 0.002


def variables(scene: Scene, lab: LabClient, trial: Trial) -> dict[str, t.Any]:
    """The role's variables for the scene."""
    given = scenes.options(scene, lab, trial.moves, trial.journal)
    named = (
        "frontend_host", "frontend_port", "transport", "metasrv_addrs", "metasrv_http_addrs", "datanode_http_addrs",
        "read_timeout", "connect_timeout", "settle_time", "server_timeout", "move_timeout", "timeout", "limits",
        "journal", "migration_id",
    )  # fmt: skip
    return {
        **{f"greptimedb_{name}": given[name] for name in named if name in given},
        "greptimedb_strategy": "moves",
        "greptimedb_moves": trial.moves,
        "greptimedb_maintenance_mode": True,
    }


def record(scene: Scene) -> list[Point]:
    """Run once without a kill and return the points that the lab's record and the journal show."""
    home = HOME / f"{scene.name}-whole-record"
    with scenes.laboratory(scene) as lab:
        trial = Trial(home.name, lab, scenes.choose(lab.state(), random.Random(scene.seed), scene.count), home)
        first = _run(scene, lab, trial)
        if not first.ok:
            raise RuntimeError(f"{scene.name} does not end well without a kill: {first.output[-3000:]}")
        calls = [one["request"] for one in lab.requests(mutating=True)]
        lines = _lines(trial.journal)
        verdict = trial.verdict(True, lambda: _run(scene, lab, trial))
        if verdict.problems:
            raise RuntimeError(f"{scene.name} without a kill: {verdict.problems}; see {home}")
    chance = random.Random(scene.name)
    watched = sorted(chance.sample(range(1, lines), min(WATCHED, lines - 1)))
    return [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *(Point("journal", length, "watch") for length in watched),
    ]


def kill(scene: Scene, point: Point) -> Tried:
    """Kill the whole run at one point, then give the same command until it ends well."""
    home = HOME / f"{scene.name}-whole-{point.name}"
    with scenes.laboratory(scene) as lab:
        trial = Trial(home.name, lab, scenes.choose(lab.state(), random.Random(scene.seed), scene.count), home)
        if point.effect == "request":
            lab.breakpoint("", point.side, skip=point.index)
        play = playbooks.start(PLAYBOOK, variables(scene, lab, trial), home / "play")
        if point.effect == "request":
            reached = bool(lab.wait_breakpoint(4 * REACH))
        else:
            reached = _watch(trial.journal, point.index, 4 * REACH)
        play.kill()
        trial.note(modules.Ended(True, {}, play.wait().output))
        lab.clear_breakpoints()

        def again() -> modules.Ended:
            return _run(scene, lab, trial)

        verdict = trial.verdict(trial.until_ended(again, 3), again)
    return Tried(scene, point, "whole", reached, verdict)


def _run(scene: Scene, lab: LabClient, trial: Trial) -> modules.Ended:
    played = playbooks.run(PLAYBOOK, variables(scene, lab, trial), trial.home / "play")
    return modules.Ended(False, {"changed": played.changed != 0, "failed": played.code != 0}, played.output)


def _watch(journal: pathlib.Path, length: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while _lines(journal) < length:
        if time.monotonic() > end:
            return False
        time.sleep(WATCH_PAUSE)
    return True


def _lines(journal: pathlib.Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0
