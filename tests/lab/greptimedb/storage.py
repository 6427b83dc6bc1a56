# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stored where: object storage or local directories for flushed data, Kafka or local logs for the rest."""

from __future__ import annotations

import typing as t

from lab.greptimedb.model import NodeConfig
from lab.intervals import IntervalSet

Place = t.Tuple[t.Any, ...]


def storage_place(config: NodeConfig, node: int) -> Place:
    """Where a datanode keeps flushed data; two datanodes with the same place see the same files."""
    if config.storage_type.lower() == "file":
        return ("File", config.data_home, "shared" if config.shared_directory else node)
    return (config.storage_type, config.endpoint, config.bucket, config.root)


def log_place(config: NodeConfig, node: int) -> Place | None:
    """Where a datanode logs writes; None when it keeps no log."""
    if config.wal_provider == "kafka":
        return ("kafka",) + tuple(config.wal_brokers)
    return ("raft_engine", node) if config.wal_provider == "raft_engine" else None


class Storage:
    """Write sequences that are flushed, by place, and that are logged, by place."""

    def __init__(self) -> None:
        self._flushed: dict[tuple[Place, int], IntervalSet] = {}
        self._logged: dict[tuple[Place, int], IntervalSet] = {}

    def flushed(self, place: Place, region: int) -> IntervalSet:
        """The region's flushed sequences at a place, to be read or added to."""
        return _entry(self._flushed, place, region)

    def logged(self, place: Place, region: int) -> IntervalSet:
        """The region's logged sequences at a place, to be read or added to."""
        return _entry(self._logged, place, region)

    def drop(self, region: int) -> None:
        """Forget a region."""
        for store in (self._flushed, self._logged):
            for key in [key for key in store if key[1] == region]:
                del store[key]


def _entry(store: dict[tuple[Place, int], IntervalSet], place: Place, region: int) -> IntervalSet:
    found = store.get((place, region))
    if found is None:
        found = store[(place, region)] = IntervalSet()
    return found
