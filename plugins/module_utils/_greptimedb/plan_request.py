# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the plan module was asked for, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Limits, Move, Plan
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_strategies import COUNT, Rules
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import (
    PLAN_INVALID,
    parse_limits,
    parse_moves,
    parse_plan,
)

DRAIN, MOVES, TABLE, BALANCE, REVERSE, VALIDATE = "drain", "moves", "table", "balance", "reverse", "validate"

# Which options each strategy reads, besides those that are read by all: a value elsewhere would be silently ignored.
_READS = {
    "datanodes": (DRAIN,),
    "moves": (MOVES,),
    "tables": (DRAIN, TABLE, BALANCE, REVERSE),
    "targets": (DRAIN, TABLE, BALANCE),
    "exclude_datanodes": (DRAIN, TABLE, BALANCE, REVERSE),
    "exclude_tables": (DRAIN, MOVES, TABLE, BALANCE, REVERSE),
    "max_moves": (DRAIN, MOVES, TABLE, BALANCE, REVERSE),
    "limits": (DRAIN, MOVES, TABLE, BALANCE, REVERSE),
    "plan": (VALIDATE,),
    "plan_file": (VALIDATE,),
}
_NEEDS = {
    DRAIN: ("datanodes", "Give the ids of the datanodes to empty, such as datanodes: [1]"),
    MOVES: ("moves", "Give a list of region_id and to_peer"),
    REVERSE: ("journal", "Give the journal of the migration to reverse"),
}


@dataclasses.dataclass(frozen=True)
class PlanRequest:
    """The options of one call. ``plan`` is set for ``validate`` only."""

    strategy: str
    rules: Rules
    datanodes: t.Tuple[int, ...]
    moves: t.Tuple[Move, ...]
    limits: Limits
    plan: t.Optional[Plan]
    plan_option: str = "plan"


def read_request(params: t.Mapping[str, t.Any]) -> PlanRequest:
    """Check the options of the plan module.

    :raises InvalidInput: with every problem; ``greptimedb.plan_invalid`` when the plan to validate is what is wrong
    """
    reader = _Reader(params)
    request = reader.read()
    if reader.problems:
        raise InvalidInput(reader.problems, code=reader.code)
    return request


class _Reader:
    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._strategy = str(params["strategy"])
        self.problems: t.List[str] = []
        self.code = "input.invalid"

    def read(self) -> PlanRequest:
        self._check_options()
        rules = Rules(
            targets=self._datanodes("targets"),
            exclude_datanodes=self._datanodes("exclude_datanodes"),
            tables=self._names("tables"),
            exclude_tables=self._names("exclude_tables"),
            balance_by=str(self._params.get("balance_by") or COUNT),
            tolerance=self._tolerance(),
            max_moves=self._max_moves(),
        )
        datanodes = self._datanodes("datanodes")
        self._check_targets(datanodes, rules)
        limits = parse_limits(self._params.get("limits"), "limits", self.problems)
        moves: t.List[Move] = []
        if self._strategy == MOVES:
            moves = parse_moves(self._params.get("moves"), "moves", self.problems, need_source=False)
        option, plan = self._plan()
        return PlanRequest(self._strategy, rules, datanodes, tuple(moves), limits, plan, option)

    def _given(self, option: str) -> bool:
        value = self._params.get(option)
        return value is not None and value not in ("", [], {}, "[]", "{}")

    def _problem(self, option: str, problem: str, fix: str) -> None:
        self.problems.append(InvalidOption(option, problem, fix).message)

    def _check_options(self) -> None:
        for option, strategies in _READS.items():
            if self._given(option) and self._strategy not in strategies:
                self._problem(
                    option,
                    f"strategy {self._strategy} does not read it",
                    f"Leave it out, or choose strategy {' or '.join(strategies)}",
                )
        if self._strategy in _NEEDS:
            option, fix = _NEEDS[self._strategy]
            if not self._given(option):
                self._problem(option, f"strategy {self._strategy} needs it", fix)
        if self._strategy == TABLE:
            for option, what in (("tables", "tables to move"), ("targets", "datanodes to move them to")):
                if not self._given(option):
                    self._problem(option, "strategy table needs it", f"Give the {what}")
        if self._strategy == VALIDATE and self._given("plan") == self._given("plan_file"):
            self._problem("plan", "strategy validate needs one plan", "Give either plan or plan_file")

    def _check_targets(self, datanodes: t.Sequence[int], rules: Rules) -> None:
        shut = set(rules.exclude_datanodes)
        for option, ids in (("targets", set(rules.targets)), ("datanodes", set(datanodes))):
            for one in sorted(ids & shut):
                self._problem("exclude_datanodes", f"datanode {one} is also in {option}", "Take it out of one of them")
        for one in sorted(set(datanodes) & set(rules.targets)):
            self._problem("targets", f"datanode {one} is to be drained", "Take it out of targets or of datanodes")

    def _datanodes(self, option: str) -> t.Tuple[int, ...]:
        ids: t.List[int] = []
        for number, one in enumerate(self._list(option)):
            try:
                ids.append(as_int(one, f"{option}[{number}]", 0))
            except MigrationError as error:
                self.problems.append(error.message)
        return tuple(sorted(set(ids)))

    def _names(self, option: str) -> t.Tuple[str, ...]:
        names = []
        for number, one in enumerate(self._list(option)):
            if isinstance(one, str) and one.strip():
                names.append(one.strip())
            else:
                self._problem(f"{option}[{number}]", f"{one!r} is not a table name", "Give schema.table")
        return tuple(sorted(set(names)))

    def _list(self, option: str) -> t.List[t.Any]:
        try:
            return list(as_list(self._params.get(option), option))
        except MigrationError as error:
            self.problems.append(error.message)
            return []

    def _tolerance(self) -> float:
        value = self._params.get("tolerance")
        tolerance = 10.0 if value is None else float(value)
        if not 0 <= tolerance <= 100:
            self._problem("tolerance", f"{value} is out of range", "Give a percentage from 0 to 100")
        return tolerance

    def _max_moves(self) -> t.Optional[int]:
        value = self._params.get("max_moves")
        if value is None or value == "":
            return None
        try:
            return as_int(value, "max_moves", 1)
        except MigrationError as error:
            self.problems.append(error.message)
            return None

    def _plan(self) -> t.Tuple[str, t.Optional[Plan]]:
        option = "plan_file" if self._given("plan_file") else "plan"
        if self._strategy != VALIDATE or self._given("plan") == self._given("plan_file"):
            return option, None
        try:
            data = plan_file.read(str(self._params[option])) if option == "plan_file" else self._params[option]
            return option, parse_plan(data, option, allow_empty=bool(self._params.get("allow_empty")))
        except InvalidInput as error:
            if not self.problems:
                self.code = PLAN_INVALID
            self.problems.extend(error.problems)
        except InvalidOption as error:
            self.problems.append(error.message)
        return option, None
