# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench-greptimedb: measure the GreptimeDB figures against the lab.

Prints a table and writes build/bench-greptimedb.json.
A figure that was not measured is absent. The exit status is 1 when a bar does not hold.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import time
import typing as t

from bench import awareness, figures, idling, makespan, prediction, serial, workshop
from bench.figures import Figure
from bench.workers import Workers
from tooling import paths

RESULT = paths.BUILD / "bench-greptimedb.json"
P9_BAR = 99.0

# Figures that are measured in the same runs.
PARTS = {
    "makespan": ("P1", "P2", "P3", "P8"),
    "serial": ("P1",),
    "idling": ("P2",),
    "awareness": ("W6", "P3"),
    "prediction": ("P9",),
}
KNOWN = sorted({name for names in PARTS.values() for name in names})


def read_arguments(argv: t.Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-greptimedb", description=__doc__)
    parser.add_argument("--only", default="", help=f"figures, with commas, out of {', '.join(KNOWN)}")
    parser.add_argument("--quick", action="store_true", help="small sizes; the figures then say little")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--states", type=int, default=500, help="random states for P9 (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="states of P9 at the same time")
    options = parser.parse_args(argv)
    options.only = [name for name in options.only.split(",") if name]
    unknown = sorted(set(options.only) - set(KNOWN))
    if unknown:
        parser.error(f"--only: {', '.join(unknown)} is not among {', '.join(KNOWN)}")
    return options


def predict(options: argparse.Namespace) -> list[Figure]:
    """P9 over all generations."""
    count = 50 if options.quick else options.states
    profiles = prediction.PROFILES
    chunk = 10
    seeds = [list(range(first, min(first + chunk, count))) for first in range(0, count, chunk)]
    found: list[prediction.Predicted] = []
    with Workers(options.workers, workshop.HOME) as workers:
        jobs = [
            functools.partial(prediction.states, profile, [options.seed * 1_000_000 + number for number in some])
            for some, profile in zip(seeds, itertools.cycle(profiles))
        ]
        for one in workers.results(jobs):
            found.append(one)
            if not one.same:
                print(f"P9: told {one.told} {one.told_code}\n    sent {one.sent} {one.sent_code}", flush=True)
    calls = sum(max(len(one.told), len(one.sent)) for one in found)
    refused = sum(1 for one in found if one.sent_code)
    attached = sum(1 for one in found if one.attached)
    about = (
        f"lab, {len(found)} random states of {len(profiles)} generations, {calls} calls; {attached} states with moves "
        f"in flight, {refused} impossible plans (same refusal)"
    )
    shared: dict[str, t.Any] = {"runs": len(found), "seed": options.seed, "at_least": True}
    return [
        Figure(
            "P9",
            f"{about}: calls predicted with the same arguments",
            100 * sum(one.right for one in found) / max(1, calls),
            "%",
            must_be=P9_BAR,
            **shared,
        ),
        Figure(
            "P9",
            f"{about}: states predicted in full",
            100 * sum(one.same for one in found) / len(found),
            "%",
            must_be=P9_BAR,
            **shared,
        ),
        Figure(
            "P9",
            f"{about}: states in the same order",
            100 * sum(one.same_order for one in found) / len(found),
            "%",
            **shared,
        ),
    ]


def measure(options: argparse.Namespace) -> t.Iterator[Figure]:
    """All figures that are asked for, part by part."""
    wanted = [part for part, ids in PARTS.items() if not options.only or set(ids) & set(options.only)]
    if "serial" in wanted:
        yield from serial.measure(options.seed)
    if "idling" in wanted and not options.quick:
        yield idling.measure(options.seed)
    if "awareness" in wanted:
        yield from awareness.measure(options.seed, options.quick)
    if "makespan" in wanted:
        for case in makespan.cases(options.quick):
            yield from makespan.measure(case, options.seed)
    if "prediction" in wanted:
        yield from predict(options)


def main(argv: t.Sequence[str] | None = None) -> int:
    """Measure; 1 when a bar does not hold."""
    options = read_arguments(argv)
    found: list[Figure] = []
    started = time.monotonic()
    for figure in measure(options):
        if not options.only or figure.id in options.only:
            found.append(figure)
            print(f"[{time.monotonic() - started:4.0f} s] {figure.id} {figure.value:.3f} {figure.unit}", flush=True)
    found.sort(key=lambda figure: figure.id)
    figures.write(found, RESULT)
    print(figures.table(found))
    print(f"Written to {RESULT}")
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
