# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished migration run again: the journal answers alone. Nobody is asked, and what would ask is not even loaded."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import accept_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_call import CutoverCall
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import cutover_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import (
    COMMITTED_KIND,
    STARTED_KIND,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_call import (
    FrontendConfigCall,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_call import MirrorCall
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_options import (
    mirror_argument_spec,
)

CONFIG = "starrocks:7/fe/10.1.0.11:9030/config/lake_compaction_max_tasks"
VOLUME = "starrocks:7/storage_volume/src_lake"
BLOCK = "starrocks:7/file/fe-0:/opt/starrocks/fe/conf/fe.conf/lake"
NOBODY = {"frontends": "127.0.0.1:1", "target_frontends": "127.0.0.1:2"}

CLOCK, REDACTOR = SystemClock(), Redactor([])


@pytest.fixture
def begin(tmp_path: pathlib.Path) -> t.Iterator[t.Callable[[], Journal]]:
    opened: t.List[Journal] = []

    def open_it() -> Journal:
        opened.append(
            Journal.open(
                str(tmp_path / "j.jsonl"), migration_id="m", engine="starrocks", clock=CLOCK, redactor=REDACTOR
            )
        )
        return opened[-1]

    yield open_it
    for journal in opened:
        journal.close()


def params(spec: ArgumentSpec, tmp_path: pathlib.Path, **given: t.Any) -> t.Dict[str, t.Any]:
    merged = spec.merge(journal_spec())
    found = {name: option.get("default") for name, option in merged.argument_spec.items()}
    told = {name: value for name, value in NOBODY.items() if name in found}
    return {**found, **told, "journal": str(tmp_path / "j.jsonl"), "migration_id": "m", **given}


def unloaded(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let loading it fail."""
    monkeypatch.setitem(
        sys.modules, f"ansible_collections.dbops.migration.plugins.module_utils._starrocks.{name}", None
    )


def change(journal: Journal, resource: str, before: t.Any, after: t.Any, put_back: bool) -> None:
    ids = journal.intents([Change(resource, "set", before, after, {})])
    journal.outcomes([(ids[0], "done", {})])
    if put_back:
        journal.append(RESTORE, {"resource": resource, "action": "restore"})


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_committed_cutover_is_answered_by_its_journal(
    begin: t.Callable[[], Journal], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    unloaded(monkeypatch, "cutover_task")
    journal = begin()
    given = params(cutover_argument_spec().merge(accept_spec()), tmp_path, tool_directory="/opt/sync")
    journal.append(STARTED_KIND, {})
    call = CutoverCall(given, check_mode, REDACTOR, CLOCK)
    assert call.partial()["state"] == "waiting"
    with pytest.raises(ImportError):
        call.body()  # there is something to do
    journal.append(COMMITTED_KIND, {})
    result = CutoverCall(given, check_mode, REDACTOR, CLOCK).body()
    assert (result["changed"], result["changes"], result["state"]) == (False, [], "committed")


def test_wrong_options_are_told_before_the_journal_is_asked(tmp_path: pathlib.Path) -> None:
    given = params(cutover_argument_spec().merge(accept_spec()), tmp_path, tool_directory="/opt/sync", budget="soon")
    with pytest.raises(MigrationError) as caught:
        CutoverCall(given, False, REDACTOR, CLOCK).body()
    assert "budget" in caught.value.message


@pytest.mark.parametrize(
    ("resource", "put_back", "asked"),
    [(CONFIG, True, False), (CONFIG, False, True), (VOLUME, False, False), (BLOCK, False, False)],
)
def test_configs_that_were_put_back_are_not_looked_at(
    begin: t.Callable[[], Journal],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    resource: str,
    put_back: bool,
    asked: bool,
) -> None:
    unloaded(monkeypatch, "frontend_config_task")
    change(begin(), resource, "-1", "0", put_back)
    spec = ArgumentSpec({"state": {"default": "restored"}, "dead_frontends": {"default": "fail"}})
    call = FrontendConfigCall(params(spec.merge(connection_argument_spec()), tmp_path), False, REDACTOR, CLOCK)
    if asked:
        with pytest.raises(ImportError):
            call.body()
        return
    result = call.body()
    assert (result["changed"], result["calls"], result["restore"]) == (False, [], [])


@pytest.mark.parametrize(
    ("resource", "put_back", "asked"),
    [
        (VOLUME, True, False),
        (VOLUME, False, True),
        (CONFIG, False, False),
        ("starrocks:7/default_storage_volume", False, True),
    ],
)
def test_volumes_that_were_dropped_are_not_looked_at(
    begin: t.Callable[[], Journal],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    resource: str,
    put_back: bool,
    asked: bool,
) -> None:
    unloaded(monkeypatch, "volume_mirror_task")
    change(begin(), resource, None, {"name": "src_lake"}, put_back)
    call = MirrorCall(params(mirror_argument_spec(), tmp_path, state="absent"), False, REDACTOR, CLOCK)
    if asked:
        with pytest.raises(ImportError):
            call.body()
        return
    result = call.body()
    assert (result["changed"], result["changes"], result["volumes"]) == (False, [], [])


def test_a_change_of_a_volume_without_an_outcome_is_looked_into(
    begin: t.Callable[[], Journal], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unloaded(monkeypatch, "volume_mirror_task")
    journal = begin()
    journal.intents([Change(VOLUME, RESTORE, {"name": "src_lake"}, None, {})])
    call = MirrorCall(params(mirror_argument_spec(), tmp_path, state="absent"), False, REDACTOR, CLOCK)
    with pytest.raises(ImportError):
        call.body()
