# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of a setting that we changed, and what to do about it at the end."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import Decision, three_way

RESTORE = "restore"
"""The action of a change that puts an original back, and the kind of the journal entry that closes the matter."""

_NOT_OURS = ("failed", "skipped", "abandoned")


@dataclasses.dataclass(frozen=True)
class Recorded:
    """Our changes of one resource since it was last put back. States are JSON-able; None is an absent setting.

    ``changes``: how many there are; without one, ``original`` and ``ours`` say nothing. ``pending``: (id, wanted
    state) of intents without outcome. ``last_done``: when the last of them was seen in place, Unix seconds.
    """

    original: t.Any = None
    ours: t.Any = None
    changes: int = 0
    pending: t.Tuple[t.Tuple[str, t.Any], ...] = ()
    last_done: t.Optional[float] = None


NOTHING = Recorded()


class _Fold:
    """The state of one resource between two entries; changes by id, in order, as (before, after)."""

    def __init__(self) -> None:
        self.ours: t.Dict[str, t.Tuple[t.Any, t.Any]] = {}
        self.pending: t.Dict[str, t.Any] = {}
        self.last_done: t.Optional[float] = None

    def recorded(self) -> Recorded:
        changes = list(self.ours.values())
        return Recorded(
            original=changes[0][0] if changes else None,
            ours=changes[-1][1] if changes else None,
            changes=len(changes),
            pending=tuple(self.pending.items()),
            last_done=self.last_done,
        )


def recorded(entries: t.Iterable[Entry], prefix: str) -> t.Dict[str, Recorded]:
    """Fold journal entries into what they say of each resource whose name begins with ``prefix``.

    The original is what our first change since the last restore found. Changes that were refused are not ours. Those
    without outcome, or with an unknown one, may be.
    """
    folds: t.Dict[str, _Fold] = {}
    owners: t.Dict[str, str] = {}
    for entry in entries:
        data = entry.data
        if entry.kind == INTENT and str(data.get("resource", "")).startswith(prefix):
            resource, change_id = str(data["resource"]), str(data["id"])
            fold = folds.setdefault(resource, _Fold())
            owners[change_id] = resource
            fold.pending[change_id] = data.get("after")
            if data.get("action") != RESTORE:
                fold.ours[change_id] = (data.get("before"), data.get("after"))
        elif entry.kind == OUTCOME and str(data.get("id")) in owners:
            change_id = str(data["id"])
            fold = folds[owners[change_id]]
            fold.pending.pop(change_id, None)
            if data.get("status") in _NOT_OURS:
                fold.ours.pop(change_id, None)
            elif data.get("status") == "done":
                fold.last_done = parse_iso(entry.at).timestamp()
        elif entry.kind == RESTORE and str(data.get("resource", "")) in folds:
            folds[str(data["resource"])].ours.clear()
    return {resource: fold.recorded() for resource, fold in folds.items()}


def decide(past: Recorded, now: t.Any) -> Decision:
    """Whether the original goes back over what is there ``now`` (or UNKNOWN); without a change of ours it never is."""
    if not past.changes:
        return Decision("already_original", "the journal has no change of it that was not put back already")
    return three_way(past.original, past.ours, now)


def restore_record(resource: str, past: Recorded, now: t.Any, decision: Decision) -> t.Dict[str, t.Any]:
    """The data of a journal's ``restore`` entry, which results show too."""
    return {
        "resource": resource,
        "original": past.original,
        "ours": past.ours,
        "now": now,
        "action": decision.action,
        "reason": decision.reason,
    }
