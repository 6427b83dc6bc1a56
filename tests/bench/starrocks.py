# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench-starrocks: measure the StarRocks figures against the lab, with the manual's procedure beside ours.

Prints a table and writes build/bench-starrocks.json. W5 is told in lab seconds, everything else in the machine's.
A figure that was not measured is absent. The exit status is 1 when a bar does not hold.
"""

from __future__ import annotations

import argparse
import functools
import sys
import typing as t

from bench import figures, starrocks_again, starrocks_figures, starrocks_manual, starrocks_prediction, starrocks_sizes
from bench import starrocks_windows as windows
from bench.crew import Crew
from bench.figures import Figure
from bench.prediction import Predicted
from bench.starrocks_labs import Shape
from tooling import paths

RESULT = paths.BUILD / "bench-starrocks.json"
PARTS = ("W5", "P5", "P6", "P8", "P9")
FAST, BY_HAND = 2.0, 10.0
"""How much faster than real time the labs of W5 run."""
REAL = 0.25
"""The share of the cutovers that are measured in real time too, which tells what the faster clock adds."""
LARGE = 10_000
"""Tables of P5, P6 and P8."""
W5_TABLES, W5_PARTITIONS = 1_120, 10
"""A bit more than 10,000 partitions, as one table in ten has one."""
CUTOVER_STATES = 0.06
"""The share of P9's states that are cutovers, which take long."""
CHUNK = 10
"""States of P9 that are played in one lab."""


def read_arguments(argv: t.Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-starrocks", description=__doc__)
    parser.add_argument("--only", default="", help=f"figures, with commas, out of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes; the figures then say little")
    parser.add_argument("--seeds", type=int, default=20, help="cutovers of W5, ours and by hand (default: %(default)s)")
    parser.add_argument("--states", type=int, default=500, help="random states of P9 (default: %(default)s)")
    parser.add_argument("--tables", type=int, default=LARGE, help="tables of P5, P6 and P8 (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the first lab")
    parser.add_argument("--workers", type=int, default=1, help="labs at the same time (default: %(default)s)")
    options = parser.parse_args(argv)
    options.only = [name for name in options.only.split(",") if name] or list(PARTS)
    unknown = sorted(set(options.only) - set(PARTS))
    if unknown:
        parser.error(f"--only: {', '.join(unknown)} is not among {', '.join(PARTS)}")
    if options.quick:
        options.seeds, options.states, options.tables = min(2, options.seeds), min(60, options.states), 1000
    return options


def shapes(options: argparse.Namespace, factor: float, count: int) -> list[Shape]:
    """As many labs for W5, each with a seed of its own."""
    tables, partitions = (100, 4) if options.quick else (W5_TABLES, W5_PARTITIONS)
    return [Shape(options.seed * 1000 + n, tables, partitions, factor, rate=20) for n in range(count)]


def stopped(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """W5."""
    by_hand = shapes(options, BY_HAND, options.seeds)
    theirs = crew.results([functools.partial(starrocks_manual.manual, shape) for shape in by_hand])
    yield from starrocks_figures.by_hand(theirs, BY_HAND, options.seed)
    for factor, count in ((FAST, options.seeds), (1.0, max(1, round(REAL * options.seeds)))):
        ours = crew.results([functools.partial(windows.ours, shape) for shape in shapes(options, factor, count)])
        yield from starrocks_figures.windows(ours, theirs, factor, options.seed)


def preflight(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """P5: before anything was copied, and when everything was."""
    for name, copied in (("empty target", False), ("target with all tables", True)):
        shape = starrocks_sizes.shape(options.seed, options.tables, copied)
        for one in crew.results([functools.partial(starrocks_sizes.preflight, shape)]):
            yield from starrocks_figures.preflights([(name, one)], options.seed)


def compare(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """P6."""
    shape = starrocks_sizes.shape(options.seed, options.tables, True)
    for looked in crew.results([lambda: list(starrocks_sizes.compare(shape))]):
        yield from starrocks_figures.comparisons(looked, options.seed)


def again(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """P8."""
    for _first, whole, steps in crew.results([functools.partial(starrocks_again.finish, options.seed, options.tables)]):
        yield from starrocks_figures.again(options.tables, whole, steps, options.seed)


def predict(options: argparse.Namespace, crew: Crew) -> t.Iterator[Figure]:
    """P9."""
    long = max(2, round(CUTOVER_STATES * options.states))
    jobs: list[t.Callable[[], list[Predicted]]] = []
    first = options.seed * 1_000_000
    while CHUNK * len(jobs) < options.states - long:
        for kind in starrocks_prediction.kinds(first + 100 * len(jobs)):
            count = min(CHUNK, options.states - long - CHUNK * len(jobs))
            if count > 0:
                jobs.append(functools.partial(_listed, starrocks_prediction.play, kind, count))
    for number in range(0, long, CHUNK):
        count = min(CHUNK, long - number)
        jobs.append(functools.partial(_listed, starrocks_prediction.cutovers, first + 50_000 + number, count))
    found = [one for lab in crew.results(jobs, _tell) for one in lab]
    yield from starrocks_figures.predictions(found, options.seed)


def _listed(play: t.Callable[..., t.Iterator[Predicted]], *arguments: t.Any) -> list[Predicted]:
    return list(play(*arguments))


def _tell(found: t.Sequence[Predicted]) -> None:
    for one in found:
        if not one.same_order:
            print(
                f"P9: {one.profile}\n    told {one.told} {one.told_code}\n    sent {one.sent} {one.sent_code}",
                flush=True,
            )


MEASURES: t.Mapping[str, t.Callable[[argparse.Namespace, Crew], t.Iterator[Figure]]] = {
    "W5": stopped,
    "P5": preflight,
    "P6": compare,
    "P8": again,
    "P9": predict,
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
