# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make chaos-pegasus: kill migrations of Pegasus tables, and their guards, at every point, and mislead them.

Killed are the modules of every way to cut over, and whole playbooks, the rollback too. Every case runs again and must
converge, with the table writable within the budget. Prints a table and writes build/chaos-pegasus.json. Cases that do
not converge leave their journal, the guard's record, the lab's record and all output in build/chaos/<case>/. All points
take hours; with --resume a run that was broken off goes on.
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
from chaos import pegasus_ambiguity as ambiguity
from chaos import pegasus_kills as kills
from chaos import pegasus_whole as whole
from chaos.kept import Kept, OtherCode, digest
from chaos.kills import Point
from chaos.pegasus_ambiguity import Misled
from chaos.pegasus_kills import Tried
from chaos.pegasus_scenes import OPERATIONS, PLAYBOOKS, Scene
from chaos.pegasus_trial import HOME
from tooling import paths

RESULT = paths.BUILD / "chaos-pegasus.json"
CASES = paths.BUILD / "chaos-pegasus-cases.jsonl"
PROFILES = ("2.6", "2.5", "2.4")
SERIES = (*fence.SERIES, whole.SERIES, "ambiguity")


def read_arguments(argv: t.Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos-pegasus", description=__doc__)
    parser.add_argument("--profiles", default=",".join(PROFILES), help="server generations, with commas")
    parser.add_argument("--operations", default=",".join([*OPERATIONS, *PLAYBOOKS]), help="what is killed, with commas")
    parser.add_argument("--series", default=",".join(SERIES), help="which kinds of cases, with commas")
    parser.add_argument("--seeds", type=int, default=200, help="ambiguous cases (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of these seeds")
    parser.add_argument("--seed", type=int, default=7, help="seed of the clusters that are killed")
    parser.add_argument("--most", type=int, default=0, help="so many points of each series and profile; 0 is all")
    parser.add_argument("--workers", type=int, default=2, help="labs at the same time")
    parser.add_argument("--resume", action="store_true", help=f"go on with {CASES.name} of a run that was broken off")
    parser.add_argument("--quick", action="store_true", help="as --most 4 --seeds 16")
    options = parser.parse_args(argv)
    if options.quick:
        options.most, options.seeds = 4, 16
    try:
        options.kept = Kept(CASES, digest("pegasus"), options.resume)
    except OtherCode as error:
        parser.error(str(error))
    return options


def tell(kept: Kept, cases: t.Sequence[Tried] | t.Sequence[Misled]) -> None:
    """Write down what became of them, and print what did not converge."""
    for one in cases:
        if isinstance(one, Misled):
            kept.keep(one.name, one.verdict, struck=one.struck, runs=one.runs)
        else:
            kept.keep(one.name, one.verdict, reached=one.reached)
        if one.verdict.problems:
            print(f"NOT CONVERGED {one.name}: {'; '.join(one.verdict.problems)}\n    {HOME / one.name}", flush=True)


def kill_modules(options: argparse.Namespace, crew: Crew) -> list[Tried]:
    """All series with modules over operations and profiles: record each scene first, then try its points."""
    wanted = [name for name in options.series.split(",") if name in fence.SERIES]
    found = [
        Scene(profile, options.seed, operation)
        for operation in options.operations.split(",")
        if operation in OPERATIONS
        for profile in options.profiles.split(",")
        if wanted
    ]
    cases = [
        (scene, series, point)
        for scene, recorded in _recorded(options, crew, found, kills.record)
        for series in wanted
        # A duplication has no guard.
        if scene.fenced or series in (fence.MODULE, fence.PAIR)
        for point in _some(options, scene, series, [one for one in recorded if fence.fits(series, one)])
    ]
    return _tried(options, crew, cases, kills.kill_all)


def kill_playbooks(options: argparse.Namespace, crew: Crew) -> list[Tried]:
    """Whole runs and rollbacks on the profiles that playbooks are killed on."""
    found = [
        whole.scene(profile, options.seed, operation)
        for operation in options.operations.split(",")
        if operation in PLAYBOOKS
        for profile in options.profiles.split(",")
        if profile in whole.PROFILES
    ]
    cases = [
        (scene, whole.SERIES, point)
        for scene, recorded in _recorded(options, crew, found, whole.record)
        for point in _some(options, scene, whole.SERIES, recorded)
    ]
    return _tried(options, crew, cases, lambda scene, some: whole.kill_all(scene, [point for _series, point in some]))


def _recorded(
    options: argparse.Namespace, crew: Crew, scenes: t.Sequence[Scene], record: t.Callable[[Scene], list[Point]]
) -> list[tuple[Scene, list[Point]]]:
    """The points of each scene, recorded now unless they were before."""
    kept: Kept = options.kept
    left = [scene for scene in scenes if kept.points(scene.name) is None]

    def keep(one: tuple[Scene, list[Point]]) -> None:
        kept.keep_points(one[0].name, one[1])

    crew.results([functools.partial(_record, record, scene) for scene in left], keep)
    return [(scene, points) for scene in scenes for points in [kept.points(scene.name)] if points is not None]


def _record(record: t.Callable[[Scene], list[Point]], scene: Scene) -> tuple[Scene, list[Point]]:
    return scene, record(scene)


def _tried(
    options: argparse.Namespace,
    crew: Crew,
    cases: t.Sequence[tuple[Scene, str, Point]],
    kill_all: t.Callable[[Scene, t.Sequence[tuple[str, Point]]], list[Tried]],
) -> list[Tried]:
    """What became of the cases: of those that were tried before, and of the others now, in labs that they share."""
    kept: Kept = options.kept
    found: list[Tried] = []
    left: dict[Scene, list[tuple[str, Point]]] = {}
    for scene, series, point in cases:
        known = kept.case(kills.name_of(scene, series, point))
        if known is None:
            left.setdefault(scene, []).append((series, point))
        else:
            found.append(Tried(scene, point, series, known["reached"], known["verdict"]))
    jobs = [
        functools.partial(kill_all, scene, some[start : start + len(scene.cases)])
        for scene, some in left.items()
        for start in range(0, len(some), len(scene.cases))
    ]
    return found + [one for some in crew.results(jobs, functools.partial(tell, kept)) for one in some]


def _some(options: argparse.Namespace, scene: Scene, series: str, points: list[Point]) -> list[Point]:
    if not options.most or options.most >= len(points):
        return points
    return random.Random(f"{scene.name} {series}").sample(points, options.most)


def mislead(options: argparse.Namespace, crew: Crew) -> list[Misled]:
    """The ambiguous cases, batch by batch."""
    kept: Kept = options.kept
    found: list[Misled] = []
    batches: dict[int, list[int]] = {}
    for seed in range(options.first, options.first + options.seeds):
        scene = ambiguity.scene_of(seed)
        known = kept.case(ambiguity.name_of(scene, seed))
        if known is None:
            batches.setdefault(seed // ambiguity.BATCH, []).append(seed)
        else:
            found.append(Misled(scene, seed, tuple(known["struck"]), known["runs"], known["verdict"]))
    jobs = [functools.partial(ambiguity.play_batch, batch) for batch in batches.values()]
    return found + [one for some in crew.results(jobs, functools.partial(tell, kept)) for one in some]


def kill_figures(tried: t.Sequence[Tried], seed: int) -> t.Iterator[Figure]:
    """S1 per operation and profile."""
    for scene in dict.fromkeys(one.scene for one in tried):
        of_scene = [one for one in tried if one.scene == scene]
        reached = [one for one in of_scene if one.reached]
        counts = collections.Counter(one.series for one in reached)
        what = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        where = f"Pegasus {scene.profile} lab, {scene.operation}, clock x{scene.factor:g}"
        yield Figure(
            id="S1.points",
            case=f"{where}: killed at recorded requests, journal appends and lines of the guard ({what})",
            value=len(reached),
            unit="points",
            # Appends and the guard's lines depend on how often was waited; a few recorded ones may not come again.
            must_be=round(0.9 * len(of_scene)),
            runs=len(of_scene),
            seed=seed,
            at_least=True,
        )
        yield Figure(
            id="S1.converged",
            case=f"{where}: run again, converged, writable within the budget, no write lost, no setting, fence or "
            "guard left",
            value=100 * sum(1 for one in of_scene if not one.verdict.problems) / len(of_scene),
            unit="%",
            must_be=100,
            runs=len(of_scene),
            seed=seed,
            at_least=True,
        )


def ambiguity_figures(misled: t.Sequence[Misled], first: int) -> t.Iterator[Figure]:
    """S2."""
    if not misled:
        return
    struck = collections.Counter(kind for one in misled for kind in set(one.struck))
    kinds = ", ".join(f"{kind} {count}" for kind, count in struck.most_common())
    factor = misled[0].scene.factor
    yield Figure(
        id="S2",
        case=f"Pegasus lab {' and '.join(sorted(set(ambiguity.PROFILES)))}, cutover, clock x{factor:g}: converged, "
        f"writable within the budget, no write lost, nothing left; cases with {kinds}; at most "
        f"{max(one.runs for one in misled)} runs",
        value=100 * sum(1 for one in misled if not one.verdict.problems) / len(misled),
        unit="% converged",
        must_be=100,
        runs=len(misled),
        seed=first,
        at_least=True,
    )


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run the cases; 1 when a bar does not hold, or a lab failed."""
    options = read_arguments(argv)
    crew = Crew(options.workers)
    tried = kill_modules(options, crew)
    if whole.SERIES in options.series.split(","):
        tried += kill_playbooks(options, crew)
    misled = mislead(options, crew) if "ambiguity" in options.series.split(",") else []
    found = [*kill_figures(tried, options.seed), *ambiguity_figures(misled, options.first)]
    verdicts = [one.verdict for one in tried] + [one.verdict for one in misled]
    found.append(
        Figure(
            id="S7",
            case="Pegasus lab, all cases: settings that differ from before (intervals, meta levels, envs)",
            value=sum(len(verdict.settings) for verdict in verdicts),
            unit="settings",
            must_be=0,
            runs=len(verdicts),
            seed=options.seed,
        )
    )
    figures.write(found, RESULT)
    print(figures.table(found))
    for problem in crew.failed:
        print(f"NOT TRIED: {problem}")
    print(f"Written to {RESULT}")
    return 0 if not crew.failed and all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
