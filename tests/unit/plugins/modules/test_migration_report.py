# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils import basic

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.modules import migration_report
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report import journals


class Ended(Exception):
    def __init__(self, result: t.Dict[str, t.Any]) -> None:
        super().__init__(result)
        self.result = result


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "journal" / "run.jsonl"
    with Journal.open(
        str(path), migration_id="drain/dn 3", engine="greptimedb", clock=SystemClock(), redactor=Redactor([])
    ) as journal:
        journal.append_many([(entry.kind, entry.data) for entry in journals.small()[1:]])
    return path


@pytest.fixture
def report(
    path: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> t.Callable[..., t.Dict[str, t.Any]]:
    def call(check_mode: bool = False, **params: t.Any) -> t.Dict[str, t.Any]:
        given = {"journal": str(path), "dest": str(tmp_path), **params}
        settings = {"_ansible_check_mode": check_mode, "_ansible_remote_tmp": str(tmp_path)}
        arguments = {"ANSIBLE_MODULE_ARGS": {**given, **settings}}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)

        def end(_module: t.Any, **result: t.Any) -> None:
            raise Ended(result)

        monkeypatch.setattr(basic.AnsibleModule, "exit_json", end)
        monkeypatch.setattr(basic.AnsibleModule, "fail_json", end)
        with pytest.raises(Ended) as caught:
            migration_report.main()
        return caught.value.result

    return call


def test_a_folder_gets_a_page_named_after_the_migration(report: t.Any, tmp_path: pathlib.Path) -> None:
    result = report()
    page = tmp_path / "drain-dn-3.html"
    assert result["path"] == str(page)
    assert result["size"] == page.stat().st_size
    assert result["changed"] is True
    assert result["summary"]["verdict"] == "All 60 regions moved, each proved on its target."
    assert result["summary"]["state"] == "good"
    assert result["summary"]["left_to_do"] == []
    assert result["summary"]["lines"][1].startswith("Moved: 60 of 60")
    text = page.read_text("utf-8")
    assert "GreptimeDB" in text
    assert "datanode 3" in text


def test_the_same_journal_changes_nothing(report: t.Any, tmp_path: pathlib.Path) -> None:
    report()
    page = tmp_path / "drain-dn-3.html"
    before = page.stat()
    result = report()
    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"] == ""
    assert page.stat().st_mtime_ns == before.st_mtime_ns
    assert report(extra={"acknowledged_writes_lost": 2})["changed"] is True


def test_check_mode_tells_and_writes_nothing(report: t.Any, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "page.html"
    told = report(check_mode=True, dest=str(dest))
    assert not dest.exists()
    done = report(dest=str(dest))
    assert told == done
    assert "SHA-256" in told["diff"]["after"]
    assert "All 60 regions moved" in told["diff"]["after"]
    assert told["diff"]["before"] == ""


def test_title_and_figures_of_the_caller(report: t.Any, tmp_path: pathlib.Path) -> None:
    result = report(title="CHG-4711 <b>", extra='{"acknowledged_writes_lost": 0, "writers": 4}')
    text = pathlib.Path(result["path"]).read_text("utf-8")
    assert "<h1>CHG-4711 &lt;b&gt;</h1>" in text
    assert "<dt>Writers</dt><dd>4</dd>" in text
    assert "Acknowledged writes lost: 0 (as measured by the caller)" in result["summary"]["lines"]


def test_secrets_among_the_options_are_masked_in_the_page(report: t.Any) -> None:
    result = report(
        s3_access_key="AKIA",
        s3_secret_key="hunter2hunter2",
        extra={"note": "key hunter2hunter2"},
        title="hunter2hunter2",
    )
    assert "hunter2" not in pathlib.Path(result["path"]).read_text("utf-8")
    assert "hunter2" not in json.dumps(result)


def test_a_damaged_journal_is_reported_as_damaged(report: t.Any, path: pathlib.Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[200] = lines[200].replace(b'"', b"'", 1)
    path.write_bytes(b"".join(lines))
    result = report()
    assert result["summary"]["state"] == "bad"
    assert result["summary"]["verdict"].startswith("The journal is damaged")
    assert "line 201" in result["summary"]["left_to_do"][0]


def test_an_empty_journal_is_reported_as_empty(report: t.Any, tmp_path: pathlib.Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    result = report(journal=str(empty))
    assert result["summary"]["lines"] == ["The journal is empty: nothing has been recorded yet."]
    assert result["path"] == str(tmp_path / "migration.html")


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"journal": ""}, "option.invalid", "journal: it is missing"),
        ({"journal": "/no/such/journal.jsonl"}, "journal.missing", "/no/such/journal.jsonl"),
        ({"migration_id": "another"}, "journal.other_migration", "not 'another'"),
        ({"dest": "/no/such/folder/page.html"}, "option.invalid", "/no/such/folder does not exist"),
        ({"dest": "/no/such/folder/"}, "option.invalid", "/no/such/folder does not exist"),
        ({"extra": "[1, 2]"}, "option.invalid", "extra: "),
    ],
)
def test_what_cannot_work_is_said_plainly(report: t.Any, params: t.Dict[str, t.Any], code: str, words: str) -> None:
    result = report(**params)
    assert (result["code"], result["changed"]) == (code, False)
    assert words in result["msg"]


def test_something_else_than_a_journal_is_refused(report: t.Any, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("hello\n")
    assert report(journal=str(other))["code"] == "journal.not_a_journal"
