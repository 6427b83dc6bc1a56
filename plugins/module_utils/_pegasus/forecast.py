# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How long a cutover will refuse writes, told before the first one is refused.

Where the times come from: every replica server pulls app envs at its own phase of the config-sync interval; the decree
that a duplication has confirmed is written down by the meta server at the duplication sync of each replica server; up
to 2.5 the last mutation of a partition leaves its log only after the next one, which under a fence is the empty write
of the first group check that finds a whole interval without a mutation: between one and two intervals later.
"""

from __future__ import annotations

import dataclasses
import random
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

SAMPLES = 2000
_SEED = 20220620
GIVE_UP_EARLY = 1.0
"""Seconds by which a cutover gives up before its guard lifts: it knows what it waited for, and says so."""
SHIP_DELAY = 0.2
"""Seconds from a mutation's commit to the target's acknowledgement when nothing waits before it."""


@dataclasses.dataclass(frozen=True)
class Pace:
    """What the window depends on; times in seconds.

    ``partitions``: primaries per replica server, one number for each. ``config_sync``: the interval that is in force
    during the fence. ``held_back``: the group check's interval when the last mutation is waited for, 0 when there is
    nothing to wait for. ``backlog``: time to ship what is behind now. ``round_trip``: one question to every server.
    ``switch``: from the decision to the last MetaProxy's proof, 0 when the operator switches. ``lift_sync``: the
    interval that lifting counts on, where that is longer: it stays what is told, whatever was measured.
    """

    partitions: t.Tuple[int, ...]
    config_sync: float
    duplication_sync: float
    held_back: float
    backlog: float
    round_trip: float
    poll: float
    switch: float
    lift_sync: float = 0.0


@dataclasses.dataclass(frozen=True)
class Forecast:
    """Seconds. ``window``: writes refused, from the first server that refuses to the switch. ``held``: from the first
    request to the switch, which is what the budget has to hold. ``lift``: to make everything writable again. ``parts``:
    medians of what the time goes to."""

    window_p50: float
    window_p95: float
    held_p95: float
    lift: float
    parts: t.Mapping[str, float]

    @property
    def minimum_budget(self) -> float:
        """The smallest budget that leaves room for the cutover at p95, and for the lift if it fails at its end."""
        return self.held_p95 + GIVE_UP_EARLY + self.lift

    def as_result(self, budget: float) -> t.Dict[str, t.Any]:
        """JSON-able, rounded for people."""
        return {
            "window_p50": round(self.window_p50, 1),
            "window_p95": round(self.window_p95, 1),
            "held_p95": round(self.held_p95, 1),
            "lift_reserve": round(self.lift, 1),
            "minimum_budget": round(self.minimum_budget, 1),
            "budget": round(budget, 1),
            "parts": {name: round(value, 1) for name, value in self.parts.items()},
        }


def lift_reserve(config_sync: float, round_trip: float, poll: float) -> float:
    """The longest that lifting takes: every server's next pull, the two requests, and the look that sees it."""
    return config_sync + 3 * round_trip + 2 * poll + 0.5


def forecast(pace: Pace) -> Forecast:
    """The distribution of the window, by simulation with a fixed seed: the same input gives the same answer."""
    dice = random.Random(_SEED)  # noqa: S311 - phases of timers, no secret
    windows: t.List[float] = []
    held: t.List[float] = []
    parts: t.Dict[str, t.List[float]] = {"fence": [], "last_mutation": [], "drain": [], "switch": []}
    for _sample in range(SAMPLES):
        first, fenced, released, drained = _one(pace, dice)
        end = drained + dice.random() * pace.poll + pace.switch
        windows.append(end - first)
        held.append(end)
        parts["fence"].append(fenced)
        parts["last_mutation"].append(max(0.0, released - fenced))
        parts["drain"].append(drained - max(fenced, released))
        parts["switch"].append(pace.switch)
    return Forecast(
        window_p50=_quantile(windows, 0.5),
        window_p95=_quantile(windows, 0.95),
        held_p95=_quantile(held, 0.95),
        lift=lift_reserve(max(pace.config_sync, pace.lift_sync), pace.round_trip, pace.poll),
        parts={name: _quantile(values, 0.5) for name, values in parts.items()},
    )


def require_budget(found: Forecast, budget: float, subject: str) -> None:
    """Refuse with ``pegasus.budget_too_small`` when the budget does not hold the forecast."""
    if budget >= found.minimum_budget:
        return
    least = -int(-found.minimum_budget // 1)
    raise MigrationError(
        "pegasus.budget_too_small",
        f"budget: {format_duration(budget)} is too short for {subject}: at p95 the cutover holds the fence for "
        f"{format_duration(found.held_p95)}, and {format_duration(found.lift)} are kept to lift it if it fails. Give "
        f"at least {format_duration(least)}. Nothing was changed.",
        details={"forecast": found.as_result(budget), "minimum_budget": least},
    )


def _one(pace: Pace, dice: random.Random) -> t.Tuple[float, float, float, float]:
    """One throw: first server fenced, last one fenced, last held-back mutation released, everything confirmed."""
    first = fenced = released = drained = 0.0
    for number, partitions in enumerate(pace.partitions):
        at = pace.round_trip + dice.random() * pace.config_sync
        first = at if number == 0 else min(first, at)
        fenced = max(fenced, at)
        free = at
        if pace.held_back:
            # The latest of n equal and independent phases, in one throw.
            free += pace.held_back * (1 + dice.random() ** (1 / max(1, partitions)))
        released = max(released, free)
        confirmed = free + pace.backlog + SHIP_DELAY + dice.random() * pace.duplication_sync + pace.round_trip
        drained = max(drained, confirmed)
    proved = fenced + dice.random() * pace.poll + 2 * pace.round_trip
    return first, proved, max(released, proved), max(drained, proved)


def _quantile(values: t.List[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
