# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""From the switch to the commit: followed by every MetaProxy, closed, verified; or taken back when nobody followed."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, with_reason
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_put_back as pb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reasons import taken_back
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import FENCED, Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

_POLL = 0.5
_DECISION_SECONDS = 30.0


class Finish:
    """The end of the switched tables of one fence. ``lift``: the seconds that lifting usually takes."""

    def __init__(self, eyes: Eyes, clusters: Clusters, record: CutoverRecord, link: GuardLink, lift: float) -> None:
        self._eyes = eyes
        self._record = record
        self._link = link
        self._lift = lift
        self._behind = Behind(eyes, clusters, record, self._beat)

    def run(self, tracks: t.Sequence[Track], deadline: Deadline) -> None:
        """Commit every table, or raise; what nobody followed is taken back and lifted first."""
        revocable = [track.name for track in tracks if track.target_before is not None]
        unmoved = {track.view.name for track in self._behind.follow(tracks, deadline, revocable)}
        outcomes, problem = self._go_back([track for track in tracks if track.name in unmoved])
        returned = [track for track in tracks if outcomes.get(track.name, pb.FORWARD) != pb.FORWARD]
        chosen = [track for track in tracks if track not in returned]
        lift = self._lift_returned(returned, bool(chosen)) if returned else None
        back = [name for name, outcome in outcomes.items() if outcome == pb.BACK]
        unproved = [name for name, outcome in outcomes.items() if outcome == pb.UNPROVED]
        committed = [track.name for track in chosen]
        try:
            if problem is not None:
                raise problem
            self._go_on(chosen, deadline, lift is None)
        except MigrationError as error:
            problem, committed = error, []
        told = taken_back(back, unproved, committed, lift is None)
        for worse in (problem, lift):
            if worse is not None:
                told = worse if told is None else with_reason(worse, told)
        if told is not None:
            raise told

    def _beat(self) -> None:
        """Let the guard hear of us: one that takes us for gone decides, and then nothing can be taken back."""
        try:
            self._link.ask(gs.STATUS)
        except GuardLost:
            # A guard that is gone keeps nobody from going forward; the commit tells of it.
            return

    def _go_on(self, chosen: t.Sequence[Track], deadline: Deadline, others_lifted: bool) -> None:
        """What is behind the switch of the tables that stay switched."""
        behind = self._behind
        behind.follow([track for track in chosen if track.proved is None], deadline)
        for track in chosen:
            behind.close(track)
        for track in chosen:
            behind.verify(track, deadline)
        if chosen:
            guarded = self._commit(frozenset(track.name for track in chosen), others_lifted)
            for track in chosen:
                behind.commit(track, guarded)

    def _commit(self, tables: t.FrozenSet[str], others_lifted: bool) -> bool:
        """Tell the guard; False when it is gone, or has decided already and kept the fences of all these tables.

        A guard that has let another table of the same fence go knows no commit any more. It is told nothing while the
        fence of one that was taken back is not lifted: that would end it, and nobody would go on lifting.
        """
        try:
            answer = self._asked_to_commit(tables, gs.COMMIT if others_lifted else gs.STATUS)
        except GuardLost:
            # The switch is proved and the source closed: without a guard there is nothing left that it could do.
            self._record.append("note", {"text": "The guard was gone at the commit."})
            return False
        if answer.state == gs.SWITCHING:
            text = "The guard was not told of the commit, so that it lifts what was taken back."
            self._record.append("note", {"text": text})
        elif answer.state != gs.COMMITTED:
            kept = " and ".join(sorted(tables))
            text = f"The guard had decided before the commit (it is {answer.state}), and kept the fence of {kept}."
            self._record.append("note", {"text": text})
        return answer.state == gs.COMMITTED

    def _asked_to_commit(self, tables: t.FrozenSet[str], request: str) -> Answer:
        """The guard's answer, as soon as it has decided. ``guard.refused`` unless it allows it or has kept them all.

        ``request``: COMMIT, or STATUS to hear only whether it has not let them go.
        """
        deadline = Deadline(self._eyes.clock, self._lift + _DECISION_SECONDS, "the guard's decision")
        while True:
            answer = self._link.ask(request)
            if answer.state in (gs.COMMITTED, gs.SWITCHING) or tables.issubset(answer.more.get("kept", ())):
                return answer
            if answer.state != gs.DECIDING or deadline.expired:
                return self._link.require(gs.COMMIT)
            deadline.sleep(_POLL)

    def _go_back(self, tracks: t.Sequence[Track]) -> t.Tuple[t.Dict[str, str], t.Optional[MigrationError]]:
        """Put the znodes back if surely no client has noticed; see :class:`PutBack`."""
        place = self._eyes.request.place
        switched = [
            pb.Switched(track.view.switch, track.view, track.target_before)
            for track in tracks
            if track.view.switch is not None and track.target_before is not None
        ]
        if place is None or not switched:
            return {}, None
        with contextlib.ExitStack() as stack:
            try:
                session = stack.enter_context(ZooKeeper(place))
            except MigrationError:
                return {}, None
            put_back = pb.PutBack(self._eyes, self._record, session, self._link)
            put_back.run(switched)
        for track in tracks:
            if put_back.outcomes.get(track.name, pb.FORWARD) != pb.FORWARD:
                track.state = FENCED
        return put_back.outcomes, put_back.problem

    def _lift_returned(self, tracks: t.Sequence[Track], others_switched: bool) -> t.Optional[MigrationError]:
        """Lift what was taken back; why that failed, if it did. With others switched the guard goes on guarding."""
        self._tell(gs.NOT_SWITCHED, others_switched)
        try:
            lift_all(tracks, self._record, self._eyes.clock, self._lift)
        except MigrationError as error:
            return error
        self._tell(gs.LIFTED_BY_MODULE, others_switched)
        return None

    def _tell(self, request: str, others_switched: bool) -> None:
        try:
            if not others_switched:
                self._link.ask(request)
        except GuardLost:
            return
