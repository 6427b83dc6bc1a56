# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Ending a cutover that was handed over: committed when the operator has switched the clients, lifted when not."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import (
    IntervalKeeper,
    all_put_back,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import COMMITTED
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import POLL
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import fenced_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import lift_reserve
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_WRITE

_PROOF_SECONDS = 5.0


class End:
    """The second call. ``run`` changes the state of the tracks to committed or lifted."""

    def __init__(
        self,
        eyes: Eyes,
        clusters: Clusters,
        tracks: t.Mapping[str, Track],
        keeper: IntervalKeeper,
        past: cp.Past,
        guard: t.Optional[LivingGuard],
    ) -> None:
        self._eyes = eyes
        self._clusters = clusters
        self._keeper = keeper
        self._past = past
        self._guard = guard
        self._wanted = eyes.request.state
        self._open: t.List[Track] = []
        self._ours = frozenset(tracks)
        for name, track in tracks.items():
            if track.view.app is None and self._wanted == COMMITTED:
                raise MigrationError("pegasus.app_not_found", f"The table {name} does not exist on the source.")
            fenced = self._fenced(track)
            done = past.ended(name) == cp.COMMITTED_KIND
            if self._wanted == COMMITTED:
                if fenced and not (done and track.view.deny == DENY_ALL):
                    self._open.append(track)
                elif not done:
                    raise _was_lifted(name)
                else:
                    track.state = "committed"
            elif fenced:
                # Of a target that did not answer perhaps not even the name is known.
                elsewhere = (switch.TARGET, switch.OTHER) if eyes.blind else (switch.TARGET,)
                if done or track.view.side in elsewhere:
                    raise _on_target(name, clusters.target.cluster_name or "another cluster")
                if track.view.znode_problem is not None and self._switch_begun(name):
                    raise _perhaps_on_target(name, track.view.znode_problem)
                self._open.append(track)
            elif not done and self._held_open(track):
                # The call that took it off died before it had proved that, or told the guard.
                self._open.append(track)
            else:
                track.state = "lifted"
        for track in self._open:
            if past.ended(track.name) == cp.HANDED_OVER_KIND:
                track.resume(past.ends[track.name].data, eyes.clock)

    def _held_open(self, track: Track) -> bool:
        """Whether the guard still holds the fence of a table on which there is none any more."""
        if self._guard is None or self._guard.answer.state != gs.HANDED_OVER:
            return False
        ours = track.name in self._guard.answer.more.get("tables", ())
        return ours and track.view.app is not None and track.view.deny is None

    def _fenced(self, track: Track) -> bool:
        ours = bool(self._past.of(track.fence.resource).changes)
        return ours and track.view.deny in (DENY_WRITE, DENY_ALL)

    def _switch_begun(self, table: str) -> bool:
        place = self._eyes.request.place
        return place is not None and self._past.of(place.resource(table)).changes > 0

    def anything_to_do(self) -> bool:
        """Whether a table is to be ended, or an interval to be put back."""
        return bool(self._open or self._keeper.left)

    def predict(self) -> ChangeList:
        """What ``run`` would send."""
        changes = ChangeList()
        for track in self._open:
            wanted, action = (DENY_ALL, "close") if self._wanted == COMMITTED else (None, RESTORE)
            call = track.fence.call(track.view.deny, wanted, action)
            for change in call.changes if call is not None else ():
                changes.add(change)
        for one in self._keeper.left_calls():
            for change in one.changes:
                changes.add(change)
        return changes

    def run(self, record: CutoverRecord) -> t.List[Finding]:
        """End it; what could not be put back is returned. MigrationError when it cannot be ended that way any more."""
        if self._open:
            if self._wanted == COMMITTED:
                self._commit(record)
            else:
                self._lift(record)
        eyes, ours = self._eyes, self._ours
        left = self._keeper.restore(record, eyes.clock, lambda: fenced_tables(eyes.source, ours))
        self._tell_guard(gs.BYE, settings_restored=all_put_back(left))
        return left

    def _commit(self, record: CutoverRecord) -> None:
        clock = self._eyes.clock
        for track in self._open:
            if track.view.deny == DENY_WRITE:
                # Somebody may have lifted it by hand, or a guard that was killed may have begun to.
                deadline = Deadline(clock, _PROOF_SECONDS, f"the proof of the fence of {track.name}")
                proof = track.fence.prove(model.WRITES_DENIED, deadline)
                record.proof("fence", proof.items(track.name))
        if self._guard is not None and self._guard.answer.state not in (gs.COMMITTED, gs.KEPT):
            self._guard.link.require(gs.COMMIT)
        behind = Behind(self._eyes, self._clusters, record)
        for track in self._open:
            deadline = Deadline(clock, self._eyes.request.budget, f"the MetaProxies of {track.name}")
            behind.follow([track], deadline)
            behind.close(track)
            behind.verify(track, deadline)
            behind.commit(track, self._guard is not None)

    def _lift(self, record: CutoverRecord) -> None:
        usual = lift_reserve(self._clusters.config_sync, self._clusters.round_trip, POLL)
        lift_all(self._open, record, self._eyes.clock, usual)
        self._tell_guard(gs.LIFTED_BY_MODULE)

    def _tell_guard(self, request: str, **more: t.Any) -> None:
        if self._guard is None:
            return
        try:
            self._guard.link.ask(request, **more)
        except GuardLost:
            self._guard = None

    def let_go(self) -> None:
        """Where nothing is left to do, a guard that has ended it need not look after late requests any longer."""
        if self._guard is not None and self._guard.answer.state in gs.ENDS:
            self._tell_guard(gs.BYE, settings_restored=True)

    def close(self) -> None:
        """Hang up."""
        if self._guard is not None:
            self._guard.link.close()


def _was_lifted(table: str) -> MigrationError:
    return MigrationError(
        "pegasus.fence_was_lifted",
        f"The cutover of {table} cannot be committed: its fence is not there (any more), so clients may have written "
        "to the source since. Send the clients that you have switched back to the source, and run the cutover again: "
        "the duplication brings what was written meanwhile.",
        details={"table": table},
    )


def _on_target(table: str, target: str) -> MigrationError:
    return MigrationError(
        "pegasus.already_on_target",
        f"The fence of {table} stays: its clients are on {target}, and may have written to it. Lifting it would let "
        f"other clients write to the source, where nobody looks for it. To go back, duplicate {table} from {target} "
        "to the source as a migration of its own.",
        details={"table": table, "target": target},
    )


def _perhaps_on_target(table: str, problem: MigrationError) -> MigrationError:
    return MigrationError(
        problem.code,
        f"The fence of {table} stays: the journal says that its switch was begun, and where its clients are cannot be "
        f"told, because its znode could not be read. {problem.message} Run again when that is put right.",
        server_text=problem.server_text,
        details={"table": table, **problem.details},
    )
