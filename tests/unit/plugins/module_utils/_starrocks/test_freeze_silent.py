# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever single frontend is silent, or left out by the others, a freeze is lifted wherever it can be."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.freeze_world import (
    BY_SWITCH,
    Migration,
    World,
)

ADDRESSES = {f"fe{number}": f"h{number}:{9030 + number}" for number in range(3)}
OFF = {"fe0": "false", "fe1": "false", "fe2": "false"}


@pytest.fixture(params=["3.4.0", "3.5.1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["operate", "root"])
def migration(request: pytest.FixtureRequest, version: str, tmp_path: pathlib.Path) -> Migration:
    """With a job of each kind that runs; the user has OPERATE alone, or may use HTTP too."""
    world = World(version)
    world.no_http = request.param == "operate"
    world.add("a")
    world.add("p", "RUNNING", "pipe")
    return Migration(world, tmp_path)


def states(world: World) -> t.Dict[str, str]:
    return {name: job.state for (_kind, name), job in world.jobs.items()}


def not_lifted(migration: Migration) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        migration.lift()
    assert caught.value.code == "starrocks.not_lifted"
    return caught.value


def left(migration: Migration) -> t.List[str]:
    """What the journal still knows as ours."""
    return sorted(name.rpartition("/")[2] for name, past in migration.again().past().items() if past.changes)


@pytest.mark.parametrize("silent", ["fe0", "fe1", "fe2"])
def test_a_silent_frontend_keeps_nobody_frozen(migration: Migration, silent: str) -> None:
    """The others tell it, too. It is named as what is left, until it tells itself that it takes loads."""
    world = migration.world
    migration.freeze()
    world.silent.add(silent)
    error = not_lifted(migration)
    assert world.values == OFF
    assert states(world) == {"a": "NEED_SCHEDULE", "p": "RUNNING"}
    assert error.details["waiting"] == [f"{ADDRESSES[silent]} does not answer (starrocks.unreachable)"]
    assert error.details["leader_takes_loads"] is True
    # It was told once, as the server that was told answered for it.
    assert world.changes.count('ADMIN SET FRONTEND CONFIG ("disable_load_job" = "false")') == 1
    world.silent.clear()
    migration.lift()
    assert left(migration) == []


def test_a_frontend_that_nobody_reaches_is_told_when_it_is_back(migration: Migration) -> None:
    world = migration.world
    migration.freeze()
    world.silent.add("fe2")
    world.cut_off.add("fe2")
    not_lifted(migration)
    assert world.values == {**OFF, "fe2": "true"}
    assert states(world) == {"a": "NEED_SCHEDULE", "p": "RUNNING"}
    world.silent.clear()
    world.cut_off.clear()
    migration.lift()
    assert world.values == OFF
    assert left(migration) == []


def test_a_leader_that_nobody_reaches_holds_the_jobs_back(migration: Migration) -> None:
    """It decides about loads, so that what is resumed would stop again at once."""
    world = migration.world
    migration.freeze()
    world.silent.add("fe0")
    world.cut_off.add("fe0")
    if world.profile.set_runs_on == "leader":
        world.before_statement = _forwards_nothing
    error = not_lifted(migration)
    assert (world.values["fe0"], states(world)) == ("true", {"a": "PAUSED", "p": "SUSPEND"})
    assert error.details["leader_takes_loads"] is False
    world.before_statement = lambda _sql: None
    world.silent.clear()
    world.cut_off.clear()
    migration.lift()
    assert (world.values, states(world)) == (OFF, {"a": "NEED_SCHEDULE", "p": "RUNNING"})


def _forwards_nothing(sql: str) -> None:
    raise MigrationError("starrocks.not_leader", f"could not forward {sql}")


def test_what_a_killed_run_left_open_keeps_no_lift_from_being_tried(migration: Migration) -> None:
    world = migration.world
    freeze = Freeze(migration.cluster, migration.clock)
    changes = list(freeze.predict(freeze.look()))
    migration.freeze()
    migration.journal.intents(changes)
    world.silent.add("fe1")
    not_lifted(migration)
    assert (world.values, states(world)) == (OFF, {"a": "NEED_SCHEDULE", "p": "RUNNING"})
    # Of the one that is silent nobody knows how it ended.
    assert [entry.data["resource"] for entry in migration.journal.pending()] == ["starrocks:77/freeze/h1:9031"]
    world.silent.clear()
    migration.lift()
    assert (migration.journal.pending(), left(migration)) == ([], [])


def test_a_job_that_people_pause_after_a_partial_lift_is_theirs(migration: Migration) -> None:
    world = migration.world
    migration.freeze()
    world.silent.add("fe1")
    not_lifted(migration)
    assert "d.a" not in left(migration)
    world.jobs[("routine_load", "a")].state = "PAUSED"
    world.silent.clear()
    migration.lift()
    assert states(world) == {"a": "PAUSED", "p": "RUNNING"}


def test_a_frontend_that_the_leader_cannot_tell_is_told_by_itself(migration: Migration) -> None:
    """Up to 3.4 by a statement of its own; from 3.5 on that would be forwarded, so over HTTP or not at all."""
    world = migration.world
    world.cut_off.add("fe2")
    if world.no_http and world.profile.set_runs_on == "leader":
        with pytest.raises(MigrationError) as caught:
            migration.freeze()
        assert caught.value.code == "starrocks.freeze_unproved"
        assert caught.value.details["lacking"] == [ADDRESSES["fe2"]]
        assert caught.value.details["cause"] == "starrocks.access_denied"
        world.cut_off.clear()
        migration.freeze()
        world.cut_off.add("fe2")
        error = not_lifted(migration)
        assert error.details["waiting"] == [f"{ADDRESSES['fe2']} refuses loads"]
        assert (world.values, states(world)) == ({**OFF, "fe2": "true"}, {"a": "NEED_SCHEDULE", "p": "RUNNING"})
        return
    migration.freeze()
    assert set(world.values.values()) == {"true"}
    assert world.asked[-1] == "fe2" or world.changes[-1].startswith("fe2 ")
    migration.lift()
    assert (world.values, states(world)) == (OFF, {"a": "NEED_SCHEDULE", "p": "RUNNING"})


def test_somebody_elses_switch_keeps_no_freeze_on(migration: Migration) -> None:
    """Over HTTP it stays. Where that is refused, everybody is told, as the leader refuses loads because of us."""
    world = migration.world
    world.values["fe1"] = "true"
    migration.freeze()
    migration.lift()
    assert world.values == (OFF if world.no_http else {**OFF, "fe1": "true"})
    assert states(world) == {"a": "NEED_SCHEDULE", "p": "RUNNING"}
    assert left(migration) == []
    told = [change.resource for change in migration.record.changes if "/freeze/" in change.resource]
    assert ("starrocks:77/freeze/h1:9031" in told) is world.no_http


def test_somebody_elses_switch_of_the_leader_stays(migration: Migration) -> None:
    world = migration.world
    world.values["fe0"] = "true"
    world.tick()
    migration.freeze()
    if world.no_http:
        assert not_lifted(migration).details["leader_takes_loads"] is True
        assert set(world.values.values()) == {"true"}
    else:
        migration.lift()
        assert world.values == {**OFF, "fe0": "true"}
    assert states(world) == {"a": "PAUSED", "p": "RUNNING"}
    assert world.jobs[("routine_load", "a")].reason == BY_SWITCH


def test_a_silent_frontend_with_somebody_elses_switch_is_spared_over_http(migration: Migration) -> None:
    world = migration.world
    world.values["fe1"] = "true"
    migration.freeze()
    world.silent.add("fe1")
    not_lifted(migration)
    assert world.values == (OFF if world.no_http else {**OFF, "fe1": "true"})
    assert states(world) == {"a": "NEED_SCHEDULE", "p": "RUNNING"}


@pytest.mark.parametrize("silent", ["fe0", "fe1", "fe2"])
def test_a_silent_frontend_where_two_share_a_host(silent: str, version: str, tmp_path: pathlib.Path) -> None:
    """The one on the host of whoever carries the statement out is told by itself, if it answers."""
    world = World(version, ("h0", "h0", "h1"))
    world.add("a")
    migration = Migration(world, tmp_path)
    migration.freeze()
    world.silent.add(silent)
    not_lifted(migration)
    assert {name for name, value in world.values.items() if value == "true"} <= {silent}
    takes_loads = world.values["fe0"] == "false"
    assert states(world) == {"a": "NEED_SCHEDULE" if takes_loads else "PAUSED"}
    world.silent.clear()
    migration.lift()
    assert (world.values, states(world)) == (OFF, {"a": "NEED_SCHEDULE"})
