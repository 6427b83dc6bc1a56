# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make chaos-starrocks: kill StarRocks migrations, their guards and the sync tool at every point, and disturb them.

Every case runs again and must converge, with writes let go within the budget, no row lost and every setting as before.
Prints a table and writes build/chaos-starrocks.json after every series. Cases that do not converge leave their journal,
the guard's record, the lab's record and all output in build/chaos/<case>/.
"""

from __future__ import annotations

import argparse
import collections
import functools
import random
import sys
import typing as t

from bench import figures
from bench.crew import Crew
from bench.figures import Figure
from chaos import fence_kills as fence
from chaos import starrocks_foreign as foreign
from chaos import starrocks_frontends as frontends
from chaos import starrocks_kills as kills
from chaos import starrocks_rollbacks as rollbacks
from chaos import starrocks_scenes as scenes
from chaos import starrocks_secrets as secrets
from chaos import starrocks_tool_kills as tool_kills
from chaos import starrocks_whole as whole
from chaos.fence_judgement import BEYOND
from chaos.kills import Point
from chaos.starrocks_kills import Tried
from chaos.starrocks_scenes import GENERATIONS, Scene
from chaos.starrocks_trial import HOME
from tooling import paths

RESULT = paths.BUILD / "chaos-starrocks.json"
SERIES = (
    *kills.SERIES, tool_kills.TOOL, whole.PLAYBOOK, rollbacks.ROLLBACK, frontends.FRONTENDS, foreign.FOREIGN,
    secrets.SECRETS,
)  # fmt: skip
Chosen = t.TypeVar("Chosen")


def read_arguments(argv: t.Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos-starrocks", description=__doc__)
    parser.add_argument("--profiles", default=",".join(GENERATIONS), help="server generations, with commas")
    parser.add_argument("--operations", default=",".join(scenes.OPERATIONS), help="what is killed, with commas")
    parser.add_argument("--series", default=",".join(SERIES), help="which kinds of cases, with commas")
    parser.add_argument("--seeds", type=int, default=0, help="so many cases of each series and place; 0 is all of them")
    parser.add_argument("--first", type=int, default=0, help="leave out so many cases of each first")
    parser.add_argument("--seed", type=int, default=7, help="seed of the clusters, and of what is chosen")
    parser.add_argument("--workers", type=int, default=2, help="labs at the same time")
    parser.add_argument("--quick", action="store_true", help="as --seeds 3")
    options = parser.parse_args(argv)
    if options.quick:
        options.seeds = 3
    unknown = sorted(set(options.series.split(",")) - set(SERIES))
    if unknown:
        parser.error(f"--series: {', '.join(unknown)} is not one of {', '.join(SERIES)}")
    return options


def some(options: argparse.Namespace, name: str, cases: t.Sequence[Chosen]) -> list[Chosen]:
    """The cases that are tried: a shuffle that the seed fixes, and of it ``seeds`` from ``first`` on."""
    if not options.seeds:
        return list(cases)[options.first :]
    shuffled = random.Random(f"{options.seed} {name}").sample(list(cases), len(cases))
    return shuffled[options.first : options.first + options.seeds]


def tell(cases: t.Sequence[Tried]) -> None:
    """Print what did not converge."""
    for one in cases:
        if one.problems:
            print(f"NOT CONVERGED {one.name}: {'; '.join(one.problems)}\n    {HOME / one.name}", flush=True)


def kill_modules(options: argparse.Namespace, crew: Crew, series: str) -> list[Tried]:
    """One series of kills over operations and generations: record each scene first, then try its points."""
    found = [
        Scene(profile, options.seed, operation)
        for operation in options.operations.split(",")
        for profile in options.profiles.split(",")
        if series == fence.MODULE or operation == scenes.CUT_OVER
    ]
    jobs: list[t.Callable[[], list[Tried]]] = []
    for scene, points in crew.results([functools.partial(_record, scene) for scene in found]):
        fitting = [one for one in points if kills.fits(scene, series, one)]
        cases = [
            (series, one, kills.occurrence(points, one)) for one in some(options, f"{scene.name} {series}", fitting)
        ]
        jobs += [
            functools.partial(kills.kill_all, scene, cases[start : start + scene.cases])
            for start in range(0, len(cases), scene.cases)
        ]
    return _joined(crew.results(jobs, tell))


@functools.cache
def _record(scene: Scene) -> tuple[Scene, list[Point]]:
    return scene, kills.record(scene)


def kill_tool_modules(options: argparse.Namespace, crew: Crew) -> list[Tried]:
    """The module of the sync tool."""
    chosen = [
        tool_kills.Some(operation, functools.partial(some, options, f"tool {operation}"))
        for operation in tool_kills.OPERATIONS
    ]
    return _joined(crew.results([functools.partial(tool_kills.kill_all, one) for one in chosen], tell))


def kill_playbooks(options: argparse.Namespace, crew: Crew) -> list[Tried]:
    """ansible-playbook and everything below it."""
    (points,) = crew.results([whole.record]) or ([],)
    return _each(crew, functools.partial(whole.kill_with, points), some(options, whole.PLAYBOOK, points))


def kill_rollbacks(options: argparse.Namespace, crew: Crew) -> list[Tried]:
    """ansible-playbook and everything below it, while it gives up runs that were killed in some phases."""
    phases = some(options, f"{rollbacks.ROLLBACK} phases", rollbacks.BEGUN)
    found = _joined(crew.results([functools.partial(rollbacks.record, phase) for phase in phases]))
    return _each(crew, rollbacks.kill, some(options, rollbacks.ROLLBACK, found))


def _each(crew: Crew, play: t.Callable[[Chosen], Tried], cases: t.Sequence[Chosen]) -> list[Tried]:
    """Cases that have a lab of their own each."""
    return crew.results([functools.partial(play, case) for case in cases], lambda one: tell([one]))


def _joined(batches: t.Sequence[t.Sequence[Chosen]]) -> list[Chosen]:
    return [one for batch in batches for one in batch]


def run_series(options: argparse.Namespace, crew: Crew, series: str) -> list[Tried]:
    """One series."""
    if series == tool_kills.TOOL:
        return kill_tool_modules(options, crew)
    if series == whole.PLAYBOOK:
        return kill_playbooks(options, crew)
    if series == rollbacks.ROLLBACK:
        return kill_rollbacks(options, crew)
    if series == frontends.FRONTENDS:
        return _each(crew, frontends.play, some(options, series, frontends.EVENTS))
    if series == foreign.FOREIGN:
        return _each(crew, foreign.play, some(options, series, foreign.CASES))
    if series == secrets.SECRETS:
        return crew.results([secrets.play], lambda one: tell([one]))
    return kill_modules(options, crew, series)


def kill_figures(tried: t.Sequence[Tried], seed: int) -> t.Iterator[Figure]:
    """S1 of every place, S7, S9 and W8 of all cases."""
    for place in dict.fromkeys(one.place for one in tried):
        cases = [one for one in tried if one.place == place]
        counts = collections.Counter(one.series for one in cases if one.reached)
        what = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        yield Figure(
            id="S1.points",
            case=f"{place}: killed or disturbed at recorded statements, journal appends, lines of the guard, phases "
            f"({what})",
            value=sum(counts.values()),
            unit="points",
            # Appends and the guard's lines depend on how often was waited; a few recorded ones may not come again.
            must_be=round(0.9 * len(cases)),
            runs=len(cases),
            seed=seed,
            at_least=True,
        )
        yield Figure(
            id="S1.converged",
            case=f"{place}: run again, converged, writes let go within the budget, no row lost, no setting, job, "
            "fence, guard or tool left",
            value=100 * sum(1 for one in cases if not one.verdict.problems) / len(cases),
            unit="%",
            must_be=100,
            runs=len(cases),
            seed=seed,
            at_least=True,
        )
    if not tried:
        return
    yield Figure(
        id="S7",
        case="StarRocks lab, all cases: settings that differ from the snapshot (configs, volumes, users, load jobs), "
        "and changes of third parties that were not kept",
        value=sum(len(one.verdict.settings) for one in tried),
        unit="settings",
        must_be=0,
        runs=len(tried),
        seed=seed,
    )
    yield Figure(
        id="S9",
        case="StarRocks lab, all cases: secrets in outputs, journals, reports, the guard's record, the tool's files, "
        "process lists",
        value=sum(len(one.leaks) for one in tried),
        unit="secrets",
        must_be=0,
        runs=len(tried),
        seed=seed,
    )
    yield Figure(
        id="W8",
        case="StarRocks lab, all cases: writes refused beyond the budget",
        value=max(one.beyond for one in tried),
        unit="s",
        must_be=BEYOND,
        runs=len(tried),
        seed=seed,
    )


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run the cases; 1 when a bar does not hold, or a lab failed."""
    options = read_arguments(argv)
    crew = Crew(options.workers)
    tried: list[Tried] = []
    found: list[Figure] = []
    for series in options.series.split(","):
        tried += run_series(options, crew, series)
        # What was measured is kept even when a later series does not come to its end.
        found = list(kill_figures(tried, options.seed))
        figures.write(found, RESULT)
        print(f"--- {series}\n{figures.table(found)}", flush=True)
    for problem in crew.failed:
        print(f"NOT TRIED: {problem}")
    print(f"Written to {RESULT}")
    return 0 if not crew.failed and found and all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
