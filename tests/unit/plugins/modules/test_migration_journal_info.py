# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils import basic

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.modules import migration_journal_info


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "run.jsonl"
    with Journal.open(
        str(path), migration_id="m1", engine="greptimedb", clock=SystemClock(), redactor=Redactor([])
    ) as journal:
        journal.append("run.started", {"run_id": "r1", "phase": "migrate", "options": {}})
        ids = journal.intents(
            [Change(f"region/{n}", "migrate", 1, 2, f"ADMIN migrate_region({n}, 1, 2, 60)") for n in (1, 2)]
        )
        journal.outcomes([(ids[0], "done", {})])
    return path


def inspect(path: pathlib.Path, **given: t.Any) -> t.Dict[str, t.Any]:
    params = {**dict.fromkeys(journal_spec().argument_spec), "journal": str(path), **given}
    return migration_journal_info.inspect(params)


def codes(result: t.Dict[str, t.Any]) -> t.List[str]:
    return [problem["code"] for problem in result["problems"]]


def test_a_sound_journal(path: pathlib.Path) -> None:
    before = {entry.name: entry.read_bytes() for entry in path.parent.iterdir()}
    result = inspect(path)
    assert result["valid"] is True
    assert result["changed"] is False
    assert (result["entries"], result["migration_id"], result["engine"]) == (5, "m1", "greptimedb")
    assert result["problems"] == []
    assert [(run["phase"], run["status"]) for run in result["phases"]] == [("migrate", "unfinished")]
    assert [(item["id"], item["resource"]) for item in result["pending"]] == [("c3", "region/2")]
    assert result["first_at"] <= result["last_at"]
    assert (result["repaired"], result["torn"], result["head_missing"]) == (False, False, False)
    assert {entry.name: entry.read_bytes() for entry in path.parent.iterdir()} == before


def test_a_torn_one_is_valid_and_left_alone(path: pathlib.Path) -> None:
    raw = path.read_bytes() + b'{"at":'
    path.write_bytes(raw)
    result = inspect(path)
    assert (result["valid"], result["torn"], codes(result)) == (True, True, ["journal.torn"])
    assert path.read_bytes() == raw


def test_a_damaged_one_is_a_result(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"region/1", b"region/7"))
    result = inspect(path)
    assert (result["valid"], result["entries"], codes(result)) == (False, 2, ["journal.chain_broken"])


def test_half_of_one(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert codes(inspect(path))[-1] == "journal.truncated"


def test_of_another_migration(path: pathlib.Path) -> None:
    result = inspect(path, migration_id="m2")
    assert (result["valid"], codes(result)) == (False, ["journal.other_migration"])


def test_something_else(path: pathlib.Path) -> None:
    path.write_text("hello\n", encoding="utf-8")
    result = inspect(path)
    assert (result["valid"], result["entries"], codes(result)) == (False, 0, ["journal.not_a_journal"])
    assert (result["first_at"], result["last_at"], result["collection_version"]) == ("", "", "")


def test_an_empty_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "run.jsonl").touch()
    result = inspect(tmp_path / "run.jsonl")
    assert (result["valid"], codes(result)) == (True, ["journal.empty"])


def test_copied_without_head(path: pathlib.Path) -> None:
    pathlib.Path(f"{path}.head").unlink()
    result = inspect(path)
    assert (result["valid"], result["head_missing"], codes(result)) == (True, True, ["journal.head_missing"])
    assert result["switch"]["legal"] == "unknown"
    assert "missing at its end" in result["switch"]["reasons"][0]


def test_none(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MigrationError) as caught:
        inspect(tmp_path / "run.jsonl")
    assert caught.value.code == "journal.missing"
    with pytest.raises(InvalidOption, match=r"^journal: "):
        inspect(tmp_path, journal=None)


def test_the_module_itself(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    args = {"ANSIBLE_MODULE_ARGS": {"journal": str(path), "_ansible_check_mode": True}}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(args).encode())
    if hasattr(basic, "_ANSIBLE_PROFILE"):
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    with pytest.raises(SystemExit) as caught:
        migration_journal_info.main()
    assert caught.value.code == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True
