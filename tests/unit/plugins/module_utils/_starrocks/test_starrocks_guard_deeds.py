# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard of a freeze does while one frontend is silent: it lifts the rest, and goes on trying."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TlsSettings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import guard_deeds
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.freeze_world import (
    Migration,
    World,
)

CONNECTION = Connection((Address("h0", 9030),), "u", "", TlsSettings(), {}, connect_timeout=5.0, read_timeout=60.0)


@pytest.fixture
def migration(tmp_path: pathlib.Path) -> Migration:
    """A user with OPERATE alone, and a routine load that runs."""
    world = World("3.5.1")
    world.no_http = True
    world.add("a")
    return Migration(world, tmp_path)


@pytest.fixture
def patience(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> t.List[float]:
    """The read timeouts of the connections that a guard makes, all to the one world."""
    asked: t.List[float] = []

    def connect(connection: Connection, *_more: t.Any, **_options: t.Any) -> World:
        asked.append(connection.read_timeout)
        return migration.world

    monkeypatch.setattr(guard_deeds, "Cluster", connect)
    return asked


def freeze(migration: Migration) -> guard_deeds.FreezeDeeds:
    """Start a guard, then freeze."""
    kind = Freeze(migration.cluster, migration.clock)
    ours = kind.to_be_ours(kind.look())
    guarded = guard_deeds.Guarded(CONNECTION, "77", ours, frozenset())
    deeds = guard_deeds.FreezeDeeds(guarded, Redactor([]), migration.clock)
    deeds.self_test()
    migration.freeze()
    return deeds


def test_one_that_hangs_does_not_use_up_the_budget(migration: Migration, patience: t.List[float]) -> None:
    freeze(migration)
    assert sorted(patience) == [10.0, 60.0]


def test_a_guard_lifts_all_but_the_silent_frontend(migration: Migration, patience: t.List[float]) -> None:
    world = migration.world
    deeds = freeze(migration)
    world.silent.add("fe2")
    world.cut_off.add("fe2")
    world.changes.clear()
    assert [deeds.lift(), deeds.lift()] == [False, False]
    assert world.values == {"fe0": "false", "fe1": "false", "fe2": "true"}
    assert world.jobs[("routine_load", "a")].state == "NEED_SCHEDULE"
    assert deeds.told()["waiting"] == ["h2:9032 does not answer (starrocks.unreachable)"]
    # Nobody could tell it, so that it is tried again each time; the job goes on once.
    assert [change.split(" ")[0] for change in world.changes] == ["ADMIN", "RESUME", "ADMIN"]
    world.silent.clear()
    world.cut_off.clear()
    assert deeds.lift() is True
    assert set(world.values.values()) == {"false"}
    world.changes.clear()
    world.silent.add("fe1")
    deeds.watch()
    assert world.changes == []


def test_one_that_refuses_is_told_of_and_keeps_no_job_from_going_on(
    migration: Migration, patience: t.List[float]
) -> None:
    world = migration.world
    deeds = freeze(migration)
    world.cut_off.add("fe2")
    with pytest.raises(MigrationError) as caught:
        deeds.lift()
    assert caught.value.code == "starrocks.access_denied"
    assert deeds.told()["waiting"] == ["h2:9032 refuses loads"]
    assert world.jobs[("routine_load", "a")].state == "NEED_SCHEDULE"


def test_a_job_that_people_pause_later_is_theirs(migration: Migration, patience: t.List[float]) -> None:
    """A silent frontend can keep a guard for days. A pause that comes soon may be a late request of the module."""
    world = migration.world
    job = world.jobs[("routine_load", "a")]
    deeds = freeze(migration)
    world.silent.add("fe2")
    assert deeds.lift() is False
    job.state = "PAUSED"
    deeds.lift()
    assert job.state == "NEED_SCHEDULE"
    deeds.lift()
    migration.clock.advance(2 * CONNECTION.read_timeout + 1)
    deeds.lift()
    job.state = "PAUSED"
    deeds.lift()
    assert job.state == "PAUSED"
