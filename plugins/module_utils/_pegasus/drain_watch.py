# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The looks at one fenced table until everything written before is on the target; :mod:`drain` decides on each."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import drain, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import PASSING, Fence, fence_broken
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.progress_freshness import Freshness
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient

_CHECK = 1.0
_QUIET = 0.5
"""A mutation that passed the gate may wait in its replica's queue for others to be committed, and has no decree yet.
Only when a fenced primary has prepared nothing for this long is the last decree the last one."""


@dataclasses.dataclass(frozen=True)
class DrainedTable:
    """Every partition's position, and when (ISO) which decree beyond it was seen to be confirmed."""

    table: str
    positions: t.Mapping[int, drain.Position]
    looks: t.Mapping[int, t.Tuple[drain.Look, str]]
    retaken: int

    def items(self) -> t.List[t.Dict[str, t.Any]]:
        """As the journal keeps it."""
        return [
            {
                "subject": f"{self.table}/{index}",
                "primary": position.node,
                "ballot": position.ballot,
                "position": position.decree,
                "confirmed": self.looks[index][0].confirmed,
                "fenced_at": position.at,
                "drained_at": self.looks[index][1],
            }
            for index, position in sorted(self.positions.items())
        ]

    @property
    def held_back(self) -> t.List[int]:
        """The partitions whose last mutation may be missing, because that was accepted."""
        return [index for index, position in sorted(self.positions.items())
                if self.looks[index][0].confirmed < position.decree]  # fmt: skip


