# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a partition gets its next version, and which old ones it still has."""

from __future__ import annotations

from lab.intervals import IntervalSet
from lab.starrocks.state import Cluster
from lab.starrocks.state_tables import TXN_NORMAL, TXN_REPLICATION, Partition, Version


def load(cluster: Cluster, partition: Partition, content: IntervalSet, number: int, now: float) -> None:
    """A load's version. After a replication it draws a new epoch (facts 4.5)."""
    _supersede(partition, now)
    partition.content = content
    partition.visible_version = number
    partition.data_version += 1
    if partition.version_txn_type == TXN_REPLICATION:
        partition.version_epoch = cluster.new_epoch()
    partition.version_txn_type = TXN_NORMAL


def replicate(
    partition: Partition, content: IntervalSet, number: int, data_version: int, epoch: int, now: float
) -> None:
    """A replication's version: data version and epoch are the source's."""
    _supersede(partition, now)
    partition.content = content.copy()
    partition.visible_version = number
    partition.data_version = data_version
    partition.version_epoch = epoch
    partition.version_txn_type = TXN_REPLICATION


def compact(partition: Partition, number: int, now: float) -> None:
    """A compaction's version: the same data in fewer files."""
    _supersede(partition, now)
    partition.visible_version = partition.compact_version = number


def _supersede(partition: Partition, now: float) -> None:
    old = Version(partition.visible_version, partition.data_version, partition.content, now)
    partition.history.append(old)
    partition.visible_at = partition.written = now


def find(partition: Partition, number: int) -> IntervalSet | None:
    """The content of a version; None when it is destroyed (or never was)."""
    if partition.erased:
        return None
    if number == partition.visible_version:
        return partition.content
    for version in reversed(partition.history):
        if version.number == number:
            return version.content
    return None


def destroy(partition: Partition, before: float) -> int:
    """Destroy the versions that others superseded before that lab time; how many there were."""
    kept = [version for version in partition.history if version.superseded >= before]
    gone = len(partition.history) - len(kept)
    partition.history = kept
    return gone
