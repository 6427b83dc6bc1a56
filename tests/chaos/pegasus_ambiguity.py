# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that answer ambiguously or not at all during a cutover, in seeded combinations (S2)."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from bench import modules
from chaos import pegasus_scenes as scenes
from chaos.judgement import Verdict
from chaos.pegasus_scenes import Scene
from chaos.pegasus_trial import HOME, Trial
from lab.client import LabClient

PROFILES = ("2.6", "2.6", "2.5")
BATCH = 8
"""Cases that share one lab, one after another."""
Fault = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Misled:
    """What became of one case. `struck`: the faults that really hit. `runs`: how many it took."""

    scene: Scene
    seed: int
    struck: tuple[str, ...]
    runs: int
    verdict: Verdict

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return name_of(self.scene, self.seed)


def name_of(scene: Scene, seed: int) -> str:
    """A case's name."""
    return f"{scene.name}-ambiguity-{seed}"


def scene_of(seed: int) -> Scene:
    """The scene of all cases of a batch."""
    number = seed // BATCH
    return Scene(PROFILES[number % len(PROFILES)], number, tables=BATCH)


def faults(rng: random.Random, describe: t.Mapping[str, t.Any], table: str) -> list[Fault]:
    """One to three faults of the requests of a cutover, or of the clusters while it runs."""
    return [_fault(rng, describe, table) for _dummy in range(rng.choice((1, 1, 2, 2, 3)))]


def _fault(rng: random.Random, describe: t.Mapping[str, t.Any], table: str) -> Fault:
    source = describe["clusters"]["source"]
    sent: Fault = {"mutating": True, "after_requests": rng.randrange(12), "times": rng.choice((1, 1, 2))}
    fence: Fault = {"mutating": True, "match": "UPDATE_APP_ENV", "times": rng.choice((1, 2))}
    read: Fault = {"mutating": False, "after_requests": rng.randrange(80), "times": rng.choice((1, 2, 4))}
    code: Fault = {"status": 500, "code": rng.choice(("ERR_TIMEOUT", "ERR_BUSY", "ERR_NETWORK_FAILURE"))}
    kinds: list[Fault] = [
        {"kind": "reply_lost", **sent},
        {"kind": "reply_lost", **fence},
        {"kind": "reply_lost", **read},
        {"kind": "reply_slow", **sent, "seconds": rng.choice((3.0, 30.0, 110.0))},
        {"kind": "reply_slow", **fence, "seconds": rng.choice((3.0, 30.0, 110.0))},
        {"kind": "error_5xx_after_apply", **sent, **code},
        {"kind": "error_5xx_after_apply", **fence, **code},
        {"kind": "error_before", **sent, **code},
        {"kind": "error_before", **read, **code},
        {"kind": "drop_before_apply", **fence},
        {"kind": "drop_before_apply", **sent},
        {"kind": "meta_failover", **fence, "times": 1},
        {"kind": "meta_failover", **read, "times": 1},
        {"kind": "primary_moves", "table": table, "region_id": rng.randrange(4), **read, "times": 1},
        {"kind": "primary_moves", "table": table, "step": "all", **fence, "times": 1},
        {"kind": "dup_paused", "table": table, **fence, "times": 1},
        {"kind": "refuse_connections", "node": rng.choice(source["metas"]), **read, "times": 1, "seconds": 20.0},
        {"kind": "refuse_connections", "node": rng.choice(source["replicas"]), **read, "times": 1, "seconds": 20.0},
        {"kind": "config_sync_stalled", "node": rng.choice(source["replicas"]), "times": 0, "seconds": 40.0},
    ]
    return rng.choice(kinds)


def play_batch(seeds: t.Sequence[int]) -> list[Misled]:
    """Play cases of one batch; a new lab when something is wrong."""
    scene = scene_of(seeds[0])
    left = list(seeds)
    found: list[Misled] = []
    with scenes.server(scene, HOME / "servers" / f"{scene.name}-ambiguity-{seeds[0]}") as server:
        while left:
            with scenes.laboratory(scene) as lab:
                for table in scene.shape.names:
                    if not left:
                        break
                    found.append(play(scene, left.pop(0), lab, server, table))
                    if found[-1].verdict.problems:
                        break
    return found


def play(scene: Scene, seed: int, lab: LabClient, server: modules.ModuleServer, table: str) -> Misled:
    """One case: run until it ends well while the faults last, and look at everything."""
    rng = random.Random(seed)
    trial = Trial(scene, name_of(scene, seed), lab, server, [table])
    set_up = faults(rng, lab.describe, table)
    for fault in set_up:
        lab.fault(**fault)
    (trial.home / "faults.txt").write_text("\n".join(map(repr, set_up)) + "\n", encoding="utf-8")
    first = trial.run()
    struck = tuple(sorted(one["kind"] for one in lab.faults() if one["hits"] or one["kind"] == "config_sync_stalled"))
    if not first.ok:
        trial.wait_for_guard()
    lab.clear_faults()
    if "dup_paused" in struck:
        # The operator who paused it lets it go on; nothing else ever would.
        lab.foreign(table=table, duplication={"status": "log"})
    ended = first.ok or trial.until_ended()
    return Misled(scene, seed, struck, len(trial.outputs), trial.verdict(ended))
