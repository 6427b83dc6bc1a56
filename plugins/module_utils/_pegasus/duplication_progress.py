# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How far a duplication is, from what the primaries say. Nothing counts as done that nobody has said."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    PartitionProgress,
    ReplicaInfo,
    TableConfig,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.progress_freshness import OF_A_SYNC

RUNNING = "running"
STARTING = "starting"
UNKNOWN = "unknown"

Reports = Answers[t.Tuple[PartitionProgress, ...]]
Infos = Answers[t.Tuple[ReplicaInfo, ...]]


@dataclasses.dataclass(frozen=True)
class PartitionView:
    """One partition's pipeline: ``running``, ``starting`` (there, but not running), or ``unknown`` with the reason.

    ``backlog``: mutations not shipped yet, and ``unconfirmed`` those that the meta server does not have on record as
    shipped; None unless known. ``decree``: last committed one by the primary's own account, None if it did not say.
    """

    index: int
    state: str
    why: str = ""
    backlog: t.Optional[int] = None
    unconfirmed: t.Optional[int] = None
    decree: t.Optional[int] = None
    fail_mode: str = ""


@dataclasses.dataclass(frozen=True)
class ProgressView:
    """One look at one table: every partition index exactly once, in order."""

    partitions: t.Tuple[PartitionView, ...]

    def having(self, state: str) -> t.Tuple[PartitionView, ...]:
        """The partitions in this state."""
        return tuple(one for one in self.partitions if one.state == state)

    @property
    def running(self) -> bool:
        """Whether every partition's pipeline runs."""
        return bool(self.partitions) and all(one.state == RUNNING for one in self.partitions)

    @property
    def stopped(self) -> bool:
        """Whether every partition said that its pipeline does not run."""
        return bool(self.partitions) and all(one.state == STARTING for one in self.partitions)

    @property
    def losing(self) -> t.Tuple[PartitionView, ...]:
        """Partitions that skip what the target does not take, or that would bring their server down."""
        return tuple(one for one in self.partitions if one.state != UNKNOWN and one.fail_mode != "FAIL_SLOW")

    @property
    def backlog_total(self) -> t.Optional[int]:
        """All mutations not shipped yet; None unless every partition's are known."""
        known = [one.backlog for one in self.partitions if one.backlog is not None]
        return sum(known) if len(known) == len(self.partitions) else None

    @property
    def largest(self) -> t.Optional[PartitionView]:
        """The partition with the largest backlog that is known."""
        known = [one for one in self.partitions if one.backlog is not None]
        return max(known, key=lambda one: (one.backlog or 0, -one.index)) if known else None

    def above(self, limit: int) -> t.Tuple[PartitionView, ...]:
        """Partitions with a backlog above the limit, the largest first."""
        found = [one for one in self.partitions if one.backlog is not None and one.backlog > limit]
        return tuple(sorted(found, key=lambda one: (-(one.backlog or 0), one.index)))


def judge(config: TableConfig, dupid: int, reports: Reports, infos: t.Optional[Infos] = None) -> ProgressView:
    """What the primaries of ``config`` say of the duplication ``dupid``.

    A partition is known only if exactly one server reports it, that server is its primary by the meta server's word,
    and it speaks of this duplication. ``infos``, if they were asked for, must tell each
    primary's last committed decree, too.
    """
    said: t.Dict[int, t.List[PartitionProgress]] = {}
    for records in reports.good.values():
        for record in records:
            said.setdefault(record.index, []).append(record)
    decrees: t.Dict[t.Tuple[str, int], int] = {}
    for node, replicas in infos.good.items() if infos is not None else ():
        for replica in replicas:
            if replica.app_id == config.app_id and replica.primary:
                decrees[node, replica.index] = replica.last_committed_decree
    primaries = {index: node for node, indices in config.primaries.items() for index in indices}
    return ProgressView(
        tuple(
            _view(
                index, primaries.get(index, ""), dupid, said.get(index, []), reports, None if infos is None else decrees
            )
            for index in range(config.partition_count)
        )
    )


