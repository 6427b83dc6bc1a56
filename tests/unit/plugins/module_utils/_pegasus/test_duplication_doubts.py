# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table that is written is caught up on servers that confirm at whatever pace, and never on ones that repeat
themselves."""

from __future__ import annotations

import json
import random
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_doubts, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_arrival import Said
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import ProgressView, judge
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import TableRun
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

NODES = ("10.0.0.1:34801", "10.0.0.2:34801", "10.0.0.3:34801")
APP, DUP = 2, 17
READ = 0.005
"""Seconds that one question to all servers takes."""
WANTED = Wanted("t", "b", "present", "FAIL_SLOW")


class Table:
    """One that is written ``rate`` times a second, all partitions alike, by the fake clock. ``sync``: seconds between
    two syncs of a server. ``stuck``: nothing is confirmed any more. ``stale``: answers about progress are repeated.
    """

    def __init__(self, version: str, sync: float, rate: float, partitions: int, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.profile = Profile.choose(Version.parse(version))
        self.stuck = self.stale = False
        self.quick_looks = 0
        self._sync = sync
        self._rate = rate
        self._dice = random.Random(seed)
        self._decrees = [100] * partitions
        self._confirmed = [99] * partitions
        self._next_write = self._next_sync = self.clock.monotonic()
        self._kept: t.Any = None
        self.routing: t.Any = model.TableConfig(
            APP,
            partitions,
            tuple(
                model.Partition(index, 5, 3, NODES[index % 3], (NODES[index % 2],), 0) for index in range(partitions)
            ),
        )

    def passes(self, seconds: float) -> None:
        """Let it be written and synced for a while."""
        self.clock.sleep(seconds)
        now = self.clock.monotonic()
        while min(self._next_write, self._next_sync) <= now:
            if self._next_write < self._next_sync:
                self._decrees[self._dice.randrange(len(self._decrees))] += 1
                self._next_write += self._dice.expovariate(self._rate)
                continue
            if not self.stuck:
                held_back = 1 if self.profile.holds_back_last_mutation else 0
                self._confirmed = [decree - held_back for decree in self._decrees]
            self._next_sync += self._sync

    def _infos(self) -> t.Any:
        self.passes(READ)
        found: t.Dict[str, t.Tuple[model.ReplicaInfo, ...]] = {}
        for one in self.routing.partitions:
            decree = self._decrees[one.index]
            info = model.ReplicaInfo(one.index, APP, 5, "PRIMARY", decree, decree, 0, one.primary)
            found[one.primary] = (*found.get(one.primary, ()), info)
        return model.Answers(found)

    def _progress(self) -> t.Any:
        self.passes(READ)
        if self._kept is not None and self.stale:
            return self._kept
        held_back = 1 if self.profile.holds_back_last_mutation else 0
        found: t.Dict[str, t.Tuple[model.PartitionProgress, ...]] = {}
        for one in self.routing.partitions:
            behind = self._decrees[one.index] - self._confirmed[one.index]
            told = model.PartitionProgress(one.index, one.primary, True, behind, held_back, "FAIL_SLOW", DUP)
            found[one.primary] = (*found.get(one.primary, ()), told)
        self._kept = model.Answers(found)
        return self._kept

    # What a TableRun asks.

    def app(self, table: str) -> model.App:
        return model.App(table, APP, "AVAILABLE", len(self._decrees), {}, 3)

    def duplications(self, _table: str) -> t.Tuple[model.Duplication, ...]:
        self.passes(READ)
        states = {}
        if not self.profile.holds_back_last_mutation:
            states = {index: model.PartitionState(decree, 0) for index, decree in enumerate(self._confirmed)}
        return (model.Duplication(DUP, "DS_LOG", "b", 1, partition_states=states),)

    def progress(self, _table: str, dupid: int, *, with_decrees: bool) -> ProgressView:
        infos = self._infos() if with_decrees else None
        return judge(self.routing, dupid, self._progress(), infos)

    def said(self) -> Said:
        self.quick_looks += 1
        before = self._infos()
        progress = self._progress()
        return Said(self.routing, before, progress, self._infos())

    def settle(self, _table: str, dupid: int, doubted: t.Collection[int]) -> duplication_doubts.Settled:
        return duplication_doubts.settle(
            doubted, dupid, self.said, self.profile.duplication_sync_seconds, t.cast(t.Any, self.clock)
        )

    def follow(self, seconds: float, poll: float = 2.0) -> str:
        """Look as a run does, each look a step of its own, until it is caught up ("") or the time is over."""
        options: t.Any = type("Options", (), {"max_backlog": 1000, "stable_samples": 3})
        clusters: t.Any = self
        end, carried = self.clock.monotonic() + seconds, TableRun(WANTED).carry()
        while True:
            run = TableRun(WANTED)
            run.take(json.loads(json.dumps(carried)))
            run.look(clusters, options, self.clock.now().timestamp())
            assert run.standing.failure is None
            carried, cause = run.carry(), run.standing.cause
            if cause is None or self.clock.monotonic() > end:
                return "" if cause is None else cause.reason.replace("pegasus.wait.", "")
            self.passes(poll)


@pytest.mark.parametrize("version", ["2.5.0", "2.6.0"])
@pytest.mark.parametrize("sync", [0.25, 0.5, 1.0, 2.0, 3.0, 10.0])
@pytest.mark.parametrize("rate", [3.0, 30.0, 300.0])
def test_true_servers_are_believed_however_often_they_confirm(version: str, sync: float, rate: float) -> None:
    for seed in range(3):
        table = Table(version, sync, rate, 64, seed)
        table.passes(20)
        assert table.follow(60) == "", seed


def test_servers_that_sync_as_seldom_as_is_known_are_asked_nothing_more() -> None:
    table = Table("2.5.0", 10.0, 100.0, 64)
    table.passes(20)
    assert table.follow(60) == ""
    assert table.quick_looks == 0


@pytest.mark.parametrize("stuck", [False, True])
@pytest.mark.parametrize("rate", [10.0, 100.0])
def test_before_2_6_answers_that_are_repeated_are_never_believed(stuck: bool, rate: float) -> None:
    table = Table("2.5.0", 10.0, rate, 4)
    table.passes(20)
    table.progress("t", DUP, with_decrees=True)
    table.stale, table.stuck = True, stuck
    assert table.follow(300) == "progress_frozen"


def test_from_2_6_on_it_counts_what_is_on_record() -> None:
    table = Table("2.6.0", 10.0, 30.0, 4)
    table.passes(20)
    table.progress("t", DUP, with_decrees=True)
    table.stale = table.stuck = True
    assert table.follow(300) == "nothing_shipped"
    table.stuck = False
    assert table.follow(60) == ""


@pytest.mark.parametrize("poll", [5.0, 30.0])
def test_answers_that_are_repeated_are_found_out_by_looks_far_apart_too(poll: float) -> None:
    table = Table("2.5.0", 10.0, 30.0, 4)
    table.passes(20)
    table.progress("t", DUP, with_decrees=True)
    table.stale = True
    assert table.follow(300, poll) == "progress_frozen"
