# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frontends that restart and leaders that change in every phase of a whole run.

The clusters run in containers, where nothing can be persisted: a frontend that restarts has forgotten every setting.
"""

from __future__ import annotations

import dataclasses

from chaos import starrocks_labs as labs
from chaos.starrocks_kills import Tried
from chaos.starrocks_moments import MOMENTS, PHASES, Watch
from chaos.starrocks_runs import SHAPE, WholeRun
from lab.client import LabClient

FRONTENDS = "frontends"
PLACE = "StarRocks 4.1 lab, frontends"
IN_CONTAINERS = dataclasses.replace(SHAPE, container=True)
RESTART_FOLLOWER, RESTART_LEADER, FAIL_OVER = "restart-follower", "restart-leader", "failover"
DOWN = 20
"""Lab seconds for which a frontend that restarts is away."""


@dataclasses.dataclass(frozen=True)
class Event:
    """What happens to a frontend of one cluster, in a phase."""

    phase: str
    side: str
    what: str

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"frontends-{self.phase}-{self.side}-{self.what}"


EVENTS = tuple(
    Event(phase, side, what)
    for phase in PHASES
    for side in labs.SIDES
    for what in (RESTART_FOLLOWER, RESTART_LEADER, FAIL_OVER)
)


def happen(lab: LabClient, event: Event) -> None:
    """Let it happen; returns when the frontend is back, or another one leads."""
    if event.what == FAIL_OVER:
        lab.call("POST", f"/frontends/{event.side}/failover", {})
        return
    cluster = labs.looked_at(lab)["clusters"][event.side]
    leads = event.what == RESTART_LEADER
    chosen = next(
        number
        for number, one in enumerate(cluster["frontends"], 1)
        if one["alive"] and (one["role"] == "LEADER") == leads
    )
    lab.call("POST", f"/frontends/{event.side}/{chosen}/restart", {"seconds": DOWN})


def play(event: Event) -> Tried:
    """A whole run in which it happens; the same command again as often as it takes."""
    with labs.laboratory(IN_CONTAINERS) as lab, WholeRun(f"{IN_CONTAINERS.name}-{event.name}", lab) as whole:
        watch = Watch(lab, whole.journal, MOMENTS[event.phase])
        run = whole.start()
        reached = watch.wait(lambda: whole.over(run))
        if reached:
            happen(lab, event)
        watch.release()
        ended = whole.note(run.wait()).code == 0 or whole.until_ended()
        return whole.finish(FRONTENDS, PLACE, reached, ended)
