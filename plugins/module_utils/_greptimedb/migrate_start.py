# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Where a run finds its place: the plan, the cluster as it is now and the journal become one track per move.

Nothing here changes anything. Everything that makes the plan impossible is found at once, before the first call. Once a
run is under way, what has become impossible is the failure of its own move only, as it is within a step.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Schedule
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import job_of

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import Past, PastMove
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Placement, Procedure
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move


@dataclasses.dataclass(frozen=True)
class Problem:
    """Why one move cannot be carried out. ``code`` is one of the stable error codes."""

    region_id: int
    code: str
    text: str


def begin(
    moves: t.Sequence[Move],
    placements: t.Mapping[int, Placement],
    procedures: t.Optional[t.Sequence[Procedure]],
    past: Past,
    under_way: bool = False,
) -> t.Tuple[t.List[ms.Track], t.List[Problem]]:
    """Return one track per move in plan order, and every problem found.

    ``placements``: region id -> where it is now. ``procedures``: the unfinished migrations, None where there is
    no list of them. ``under_way``: moves that were sent are followed whatever stands against them, because the run has
    begun already or starts nothing. How they end is for the watcher to say, which closes their intents.
    """
    active = {region: one for one in procedures or [] for region in one.region_ids}
    tracks: t.List[ms.Track] = []
    problems: t.List[Problem] = []
    for move in moves:
        track = ms.Track(move.region_id, move.from_peer, move.to_peer, move.table, move.table_id)
        tracks.append(track)
        region, newest = placements.get(move.region_id), past.moves.get(move.region_id)
        if newest is not None and _recorded(track, region, newest, under_way):
            continue
        problem = _place(track, region, active.get(move.region_id), newest)
        if problem is not None:
            problems.append(problem)
    return tracks, problems


def _arrived(track: ms.Track, region: t.Optional[Placement]) -> bool:
    return region is not None and region.leader_peer == track.to_peer and not region.degraded


def _recorded(track: ms.Track, region: t.Optional[Placement], past: PastMove, under_way: bool) -> bool:
    """Set the state of ``track`` if the journal alone says it, whatever the placement."""
    if (past.from_peer, past.to_peer) != (track.from_peer, track.to_peer):
        return False
    if past.ended_in_run and past.status == "done":
        # An earlier step of this run has moved and proved it. Who moves or drops it after that has the last word.
        track.state, track.attempts, track.procedure_id = ms.DONE, past.attempts_in_run, past.procedure_id
        track.intent_at, track.finished_at = past.intent_at, past.finished_at
        return True
    if under_way and past.status == "":
        _resume(track, past)
        return True
    if _arrived(track, region):
        return False
    if past.ended_in_run and past.status == "abandoned":
        track.state = ms.ABANDONED
        return True
    if past.failure is not None:
        track.state, track.attempts, track.intent_at = ms.FAILED, past.attempts_in_run, past.intent_at
        track.code, track.message = past.failure["code"], past.failure["msg"]
        track.server_text = past.failure["server_text"]
        return True
    return False


def _resume(track: ms.Track, past: PastMove) -> None:
    """Follow what was sent. Also when it has arrived meanwhile: the watcher closes the open intent with its proof."""
    track.state = ms.SUBMITTED
    track.attempts = max(1, past.attempts_in_run)
    track.intent_id, track.intent_at = past.intent_id, past.intent_at
    track.procedure_id, track.reply_lost = past.procedure_id, not past.accepted or past.procedure_id is None


def _place(
    track: ms.Track, region: t.Optional[Placement], procedure: t.Optional[Procedure], past: t.Optional[PastMove]
) -> t.Optional[Problem]:
    """Set the state of ``track`` by where its region is, or return what stands against it."""
    unfinished = past is not None and past.status == ""
    ours = unfinished and past is not None and (past.from_peer, past.to_peer) == (track.from_peer, track.to_peer)
    if region is None:
        return Problem(track.region_id, "greptimedb.region_missing", f"region {track.region_id} is in no table's route")
    arrived = _arrived(track, region)
    if unfinished and not ours and past is not None and not arrived and region.leader_peer != past.to_peer:
        return Problem(
            track.region_id,
            "greptimedb.in_flight_elsewhere",
            f"region {track.region_id} was sent from datanode {past.from_peer} to {past.to_peer} by an earlier run of"
            " this migration, and that move has not ended yet: carry that plan out first",
        )
    if procedure is not None and not _is_ours(procedure, past if ours else None):
        return Problem(
            track.region_id,
            "greptimedb.foreign_migration",
            f"region {track.region_id} is being migrated by procedure {procedure.procedure_id}, which this migration"
            " did not start: wait until it has ended, then plan again",
        )
    if ours and past is not None:
        _resume(track, past)
        return None
    if arrived:
        track.state = ms.UNCHANGED
        return None
    if past is not None:
        track.attempts = past.attempts_in_run
    if region.leader_peer is not None and region.leader_peer != track.from_peer:
        return Problem(
            track.region_id,
            "greptimedb.leader_moved",
            f"region {track.region_id} is led by datanode {region.leader_peer}, not by {track.from_peer} as the plan"
            " says: plan again",
        )
    if track.to_peer in region.followers:
        return Problem(
            track.region_id,
            "greptimedb.follower_on_target",
            f"datanode {track.to_peer} already holds a follower of region {track.region_id}: choose another target or"
            " remove the follower first",
        )
    return None


def _is_ours(procedure: Procedure, past: t.Optional[PastMove]) -> bool:
    """A procedure is ours if the journal has its id, or has a submission of which the answer was never seen."""
    if past is None:
        return False
    return past.procedure_id is None or past.procedure_id == procedure.procedure_id


def refuse(problems: t.Sequence[Problem]) -> None:
    """Raise one error that names every problem; its code is the problems' own when they agree."""
    if not problems:
        return
    codes = sorted({problem.code for problem in problems})
    shown = "; ".join(problem.text for problem in problems[:5])
    more = f"; and {len(problems) - 5} more (see details)" if len(problems) > 5 else ""
    raise MigrationError(
        codes[0] if len(codes) == 1 else "greptimedb.plan_not_executable",
        f"The plan cannot be carried out, nothing was sent: {shown}{more}.",
        details={"problems": [dataclasses.asdict(problem) for problem in problems]},
    )


def give_up(tracks: t.Sequence[ms.Track], problems: t.Sequence[Problem], now: float, abandoned: bool) -> t.List[str]:
    """End the waiting moves that have become impossible while the run was under way; return how people are told.

    They count as failed (or, where nothing is started, as ``abandoned``). All others go on.
    """
    waiting = {track.region_id: track for track in tracks if track.state == ms.WAITING}
    return [
        waiting[one.region_id].give_up(ms.Decision("fail", code=one.code, message=one.text), now, abandoned)
        for one in problems
        if one.region_id in waiting
    ]


def make_schedule(
    moves: t.Sequence[Move],
    tracks: t.Sequence[ms.Track],
    limits: t.Mapping[str, t.Optional[int]],
    ordering: str,
) -> Schedule:
    """Return the schedule of what is left: moves in flight hold their slots, finished ones are out."""
    schedule = Schedule([job_of(move) for move in moves], limits, ordering)
    for track in tracks:
        if track.state == ms.SUBMITTED:
            schedule.adopt(str(track.region_id))
        elif track.state != ms.WAITING:
            schedule.discard(str(track.region_id))
    return schedule
