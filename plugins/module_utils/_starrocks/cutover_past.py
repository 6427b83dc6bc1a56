# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What earlier runs of a cutover left: in the journal, and in the record of their guards."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard, living_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import LIFTED_KIND

COMMITTED_KIND = "cutover.committed"
"""The journal entry that ends a cutover: {source, target, source_digest, window}."""
HANDED_OVER_KIND = "cutover.handed_over"
"""The freeze is proved, the target is equal, and the operator switches: {source_digest, seconds_left, window}."""
STARTED_KIND = "cutover.started"
"""A cutover is about to freeze; ends and hand-overs before it are of an earlier one."""
_ENDS = (STARTED_KIND, COMMITTED_KIND, HANDED_OVER_KIND, LIFTED_KIND)


def last_entry(entries: t.Sequence[Entry]) -> t.Optional[Entry]:
    """The entry that says how far the last cutover is; None when there was none.

    That the old source takes writes again later on does not take a commit back: clients are on the target.
    """
    last: t.Optional[Entry] = None
    for entry in entries:
        let_go = entry.kind == LIFTED_KIND and last is not None and last.kind == COMMITTED_KIND
        if entry.kind in _ENDS and not let_go:
            last = entry
    return last


def last_end(entries: t.Sequence[Entry]) -> str:
    """The kind of it, "" for none."""
    entry = last_entry(entries)
    return "" if entry is None else entry.kind


def leave_no_guard(place: GuardPlace, check_mode: bool) -> None:
    """Send away the guard of an earlier cutover, unless only a prediction is wanted; errors as ``dismiss``."""
    found = living_guard(place)
    if found is not None and check_mode and found.answer.state in gs.ENDS:
        found.link.close()
        return
    dismiss(found)


def dismiss(found: t.Optional[LivingGuard]) -> None:
    """Send away a guard that has nothing to guard any more, so that it does not meet the next freeze.

    MigrationError ``starrocks.cutover_running`` when it still guards one.
    """
    if found is None:
        return
    state = found.answer.state
    if state not in gs.ENDS:
        left = f" It lifts in {found.answer.left:.0f} s at the latest." if found.answer.left is not None else ""
        found.link.close()
        raise MigrationError(
            "starrocks.cutover_running",
            f"A cutover with this journal is under way (its guard, process {found.link.pid}, is {state}).{left} "
            + (
                "End it with state=committed or state=lifted."
                if state == gs.HANDED_OVER
                else "Wait for it to end, then run again."
            ),
            details={"state": state, "left": found.answer.left},
        )
    try:
        found.link.ask(gs.BYE, settings_restored=True)
    except GuardLost:
        return
    finally:
        found.link.close()
