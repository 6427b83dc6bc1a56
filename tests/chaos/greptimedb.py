# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make chaos-greptimedb: kill region migrations at every point, and mislead them.

Every case runs again and must converge. Prints a table and writes build/chaos-greptimedb.json. Cases that do not
converge leave their journal, the lab's record and all output in build/chaos/<case>/.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import random
import sys
import time
import typing as t

from bench import figures, timeline
from bench.figures import Figure
from bench.modules import ModuleServer
from bench.workers import Job, Workers
from chaos import ambiguity, kills, whole
from chaos.kills import Point, Tried
from chaos.scenes import PROFILES, Scene
from chaos.trial import HOME
from tooling import paths

RESULT = paths.BUILD / "chaos-greptimedb.json"
SERIES = ("module", "pair", "late", "playbook", "whole", "ambiguity")
SHOWN_EVERY = 30.0


def read_arguments(argv: t.Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos-greptimedb", description=__doc__)
    parser.add_argument("--profiles", default=",".join(PROFILES), help="server generations, with commas")
    parser.add_argument("--series", default=",".join(SERIES), help="which kinds of cases, with commas")
    parser.add_argument("--seeds", type=int, default=1000, help="ambiguous cases (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of these seeds")
    parser.add_argument("--seed", type=int, default=7, help="seed of the clusters and moves that are killed")
    parser.add_argument("--workers", type=int, default=2, help="cases at the same time")
    parser.add_argument("--quick", action="store_true", help="two moves, 60 ambiguous cases")
    return parser.parse_args(argv)


@dataclasses.dataclass
class Tally:
    """What all cases together came to."""

    tried: list[Tried] = dataclasses.field(default_factory=list)
    recorded: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    misled: list[ambiguity.Misled] = dataclasses.field(default_factory=list)
    shown: float = dataclasses.field(default_factory=time.monotonic)

    def add_kill(self, tried: Tried) -> None:
        """Take one killed case."""
        self.tried.append(tried)
        self._tell(tried.name, tried.verdict.problems)

    def add_misled(self, misled: ambiguity.Misled) -> None:
        """Take one ambiguous case."""
        self.misled.append(misled)
        self._tell(misled.case.name, misled.verdict.problems)

    def _tell(self, name: str, problems: t.Sequence[str]) -> None:
        if problems:
            print(f"NOT CONVERGED {name}: {'; '.join(problems)}\n    {HOME / name}", flush=True)
        if time.monotonic() - self.shown > SHOWN_EVERY:
            self.shown = time.monotonic()
            print(f"... {len(self.tried)} kills, {len(self.misled)} ambiguous cases", flush=True)


def kill_everything(options: argparse.Namespace, workers: Workers, tally: Tally) -> None:
    """All kill series over the profiles: record each scene first, then try its points."""
    series = [name for name in options.series.split(",") if name in ("module", "pair", "late", "playbook")]
    count = 2 if options.quick else 3
    found = [Scene(profile, options.seed, count=count) for profile in options.profiles.split(",") if series]
    points = dict(workers.results([functools.partial(_record, scene) for scene in found]))
    jobs: list[Job[Tried]] = []
    for scene in found:
        for point in points[scene]:
            on_wire = point.effect == "request"
            submits = point.side == "before" and timeline.submitted_region(point.text) is not None
            for name in series:
                if name == "module" or (submits if name == "late" else on_wire):
                    jobs.append(functools.partial(_kill, name, scene, point))
                    tally.recorded[scene.profile] += 1
    print(f"{len(jobs)} points in {len(found)} recorded runs", flush=True)
    for tried in workers.results(jobs):
        tally.add_kill(tried)


def kill_whole_runs(options: argparse.Namespace, workers: Workers, tally: Tally) -> None:
    """The whole playbook, preflight to restore, with maintenance mode."""
    found = [
        Scene(profile, options.seed, count=2) for profile in whole.PROFILES if profile in options.profiles.split(",")
    ]
    points = dict(workers.results([functools.partial(_record_whole, scene) for scene in found]))
    jobs: list[Job[Tried]] = [
        functools.partial(_kill, "whole", scene, point) for scene in found for point in points[scene]
    ]
    tally.recorded.update(scene.profile for scene in found for _point in points[scene])
    print(f"{len(jobs)} points in {len(found)} recorded whole runs", flush=True)
    for tried in workers.results(jobs):
        tally.add_kill(tried)


def _record(scene: Scene, server: ModuleServer) -> list[tuple[Scene, list[Point]]]:
    return [(scene, kills.record(scene, server))]


def _record_whole(scene: Scene, _server: ModuleServer) -> list[tuple[Scene, list[Point]]]:
    return [(scene, whole.record(scene))]


def _kill(series: str, scene: Scene, point: Point, server: ModuleServer) -> list[Tried]:
    if series == "whole":
        return [whole.kill(scene, point)]
    if series == "playbook":
        return [kills.kill_playbook(scene, point, server)]
    chance = random.Random(f"{scene.name} {point.name}")
    if series == "late":
        return [kills.kill_late(scene, point, server, chance)]
    if series == "module":
        return [kills.kill_module(scene, point, server)]
    return [kills.kill_module(scene, point, server, chance)]


def mislead(options: argparse.Namespace, workers: Workers, tally: Tally) -> None:
    """The ambiguous cases, batch by batch."""
    seeds = range(options.first, options.first + (60 if options.quick else options.seeds))
    batches: dict[int, list[int]] = {}
    for seed in seeds:
        batches.setdefault(seed // ambiguity.BATCH, []).append(seed)
    jobs = [functools.partial(ambiguity.play_batch, batch) for batch in batches.values()]
    for misled in workers.results(jobs):
        tally.add_misled(misled)


def kill_figures(tally: Tally, seed: int) -> t.Iterator[Figure]:
    """S1 per profile."""
    for profile in dict.fromkeys(one.scene.profile for one in tally.tried):
        of_profile = [one for one in tally.tried if one.scene.profile == profile]
        reached = [one for one in of_profile if one.reached]
        by_series = collections.Counter(one.series for one in reached)
        what = ", ".join(f"{count} {name}" for name, count in sorted(by_series.items()))
        factor = of_profile[0].scene.factor
        yield Figure(
            id="S1.points",
            case=f"GreptimeDB {profile} lab: killed at its recorded requests and journal appends ({what})",
            value=len(reached),
            unit="points",
            # Journal appends depend on when moves end, so a few recorded ones may not come again; requests always do.
            must_be=round(0.9 * tally.recorded[profile]),
            runs=len(of_profile),
            seed=seed,
            at_least=True,
        )
        converged = sum(1 for one in reached if not one.verdict.problems)
        yield Figure(
            id="S1.converged",
            case=f"GreptimeDB {profile} lab, clock x{factor:g}, settle_time {10 / factor:g} s (10 s lab): run again, "
            "converged, no write lost, no setting left, nothing done twice",
            value=100 * converged / max(1, len(reached)),
            unit="%",
            must_be=100,
            runs=len(reached),
            seed=seed,
            at_least=True,
        )


def ambiguity_figures(tally: Tally, first: int) -> t.Iterator[Figure]:
    """S2: double effects, and how many converged."""
    if not tally.misled:
        return
    runs = len(tally.misled)
    factor = tally.misled[0].case.scene.factor
    where = f"lab, all generations, MySQL and HTTP, clock x{factor:g}, settle_time {10 / factor:.2g} s (10 s lab)"
    struck = collections.Counter(kind for one in tally.misled for kind in set(one.struck))
    kinds = ", ".join(f"{kind} {count}" for kind, count in struck.most_common())
    yield Figure(
        id="S2",
        case=f"{where}: regions moved more than once, or without being asked for; cases with {kinds}",
        value=sum(len(one.verdict.double) for one in tally.misled),
        unit="double effects",
        must_be=0,
        runs=runs,
        seed=first,
    )
    yield Figure(
        id="S2",
        case=f"{where}: converged, no write lost, nothing left to do ({sum(one.repeated for one in tally.misled)} "
        "repeated submissions were accepted by the server and had no effect)",
        value=100 * sum(1 for one in tally.misled if not one.verdict.problems) / runs,
        unit="% converged",
        must_be=100,
        runs=runs,
        seed=first,
        at_least=True,
    )


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run the cases; 1 when a bar does not hold."""
    options = read_arguments(argv)
    tally = Tally()
    with Workers(options.workers, HOME) as workers:
        kill_everything(options, workers, tally)
        if "whole" in options.series.split(","):
            kill_whole_runs(options, workers, tally)
        if "ambiguity" in options.series.split(","):
            mislead(options, workers, tally)
    found = [*kill_figures(tally, options.seed), *ambiguity_figures(tally, options.first)]
    verdicts = [one.verdict for one in tally.tried] + [one.verdict for one in tally.misled]
    found.append(
        Figure(
            id="S7",
            case="lab, all cases above: maintenance mode, procedure manager, followers, datanode configuration",
            value=sum(len(verdict.settings) for verdict in verdicts),
            unit="settings left changed",
            must_be=0,
            runs=len(verdicts),
            seed=options.seed,
        )
    )
    figures.write(found, RESULT)
    print(figures.table(found))
    print(f"Written to {RESULT}")
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
