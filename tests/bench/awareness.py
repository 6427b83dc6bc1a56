# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""W6: how soon after a region has finished moving do we know it, with as many in flight as the server bears?"""

from __future__ import annotations

import random

from bench import figures, labs, moves, polling, timeline, workshop
from bench.figures import Figure
from bench.workshop import Shape

BAR = 1.0
IN_FLIGHT = 100
"""The most that the module takes: metasrv runs 128 procedures, DDL and failover included."""


def measure(seed: int, quick: bool) -> list[Figure]:
    """One run on a lab whose clock is the real one, so that no second is scaled."""
    count = 240 if quick else 1200
    limits: dict[str, int | None] = {"global": IN_FLIGHT, "per_source": 16, "per_target": 16}
    home = workshop.folder("awareness")
    with workshop.laboratory(Shape(8, count, 1.0, workshop.SLOW, seed)) as lab:
        wanted = moves.rotate(labs.leaders(lab.state()), count, list(range(8)), random.Random(seed))
        run = workshop.migrate(lab, home, wanted, limits, "", timeout="30m")
    lags = polling.lags(run.spans, run.journal, run.wall_of)
    middle = figures.spread(lags)
    peak = timeline.peak(run.spans)
    cost = polling.polling(run.requests)
    return [
        Figure(
            id="W6",
            case=f"lab, real clock, {count:,} moves, {peak} in flight: a procedure's end to its outcome in our journal",
            value=middle["value"],
            unit="s",
            p95=middle["p95"],
            max=middle["max"],
            must_be=BAR,
            runs=len(lags),
            seed=seed,
            judged="p95",
        ),
        Figure(
            id="P3",
            case=f"lab, real clock, {peak} in flight; queries per look, {cost.per_second:.1f} queries per second",
            value=cost.mean,
            unit="queries per look",
            p95=figures.percentile(cost.per_look, 0.95),
            max=max(cost.per_look),
            must_be=8,
            runs=cost.looks,
            seed=seed,
            judged="p95",
        ),
    ]
