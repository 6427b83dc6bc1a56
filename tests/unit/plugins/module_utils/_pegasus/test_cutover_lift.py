# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a fence off: proved where it can be, by time where it cannot, and told with the reason where it fails."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, with_reason
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Proof
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_WRITE
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

CONFIG = model.TableConfig(2, 1, (model.Partition(0, 5, 3, "10.0.0.1:34801", (), 0),))


class FakeFence:
    """A fence of one partition; ``refusal``: the code with which it cannot be proved lifted."""

    table, resource = "temp", "pegasus:a/table/temp/env/replica.deny_client_request"

    def __init__(self, refusal: str = "") -> None:
        self.deny: t.Optional[str] = DENY_WRITE
        self.refusal = refusal

    def value(self) -> t.Optional[str]:
        return self.deny

    def call(self, now: t.Any, wanted: t.Any, action: str) -> t.Any:
        return wanted

    def prove(self, word: str, deadline: t.Any) -> Proof:
        if self.refusal:
            raise MigrationError(self.refusal, "It cannot be told.")
        return Proof(CONFIG, word, {0: 0.0}, "now")


class Track:
    """What lifting changes of a table."""

    def __init__(self, fence: FakeFence) -> None:
        self.fence: t.Any = fence
        self.state = "fenced"
        self.lifted: t.Optional[float] = None


class FakeRecord:
    """Sends, and remembers what was written."""

    def __init__(self, fence: FakeFence) -> None:
        self.fence = fence
        self.written: t.List[t.Tuple[str, t.Any]] = []

    def send(self, wanted: t.Any) -> bool:
        self.fence.deny = wanted
        return True

    def past(self, resource: str) -> t.Any:
        return NOTHING

    def put_back(self, resource: str, past: t.Any, now: t.Any) -> None:
        self.written.append(("put_back", now))

    def proof(self, kind: str, items: t.Any) -> None:
        self.written.append(("proof", kind))

    def waiting(self, wait: t.Any) -> None:
        self.written.append(("wait", wait.reason))

    def append(self, kind: str, data: t.Any) -> None:
        self.written.append((kind, data["proved"]))


def lift(fence: FakeFence) -> t.Tuple[Track, FakeRecord, FakeClock]:
    track, record, clock = Track(fence), FakeRecord(fence), FakeClock()
    every: t.Any = record
    now: t.Any = clock
    lift_all([track], every, now, 31.0)
    return track, record, clock


def test_lifted_and_proved() -> None:
    track, record, clock = lift(FakeFence())
    assert track.state == "lifted" and clock.steady == 1000.0
    assert record.written == [("put_back", None), ("proof", "lift"), ("cutover.lifted", True)]


def test_a_table_that_does_not_duplicate_any_more_counts_as_lifted_when_every_server_has_pulled() -> None:
    track, record, clock = lift(FakeFence("pegasus.fence_unprovable"))
    assert track.state == "lifted" and clock.steady == 1031.0
    assert record.written[1:] == [("wait", "pegasus.wait.lift_by_time"), ("cutover.lifted", False)]


def test_a_fence_that_stays_is_told_together_with_why_the_cutover_failed() -> None:
    with pytest.raises(MigrationError) as caught:
        lift(FakeFence("pegasus.fence_unproved"))
    reason = MigrationError("pegasus.fence_broken", "The cutover of temp was given up: its duplication was removed.")
    told = with_reason(caught.value, reason)
    assert told.code == "pegasus.not_lifted" and told.details["reason"] == "pegasus.fence_broken"
    assert told.message.startswith("The cutover of temp was given up: its duplication was removed. The fence could not")
