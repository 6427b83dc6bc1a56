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
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_put_back as pb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reasons import taken_back, with_reason
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
        if returned:
            self._lift_returned(returned, bool(chosen))
        back = [name for name, outcome in outcomes.items() if outcome == pb.BACK]
        unproved = [name for name, outcome in outcomes.items() if outcome == pb.UNPROVED]
        try:
            if problem is not None:
                raise problem
            self._go_on(chosen, deadline)
        except MigrationError as error:
            reason = taken_back(back, unproved)
            if reason is None:
                raise
            raise with_reason(error, reason) from error
        reason = taken_back(back, unproved, [track.name for track in chosen])
        if reason is not None:
            raise reason

    def _beat(self) -> None:
        """Let the guard hear of us: one that takes us for gone decides, and then nothing can be taken back."""
        try:
            self._link.ask(gs.STATUS)
        except GuardLost:
            # A guard that is gone keeps nobody from going forward; the commit tells of it.
            return

    def _go_on(self, chosen: t.Sequence[Track], deadline: Deadline) -> None:
        """What is behind the switch of the tables that stay switched."""
        behind = self._behind
        behind.follow([track for track in chosen if track.proved is None], deadline)
        for track in chosen:
            behind.close(track)
        for track in chosen:
            behind.verify(track)
        if chosen:
            guarded = self._commit(frozenset(track.name for track in chosen))
            for track in chosen:
                behind.commit(track, guarded)

    def _commit(self, tables: t.FrozenSet[str]) -> bool:
        """Tell the guard; False when it is gone, or has decided already and kept the fences of all these tables.

        A guard that has let another table of the same fence go knows no commit any more.
        """
        try:
            answer = self._asked_to_commit(tables)
        except GuardLost:
            # The switch is proved and the source closed: without a guard there is nothing left that it could do.
            self._record.append("note", {"text": "The guard was gone at the commit."})
            return False
        if not answer.granted:
            kept = " and ".join(sorted(tables))
            text = f"The guard had decided before the commit (it is {answer.state}), and kept the fence of {kept}."
            self._record.append("note", {"text": text})
        return answer.granted

    def _asked_to_commit(self, tables: t.FrozenSet[str]) -> Answer:
        """The guard's answer, as soon as it has decided. ``guard.refused`` unless it allows it or has kept them all."""
        deadline = Deadline(self._eyes.clock, self._lift + _DECISION_SECONDS, "the guard's decision")
        while True:
            answer = self._link.ask(gs.COMMIT)
            if answer.granted or tables.issubset(answer.more.get("kept", ())):
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

    def _lift_returned(self, tracks: t.Sequence[Track], others_switched: bool) -> None:
        """Lift what was taken back. With others switched the guard goes on guarding those."""
        self._tell(gs.NOT_SWITCHED, others_switched)
        lift_all(tracks, self._record, self._eyes.clock, self._lift)
        self._tell(gs.LIFTED_BY_MODULE, others_switched)

    def _tell(self, request: str, others_switched: bool) -> None:
        try:
            if not others_switched:
                self._link.ask(request)
        except GuardLost:
            return
