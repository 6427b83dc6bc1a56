# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_counters import KINDS, Counted
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_look_atomic import (
    WATCHED_SECONDS,
    AtomicWatch,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.preflight_cases import app, table

OLD, NEW = Profile.choose(Version(2, 5)), Profile.choose(Version(2, 6))


class Clock:
    """Time that passes only while somebody sleeps, and a little with every question."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: t.List[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(0.0, seconds)


class Servers:
    """One server, which counts refusals of the table with id 2."""

    def __init__(self, clock: Clock, *refused: float) -> None:
        self._clock = clock
        self._refused = list(refused)

    def ask(self) -> Answers[Counted]:
        self._clock.time += 0.5
        counted = Counted({2: {index: dict.fromkeys(KINDS, 0.0) for index in range(4)}})
        counted.refused["2"] = self._refused.pop(0)
        return Answers({"n:1": counted})


def watched(profile: Profile, *refused: float, busy: float = 0.0, **changed: t.Any) -> t.Tuple[Clock, v.AtomicWrites]:
    clock = Clock()
    watch = AtomicWatch(Servers(clock, *refused).ask, clock)
    clock.time += busy
    [found] = watch.end([table(atomic=None, **changed)], profile)
    assert found.atomic is not None
    return clock, found.atomic


@pytest.mark.parametrize(("then", "in_use"), [(3.0, False), (4.0, True), (1.0, True)])
def test_a_number_since_the_start_is_looked_at_twice(then: float, in_use: bool) -> None:
    clock, atomic = watched(NEW, 3.0, then)
    assert clock.slept == [WATCHED_SECONDS - 0.5]
    assert atomic.grown is not None and atomic.grown.seconds == WATCHED_SECONDS
    assert (atomic.in_use, atomic.refused) == (in_use, then)


def test_time_that_passed_anyway_counts() -> None:
    clock, atomic = watched(NEW, 3.0, 3.0, busy=60.0)
    assert clock.slept[0] < 0
    assert atomic.grown is not None and atomic.grown.seconds > 60


@pytest.mark.parametrize(("profile", "refused", "idempotent"), [(NEW, 0.0, False), (OLD, 3.0, False), (NEW, 3.0, True)])
def test_nothing_is_waited_for_where_it_could_tell_nothing(profile: Profile, refused: float, idempotent: bool) -> None:
    clock, atomic = watched(profile, refused, with_app={"atomic_idempotent": idempotent})
    assert clock.slept == []
    assert atomic.grown is None


def test_a_table_that_is_not_there_is_left_alone() -> None:
    clock = Clock()
    watch = AtomicWatch(Servers(clock, 3.0).ask, clock)
    gone = v.TableView(v.TableRequest("temp", "temp"), app(status="DROPPED"))
    assert watch.end([gone], NEW) == [gone]
    assert clock.slept == []
