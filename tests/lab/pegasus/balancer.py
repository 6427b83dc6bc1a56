# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The balancer of a meta server: moves primaries as long as the meta level is lively."""

from __future__ import annotations

import typing as t

from lab.pegasus import model

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster


async def balance_forever(cluster: Cluster) -> None:
    """While lively: every 30 s one primary goes to a server that has fewer of them (or just another one)."""
    while True:
        await cluster.pause("balance")
        if cluster.meta.answers and cluster.meta.level == model.LEVELS["lively"]:
            balance(cluster)


def balance(cluster: Cluster) -> None:
    """Move one primary from the fullest server that can give one away."""
    counts = dict.fromkeys(cluster.nodes, 0)
    led: dict[str, list[model.Partition]] = {address: [] for address in cluster.nodes}
    for app in cluster.apps.values():
        for partition in app.partitions if app.status == model.AVAILABLE else ():
            if partition.primary:
                counts[partition.primary] += 1
                led[partition.primary].append(partition)
    for address in sorted(counts, key=lambda a: -counts[a]):
        candidates = [p for p in led[address] if any(cluster.nodes[a].alive for a in p.secondaries)]
        if candidates:
            partition = cluster.rng.choice(candidates)
            living = [a for a in partition.secondaries if cluster.nodes[a].alive]
            cluster.move_primary(partition, min(living, key=lambda a: counts[a]))
            return
