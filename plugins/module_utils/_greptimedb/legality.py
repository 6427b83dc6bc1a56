# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the switch of moved regions was legal, by the journal alone.

The server switches each region itself, without a fence of ours. What is to be proved is that the target of its newest
move leads it and takes writes: by the evidence of the move, and once more by the proof of the cutover phase. Moves that
take others back have no cutover phase; theirs is the evidence of the move.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core import legality_trail as tr
from ansible_collections.dbops.migration.plugins.module_utils._core.legality import NO, UNKNOWN
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

# The form of the journal, as moves and their proof write it. Nothing else of the engine is needed to read one.
SERVED_KIND = "greptimedb.regions_served"
EMPTY_KIND = "greptimedb.datanode_empty"
PROVEN = "proven"
_RESOURCE = "greptimedb.region/"


@dataclasses.dataclass(frozen=True)
class _Move:
    """The newest move of a region that took effect; ``back`` when it takes an earlier one back."""

    region: str
    target: str
    outcome: tr.Step
    back: bool

    def problem(self) -> t.Optional[tr.Problem]:
        """What its own evidence lacks."""
        evidence = v.mapping(self.outcome.data.get("evidence"))
        leader = v.word(evidence.get("leader_peer"))
        if not leader:
            return UNKNOWN, f"region {self.region}: no evidence of where it is led"
        if leader != self.target:
            return NO, f"region {self.region} was led by datanode {leader}, not by {self.target}"
        if evidence.get("writable") is False:
            return NO, f"region {self.region} was not writable on datanode {leader}"
        return None


def judge(entries: t.Iterable[tr.EntryLike]) -> t.List[le.CutoverJudgement]:
    """One judgement of all regions that were moved; none when nothing was."""
    trail = tr.Trail.of(entries)
    moves = _moves(trail)
    if not moves:
        return []
    forward = [one for one in moves if not one.back]
    problems = [problem for problem in (one.problem() for one in moves) if problem is not None]
    checks = [
        le.proved("moved", problems, f"each of {len(moves):,} regions was seen to be led by the target of its move")
    ]
    shown: t.Optional[tr.Step] = moves[-1].outcome
    if forward:
        last = max(one.outcome.seq for one in forward)
        gates = [one for one in trail.proofs(SERVED_KIND) if one.seq > last]
        gate = gates[-1] if gates else None
        checks += [_served(forward, gate), _emptied(trail, last)]
        shown = gate
    at = shown.written if shown is not None else ""
    return [le.CutoverJudgement(_subject(moves, forward), at, tuple(checks))]


def _subject(moves: t.Sequence[_Move], forward: t.Sequence[_Move]) -> str:
    count = f"{len(moves):,} region" + ("s" if len(moves) > 1 else "")
    return count if forward else f"{count} moved back"


def _moves(trail: tr.Trail) -> t.List[_Move]:
    back = False
    begun: t.Dict[str, t.Tuple[str, str, bool]] = {}
    newest: t.Dict[str, _Move] = {}
    for step in trail.steps:
        data = step.data
        if step.kind == "plan":
            plan = v.mapping(data.get("plan"))
            back = plan.get("strategy") == "reverse" if v.sequence(plan.get("moves")) else back
        elif step.kind == "change.intent" and v.mapping(data.get("context")).get("purpose") == "move":
            region = v.word(data.get("resource"))[len(_RESOURCE) :]
            target = v.word(v.mapping(data.get("after")).get("leader_peer"))
            begun[v.word(data.get("id"))] = (region, target, back)
        elif step.kind == "change.outcome" and data.get("status") == "done":
            region, target, was_back = begun.get(v.word(data.get("id")), ("", "", False))
            if region:
                newest[region] = _Move(region, target, step, was_back)
    return list(newest.values())


def _served(moves: t.Sequence[_Move], gate: t.Optional[tr.Step]) -> le.Check:
    if gate is None:
        return le.Check("served", UNKNOWN, "the cutover phase has not proved the regions since the last move")
    told = {v.word(item.get("region_id")): item for item in v.mappings(gate.data.get("items"))}
    problems: t.List[tr.Problem] = []
    if gate.data.get("passed") is not True:
        problems.append((NO, "the proof that every region is served by its target did not pass"))
    for move in moves:
        item = told.get(move.region)
        if item is None:
            problems.append((UNKNOWN, f"region {move.region} is not in the proof"))
        elif item.get("state") != PROVEN:
            problems.append((NO, f"region {move.region}: {v.word(item.get('reason')) or 'not proved'}"))
        elif v.word(item.get("to_peer")) != move.target:
            problems.append(
                (NO, f"region {move.region} was proved on {v.word(item.get('to_peer'))}, not {move.target}")
            )
        elif item.get("leader_peer") is not None and v.word(item.get("leader_peer")) != move.target:
            problems.append((NO, f"region {move.region} was led by datanode {v.word(item.get('leader_peer'))}"))
    return le.proved("served", problems, f"all {len(moves):,} regions were proved to be served by their targets")


def _emptied(trail: tr.Trail, last: int) -> le.Check:
    """The newest word on each datanode that was to be emptied, if any was."""
    newest: t.Dict[str, tr.Step] = {}
    for proof in trail.proofs(EMPTY_KIND):
        for item in v.mappings(proof.data.get("items")):
            newest[v.word(item.get("subject"))] = proof
    wanted = {
        f"datanode {v.word(one)}"
        for run in trail.of_kind("run.started")
        for one in v.sequence(v.mapping(run.data.get("options")).get("empty_datanodes"))
    }
    problems: t.List[tr.Problem] = [
        (UNKNOWN, f"no proof that {name} holds nothing") for name in sorted(wanted - set(newest))
    ]
    for name, proof in newest.items():
        empty = [item.get("empty") for item in v.mappings(proof.data.get("items")) if item.get("subject") == name]
        if proof.data.get("passed") is not True or empty != [True]:
            problems.append((NO, f"{name} was not proved to hold nothing"))
        elif proof.seq < last:
            problems.append((UNKNOWN, f"{name} was proved to hold nothing before the last move only"))
    return le.proved(
        "emptied", problems, f"every datanode that was to be emptied ({len(newest)}) was proved to hold nothing"
    )