def _view(
    index: int,
    primary: str,
    dupid: int,
    said: t.Sequence[PartitionProgress],
    reports: Reports,
    decrees: t.Optional[t.Mapping[t.Tuple[str, int], int]],
) -> PartitionView:
    if not primary:
        return PartitionView(index, UNKNOWN, "it has no primary")
    if primary in reports.failed:
        return PartitionView(index, UNKNOWN, f"{primary} does not tell: {reports.failed[primary].code}")
    own = [one for one in said if one.dupid == dupid]
    if not own:
        other = f", but of duplication {said[0].dupid}" if said else ""
        return PartitionView(index, UNKNOWN, f"{primary} says nothing of this duplication{other}")
    if len(own) > 1:
        nodes = ", ".join(sorted(one.node for one in own))
        return PartitionView(index, UNKNOWN, f"reported {len(own)} times, by {nodes}")
    record = own[0]
    if record.node != primary:
        return PartitionView(index, UNKNOWN, f"reported by {record.node}, but its primary is {primary}")
    if decrees is not None and (primary, index) not in decrees:
        return PartitionView(index, UNKNOWN, f"{primary} does not tell its last committed decree")
    return PartitionView(
        index,
        RUNNING if record.duplicating else STARTING,
        "" if record.duplicating else f"its pipeline on {primary} does not run",
        backlog=record.not_duplicated,
        unconfirmed=record.not_confirmed,
        decree=None if decrees is None else decrees[primary, index],
        fail_mode=record.fail_mode,
    )


def gone(config: TableConfig, dupid: int, reports: Reports) -> t.Tuple[t.Tuple[int, ...], t.Tuple[str, ...]]:
    """After a removal: the partitions that still report ``dupid``, and the primaries' servers that do not tell."""
    still = {one.index for records in reports.good.values() for one in records if one.dupid == dupid}
    silent = sorted(node for node in config.primaries if node in reports.failed)
    return tuple(sorted(still)), tuple(silent)


@dataclasses.dataclass(frozen=True)
class Still:
    """Counters of a partition that told the same over looks in which its decree went on ``times`` times.

    ``decree``: what it was at the first of these. ``before``: when the look before the last of these began. ``near``:
    two of them came closer together than a server syncs, so that no sync can have made up for both; if the servers sync
    as seldom as is known.
    """

    times: int
    decree: int
    before: float
    near: bool = False

    def rose(self, before: float, now: float, least: float) -> Still:
        """The decree went on once more, and the counters do not show it."""
        return Still(self.times + 1, self.decree, before, self.near or now - self.before < least)


