# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cutover finds is told as warnings, and in the journal once, for the report."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Verification
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_findings import (
    of_tables,
    tell,
    warnings,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import INTERVALS_LEFT
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

LEFT = Finding(INTERVALS_LEFT, "warning", "onebox-a", {"servers": ["a:1"]}, "It stays short.")
HELD_BACK = "pegasus.cutover.last_mutation_held_back"


def held_back(table: str) -> t.List[Finding]:
    """What is found of a table whose last mutation was not waited for."""
    return of_tables([Track(TableView(table), t.cast(t.Any, None), held_back=(0, 3))])


@pytest.fixture(name="journal")
def _journal(tmp_path: pathlib.Path) -> Journal:
    clock: t.Any = FakeClock()
    return Journal.open(
        str(tmp_path / "j.jsonl"), migration_id="m", engine="pegasus", clock=clock, redactor=Redactor([])
    )


def told(journal: Journal) -> t.List[t.List[t.Tuple[str, str]]]:
    """What each entry of findings says."""
    entries = [entry.data for entry in journal.entries if entry.kind == "findings"]
    assert all((data["phase"], data["passed"]) == ("cutover", True) for data in entries)
    return [[(one["id"], one["subject"]) for one in data["findings"]] for data in entries]


def test_each_is_a_warning_with_its_id_and_table() -> None:
    (text,) = warnings(held_back("temp"))
    assert text.startswith(f"{HELD_BACK} (temp): The last mutation before the fence")
    assert warnings([]) == []


def test_the_newest_entry_says_all_that_holds(journal: Journal) -> None:
    clock: t.Any = FakeClock()
    record = CutoverRecord(journal, clock)
    tell(record, [], ())
    assert told(journal) == []
    tell(record, [*held_back("a"), LEFT], ("a",))
    tell(record, [*held_back("a"), LEFT], ())
    assert told(journal) == [[(HELD_BACK, "a"), (INTERVALS_LEFT, "onebox-a")]]
    # The next call is about another table, and puts the interval back.
    tell(record, held_back("b"), ("b",))
    assert told(journal)[1:] == [[(HELD_BACK, "a"), (HELD_BACK, "b")]]
    # One that finds nothing new, as a run again, says nothing.
    tell(record, [], ())
    assert len(told(journal)) == 2
    # A table that was lifted and is cut over again has waited this time.
    tell(record, [], ("a",))
    assert told(journal)[2:] == [[(HELD_BACK, "b")]]


def test_the_report_shows_them_beside_those_of_preflight(journal: Journal) -> None:
    clock: t.Any = FakeClock()
    journal.append("findings", {"phase": "preflight", "findings": [], "passed": True})
    tell(CutoverRecord(journal, clock), held_back("a"), ("a",))
    report = fold(journal.entries, t.cast(Verification, None))
    assert [(one["phase"], one["id"], one["subject"]) for one in report.findings] == [("cutover", HELD_BACK, "a")]
