# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Balance: as few moves as possible until every datanode carries about the same."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Region
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Left
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_strategies import (
    BYTES,
    COUNT,
    Draft,
    Rules,
    move_of,
    obstacle,
    scope,
    weight,
)

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterView


def balance(view: ClusterView, rules: Rules) -> Draft:
    """Even out the leaders of all live datanodes that are not excluded, by number or by bytes.

    With ``rules.tables`` only those tables are counted and moved. Stops as soon as every datanode is within the
    tolerance of the mean, or no single move makes it better.

    :raises MigrationError: a name does not exist, or sizes are asked for and the server does not tell them
    """
    draft, include, exclude, datanodes = scope(view, rules)
    counted = [
        region
        for region in view.regions.values()
        if region.leader_peer in set(datanodes) and (include is None or region.qualified in include)
    ]
    if rules.balance_by == BYTES and any(region.size_bytes is None for region in counted):
        raise MigrationError(
            "greptimedb.sizes_unknown",
            "balance_by: the server does not tell the size of every region (it does from 0.10.0 on, a few seconds "
            "after a region was opened). Use balance_by: count, or try again in a minute.",
        )
    if len(datanodes) < 2:
        draft.notes.append("Fewer than two datanodes are alive and allowed: there is nothing to balance.")
        return draft
    balancer = _Balancer(datanodes, counted, rules)
    for region in counted:
        if region.qualified in exclude:
            draft.excluded.append(Left(region.region_id, f"table {region.qualified} is excluded"))
        else:
            reason = obstacle(view, region)
            if reason is None:
                balancer.allow(region)
            else:
                draft.excluded.append(Left(region.region_id, reason))
    while rules.max_moves is None or len(draft.moves) < rules.max_moves:
        found = balancer.step()
        if found is None:
            break
        draft.moves.append(move_of(*found))
    outside = balancer.outside()
    if outside:
        why = "max_moves is reached" if len(draft.moves) == rules.max_moves else "no single move makes it better"
        draft.notes.append(
            f"Outside the tolerance of {rules.tolerance:g} % stay datanodes "
            f"{', '.join(str(one) for one in outside)}: {why}."
        )
    return draft


class _Balancer:
    """Loads and movable regions per datanode. No region moves twice, so the moves are also the net moves."""

    def __init__(self, datanodes: t.Sequence[int], counted: t.Sequence[Region], rules: Rules) -> None:
        self._by = rules.balance_by
        self._load = dict.fromkeys(datanodes, 0)
        self._of_table: t.Dict[t.Tuple[int, int], int] = {}
        self._movable: t.Dict[int, t.Dict[int, Region]] = {datanode: {} for datanode in datanodes}
        for region in counted:
            if region.leader_peer is not None:
                self._load[region.leader_peer] += weight(region, self._by)
                key = (region.leader_peer, region.table_id)
                self._of_table[key] = self._of_table.get(key, 0) + 1
        self._mean = sum(self._load.values()) / len(datanodes)
        slack = self._mean * rules.tolerance / 100.0
        self._low, self._high = self._mean - slack, self._mean + slack
        if self._by == COUNT:
            # Whole regions: the two whole numbers around the mean are always fine.
            self._low = min(math.floor(self._mean), math.ceil(self._low))
            self._high = max(math.ceil(self._mean), math.floor(self._high))

    def allow(self, region: Region) -> None:
        """The region may be moved."""
        if region.leader_peer is not None:
            self._movable[region.leader_peer][region.region_id] = region

    def outside(self) -> t.List[int]:
        """Datanodes that carry too much or too little."""
        return [one for one in sorted(self._load) if not self._low <= self._load[one] <= self._high]

    def step(self) -> t.Optional[t.Tuple[Region, int]]:
        """Makes and returns the next move, None when all is well or nothing helps.

        From the fullest datanode to the emptiest: where one is too full and the other too empty, a single move serves
        both, which is what keeps the number of moves minimal when regions count alike.
        """
        if not self.outside():
            return None
        by_load = sorted(self._load, key=lambda one: (self._load[one], one))
        for source in reversed(by_load):
            for target in by_load:
                if self._load[source] <= self._high and self._load[target] >= self._low:
                    break
                region = self._choose(source, target)
                if region is not None:
                    self._make(region, source, target)
                    return region, target
        return None

    def _choose(self, source: int, target: int) -> t.Optional[Region]:
        """The region whose move brings the two datanodes closest together.

        Among equals one whose table then is spread better, then one with the least to flush, then the lowest id.
        """
        gap = self._load[source] - self._load[target]
        best: t.Optional[Region] = None
        best_key: t.Optional[t.Tuple[float, int, int, int]] = None
        for region in self._movable[source].values():
            moved = weight(region, self._by)
            if not 0 < moved < gap or target in region.followers:
                continue
            crowding = self._of_table.get((target, region.table_id), 0) - self._of_table[(source, region.table_id)]
            key = (abs(gap - 2 * moved), crowding, region.memtable_bytes or 0, region.region_id)
            if best_key is None or key < best_key:
                best, best_key = region, key
        return best

    def _make(self, region: Region, source: int, target: int) -> None:
        del self._movable[source][region.region_id]
        moved = weight(region, self._by)
        self._load[source] -= moved
        self._load[target] += moved
        self._of_table[(source, region.table_id)] -= 1
        key = (target, region.table_id)
        self._of_table[key] = self._of_table.get(key, 0) + 1
