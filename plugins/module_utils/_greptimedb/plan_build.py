# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""From a request and a look at the cluster to a plan. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_strategies as strategies
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import (
    Limits,
    Plan,
    make_plan,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_balance import balance
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState, ClusterView
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_request import (
    BALANCE,
    DRAIN,
    MOVES,
    REVERSE,
    TABLE,
    PlanRequest,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_reverse import reverse
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_source import default_limits_for
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import (
    PLAN_INVALID,
    check_state,
    move_problems,
)

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import Past


def build(request: PlanRequest, state: ClusterState, dialect: Dialect, past: t.Optional[Past] = None) -> Plan:
    """The plan for a request; the same state gives the same plan.

    :param past: for ``reverse``, what the journal tells
    :raises MigrationError: names that do not exist, or a plan (or moves) that cannot be carried out; all at once
    """
    view = ClusterView(state)
    defaults = default_limits_for(dialect)
    if request.plan is not None:
        return _refresh(request.plan.with_limits(defaults), state, dialect, request.plan_option)
    draft = _draft(request, view, past)
    limits = {**defaults, **request.limits}
    return make_plan(
        request.strategy,
        draft.moves,
        limits,
        before=view.load(),
        excluded=draft.excluded,
        unplaceable=draft.unplaceable,
        notes=[*draft.notes, *_notes(state, limits, dialect)],
    )


def _draft(request: PlanRequest, view: ClusterView, past: t.Optional[Past]) -> strategies.Draft:
    if request.strategy == DRAIN:
        return strategies.drain(view, request.datanodes, request.rules)
    if request.strategy == TABLE:
        return strategies.move_tables(view, request.rules)
    if request.strategy == BALANCE:
        return balance(view, request.rules)
    if request.strategy == REVERSE and past is not None:
        return reverse(view, past, request.rules)
    if request.strategy == MOVES:
        problems = move_problems(request.moves, view, "moves")
        if problems:
            raise InvalidInput(problems, code=PLAN_INVALID)
        return strategies.explicit(view, request.moves, request.rules)
    raise ValueError(f"strategy {request.strategy!r} cannot be planned")


def _refresh(plan: Plan, state: ClusterState, dialect: Dialect, option: str) -> Plan:
    """The same moves in the same order, with everything around them made anew: a person may have edited the plan."""
    view = ClusterView(state)
    check_state(plan, view, option)
    moves = []
    made = set()
    for move in plan.moves:
        region = view.regions[move.region_id]
        moves.append(dataclasses.replace(strategies.move_of(region, move.to_peer), from_peer=move.from_peer))
        if region.leader_peer == move.to_peer and not region.degraded:
            made.add(move.region_id)
    notes = [f"{len(made)} of {len(moves)} moves are made already; they cost nothing."] if made else []
    return make_plan(
        plan.strategy,
        moves,
        plan.limits,
        before=view.load(),
        excluded=plan.excluded,
        unplaceable=plan.unplaceable,
        notes=[*notes, *_notes(state, plan.limits, dialect)],
        keep_order=True,
        ordering=plan.ordering,
        made=made,
    )


def _notes(state: ClusterState, limits: Limits, dialect: Dialect) -> t.List[str]:
    """What the reader should know because of the server's version."""
    notes = []
    if state.only_schema is not None:
        notes.append(
            f"Only the tables of schema {state.only_schema} could be listed: set frontend_host to see all, or plan "
            "again with the option database for every other schema."
        )
    recommended = dialect.recommended_per_table
    wide = recommended is not None and any(
        limit is None or limit > recommended for key, limit in limits.items() if key.partition(":")[0] == "per_table"
    )
    if wide and dialect.route_updates_race:
        notes.append(
            "This server can lose a route when two regions of one table move at once: set the limit per_table to 1."
        )
    elif wide:
        notes.append(
            "This server moves one region of a table at a time and lets others queue: set the limit per_table to 1."
        )
    return notes
