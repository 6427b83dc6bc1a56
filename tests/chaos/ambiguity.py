# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that answer ambiguously or not at all, in seeded random combinations (S2): nothing may happen twice."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from bench import labs, modules
from bench.moves import Move
from chaos import scenes
from chaos.judgement import Verdict
from chaos.scenes import PROFILES, Scene
from chaos.trial import HOME, Trial
from lab.client import LabClient

Fault = dict[str, t.Any]
BATCH = 10
"""Cases that share one lab, one after another."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One case: the seed decides profile, transport, moves and faults."""

    seed: int

    @property
    def scene(self) -> Scene:
        """The scene of all cases of its batch."""
        number = self.seed // BATCH
        transport = "http" if (number // len(PROFILES)) % 2 else "mysql"
        return Scene(PROFILES[number % len(PROFILES)], self.seed // BATCH, transport, factor=30.0, regions=16)

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"ambiguity-{self.seed}-{self.scene.profile}-{self.scene.transport}"


@dataclasses.dataclass(frozen=True)
class Misled:
    """What became of one case. `struck` names the faults that really hit, `repeated` counts accepted submissions
    beyond the first of each region."""

    case: Case
    struck: tuple[str, ...]
    repeated: int
    verdict: Verdict


def faults(rng: random.Random, moves: t.Sequence[Move], factor: float) -> list[Fault]:
    """One to three faults, each aimed at one of the moves or at the cluster."""
    return [_fault(rng, rng.choice(moves)["region_id"], factor) for _dummy in range(rng.choice((1, 1, 2, 2, 3)))]


def _fault(rng: random.Random, region: int, factor: float) -> Fault:
    step = rng.choice(("open_candidate", "downgrade_metadata", "downgrade", "upgrade", "upgrade_metadata", "close"))
    submission: Fault = {"region_id": region, "mutating": True, "times": rng.choice((1, 1, 2))}
    reading: Fault = {"mutating": False, "after_requests": rng.randrange(12), "times": rng.choice((1, 2))}
    status = rng.choice((500, 502, 503, 504))
    failure: Fault = {"status": status, "message": rng.choice(("Internal error: 1003", "upstream request timeout"))}
    kinds: list[Fault] = [
        {"kind": "reply_lost", **submission},
        {"kind": "reply_lost", **submission},
        {"kind": "reply_lost", **reading},
        {"kind": "reply_slow", **submission, "seconds": 1.3 * 30},
        {"kind": "reply_slow", **submission, "seconds": 5.0},
        {"kind": "error_5xx_after_apply", **submission, **failure},
        {"kind": "error_5xx_after_apply", **submission, **failure},
        {"kind": "error_before", **submission, **failure},
        {"kind": "drop_before_apply", **submission},
        {"kind": "drop_before_apply", **reading},
        {"kind": "metasrv_failover_mid_way", "region_id": region, "step": step},
        {"kind": "pid_never_registered", "region_id": region, "times": rng.choice((1, 1, 2))},
        {"kind": "false_done", "region_id": region},
        {"kind": "resubmitted", "region_id": region},
        {"kind": "procedure_failed", "region_id": region, "step": rng.choice(("downgrade", "upgrade"))},
        {"kind": "stuck_retrying", "region_id": region, "times": rng.choice((1, 2, 3))},
        {"kind": "forget_procedures", "mutating": False, "after_requests": rng.randrange(6, 20)},
        {"kind": "frontend_restart", "after_requests": rng.randrange(4, 20)},
        {"kind": "refuse_connections", "after_requests": rng.randrange(4, 20), "seconds": rng.uniform(2, 20)},
    ]
    return rng.choice(kinds)


def play(case: Case, lab: LabClient, server: modules.ModuleServer) -> Misled:
    """Play one case against a lab at rest."""
    rng = random.Random(case.seed)
    scene = case.scene
    moves = scenes.choose(lab.state(), rng, rng.randrange(2, 5))
    trial = Trial(case.name, lab, moves, HOME / case.name)
    given = scenes.options(scene, lab, moves, trial.journal, migration_id=case.name)
    set_up = faults(rng, moves, scene.factor)
    for fault in set_up:
        lab.fault(**fault)
    (trial.home / "faults.txt").write_text("\n".join(map(repr, set_up)) + "\n", encoding="utf-8")

    def again() -> modules.Ended:
        return server.run(given, trial.home / "out.txt")

    ended = trial.until_ended(again)
    struck = tuple(sorted(one["kind"] for one in lab.faults() if one["hits"]))
    lab.clear_faults()
    accepted = labs.submissions(lab.requests(since=trial.first_seq))
    repeated = sum(count - 1 for count in accepted.values())
    return Misled(case, struck, repeated, trial.verdict(ended, again))


def play_batch(seeds: t.Sequence[int], server: modules.ModuleServer) -> t.Iterator[Misled]:
    """Play cases of one batch; they share a lab as long as nothing goes wrong."""
    left = list(seeds)
    while left:
        with scenes.laboratory(Case(left[0]).scene) as lab:
            while left:
                misled = play(Case(left.pop(0)), lab, server)
                yield misled
                if misled.verdict.problems or not labs.at_rest(labs.rest(lab, 5.0)):
                    break
