# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What one look at the cluster proves: moved regions serve on their targets, a drained datanode holds nothing. Pure.

Three answers. ``proven``: positive evidence. ``open``: something is missing, unknown or still moving, so another look
may prove it. ``refuted``: the cluster itself says otherwise and nothing is under way that could change it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import ALIVE, UNKNOWN

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
        Placement,
        Procedure,
        RegionInfo,
    )

PROVEN = "proven"
OPEN = "open"
REFUTED = "refuted"

LEVEL_REGION_INFO = "region_info"
LEVEL_PLACEMENT = "placement"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A region that must be served by ``to_peer``."""

    region_id: int
    to_peer: int
    table: str = ""


@dataclasses.dataclass(frozen=True)
class Look:
    """The cluster at one moment. The procedures were read first and the placement after them.

    In this order a region that is elsewhere, and that no procedure was moving, has really stayed there: a procedure
    that is gone from the list had ended before the placement was read.

    ``placements``: every region, or those that were asked for when no datanode has to be empty. ``logical``: ids of
    metric-engine logical tables, which move with their physical table. ``alive``: datanode id -> yes, suspect, no or
    unknown. ``migrations``: active region migrations, None where the server cannot list them (before 0.9.4).
    ``headed_for``: procedure id -> target, for the migrations of which it is known. ``infos``: what the datanodes say
    themselves, None before 1.1.0 and where ``not_asked`` says why. ``tables``: region id -> ``schema.table``.
    """

    placements: t.Mapping[int, Placement]
    alive: t.Mapping[int, str]
    migrations: t.Sequence[Procedure] | None
    headed_for: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    infos: t.Mapping[int, t.Sequence[RegionInfo]] | None = None
    not_asked: str = ""
    tables: t.Mapping[int, str] = dataclasses.field(default_factory=dict)
    logical: t.FrozenSet[int] = frozenset()

    @property
    def level(self) -> str:
        """The strongest evidence that this server gives."""
        return LEVEL_PLACEMENT if self.infos is None else LEVEL_REGION_INFO

    def migration_of(self, region_id: int) -> Procedure | None:
        """The active migration that holds the region's lock."""
        return next((one for one in self.migrations or () if region_id in one.region_ids), None)


@dataclasses.dataclass(frozen=True)
class RegionProof:
    """The answer for one region, with the evidence that led to it; ``reason`` is for people."""

    region_id: int
    table: str
    to_peer: int
    state: str
    reason: str
    leader_peer: int | None = None
    leader_status: str = ""
    target_alive: str = UNKNOWN
    writable_on: tuple[int, ...] | None = None
    """Datanodes that report the region as writable themselves; None where they cannot be asked."""

    def as_result(self) -> dict[str, t.Any]:
        """The proof as results and the journal hold it."""
        result = dataclasses.asdict(self)
        result["writable_on"] = None if self.writable_on is None else list(self.writable_on)
        return result


def prove_region(wanted: Wanted, look: Look, accept_missing: bool = False) -> RegionProof:
    """Whether the region is led by its target, which is alive, serves writes and says so itself where it can be asked.

    ``accept_missing``: a region that is in no route any more, because its table was dropped, needs no proof.
    """
    table = wanted.table or look.tables.get(wanted.region_id, "")
    placement = look.placements.get(wanted.region_id)
    if placement is None:
        state, reason = REFUTED, "it is in no table's route: its table was dropped, or never existed"
        if look.migration_of(wanted.region_id) is not None:
            state = OPEN
        elif accept_missing:
            state, reason = PROVEN, "its table was dropped"
        return RegionProof(wanted.region_id, table, wanted.to_peer, state, reason)
    writable = None
    if look.infos is not None:
        writable = tuple(sorted({one.node_id for one in look.infos.get(wanted.region_id, ()) if one.writable}))
    target_alive = look.alive.get(wanted.to_peer, UNKNOWN)
    state, reason = _judge(wanted, placement, look, target_alive, writable)
    return RegionProof(
        region_id=wanted.region_id,
        table=table,
        to_peer=wanted.to_peer,
        state=state,
        reason=reason,
        leader_peer=placement.leader_peer,
        leader_status=placement.leader_status,
        target_alive=target_alive,
        writable_on=writable,
    )


