# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the switch of each table was legal, by the journal of its cutover alone.

The order that makes it so is that of ``cutover_group``: guard armed, fence set and proved on every primary, positions
taken after that, every partition's confirmed decree at its position, the switch after that and before the guard's
deadline, the clients seen on the target, the source closed, the target whole.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core import legality_trail as tr
from ansible_collections.dbops.migration.plugins.module_utils._core.legality import NO, UNKNOWN
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

# The form of the journal, as the cutover writes it. Its modules are not loaded for it: reading one needs no client.
COMMITTED_KIND = "cutover.committed"
HANDED_OVER_KIND = "cutover.handed_over"
LIFTED_KIND = "cutover.lifted"
DENY_KEY = "replica.deny_client_request"
DENIED = "denied"
Items = t.Mapping[int, t.Mapping[str, t.Any]]


def judge(entries: t.Iterable[tr.EntryLike]) -> t.List[le.CutoverJudgement]:
    """One judgement for each table that was switched, in the order of their switches."""
    trail = tr.Trail.of(entries)
    own: t.Dict[str, t.List[tr.Step]] = {}
    switched: t.Dict[str, None] = {}
    found: t.List[le.CutoverJudgement] = []
    common = _Common(trail.of_kind("run.started"), tr.Trail(trail.of_kind("cutover.guard"), {}))
    for step in trail.steps:
        if step.kind in (COMMITTED_KIND, LIFTED_KIND):
            table = v.word(step.data.get("table"))
            if step.kind == COMMITTED_KIND:
                found.append(_Table(trail.of_steps(own.get(table, ())), common, table, step).judged())
            own[table] = []
            switched.pop(table, None)
            continue
        for table in _tables_of(step):
            own.setdefault(table, []).append(step)
            if step.kind == HANDED_OVER_KIND or step.data.get("action") == "switch":
                switched[table] = None
    # Switched, or handed to the operator to switch, and not ended: that may be so for good.
    found += [_Table(trail.of_steps(own[table]), common, table, None).judged() for table in switched]
    return found


class _Common(t.NamedTuple):
    """What is not of one table: the runs, and what guards wrote."""

    runs: t.Sequence[tr.Step]
    guards: tr.Trail


def _tables_of(step: tr.Step) -> t.Set[str]:
    """The tables that a step is about."""
    if step.kind == tr.PROOF:
        return {_table_of_item(item) for item in v.mappings(step.data.get("items"))}
    if step.kind == HANDED_OVER_KIND:
        return {v.word(step.data.get("table"))}
    resource = v.word(step.data.get("resource")) if step.kind == "change.intent" else ""
    _cluster, of_table, rest = resource.partition("/table/")
    if of_table:
        return {rest.rpartition("/env/")[0]}
    return {_table_of_znode(resource)} if step.data.get("action") == "switch" else set()


def _table_of_item(item: t.Mapping[str, t.Any]) -> str:
    """Items name their table, or are named ``table/partition``, or after the table."""
    subject = v.word(item.get("subject"))
    return v.word(item.get("table")) or subject.rpartition("/")[0] or subject


def _table_of_znode(resource: str) -> str:
    return resource.rsplit("/", 1)[-1]


@dataclasses.dataclass(frozen=True)
class _Span:
    """The earliest and latest of some times; None where one of them cannot be read."""

    first: t.Optional[float]
    last: t.Optional[float]

    @classmethod
    def of(cls, partitions: Items, name: str) -> _Span:
        times = [v.moment(item.get(name)) for item in partitions.values()]
        known = [at for at in times if at is not None]
        if not known or len(known) < len(times):
            return cls(None, None)
        return cls(min(known), max(known))