@dataclasses.dataclass(frozen=True)
class Track:
    """What several looks in a row have shown of one table.

    ``good``: looks in a row with every pipeline running and every backlog within the limit. ``goal``: by partition,
    what was committed at the first of them. ``shipped``: by partition, the least decree that is shipped for certain.
    ``still``: by partition, counters that stand still while its decree goes on. ``last``: backlog, unconfirmed and
    decree of the look before, which began ``at``. ``records``: by partition, the decree that the meta server has on
    record as confirmed (2.6).
    """

    good: int = 0
    goal: t.Mapping[int, int] = dataclasses.field(default_factory=dict)
    shipped: t.Mapping[int, int] = dataclasses.field(default_factory=dict)
    still: t.Mapping[int, Still] = dataclasses.field(default_factory=dict)
    last: t.Mapping[int, t.Tuple[int, int, int]] = dataclasses.field(default_factory=dict)
    at: float = 0.0
    records: t.Mapping[int, int] = dataclasses.field(default_factory=dict)

    def doubted(self, samples: int) -> t.Tuple[int, ...]:
        """Partitions whose counters may not be true: over ``samples`` looks they stood still while writes went in."""
        return tuple(sorted(index for index, one in self.still.items() if one.times >= max(1, samples - 1)))

    def frozen(self, samples: int) -> t.Tuple[int, ...]:
        """The doubted partitions about which the meta server tells nothing else that could be gone by."""
        return tuple(index for index in self.doubted(samples) if index not in self.records)

    def behind(self, held_back: int) -> t.Tuple[int, ...]:
        """Partitions that have not shipped yet what was committed at the first good look.

        A backlog that is small says nothing of a pipeline that ships nothing; a decree that was passed does.
        ``held_back``: how many mutations an idle partition never ships (one before 2.6).
        """
        return tuple(
            index for index, goal in sorted(self.goal.items()) if self.shipped.get(index, -1) < goal - held_back
        )

    def seen(
        self, view: ProgressView, at: float, sync_seconds: float, records: t.Optional[t.Mapping[int, int]] = None
    ) -> Track:
        """The track with the counters of one more look, in which the decrees were asked for before the counters.

        ``at``: when the look began, in seconds. ``sync_seconds``: the servers' duplication sync period.
        """
        last: t.Dict[int, t.Tuple[int, int, int]] = {}
        still: t.Dict[int, Still] = {}
        for one in view.partitions:
            if one.backlog is None or one.unconfirmed is None or one.decree is None:
                continue
            now = last[one.index] = (one.backlog, one.unconfirmed, one.decree)
            before, known = self.last.get(one.index), self.still.get(one.index)
            if before is None or before[:2] != now[:2]:
                continue
            if now[2] > before[2]:
                least = sync_seconds * OF_A_SYNC
                still[one.index] = known.rose(self.at, at, least) if known else Still(1, now[2], self.at)
            elif known is not None:
                # A look without a write tells nothing.
                still[one.index] = known
        return dataclasses.replace(self, still=still, last=last, at=at, records=dict(records or {}))

    def settled(self, live: t.Collection[int], repeated: t.Collection[int], samples: int) -> Track:
        """The track after looks in quick succession at the doubted partitions.

        ``live``: those of which servers told something new; ``repeated``: those of which they told the same again and
        again. Of the rest nothing is known: they stay in doubt if they told what no server can tell by what is known.
        """
        doubted = self.doubted(samples)
        cleared = {
            index
            for index in doubted
            if index in live or not (index in repeated or self.still[index].near or index in self.records)
        }
        return dataclasses.replace(self, still={key: one for key, one in self.still.items() if key not in cleared})

    def judged(self, view: ProgressView, limit: int, samples: int) -> Track:
        """The track of :meth:`seen` with what follows from it."""
        fine = view.running and not view.losing and not view.above(limit) and not self.frozen(samples)
        if not fine:
            return Track(still=self.still, last=self.last, at=self.at)
        decrees = {index: counters[2] for index, counters in self.last.items()}
        # What was committed before the counters were read, less what they say is missing, is shipped for certain.
        shipped = {index: counters[2] - counters[0] for index, counters in self.last.items()}
        goal = dict(self.goal if self.good else decrees)
        for index in self.doubted(samples):
            # Counters in doubt say nothing; what the meta server has on record as confirmed since was shipped.
            shipped[index] = self.records[index]
            goal[index] = max(goal.get(index, 0), self.still[index].decree)
        return dataclasses.replace(self, good=self.good + 1, goal=goal, shipped=shipped)

    def as_data(self) -> t.Dict[str, t.Any]:
        """For the next step; see :meth:`from_data`."""
        return {
            "good": self.good,
            "goal": {str(index): decree for index, decree in self.goal.items()},
            "still": {str(index): list(dataclasses.astuple(one)) for index, one in self.still.items()},
            "last": {str(index): list(counters) for index, counters in self.last.items()},
            "at": self.at,
        }

    @classmethod
    def from_data(cls, data: t.Mapping[str, t.Any]) -> Track:
        """What :meth:`as_data` wrote; a mapping without anything is a new track."""
        return cls(
            good=int(data.get("good", 0)),
            goal={int(index): int(decree) for index, decree in (data.get("goal") or {}).items()},
            still={
                int(index): Still(int(one[0]), int(one[1]), float(one[2]), bool(one[3]))
                for index, one in (data.get("still") or {}).items()
            },
            last={
                int(index): (int(one[0]), int(one[1]), int(one[2])) for index, one in (data.get("last") or {}).items()
            },
            at=float(data.get("at", 0.0)),
        )
