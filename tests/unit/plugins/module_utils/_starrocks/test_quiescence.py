# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a source is at rest, and how long a cutover takes."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import quiescence as qu
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import (
    cutover_argument_spec,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.forecast import (
    Pace,
    forecast,
    require_budget,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_jobs import RUNNING, LoadJob
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

TRANSACTIONS = ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType")


class Source:
    """Answers by the beginning of a statement."""

    def __init__(self, **answers: Rows) -> None:
        self.running = answers.get("running", Rows(TRANSACTIONS, ()))
        self.alter = answers.get("alter", Rows(("TableName", "State"), ()))
        self.loads = answers.get("loads", Rows(("LABEL", "STATE", "TYPE"), ()))
        self.without_optimize = False
        self.databases = answers.get("databases", Rows(("DbId", "DbName"), ((1, "d"), (2, "_statistics_"))))
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        if sql == "SHOW PROC '/transactions'":
            return self.databases
        if sql.startswith("SHOW PROC"):
            return self.running
        if "OPTIMIZE" in sql:
            raise MigrationError("starrocks.syntax", "")
        return self.alter if sql.startswith("SHOW ALTER") else self.loads


class Migrating:
    """Tables by database."""

    def __init__(self, **databases: int) -> None:
        self.databases = databases


OURS = Migrating(d=1)


def look(value: str = "true", *jobs: LoadJob) -> FreezeLook:
    frontend = Frontend("a", "h", 9030, 8030, 9020, "LEADER", True, "7", "", "")
    return FreezeLook(fs.SwitchLook({frontend: value}, {}, ()), jobs)


def unmet(source: Source, freeze: FreezeLook) -> t.Dict[str, t.Tuple[str, ...]]:
    return {one.name: one.evidence for one in qu.QuietReader(source, OURS).conditions(freeze) if not one.met}


def test_all_conditions_have_evidence() -> None:
    conditions = qu.QuietReader(Source(), OURS).conditions(look())
    assert [one.name for one in conditions] == [qu.SWITCHED_OFF, qu.NO_TRANSACTIONS, qu.NO_JOBS]
    assert all(one.met and one.evidence for one in conditions)


@pytest.mark.parametrize(
    ("source", "freeze", "name"),
    [
        (Source(), look("false"), qu.SWITCHED_OFF),
        (Source(running=Rows(TRANSACTIONS, ((9, "l", "PREPARE", "INSERT_STREAMING"),))), look(), qu.NO_TRANSACTIONS),
        # Committed and not yet visible: it will still change versions.
        (Source(running=Rows(TRANSACTIONS, ((9, "l", "COMMITTED", "DELETE"),))), look(), qu.NO_TRANSACTIONS),
        (Source(alter=Rows(("TableName", "State"), (("t", "RUNNING"),))), look(), qu.NO_JOBS),
        (Source(loads=Rows(("LABEL", "STATE", "TYPE"), (("l", "LOADING", "BROKER"),))), look(), qu.NO_JOBS),
        (Source(), look("true", LoadJob("pipe", "d", "p", "1", RUNNING, "RUNNING")), qu.NO_JOBS),
    ],
)
def test_each_condition_alone(source: Source, freeze: FreezeLook, name: str) -> None:
    found = unmet(source, freeze)
    assert list(found) == [name]
    assert found[name]


def test_what_a_freeze_does_not_stop_is_told_before_all_that_it_does() -> None:
    """Only the first few are told, and the gate looks for ALTER jobs among them."""
    loads = [LoadJob("pipe", "d", f"p{number}", "1", RUNNING, "RUNNING") for number in range(9)]
    found = unmet(Source(alter=Rows(("TableName", "State"), (("t", "RUNNING"),))), look("true", *loads))
    assert any(one.startswith("ALTER") for one in found[qu.NO_JOBS])


def test_compaction_is_no_write_and_old_versions_know_no_optimize() -> None:
    source = Source(running=Rows(TRANSACTIONS, ((9, "l", "PREPARE", "LAKE_COMPACTION"),)))
    reader = qu.QuietReader(source, OURS)
    assert all(one.met for one in reader.conditions(look()))
    reader.conditions(look())
    assert sum("OPTIMIZE" in sql for sql in source.asked) == 1


def test_databases_with_nothing_to_migrate_are_not_asked_for() -> None:
    """Each costs four statements in every look of a cutover; what goes on there is in no comparison."""
    listed = tuple((number, name) for number, name in enumerate(["d", "empty", "theirs", "_statistics_"]))
    source = Source(
        databases=Rows(("DbId", "DbName"), listed),
        running=Rows(TRANSACTIONS, ((9, "l", "PREPARE", "INSERT_STREAMING"),)),
    )
    reader = qu.QuietReader(source, Migrating(d=3, empty=0))
    unmet_now = [one for one in reader.conditions(look()) if not one.met]
    assert [one.evidence for one in unmet_now] == [("1 running", "d: l (INSERT_STREAMING, PREPARE)")]
    about = [sql for sql in source.asked if sql.startswith("SHOW ALTER") or "/running'" in sql]
    assert about[:2] == ["SHOW PROC '/transactions/0/running'", "SHOW ALTER TABLE COLUMN FROM `d`"]
    assert len(about) == 4


def test_an_alter_job_counts_in_a_database_that_has_no_transaction() -> None:
    """The server may list only those that have some."""
    source = Source(databases=Rows(("DbId", "DbName"), ()), alter=Rows(("TableName", "State"), (("t", "RUNNING"),)))
    assert list(unmet(source, look())) == [qu.NO_JOBS]


@pytest.mark.parametrize("listed", [(), ((1, "d"),)])
def test_a_database_that_is_dropped_meanwhile_has_no_alter_jobs(listed: t.Tuple[t.Tuple[int, str], ...]) -> None:
    class Dropped(Source):
        def query(self, sql: str, doing: str) -> Rows:
            if sql.startswith("SHOW ALTER"):
                raise MigrationError("starrocks.unknown_database", "")
            return super().query(sql, doing)

    source = Dropped(databases=Rows(("DbId", "DbName"), listed))
    if listed:
        # The server has just named it, so the user may only not see it.
        with pytest.raises(MigrationError):
            unmet(source, look())
    else:
        assert unmet(source, look()) == {}


def test_two_looks_at_the_same_versions() -> None:
    clock = FakeClock()
    watch = qu.QuietWatch(clock, 10)
    assert watch.looked("a", clock.monotonic()).met is False
    clock.advance(9)
    assert watch.looked("a", clock.monotonic()).met is False
    clock.advance(2)
    assert watch.looked("b", clock.monotonic()).met is False
    clock.advance(11)
    # The look has taken long: only its beginning counts.
    assert watch.looked("b", clock.monotonic() - 5).met is False
    assert watch.looked("b", clock.monotonic()).met is True
    watch.forget()
    assert watch.looked("b", clock.monotonic()).met is False


PACE = Pace(
    frontends=3, jobs=2, round_trip=0.01, look=0.5, drain=0.1, foreign=0.1, quiet=10, transactions=5, meta=180,
    replicate=20, copy=10, poll=2, stop=2, hook=60,
)  # fmt: skip


def test_forecast_grows_with_what_it_depends_on() -> None:
    base = forecast(PACE)
    assert base == forecast(PACE)
    assert base.held_p50 < base.held_p95
    for name in ("meta", "quiet", "copy", "look", "drain", "foreign", "hook", "round_trip"):
        longer = forecast(dataclasses.replace(PACE, **{name: getattr(PACE, name) * 4 + 300}))
        assert longer.minimum_budget > base.minimum_budget, name
    without_tool = forecast(dataclasses.replace(PACE, meta=0.0))
    assert without_tool.held_p95 < base.held_p95


def test_budget() -> None:
    found = forecast(PACE)
    require_budget(found, found.minimum_budget)
    with pytest.raises(MigrationError) as caught:
        require_budget(found, 60)
    assert caught.value.code == "starrocks.budget_too_small"
    assert caught.value.details["minimum_budget"] >= found.minimum_budget


def params(**given: t.Any) -> t.Dict[str, t.Any]:
    spec = cutover_argument_spec().argument_spec
    known = {name: option.get("default") for name, option in spec.items()}
    return {**known, "frontends": "a", "target_frontends": "b", "tool_directory": "/opt/t", **given}


def test_options() -> None:
    request = read_request(params(include_data_list="d1, d2.t", meta_job_interval="20s", budget="2m"))
    assert (request.budget, request.meta_interval, request.replication_interval) == (120, 20, None)
    assert request.scope.takes("d2", "t")
    assert not request.scope.takes("d2", "other")
    assert read_request(params(tool_directory=None, tool_is_stopped=True)).tool_directory == ""
    assert read_request(params(tool_directory=None, state="committed")).state == "committed"


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"tool_directory": None}, "tool_directory"),
        ({"tool_is_stopped": True}, "tool_is_stopped"),
        ({"tool_directory": "here"}, "tool_directory"),
        ({"budget": "5 parsecs"}, "budget"),
        ({"include_data_list": "a.b.c"}, "include_data_list"),
        ({"max_behind": "-1"}, "max_behind"),
        ({"target_frontends": "a"}, "target_frontends"),
    ],
)
def test_bad_options_are_named(given: t.Dict[str, t.Any], option: str) -> None:
    with pytest.raises(MigrationError) as caught:
        read_request(params(**given))
    assert option in caught.value.message


def test_all_bad_options_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_request(params(budget="x", quiet_time="y"))
    assert len(caught.value.problems) == 2
