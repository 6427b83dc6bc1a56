# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A freeze stops everything, and its end undoes exactly what it did, whatever others do in between."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import tempfile
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_jobs import JobReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import unended
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import LIFTED_KIND, FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_thaw import Plainly, Thaw
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.freeze_world import (
    BY_SWITCH,
    Job,
    Migration,
    World,
)


@pytest.fixture
def migration(tmp_path: pathlib.Path) -> Migration:
    return Migration(World(), tmp_path)


def test_freeze_and_lift(migration: Migration) -> None:
    world = migration.world
    world.add("a")
    world.add("b", "NEED_SCHEDULE")
    world.add("c", "PAUSED")
    world.add("p", "RUNNING", "pipe")
    freeze = Freeze(migration.cluster, migration.clock)
    predicted = [change.as_result() for change in freeze.predict(freeze.look())]
    migration.freeze()
    assert [change.as_result() for change in migration.record.changes] == predicted
    assert world.changes == [
        "ALTER PIPE `d`.`p` SUSPEND",
        "PAUSE ROUTINE LOAD FOR `d`.`a`",
        "PAUSE ROUTINE LOAD FOR `d`.`b`",
        'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")',
    ]
    assert freeze.look().frozen
    world.changes.clear()
    thaw = Thaw(migration.cluster, migration.again().past(), ())
    # One at a time, as resuming only makes sense once loads are taken again.
    assert [change.action for change in thaw.predict()] == ["restore"] * 6
    migration.lift()
    assert world.changes == [
        'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "false")',
        "ALTER PIPE `d`.`p` RESUME",
        "RESUME ROUTINE LOAD FOR `d`.`a`",
        "RESUME ROUTINE LOAD FOR `d`.`b`",
    ]
    assert not any(past.changes for past in migration.again().past().values())
    world.changes.clear()
    migration.lift()
    assert world.changes == []


def test_jobs_count_in_a_database_that_has_no_transaction(migration: Migration) -> None:
    """The server may list only databases that have some, and a load may not have begun one yet."""
    world = migration.world
    world.loading = ()
    world.add("a")
    world.add("p", "RUNNING", "pipe")
    world.jobs[("pipe", "s")] = Job("pipe", "_statistics_", "s", "9", "RUNNING")
    migration.freeze()
    assert world.changes[:2] == ["ALTER PIPE `d`.`p` SUSPEND", "PAUSE ROUTINE LOAD FOR `d`.`a`"]
    migration.lift()
    assert world.changes[-2:] == ["ALTER PIPE `d`.`p` RESUME", "RESUME ROUTINE LOAD FOR `d`.`a`"]
    assert not any("`s`" in sql for sql in world.changes)


def test_jobs_that_are_asked_for_by_database_are_those_of_all() -> None:
    """Versions without the views: the list of databases is the one that has every database."""

    class Old:
        def query(self, sql: str, doing: str) -> Rows:
            if "information_schema.columns" in sql:
                return Rows(("TABLE_NAME",), ())
            if sql == "SHOW PROC '/dbs'":
                return Rows(("DbId", "DbName"), ((1, "default_cluster:d"), (2, "_statistics_"), (3, "e")))
            database = sql.split("`")[1]
            assert sql == f"SHOW ROUTINE LOAD FROM `{database}`"
            return Rows(("Id", "Name", "DbName", "State"), (("7", "j", f"default_cluster:{database}", "RUNNING"),))

        def execute(self, sql: str, doing: str) -> Rows:
            raise AssertionError(sql)

    assert [job.database for job in JobReader(Old()).jobs()] == ["d", "e"]


def test_what_comes_after_the_end_of_a_freeze_is_known_before_it(migration: Migration) -> None:
    """As check mode predicts a cutover that begins with lifting what a killed one has left."""
    world = migration.world
    world.add("a")
    world.add("c", "PAUSED")
    world.add("p", "RUNNING", "pipe")
    freeze = migration.freeze()
    world.add("d", "RUNNING")
    world.tick()  # it meets the switch
    ahead = Thaw(migration.cluster, migration.again().past(), ()).predict()
    after = freeze.look().after(world.cluster_id, ahead)
    predicted = [*ahead, *freeze.predict(after)]
    assert freeze.predict(freeze.look()).changed is False
    assert [job.name for job in after.running] == ["p", "a", "d"]
    world.changes.clear()
    migration.lift()
    lifted = freeze.look()
    assert lifted.switch == after.switch
    assert [(job.key, job.state) for job in lifted.jobs] == [(job.key, job.state) for job in after.jobs]
    migration.record = migration.again()
    migration.freeze()
    requests = [change.request for change in predicted]
    assert [str(one["sql"]) for one, _same in itertools.groupby(requests)] == world.changes


