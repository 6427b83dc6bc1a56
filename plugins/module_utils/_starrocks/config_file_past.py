# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of blocks in configuration files: on which host, in which file, with which settings. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    recorded,
)

FILE = "file"


@dataclasses.dataclass(frozen=True)
class Place:
    """A block in a configuration file. ``host``: the name by which the inventory knows where it is."""

    host: str
    path: str
    block: str

    def as_result(self) -> t.Dict[str, str]:
        """For results."""
        return dataclasses.asdict(self)


class FilesPast:
    """The blocks of one cluster's frontends, as a journal tells them."""

    def __init__(self, entries: t.Sequence[Entry], cluster_id: str) -> None:
        self._prefix = f"starrocks:{cluster_id}/{FILE}/"
        self._past = recorded(entries, self._prefix)

    def of(self, place: Place) -> Recorded:
        """What we did there."""
        return self._past.get(self._resource(place), NOTHING)

    def left(self) -> t.List[Place]:
        """Blocks that are there, or may be, and were not taken out since."""
        return [_place(one) for one in self._past.values() if one.changes]

    def change(self, place: Place, settings: t.Mapping[str, str]) -> t.Optional[Change]:
        """What is about to be written there; None if the journal has that as our last change already."""
        past = self.of(place)
        before = past.ours if past.changes else None
        after = {**place.as_result(), "settings": dict(settings)}
        if before == after:
            return None
        return Change(self._resource(place), "set", before, after, place.as_result())

    def closing(self, place: Place, now: t.Any, action: str, reason: str) -> t.Dict[str, t.Any]:
        """The journal's ``restore`` entry that closes the matter of a block."""
        past = self.of(place)
        return {
            "resource": self._resource(place),
            "original": past.original,
            "ours": past.ours,
            "now": now,
            "action": action,
            "reason": reason,
        }

    def _resource(self, place: Place) -> str:
        return f"{self._prefix}{place.host}:{place.path}/{place.block}"


def closing_of(result: t.Mapping[str, t.Any]) -> t.Tuple[str, str]:
    """What became of our block, by the result of the module that was to take it out: action and reason."""
    if result.get("kept"):
        return "keep_theirs", "somebody else has edited the block since, so theirs stays"
    if result.get("former") is None:
        return "already_original", "there is no block"
    return RESTORE, "it is still what the migration made it"


def _place(one: Recorded) -> Place:
    return Place(str(one.ours["host"]), str(one.ours["path"]), str(one.ours["block"]))
