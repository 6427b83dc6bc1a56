# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of configs that we changed: on which frontend or node, what was there first, what is ours."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import recorded as rec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import UNKNOWN, Decision, three_way
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical

NOT_PERSISTED = "starrocks.not_persisted"
SET, LIMIT = "set", "limit"
"""The actions of changes that set a config: for the migration, and because the control text limits it for a while."""


@dataclasses.dataclass(frozen=True)
class Past(rec.Recorded):
    """Our changes of one resource since it was last put back. Values are the server's own texts."""

    @property
    def kind(self) -> str:
        """The server's type of the config."""
        return str(self.contexts[-1].get("type", "String"))

    @property
    def persistent(self) -> bool:
        """Whether one of the changes may have been written to fe.conf, too."""
        return any(bool(context.get("persistent")) for context in self.contexts)

    @property
    def limited(self) -> bool:
        """Whether the last of the changes was made because the control text limits it."""
        return bool(self.contexts) and bool(self.contexts[-1].get("limit"))


def recorded(entries: t.Iterable[Entry], prefix: str) -> t.Dict[str, Past]:
    """By resource whose name begins with ``prefix``, what the journal says; only those with a change of ours."""
    return {
        resource: Past(
            original=str(one.original),
            ours=str(one.ours),
            changes=one.changes,
            pending=tuple((change_id, str(after)) for change_id, after in one.pending),
            last_done=one.last_done,
            order=one.order,
            contexts=one.contexts,
        )
        for resource, one in rec.recorded(entries, prefix).items()
        if one.changes
    }


def limited_keys(past: t.Mapping[str, Past]) -> t.FrozenSet[str]:
    """The configs that the control text limits: what the migration wants of them has to wait."""
    return frozenset(name.rpartition("/config/")[2] for name, one in past.items() if one.limited)


def left_limited(keys: t.Iterable[str]) -> t.List[str]:
    """The warnings about those that are left as they are."""
    return [
        f"{key} stays as the limits of the control text have it; take that line away, and run this again when it is "
        "acknowledged."
        for key in keys
    ]


def context_of(kind: str, action: str, **more: t.Any) -> t.Dict[str, t.Any]:
    """What is written down beside an intent."""
    return {"type": kind, **more, **({"limit": True} if action == LIMIT else {})}


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


def same_value(past: Past, one: t.Any, two: t.Any) -> bool:
    """Whether two texts of a config say the same."""
    return canonical(str(one), past.kind) == canonical(str(two), past.kind)
