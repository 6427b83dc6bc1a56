# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told: until when he may switch, also in a run after a killed one, and what a failure left."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_end import End
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_failures import tool_ended
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import (
    COMMITTED_KIND,
    HANDED_OVER_KIND,
    STARTED_KIND,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import Track
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

AT = "2026-11-21T03:00:00.000Z"


def entries(*kinds: str) -> t.List[Entry]:
    data = {"seconds_left": 300.0}
    return [Entry(seq=seq, at=AT, kind=kind, data=data, prev="", hash=str(seq)) for seq, kind in enumerate(kinds)]


def guard(left: t.Optional[float]) -> LivingGuard:
    return LivingGuard(t.cast(t.Any, None), Answer(True, gs.HANDED_OVER, left, {}))


@pytest.mark.parametrize(
    ("kinds", "living", "deadline"),
    [
        # The guard's own word counts, whatever was told at the hand-over.
        ((STARTED_KIND, HANDED_OVER_KIND), guard(120.0), "2026-11-21T03:16:00.000Z"),
        ((STARTED_KIND, HANDED_OVER_KIND), guard(None), "2026-11-21T03:05:00.000Z"),
        ((STARTED_KIND, HANDED_OVER_KIND), None, "2026-11-21T03:05:00.000Z"),
        ((STARTED_KIND,), None, None),
        ((STARTED_KIND, HANDED_OVER_KIND, COMMITTED_KIND), None, None),
        ((), None, None),
    ],
)
def test_the_deadline_is_told_to_every_run(
    kinds: t.Sequence[str], living: t.Optional[LivingGuard], deadline: t.Optional[str]
) -> None:
    clock = FakeClock()
    found = End(entries(*kinds), living, Track(), clock).deadline
    assert (None if found is None else iso(found)) == deadline


def test_a_failure_says_that_the_tool_was_ended() -> None:
    before = MigrationError("starrocks.source_moved", "It moved.", server_text="text", details={"a": 1})
    told = tool_ended(before, "/opt/tool")
    assert (told.code, told.server_text, told.details) == (before.code, "text", {"a": 1, "tool_ended": "/opt/tool"})
    assert told.message.startswith("It moved. The sync tool in /opt/tool was ended")
    assert "state=started" in told.message
