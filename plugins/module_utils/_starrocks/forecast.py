# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How long a cutover refuses writes, told before the first one is refused.

Where the times come from (facts 5.2, 5.5, 7): the tool looks at both clusters every ``meta_job_interval_seconds``, then
makes tables and partitions every ``ddl_job_interval_seconds`` and sends replications every
``replication_job_interval_seconds``; what was loaded last needs two such rounds at most, as a round that is under way
at the freeze may have looked before it.
"""

from __future__ import annotations

import dataclasses
import random
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

SAMPLES = 2000
_SEED = 20240118
GIVE_UP_EARLY = 1.0
"""Seconds by which a cutover gives up before its guard lifts: it knows what it waited for, and says so."""


@dataclasses.dataclass(frozen=True)
class Pace:
    """What the window depends on; times in seconds.

    ``frontends``, ``jobs``: how many are to be told. ``round_trip``: one statement. ``look``: one turn of looks at
    the switch, at what is under way, and at all partitions. ``drain``: to see whether replications run inside the
    target. ``foreign``: to see whether somebody else wrote to it. ``quiet``: how long the source must be seen
    unchanged. ``transactions``: for those that run to end. ``meta``, ``replicate``: the tool's intervals, 0 when no
    tool runs. ``copy``: to replicate what one round finds, measured. ``poll``: between two looks. ``stop``: to end
    the tool. ``hook``: what the operator's switch may take.
    """

    frontends: int
    jobs: int
    round_trip: float
    look: float
    drain: float
    foreign: float
    quiet: float
    transactions: float
    meta: float
    replicate: float
    copy: float
    poll: float
    stop: float
    hook: float


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Seconds from the first refused write. ``held``: to the hand-over; ``lift``: to make everything writable again.
    ``parts``: medians of what the time goes to."""

    held_p50: float
    held_p95: float
    lift: float
    hook: float
    parts: t.Mapping[str, float]

    @property
    def minimum_budget(self) -> float:
        """The smallest budget that leaves room for the cutover at p95, the switch, and the lift if it fails."""
        return self.held_p95 + self.hook + GIVE_UP_EARLY + self.lift

    def as_result(self, budget: float) -> t.Dict[str, t.Any]:
        """JSON-able, rounded for people."""
        return {
            "held_p50": round(self.held_p50, 1),
            "held_p95": round(self.held_p95, 1),
            "lift_reserve": round(self.lift, 1),
            "switch_reserve": round(self.hook, 1),
            "minimum_budget": round(self.minimum_budget, 1),
            "budget": round(budget, 1),
            "parts": {name: round(value, 1) for name, value in self.parts.items()},
        }


def forecast(pace: Pace) -> Forecast:
    """The distribution of the window, by simulation with a fixed seed: the same input gives the same answer."""
    dice = random.Random(_SEED)  # noqa: S311 - phases of timers, no secret
    held: t.List[float] = []
    parts: t.Dict[str, t.List[float]] = {"freeze": [], "quiescence": [], "convergence": [], "end": []}
    freeze = pace.round_trip * (pace.jobs * 2 + 4 + pace.frontends)
    for _sample in range(SAMPLES):
        quiescent = pace.transactions * dice.random() + pace.look + pace.quiet
        converged = _converged(pace, dice)
        # Both are seen by the same looks, one after another.
        waited = max(quiescent, converged) + dice.random() * (pace.poll + pace.look) + pace.look
        end = pace.stop + pace.drain + 4 * pace.round_trip + 2 * (pace.look + pace.poll) + pace.foreign
        held.append(freeze + waited + end)
        parts["freeze"].append(freeze)
        parts["quiescence"].append(quiescent)
        parts["convergence"].append(converged)
        parts["end"].append(end)
    return Forecast(
        held_p50=_quantile(held, 0.5),
        held_p95=_quantile(held, 0.95),
        lift=lift_reserve(pace),
        hook=pace.hook,
        parts={name: _quantile(values, 0.5) for name, values in parts.items()},
    )


def _converged(pace: Pace, dice: random.Random) -> float:
    """One throw: from the freeze to the last partition that is equal."""
    if not pace.meta:
        return 0.0
    # The look that sees everything begins after the freeze; a copy that was sent before may hold it up.
    look = dice.random() * pace.meta
    send = dice.random() * pace.replicate
    return look + send + pace.copy * (1 + dice.random())


def lift_reserve(pace: Pace) -> float:
    """The longest that lifting takes: the switch, every job, and the looks that see both."""
    return pace.round_trip * (3 * pace.frontends + 4 * pace.jobs + 8) + 1.5


def require_budget(found: Forecast, budget: float) -> None:
    """Refuse with ``starrocks.budget_too_small`` when the budget does not hold the forecast."""
    if budget >= found.minimum_budget:
        return
    least = -int(-found.minimum_budget // 1)
    raise MigrationError(
        "starrocks.budget_too_small",
        f"budget: {format_duration(budget)} is too short: at p95 writes are refused for "
        f"{format_duration(found.held_p95)} until the target is proved equal, the switch is given "
        f"{format_duration(found.hook)}, and {format_duration(found.lift)} are kept to lift the freeze if it fails. "
        f"Give at least {format_duration(least)}, or shorten the tool's intervals first (meta_job_interval_seconds and "
        "others). Nothing was changed.",
        details={"forecast": found.as_result(budget), "minimum_budget": least},
    )


def _quantile(values: t.List[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
