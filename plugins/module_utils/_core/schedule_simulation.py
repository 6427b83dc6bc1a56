# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How long a plan would take, and whether plan order is worth its price."""

from __future__ import annotations

import dataclasses
import heapq
import math
import random
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import (
    EAGER,
    PLANNED,
    Job,
    Limits,
    Schedule,
)

# Strict plan order is worth this much time: it lets check mode predict the order of submissions exactly.
ACCEPTED_PENALTY = 0.10
VARIATION = 0.5
_SEED = 20260112
# Enough simulated jobs for a steady estimate, few enough to take a fraction of a second.
_SIMULATED_JOBS = 4000


@dataclasses.dataclass(frozen=True)
class OrderingChoice:
    """``penalty`` is how much longer plan order takes than eager (0.16 is 16 %), estimated by simulation."""

    ordering: str
    penalty: float
    reason: str


def simulate(
    jobs: t.Sequence[Job],
    limits: Limits,
    ordering: str,
    durations: t.Optional[t.Mapping[str, float]] = None,
) -> float:
    """The makespan of the jobs in this order, each lasting as ``durations`` says, else as its cost says."""
    schedule = Schedule(jobs, limits, ordering)
    ends: t.List[t.Tuple[float, str]] = []
    now = 0.0
    while True:
        for job in schedule.start():
            heapq.heappush(ends, (now + (job.cost if durations is None else durations[job.id]), job.id))
        if not ends:
            return now
        now = ends[0][0]
        while ends and ends[0][0] <= now:
            schedule.finish(heapq.heappop(ends)[1])


def draw_durations(jobs: t.Sequence[Job], seed: int, variation: float = VARIATION) -> t.Dict[str, float]:
    """A length per job: its cost times a log-normal factor of mean 1 and this coefficient of variation."""
    chance = random.Random(seed)  # noqa: S311 - durations, not secrets
    sigma = math.sqrt(math.log(1.0 + variation * variation))
    return {job.id: job.cost * chance.lognormvariate(-sigma * sigma / 2.0, sigma) for job in jobs}


def choose_ordering(jobs: t.Sequence[Job], limits: Limits, what: str = "jobs") -> OrderingChoice:
    """Plan order unless simulation says that it takes more than 10 % longer than eager; the same answer every time.

    Of a very long plan only the beginning is simulated: the jobs come at an even pace, so it stands for the rest.

    :param jobs: in plan order
    :param what: what the engine's users call its jobs
    """
    if len(jobs) < 2:
        return OrderingChoice(PLANNED, 0.0, f"planned: with fewer than two {what} there is nothing to reorder.")
    jobs = jobs[:_SIMULATED_JOBS]
    runs = min(25, _SIMULATED_JOBS // len(jobs))
    planned = eager = 0.0
    for run in range(runs):
        durations = draw_durations(jobs, _SEED + run)
        planned += simulate(jobs, limits, PLANNED, durations)
        eager += simulate(jobs, limits, EAGER, durations)
    penalty = max(0.0, planned / eager - 1.0) if eager else 0.0
    share = f"{100.0 * penalty:.0f} %"
    if penalty > ACCEPTED_PENALTY:
        reason = (
            f"eager: {what} that a limit blocks are passed over, because strict plan order would take about "
            f"{share} longer (simulated); check mode predicts the same {what}, but not their exact order."
        )
        return OrderingChoice(EAGER, penalty, reason)
    reason = (
        f"planned: {what} are submitted exactly in plan order, which takes about "
        f"{share} longer than passing over those that a limit blocks (simulated)."
    )
    return OrderingChoice(PLANNED, penalty, reason)