class _Table:
    """The last try to cut one table over; ``committed`` is its end, None when there is none yet."""

    def __init__(self, own: tr.Trail, common: _Common, table: str, committed: t.Optional[tr.Step]) -> None:
        """``own``: what is about the table since its last end."""
        self._table = table
        self._committed = committed
        self._common = common
        fences = own.changes("fence", self._is_fence)
        self._fence = fences[-1] if fences else None
        behind = own.part(self._fence.intent.seq) if self._fence is not None else own
        self._behind = behind
        self._guard = _last(one for one in own.proofs(tr.GUARD) if self._names(one))
        # The first proof behind the fence is the one that the positions rest on; a commit may prove it once more.
        self._fenced = next((one for one in behind.proofs("fence") if self._partitions(one)), None)
        self._drained = _last(one for one in behind.proofs("drain") if self._partitions(one))
        switches = behind.changes("switch", lambda resource: _table_of_znode(resource) == table)
        self._switch = _last(one for one in switches if not one.undone)
        self._handed_over = _last(behind.of_kind(HANDED_OVER_KIND))

    def judged(self) -> le.CutoverJudgement:
        fence = self._fence.intent if self._fence is not None else None
        checks = [
            tr.guarded(self._table, self._guard, fence),
            self._is_fenced(),
            self._held(),
            self._positions(),
            self._is_drained(),
            *self._is_switched(),
            self._on_target(),
        ]
        at = v.word(self._committed.data.get("at")) if self._committed is not None else ""
        return le.CutoverJudgement(self._table, at, tuple(checks))

    # What belongs to the table.

    def _is_fence(self, resource: str) -> bool:
        return resource.endswith(f"/table/{self._table}/env/{DENY_KEY}")

    def _names(self, proof: tr.Step) -> bool:
        return any(item.get("subject") == self._table for item in tr.items(proof))

    def _partitions(self, proof: t.Optional[tr.Step]) -> Items:
        """The items of a proof by partition, as far as they are about the table."""
        found: t.Dict[int, t.Mapping[str, t.Any]] = {}
        for item in tr.items(proof):
            table, _slash, text = v.word(item.get("subject")).rpartition("/")
            index = v.index(text)
            if table == self._table and index is not None:
                found[index] = item
        return found

    def _switched_seq(self) -> int:
        step = self._switch.intent if self._switch is not None else self._handed_over
        return step.seq if step is not None else -1

    # The checks.

    def _is_fenced(self) -> le.Check:
        found = self._partitions(self._fenced)
        problems: t.List[tr.Problem] = []
        if self._fence is None or not self._fence.done:
            problems.append((UNKNOWN, "the journal does not say that the fence was set"))
        if not found:
            problems.append((UNKNOWN, "no proof that every primary refused writes"))
        problems += [
            (NO, f"partition {index} was seen with writes {v.word(item.get('writes')) or 'not known'}")
            for index, item in found.items()
            if item.get("writes") != DENIED
        ]
        if found and sorted(found) != list(range(len(found))):
            problems.append((UNKNOWN, "the proof of the fence lacks partitions"))
        return le.proved("fenced", problems, f"every primary of {len(found):,} partitions refused writes")

    def _held(self) -> le.Check:
        """That nothing took the fence off between its proof and the switch."""
        end = self._switch.intent if self._switch is not None else self._committed
        lifts = self._behind.changes("restore", self._is_fence)
        problems: t.List[tr.Problem] = [
            (NO, "the fence was taken off before the switch was committed") for one in lifts if not one.undone
        ]
        since = self._fence.intent if self._fence is not None else None
        problems += tr.lifted_by_guard(self._common.guards, since, end.at if end is not None else None, self._table)
        return le.proved("held", problems, "nothing in the journal lifts the fence before the commit")

    def _positions(self) -> le.Check:
        fenced, drained = self._partitions(self._fenced), self._partitions(self._drained)
        problems: t.List[tr.Problem] = []
        if not drained:
            problems.append((UNKNOWN, "no positions were written down"))
        elif set(fenced) != set(drained):
            problems.append((UNKNOWN, "fence and positions are not of the same partitions"))
        since, taken = _Span.of(fenced, "at"), _Span.of(drained, "fenced_at")
        if since.last is None or taken.first is None:
            problems.append((UNKNOWN, "when the fence was proved, or the positions were taken, is not readable"))
        elif taken.first < since.last:
            problems.append((NO, "a position was taken before the fence was proved on every primary"))
        for index, item in drained.items():
            before, after = v.number(fenced.get(index, {}).get("ballot")), v.number(item.get("ballot"))
            if v.number(item.get("position")) is None or before is None or after is None:
                problems.append((UNKNOWN, f"partition {index} has no readable position or ballot"))
            elif after < before:
                problems.append((NO, f"partition {index}: its position is of an older primary than its fence"))
            elif after == before and item.get("primary") != fenced[index].get("primary"):
                problems.append((NO, f"partition {index}: fence and position name two primaries of one ballot"))
        return le.proved("positions", problems, "every position was taken after the fence was proved on all primaries")

    def _is_drained(self) -> le.Check:
        drained = self._partitions(self._drained)
        problems: t.List[tr.Problem] = [] if drained else [(UNKNOWN, "no proof that anything was drained")]
        for index, item in drained.items():
            position, confirmed = v.number(item.get("position")), v.number(item.get("confirmed"))
            taken, seen = v.moment(item.get("fenced_at")), v.moment(item.get("drained_at"))
            if position is None or confirmed is None or taken is None or seen is None:
                problems.append((UNKNOWN, f"partition {index} has no readable confirmed decree"))
            elif confirmed == position - 1 and self._accepted():
                problems.append((UNKNOWN, f"partition {index}: its last mutation is not proved (accepted beforehand)"))
            elif confirmed < position:
                problems.append((NO, f"partition {index}: confirmed {confirmed:.0f} of position {position:.0f}"))
            elif seen < taken:
                problems.append((NO, f"partition {index} was called drained before its position was taken"))
        return le.proved(
            "drained", problems, f"all {len(drained):,} partitions are confirmed up to their position at the fence"
        )

    def _accepted(self) -> bool:
        """Whether the run that fenced was told to accept that the last mutation may be missing."""
        since = self._fence.intent.seq if self._fence is not None else -1
        run = _last(one for one in self._common.runs if one.seq < since)
        return run is not None and v.mapping(run.data.get("options")).get("last_mutation") == "accept"

    def _is_switched(self) -> t.List[le.Check]:
        deadline = tr.deadline_of(self._guard, self._table)
        switch = self._switch
        if switch is None:
            return self._by_operator(deadline)
        order = tr.ordered(
            "order",
            [("the fence", self._fenced), ("the drain", self._drained), ("the switch", switch.intent),
             ("the commit", self._committed)],
        )  # fmt: skip
        problems: t.List[tr.Problem] = []
        if not switch.done:
            problems.append((UNKNOWN, "the journal does not say that the znode was written"))
        last = _Span.of(self._partitions(self._drained), "drained_at").last
        if last is not None and switch.intent.at is not None and switch.intent.at < last:
            problems.append((NO, "the switch was made before the last partition was drained"))
        seen = [
            item
            for proof in self._behind.proofs("switch")
            if proof.seq > switch.intent.seq
            for item in tr.items(proof)
            if item.get("table") == self._table
        ]
        wanted = v.word(switch.intent.data.get("after"))
        if not seen:
            problems.append((UNKNOWN, "no MetaProxy was seen to send clients to the target"))
        problems += [
            (NO, f"MetaProxy {v.word(item.get('subject'))} sent clients to {v.word(item.get('cluster')) or 'nowhere'}")
            for item in seen
            if not item.get("cluster") or v.word(item.get("cluster")) not in wanted
        ]
        return [
            order,
            tr.in_time([("the switch", switch.intent)], deadline),
            le.proved("switched", problems, f"{len(seen)} MetaProxies send clients to the target"),
        ]

    def _by_operator(self, deadline: t.Optional[float]) -> t.List[le.Check]:
        """The operator switches between hand-over and commit, so that the fence must be guarded until the commit."""
        end = [("the commit", self._committed)] if self._committed is not None else []
        order = tr.ordered(
            "order",
            [("the fence", self._fenced), ("the drain", self._drained), ("the hand-over", self._handed_over),
             *end],
        )  # fmt: skip
        problems: t.List[tr.Problem] = []
        if self._committed is None:
            problems.append((UNKNOWN, "it was handed over, and neither committed nor lifted"))
        elif self._committed.data.get("guarded") is not True:
            problems.append((UNKNOWN, "no guard is known to have held the fence until the commit"))
        return [
            order,
            tr.in_time([("the hand-over", self._handed_over), *end], deadline),
            le.proved("switched", problems, "by the operator, while the guard held the fence"),
        ]

    def _on_target(self) -> le.Check:
        found = {
            v.word(item.get("subject")).rpartition("/")[2]
            for proof in self._behind.proofs("target")
            if proof.seq > self._switched_seq()
            for item in tr.items(proof)
            if item.get("table") == self._table and item.get("primary") and v.number(item.get("ballot")) is not None
        }
        wanted = {str(index) for index in self._partitions(self._drained)}
        problems: t.List[tr.Problem] = []
        if not found or found != wanted:
            problems.append((UNKNOWN, "no proof that every partition has its primary on the target"))
        closed = self._behind.changes("close", self._is_fence)
        if not any(one.done for one in closed):
            problems.append((UNKNOWN, "the journal does not say that the source was closed"))
        if self._committed is None:
            problems.append((UNKNOWN, "the cutover is not committed"))
        return le.proved("target", problems, "the source is closed, and every partition has its primary on the target")


_T = t.TypeVar("_T")


def _last(found: t.Iterable[_T]) -> t.Optional[_T]:
    listed = list(found)
    return listed[-1] if listed else None
