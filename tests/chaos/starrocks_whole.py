# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the whole run, `ansible-playbook dbops.migration.starrocks` (S1).

Killed are ansible-playbook and everything below it, and in every other case guard and sync tool as well, as when their
container ends: at every mutating request of ours that a recorded run shows, when the tool's process appears or goes,
and as soon as the journal has a certain number of lines. Then the same command again.
"""

from __future__ import annotations

import pathlib
import random
import time
import typing as t

from chaos import starrocks_labs as labs
from chaos import starrocks_tool
from chaos.kills import Point
from chaos.starrocks_kills import Tried, occurrence
from chaos.starrocks_labs import Shape
from chaos.starrocks_runs import SHAPE, WholeRun, lines

PLAYBOOK = "playbook"
REACH = 150.0
"""Real seconds in which a whole run must come to its point."""
PLACE = "StarRocks 4.1 lab, whole run"
WATCHED = 12
"""How many of the journal's lengths are tried; a run takes its time."""
_GLANCE = 0.01


def record(shape: Shape = SHAPE) -> list[Point]:
    """Run once without a kill and return the points that the lab's record and the journal show."""
    name = f"{shape.name}-whole-record"
    with labs.laboratory(shape) as lab, WholeRun(name, lab) as whole:
        ended = whole.run()
        calls = [labs.plain(one["request"]) for one in labs.sent(lab, whole.first_seq)]
        entries = lines(whole.journal)
        tried = whole.finish(PLAYBOOK, PLACE, True, ended.code == 0)
        if tried.problems:
            raise RuntimeError(f"{name} without a kill: {tried.problems}; see {whole.home}")
    chance = random.Random(name)
    watched = sorted(chance.sample(range(1, entries), min(WATCHED, entries - 1)))
    return [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *(Point("process", 0, moment) for moment in ("appears", "goes")),
        *(Point("journal", length, "watch") for length in watched),
    ]


def kill(point: Point, skip: int, shape: Shape = SHAPE) -> Tried:
    """Kill the whole run at one point, then give the same command until it ends well."""
    name = f"{shape.name}-whole-{point.name}"
    chance = random.Random(name)
    with labs.laboratory(shape) as lab, WholeRun(name, lab) as whole:
        if point.effect == "request":
            lab.breakpoint(point.text, point.side, skip=skip)
        play = whole.start()
        reached = _await(whole, point, lambda: whole.over(play))
        play.kill()
        vanished = chance.random() < 0.5
        if vanished:
            whole.vanish()
        lab.clear_breakpoints()
        whole.note(play.wait())
        if not vanished and not whole.handed_over and chance.random() < 0.5:
            whole.wait_for_guard()
        return whole.finish(PLAYBOOK, PLACE, reached, whole.until_ended())


def kill_with(points: t.Sequence[Point], point: Point) -> Tried:
    """As ``kill``, with what was recorded."""
    return kill(point, occurrence(points, point))


def _await(whole: WholeRun, point: Point, over: t.Callable[[], bool]) -> bool:
    end = time.monotonic() + REACH
    seen = False
    while time.monotonic() < end and not over():
        if point.effect == "request":
            if whole.lab.wait_breakpoint(1.0):
                return True
            continue
        if point.effect == "journal":
            if lines(whole.journal) >= point.index:
                return True
        else:
            runs = bool(starrocks_tool.processes(whole.directory))
            if runs and point.side == "appears":
                return True
            if seen and not runs and _ended_for_good(whole.journal):
                return True
            seen = seen or runs
        time.sleep(_GLANCE)
    return False


def _ended_for_good(journal: pathlib.Path) -> bool:
    """Whether it is the cutover that has ended the tool: between, it is started anew with other intervals."""
    return journal.exists() and '"quiescence"' in journal.read_text(encoding="utf-8")
