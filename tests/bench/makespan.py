# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P1, with P2, P3 and P8: large migrations through ansible-playbook, module and sockets, judged in lab time."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from bench import figures, labs, moves, playbooks, polling, timeline, workshop
from bench.figures import Figure
from bench.places import ADVISED_POLLING
from bench.workshop import Recorded, Shape
from lab.client import LabClient

P1_BAR = 1.15
P2_BAR = 20.0
P3_BAR = 8.0
"""Three queries a look and four single procedures at most, and those of a module start."""
P8_BAR = 5.0


@dataclasses.dataclass(frozen=True)
class Case:
    """One migration, in the ordering that the planner chooses."""

    name: str
    count: int
    factor: float
    limits: t.Mapping[str, int | None]
    datanodes: int = 8
    drains: bool = False
    rerun: bool = False


def cases(quick: bool) -> list[Case]:
    """The cases of P1, on the real clock: a faster one doubles each second of ours and halves our CPU per move."""
    count, factor = (150, 2.0) if quick else (1000, 1.0)
    hard = {"global": 64, "per_source": 4, "per_target": 4}
    found = [
        Case("one source binds (a drain)", count, factor, {"global": 64, "per_source": 24, "per_target": 12}, 4, True),
        Case("global binds", count, factor, {"global": 24, "per_source": 8, "per_target": 8}),
        Case("all limits per source and target bind", count, factor, hard, rerun=quick),
    ]
    if not quick:
        large = {"global": 100, "per_source": 16, "per_target": 16}
        found.append(Case("global binds", 10000, factor, large, rerun=True))
    return found


def measure(case: Case, seed: int) -> list[Figure]:
    """Run one case; P8 too where the case asks for it."""
    regions = case.count * (case.datanodes if case.drains else 1)
    shape = Shape(case.datanodes, regions, case.factor, workshop.SLOW, seed)
    home = workshop.folder(f"makespan-{case.count}-{case.name.split()[0]}")
    with workshop.laboratory(shape) as lab:
        wanted = choose(case, labs.leaders(lab.state()), seed)
        run = workshop.migrate(lab, home, wanted, case.limits, "", timeout="30m")
        found = [*_figures(case, wanted, run, seed)]
        if case.rerun:
            found += rerun(lab, home, case, seed)
    return found


def choose(case: Case, leaders: moves.Leaders, seed: int) -> list[moves.Move]:
    """The moves of a case."""
    nodes = range(case.datanodes)
    if case.drains:
        return moves.drain(leaders, 0, list(nodes)[1:])[: case.count]
    return moves.rotate(leaders, case.count, list(nodes), random.Random(seed))


def _figures(case: Case, wanted: t.Sequence[moves.Move], run: Recorded, seed: int) -> t.Iterator[Figure]:
    whole = timeline.makespan(wanted, case.limits, run.requests, run.spans)
    limits = ", ".join(f"{name} {limit}" for name, limit in case.limits.items())
    about = f"lab, {case.count:,} moves of {whole.mean_move:.1f} s, clock x{case.factor:g}"
    yield Figure(
        id="P1",
        case=f"{about}; {case.name}: {limits}; {run.ordering} order; bound {whole.bound.value:.1f} s by {whole.binding}"
        f", peak {whole.peak} in flight",
        value=whole.ratio,
        unit="makespan / lower bound",
        must_be=P1_BAR,
        seed=seed,
    )
    yield Figure(
        id="P2",
        case=f"{about}; ansible-playbook with all its processes, start included (internal_poll_interval "
        f"{ADVISED_POLLING:g}, as the guide advises); {case.name}",
        value=1000 * run.played.cpu_seconds / case.count,
        unit="ms CPU per move",
        must_be=P2_BAR,
        seed=seed,
    )
    cost = polling.polling(run.requests)
    yield Figure(
        id="P3",
        case=f"{about}, up to {whole.peak} in flight; queries per look, {cost.per_second:.1f} queries per real second",
        value=cost.mean,
        unit="queries per look",
        p95=figures.percentile(cost.per_look, 0.95),
        max=max(cost.per_look),
        must_be=P3_BAR,
        runs=cost.looks,
        seed=seed,
        judged="p95",
    )


def rerun(lab: LabClient, home: t.Any, case: Case, seed: int) -> list[Figure]:
    """P8: the same playbook on the finished migration."""
    given = {
        **labs.connection(lab),
        "plan_file": str(home / "plan.yml"),
        "journal": str(home / "journal.jsonl"),
        "migration_id": home.name,
    }
    since = lab.requests()[-1]["seq"] + 1
    played = playbooks.run(playbooks.MIGRATE_PLAY, {"options": given}, home / "again")
    if played.code:
        raise workshop.RunFailed(f"{home}: the run on the finished migration failed:\n{played.output[-2000:]}")
    calls = len(lab.requests(since=since, mutating=True))
    about = f"lab, ansible-playbook again on {case.count:,} finished moves"
    return [
        Figure("P8", f"{about} ({played.cpu_seconds:.1f} s CPU)", played.seconds, "s", must_be=P8_BAR, seed=seed),
        Figure("P8", f"{about}: mutating calls that the lab received", calls, "calls", must_be=0, seed=seed),
        Figure("P8", f"{about}: changed tasks", played.changed, "changed", must_be=0, seed=seed),
    ]
