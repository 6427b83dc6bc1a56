# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What earlier runs of a cutover left: in the journal, in the record of their guards, and on the clusters."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    Recorded,
    recorded,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_WRITE

COMMITTED_KIND = "cutover.committed"
"""The journal entry that ends a table's cutover: {table, window, ...}."""
HANDED_OVER_KIND = "cutover.handed_over"
LIFTED_KIND = "cutover.lifted"

FRESH = "fresh"
LIFT_FIRST = "lift_first"
TO_FENCE = (FRESH, LIFT_FIRST)
FINISH = "finish"
DONE = "done"
"""What a run has to do about one table; see :func:`begin`."""


@dataclasses.dataclass(frozen=True)
class Past:
    """By resource what the journal says of our changes, and the last cutover entry of each table."""

    changes: t.Mapping[str, Recorded]
    ends: t.Mapping[str, Entry]

    @property
    def pending(self) -> bool:
        """Whether the journal does not say of some change how it ended."""
        return any(changes.pending for changes in self.changes.values())

    def of(self, resource: str) -> Recorded:
        """What is recorded of one resource."""
        return self.changes.get(resource, NOTHING)

    def ended(self, table: str) -> str:
        """The kind of the table's last cutover entry, "" for none."""
        entry = self.ends.get(table)
        return "" if entry is None else entry.kind


def read_past(entries: t.Sequence[Entry]) -> Past:
    """Fold a journal."""
    ends = {
        str(entry.data.get("table")): entry
        for entry in entries
        if entry.kind in (COMMITTED_KIND, HANDED_OVER_KIND, LIFTED_KIND)
    }
    return Past({**recorded(entries, "pegasus:"), **recorded(entries, "zookeeper:")}, ends)


def begin(table: str, deny: t.Optional[str], side: str, fence: Recorded, znode: Recorded, ended: str) -> str:
    """What to do about a table, from the deny env found, where its znode points, and what the journal says of both.

    ``fresh``: a cutover from the start, if the gate lets it. ``lift_first``: a fence of ours was left, and nothing has
    been switched. ``finish``: switched, so go on behind the switch. ``done``: nothing is left to do.
    """
    ours = bool(fence.changes) and deny in (DENY_WRITE, DENY_ALL) and deny in _possible(fence)
    if ended == COMMITTED_KIND and (deny == DENY_ALL or deny is None) and side in ("", switch.TARGET):
        return DONE
    switched = bool(znode.changes) and side == switch.TARGET
    if switched and (ours or ended == COMMITTED_KIND):
        return FINISH
    if ours:
        return LIFT_FIRST
    return FRESH


def _possible(fence: Recorded) -> t.Set[t.Any]:
    """What our changes can have left. One without outcome may not have been made; before closing comes fencing."""
    found = {fence.ours, *(after for _change_id, after in fence.pending)}
    return found | {DENY_WRITE} if fence.pending else found


def dismiss(found: t.Optional[LivingGuard]) -> None:
    """Send away a guard that has nothing to guard any more, so that it does not meet the next fence.

    MigrationError ``pegasus.cutover_running`` when it still guards one.
    """
    if found is None:
        return
    state = found.answer.state
    if state not in gs.ENDS:
        left = f" It lifts in {found.answer.left:.0f} s at the latest." if found.answer.left is not None else ""
        found.link.close()
        raise MigrationError(
            "pegasus.cutover_running",
            f"A cutover of {', '.join(found.answer.more.get('tables', []))} is under way (its guard, process "
            f"{found.answer.more.get('pid', found.link.pid)}, is {state}).{left} " + _what_to_do(found.answer),
            details={"state": state, "left": found.answer.left, "tables": found.answer.more.get("tables", [])},
        )
    try:
        found.link.ask(gs.BYE, settings_restored=False)
    except GuardLost:
        return
    finally:
        found.link.close()


def _what_to_do(answer: Answer) -> str:
    if answer.state == gs.HANDED_OVER:
        return "End it with state=committed or state=lifted."
    if answer.state == gs.DECIDING:
        problem = answer.more.get("problem")
        return (
            "It has to find out in ZooKeeper whether the clients were switched, and lifts the fence when they were not"
            + (f"; so far: {problem} " if problem else ". ")
            + "See to it that ZooKeeper answers, then run again."
        )
    return "Wait for it to end, then run again."
