# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal remembers its moves whatever the password is."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.legality import judge
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import (
    MoveRecorder,
    move_change,
    read_past,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_approval import newest_plan_id
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_source import read_subject

REGION = 4398046511123
PID = "538b1237-9f79-4e50-aa9c-b1de90710839"
WORDS = ["greptime", "greptimedb", "region", "123", "124", "1024", str(REGION), "migrate", "leader", "move", "drain"]


def written(path: pathlib.Path, password: str, status: str = "") -> str:
    """A run of one move, whose request and table hold the password too."""
    journal = Journal.open(
        str(path), migration_id="m", engine="greptimedb", clock=SystemClock(), redactor=Redactor([password])
    )
    recorder = MoveRecorder(journal)
    row = {"region_id": REGION, "from_peer": 123, "to_peer": 124, "table": "public.t"}
    recorder.add("run.started", {"run_id": "ab123cd", "phase": "migrate", "options": {"attempts": 3}})
    recorder.add("plan", {"plan_id": "f123", "plan": {"strategy": "drain", "moves": [row]}})
    context = {"purpose": "move", "from_peer": 123, "to_peer": 124, "table": "public.t", "table_id": 1024}
    change = move_change(REGION, 123, 124, f"ADMIN migrate_region({REGION}, 123, 124) -- {password}")
    intent = recorder.intend([(change, context)])[0]
    recorder.accepted(intent, PID, attached=False)
    if status:
        recorder.outcome(intent, status, evidence={"leader_peer": 124})
    recorder.flush()
    journal.close()
    return path.read_text("utf-8")


@pytest.mark.parametrize("password", WORDS)
def test_a_run_that_was_killed_is_taken_up_again(password: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.jsonl"
    raw = written(path, password)
    assert MASK in raw and f"-- {password}" not in raw
    entries = Journal.read(str(path)).require_valid().entries
    past = read_past(entries, "ab123cd")
    assert past.run_started is not None
    assert [(one.region_id, one.from_peer, one.to_peer, one.procedure_id) for one in past.unfinished] == [
        (REGION, 123, 124, PID)
    ]
    assert past.moves[REGION].table_id == 1024
    assert newest_plan_id(entries) == "f123"
    assert [(one.region_id, one.to_peer) for one in read_subject({}, entries, ()).regions] == [(REGION, 124)]


@pytest.mark.parametrize("password", ["greptime", "region", "move"])
def test_what_was_moved_can_be_reversed_and_judged(password: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, password, "done")
    entries = Journal.read(str(path)).require_valid().entries
    assert read_past(entries).origins == {REGION: 123}
    assert len(judge(entries)) == 1
