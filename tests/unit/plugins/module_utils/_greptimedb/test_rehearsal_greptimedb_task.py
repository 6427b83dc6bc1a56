# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shadow table whose creation or removal was not answered for certain."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, Rows, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import rehearsal_task
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_options import rehearsal_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_task import RehearsalTask
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.fake_cluster import (
    Clock,
    FakeAdmin,
    FakeSql,
)

NAME = "dbops_rehearsal_1"
COLUMNS = ("table_schema", "table_name", "table_id", "engine", "create_options")
NONE = Rows(COLUMNS, ())
THERE = Rows(COLUMNS, (("public", NAME, 1024, "mito", ""),))
MASKED = ServerError("(Internal): Internal error: 1003", errno=1815, status="Internal")
UNCERTAIN = [
    MASKED,
    ServerError("(DeadlineExceeded): too late", errno=1317, status="DeadlineExceeded"),
    ServerError("no available server", http_status=503),
    ConnectionLost("gone", sent=True, address="db:4002"),
]


class Bench:
    """One cluster and one journal, and runs of the module against them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
        self.path = str(folder / "journal.jsonl")
        self.sql = FakeSql("1.1.4")

        def make(connection: t.Any, redactor: t.Any, clock: t.Any) -> GreptimeClient:
            return GreptimeClient(connection, redactor, clock, transport=self.sql, admin=FakeAdmin())  # type: ignore[arg-type]

        monkeypatch.setattr(rehearsal_task, "GreptimeClient", make)
        monkeypatch.setattr(rehearsal_task, "MigrationTask", NoMoves)

    def run(self, state: str, **answers: t.Any) -> t.Dict[str, t.Any]:
        """``tables``, ``create``, ``drop``: what is answered, in turn."""
        found = {"information_schema.tables": answers.get("tables", [NONE])}
        found["CREATE TABLE"] = answers.get("create", [Rows((), ())])
        found["DROP TABLE"] = answers.get("drop", [Rows((), ())])
        self.sql = FakeSql("1.1.4", found)
        spec = {**connection_argument_spec().argument_spec, **rehearsal_spec().argument_spec}
        params = {name: option.get("default") for name, option in spec.items()}
        params.update(frontend_host="db", state=state, table=answers.get("table", NAME))
        params.update(journal=self.path, migration_id="m")
        return RehearsalTask(params, False, Redactor([]), Clock()).body()

    def outcomes(self) -> t.List[str]:
        entries = Journal.read(self.path).entries
        return [entry.data["status"] for entry in entries if entry.kind == "change.outcome"]


class NoMoves:
    """Instead of waiting for a move of the shadow table's region."""

    def __init__(self, *_given: t.Any, **_more: t.Any) -> None:
        pass

    def body(self) -> None:
        pass


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Bench:
    return Bench(monkeypatch, tmp_path)


@pytest.mark.parametrize("answer", UNCERTAIN)
def test_a_table_that_is_made_behind_an_uncertain_answer_is_taken_away(bench: Bench, answer: Exception) -> None:
    with pytest.raises(MigrationError) as caught:
        bench.run("present", create=[answer])
    assert (caught.value.code, bench.outcomes()) == ("greptimedb.ambiguous", ["unknown"])
    assert bench.run("absent", tables=[THERE])["changed"]
    assert bench.sql.texts("DROP") == [f"DROP TABLE {NAME}"]


def test_a_table_that_comes_late_is_taken_away(bench: Bench) -> None:
    with pytest.raises(MigrationError):
        bench.run("present", create=[MASKED])
    assert bench.run("absent", tables=[NONE, NONE, NONE, THERE])["changed"]
    assert bench.sql.texts("DROP") == [f"DROP TABLE {NAME}"]


def test_a_table_that_never_comes_is_not_waited_for_without_end(bench: Bench) -> None:
    with pytest.raises(MigrationError):
        bench.run("present", create=[MASKED])
    assert not bench.run("absent")["changed"]
    assert bench.run("absent")["summary"] == "no rehearsal has left anything"


EXISTS = ServerError("(TableAlreadyExists): there is one", errno=1050, status="TableAlreadyExists")


def test_a_request_that_arrived_twice_is_still_ours(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _size: "1")
    with pytest.raises(MigrationError):
        bench.run("present", create=[EXISTS], table=None)
    assert bench.outcomes() == ["unknown"]
    assert bench.run("absent", tables=[THERE])["changed"]


def test_a_name_that_was_given_may_be_that_of_somebody_elses_table(bench: Bench) -> None:
    with pytest.raises(MigrationError):
        bench.run("present", create=[EXISTS])
    assert bench.outcomes() == ["failed"]


def test_a_table_whose_creation_was_refused_is_not_ours(bench: Bench) -> None:
    with pytest.raises(MigrationError):
        bench.run("present", create=[ServerError("(InvalidSyntax): no", errno=1149, status="InvalidSyntax")])
    assert bench.outcomes() == ["failed"]
    with pytest.raises(MigrationError) as caught:
        bench.run("absent", tables=[THERE])
    assert (caught.value.code, bench.sql.texts("DROP")) == ("greptimedb.rehearsal_not_ours", [])


@pytest.mark.parametrize("answer", UNCERTAIN)
def test_a_removal_with_an_uncertain_answer_is_settled_by_looking(bench: Bench, answer: Exception) -> None:
    with pytest.raises(MigrationError):
        bench.run("present", create=[MASKED])
    with pytest.raises(MigrationError):
        bench.run("absent", tables=[THERE], drop=[answer])
    assert bench.outcomes() == ["unknown", "unknown"]
    assert bench.run("absent", tables=[THERE, NONE], drop=[answer])["changed"]
    assert bench.run("absent")["summary"] == "no rehearsal has left anything"
