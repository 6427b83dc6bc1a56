# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of a partition: written by clients, by group check (empty) and by duplication from another cluster."""

from __future__ import annotations

import typing as t

from lab.pegasus.model import Mutation, Operation, Partition


def write(
    partition: Partition, operations: tuple[Operation, ...], at: float, timestamp: int, cluster_id: int
) -> Mutation:
    """One mutation from a client (or an empty one): applied, and kept in the log while the table is duplicated."""
    partition.decree += 1
    partition.written_at = at
    mutation = Mutation(partition.decree, at, timestamp, operations)
    store = partition.store
    for key, value in operations:
        if value is None:
            store.pop(key, None)
        else:
            store[key] = (value, timestamp, cluster_id)
    if partition.app.duplications:
        partition.log.append(mutation)
    return mutation


def apply_duplicate(
    partition: Partition, operations: t.Iterable[Operation], at: float, timestamp: int, cluster_id: int
) -> None:
    """One mutation that another cluster shipped: a value with a larger (timestamp, cluster id) is kept."""
    partition.decree += 1
    partition.written_at = at
    store = partition.store
    for key, value in operations:
        held = store.get(key)
        if held is not None and (held[1], held[2]) > (timestamp, cluster_id):
            continue
        if value is None:
            store.pop(key, None)
        else:
            store[key] = (value, timestamp, cluster_id)
    if partition.app.duplications:
        partition.log.append(Mutation(partition.decree, at, timestamp, (), duplicated=True))


def collect(partition: Partition) -> None:
    """Drop what every duplication has confirmed from the log; all of it when there is none."""
    if not partition.app.duplications:
        partition.log.clear()
        partition.checkpoints.clear()
        return
    least = min(d.confirmed.get(partition.index, 0) for d in partition.app.duplications.values())
    log = partition.log
    while log and log[0].decree <= least:
        log.popleft()
