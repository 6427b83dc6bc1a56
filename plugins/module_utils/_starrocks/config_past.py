# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of configs that we changed: on which frontend or node, what was there first, what is ours."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import UNKNOWN, Decision, three_way
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical

RESTORE = "restore"
"""The action of a change that puts an original back, and the kind of the journal entry that closes the matter."""

_NOT_OURS = ("failed", "skipped", "abandoned")
NOT_PERSISTED = "starrocks.not_persisted"


@dataclasses.dataclass(frozen=True)
class Past:
    """Our changes of one resource since it was last put back. Values are the server's own texts.

    ``order``: the seq of the first of them. ``pending``: (id, wanted value) of intents without outcome.
    ``persistent``: one of them may have been written to fe.conf, too.
    """

    original: str
    ours: str
    kind: str
    order: int
    persistent: bool
    pending: t.Tuple[t.Tuple[str, str], ...]


class _Fold:
    def __init__(self) -> None:
        self.ours: t.Dict[str, Entry] = {}
        self.pending: t.Dict[str, str] = {}

    def past(self) -> t.Optional[Past]:
        changes = list(self.ours.values())
        if not changes:
            return None
        contexts = [change.data.get("context") or {} for change in changes]
        return Past(
            original=str(changes[0].data.get("before")),
            ours=str(changes[-1].data.get("after")),
            kind=str(contexts[-1].get("type", "String")),
            order=changes[0].seq,
            persistent=any(bool(context.get("persistent")) for context in contexts),
            pending=tuple(self.pending.items()),
        )


def recorded(entries: t.Iterable[Entry], prefix: str) -> t.Dict[str, Past]:
    """By resource whose name begins with ``prefix``, what the journal says; only those with a change of ours.

    The original is what our first change since the last restore found. Changes that were refused are not ours; those
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
            fold.pending[change_id] = str(data.get("after"))
            if data.get("action") != RESTORE:
                fold.ours[change_id] = entry
        elif entry.kind == OUTCOME and str(data.get("id")) in owners:
            change_id = str(data["id"])
            fold = folds[owners[change_id]]
            fold.pending.pop(change_id, None)
            if data.get("status") in _NOT_OURS:
                fold.ours.pop(change_id, None)
        elif entry.kind == RESTORE and str(data.get("resource", "")) in folds:
            folds[str(data["resource"])].ours.clear()
    return {resource: past for resource, past in ((name, fold.past()) for name, fold in folds.items()) if past}


def persisting_refused(entries: t.Iterable[Entry], prefix: str) -> bool:
    """Whether the cluster has said that it cannot write fe.conf (``WITH PERSISTENT`` in a container, for one)."""
    return any(
        entry.kind == "note" and entry.data.get("code") == NOT_PERSISTED and entry.data.get("cluster") == prefix
        for entry in entries
    )


def decide(past: Past, now: t.Optional[str]) -> Decision:
    """Whether the original goes back over what is there ``now`` (None: it could not be read)."""
    if now is None:
        return three_way(past.original, past.ours, UNKNOWN)
    return three_way(canonical(past.original, past.kind), canonical(past.ours, past.kind), canonical(now, past.kind))


def restore_record(resource: str, past: Past, now: t.Optional[str], decision: Decision) -> t.Dict[str, t.Any]:
    """The data of a journal's ``restore`` entry, which results show too."""
    return {
        "resource": resource,
        "original": past.original,
        "ours": past.ours,
        "now": now,
        "action": decision.action,
        "reason": decision.reason,
    }
