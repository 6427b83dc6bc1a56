# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reverse: back to the leaders from before our moves, without touching what somebody else has moved since."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.restore import UNKNOWN, three_way
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Left
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_strategies import (
    Draft,
    Rules,
    move_of,
    obstacle,
    scope,
)

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import Past, PastMove
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterView


def nothing_begun(location: str) -> str:
    """What people are told when a way back finds no journal, and nobody has begun a way there."""
    return (
        f"{location}: there is NO JOURNAL, so nothing was begun with it and nothing is taken back. If the migration was"
        " begun with another journal, give that one."
    )


def reverse(view: ClusterView, past: Past, rules: Rules) -> Draft:
    """Undo the net effect of a journal's moves: per region the leader before our first move, ours, and the one now.

    :raises MigrationError: the rules name a datanode or table that does not exist
    """
    draft, include, exclude, _datanodes = scope(view, rules)
    for region_id in sorted(past.moves):
        newest = past.moves[region_id]
        original = past.origins.get(region_id, newest.from_peer)
        region = view.regions.get(region_id)
        if region is None:
            draft.excluded.append(Left(region_id, "it does not exist any more"))
            continue
        if include is not None and region.qualified not in include:
            continue
        if region.qualified in exclude:
            draft.excluded.append(Left(region_id, f"table {region.qualified} is excluded"))
            continue
        now = UNKNOWN if region.leader_peer is None else region.leader_peer
        decision = three_way(original, _ours(newest, region.leader_peer), now)
        if decision.action == "already_original":
            draft.excluded.append(Left(region_id, f"it is on datanode {original}, where it was before"))
        elif decision.action == "keep_theirs":
            draft.excluded.append(
                Left(
                    region_id,
                    f"somebody else moved it to datanode {region.leader_peer} after we moved it from "
                    f"datanode {original} to {newest.to_peer}; their move is kept",
                )
            )
        elif decision.action == "unknown":
            draft.unplaceable.append(Left(region_id, "it has no leader now, so it is not known who moved it last"))
        else:
            reason = obstacle(view, region) or _no_return(view, original, region.followers, rules)
            if reason is None:
                draft.moves.append(move_of(region, original))
            else:
                draft.unplaceable.append(Left(region_id, reason))
    if not past.moves:
        draft.notes.append("The journal has no region moves: there is nothing to reverse.")
    draft.cap(rules.max_moves)
    return draft


def _ours(newest: PastMove, now: t.Optional[int]) -> int:
    """Where the newest move left the region. One that did not end well left it on either of its two datanodes."""
    if newest.status == "done" or now == newest.to_peer:
        return newest.to_peer
    return newest.from_peer


def _no_return(view: ClusterView, original: int, followers: t.Sequence[int], rules: Rules) -> t.Optional[str]:
    if original in rules.exclude_datanodes:
        return f"it was on datanode {original}, which is excluded"
    if not view.is_alive(original):
        return f"it was on datanode {original}, and {view.why_not_alive(original)}"
    if original in followers:
        return f"it was on datanode {original}, which holds a follower of it now"
    return None
