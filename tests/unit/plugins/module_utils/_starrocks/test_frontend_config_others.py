# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another migration has set already is told, since its restore would take it away while this one copies."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import frontend_config_send as sending
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import frontend_config_task as tasks
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import Setting
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import ConfigOptions, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import ConfigRow
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import resource
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

KEY = "lake_compaction_max_tasks"
FRONTEND = Frontend("fe0", "a", 9030, 8030, 9020, "LEADER", True, "1", "4.1.0", "")
OTHER = dataclasses.replace(FRONTEND, host="b", role="FOLLOWER")


class Cluster:
    """Two frontends. ``sent``: what was set; ``values``: what each of them has."""

    cluster_id, version = "7", "4.1.0"

    def __init__(self, key: str, values: t.Sequence[str]) -> None:
        known = {KEY: Setting(KEY, "int", "-1", True)}
        self.profile = types.SimpleNamespace(
            with_persistent=False, set_runs_on="leader", settings=known, update_be_configs=True
        )
        self.key = key
        self.values = dict(zip((FRONTEND, OTHER), values))
        self.sent: t.List[str] = []

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def frontends(self, refresh: bool = False) -> t.Sequence[Frontend]:
        return tuple(self.values)

    def leader(self) -> Frontend:
        return FRONTEND

    def execute_on(self, _frontend: Frontend, sql: str, _doing: str) -> None:
        self.sent.append(sql)
        self.values = dict.fromkeys(self.values, sql.split('"')[3])

    def on_each(self, frontends: t.Sequence[Frontend], ask: t.Callable[[Frontend], t.Any]) -> t.Tuple[t.Any, t.Any]:
        return {one: ask(one) for one in frontends}, {}


class Case:
    """Calls of the module with one journal."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "journal.jsonl"
        self.given: t.Dict[str, t.Any] = {"journal": str(self.path), "migration_id": "m"}
        self._patch = monkeypatch

    def call(self, cluster: Cluster, wanted: str = "0", check: bool = False) -> t.Dict[str, t.Any]:
        def row(_cluster: Cluster, frontend: Frontend, key: str) -> ConfigRow:
            return ConfigRow(key, (), cluster.values[frontend], "int", True)

        def rows(_cluster: Cluster, frontends: t.Sequence[Frontend], keys: t.Sequence[str]) -> t.Dict[Frontend, t.Any]:
            return {one: {key: row(cluster, one, key) for key in keys} for one in frontends}

        self._patch.setattr(tasks, "Cluster", lambda *_given: cluster)
        self._patch.setattr(tasks, "read_all", rows)
        self._patch.setattr(sending, "read_config", row)
        options = ConfigOptions((Wanted(cluster.key, wanted, False, "settings[0]"),), "present", "fail")
        store = ConfigJournal(self.given, Redactor([]), FakeClock(), restoring=False)
        connection: t.Any = None
        try:
            return tasks.FrontendConfigTask(options, connection, store, check, Redactor([]), FakeClock()).body()
        finally:
            store.close()

    def notes(self) -> t.List[t.Mapping[str, t.Any]]:
        return [entry.data for entry in Journal.read(str(self.path)).entries if entry.kind == "note"]


@pytest.fixture(name="case")
def fixture_case(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(tmp_path, monkeypatch)


def test_what_somebody_else_has_set_is_warned_of_and_written_down_once(case: Case) -> None:
    cluster = Cluster(KEY, "00")
    predicted = case.call(cluster, check=True)
    assert not case.path.exists()
    first, second = case.call(cluster), case.call(cluster)
    (warning,) = first["warnings"]
    assert warning.startswith(f"{KEY} is 0 already on a:9030, b:9030, and this migration has not set it. Somebody else")
    assert "its restore will take it away while this one copies: end that one first" in warning
    assert predicted["warnings"] == first["warnings"] == second["warnings"]
    assert predicted["in_place"] == first["in_place"] and first["in_place"][0]["severity"] == "warning"
    assert [(note["text"], note["severity"]) for note in case.notes()] == [(warning, "warning")]
    assert not cluster.sent and not first["changed"]


def test_what_is_ours_is_known_from_the_journal(case: Case) -> None:
    """Also where a restart has lost it on one frontend only, and where another one has joined since."""
    cluster = Cluster(KEY, ("-1", "-1"))
    assert case.call(cluster)["changed"]
    for values in (("0", "0"), ("0", "-1")):
        cluster.values = dict(zip((FRONTEND, OTHER), values))
        again = case.call(cluster)
        assert "warnings" not in again and again["in_place"] == []
    cluster.values = {FRONTEND: "0", dataclasses.replace(OTHER, host="c"): "0"}
    assert case.call(cluster)["in_place"] == []
    assert case.notes() == []


def test_one_frontend_that_has_it_already_is_told(case: Case) -> None:
    cluster = Cluster(KEY, ("0", "-1"))
    told = case.call(cluster)
    assert cluster.sent and "is 0 already on a:9030, and" in told["warnings"][0]


def test_what_a_killed_run_has_sent_is_ours(case: Case) -> None:
    journal = Journal.open(
        str(case.path), migration_id="m", engine="starrocks", clock=FakeClock(), redactor=Redactor([])
    )
    journal.intents([Change(resource("7", FRONTEND, KEY), "set", "-1", "0", {})], [{"type": "int"}])
    journal.close()
    assert case.call(Cluster(KEY, "00"))["in_place"] == []


def test_a_default_was_set_by_nobody(case: Case) -> None:
    told = case.call(Cluster(KEY, ("-1", "-1")), "-1")
    assert told["in_place"] == [] and "warnings" not in told and not case.path.exists()


def test_where_nobody_knows_the_default_it_is_a_possibility(case: Case) -> None:
    told = case.call(Cluster("tuned", "00"))
    (found,) = told["in_place"]
    assert found["severity"] == "info" and "If that is no default of the server" in found["text"]
    assert "warnings" not in told
    assert [note["severity"] for note in case.notes()] == ["info"]


def test_without_a_journal_nobody_knows_what_is_ours(case: Case) -> None:
    case.given = {}
    told = case.call(Cluster(KEY, "00"))
    assert "warnings" not in told and "in_place" not in told
