# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrations that are killed and misled: a small lab under writes, a few moves, options scaled to its clock."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import random
import typing as t

from bench import labs
from bench.moves import Move
from lab import process
from lab.client import LabClient

PROFILES = ("0.6", "0.7", "0.8", "0.9.2", "0.9.5", "0.12", "0.15", "0.17", "1.0", "1.1")
NODES = 3


@dataclasses.dataclass(frozen=True)
class Scene:
    """One small migration. The same scene gives the same cluster, moves and statements every time."""

    profile: str
    seed: int
    transport: str = "mysql"
    count: int = 3
    factor: float = 20.0
    regions: int = 12

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"{self.profile}-{self.transport}-{self.seed}"


@contextlib.contextmanager
def laboratory(scene: Scene) -> t.Iterator[LabClient]:
    """The scene's lab, with writers."""
    with process.start(
        profile=scene.profile,
        datanodes=NODES,
        regions=scene.regions,
        factor=scene.factor,
        writers=2,
        rate=20,
        seed=scene.seed,
    ) as lab:
        yield lab


def choose(state: t.Mapping[str, t.Any], rng: random.Random, count: int) -> list[Move]:
    """`count` moves, two of them of one table where there is one with two regions."""
    leaders = labs.leaders(state)
    regions = sorted(leaders)
    first = rng.choice(regions)
    same = [region for region in regions if region >> 32 == first >> 32 and region != first]
    chosen = [first, *rng.sample(same, min(1, len(same)))]
    chosen += rng.sample([region for region in regions if region not in chosen], count - len(chosen))
    return [
        {
            "region_id": region,
            "from_peer": leaders[region],
            "to_peer": rng.choice([node for node in range(NODES) if node != leaders[region]]),
        }
        for region in chosen[:count]
    ]


def options(
    scene: Scene, lab: LabClient, moves: t.Sequence[Move], journal: pathlib.Path, **more: t.Any
) -> dict[str, t.Any]:
    """The module's options. What the server counts is in lab seconds; what we count is divided by the lab's factor."""
    scaled = {
        "settle_time": f"{10 / scene.factor:g}s",
        "read_timeout": f"{30 / scene.factor:g}s",
        "connect_timeout": "2s",
        "poll_interval": "50ms",
    }
    return {
        **labs.connection(lab, scene.transport),
        **scaled,
        "moves": list(moves),
        "limits": {"global": 3, "per_source": 2, "per_target": 2},
        "server_timeout": "5s",
        "move_timeout": "6s",
        "timeout": "60s",
        "journal": str(journal),
        "migration_id": scene.name,
        **more,
    }
