# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which things move, and in which state each is, from the plans and the attempts of a journal."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

Move = t.Mapping[str, t.Any]

_CARRYING_PHASES = ("migrate", "rollback")
_KEYS = ("resource", "region_id", "partition_id", "id", "name")


def plan_key(move: Move) -> str:
    """The key under which a planned move names what it moves, "" if there is none."""
    return next((key for key in _KEYS if key in move), "")


@dataclasses.dataclass(frozen=True)
class Planned:
    """A plan's moves; ``back`` when they take earlier moves back."""

    at: float
    back: bool
    moves: t.Sequence[Move]


def fold_items(
    planned: t.Sequence[Planned], attempts: t.Sequence[r.Attempt], runs: t.Sequence[r.Run]
) -> t.List[r.Item]:
    """Return the items in the order of the plans (oldest plan first).

    There and back are two pieces of work, and only the newest counts. An item that its newest plan no longer names
    counts as moved if it was, else as dropped: nobody waits for it.
    """
    filled = [plan for plan in planned if plan.moves]
    newest = filled[-1] if filled else None
    wanted: t.Dict[str, t.Tuple[t.Optional[Planned], Move]] = {}
    since = 0.0
    for number, plan in enumerate(filled):
        if number and plan.back != filled[number - 1].back:
            wanted, since = {}, plan.at
        for move in plan.moves:
            wanted[v.tail(v.word(move.get(plan_key(move))))] = (plan, move)
    by_key: t.Dict[str, t.List[r.Attempt]] = {}
    for attempt in (one for one in attempts if one.started >= since):
        by_key.setdefault(attempt.key, []).append(attempt)
    if newest is None:
        wanted = {key: (None, {"from": own[-1].source, "to": own[-1].target}) for key, own in by_key.items()}
    at_work = bool(runs) and runs[-1].ended is None
    # A run that ends well leaves no move undone, so a move that it never had to send was on its target already.
    carried_out = newest is not None and any(
        run.phase in _CARRYING_PHASES and run.status == "ok" and run.last_seen >= newest.at for run in runs
    )
    items = []
    for key, (plan_of, move) in wanted.items():
        own = tuple(by_key.get(key, ()))
        target = v.place(move, "to")
        arriving = own[-1] if own and own[-1].target == target else None
        state = _state(arriving, at_work, carried_out and plan_of is newest)
        if plan_of is not newest and state == r.WAITING:
            state = r.DROPPED
        items.append(
            r.Item(
                key=key,
                group=v.word(move.get("table")) or (own[-1].group if own else ""),
                source=v.place(move, "from"),
                target=target,
                size_bytes=v.number(move.get("size_bytes")),
                state=state,
                attempts=tuple(attempt for attempt in own if attempt.target == target),
            )
        )
    return items


def _state(attempt: t.Optional[r.Attempt], at_work: bool, carried_out: bool) -> str:
    if attempt is None:
        return r.ALREADY if carried_out else r.WAITING
    if attempt.status in ("done", "failed"):
        return r.DONE if attempt.status == "done" else r.FAILED
    return r.RUNNING if at_work and not attempt.status else r.UNKNOWN
