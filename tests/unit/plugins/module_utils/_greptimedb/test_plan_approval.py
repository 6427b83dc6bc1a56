# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_approval import (
    approved_in,
    newest_plan_id,
    require_proved_is_approved,
)

FIRST, SECOND = "a" * 64, "b" * 64


def entry(seq: int, kind: str, data: t.Dict[str, t.Any]) -> Entry:
    return Entry(seq, "2026-11-21T03:00:00.000Z", kind, data, "", "")


JOURNAL = [
    entry(0, "journal.opened", {}),
    entry(1, "plan", {"plan_id": FIRST, "plan": {"moves": [1, 2]}}),
    entry(2, "plan", {"plan_id": SECOND, "plan": {"moves": [2]}}),
    entry(3, "run.finished", {}),
]


def test_a_plan_that_was_begun_is_found_by_what_was_approved() -> None:
    assert approved_in(JOURNAL, FIRST) == {"moves": [1, 2]}
    assert approved_in(JOURNAL, SECOND[:12]) == {"moves": [2]}
    assert approved_in(JOURNAL, "c" * 12) is None
    assert approved_in(JOURNAL[:1], FIRST) is None


def test_without_an_approval_no_plan_is_taken_up() -> None:
    assert approved_in(JOURNAL, "") is None


def test_the_newest_plan_is_the_one_that_is_proved() -> None:
    assert newest_plan_id(JOURNAL) == SECOND
    assert newest_plan_id(JOURNAL[:1]) == ""
    require_proved_is_approved(JOURNAL, SECOND[:12])
    require_proved_is_approved(JOURNAL, "")
    with pytest.raises(MigrationError) as caught:
        require_proved_is_approved(JOURNAL, FIRST)
    assert caught.value.code == "plan.not_approved"
    assert "the newest in the journal" in caught.value.message


def test_a_journal_without_a_plan_proves_nothing_that_was_approved() -> None:
    with pytest.raises(MigrationError, match="would carry out the plan none"):
        require_proved_is_approved(JOURNAL[:1], FIRST)
