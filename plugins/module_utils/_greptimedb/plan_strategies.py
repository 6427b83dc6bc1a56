# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How each strategy chooses the moves. Pure: a view of the cluster and rules in, moves and reasons out."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Region
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Left, Move

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterView

COUNT = "count"
BYTES = "bytes"


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a plan must respect. Table names as the user gave them; an empty ``targets`` or ``tables`` means all.

    ``tolerance`` is in percent of the mean load of the datanodes, ``max_moves`` None means no limit.
    """

    targets: t.Tuple[int, ...] = ()
    exclude_datanodes: t.Tuple[int, ...] = ()
    tables: t.Tuple[str, ...] = ()
    exclude_tables: t.Tuple[str, ...] = ()
    balance_by: str = COUNT
    tolerance: float = 10.0
    max_moves: t.Optional[int] = None


@dataclasses.dataclass
class Draft:
    """Moves in no particular order, what stays and why, and lines for the reader."""

    moves: t.List[Move] = dataclasses.field(default_factory=list)
    excluded: t.List[Left] = dataclasses.field(default_factory=list)
    unplaceable: t.List[Left] = dataclasses.field(default_factory=list)
    notes: t.List[str] = dataclasses.field(default_factory=list)

    def cap(self, max_moves: t.Optional[int]) -> None:
        """Keep the first moves only, and say of the others that they were left out."""
        if max_moves is not None and len(self.moves) > max_moves:
            for move in self.moves[max_moves:]:
                self.excluded.append(Left(move.region_id, f"max_moves is {max_moves}; run again for the rest"))
            del self.moves[max_moves:]


def move_of(region: Region, to_peer: int) -> Move:
    """The move of a region from where it is led now."""
    return Move(
        region_id=region.region_id,
        from_peer=-1 if region.leader_peer is None else region.leader_peer,
        to_peer=to_peer,
        table=region.qualified,
        table_id=region.table_id,
        size_bytes=region.size_bytes,
        memtable_bytes=region.memtable_bytes,
    )


def drain(view: ClusterView, datanodes: t.Sequence[int], rules: Rules) -> Draft:
    """Move every leader away from ``datanodes``.

    :raises MigrationError: an option names a datanode or table that does not exist
    """
    draft, include, exclude = _start(view, rules, {"datanodes": datanodes})
    placer = Placer(view, _allowed(view, rules, without=datanodes), rules.balance_by)
    sources = set(datanodes)
    others = 0
    for region in _largest_first(view.regions.values(), rules.balance_by):
        if region.leader_peer not in sources:
            continue
        if include is not None and region.qualified not in include:
            others += 1
        elif region.qualified in exclude:
            draft.excluded.append(Left(region.region_id, f"table {region.qualified} is excluded"))
        else:
            placer.place(region, draft)
    if others:
        draft.notes.append(f"{others} regions of other tables stay on the drained datanodes, as asked for.")
    for datanode in sorted(sources):
        held = sum(1 for region in view.regions.values() if datanode in region.followers)
        if held:
            draft.notes.append(
                f"Datanode {datanode} also holds {held} followers. A migration moves leaders only: remove the "
                "followers before you shut the datanode down."
            )
    draft.cap(rules.max_moves)
    return draft


def move_tables(view: ClusterView, rules: Rules) -> Draft:
    """Bring all leaders of ``rules.tables`` onto ``rules.targets``; those that are there already stay.

    :raises MigrationError: an option names a datanode or table that does not exist
    """
    draft, include, exclude = _start(view, rules, {})
    allowed = _allowed(view, rules, without=())
    placer = Placer(view, allowed, rules.balance_by)
    for region in _largest_first(view.regions.values(), rules.balance_by):
        if include is None or region.qualified not in include:
            continue
        if region.qualified in exclude:
            draft.excluded.append(Left(region.region_id, f"table {region.qualified} is excluded"))
        elif region.leader_peer in rules.targets and region.leader_peer not in rules.exclude_datanodes:
            draft.excluded.append(Left(region.region_id, "it is on one of the targets already"))
        else:
            placer.place(region, draft)
    draft.cap(rules.max_moves)
    return draft


def explicit(view: ClusterView, wanted: t.Sequence[Move], rules: Rules) -> Draft:
    """The moves that were asked for, without those that are made already. They were checked against the cluster."""
    draft, _include, exclude = _start(view, rules, {})
    for move in wanted:
        region = view.regions[move.region_id]
        if region.leader_peer == move.to_peer and not region.degraded:
            draft.excluded.append(Left(move.region_id, f"it is on datanode {move.to_peer} already"))
        elif region.qualified in exclude:
            draft.excluded.append(Left(region.region_id, f"table {region.qualified} is excluded"))
        else:
            draft.moves.append(move_of(region, move.to_peer))
    draft.cap(rules.max_moves)
    return draft


def obstacle(view: ClusterView, region: Region) -> t.Optional[str]:
    """Why the region cannot be moved at all now, whatever the target; None when it can."""
    if region.leader_peer is None:
        return "it has no leader"
    if not view.is_alive(region.leader_peer):
        return (
            f"{view.why_not_alive(region.leader_peer)}, and the server moves regions only while their source is alive"
        )
    return view.busy(region)


class Placer:
    """Chooses targets one region after another, and remembers what it has put where.

    A target is alive, allowed, not the source, and holds no follower of the region. Among those: the fewest leaders of
    the same table, then the lowest load, then the lowest id.
    """

    def __init__(self, view: ClusterView, allowed: t.Sequence[int], balance_by: str) -> None:
        self._view = view
        self._allowed = list(allowed)
        self._by = balance_by
        self._load = dict.fromkeys(self._allowed, 0)
        self._of_table: t.Dict[t.Tuple[int, int], int] = {}
        for region in view.regions.values():
            if region.leader_peer in self._load:
                self._count(region, region.leader_peer)

    def _count(self, region: Region, datanode: int) -> None:
        self._load[datanode] += weight(region, self._by)
        key = (datanode, region.table_id)
        self._of_table[key] = self._of_table.get(key, 0) + 1

    def place(self, region: Region, draft: Draft) -> None:
        """Adds the move of the region to the draft, or the reason why there is none."""
        reason = obstacle(self._view, region)
        candidates = [one for one in self._allowed if one != region.leader_peer]
        if reason is None and not candidates:
            reason = "no other datanode is both alive and allowed as a target"
        free = [one for one in candidates if one not in region.followers]
        if reason is None and not free:
            reason = "every datanode that is alive and allowed holds a follower of it already"
        if reason is not None:
            draft.unplaceable.append(Left(region.region_id, reason))
            return
        target = min(
            free, key=lambda one: (self._of_table.get((one, region.table_id), 0), self._load[one], one)
        )  # fmt: skip
        self._count(region, target)
        draft.moves.append(move_of(region, target))
        if self._view.stuck(region):
            draft.notes.append(
                f"Region {region.region_id}: its leader refuses writes ({region.leader_status}) although no migration "
                "is running. The move clears that."
            )


def weight(region: Region, balance_by: str) -> int:
    """What a region counts for: 1, or its bytes (0 where they are not known)."""
    return 1 if balance_by == COUNT else (region.size_bytes or 0)


def _largest_first(regions: t.Iterable[Region], balance_by: str) -> t.List[Region]:
    # Large ones first: the small ones then even out what is left.
    return sorted(regions, key=lambda region: (-weight(region, balance_by), region.region_id))


def _start(
    view: ClusterView, rules: Rules, nodes: t.Mapping[str, t.Sequence[int]]
) -> t.Tuple[Draft, t.Optional[t.Set[str]], t.Set[str]]:
    """Checks every name in the rules, all problems at once; returns the draft, and tables to take and to leave."""
    problems: t.List[InvalidOption] = []
    named = {**nodes, "targets": rules.targets, "exclude_datanodes": rules.exclude_datanodes}
    for option, datanodes in named.items():
        problems.extend(view.unknown_datanodes(datanodes, option))
    problems.extend(
        InvalidOption("targets", view.why_not_alive(datanode), "Choose datanodes that are alive as targets")
        for datanode in rules.targets
        if datanode in view.datanodes and not view.is_alive(datanode)
    )
    include, notes = view.select_tables(rules.tables, "tables", problems)
    exclude, more = view.select_tables(rules.exclude_tables, "exclude_tables", problems)
    raise_problems(problems)
    return Draft(notes=[*notes, *more]), include if rules.tables else None, exclude


def scope(view: ClusterView, rules: Rules) -> t.Tuple[Draft, t.Optional[t.Set[str]], t.Set[str], t.List[int]]:
    """For a strategy over all datanodes: the draft, tables to take (None: all) and to leave, and usable datanodes."""
    draft, include, exclude = _start(view, rules, {})
    return draft, include, exclude, _allowed(view, rules, without=())


def _allowed(view: ClusterView, rules: Rules, without: t.Sequence[int]) -> t.List[int]:
    shut = set(without) | set(rules.exclude_datanodes)
    wanted = rules.targets or tuple(view.datanodes)
    return sorted(one for one in set(wanted) if one not in shut and view.is_alive(one))
