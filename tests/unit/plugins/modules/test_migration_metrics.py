# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import metrics_file
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.modules import migration_metrics

Params = t.Dict[str, t.Any]


@pytest.fixture
def params(tmp_path: pathlib.Path) -> Params:
    """A journal whose run was killed while a fence was held, and the file that it has kept."""
    given: Params = {
        "journal": str(tmp_path / "j.jsonl"),
        "migration_id": None,
        "metrics_file": str(tmp_path / "a.prom"),
    }
    opened = open_journal(given, engine="pegasus", clock=SystemClock(), redactor=Redactor([]))
    assert opened is not None
    with opened as journal:
        journal.append("run.started", {"run_id": "one", "phase": "cutover"})
        items = [{"subject": "orders", "lifts_at": iso(SystemClock().now() + datetime.timedelta(seconds=30))}]
        journal.append("proof", {"kind": "guard", "passed": True, "items": items})
        journal.append("change.intent", {"id": "c3", "resource": "a", "action": "fence"})
    return given


def test_it_makes_what_the_run_has_kept(params: Params) -> None:
    kept = pathlib.Path(params["metrics_file"]).read_text()
    assert migration_metrics.write(params, False)["changed"] is False
    pathlib.Path(params["metrics_file"]).unlink()
    told = migration_metrics.write(params, True)
    assert (told["changed"], told["diff"]["before"], told["diff"]["after"]) == (True, "", kept)
    assert not pathlib.Path(params["metrics_file"]).exists()
    done = migration_metrics.write(params, False)
    assert done == told
    assert pathlib.Path(params["metrics_file"]).read_text() == kept
    assert (done["running"], done["fence_held"], done["valid"]) == (True, True, True)
    assert done["size"] == len(kept.encode())


def test_what_the_guard_did_after_the_kill_is_told(params: Params) -> None:
    GuardPlace.of(params["journal"]).append(SystemClock(), "g1", "lifted", {"tables": ["orders"]})
    result = migration_metrics.write(params, False)
    assert (result["changed"], result["fence_held"], result["running"]) == (True, False, True)


def test_a_damaged_journal_is_told_as_damaged(params: Params) -> None:
    path = pathlib.Path(params["journal"])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"orders", b"others"), *lines[3:]]))
    result = migration_metrics.write(params, False)
    assert (result["valid"], result["fence_held"]) == (False, False)
    assert "dbops_migration_journal_valid{" in result["diff"]["after"]
    assert 'engine="pegasus"} 0\n' in result["diff"]["after"]


def test_nothing_is_made_where_nothing_can_be_told(params: Params, tmp_path: pathlib.Path) -> None:
    for wrong, code in (
        ({"journal": str(tmp_path / "other.jsonl")}, "journal.missing"),
        ({"migration_id": "another"}, "journal.other_migration"),
        ({"journal": None}, "option.invalid"),
        ({"metrics_file": None}, "option.invalid"),
        ({"metrics_file": str(tmp_path / "nowhere" / "a.prom")}, "option.invalid"),
    ):
        given: Params = {**params, "metrics_file": str(tmp_path / "new.prom"), **wrong}
        with pytest.raises(MigrationError) as caught:
            migration_metrics.write(given, False)
        assert caught.value.code == code
    assert not (tmp_path / "new.prom").exists()
    assert not (tmp_path / "other.jsonl").exists()


def test_a_file_that_cannot_be_replaced_is_a_failure_here(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    pathlib.Path(params["metrics_file"]).unlink()

    def full(_path: str, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(metrics_file, "write", full)
    with pytest.raises(MigrationError, match="No space left on device") as caught:
        migration_metrics.write(params, False)
    assert caught.value.code == "metrics.not_writable"


def test_the_journal_is_not_touched(params: Params) -> None:
    before = pathlib.Path(params["journal"]).read_bytes()
    migration_metrics.write(params, False)
    assert pathlib.Path(params["journal"]).read_bytes() == before
    assert json.dumps(Journal.read(params["journal"]).valid) == "true"
    with pytest.raises(InvalidOption):
        migration_metrics.read_view({**params, "journal": ""})
