# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of whole playbook runs: `dbops.migration.pegasus` from preflight to restore, and its rollback (S1).

Killed are ansible-playbook and everything below it, and in every other case the guard as well, as when their container
ends: at every mutating request that a recorded run shows, and as soon as the journal has a certain number of lines (the
switch in ZooKeeper lies between two of them). Then the same command again.
"""

from __future__ import annotations

import random
import time
import typing as t

from bench import guards, playbooks, processes
from chaos import pegasus_scenes as scenes
from chaos.kills import Point
from chaos.pegasus_kills import Tried, name_of
from chaos.pegasus_runs import REACH, PlaybookRun
from chaos.pegasus_scenes import Scene
from lab.client import LabClient

SERIES = "playbook"
PROFILES = ("2.6", "2.5")
WATCHED = 12
"""How many of the journal's lengths are tried; a run takes its time."""
_GLANCE = 0.01


def scene(profile: str, seed: int, operation: str) -> Scene:
    """Playbooks have no faster clock, so the lab's is slower than with modules alone."""
    return Scene(profile, seed, operation, factor=10.0)


def record(of: Scene) -> list[Point]:
    """Run once without a kill and return the points that the lab's record and the journal show."""
    with scenes.laboratory(of) as lab:
        run = PlaybookRun(of, f"{of.name}-record", lab, of.cases[0])
        entries = run.lines()
        ended = run.run()
        calls = run.calls()
        lengths = range(entries + 1, run.lines())
        verdict = run.verdict(ended.code == 0)
        if verdict.problems:
            raise RuntimeError(f"{of.name} without a kill: {verdict.problems}; see {run.home}")
    watched = sorted(random.Random(of.name).sample(lengths, min(WATCHED, len(lengths))))
    return [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *(Point("journal", length, "watch") for length in watched),
    ]


def kill_all(of: Scene, points: t.Sequence[Point]) -> list[Tried]:
    """Cases that share labs: tables of its own each, and a new lab when these run out or something is wrong."""
    found: list[Tried] = []
    left = list(points)
    while left:
        with scenes.laboratory(of) as lab:
            for tables in of.cases:
                if not left:
                    break
                found.append(kill(of, left.pop(0), lab, tables))
                if found[-1].verdict.problems:
                    break
    return found


def kill(of: Scene, point: Point, lab: LabClient, tables: t.Sequence[str]) -> Tried:
    """Kill a run at one point, then give the same command until it ends well."""
    run = PlaybookRun(of, name_of(of, SERIES, point), lab, tables)
    chance = random.Random(run.name)
    try:
        if point.effect == "request":
            lab.breakpoint("", point.side, skip=point.index)
        play = run.start()
        reached = _await(run, play, point)
        play.kill()
        vanished = chance.random() < 0.5
        if vanished:
            guards.kill(run.journal)
        lab.clear_breakpoints()
        run.note(play.wait())
        if not vanished and chance.random() < 0.5:
            run.wait_for_guard()
        return Tried(of, point, SERIES, reached, run.verdict(run.until_ended()))
    finally:
        guards.kill(run.journal)


def _await(run: PlaybookRun, play: playbooks.Play, point: Point) -> bool:
    end = time.monotonic() + REACH
    while time.monotonic() < end and processes.runs(play.pid):
        if point.effect == "journal":
            if run.lines() >= point.index:
                return True
            time.sleep(_GLANCE)
        elif run.lab.wait_breakpoint(1.0):
            return True
    return False
