# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a guard does to the source: with connections of its own, made after the fork, and without the journal."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import Plainly, Thaw
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection

_PATIENCE = 2.0
"""Seconds for which one read is repeated: a guard tries again by itself, and must answer its module meanwhile."""


@dataclasses.dataclass(frozen=True)
class Guarded:
    """Everything a guard has to know. ``ours``: by resource, what the journal will say of the freeze, and
    ``stopped_before``, see ``freeze_plan``."""

    connection: Connection
    cluster_id: str
    ours: t.Mapping[str, Recorded]
    stopped_before: t.FrozenSet[str]


class FreezeDeeds:
    """The deeds of a guard of a freeze."""

    def __init__(self, guarded: Guarded, redactor: Redactor, clock: Clock) -> None:
        self._guarded = guarded
        self._cluster = Cluster(guarded.connection, redactor, clock, patience=_PATIENCE)
        self._clock = clock
        self._waiting: t.Tuple[str, ...] = ()
        self._kept: t.Tuple[str, ...] = ()
        self._lifted = False
        self._relifted = 0

    def self_test(self) -> None:
        """Read what a lift has to read: the switch of every frontend, and all jobs."""
        Freeze(self._cluster, self._clock).look()

    def settle_switch(self) -> t.Optional[str]:
        """The operator switches, so there is no switch of ours that could come late."""
        return gs.IMPOSSIBLE

    def lift(self) -> bool:
        """One step; True once loads are taken everywhere and everything that was paused goes on."""
        thawed = self._thaw().step(Plainly())
        self._waiting, self._kept, self._lifted = thawed.waiting, thawed.kept, thawed.done
        return thawed.done

    def watch(self) -> None:
        """A request to freeze that was under way when its sender died may arrive after the lift: take it back."""
        changes = self._thaw().predict()
        if changes.changed:
            self._thaw().step(Plainly())
            self._relifted += 1

    def restore_settings(self) -> None:
        """A cutover changes nothing besides the freeze."""

    def told(self) -> t.Dict[str, t.Any]:
        """For the record and for whoever asks."""
        return {
            "cluster": self._guarded.cluster_id,
            "resources": sorted(self._guarded.ours),
            "freeze_lifted": self._lifted,
            "waiting": list(self._waiting),
            "left_to_others": list(self._kept),
            "late_freezes_lifted": self._relifted,
        }

    def _thaw(self) -> Thaw:
        return Thaw(self._cluster, self._guarded.ours, self._guarded.stopped_before)
