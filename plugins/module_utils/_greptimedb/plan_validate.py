# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Checks of a plan that a person may have edited: first its shape, then, against the cluster, whether it can work.

Every problem is found at once, and each names the move and what to do about it.
"""

from __future__ import annotations

import difflib
import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import ORDERINGS, PLANNED
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import table_id_of
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import (
    ENGINE,
    FORMAT,
    GLOBAL_MAXIMUM,
    LIMIT_KINDS,
    STRATEGIES,
    Left,
    Move,
    Plan,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState, ClusterView

PLAN_INVALID = "greptimedb.plan_invalid"

_PLAN_KEYS = (
    "format", "engine", "strategy", "ordering", "ordering_reason", "limits", "moves", "lower_bound", "forecast",
    "before", "after", "excluded", "unplaceable", "notes",
)  # fmt: skip
_MOVE_KEYS = ("region_id", "table", "table_id", "from_peer", "to_peer", "size_bytes", "memtable_bytes")
_REGION_MAXIMUM = 2**64 - 1
_DATANODE_MAXIMUM = 2**63 - 1

Value = t.TypeVar("Value")


# What this collection and Ansible itself put in the place of secrets in results.
_MASKS = (MASK, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")


class _Problems:
    """Collects what is wrong while reading goes on."""

    def __init__(self) -> None:
        self.texts: t.List[str] = []

    def add(self, where: str, problem: str, fix: str) -> None:
        self.texts.append(f"{where}: {problem}. {fix}.")

    def attempt(self, read: t.Callable[..., Value], *arguments: t.Any) -> t.Optional[Value]:
        """What ``read`` returns; None when the value is wrong, which is then told."""
        try:
            return read(*arguments)
        except InvalidInput as error:
            self.texts.extend(error.problems)
        except InvalidOption as error:
            self.texts.append(error.message)
        return None

    def unknown_keys(self, keys: t.Iterable[str], known: t.Sequence[str], where: str) -> None:
        for key in keys:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"Did you mean {close[0]}" if close else "Known are " + ", ".join(known)
                self.add(where, f"{key!r} is not known here", hint)


def parse_plan(data: t.Any, option: str = "plan", allow_empty: bool = False) -> Plan:
    """A plan from plain data or JSON text, after every check that needs no cluster.

    Limits that it leaves out stay out: ``Plan.with_limits`` fills them in once the server's version is known.
    A plan without moves passes if it was made without moves (nothing was to do), or with ``allow_empty``.

    :raises InvalidInput: ``greptimedb.plan_invalid``, with every problem
    """
    problems = _Problems()
    raw = problems.attempt(as_mapping, data, option)
    if raw is None:
        raise InvalidInput(problems.texts, code=PLAN_INVALID)
    if not raw:
        raise InvalidInput(
            [f"{option}: it is empty. Give a plan as greptimedb_region_plan returns or writes it."], code=PLAN_INVALID
        )
    problems.unknown_keys(raw, _PLAN_KEYS, option)
    _check_kind(raw, option, problems)
    strategy = _choice(raw, "strategy", STRATEGIES, "moves", option, problems)
    ordering = _choice(raw, "ordering", ORDERINGS, PLANNED, option, problems)
    limits = parse_limits(raw.get("limits"), f"{option}.limits", problems.texts)
    moves: t.List[Move] = []
    if "moves" not in raw:
        problems.add(option, "it has no moves", "Give moves: a list of region_id, from_peer and to_peer")
    else:
        moves = parse_moves(raw["moves"], f"{option}.moves", problems.texts)
        deep = (raw.get("lower_bound") or {}) if isinstance(raw.get("lower_bound"), t.Mapping) else {}
        if raw["moves"] in ([], "", None, "[]") and not allow_empty and deep.get("moves_deep") != 0:
            problems.add(
                f"{option}.moves",
                "all moves were taken out",
                "Put back what should move, or do not run the migration if nothing should",
            )
    notes = problems.attempt(as_list, raw.get("notes"), f"{option}.notes") or []
    excluded = _left(raw.get("excluded"), f"{option}.excluded", problems)
    unplaceable = _left(raw.get("unplaceable"), f"{option}.unplaceable", problems)
    described = {name: raw[name] for name in ("lower_bound", "forecast", "before", "after") if raw.get(name)}
    for name, value in described.items():
        if not isinstance(value, t.Mapping):
            problems.add(f"{option}.{name}", "it is not a mapping", "Take it out: it is made anew for every plan")
    if problems.texts:
        if any(word in json.dumps(raw, default=str) for word in _MASKS):
            problems.texts[:] = [
                f"{option}: parts of it were masked on its way, because a password is also a part of a word or number "
                "in it. Choose a password that is neither, or hand the plan on in a file (plan_file)."
            ]
        raise InvalidInput(problems.texts, code=PLAN_INVALID)
    return Plan(
        strategy=strategy,
        moves=tuple(moves),
        limits=limits,
        ordering=ordering,
        ordering_reason=str(raw.get("ordering_reason") or ""),
        excluded=excluded,
        unplaceable=unplaceable,
        notes=tuple(str(one) for one in notes),
        **described,
    )


def _check_kind(raw: t.Mapping[str, t.Any], option: str, problems: _Problems) -> None:
    for key, wanted in (("format", FORMAT), ("engine", ENGINE)):
        if str(raw.get(key, "")) != str(wanted):
            found = f"is {raw[key]!r}" if key in raw else "is missing"
            problems.add(f"{option}.{key}", f"{key} {found}", f"This module reads plans with {key}: {wanted}")


def _choice(
    raw: t.Mapping[str, t.Any], key: str, choices: t.Sequence[str], default: str, option: str, problems: _Problems
) -> str:
    value = str(raw.get(key, default))
    if value not in choices:
        problems.add(f"{option}.{key}", f"{value!r} is not known", "Choose one of " + ", ".join(choices))
        return default
    return value


def _left(value: t.Any, option: str, problems: _Problems) -> t.Tuple[Left, ...]:
    """Reasons in a plan are for people; what does not look like one is dropped with the rest of the explanation."""
    rows = problems.attempt(as_list, value, option) or []
    return tuple(
        Left(int(row["region_id"]), str(row.get("reason", "")))
        for row in rows
        if isinstance(row, t.Mapping) and str(row.get("region_id", "")).isdigit()
    )


def parse_limits(value: t.Any, option: str, problems: t.List[str]) -> t.Dict[str, t.Optional[int]]:
    """Limits by kind (``per_source``) or exact key (``per_source:3``); null is no limit. Problems are appended."""
    found = _Problems()
    limits: t.Dict[str, t.Optional[int]] = {}
    for key, number in (found.attempt(as_mapping, value, option) or {}).items():
        kind, separator, name = key.partition(":")
        if kind not in LIMIT_KINDS or (separator and (kind == "global" or not name.isdigit())):
            found.unknown_keys([key], [*LIMIT_KINDS, "per_source:<datanode id>"], option)
            continue
        where = f"{option}.{key}"
        if number in (None, "", "null", "none", "None") and kind != "global":
            limits[key] = None
            continue
        if kind == "global" and number in (None, ""):
            found.add(where, "it cannot be unlimited", f"Give a number from 1 to {GLOBAL_MAXIMUM}")
            continue
        limit = found.attempt(as_int, number, where, 1, GLOBAL_MAXIMUM if kind == "global" else None)
        if limit is not None:
            limits[key] = limit
    problems.extend(found.texts)
    return limits


def parse_moves(value: t.Any, option: str, problems: t.List[str], need_source: bool = True) -> t.List[Move]:
    """Moves from a list of mappings or JSON text. Problems are appended; a move with a problem is left out.

    :param need_source: without it, ``from_peer`` may be left out and is -1 then
    """
    found = _Problems()
    moves: t.List[Move] = []
    seen: t.Dict[int, str] = {}
    for number, row in enumerate(found.attempt(as_list, value, option) or []):
        where = f"{option}[{number}]"
        if not isinstance(row, t.Mapping):
            found.add(where, f"{str(row)[:60]!r} is not a mapping", "Give region_id, from_peer and to_peer")
            continue
        move = _move({str(key): one for key, one in row.items()}, where, found, need_source)
        if move is None:
            continue
        if move.region_id in seen:
            found.add(
                where,
                f"region {move.region_id} is in {seen[move.region_id]} already",
                "Keep one of the two: a region moves once in a plan",
            )
            continue
        seen[move.region_id] = where
        moves.append(move)
    problems.extend(found.texts)
    return moves


def _move(row: t.Mapping[str, t.Any], where: str, problems: _Problems, need_source: bool) -> t.Optional[Move]:
    before = len(problems.texts)
    problems.unknown_keys(row, _MOVE_KEYS, where)

    def number(key: str, maximum: int, required: bool) -> t.Optional[int]:
        value = row.get(key)
        if value is None or value == "":
            if required:
                problems.add(where, f"{key} is missing", "Each move needs region_id, from_peer and to_peer")
            return None
        return problems.attempt(as_int, value, f"{where}.{key}", 0, maximum)

    region_id = number("region_id", _REGION_MAXIMUM, True)
    from_peer = number("from_peer", _DATANODE_MAXIMUM, need_source)
    to_peer = number("to_peer", _DATANODE_MAXIMUM, True)
    size = number("size_bytes", _REGION_MAXIMUM, False)
    memtable = number("memtable_bytes", _REGION_MAXIMUM, False)
    if from_peer is not None and from_peer == to_peer:
        problems.add(
            where, f"region {region_id} would move from datanode {from_peer} to itself", "Choose another to_peer"
        )
    if len(problems.texts) > before or region_id is None or to_peer is None:
        return None
    return Move(
        region_id=region_id,
        from_peer=-1 if from_peer is None else from_peer,
        to_peer=to_peer,
        table=str(row.get("table") or ""),
        # Always from the region's own id: an edited table_id would silently loosen the limit per table.
        table_id=table_id_of(region_id),
        size_bytes=size,
        memtable_bytes=memtable,
    )


def move_problems(moves: t.Sequence[Move], view: ClusterView, option: str) -> t.List[str]:
    """Why the moves cannot be made in this cluster. A region that is on its target already is not a problem."""
    problems = _Problems()
    for number, move in enumerate(moves):
        region = view.regions.get(move.region_id)
        where = f"{option}[{number}] (region {move.region_id}{' of ' + region.qualified if region else ''})"
        if region is None:
            _unknown_region(move, view, where, problems)
            continue
        if region.leader_peer == move.to_peer and not region.degraded:
            continue
        if move.to_peer not in view.datanodes:
            problems.add(where, f"datanode {move.to_peer} is not in the cluster", _choose(view))
        elif not view.is_alive(move.to_peer):
            problems.add(where, f"the target, {view.why_not_alive(move.to_peer)}", "Choose a datanode that is alive")
        elif move.to_peer in region.followers:
            problems.add(
                where, f"datanode {move.to_peer} holds a follower of it already", "Choose another to_peer"
            )  # fmt: skip
        if region.leader_peer is None:
            problems.add(where, "it has no leader now", "Take the move out, or wait until the region has a leader")
        elif move.from_peer not in (-1, region.leader_peer):
            problems.add(
                where,
                f"its leader is datanode {region.leader_peer} and not {move.from_peer}",
                f"Write from_peer: {region.leader_peer}, or plan again",
            )
        elif not view.is_alive(region.leader_peer):
            problems.add(
                where,
                f"the source, {view.why_not_alive(region.leader_peer)}",
                "The server moves regions only while their source is alive: take the move out or bring it back",
            )
        else:
            busy = view.busy(region)
            if busy is not None:
                problems.add(where, busy.partition(";")[0], "Wait until that has ended, or take the move out")
    return problems.texts


def _choose(view: ClusterView) -> str:
    return f"Choose among {view.known_datanodes()}"


def _unknown_region(move: Move, view: ClusterView, where: str, problems: _Problems) -> None:
    logical = view.logical.get(move.region_id)
    if logical is None:
        problems.add(where, "there is no such region", "Take the move out, or correct the region_id")
        return
    physical = view.physical_of(logical)
    what = f"of table {logical.physical_table}" if physical is None else f"{physical.region_id} of {physical.qualified}"
    problems.add(
        where,
        f"it belongs to the logical table {logical.qualified}, and logical regions cannot be migrated",
        f"Move the physical region {what} instead; it carries all its logical tables along",
    )


def check_state(plan: Plan, view: ClusterView, option: str = "plan") -> None:
    """Whether the plan can be carried out in the cluster as it is.

    :raises InvalidInput: ``greptimedb.plan_invalid``, with every problem
    """
    problems = move_problems(plan.moves, view, f"{option}.moves")
    if problems:
        raise InvalidInput(problems, code=PLAN_INVALID)


def validate(
    data: t.Any, state: t.Optional[ClusterState] = None, option: str = "plan", allow_empty: bool = False
) -> Plan:
    """The plan in ``data`` after all checks: its shape, and with a state also whether it can be carried out.

    :raises InvalidInput: ``greptimedb.plan_invalid``, with every problem of the first stage that has any
    """
    plan = parse_plan(data, option, allow_empty)
    if state is not None:
        check_state(plan, ClusterView(state), option)
    return plan
