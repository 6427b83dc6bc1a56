# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_task, table_standing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import journal_tables as jt
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import cutover_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_task import CutoverTask
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import standing_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.duplication_world import Scene

Record = t.Tuple[str, t.Dict[str, t.Any]]
HERE = "pegasus:onebox-a/table/"


def intent(resource: str, action: str = "set") -> Record:
    data: t.Dict[str, t.Any] = {
        "id": resource + action,
        "resource": resource,
        "action": action,
        "before": None,
        "after": {},
    }
    return "change.intent", data


def outcome(of: Record, status: str) -> Record:
    return "change.outcome", {"id": of[1]["id"], "status": status}


def added(table: str) -> Record:
    return intent(f"{HERE}{table}/duplication/onebox-b", "add")


def ended(kind: str, table: str) -> Record:
    return f"cutover.{kind}", {"table": table}


LEVEL = intent("pegasus:onebox-a/meta_level")
REHEARSED = ("rehearsal.started", {"table": "dbops_rehearsal_1", "cluster": "onebox-a", "target": "onebox-b"})


def entries(*records: Record) -> t.List[Entry]:
    return [Entry(seq, "2026-11-21T03:14:00.000Z", kind, data, "", "") for seq, (kind, data) in enumerate(records)]


@pytest.mark.parametrize(
    ("records", "tables"),
    [
        ([], []),
        ([LEVEL], []),
        ([added("a"), LEVEL, added("b"), added("a")], ["a", "b"]),
        ([added("a"), outcome(added("a"), "unknown")], ["a"]),
        ([added("a"), outcome(added("a"), "failed")], []),
        ([intent(f"{HERE}a/duplication/onebox-b", "adopt")], ["a"]),
        ([intent(f"{HERE}a/duplication/onebox-b", "remove")], []),
        ([intent(f"{HERE}a/env/replica.deny_client_request")], ["a"]),
        ([intent(f"{HERE}a/env/replica.write_throttling")], []),
        ([intent("pegasus:onebox-b/table/x", "drop")], []),
        ([ended("committed", "a"), ended("handed_over", "b"), ended("lifted", "c")], ["a", "b", "c"]),
        ([REHEARSED, added("dbops_rehearsal_1"), ended("committed", "dbops_rehearsal_1")], []),
    ],
)
def test_which_tables_a_journal_has_migrated(records: t.List[Record], tables: t.List[str]) -> None:
    assert jt.migrated(entries(*records)) == tables


@pytest.mark.parametrize(
    "asked", [["a"], ["b", "new"], ["dbops_rehearsal_1"]], ids=["the same", "a list that grows", "its rehearsal"]
)
def test_a_journal_that_knows_one_of_the_tables_is_theirs(asked: t.List[str]) -> None:
    jt.require_their_journal(entries(added("a"), REHEARSED, added("b")), asked, "/j")


def test_a_journal_without_tables_is_anyones() -> None:
    jt.require_their_journal(entries(LEVEL, REHEARSED, added("dbops_rehearsal_1")), ["dbops_rehearsal_2"], "/j")


def test_what_is_told_of_the_journal_of_other_tables() -> None:
    many = [added(f"t{number}") for number in range(12)]
    with pytest.raises(MigrationError) as caught:
        jt.require_their_journal(entries(*many), ["mine"], "/j.jsonl")
    error = caught.value
    assert error.code == "journal.other_tables"
    for words in ("journal: /j.jsonl", "t9 and 2 more", "(mine)", "still free", "correct tables"):
        assert words in error.message, error.message
    assert "t10" not in error.message
    assert error.details["option"] == "journal" and error.details["known"] == [f"t{number}" for number in range(10)]


# ---- before any server is contacted


@pytest.fixture
def journal(tmp_path: pathlib.Path) -> str:
    path = str(tmp_path / "journal.jsonl")
    opened = Journal.open(path, migration_id="m", engine="pegasus", clock=SystemClock(), redactor=Redactor([]))
    opened.append_many([added("orders"), outcome(added("orders"), "done")])
    opened.close()
    return path


def given(spec: t.Any, **more: t.Any) -> t.Dict[str, t.Any]:
    options = {"meta_servers": "127.0.0.1:1", "target_meta_servers": "127.0.0.1:2", "tables": "temp", **more}
    return {**{name: one.get("default") for name, one in spec.argument_spec.items()}, **options}


def test_the_standing_of_other_tables(journal: str) -> None:
    clock: t.Any = FakeClock()
    with pytest.raises(MigrationError) as caught:
        table_standing.gather_standing(given(standing_argument_spec(), journal=journal), Redactor([]), clock)
    assert caught.value.code == "journal.other_tables"


def test_a_duplication_of_other_tables(journal: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, tmp_path)
    for check in (True, False):
        for state in ("paused", "absent"):
            result = scene.call(check, journal=journal, migration_id="", state=state)
            assert (result["code"], scene.world.asked) == ("journal.other_tables", 0), result
    assert "orders" in result["msg"] and "(t)" in result["msg"]
    # One that comes to the migration later is new to its journal.
    assert scene.call(True, journal=journal, migration_id="", state="present").get("code") != "journal.other_tables"


def test_a_cutover_of_other_tables(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: t.List[str] = []
    clock: t.Any = FakeClock()
    monkeypatch.setattr(cutover_task, "Eyes", lambda request, _clock: asked.extend(request.tables))
    task = CutoverTask(given(cutover_argument_spec(), journal=journal, switch="hand_over"), False, Redactor([]), clock)
    with pytest.raises(MigrationError) as caught:
        task.body()
    assert (caught.value.code, asked) == ("journal.other_tables", [])
