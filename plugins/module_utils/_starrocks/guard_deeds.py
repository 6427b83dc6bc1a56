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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import jobs_ended
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_thaw import Plainly, Thaw, Thawed
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection

_PATIENCE = 2.0
"""Seconds for which one read is repeated: a guard tries again by itself, and must answer its module meanwhile."""
_SWITCH_TIMEOUT = 10.0
"""Seconds to wait at most for a frontend to tell or set its switch, which it does from memory. One that hangs keeps all
others waiting for as long, while their loads are refused; what it does later shows in a later look."""


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
        connection = guarded.connection
        self._cluster = Cluster(connection, redactor, clock, patience=_PATIENCE)
        hasty = dataclasses.replace(connection, read_timeout=min(connection.read_timeout, _SWITCH_TIMEOUT))
        self._switch = fs.LoadSwitch(Cluster(hasty, redactor, clock, patience=_PATIENCE))
        self._clock = clock
        self._ours = dict(guarded.ours)
        self._told: t.Set[str] = set()
        self._went_on: t.Dict[str, float] = {}
        self._waiting: t.Tuple[str, ...] = ()
        self._kept: t.Tuple[str, ...] = ()
        self._lifted = False
        self._relifted = 0

    def self_test(self) -> None:
        """Read what a lift has to read: the switch of every frontend, and all jobs."""
        self._switch.look().require_known()
        self._switch.profile()
        Freeze(self._cluster, self._clock).look()

    def settle_switch(self) -> t.Optional[str]:
        """The operator switches, so there is no switch of ours that could come late."""
        return gs.IMPOSSIBLE

    def lift(self) -> bool:
        """One step; True once loads are taken everywhere and everything that was paused goes on."""
        thawed = self._thaw().step(Plainly())
        self._waiting, self._kept, self._lifted = thawed.waiting, thawed.kept, thawed.done
        if thawed.done:
            # One that is silent later, while late requests are watched for, was seen to take loads.
            self._told.update(self._ours)
        self._let_go(thawed)
        if thawed.problem is not None and not thawed.done:
            raise thawed.problem
        return thawed.done

    def _let_go(self, thawed: Thawed) -> None:
        """A silent frontend can keep a guard for long. What people do to jobs that go on meanwhile is theirs, once no
        request of the module can arrive any more."""
        now = self._clock.monotonic()
        ended = jobs_ended(self._ours, thawed.states)
        self._went_on = {resource: self._went_on.get(resource, now) for resource in ended}
        for resource, since in self._went_on.items():
            if now - since > 2 * self._guarded.connection.read_timeout:
                del self._ours[resource]

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
        return Thaw(self._cluster, self._ours, self._guarded.stopped_before, self._told, self._switch)
