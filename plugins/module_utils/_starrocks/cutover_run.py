# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The cutover from the freeze to the hand-over, step by step.

Order: how to lift by hand is written down -> the guard allows it -> load jobs paused, switch set and proved on every
frontend -> quiescent and converged, by comparisons -> the sync tool ended -> replications in the target's frontends
drained -> compared twice more, equal, and the source unchanged -> proof written -> handed over to the operator.
Whatever fails before lifts the freeze and lets exactly the jobs go on that were paused.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import CutoverControl
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, with_reason
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import quiescence as qu
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_live import compare_clusters
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_failures import (
    NEVER_EQUAL,
    never_equal,
    nobody_copies,
    too_late,
    waiting_for,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import CutoverRequest
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import (
    HANDED_OVER_KIND,
    STARTED_KIND,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_proof import PartitionProof
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_target import TargetWatch
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_tool import SyncTool
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import (
    FROZEN,
    HANDED_OVER,
    LIFTED,
    Track,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.forecast import GIVE_UP_EARLY, Forecast
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze, FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import thaw_all
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.renewal import Renewal

FINAL_LOOKS = 2
_LIFT_SECONDS = 60.0
_ON_TRUST = {"subject": "sync tool", "state": "stopped by the operator's word"}
"""Of a tool that this host does not see (option tool_is_stopped)."""


class CutoverRun:
    """One freeze. ``run`` ends handed over, or raises after the freeze was lifted."""

    def __init__(
        self,
        request: CutoverRequest,
        source: Cluster,
        target: Cluster,
        readers: t.Tuple[PartitionReader, PartitionReader],
        tool: t.Optional[SyncTool],
        track: Track,
        record: FreezeRecord,
        forecast: Forecast,
        link: GuardLink,
        known_foreign: t.FrozenSet[int],
        control: CutoverControl,
        clock: Clock,
    ) -> None:
        """``known_foreign``: ids of transactions on the target that were accepted at the gate."""
        self._request = request
        self._source = source
        self._target = target
        self._readers = readers
        self._tool = tool
        self._track = track
        self._record = record
        self._forecast = forecast
        self._link = link
        self._theirs = TargetWatch(target, request.scope, readers, known_foreign)
        self._control = control
        self._clock = clock
        self._freeze = Freeze(source, clock)
        self._quiet = qu.QuietReader(source, readers[0])
        self._watch = qu.QuietWatch(clock, request.quiet_time)

    def run(self, look: FreezeLook, command: str) -> None:
        """All steps. ``look``: what the guard was started with. ``command``: how to lift by hand."""
        self._record.append("note", {"text": f"To lift the freeze by hand: {command}"})
        self._record.append(STARTED_KIND, {"source": self._source.cluster_id, "target": self._target.cluster_id})
        try:
            deadline = self._arm()
            self._stop_writes(look, deadline)
            self._await_equal(deadline)
            self._end_tool(deadline)
            self._drain(deadline)
            self._prove(deadline)
            self._hand_over()
        except BaseException as error:
            self._give_up(error)
            raise

    def _arm(self) -> Deadline:
        seconds = self._request.budget - self._forecast.lift
        answer = self._link.require(gs.FENCE, seconds=seconds)
        # The operator's switch has its part of the same budget.
        own = max(0.0, seconds - GIVE_UP_EARLY - self._forecast.hook)
        deadline = Deadline(self._clock, own, "budget: the cutover")
        self._record.proof("guard", [answer.as_proof(self._source.cluster_id, self._link.pid, self._clock.now())])
        return deadline

    def _armed(self) -> None:
        self._link.require_armed()
        self._control.beat(self._record.append, "the freeze was lifted, and nothing was switched")

    def _stop_writes(self, look: FreezeLook, deadline: Deadline) -> None:
        self._track.sent = self._clock.monotonic()
        self._track.state = FROZEN
        self._freeze.apply(look, self._record, deadline, self._armed)
        self._mark("frozen")

    def _mark(self, name: str) -> None:
        self._track.mark(name, self._clock.monotonic())

    def _held(self, deadline: Deadline) -> bool:
        """Whether the freeze has held since the last look; if not, it is set again, and all looks count for nothing."""
        self._armed()
        held = self._freeze.hold(self._record, deadline, self._armed)
        self._track.reasserted = self._freeze.reasserted
        if not held:
            self._forget()
        return held

    def _forget(self) -> None:
        """What was concluded of the source's rest counts no more: it is to be proved anew, with a later time."""
        self._watch.forget()
        self._track.marks.pop("quiescent", None)

    def _compare(self, proof: t.Optional[PartitionProof] = None) -> Comparison:
        self._armed()
        self._track.comparisons += 1
        sink = proof.take if proof is not None else None
        found = compare_clusters(*self._readers, sink, kept=self._request.kept)
        wrong = [verdict for verdict in NEVER_EQUAL if found.counts[verdict]]
        if wrong:
            raise never_equal(found)
        return found

    def _conditions(self) -> t.List[qu.Condition]:
        return self._quiet.conditions(self._freeze.look())

    def _await_equal(self, deadline: Deadline) -> None:
        """Until the source is quiescent by all four conditions, and the target equal, in the same looks."""
        since = iso(self._clock.now())
        cycle = self._tool.cycle() if self._tool is not None else None
        renewal = Renewal()
        while True:
            held = self._held(deadline)
            conditions = self._conditions()
            quiet = held and all(one.met for one in conditions)
            if not quiet:
                self._forget()
            # Asked before the comparison, which sees all that had ended by then.
            over = quiet and self._copies_are_over()
            began = self._clock.monotonic()
            found = self._compare()
            renewal.require(found.renewed, cycle, self._clock.now().timestamp())
            if quiet:
                conditions.append(self._watch.looked(found.source_digest, began))
                if conditions[-1].met and "quiescent" not in self._track.marks:
                    self._mark("quiescent")
                    at = iso(self._clock.now())
                    self._record.proof("quiescence", [one.as_item(at) for one in conditions])
            unmet = [one for one in conditions if not one.met]
            if found.equal:
                self._mark("converged")
                if quiet and not unmet:
                    return
            if over and not unmet and not found.equal:
                raise nobody_copies(found)
            wait = waiting_for(found, unmet, since)
            self._record.waiting(wait)
            if deadline.expired:
                raise too_late(wait, "equal to the source" if not found.equal else "at rest")
            deadline.sleep(self._request.poll_interval)

    def _copies_are_over(self) -> bool:
        """Whether nothing brings the target any nearer: no tool runs (any more), and it left no replication behind."""
        return (self._tool is None or self._tool.state() != "running") and not self._theirs.replicating()

    def _end_tool(self, deadline: Deadline) -> None:
        self._armed()
        tool = self._tool
        if tool is not None and tool.state() == "running":
            took: t.List[str] = []
            self._record.send(
                [tool.change()], lambda: took.extend(tool.stop(self._request.tool_stop_timeout)), lambda: [tool.state()]
            )
            self._track.tool_stopped = True
            self._record.append("note", {"text": f"The sync tool in {tool.directory} was ended.", "took": took})
        deadline.check(["the end of the sync tool"])
        self._mark("tool_stopped")
        told = {"subject": tool.directory, "state": tool.state()} if tool is not None else _ON_TRUST
        self._record.proof("tool_ended", [{**told, "at": iso(self._clock.now())}])

    def _drain(self, deadline: Deadline) -> None:
        """Until no replication runs inside the target any more: they go on without the tool."""
        since = iso(self._clock.now())
        while True:
            self._armed()
            left = self._theirs.replicating()
            if not left:
                break
            wait = Wait(
                "starrocks.wait.replications",
                "replications that the tool had sent to end in the target's frontends",
                "each of them is committed or aborted",
                since,
                left,
                len(left),
            )
            self._record.waiting(wait)
            if deadline.expired:
                raise too_late(wait, "free of running replications")
            deadline.sleep(self._request.poll_interval)
        self._mark("drained")
        self._record.proof("replications_drained", [{"subject": "target", "running": 0, "at": iso(self._clock.now())}])

    def _prove(self, deadline: Deadline) -> None:
        """Twice more, one look after another: all equal, nothing foreign, and the source as it was when it came to
        rest."""
        digest = self._watch.digest
        proof = PartitionProof()
        for number in range(FINAL_LOOKS):
            last = number == FINAL_LOOKS - 1
            if number:
                deadline.sleep(min(1.0, self._request.poll_interval))
            found = self._compare(proof if last else None)
            if not self._held(deadline) or found.source_digest != digest:
                raise MigrationError(
                    "starrocks.source_moved",
                    "The source changed after the sync tool was ended: a frontend had lost its switch for a moment, or "
                    "DDL was run. Start the tool again, let it catch up, and repeat the cutover.",
                    details={"before": digest, "after": found.source_digest, "reasserted": self._freeze.reasserted},
                )
            unmet = [one for one in self._conditions() if not one.met]
            if not found.equal or unmet:
                raise too_late(
                    waiting_for(found, unmet, iso(self._clock.now())), "equal and at rest in the final looks"
                )
        self._theirs.require_nothing_foreign()
        deadline.check(["the final comparison"])
        self._track.source_digest = digest
        self._track.partitions = found.partitions
        proof.write(self._record)
        self._mark("proved")
        self._record.proof(
            "cutover",
            [{
                "subject": "comparison", "looks": FINAL_LOOKS, "partitions": found.partitions, "tables": found.tables,
                "extra_kept": found.kept,
                "source_digest": digest, "digest": found.digest, "rules": found.rules.as_result(),
                "at": iso(self._clock.now()),
            }],
        )  # fmt: skip

    def _hand_over(self) -> None:
        answer = self._link.require(gs.HAND_OVER)
        self._mark("handed_over")
        self._track.state = HANDED_OVER
        self._record.append(
            HANDED_OVER_KIND,
            {
                "source": self._source.cluster_id,
                "target": self._target.cluster_id,
                "scope": self._request.scope.as_result(),
                "source_digest": self._track.source_digest,
                "partitions": self._track.partitions,
                "seconds_left": answer.left,
                "window": self._track.window(),
            },
        )

    def _give_up(self, error: BaseException) -> None:
        """Lift at once. A guard that was quicker, or a module that is interrupted, does no harm: both do the same."""
        if self._track.state != FROZEN:
            return
        try:
            thaw_all(self._source, self._record, self._clock, max(_LIFT_SECONDS, 2 * self._forecast.lift))
        except MigrationError as lift:
            raise with_reason(lift, error, "The guard goes on trying.") from error
        self._mark("lifted")
        self._track.state = LIFTED
        try:
            self._link.ask(gs.LIFTED_BY_MODULE)
        except GuardLost:
            return
