# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of the load switch and the load jobs that a freeze changed. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import Decision, three_way

RESTORE = "restore"
"""The action of a change that puts an original back, and the kind of the journal entry that closes the matter."""
_NOT_OURS = ("failed", "skipped", "abandoned")


@dataclasses.dataclass(frozen=True)
class Past:
    """Our changes of one resource since it was last put back; states are JSON-able.

    ``changes``: how many; without one the rest says nothing. ``pending``: (id, wanted state) of those without outcome.
    """

    original: t.Any = None
    ours: t.Any = None
    changes: int = 0
    pending: t.Tuple[t.Tuple[str, t.Any], ...] = ()


NOTHING = Past()


@dataclasses.dataclass
class _Fold:
    ours: t.Dict[str, t.Tuple[t.Any, t.Any]] = dataclasses.field(default_factory=dict)
    pending: t.Dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def past(self) -> Past:
        changes = list(self.ours.values())
        return Past(
            original=changes[0][0] if changes else None,
            ours=changes[-1][1] if changes else None,
            changes=len(changes),
            pending=tuple(self.pending.items()),
        )


def fold(entries: t.Iterable[Entry], wanted: t.Callable[[str], bool]) -> t.Dict[str, Past]:
    """By resource for which ``wanted`` holds, in the order of their first change.

    Changes that were refused are not ours; those without outcome, or with an unknown one, may be.
    """
    folds: t.Dict[str, _Fold] = {}
    owners: t.Dict[str, str] = {}
    for entry in entries:
        data = entry.data
        if entry.kind == INTENT and wanted(str(data.get("resource", ""))):
            change_id, resource = str(data["id"]), str(data["resource"])
            owners[change_id] = resource
            one = folds.setdefault(resource, _Fold())
            one.pending[change_id] = data.get("after")
            if data.get("action") != RESTORE:
                one.ours[change_id] = (data.get("before"), data.get("after"))
        elif entry.kind == OUTCOME and str(data.get("id")) in owners:
            change_id = str(data["id"])
            one = folds[owners[change_id]]
            one.pending.pop(change_id, None)
            if data.get("status") in _NOT_OURS:
                one.ours.pop(change_id, None)
        elif entry.kind == RESTORE and str(data.get("resource", "")) in folds:
            folds[str(data["resource"])].ours.clear()
    return {resource: one.past() for resource, one in folds.items()}


def decide(past: Past, now: t.Any) -> Decision:
    """Whether the original goes back over what is there ``now`` (or UNKNOWN); without a change of ours it never is."""
    if not past.changes:
        return Decision("already_original", "the journal has no change of it that was not put back already")
    return three_way(past.original, past.ours, now)


def restore_record(resource: str, past: Past, now: t.Any, decision: Decision) -> t.Dict[str, t.Any]:
    """The data of a journal's ``restore`` entry, which results show too."""
    return {
        "resource": resource,
        "original": past.original,
        "ours": past.ours,
        "now": now,
        "action": decision.action,
        "reason": decision.reason,
    }
