# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What has to be proved: the moves of a plan, or what a journal says was moved. Nothing here contacts anything."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
    raise_problems,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import read_past
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import parse_moves, parse_plan
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof import Wanted

REVERSE = "reverse"


@dataclasses.dataclass(frozen=True)
class Subject:
    """The regions to prove, and what the journal knows that helps.

    ``headed_for``: procedure id -> target, of moves that the journal has no outcome of. ``sources``: datanodes that
    moves left, so that one that has been removed since is not taken for a mistyped one.
    """

    regions: t.Tuple[Wanted, ...] = ()
    headed_for: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    sources: t.FrozenSet[int] = frozenset()


@dataclasses.dataclass(frozen=True)
class Gate:
    """Datanodes that have to be empty. ``notes``: why others that a drain names need not be, for people."""

    datanodes: t.Tuple[int, ...] = ()
    notes: t.Tuple[str, ...] = ()


def read_gate(params: t.Mapping[str, t.Any], entries: t.Optional[t.Sequence[t.Any]]) -> Gate:
    """The datanodes of ``empty_datanodes``, which may be none; where it is not given, those that the plan empties.

    A drain of some tables, of at most so many moves, or of what can be moved, leaves regions behind by intention: of
    ``drained_datanodes`` only those have to be empty on which the newest plan of the journal leaves nothing.
    """
    given = params.get("empty_datanodes")
    chosen = read_datanodes(given, "empty_datanodes")
    drained = read_datanodes(params.get("drained_datanodes"), "drained_datanodes")
    if given is not None and str(given).strip():
        return Gate(chosen)
    plans = [entry.data.get("plan") or {} for entry in entries or () if entry.kind == "plan"]
    after = (plans[-1] if plans else {}).get("after") or {}
    stays = {one: int((after.get(str(one)) or {}).get("regions") or 0) for one in drained}
    return Gate(
        tuple(one for one in drained if not stays[one]),
        tuple(
            f"The plan leaves {count} regions on datanode {one}, so it was not asked to be empty."
            for one, count in stays.items()
            if count
        ),
    )


def read_datanodes(value: t.Any, option: str) -> t.Tuple[int, ...]:
    """Datanode ids from a list, JSON text or comma-separated text, each once; everything wrong is told at once."""
    ids: t.List[int] = []
    problems: t.List[InvalidOption] = []
    for item in as_list(value, option):
        try:
            ids.append(as_int(item, option, 0))
        except InvalidOption as problem:
            problems.append(problem)
    raise_problems(problems)
    return tuple(dict.fromkeys(ids))


def read_subject(
    params: t.Mapping[str, t.Any], entries: t.Optional[t.Sequence[t.Any]], gate: t.Sequence[int]
) -> Subject:
    """The regions of ``plan``, ``plan_file`` or ``moves``; without any of them those of the journal's ``entries``.

    ``entries`` is None where there is no journal. ``gate``: datanodes that have to be empty, which may be all there is.

    :raises MigrationError: what was given cannot be read, or there is nothing to prove
    """
    moves = _given_moves(params)
    known = Subject() if entries is None else _from_journal(entries)
    if moves is not None:
        if not moves and not gate:
            raise InvalidOption("plan", "it has no moves, and empty_datanodes is empty", "Give at least one of them")
        return dataclasses.replace(
            known,
            regions=tuple(Wanted(move.region_id, move.to_peer, move.table) for move in moves),
            sources=known.sources | {move.from_peer for move in moves},
        )
    if entries is None and not gate:
        raise InvalidOption(
            "journal",
            "there is nothing to prove",
            "Give the journal of the migration, a plan, moves, or datanodes that must be empty (empty_datanodes)",
        )
    return known


def _given_moves(params: t.Mapping[str, t.Any]) -> t.Optional[t.Sequence[t.Any]]:
    if params.get("plan_file"):
        return parse_plan(plan_file.read(params["plan_file"]), "plan_file", allow_empty=True).moves
    if params.get("plan") not in (None, ""):
        return parse_plan(params["plan"], "plan", allow_empty=True).moves
    if params.get("moves") in (None, ""):
        return None
    problems: t.List[str] = []
    moves = parse_moves(params["moves"], "moves", problems, need_source=False)
    if problems:
        raise InvalidInput(problems)
    return moves


def _from_journal(entries: t.Sequence[t.Any]) -> Subject:
    """The newest plan's moves, and the regions that earlier plans moved and that it does not name.

    After a rollback only the way back counts. A plan counts in full: a region that it names and that was never moved
    must not be forgotten, because a run that was stopped has left it where it was.
    """
    plans = [entry.data.get("plan") or {} for entry in entries if entry.kind == "plan"]
    past = read_past(entries)
    targets: t.Dict[int, Wanted] = {}
    newest = plans[-1] if plans else {}
    if newest.get("strategy") != REVERSE:
        for move in past.moves.values():
            if move.status in ("done", ""):
                targets[move.region_id] = Wanted(move.region_id, move.to_peer, move.table)
    sources = {move.from_peer for move in past.moves.values()}
    for row in newest.get("moves") or []:
        region_id = int(row["region_id"])
        targets[region_id] = Wanted(region_id, int(row["to_peer"]), str(row.get("table") or ""))
        sources.add(int(row["from_peer"]))
    if not plans and not past.moves and not any(entry.kind in ("findings", "run.finished") for entry in entries):
        raise MigrationError(
            "journal.nothing_moved",
            "The journal holds no plan and no move, so there is nothing to prove. Run the migrate phase first, or give "
            "the journal that it was given.",
        )
    return Subject(
        regions=tuple(targets[region_id] for region_id in sorted(targets)),
        headed_for={
            str(move.procedure_id): move.to_peer
            for move in past.moves.values()
            if move.status == "" and move.procedure_id
        },
        sources=frozenset(sources),
    )
