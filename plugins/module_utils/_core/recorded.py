# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of resources that we changed: what was there first, what is ours, what is to be done about it.

Pure, and the same for every engine: a journal is folded into one record for each resource, and the decision at the end
is three-way.
"""

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
    """Our changes of one resource since it was last put back. States are JSON-able; None is an absent one.

    ``changes``: how many there are; without one, ``original`` and ``ours`` say nothing. ``pending``: (id, wanted
    state) of intents without outcome. ``last_done``: when the last of them was seen in place, Unix seconds. ``order``:
    the seq of the first of them. ``contexts``: what was written down beside each of them. When and how is no part of
    being equal.
    """

    original: t.Any = None
    ours: t.Any = None
    changes: int = 0
    pending: t.Tuple[t.Tuple[str, t.Any], ...] = ()
    last_done: t.Optional[float] = dataclasses.field(default=None, compare=False)
    order: int = dataclasses.field(default=0, compare=False)
    contexts: t.Tuple[t.Mapping[str, t.Any], ...] = dataclasses.field(default=(), compare=False)


NOTHING = Recorded()


class _Fold:
    """The state of one resource between two entries; intents by their id, in order."""

    def __init__(self) -> None:
        self.ours: t.Dict[str, Entry] = {}
        self.pending: t.Dict[str, t.Any] = {}
        self.last_done: t.Optional[float] = None

    def recorded(self) -> Recorded:
        intents = list(self.ours.values())
        return Recorded(
            original=intents[0].data.get("before") if intents else None,
            ours=intents[-1].data.get("after") if intents else None,
            changes=len(intents),
            pending=tuple(self.pending.items()),
            last_done=self.last_done,
            order=intents[0].seq if intents else 0,
            contexts=tuple(intent.data.get("context") or {} for intent in intents),
        )


def recorded(entries: t.Iterable[Entry], prefix: t.Union[str, t.Tuple[str, ...]]) -> t.Dict[str, Recorded]:
    """Fold journal entries into what they say of each resource whose name begins with (one of) ``prefix``.

    In the order of their first change. The original is what our first change since the last restore found. Changes that
    were refused are not ours. Those without outcome, or with an unknown one, may be.
    """
    folds: t.Dict[str, _Fold] = {}
    owners: t.Dict[str, _Fold] = {}
    for entry in entries:
        data = entry.data
        resource = str(data.get("resource", ""))
        if entry.kind == INTENT and resource.startswith(prefix):
            change_id = str(data["id"])
            fold = owners[change_id] = folds.setdefault(resource, _Fold())
            fold.pending[change_id] = data.get("after")
            if data.get("action") != RESTORE:
                fold.ours[change_id] = entry
        elif entry.kind == OUTCOME and str(data.get("id")) in owners:
            change_id = str(data["id"])
            fold = owners[change_id]
            fold.pending.pop(change_id, None)
            if data.get("status") in _NOT_OURS:
                fold.ours.pop(change_id, None)
            elif data.get("status") == "done":
                fold.last_done = parse_iso(entry.at).timestamp()
        elif entry.kind == RESTORE and resource in folds:
            folds[resource].ours.clear()
    return {resource: fold.recorded() for resource, fold in folds.items()}


def assume(past: Recorded, changes: t.Sequence[t.Mapping[str, t.Any]]) -> Recorded:
    """``past`` as it would be if ``changes`` of that resource, as a check run has predicted them, had been made."""
    if not changes:
        return past
    return dataclasses.replace(
        past,
        original=past.original if past.changes else changes[0]["before"],
        ours=changes[-1]["after"],
        changes=past.changes + len(changes),
    )


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