def test_a_lift_settles_what_a_killed_run_left_open(migration: Migration) -> None:
    """Also of a frontend that is gone since, which nobody can ask any more."""
    migration.world.add("a")
    freeze = Freeze(migration.cluster, migration.clock)
    changes = list(freeze.predict(freeze.look()))
    migration.freeze()
    gone = dataclasses.replace(changes[-1], resource=f"{changes[-1].resource}0")
    ids = migration.journal.intents([*changes, gone])
    assert len(migration.journal.pending()) == len(ids)
    migration.lift()
    assert migration.journal.pending() == []
    found = migration.journal.view().last_outcomes()
    assert [found[name].data["status"] for name in ids] == ["done"] * len(changes) + ["abandoned"]
    assert not freeze.look().frozen


def test_a_lift_that_was_killed_before_its_proof_is_ended_by_the_next_run(
    migration: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        """The process is gone."""

    def dies(self: FreezeRecord, kind: str, items: t.Any) -> None:
        raise Killed

    def ends() -> t.List[str]:
        return [entry.kind for entry in migration.journal.entries if entry.kind in ("proof", LIFTED_KIND)][-2:]

    migration.world.add("a")
    cluster_id = migration.world.cluster_id
    assert not unended(migration.journal.entries, cluster_id)
    migration.freeze()
    with monkeypatch.context() as patch:
        patch.setattr(FreezeRecord, "proof", dies)
        with pytest.raises(Killed):
            migration.lift()
    assert not any(one.changes for one in migration.record.past().values())  # All is as it was, and nobody said so.
    assert unended(migration.journal.entries, cluster_id)
    migration.lift()
    assert ends() == ["proof", LIFTED_KIND]
    assert migration.journal.entries[-2].data["items"]
    assert not unended(migration.journal.entries, cluster_id)
    written = len(migration.journal.entries)
    migration.lift()
    assert len(migration.journal.entries) == written


@pytest.mark.parametrize("version", ["3.4.0", "3.5.1"])
def test_a_frontend_on_the_leaders_host_is_told_for_itself(version: str, tmp_path: pathlib.Path) -> None:
    world = World(version, ("h0", "h0", "h1"))
    migration = Migration(world, tmp_path)
    migration.freeze()
    assert set(world.values.values()) == {"true"}
    assert (world.changes[-1] == "fe1 /api/_set_config?disable_load_job=true") == (version == "3.5.1")
    migration.lift()
    assert set(world.values.values()) == {"false"}


def test_somebody_elses_switch_stays(migration: Migration) -> None:
    """One frontend was switched off before: lifting must not tell the leader, who tells everybody."""
    migration.world.values["fe1"] = "true"
    migration.freeze()
    migration.lift()
    assert migration.world.values == {"fe0": "false", "fe1": "true", "fe2": "false"}


def test_a_restarted_frontend_is_set_again(migration: Migration) -> None:
    freeze = migration.freeze()
    deadline = Deadline(migration.clock, 60, "test")
    assert freeze.hold(migration.record, deadline) is True
    migration.world.values["fe2"] = "false"
    assert freeze.hold(migration.record, deadline) is False
    assert migration.world.values["fe2"] == "true"
    assert freeze.reasserted == 1
    migration.lift()
    assert set(migration.world.values.values()) == {"false"}


def test_a_freeze_that_cannot_be_proved(tmp_path: pathlib.Path) -> None:
    world = World("3.5.1", ("h0", "h0", "h1"))
    world.deaf.add("fe1")
    migration = Migration(world, tmp_path)
    with pytest.raises(MigrationError) as caught:
        migration.freeze()
    assert caught.value.code == "starrocks.freeze_unproved"
    assert caught.value.details["lacking"] == ["h0:9031"]
    migration.lift()
    assert set(world.values.values()) == {"false"}


def test_a_lost_reply_is_settled_by_looking(migration: Migration) -> None:
    migration.world.add("a")
    migration.world.lose_replies = 2
    migration.freeze()
    assert migration.world.changes.count("PAUSE ROUTINE LOAD FOR `d`.`a`") == 1
    migration.lift()
    assert migration.world.jobs[("routine_load", "a")].state == "NEED_SCHEDULE"


def test_a_killed_freeze_is_undone_by_the_next_run(migration: Migration) -> None:
    """The process ends between the intent and whatever comes behind it."""
    migration.world.add("a")

    class Killed(Exception):
        pass

    def kill(sql: str) -> None:
        if "ADMIN" in sql:
            raise Killed

    migration.world.before_statement = kill
    with pytest.raises(Killed):
        migration.freeze()
    migration.world.before_statement = lambda _sql: None
    migration.lift()
    assert migration.world.jobs[("routine_load", "a")].state == "NEED_SCHEDULE"
    assert set(migration.world.values.values()) == {"false"}


def test_a_job_that_our_switch_stopped_goes_on(migration: Migration) -> None:
    stopped_by_others = migration.world.add("old", "PAUSED")
    stopped_by_others.reason = BY_SWITCH
    migration.freeze()
    migration.world.add("late")
    migration.world.tick()
    migration.lift()
    assert migration.world.jobs[("routine_load", "late")].state == "NEED_SCHEDULE"
    assert stopped_by_others.state == "PAUSED"


@pytest.mark.parametrize("how", ["expired", "dropped with its database"])
def test_a_job_that_the_server_has_forgotten_holds_nothing_up(migration: Migration, how: str) -> None:
    """A load that has ended is kept for days (label_keep_max_second), and one of a dropped database not at all."""
    world = migration.world
    for name in ("a", "b"):
        world.add(name)
    world.add("p", "RUNNING", "pipe")
    migration.freeze()
    world.jobs.pop(("routine_load", "a"))
    if how != "expired":
        world.jobs.pop(("routine_load", "b"))
        world.dropped.add("d")
    migration.lift()
    assert set(world.values.values()) == {"false"}
    assert world.jobs[("pipe", "p")].state == "RUNNING"
    if how == "expired":
        assert world.jobs[("routine_load", "b")].state == "NEED_SCHEDULE"
    assert not any(past.changes for past in migration.again().past().values())


def test_a_guard_needs_no_journal(migration: Migration) -> None:
    migration.world.add("a")
    freeze = Freeze(migration.cluster, migration.clock)
    look = freeze.look()
    ours = freeze.to_be_ours(look)
    freeze.apply(look, migration.record, Deadline(migration.clock, 60, "test"))
    assert ours == migration.again().past()
    assert Thaw(migration.cluster, ours, ()).step(Plainly()).done
    assert set(migration.world.values.values()) == {"false"}
    assert migration.world.jobs[("routine_load", "a")].state == "NEED_SCHEDULE"


STATES = st.sampled_from(["RUNNING", "NEED_SCHEDULE", "PAUSED"])
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("switch"), st.integers(0, 2), st.sampled_from(["true", "false"])),
        st.tuples(st.just("job"), st.integers(0, 2), st.sampled_from(["RUNNING", "PAUSED", "STOPPED", "gone", "new"])),
    ),
    max_size=4,
)


