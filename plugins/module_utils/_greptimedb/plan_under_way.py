# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What an earlier run of this migration has left under way, for a plan that is made before it has ended. Pure.

A run that was killed leaves moves on the server. The next one follows them to their end before it plans. Whoever plans
without following, as a preflight does, takes them for arrived, and so makes the plan that will be left then.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import Past, PastMove
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Procedure, Region
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState


def as_arrived(state: ClusterState, past: Past) -> t.Tuple[ClusterState, t.List[int]]:
    """The cluster as it will be when the moves of ``past`` that are under way have arrived, and their regions."""
    own = {move.region_id: move for move in past.unfinished}
    running = _running(state.procedures)
    arrived = []
    regions = []
    for region in state.regions:
        move = own.get(region.region_id)
        if move is None or region.logical or not _is_under_way(region, move, running):
            regions.append(region)
            continue
        arrived.append(region.region_id)
        followers = tuple(one for one in region.followers if one != move.to_peer)
        regions.append(dataclasses.replace(region, leader_peer=move.to_peer, leader_status="", followers=followers))
    procedures = state.procedures
    if procedures is not None:
        # A region migration has one region.
        procedures = tuple(one for one in procedures if not set(one.region_ids) & set(arrived))
    return dataclasses.replace(state, regions=tuple(regions), procedures=procedures), arrived


def note(regions: t.Sequence[int], location: str) -> str:
    """What the reader of the plan should know of them."""
    shown = ", ".join(str(region) for region in regions[:5]) + (", ..." if len(regions) > 5 else "")
    are = "regions are" if len(regions) > 1 else "region is"
    return (
        f"{len(regions)} {are} on the way by a run of this migration that was broken off ({shown}; see {location}). The"
        " plan takes that for arrived: the next run follows it to its end first."
    )


def _running(procedures: t.Optional[t.Sequence[Procedure]]) -> t.Optional[t.Dict[int, Procedure]]:
    """Region id -> the migration of it that runs; None where the server has no such list (before 0.9.4)."""
    if procedures is None:
        return None
    return {region: one for one in procedures if one.active and one.is_region_migration for region in one.region_ids}


def _is_under_way(region: Region, move: PastMove, running: t.Optional[t.Mapping[int, Procedure]]) -> bool:
    """Whether the server still carries out our own move of the region."""
    if running is not None:
        procedure = running.get(region.region_id)
        # Without an id in the journal, its answer was never seen.
        return procedure is not None and move.procedure_id in (None, procedure.procedure_id)
    arrived = region.leader_peer == move.to_peer and not region.degraded
    return not arrived and region.leader_peer in (move.from_peer, move.to_peer) and (move.accepted or region.degraded)
