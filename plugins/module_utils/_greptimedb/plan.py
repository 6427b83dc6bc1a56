# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A plan of region moves: the record, its id, and how a set of moves becomes a plan with a bound and a forecast."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import PLANNED, Job, limit_of
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import lower_bound
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_order import order_jobs
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_simulation import choose_ordering, simulate

FORMAT = 1
ENGINE = "greptimedb"
STRATEGIES = ("drain", "moves", "table", "balance", "reverse")
LIMIT_KINDS = ("global", "per_source", "per_target", "per_table")
# metasrv loses work without a word beyond 128 procedures, which it shares with all DDL (facts 1.4 and 7).
GLOBAL_MAXIMUM = 100

# Not measured: the shape of a forecast until the first moves of a run have ended.
_SECONDS_PER_MOVE = 3.0
_FLUSHED_PER_SECOND = 32 * 1024 * 1024

Limits = t.Mapping[str, t.Optional[int]]
Load = t.Mapping[str, t.Mapping[str, t.Optional[int]]]


@dataclasses.dataclass(frozen=True)
class Move:
    """One region that changes its leader. Sizes are in bytes, None where the server does not tell them."""

    region_id: int
    from_peer: int
    to_peer: int
    table: str = ""
    table_id: int = 0
    size_bytes: t.Optional[int] = None
    memtable_bytes: t.Optional[int] = None

    def as_data(self) -> t.Dict[str, t.Any]:
        """The move as a plan file holds it, the parts that matter to a reader first."""
        return {
            "region_id": self.region_id,
            "table": self.table,
            "table_id": self.table_id,
            "from_peer": self.from_peer,
            "to_peer": self.to_peer,
            "size_bytes": self.size_bytes,
            "memtable_bytes": self.memtable_bytes,
        }


@dataclasses.dataclass(frozen=True)
class Left:
    """A region that the plan does not move, and why (a phrase without a full stop)."""

    region_id: int
    reason: str

    def as_data(self) -> t.Dict[str, t.Any]:
        return {"region_id": self.region_id, "reason": self.reason}


