# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a module is about to do, added once; ``changed``, ``diff``, result and journal all fall out of it."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Change:
    """One effect. ``resource``: stable name; ``before``, ``after``: JSON-able states; ``request``: the exact call."""

    resource: str
    action: str
    before: t.Any
    after: t.Any
    request: t.Any

    def as_result(self) -> dict[str, t.Any]:
        """The change as module results and the journal hold it."""
        return {
            "resource": self.resource,
            "action": self.action,
            "before": self.before,
            "after": self.after,
            "request": self.request,
        }


class ChangeList:
    """Changes in the order in which they are sent."""

    def __init__(self, changes: t.Iterable[Change] = ()) -> None:
        self._changes: list[Change] = list(changes)

    def add(self, change: Change) -> None:
        """Append one change."""
        self._changes.append(change)

    def __iter__(self) -> t.Iterator[Change]:
        return iter(self._changes)

    def __len__(self) -> int:
        return len(self._changes)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._changes)

    def diff(self) -> dict[str, dict[str, t.Any]]:
        """Ansible's diff: for each resource the state before its first and after its last change."""
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        for change in self._changes:
            before.setdefault(change.resource, change.before)
            after[change.resource] = change.after
        return {"before": before, "after": after}

    def as_result(self) -> list[dict[str, t.Any]]:
        """All changes in order, as plain data."""
        return [change.as_result() for change in self._changes]