@given(
    st.sampled_from(["3.1.9", "3.4.0", "3.5.1"]),
    st.lists(st.sampled_from(["h0", "h1", "h2"]), min_size=3, max_size=3),
    st.lists(st.sampled_from(["true", "false", "false"]), min_size=3, max_size=3),
    st.lists(STATES, min_size=3, max_size=3),
    EDITS,
)
def test_only_what_we_did_is_undone(
    version: str, hosts: t.List[str], values: t.List[str], states: t.List[str], edits: t.List[t.Any]
) -> None:
    world = World(version, hosts)
    world.values = dict(zip(world.values, values))
    for index, state in enumerate(states):
        world.add(f"j{index}", state)
    world.tick()
    before = {name: job.state for (_kind, name), job in world.jobs.items()}
    switched = set()
    edited: t.Dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        migration = Migration(world, pathlib.Path(folder))
        migration.freeze()
        assert set(world.values.values()) == {"true"}
        assert not [job for job in world.jobs.values() if job.state != "PAUSED"]
        for what, index, value in edits:
            if what == "switch":
                world.values[f"fe{index}"] = value
                switched.add(f"fe{index}")
            else:
                name = f"j{index}"
                edited[name] = value
                if value == "gone":
                    world.jobs.pop(("routine_load", name), None)
                elif value == "new":
                    world.add(name, "PAUSED", job_id="2")
                elif ("routine_load", name) in world.jobs:
                    world.jobs[("routine_load", name)].state = value
                    world.jobs[("routine_load", name)].reason = ""
            world.tick()
        theirs = dict(world.values)
        migration.lift()
        migration.journal.close()
    for name, value in zip(world.values, values):
        # One that was on before is not ours: it is as others left it. All others let loads in again.
        assert world.values[name] == (theirs[name] if value == "true" else "false")
    for name, state in before.items():
        job = world.jobs.get(("routine_load", name))
        if name not in edited and state != "PAUSED":
            assert job is not None
            assert job.state == "NEED_SCHEDULE" or world.values["fe0"] == "true"
        elif name not in edited:
            assert job is not None
            assert job.state == "PAUSED"
        elif edited[name] == "gone":
            assert job is None
        elif edited[name] == "new":
            assert job is not None
            assert (job.state, job.job_id) == ("PAUSED", "2")
        elif edited[name] == "STOPPED" and job is not None:
            assert job.state == "STOPPED"
