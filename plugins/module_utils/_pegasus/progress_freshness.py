# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether what primaries tell of a duplication's progress is news, or repeated from earlier.

A primary tells ``not_confirmed``: its last committed decree minus the decree that the meta server has on record as
confirmed. It learns of the latter at its duplication sync only, every ``duplication_sync_period_second``. So between
two syncs every committed mutation makes the difference larger. An answer that stays the same while the committed decree
rises, and that more often than there can have been syncs, was not computed from that decree. Taken for news, one from a
time when nothing was behind would say for ever that nothing is.

That is a suspicion only, since servers might sync more often than is known. Looks in quick succession settle it: right
after a mutation a true answer is larger, until the next sync. From 2.6 on nothing of this is needed, because the meta
server tells what it has on record.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    PartitionProgress,
    ReplicaInfo,
)

OF_A_SYNC = 0.8
"""Two syncs of a server are at least so much of their period apart, whatever its timer does."""
_ENOUGH = 3
"""So many mutations that an answer does not show, in looks in quick succession, are no chance any more."""

Infos = Answers[t.Tuple[ReplicaInfo, ...]]
Progress = Answers[t.Tuple[PartitionProgress, ...]]


@dataclasses.dataclass
class _Run:
    """Looks in a row that told the same. ``rose``: when the look before the last rise of a committed decree began;
    ``quick``: rises between looks in quick succession."""

    told: t.Any
    began: float
    rose: t.Optional[float] = None
    suspect: bool = False
    quick: int = 0

    def goes_on(self, rose: bool, began: float, ended: float, least: float, quick: bool) -> None:
        if rose:
            self.suspect = self.suspect or (self.rose is not None and ended - self.rose < least)
            self.quick += quick
            self.rose = self.began
        self.began = began

    @property
    def repeated(self) -> bool:
        return self.suspect and self.quick >= _ENOUGH


class _When(t.NamedTuple):
    """A look, for one run."""

    rose: bool
    began: float
    ended: float
    quick: bool


class Freshness:
    """The looks at one table's progress, in order, and what follows from them.

    Looked at by partition, and by server: of a table that is hardly written no partition's decree may rise twice within
    a sync, but a server that repeats itself does so for all of its partitions.
    """

    def __init__(self, sync_seconds: float) -> None:
        """``sync_seconds``: the servers' duplication sync period."""
        self._least = sync_seconds * OF_A_SYNC
        self._committed: t.Dict[t.Tuple[int, str, int], int] = {}
        self._partitions: t.Dict[int, _Run] = {}
        self._nodes: t.Dict[str, _Run] = {}
        self._held: t.Dict[str, t.FrozenSet[int]] = {}

    def looked(
        self,
        app_id: int,
        dupid: int,
        before: Infos,
        progress: Progress,
        after: Infos,
        began: float,
        ended: float,
        quick: bool = False,
    ) -> None:
        """Take in one look: ``before`` was read before ``progress``, ``after`` after it, between two seconds of the
        clock. ``quick``: right after the look before."""
        first, last = _committed(app_id, before), _committed(app_id, after)
        for node, items in progress.good.items():
            told = {item.index: item.not_confirmed for item in items if item.dupid == dupid}
            keys = {index: key for (index, at, ballot) in last if at == node and index in told
                    for key in [(index, at, ballot)] if key in first}  # fmt: skip
            rose = {index for index, key in keys.items() if first[key] > self._committed.get(key, first[key])}
            for index, key in keys.items():
                self._take(self._partitions, index, (key, told[index]), _When(index in rose, began, ended, quick))
            signature = tuple(sorted((keys[index], told[index]) for index in keys))
            self._take(self._nodes, node, signature, _When(bool(rose), began, ended, quick))
            self._held[node] = frozenset(keys)
        self._committed = last

    def _take(self, runs: t.Dict[t.Any, _Run], key: t.Any, told: t.Any, when: _When) -> None:
        run = runs.get(key)
        if run is None or run.told != told:
            runs[key] = _Run(told, when.began)
        else:
            run.goes_on(when.rose, when.began, when.ended, self._least, when.quick)

    def repeated(self) -> t.Set[int]:
        """The partitions whose progress is repeated from earlier, until something else is told of them."""
        found = {index for index, run in self._partitions.items() if run.repeated}
        for node, run in self._nodes.items():
            if run.repeated:
                found |= self._held[node]
        return found

    def doubtful(self) -> bool:
        """Whether looks in quick succession have something to settle."""
        runs = [*self._partitions.values(), *self._nodes.values()]
        return any(run.suspect and not run.repeated for run in runs)


def _committed(app_id: int, infos: Infos) -> t.Dict[t.Tuple[int, str, int], int]:
    """The last committed decree of each primary, by partition, server and ballot."""
    return {
        (info.index, node, info.ballot): info.last_committed_decree
        for node, listed in infos.good.items()
        for info in listed
        if info.primary and info.app_id == app_id
    }
