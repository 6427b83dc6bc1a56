# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drain's loop against clusters that change while it looks."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.drain_all import drain_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.drain_watch import DrainedTable, DrainWatch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.progress_freshness import Freshness
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

A, B = "10.0.0.1:34801", "10.0.0.2:34801"


class Cluster:
    """One partition that is fenced, and everything that the drain asks; the parts of all three clients in one."""

    table = "temp"

    def __init__(self) -> None:
        self.primary, self.ballot = A, 5
        self.committed = self.prepared = 100
        self.confirmed = 100
        self.deny: t.Optional[str] = DENY_WRITE
        self.status, self.mode = "DS_LOG", "FAIL_SLOW"
        self.word = model.WRITES_DENIED
        self.failing = ""
        self.on_record: t.Dict[int, model.PartitionState] = {}

    def config(self) -> model.TableConfig:
        return model.TableConfig(2, 1, (model.Partition(0, self.ballot, 3, self.primary, (), 0),))

    def value(self) -> t.Optional[str]:
        return self.deny

    def look(self) -> t.Tuple[model.TableConfig, t.Dict[int, str]]:
        return self.config(), {0: self.word}

    def query_duplications(self, name: str) -> t.Tuple[model.Duplication, ...]:
        self._fail("duplications")
        states = self.on_record
        return (model.Duplication(77, self.status, "b", 0, self.mode, partition_states=states),)

    def replica_infos(self, nodes: t.Any, app_id: int) -> t.Any:
        self._fail("infos")
        info = model.ReplicaInfo(0, 2, self.ballot, "PRIMARY", self.committed, self.prepared, 0, self.primary)
        return model.Answers({self.primary: (info,)})

    def progress(self, nodes: t.Any, app_id: int) -> t.Any:
        item = model.PartitionProgress(0, self.primary, True, self.committed - self.confirmed, 0, self.mode, 77)
        return model.Answers({self.primary: (item,)})

    def _fail(self, what: str) -> None:
        if self.failing == what:
            raise MigrationError("pegasus.unreachable", "away")


