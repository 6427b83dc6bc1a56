# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a cutover asks of the target besides its partitions, while writes to the source are stopped."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_drain import running_replications
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    TransactionReader,
    find_foreign,
    of_migrated,
)


class TargetWatch:
    """``known_foreign``: ids of transactions on the target that were accepted at the gate."""

    def __init__(
        self,
        target: Cluster,
        scope: Scope,
        readers: t.Tuple[PartitionReader, PartitionReader],
        known_foreign: t.FrozenSet[int],
    ) -> None:
        self._target = target
        self._scope = scope
        self._ours, self._theirs = readers
        self._known_foreign = known_foreign

    def replicating(self) -> t.List[str]:
        """What is under way inside it, in words."""
        return running_replications(self._target, self._scope, self._theirs.databases)

    def require_nothing_foreign(self) -> None:
        """MigrationError ``starrocks.foreign_write`` when somebody else has written to it."""
        reader = TransactionReader(self._target)
        found = find_foreign(reader, self._theirs.databases).writes
        unknown = [one for one in found if one.transaction_id not in self._known_foreign]
        new = of_migrated(reader, unknown, self._ours)
        if new:
            raise MigrationError(
                "starrocks.foreign_write",
                f"Somebody wrote to the target while writes to the source were stopped: {new[0].label} in "
                f"{new[0].database} ({new[0].source}). Find out who did, and copy what it wrote to again.",
                details={"writes": [one.as_result() for one in new[:20]]},
            )
