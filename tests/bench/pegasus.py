# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench-pegasus: measure the Pegasus figures against the lab, with the reference tool's flow beside ours.

Prints a table and writes build/bench-pegasus.json. All seconds are lab seconds. Modules and guards live in the lab's
time, so what the machine needs for our own work counts as many times as the lab's clock is faster (it is told in each
case). A figure that was not measured is absent. The exit status is 1 when a bar does not hold.
"""

from __future__ import annotations

import argparse
import collections
import functools
import itertools
import sys
import typing as t

from bench import figures, pegasus_cutovers, pegasus_deaths, pegasus_figures, pegasus_liars
from bench.crew import Crew
from bench.figures import Figure
from bench.pegasus_labs import Shape
from bench.pegasus_liars import BUDGETS
from tooling import paths

RESULT = paths.BUILD / "bench-pegasus.json"
PARTS = ("W1", "W2", "W8", "S3")
FAST, SLOW, KILLS, LIES = 5.0, 10.0, 10.0, 10.0
"""How much faster than real time the labs of each part run."""


def read_arguments(argv: t.Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-pegasus", description=__doc__)
    parser.add_argument("--only", default="", help=f"figures, with commas, out of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="as --seeds 8; the figures then say little")
    parser.add_argument("--seeds", type=int, default=200, help="cutovers for each figure (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the first lab")
    parser.add_argument("--workers", type=int, default=2, help="labs at the same time (default: %(default)s)")
    options = parser.parse_args(argv)
    options.only = [name for name in options.only.split(",") if name] or list(PARTS)
    unknown = sorted(set(options.only) - set(PARTS))
    if unknown:
        parser.error(f"--only: {', '.join(unknown)} is not among {', '.join(PARTS)}")
    if options.quick:
        options.seeds = 8
    return options


def shapes(options: argparse.Namespace, of_lab: int, **more: t.Any) -> list[Shape]:
    """As many labs as it takes to have `--seeds` tables, each with a seed of its own."""
    labs = -(-options.seeds // of_lab)
    return [Shape(seed=options.seed * 1000 + number, **more) for number in range(labs)]


def fast(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """W1 with the reference beside it; and a few in real time, which tell what the faster clock adds."""
    beside = shapes(options, 64, profile="2.5", tables=8, factor=FAST, rate=20)
    flows = crew.results([functools.partial(pegasus_cutovers.reference_windows, shape) for shape in beside])
    theirs = [one for lab in flows for one in lab]
    for factor, found in (
        (FAST, shapes(options, 8, profile="2.6", tables=8, factor=FAST, rate=20)),
        (1.0, [Shape("2.6", options.seed * 1000 + 999, tables=8, factor=1.0, rate=20)]),
    ):
        measured = crew.results([functools.partial(pegasus_cutovers.fast, shape) for shape in found])
        yield from pegasus_figures.fast([one for lab in measured for one in lab.ours], theirs, factor, options.seed)
        theirs = []


def held_back(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """W2, strict and accept, and the reference beside both."""
    strict = shapes(options, 4, profile="2.5", tables=8, factor=SLOW, rate=3)
    found = crew.results([functools.partial(pegasus_cutovers.held_back, shape) for shape in strict])
    yield from pegasus_figures.strict(
        [one for lab in found for one in lab.ours], [one for lab in found for one in lab.theirs], SLOW, options.seed
    )
    accept = shapes(options, 8, profile="2.5", tables=8, factor=FAST, rate=20)
    some = accept[: max(1, len(accept) // 4)]
    found = crew.results([functools.partial(pegasus_cutovers.accepting, shape) for shape in some])
    yield from pegasus_figures.accept([one for lab in found for one in lab.ours], FAST, options.seed)


def deaths(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """W8: most with a config-sync interval of 1 s, one lab in five with the servers' own 30 s."""
    jobs: list[t.Callable[[], list[pegasus_deaths.Held]]] = []
    for number, shape in enumerate(shapes(options, 8, profile="2.6", tables=8, factor=KILLS, rate=10)):
        interval, budget = (30.0, 150.0) if number % 5 == 4 else (1.0, 60.0)
        jobs.append(functools.partial(pegasus_deaths.kill_some, shape, interval, budget))
    found = [one for lab in crew.results(jobs) for one in lab]
    yield from pegasus_figures.deaths(found, KILLS, options.seed)


def lies(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """S3, on both generations, and the reference before the same."""
    liars = pegasus_liars.LIARS
    labs = -(-options.seeds // len(liars))
    profiles = itertools.cycle(BUDGETS)
    jobs = [
        functools.partial(
            pegasus_liars.ask,
            Shape(profile, options.seed * 1000 + number, tables=len(liars), factor=LIES, rate=5),
            liars,
        )
        for number, profile in zip(range(labs), profiles)
    ]
    stale = [
        functools.partial(
            pegasus_liars.idle_then_stale,
            Shape(profile, options.seed * 1000 + number, tables=4, factor=LIES, rate=10),
        )
        for number, profile in zip(range(max(2, labs // 4)), itertools.cycle(BUDGETS))
    ]
    asked = [one for lab in crew.results([*jobs, *stale]) for one in lab]
    theirs = crew.results(
        [
            functools.partial(pegasus_liars.ask_reference, options.seed * 1000 + number, SLOW)
            for number in range(max(1, options.seeds // 20))
        ]
    )
    counted: dict[str, list[pegasus_cutovers.Flow]] = collections.defaultdict(list)
    for lab in theirs:
        for case, flow in lab.items():
            counted[case].append(flow)
    yield from pegasus_figures.lies(asked, counted, LIES, options.seed)


MEASURES: t.Mapping[str, t.Callable[[argparse.Namespace, Crew], t.Iterator[Figure]]] = {
    "W1": fast,
    "W2": held_back,
    "W8": deaths,
    "S3": lies,
}


def main(argv: t.Sequence[str] | None = None) -> int:
    """Measure; 1 when a bar does not hold, or a lab failed."""
    options = read_arguments(argv)
    crew = Crew(options.workers)
    found: list[Figure] = []
    for part in options.only:
        for figure in MEASURES[part](options, crew):
            found.append(figure)
            print(f"{figure.id} {figure.value:.3f} {figure.unit}: {figure.case}", flush=True)
        figures.write(found, RESULT)
    print(figures.table(found))
    for problem in crew.failed:
        print(f"NOT MEASURED: {problem}")
    print(f"Written to {RESULT}")
    return 0 if not crew.failed and all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
