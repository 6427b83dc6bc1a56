# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What one step of a run hands to the next beside the journal: what it has seen of each move.

Of a move in flight that is how long it has been silent, and what its writers have felt. Of one for which nothing was
sent it is what became of it, so that the next step does not judge it anew: a region that was on its target when the run
began and was moved on by somebody since is none of this run's, and one that was given up stays so.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms

_IN_FLIGHT = (
    "active_at",
    "patient_from",
    "degraded_first",
    "degraded_last",
    "serving_before",
    "wait_reason",
    "wait_since",
    "attached",
    "asked",
    "asked_at",
)
_SETTLED = ("state", "code", "message")

Carried = t.Dict[str, t.Dict[str, t.Any]]


def carry_out(tracks: t.Iterable[ms.Track]) -> Carried:
    """What the next step is told, by region id as text."""
    told: Carried = {}
    for track in tracks:
        names: t.Sequence[str] = ()
        if track.state == ms.SUBMITTED:
            names = _IN_FLIGHT
        elif track.state in (ms.UNCHANGED, ms.FAILED, ms.ABANDONED):
            names = _SETTLED
        if names:
            told[str(track.region_id)] = {name: getattr(track, name) for name in names if getattr(track, name)}
    return told


def carry_in(tracks: t.Iterable[ms.Track], carried: t.Mapping[str, t.Mapping[str, t.Any]], now: float) -> None:
    """Give moves what the step before knew of them. One in flight of which it knew nothing gets fresh patience."""
    for track in tracks:
        known = carried.get(str(track.region_id))
        if track.state == ms.SUBMITTED:
            if known is None:
                track.patient_from = now
            else:
                _take(track, known, _IN_FLIGHT)
        elif track.state == ms.WAITING and known is not None and known.get("state"):
            _take(track, known, _SETTLED)


def _take(track: ms.Track, known: t.Mapping[str, t.Any], names: t.Sequence[str]) -> None:
    for name in names:
        setattr(track, name, known.get(name, getattr(track, name)))
