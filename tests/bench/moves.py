# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which regions a measurement moves, and the plan file that says so."""

from __future__ import annotations

import collections
import pathlib
import random
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move as PlanMove
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import make_plan

Leaders = t.Mapping[int, int]
Move = dict[str, int]


def drain(leaders: Leaders, source: int, targets: t.Sequence[int]) -> list[Move]:
    """Every region of one datanode, spread evenly over the targets."""
    regions = sorted(region for region, leader in leaders.items() if leader == source)
    return [_move(region, source, targets[index % len(targets)]) for index, region in enumerate(regions)]


def rotate(leaders: Leaders, count: int, nodes: t.Sequence[int], rng: random.Random) -> list[Move]:
    """`count` regions to other datanodes, so that every pair of source and target is equally often among them."""
    by_source: dict[int, list[int]] = {}
    for region in sorted(leaders):
        by_source.setdefault(leaders[region], []).append(region)
    for regions in by_source.values():
        rng.shuffle(regions)
    moves: list[Move] = []
    for turn in range(len(leaders)):
        for source in nodes:
            regions = by_source.get(source, [])
            if turn < len(regions) and len(moves) < count:
                others = [node for node in nodes if node != source]
                moves.append(_move(regions[turn], source, others[(turn + source) % len(others)]))
    if len(moves) < count:
        raise ValueError(f"only {len(moves)} regions can be moved, {count} were asked for")
    return moves


def _move(region: int, source: int, target: int) -> Move:
    return {"region_id": region, "from_peer": source, "to_peer": target}


def write_plan(
    path: pathlib.Path, leaders: Leaders, wanted: t.Sequence[Move], limits: t.Mapping[str, int | None], ordering: str
) -> str:
    """Write the plan that greptimedb_region_plan makes of these moves; returns the ordering it has chosen.

    `ordering` is planned or eager, or empty for the planner's own choice.
    """
    regions = collections.Counter(leaders.values())
    plan = make_plan(
        "moves",
        [PlanMove(one["region_id"], one["from_peer"], one["to_peer"], "", one["region_id"] >> 32) for one in wanted],
        limits,
        before={str(node): {"regions": count, "bytes": None} for node, count in sorted(regions.items())},
        ordering=ordering or None,
    )
    path.write_text(plan_file.dump(plan), encoding="utf-8")
    return str(plan.ordering)
