# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of a rollback, `ansible-playbook dbops.migration.starrocks_rollback` (S1), after a whole run was killed.

The run is killed while the tool copies, in the freeze, or when the target was drained; then the rollback at every
mutating request of ours that a recorded one shows, when the tool's process goes, and as soon as the journal has grown
by some lines. Then the same command again, until nothing of the migration is left but its tables.
"""

from __future__ import annotations

import dataclasses
import random
import time
import typing as t

from chaos import starrocks_labs as labs
from chaos import starrocks_tool
from chaos.kills import Point
from chaos.starrocks_kills import Tried, occurrence
from chaos.starrocks_moments import DRAIN, FREEZE, MOMENTS, SYNC, Watch
from chaos.starrocks_runs import SHAPE, WholeRun, lines
from system.starrocks_playbooks import replicating

ROLLBACK = "rollback"
PLACE = "StarRocks 4.1 lab, rollback"
BEGUN = (SYNC, FREEZE, DRAIN)
"""Phases in which the whole run is killed that is then given up."""
REACH = 150.0
"""Real seconds in which a rollback must come to its point."""
WATCHED = 3
"""How many of the journal's lengths are tried."""
_GLANCE = 0.01


@dataclasses.dataclass(frozen=True)
class Given:
    """A point of the rollback of a run that was killed in ``phase``; ``skip``: requests like it that come before."""

    phase: str
    point: Point
    skip: int = 0


class GivenUp(WholeRun):
    """A whole run that was killed, and its rollback: clients stay on the source."""

    playbook = "dbops.migration.starrocks_rollback"
    writes_to = "source"

    def begin(self, phase: str) -> None:
        """Run until that phase, and kill. RuntimeError when it does not come to that."""
        watch = Watch(self.lab, self.journal, MOMENTS[phase])
        run = self.start(WholeRun.playbook)
        reached = watch.wait(lambda: self.over(run))
        run.kill()
        watch.release()
        self.note(run.wait())
        if not reached:
            raise RuntimeError(f"{self.name} did not come to {phase}; see {self.home}")

    def _wrong(self, state: t.Mapping[str, t.Any], ended: bool) -> t.Iterator[str]:
        yield from super()._wrong(state, ended)
        if ended and replicating(self.lab):
            yield "the settings are back, and a replication runs inside the target"


def record(phase: str) -> list[Given]:
    """Give a run up without a kill, and return the points that the lab's record and the journal show."""
    name = f"{SHAPE.name}-rollback-record-{phase}"
    with labs.laboratory(SHAPE) as lab, GivenUp(name, lab) as given:
        given.begin(phase)
        last, before = labs.last_seq(lab), lines(given.journal)
        runs = bool(starrocks_tool.processes(given.directory))
        ended = given.run()
        calls = [labs.plain(one["request"]) for one in labs.sent(lab, last + 1)]
        grown = lines(given.journal) - before
        tried = given.finish(ROLLBACK, PLACE, True, ended.code == 0)
        if tried.problems:
            raise RuntimeError(f"{name} without a kill: {tried.problems}; see {given.home}")
    watched = random.Random(name).sample(range(1, grown), min(WATCHED, grown - 1))
    points = [
        *(Point("request", index, side, text) for index, text in enumerate(calls) for side in ("before", "after")),
        *([Point("process", 0, "goes")] if runs else []),
        *(Point("journal", length, "watch") for length in sorted(watched)),
    ]
    return [Given(phase, point, occurrence(points, point)) for point in points]


def kill(case: Given) -> Tried:
    """Kill the rollback at one point, then give the same command until it ends well."""
    name = f"{SHAPE.name}-rollback-{case.phase}-{case.point.name}"
    point = case.point
    with labs.laboratory(SHAPE) as lab, GivenUp(name, lab) as given:
        given.begin(case.phase)
        # A tool that is gone already says nothing of how far the rollback is.
        if point.effect != "process" and random.Random(name).random() < 0.5:
            given.vanish()
        if point.effect == "request":
            lab.breakpoint(point.text, point.side, skip=case.skip)
        before = lines(given.journal)
        play = given.start()
        reached = _await(given, point, before, lambda: given.over(play))
        play.kill()
        lab.clear_breakpoints()
        given.note(play.wait())
        return given.finish(ROLLBACK, PLACE, reached, given.until_ended())


def _await(given: GivenUp, point: Point, before: int, over: t.Callable[[], bool]) -> bool:
    end = time.monotonic() + REACH
    while time.monotonic() < end and not over():
        if point.effect == "request":
            if given.lab.wait_breakpoint(1.0):
                return True
            continue
        if point.effect == "journal" and lines(given.journal) >= before + point.index:
            return True
        if point.effect == "process" and not starrocks_tool.processes(given.directory):
            return True
        time.sleep(_GLANCE)
    return False
