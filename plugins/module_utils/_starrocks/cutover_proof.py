# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The proof of a cutover in the journal: every partition with its version, in portions that can be written at once."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord

_PORTION = 5000
"""Partitions of one journal entry."""
KIND = "partitions_equal"


class PartitionProof:
    """Collects what a comparison found equal; ``write`` once it is known to count."""

    def __init__(self) -> None:
        self._portions: t.List[t.List[t.Dict[str, t.Any]]] = []
        self._left = 0

    def take(self, table: str, partitions: t.Mapping[str, t.Any]) -> None:
        """The equal partitions of one table, with the versions of their physical partitions."""
        names = list(partitions)
        while names:
            if self._left <= 0:
                self._portions.append([])
                self._left = _PORTION
            now, names = names[: self._left], names[self._left :]
            self._left -= len(now)
            self._portions[-1].append({"subject": table, "versions": {name: partitions[name] for name in now}})

    def write(self, record: FreezeRecord) -> None:
        """Write all of it."""
        for portion in self._portions:
            record.proof(KIND, portion)
