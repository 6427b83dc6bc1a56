# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import maintenance
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.maintenance import (
    RESOURCE,
    MaintenanceTask,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.fake_cluster import (
    Clock,
    FakeAdmin,
    FakeSql,
)

LOST = ConnectionLost("gone", sent=True, address="meta:4000")


class Bench:
    """One metasrv and one journal, and runs of the module against them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
        self.admin = FakeAdmin()
        self.version = "1.1.4"
        self.path = str(folder / "journal.jsonl")

        def make(connection: t.Any, redactor: t.Any, clock: t.Any) -> GreptimeClient:
            sql = FakeSql(self.version)
            return GreptimeClient(connection, redactor, clock, transport=sql, admin=self.admin)  # type: ignore[arg-type]

        monkeypatch.setattr(maintenance, "GreptimeClient", make)

    def run(self, state: str, check: bool = False, journal: bool = True, predicted: t.Any = None) -> t.Dict[str, t.Any]:
        params = {name: option.get("default") for name, option in connection_argument_spec().argument_spec.items()}
        params.update(frontend_host="db", state=state, journal=self.path if journal else None, migration_id="m")
        params["predicted_changes"] = predicted
        return MaintenanceTask(params, check, Redactor([]), Clock()).body()

    def journal(self) -> Journal:
        return Journal.open(self.path, migration_id="m", engine="greptimedb", clock=Clock(), redactor=Redactor([]))

    def outcomes(self) -> t.List[str]:
        entries = Journal.read(self.path).entries
        return [entry.data["status"] for entry in entries if entry.kind == "change.outcome"]

    def kinds(self) -> t.List[str]:
        return [entry.kind for entry in Journal.read(self.path).entries]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Bench:
    return Bench(monkeypatch, tmp_path)


def test_set_and_set_again(bench: Bench) -> None:
    predicted = bench.run("enabled", check=True)
    assert (predicted["changed"], bench.admin.enabled, bench.admin.sent) == (True, False, [])
    assert not pathlib.Path(bench.path).exists()
    first = bench.run("enabled")
    assert first["changed"]
    assert (first["former"], first["enabled"]) == (False, True)
    assert first["changes"] == predicted["changes"]
    assert first["changes"][0]["request"] == "POST /admin/maintenance/enable"
    assert first["diff"] == {"before": {RESOURCE: {"enabled": False}}, "after": {RESOURCE: {"enabled": True}}}
    assert bench.admin.sent == ["set True"]
    again = bench.run("enabled")
    assert (again["changed"], again["changes"], bench.admin.sent) == (False, [], ["set True"])


@pytest.mark.parametrize("as_text", [False, True])
def test_a_check_of_both_tasks_predicts_the_calls_of_both(bench: Bench, as_text: bool) -> None:
    predicted = [bench.run("enabled", check=True)["changes"]]
    given = json.dumps(predicted[0]) if as_text else predicted[0]
    back = bench.run("restored", check=True, predicted=given)
    predicted.append(back["changes"])
    assert (bench.admin.sent, pathlib.Path(bench.path).exists()) == ([], False)
    done = [bench.run("enabled")["changes"], bench.run("restored", predicted=given)["changes"]]
    assert predicted == done
    assert [one[0]["request"] for one in done] == ["POST /admin/maintenance/enable", "POST /admin/maintenance/disable"]
    assert back["changed"] is True and bench.admin.sent == ["set True", "set False"]


def test_a_check_predicts_no_way_back_where_nothing_would_be_changed(bench: Bench) -> None:
    bench.admin.enabled = True
    predicted = bench.run("enabled", check=True)["changes"]
    assert bench.run("restored", check=True, predicted=predicted)["changes"] == []


def test_what_a_killed_run_found_first_goes_back_in_a_check_too(bench: Bench) -> None:
    bench.run("enabled")
    bench.admin.enabled = False
    predicted = bench.run("enabled", check=True)["changes"]
    checked = bench.run("restored", check=True, predicted=predicted)
    bench.run("enabled")
    assert checked["changes"] == bench.run("restored")["changes"] != []


def test_changes_of_something_else_are_no_prediction(bench: Bench) -> None:
    other = [{"resource": "greptimedb.region/1", "before": {"leader_peer": 1}, "after": {"leader_peer": 2}}]
    assert bench.run("restored", check=True, predicted=other)["changes"] == []
    for wrong in ([{"resource": RESOURCE, "before": {}, "after": {}}], "nonsense"):
        with pytest.raises(MigrationError) as caught:
            bench.run("restored", check=True, predicted=wrong)
        assert "predicted_changes" in caught.value.message


def test_restore_puts_the_original_back_once(bench: Bench) -> None:
    bench.run("enabled")
    predicted = bench.run("restored", check=True)
    restored = bench.run("restored")
    assert (restored["changed"], bench.admin.enabled) == (True, False)
    assert restored["changes"] == predicted["changes"]
    assert restored["restore"]["action"] == "restore"
    again = bench.run("restored")
    assert (again["changed"], again["restore"]["original"]) == (False, None)
    assert bench.kinds().count("restore") == 1


def test_what_was_on_before_stays_on(bench: Bench) -> None:
    bench.admin.enabled = True
    assert not bench.run("enabled")["changed"]
    assert not bench.run("restored")["changed"]
    assert bench.admin.enabled is True
    assert bench.admin.sent == []


def test_the_first_state_found_is_the_original(bench: Bench) -> None:
    bench.run("enabled")
    bench.run("disabled")
    bench.run("enabled")
    bench.run("restored")
    assert bench.admin.enabled is False


def test_somebody_else_put_it_back_already(bench: Bench) -> None:
    bench.run("enabled")
    bench.admin.enabled = False
    restored = bench.run("restored")
    assert (restored["changed"], restored["restore"]["action"]) == (False, "already_original")


def test_without_a_journal_nothing_can_be_restored(bench: Bench) -> None:
    with pytest.raises(MigrationError) as caught:
        bench.run("restored", journal=False)
    assert "journal" in caught.value.message
    assert bench.admin.sent == []
    assert bench.run("enabled", journal=False)["changed"]


@pytest.mark.parametrize("applied", [True, False])
def test_killed_between_intent_and_outcome(bench: Bench, applied: bool) -> None:
    change = Change(RESOURCE, "set", {"enabled": False}, {"enabled": True}, "POST /admin/maintenance/enable")
    with bench.journal() as journal:
        journal.intents([change])
    bench.admin.enabled = applied
    again = bench.run("enabled")
    assert again["changed"] is not applied
    assert Journal.read(bench.path).pending() == []
    bench.run("restored")
    assert bench.admin.enabled is False


def test_killed_between_intent_and_outcome_and_restored_at_once(bench: Bench) -> None:
    change = Change(RESOURCE, "set", {"enabled": False}, {"enabled": True}, "POST /admin/maintenance/enable")
    with bench.journal() as journal:
        journal.intents([change])
    bench.admin.enabled = True
    assert bench.run("restored")["changed"]
    assert bench.admin.enabled is False
    assert Journal.read(bench.path).pending() == []


def test_a_lost_answer_that_was_applied_is_done(bench: Bench) -> None:
    bench.admin.set_error = LOST
    assert bench.run("enabled")["changed"]
    assert bench.admin.sent == ["set True"]


def test_a_lost_answer_that_was_not_applied_stays_unknown_and_is_tried_by_the_next_run(bench: Bench) -> None:
    bench.admin.set_error, bench.admin.applies = LOST, False
    with pytest.raises(MigrationError) as caught:
        bench.run("enabled")
    assert caught.value.code == "greptimedb.ambiguous"
    bench.admin.set_error, bench.admin.applies = None, True
    assert bench.run("enabled")["changed"]
    bench.run("restored")
    assert bench.admin.enabled is False


@pytest.mark.parametrize("answer", [None, LOST])
@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("read", [ServerError("no available server", http_status=503), None, False])
def test_what_could_not_be_read_back_is_put_back(
    bench: Bench, answer: t.Optional[Exception], again: bool, read: t.Any
) -> None:
    bench.admin.set_error, bench.admin.reads_behind = answer, [read]
    with pytest.raises(MigrationError):
        bench.run("enabled")
    assert bench.outcomes() == ["unknown"]
    bench.admin.set_error, bench.admin.reads_behind = None, []
    if again:
        assert not bench.run("enabled")["changed"]
    restored = bench.run("restored")
    assert (restored["changed"], restored["restore"]["action"]) == (True, "restore")
    assert bench.admin.enabled is False


def test_what_was_refused_is_not_ours(bench: Bench) -> None:
    bench.admin.set_error, bench.admin.applies = ServerError("bad parameter", http_status=400), False
    with pytest.raises(MigrationError):
        bench.run("enabled")
    assert bench.outcomes() == ["failed"]
    assert bench.run("restored")["changes"] == []


def test_an_answer_that_tells_nothing_is_left_alone(bench: Bench) -> None:
    bench.admin.enabled = None
    with pytest.raises(MigrationError) as caught:
        bench.run("enabled")
    assert caught.value.code == "greptimedb.maintenance_unknown"
    assert bench.admin.sent == []


def test_a_server_without_it(bench: Bench) -> None:
    bench.version = "0.7.1"
    with pytest.raises(MigrationError) as caught:
        bench.run("enabled")
    assert caught.value.code == "greptimedb.no_maintenance_mode"


def test_a_journal_of_another_migration_is_refused_before_anything_is_sent(bench: Bench) -> None:
    Journal.open(bench.path, migration_id="other", engine="greptimedb", clock=Clock(), redactor=Redactor([])).close()
    with pytest.raises(MigrationError) as caught:
        bench.run("enabled")
    assert caught.value.code == "journal.other_migration"
    assert bench.admin.sent == []