@dataclasses.dataclass(frozen=True)
class Plan:
    """Moves in the order of their submission, with everything a person needs to judge them.

    ``before`` and ``after``: datanode id (as text) -> {"regions": leaders, "bytes": their size or None}.
    ``excluded`` were asked for but need no move or must not be moved; ``unplaceable`` should move and cannot.
    """

    strategy: str
    moves: t.Tuple[Move, ...]
    limits: Limits
    ordering: str = PLANNED
    ordering_reason: str = ""
    lower_bound: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    forecast: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    before: Load = dataclasses.field(default_factory=dict)
    after: Load = dataclasses.field(default_factory=dict)
    excluded: t.Tuple[Left, ...] = ()
    unplaceable: t.Tuple[Left, ...] = ()
    notes: t.Tuple[str, ...] = ()

    def as_data(self) -> t.Dict[str, t.Any]:
        """The plan as plain data: what a plan file holds and what the module returns."""
        return {
            "format": FORMAT,
            "engine": ENGINE,
            "strategy": self.strategy,
            "ordering": self.ordering,
            "ordering_reason": self.ordering_reason,
            "limits": {kind: self.limits.get(kind) for kind in _limit_keys(self.limits)},
            "moves": [move.as_data() for move in self.moves],
            "lower_bound": dict(self.lower_bound),
            "forecast": dict(self.forecast),
            "before": {node: dict(load) for node, load in self.before.items()},
            "after": {node: dict(load) for node, load in self.after.items()},
            "excluded": [left.as_data() for left in self.excluded],
            "unplaceable": [left.as_data() for left in self.unplaceable],
            "notes": list(self.notes),
        }

    @property
    def plan_id(self) -> str:
        """SHA-256 over the canonical JSON of what the plan does: its moves in order, its limits and its ordering.

        Sizes, forecast and notes are left out: they change while the cluster is written to, and an approval that is
        bound to the id must not become void because of that.
        """
        acting = {
            "format": FORMAT,
            "engine": ENGINE,
            "ordering": self.ordering,
            "limits": {kind: self.limits.get(kind) for kind in _limit_keys(self.limits)},
            "moves": [[move.region_id, move.from_peer, move.to_peer] for move in self.moves],
        }
        text = json.dumps(acting, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is in the plan or need not move."""
        return not self.unplaceable

    @property
    def seconds_by_region(self) -> t.Dict[int, float]:
        """By region id, how long its move may take: as long as in the rehearsal that the forecast is from (or as is
        assumed without one), and for the flush of what was in memory when the plan was made."""
        told = self.forecast.get("move_seconds")
        # People may edit plans.
        seconds = float(told) if isinstance(told, (int, float)) and 0 < told < math.inf else _SECONDS_PER_MOVE
        return {move.region_id: _seconds(move, seconds) for move in self.moves}

    def with_limits(self, limits: Limits) -> Plan:
        """The same plan where ``limits`` fill in what the plan does not say."""
        return dataclasses.replace(self, limits={**limits, **self.limits})


def _limit_keys(limits: Limits) -> t.List[str]:
    return [*(kind for kind in LIMIT_KINDS if kind in limits), *sorted(set(limits) - set(LIMIT_KINDS))]


def default_limits(one_per_table: bool) -> t.Dict[str, t.Optional[int]]:
    """Limits that hold where nobody says anything.

    ``global`` 32: a quarter of the 128 procedures that metasrv runs at once, so that DDL and failover find room.
    ``per_source`` and ``per_target`` 4: a source flushes and a target opens and replays for each move, and both serve.
    ``per_table`` 1 up to 0.14: routes of one table race up to 0.11.0, and from 0.11.1 the server locks the whole table,
    so more would only queue there, where nobody sees them. From 0.15 the lock is short and no limit is needed.

    :param one_per_table: the server is older than 0.15.0
    """
    return {"global": 32, "per_source": 4, "per_target": 4, "per_table": 1 if one_per_table else None}


def job_of(move: Move) -> Job:
    """What a move occupies while it runs.

    All moves cost the same: the only thing known of their length is what is in memory, which changes by the second, and
    a plan that is made twice should be the same plan.
    """
    keys = ("global", f"per_source:{move.from_peer}", f"per_target:{move.to_peer}", f"per_table:{move.table_id}")
    return Job(str(move.region_id), keys)


def make_plan(
    strategy: str,
    moves: t.Sequence[Move],
    limits: Limits,
    *,
    before: Load,
    excluded: t.Sequence[Left] = (),
    unplaceable: t.Sequence[Left] = (),
    notes: t.Sequence[str] = (),
    keep_order: bool = False,
    ordering: t.Optional[str] = None,
    made: t.Collection[int] = (),
) -> Plan:
    """Order the moves, choose how strictly to keep the order, and work out bound, forecast and load afterwards.

    The result depends on the set of moves, not on their order, unless ``keep_order`` says that a person chose it.
    No region may occur twice. ``made``: regions that are on their target already; they change no load.
    """
    jobs = [job_of(move) for move in moves]
    by_id = {str(move.region_id): move for move in moves}
    if not keep_order:
        jobs = order_jobs(jobs, limits)
    choice = choose_ordering(jobs, limits, "moves")
    reason = choice.reason
    if ordering is not None and ordering != choice.ordering:
        reason = f"{ordering}: chosen by hand, the planner would take {choice.reason}"
    ordered = tuple(by_id[job.id] for job in jobs)
    return Plan(
        strategy=strategy,
        moves=ordered,
        limits=dict(limits),
        ordering=ordering or choice.ordering,
        ordering_reason=reason,
        lower_bound=_bound(jobs, limits),
        forecast=_forecast(ordered, limits, ordering or choice.ordering),
        before=before,
        after=load_after(before, (move for move in ordered if move.region_id not in made)),
        excluded=tuple(sorted(excluded, key=lambda left: left.region_id)),
        unplaceable=tuple(sorted(unplaceable, key=lambda left: left.region_id)),
        notes=tuple(notes),
    )


def _bound(jobs: t.Sequence[Job], limits: Limits) -> t.Dict[str, t.Any]:
    """At least so many moves run one after another, and the limit that is the reason."""
    bound = lower_bound(jobs, limits)
    if not jobs:
        return {"moves_deep": 0, "binding": "", "explanation": "Nothing has to move."}
    if bound.jobs_deep <= 1:
        return {
            "moves_deep": 1,
            "binding": "",
            "explanation": "No limit binds: all moves can run at once.",
        }
    key = bound.deep_binding
    count = sum(1 for job in jobs if key in job.keys)
    kind, _separator, name = key.partition(":")
    where = {
        "global": "in all",
        "per_source": f"leave datanode {name}",
        "per_target": f"go to datanode {name}",
        "per_table": f"belong to table id {name}",
    }[kind]
    explanation = (
        f"{count} of {len(jobs)} moves {where}, and {limit_of(key, limits)} may run at once ({kind}): "
        f"at least {bound.jobs_deep} moves run one after another."
    )
    return {"moves_deep": bound.jobs_deep, "binding": key, "explanation": explanation}


def with_rehearsal(plan: Plan, measured: t.Optional[t.Mapping[str, t.Any]], where: str, why_not: str = "") -> Plan:
    """The plan with a forecast from what a rehearsal has ``measured`` (None: it does not fit, and ``why_not``).

    A move then takes as long as the shadow table's moves did on average, and ``refused_per_region`` is the longest time
    for which writes to it were refused. The flush of a memtable is assumed as without it: the shadow table has no rows
    to speak of.
    """
    if measured is None:
        basis = f"{plan.forecast['basis']}; the rehearsal in {where} was not used: {why_not}"
        return dataclasses.replace(plan, forecast={**plan.forecast, "basis": basis})
    forecast = _forecast(plan.moves, plan.limits, plan.ordering, float(measured["move_seconds"]))
    basis = (
        f"{measured['move_seconds']:g} s for a move, measured by the rehearsal of {measured['at']} in {where}; assumes "
        f"{_FLUSHED_PER_SECOND // 2**20} MiB/s for the flush of its memtable"
    )
    return dataclasses.replace(
        plan,
        forecast={
            **forecast,
            "basis": basis,
            "move_seconds": float(measured["move_seconds"]),
            "refused_per_region": float(measured["refused"]),
        },
    )


def _seconds(move: Move, move_seconds: float) -> float:
    return move_seconds + (move.memtable_bytes or 0) / _FLUSHED_PER_SECOND


def _forecast(
    moves: t.Sequence[Move], limits: Limits, ordering: str, move_seconds: float = _SECONDS_PER_MOVE
) -> t.Dict[str, t.Any]:
    """How long the run may take. Honest about being a guess, where no move of this cluster was measured yet."""
    durations = {str(move.region_id): _seconds(move, move_seconds) for move in moves}
    seconds = round(simulate([job_of(move) for move in moves], limits, ordering, durations), 1)
    basis = (
        f"assumes {_SECONDS_PER_MOVE:g} s for a move and {_FLUSHED_PER_SECOND // 2**20} MiB/s for the flush of its "
        "memtable; not measured, the run itself corrects it"
    )
    return {"seconds": seconds, "text": "about " + format_duration(seconds), "basis": basis}


def load_after(before: Load, moves: t.Iterable[Move]) -> t.Dict[str, t.Dict[str, t.Optional[int]]]:
    """The load of every datanode when all moves are made; bytes are None where they are not known before."""
    after = {node: dict(load) for node, load in before.items()}
    for move in moves:
        for peer, sign in ((move.from_peer, -1), (move.to_peer, 1)):
            load = after.setdefault(str(peer), {"regions": 0, "bytes": 0})
            load["regions"] = (load["regions"] or 0) + sign
            held = load["bytes"]
            load["bytes"] = None if held is None or move.size_bytes is None else held + sign * move.size_bytes
    return after


def summary_lines(plan: Plan) -> t.List[str]:
    """The plan in a few lines, for people."""
    if not plan.moves:
        lines = ["Nothing has to move."]
    else:
        tables = len({move.table_id for move in plan.moves})
        known = [move.size_bytes for move in plan.moves]
        lines = [
            f"{_count(len(plan.moves), 'move')}, of {_count(tables, 'table')}"
            + ("" if None in known else f", {format_bytes(sum(size or 0 for size in known))}")
            + "."
        ]
        lines.append(str(plan.lower_bound["explanation"]))
        lines.append(f"Forecast: {plan.forecast['text']} ({plan.forecast['basis']}).")
        lines.append(f"Ordering {plan.ordering_reason}")
    for node in plan.before:
        before, after = plan.before[node], plan.after[node]
        if before != after:
            lines.append(f"Datanode {node}: {_load_text(before)} -> {_load_text(after)}.")
    lines.extend(_left_lines("Not moved", plan.excluded))
    lines.extend(_left_lines("Cannot be moved", plan.unplaceable))
    lines.extend(plan.notes)
    return lines


def _left_lines(title: str, left: t.Sequence[Left]) -> t.Iterator[str]:
    reasons: t.Dict[str, t.List[int]] = {}
    for one in left:
        reasons.setdefault(one.reason, []).append(one.region_id)
    for reason, regions in reasons.items():
        shown = ", ".join(str(region) for region in regions[:3]) + (", ..." if len(regions) > 3 else "")
        yield f"{title}: {_count(len(regions), 'region')} ({shown}): {reason}."


def _load_text(load: t.Mapping[str, t.Optional[int]]) -> str:
    size = load["bytes"]
    return f"{_count(load['regions'] or 0, 'region')}" + ("" if size is None else f", {format_bytes(size)}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_bytes(size: int) -> str:
    """Bytes for people, in powers of 1024."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