def _judge(
    wanted: Wanted, placement: Placement, look: Look, target_alive: str, writable: tuple[int, ...] | None
) -> tuple[str, str]:
    migration = look.migration_of(wanted.region_id)
    if migration is not None:
        return OPEN, f"procedure {migration.procedure_id} is still migrating it ({migration.status})"
    if placement.leader_peer is None:
        return OPEN, "it has no leader"
    if placement.degraded:
        return OPEN, f"its route is {placement.leader_status}: datanode {placement.leader_peer} refuses writes"
    if placement.leader_peer != wanted.to_peer:
        # Where migrations cannot be listed, one may be under way that has not reached the route yet.
        state = OPEN if look.migrations is None else REFUTED
        return state, f"it is led by datanode {placement.leader_peer} and not by {wanted.to_peer}"
    if target_alive != ALIVE:
        return OPEN, f"datanode {wanted.to_peer} leads it, but its heartbeat is {_liveness_text(target_alive)}"
    if writable is None:
        return PROVEN, f"datanode {wanted.to_peer} leads it and is alive"
    elsewhere = [node for node in writable if node != wanted.to_peer]
    if elsewhere:
        shown = ", ".join(str(node) for node in elsewhere)
        return OPEN, f"datanode {shown} reports it as writable too, so writes could go astray"
    if wanted.to_peer not in writable:
        return OPEN, f"datanode {wanted.to_peer} leads it, but does not report it as writable"
    return PROVEN, f"datanode {wanted.to_peer} leads it, is alive and reports it as writable"


def _liveness_text(alive: str) -> str:
    return {"no": "too old (it has lost its lease)", "suspect": "late"}.get(alive, "not known")


@dataclasses.dataclass(frozen=True)
class Holding:
    """One thing that a datanode still holds. ``kind``: leader, follower, migration or writable_copy."""

    datanode: int
    kind: str
    region_id: int
    table: str
    detail: str

    def as_result(self) -> dict[str, t.Any]:
        """The thing as results and the journal hold it."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class DatanodeProof:
    """The answer for one datanode that must be empty. ``leftovers``: closed-down copies that it has not dropped yet.

    A leftover serves nothing and its data is in the object store, so it is told of and blocks nothing.
    """

    datanode: int
    state: str
    alive: str
    holding: tuple[Holding, ...]
    leftovers: tuple[int, ...] = ()

    def as_result(self) -> dict[str, t.Any]:
        """The answer as results and the journal hold it."""
        return {
            "datanode": self.datanode,
            "empty": self.state == PROVEN,
            "state": self.state,
            "alive": self.alive,
            "holding": len(self.holding),
            "leftovers": list(self.leftovers),
        }


def prove_empty(datanode: int, look: Look) -> DatanodeProof:
    """Whether the datanode leads nothing, follows nothing, and no migration is on its way to it.

    A migration whose target is not known counts as one towards it. Regions of tables created since are seen like all
    others, because every region of the cluster is looked at.
    """
    holding: list[Holding] = []
    moving = False
    for region_id in sorted(look.placements):
        if region_id in look.logical:
            continue
        placement = look.placements[region_id]
        table = look.tables.get(region_id, "")
        if placement.leader_peer == datanode:
            migration = look.migration_of(region_id)
            moving = moving or migration is not None or placement.degraded
            detail = "leads it" if migration is None else f"leads it; procedure {migration.procedure_id} is at work"
            holding.append(Holding(datanode, "leader", region_id, table, detail))
        if datanode in placement.followers:
            holding.append(Holding(datanode, "follower", region_id, table, "holds a read replica of it"))
    migrations = _towards(datanode, look)
    copies, leftovers = _copies(datanode, look)
    holding += migrations + copies
    state = PROVEN
    if holding:
        state = OPEN if moving or migrations or copies or look.migrations is None else REFUTED
    return DatanodeProof(datanode, state, look.alive.get(datanode, UNKNOWN), tuple(holding), leftovers)


def _towards(datanode: int, look: Look) -> list[Holding]:
    found = []
    for procedure in look.migrations or ():
        target = look.headed_for.get(procedure.procedure_id)
        for region_id in procedure.region_ids:
            placement = look.placements.get(region_id)
            if target is None and placement is not None and placement.leader_peer == datanode:
                # It leads the region, so the migration is away from it or over; the leader is listed already.
                continue
            if target in (None, datanode):
                what = "is on its way here" if target == datanode else "is under way, and its target is not known"
                found.append(
                    Holding(
                        datanode,
                        "migration",
                        region_id,
                        look.tables.get(region_id, ""),
                        f"procedure {procedure.procedure_id} {what}",
                    )
                )
    return found


def _copies(datanode: int, look: Look) -> tuple[list[Holding], tuple[int, ...]]:
    """Copies that the datanode itself reports for regions it neither leads nor follows: writable ones, and the rest."""
    writable: list[Holding] = []
    rest: list[int] = []
    for region_id, infos in sorted((look.infos or {}).items()):
        placement = look.placements.get(region_id)
        if placement is not None and (placement.leader_peer == datanode or datanode in placement.followers):
            continue
        for info in infos:
            if info.node_id == datanode and info.writable:
                table = look.tables.get(region_id, "")
                writable.append(
                    Holding(
                        datanode,
                        "writable_copy",
                        region_id,
                        table,
                        f"reports it as {info.state}, but does not lead it",
                    )
                )
            elif info.node_id == datanode:
                rest.append(region_id)
    return writable, tuple(rest)
