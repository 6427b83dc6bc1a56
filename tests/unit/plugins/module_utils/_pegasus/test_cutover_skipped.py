# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A duplication that once skipped is never cut over, although its mode is right again and the drain looks complete."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_skipped import remember, with_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_past import FAIL_SKIP
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal

SLOW = model.Duplication(77, "DS_LOG", "onebox-b", 0)
SKIPS = dataclasses.replace(SLOW, fail_mode=FAIL_SKIP)
CLUSTER = "onebox-a"


def view(duplication: t.Optional[model.Duplication]) -> TableView:
    return TableView("temp", duplication=duplication)


@pytest.fixture
def journal(tmp_path: pathlib.Path) -> t.Callable[[], SettingsJournal]:
    return lambda: SettingsJournal({"journal": str(tmp_path / "j.jsonl")}, Redactor([]), SystemClock())


def test_what_was_seen_once_counts_when_the_mode_is_set_back(journal: t.Callable[[], SettingsJournal]) -> None:
    first = journal()
    remember([view(SKIPS)], first.append, CLUSTER)
    first.close()
    later = journal().entries
    assert with_past(view(SLOW), later, CLUSTER).skipped
    # A duplication that was made anew, one of another cluster, and a table without any have skipped nothing.
    assert not with_past(view(dataclasses.replace(SLOW, dupid=78)), later, CLUSTER).skipped
    assert not with_past(view(SLOW), later, "onebox-c").skipped
    assert not with_past(view(None), later, CLUSTER).skipped


def test_it_is_written_once_and_only_of_those_that_skip(journal: t.Callable[[], SettingsJournal]) -> None:
    first = journal()
    remember([view(SLOW), view(None)], first.append, CLUSTER)
    first.close()
    assert journal().entries == ()
    for _number in range(2):
        store = journal()
        remember([with_past(view(SKIPS), store.entries, CLUSTER)], store.append, CLUSTER)
        store.close()
    assert [one.kind for one in journal().entries].count("duplication.fail_skip") == 1