class DrainWatch:
    """The drain of one fenced table. ``step`` looks once; nothing is waited for in it."""

    def __init__(
        self,
        fence: Fence,
        meta: MetaClient,
        replicas: ReplicaClient,
        clock: Clock,
        proved: model.TableConfig,
        dupid: int,
        allowance: int,
        freshness: Freshness,
    ) -> None:
        """``proved``: the routing under which the fence was proved. ``freshness``: what was seen before the fence."""
        self.table = fence.table
        self._fence = fence
        self._meta = meta
        self._replicas = replicas
        self._clock = clock
        self._app_id = proved.app_id
        self._proved_config: t.Optional[model.TableConfig] = proved
        self._dupid = dupid
        self._allowance = allowance
        self._freshness = freshness
        self._positions: t.Dict[int, drain.Position] = {}
        self._looks: t.Dict[int, t.Tuple[drain.Look, str]] = {}
        self._lacking = dict.fromkeys(range(proved.partition_count), "its position is not taken yet")
        self._before: drain.Infos = model.Answers({})
        self._checked = float("-inf")
        self._grown: t.Dict[int, float] = {}
        self._on_record: t.Mapping[int, model.PartitionState] = {}
        self._taken = 0

    def step(self) -> t.Optional[DrainedTable]:
        """One look; the result once it is drained.

        :raises MigrationError: somebody broke the fence or changed the duplication; questions that failed for the
            moment are no error
        """
        try:
            return self._step()
        except MigrationError as error:
            if error.code not in PASSING:
                raise
            return None

    def _step(self) -> t.Optional[DrainedTable]:
        self._check()
        config, self._proved_config = self._proved_config, None
        if config is not None:
            self._take(config, range(config.partition_count))
        elif self._lacking:
            self._take_again()
        nodes = sorted({position.node for position in self._positions.values()})
        began = self._clock.monotonic()
        progress = self._replicas.progress(nodes, self._app_id)
        after = self._replicas.replica_infos(nodes, self._app_id)
        at = iso(self._clock.now())
        self._raise(after)
        self._freshness.looked(self._app_id, self._dupid, self._before, progress, after, began, self._clock.monotonic())
        repeated = set() if self._on_record else self._freshness.repeated()
        for index, position in list(self._positions.items()):
            if index in self._looks and self._looks[index][0].state == drain.PASSED:
                continue
            look = drain.judge(position, self._app_id, self._dupid, self._before, progress, after, self._allowance)
            if look.state == drain.PASSED and index in repeated:
                look = dataclasses.replace(look, state=drain.UNKNOWN, why="its progress is repeated from earlier")
            if look.state == drain.BROKEN:
                raise fence_broken(self.table, f"partition {index}: {look.why}")
            if look.state == drain.MOVED:
                self._forget(index, look.why)
            else:
                self._looks[index] = (look, at)
        self._before = after
        if self._lacking or self.behind():
            return None
        return self._proved()

    def _raise(self, after: drain.Infos) -> None:
        """Move positions up to what was prepared since, as long as it may have been let through before the fence."""
        now = self._clock.monotonic()
        for infos in after.good.values():
            for info in infos:
                position = self._positions.get(info.index)
                if position is None or (info.node, info.ballot) != (position.node, position.ballot):
                    continue
                if now - self._grown[info.index] >= _QUIET:
                    continue
                prepared = max(info.last_committed_decree, info.last_prepared_decree)
                if prepared > position.decree:
                    self._positions[info.index] = dataclasses.replace(position, decree=prepared)
                    self._looks.pop(info.index, None)
                if prepared > min(position.decree, info.last_committed_decree):
                    self._grown[info.index] = now

    def _proved(self) -> t.Optional[DrainedTable]:
        """A last look that the fence never opened: the same primaries in the same ballots still refuse."""
        self._checked = float("-inf")
        self._check()
        if self._contradicted():
            return None
        config, words = self._fence.look()
        for index, position in list(self._positions.items()):
            partition = config.partition(index)
            same = partition is not None and (partition.primary, partition.ballot) == (position.node, position.ballot)
            if words.get(index) != model.WRITES_DENIED:
                if same and words.get(index) == model.WRITES_OPEN:
                    raise fence_broken(self.table, f"the primary of partition {index} takes writes again")
                self._forget(index, f"its primary says {words.get(index)}")
            elif not same:
                self._forget(index, "its primary has moved")
        if self._lacking:
            return None
        return DrainedTable(self.table, dict(self._positions), dict(self._looks), self._taken)

    def _contradicted(self) -> bool:
        """Whether the meta server has less on record than its primaries told (2.6; before, it does not tell).

        A primary knows what is confirmed from the meta server only, so a true answer is never ahead of it. One that
        is repeated from earlier, when nothing was behind, would pass for news otherwise.
        """
        at = iso(self._clock.now())
        late = {
            index: state.confirmed_decree
            for index, state in self._on_record.items()
            if index in self._positions and state.confirmed_decree < self._positions[index].decree - self._allowance
        }
        for index, decree in late.items():
            why = f"the meta server has {decree} on record as confirmed, which is less than its primary tells"
            self._looks[index] = (drain.Look(index, drain.BEHIND, decree, why), at)
        return bool(late)

    def behind(self) -> t.List[str]:
        """The partitions that have not passed, each with why."""
        found = [f"{self.table}/{index}: {why}" for index, why in sorted(self._lacking.items())]
        waiting = [
            (look.state == drain.BEHIND, index, look.why)
            for index, (look, _at) in self._looks.items()
            if look.state != drain.PASSED
        ]
        found += [f"{self.table}/{index}: {why}" for _known, index, why in sorted(waiting)]
        now = self._clock.monotonic()
        found += [
            f"{self.table}/{index}: its primary is not quiet for long enough yet"
            for index in sorted(self._positions)
            if now - self._grown[index] < _QUIET
        ]
        unseen = [index for index in self._positions if index not in self._looks]
        return found + [f"{self.table}/{index}: not looked at yet" for index in sorted(unseen)]

    def _take(self, config: model.TableConfig, indices: t.Collection[int]) -> None:
        infos = self._replicas.replica_infos(config.primaries, self._app_id)
        found, missing = drain.take_positions(config, infos, iso(self._clock.now()), indices)
        self._positions.update(found)
        now = self._clock.monotonic()
        for index in found:
            self._grown[index] = now
            self._lacking.pop(index, None)
            self._looks.pop(index, None)
        self._lacking.update(missing)
        self._before = infos

    def _take_again(self) -> None:
        """A partition has another primary, which need not know of the fence yet: proof first, then its position."""
        config, words = self._fence.look()
        if config.app_id != self._app_id:
            raise fence_broken(self.table, "the table was replaced by another one of its name")
        fenced = [index for index in self._lacking if words.get(index) == model.WRITES_DENIED]
        for index in self._lacking:
            if index not in fenced:
                self._lacking[index] = f"its primary says {words.get(index)}"
        if fenced:
            self._taken += len(fenced)
            self._take(config, fenced)

    def _forget(self, index: int, why: str) -> None:
        self._positions.pop(index, None)
        self._looks.pop(index, None)
        self._lacking[index] = why

    def _check(self) -> None:
        """That the fence is still ours, and the duplication still the one that was looked at."""
        now = self._clock.monotonic()
        if now - self._checked < _CHECK:
            return
        value = self._fence.value()
        if value != DENY_WRITE:
            raise fence_broken(self.table, f"somebody set its deny env to {value!r}")
        ours = [one for one in self._meta.query_duplications(self.table) if one.dupid == self._dupid]
        if not ours:
            raise fence_broken(self.table, "its duplication was removed")
        if ours[0].status != "DS_LOG" or ours[0].fail_mode != "FAIL_SLOW":
            raise fence_broken(self.table, f"its duplication is {ours[0].status} with {ours[0].fail_mode}")
        self._on_record = ours[0].partition_states
        self._checked = now
