# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The plan that a module was given: inline, as a file, or as bare moves. Its shape is checked before any contact."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Plan, default_limits, make_plan
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import (
    PLAN_INVALID,
    parse_limits,
    parse_moves,
    parse_plan,
)

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect


def default_limits_for(dialect: Dialect) -> t.Dict[str, t.Optional[int]]:
    """The limits that hold on this server where nobody says anything."""
    return default_limits(one_per_table=dialect.recommended_per_table == 1)


@dataclasses.dataclass(frozen=True)
class PlanSource:
    """A plan of the right shape. ``bare``: it came as bare moves, and is ordered once the limits are known."""

    plan: Plan
    overrides: t.Mapping[str, t.Optional[int]]
    bare: bool

    def complete(self, dialect: Dialect) -> Plan:
        """The plan with every limit filled in: the caller's, else the plan's, else the defaults of the server."""
        defaults = default_limits_for(dialect)
        if self.bare:
            limits = {**defaults, **self.overrides}
            return make_plan("moves", self.plan.moves, limits, before={}, keep_order=True)
        plan = dataclasses.replace(self.plan, limits={**self.plan.limits, **self.overrides})
        return plan.with_limits(defaults)


def read_plan(params: t.Mapping[str, t.Any]) -> PlanSource:
    """The plan in the options ``plan``, ``plan_file`` or ``moves``, with the overrides in ``limits``.

    :raises InvalidOption: a file that cannot be read
    :raises InvalidInput: ``greptimedb.plan_invalid`` with every problem
    """
    problems: t.List[str] = []
    overrides = parse_limits(params.get("limits"), "limits", problems)
    bare = not params.get("plan") and not params.get("plan_file")
    plan: t.Optional[Plan] = None
    if bare:
        given = params.get("moves")
        moves = parse_moves(given, "moves", problems)
        if not moves and not problems:
            raise InvalidOption(
                "moves", "it is empty", "Give at least one move with region_id, from_peer and to_peer, or a plan"
            )
        plan = Plan(strategy="moves", moves=tuple(moves), limits={})
    else:
        try:
            if params.get("plan_file"):
                plan = parse_plan(plan_file.read(str(params["plan_file"])), "plan_file")
            else:
                plan = parse_plan(params["plan"], "plan")
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems or plan is None:
        raise InvalidInput(problems, code=PLAN_INVALID)
    return PlanSource(plan, overrides, bare)