class Drain:
    """A watch over a cluster, and its clock."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.clock = FakeClock()
        every: t.Any = self.cluster
        self.freshness = Freshness(10.0)
        self.watch = DrainWatch(every, every, every, self.clock, self.cluster.config(), 77, 0, self.freshness)

    def step(self, seconds: float = 0.2) -> t.Optional[DrainedTable]:
        found = self.watch.step()
        self.clock.sleep(seconds)
        return found


@pytest.fixture(name="drain")
def _drain() -> Drain:
    return Drain()


def test_drained_once_the_primary_was_quiet_for_long_enough(drain: Drain) -> None:
    assert [drain.step() for _n in range(3)] == [None, None, None]
    found = drain.step()
    assert found is not None and found.items()[0]["position"] == 100


def test_an_answer_from_earlier_is_held_against_what_the_meta_server_has_on_record(drain: Drain) -> None:
    drain.cluster.on_record = {0: model.PartitionState(90, 90)}
    assert all(drain.step() is None for _n in range(10))
    assert "90 on record" in drain.watch.behind()[0]
    drain.cluster.on_record = {0: model.PartitionState(100, 100)}
    assert any(drain.step() is not None for _n in range(3))


def test_what_was_in_the_queue_when_the_fence_came_moves_the_position(drain: Drain) -> None:
    assert drain.step() is None
    drain.cluster.prepared = drain.cluster.committed = 103
    assert all(drain.step() is None for _n in range(6))
    drain.cluster.confirmed = 103
    found = drain.step()
    assert found is not None and found.items()[0]["position"] == 103


def test_what_is_prepared_and_not_committed_keeps_it_from_being_quiet(drain: Drain) -> None:
    drain.cluster.prepared = 101
    assert all(drain.step() is None for _n in range(10))
    drain.cluster.committed = drain.cluster.confirmed = 101
    found = [drain.step() for _n in range(5)][-1]
    assert found is not None and found.items()[0]["position"] == 101


def test_an_empty_write_long_after_the_fence_does_not_move_it(drain: Drain) -> None:
    drain.cluster.confirmed = 99
    assert all(drain.step() is None for _n in range(6))
    drain.cluster.prepared = drain.cluster.committed = 101
    drain.cluster.confirmed = 100
    assert drain.step() is None  # what is confirmed is counted from the decree that was read before
    found = drain.step()
    assert found is not None and (found.items()[0]["position"], found.items()[0]["confirmed"]) == (100, 100)


def test_a_new_primary_is_proved_and_its_position_taken_again(drain: Drain) -> None:
    drain.step()
    drain.cluster.primary, drain.cluster.ballot, drain.cluster.word = B, 6, model.WRITES_OPEN
    drain.cluster.prepared = drain.cluster.committed = 110
    assert all(drain.step() is None for _n in range(8))
    drain.cluster.word = model.WRITES_DENIED
    assert all(drain.step() is None for _n in range(8))
    drain.cluster.confirmed = 110
    found = drain.step()
    assert found is not None and found.retaken == 1
    assert (found.items()[0]["position"], found.items()[0]["primary"]) == (110, B)


@pytest.mark.parametrize("what", ["infos", "duplications"])
def test_questions_that_fail_never_drain_it(drain: Drain, what: str) -> None:
    drain.cluster.failing = what
    assert all(drain.step() is None for _n in range(20))
    assert drain.watch.behind()
    drain.cluster.failing = ""
    assert any(drain.step() is not None for _n in range(6))


@pytest.mark.parametrize(
    ("name", "value"), [("deny", None), ("deny", "timeout*all"), ("status", "DS_PAUSE"), ("mode", "FAIL_SKIP")]
)
def test_a_fence_or_duplication_that_somebody_changes_ends_it(drain: Drain, name: str, value: t.Any) -> None:
    drain.step()
    setattr(drain.cluster, name, value)
    with pytest.raises(MigrationError) as caught:
        for _n in range(10):
            drain.step()
    assert caught.value.code == "pegasus.fence_broken"


def test_a_primary_that_opened_again_unseen_is_seen_at_the_end(drain: Drain) -> None:
    for _n in range(3):
        drain.step()
    drain.cluster.word = model.WRITES_OPEN
    with pytest.raises(MigrationError) as caught:
        drain.step()
    assert "takes writes again" in caught.value.message


def test_what_was_repeated_before_the_fence_does_not_pass_under_it(drain: Drain) -> None:
    cluster = drain.cluster
    for committed in (90, 95, 97, 98, 99, 100):
        cluster.committed = cluster.confirmed = committed
        infos = cluster.replica_infos((), 2)
        now = drain.clock.monotonic()
        drain.freshness.looked(2, 77, infos, cluster.progress((), 2), infos, now, now, quick=committed > 97)
        drain.clock.sleep(1.0 if committed < 97 else 0.1)
    cluster.prepared = 100
    assert all(drain.step() is None for _n in range(10))
    assert "repeated" in drain.watch.behind()[0]
    cluster.confirmed = 99
    assert drain.step() is None
    cluster.confirmed = 100
    assert any(drain.step() is not None for _n in range(3))


def test_the_reason_is_told_although_the_guard_ends_at_the_same_time(drain: Drain) -> None:
    drain.cluster.confirmed = 90
    clock: t.Any = drain.clock
    deadline = Deadline(clock, 5.0, "budget")

    def guard() -> None:
        if deadline.expired:
            raise MigrationError("guard.refused", "lifting")

    with pytest.raises(MigrationError) as caught:
        drain_all([drain.watch], clock, deadline, guard, lambda wait: None, False)
    assert caught.value.code == "pegasus.not_drained" and "temp/0: 10 mutations" in caught.value.message
