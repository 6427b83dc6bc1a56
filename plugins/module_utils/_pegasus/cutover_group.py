# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The cutover of the tables that share one fence, step by step.

Order: guard alive -> intervals shortened and in force -> looked again -> every primary answers the probe -> how to lift
by hand is written down -> fence intended and set -> proved on every primary -> positions -> drained -> the guard allows
the switch -> znode by compare-and-set -> every MetaProxy proved -> source closed -> target verified -> committed.
Whatever fails before the switch takes the fence off and proves it; behind the switch the only way is forward.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, with_reason
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_decision import await_decision
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_finish import Finish
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_gate import gate, require
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_heed import Heed
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_all, lift_command
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import ACCEPT
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import HANDED_OVER_KIND
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_probe import probe_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_put_back import (
    NOT_WRITTEN,
    target_decrees,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_skipped import remember
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import (
    FENCED,
    LIFTED,
    SWITCHED,
    Track,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.drain_all import drain_all
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.drain_watch import DrainedTable, DrainWatch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import GIVE_UP_EARLY, Forecast
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

_WATCH = 2.0
"""Seconds between two looks at the progress while the shorter intervals are waited for."""


class GroupCutover:
    """One fence. ``run`` ends with the state of every track: committed, handed_over; or raises after lifting."""

    def __init__(
        self,
        eyes: Eyes,
        clusters: Clusters,
        tracks: t.Sequence[Track],
        record: CutoverRecord,
        keeper: IntervalKeeper,
        forecast: Forecast,
        link: GuardLink,
        place: GuardPlace,
        heed: Heed,
    ) -> None:
        self._eyes = eyes
        self._clock: Clock = eyes.clock
        self._clusters = clusters
        self._tracks = list(tracks)
        self._record = record
        self._keeper = keeper
        self._forecast = forecast
        self._link = link
        self._place = place
        self._heed = heed
        self._request = eyes.request
        self._finish = Finish(eyes, clusters, record, link, forecast.lift)
        self._switching = False
        self._unclear: t.Optional[Track] = None
        self._watched = float("-inf")

    def run(self) -> None:
        """All steps. MigrationError with the reason, the fence lifted unless the clients are switched already."""
        self._keeper.shorten(self._record, self._clock, self._still_ready)
        self._look_again()
        self._announce()
        try:
            deadline = self._arm()
            configs = self._fence(deadline)
            self._drain(configs, deadline)
            if self._request.place is None:
                self._hand_over()
                return
            self._switch()
        except Exception as error:
            self._give_up(error)
            raise
        self._finish.run(self._tracks, deadline)

    def _still_ready(self) -> None:
        self._link.ask(gs.STATUS)
        if self._clock.monotonic() - self._watched >= _WATCH:
            # What these looks see is remembered, and tells a server that repeats itself from one that is idle.
            self._eyes.sampled(self._clusters, [track.view for track in self._tracks], samples=1)
            self._watched = self._clock.monotonic()

    def _look_again(self) -> None:
        """The gate once more: between the first look and the fence lies the wait for the intervals."""
        found = self._eyes.tables(self._clusters, [track.name for track in self._tracks])
        views = self._eyes.sampled(self._clusters, found.values(), samples=1)
        findings = []
        for track in self._tracks:
            view = views[track.name]
            findings += gate(self._clusters, view, self._request.max_lag, self._request.place is not None)
            before = track.view.switch
            if before is not None and (view.switch is None or view.switch.version != before.version):
                raise MigrationError(
                    "pegasus.znode_changed",
                    f"The znode {before.path} was written by somebody else while the cutover was prepared. Nothing was "
                    "fenced; run it again.",
                )
            track.view = dataclasses.replace(view, switch=before, skipped=track.view.skipped)
        remember([track.view for track in self._tracks], self._record.append, self._clusters.source.cluster_name)
        require(findings)
        fences, sync = [track.fence for track in self._tracks], self._clusters.config_sync
        require(probe_findings(fences, self._clock, sync, self._record.waiting))
        self._keeper.require_short(self._clock)
        self._heed.control.require(self._heed.seconds, self._record.append)

    def _announce(self) -> None:
        """Tell how to lift by hand before there is anything to lift."""
        for track in self._tracks:
            command = lift_command(track.name, self._clusters.source.meta_servers)
            self._record.append("note", {"text": f"To lift the fence of {track.name} by hand: {command}"})

    def _arm(self) -> Deadline:
        seconds = self._request.budget - self._forecast.lift
        answer = self._link.require(gs.FENCE, seconds=seconds)
        deadline = Deadline(self._clock, seconds - GIVE_UP_EARLY, "budget: the cutover")
        now = self._clock.now()
        self._record.proof("guard", [answer.as_proof(track.name, self._link.pid, now) for track in self._tracks])
        return deadline

    def _fence(self, deadline: Deadline) -> t.List[model.TableConfig]:
        for track in self._tracks:
            track.sent = self._clock.monotonic()
            track.state = FENCED
            self._record.send(track.fence.call(None, DENY_WRITE, "fence", self._armed))
        configs = []
        for track in self._tracks:
            proof = track.fence.prove(model.WRITES_DENIED, deadline, self._armed)
            track.first_denied = min(proof.seen.values(), default=None)
            track.all_denied = self._clock.monotonic()
            configs.append(proof.config)
            self._record.proof("fence", proof.items(track.name))
        return configs

    def _armed(self) -> None:
        self._link.require_armed()
        self._keeper.require_short(self._clock, at_a_glance=True)
        self._heed.control.beat(self._record.append, "the fence was taken off, and nothing was switched")

    def _drain(self, configs: t.Sequence[model.TableConfig], deadline: Deadline) -> None:
        held_back = self._clusters.profile.holds_back_last_mutation
        allowance = 1 if held_back and self._request.last_mutation == ACCEPT else 0
        watches = []
        for track, config in zip(self._tracks, configs):
            duplication = track.view.duplication
            dupid = duplication.dupid if duplication is not None else 0
            freshness = self._eyes.freshness(self._clusters, track.name)
            watches.append(
                DrainWatch(
                    track.fence, self._eyes.source, self._eyes.replicas, self._clock, config, dupid, allowance,
                    freshness,
                )
            )  # fmt: skip
        drained = drain_all(
            watches, self._clock, deadline, self._armed, self._record.waiting, held_back and not allowance
        )
        for track, found in zip(self._tracks, drained):
            track.drained = self._clock.monotonic()
            track.held_back = found.held_back
            self._tell_drained(found)

    def _tell_drained(self, found: DrainedTable) -> None:
        self._record.proof("drain", found.items())

    def _hand_over(self) -> None:
        answer = self._link.require(gs.HAND_OVER)
        for track in self._tracks:
            self._record.append(HANDED_OVER_KIND, track.handed_over_entry(self._clock, answer.left))

    def _switch(self) -> None:
        """Ask the guard, then write. A table whose znode somebody else wrote is not switched; the others are."""
        place = self._request.place
        if place is None:
            return
        failed: t.Optional[MigrationError] = None
        for track in self._tracks:
            track.target_before = target_decrees(self._eyes, track.view)
        with ZooKeeper(place) as session:
            self._link.require(gs.SWITCH)
            self._switching = True
            for track in self._tracks:
                if track.view.switch is None:
                    continue
                try:
                    self._write(session, track, track.view.switch)
                except MigrationError as error:
                    if error.code not in NOT_WRITTEN:
                        raise
                    failed = error
        if failed is not None:
            raise failed

    def _write(self, session: ZooKeeper, track: Track, planned: switch.Switch) -> None:
        """Switch one table. Whatever goes wrong leaves it unclear whether that was done, but for what proves it not."""
        self._unclear = track
        try:
            self._record.do(
                planned.change(),
                lambda: {"version": session.compare_and_set(track.name, planned.after, planned.version)},
            )
        except MigrationError as error:
            if error.code in NOT_WRITTEN:
                self._unclear = None
            raise
        self._unclear = None
        track.switched = self._clock.monotonic()
        track.state = SWITCHED

    def _give_up(self, error: Exception) -> None:
        """Lift what is not switched. An unclear switch is left to the guard, which alone can make it impossible."""
        if self._unclear is not None:
            # Hanging up is what makes the guard look: it spends the znodes' versions, then lifts or keeps.
            self._link.close()
            kept = await_decision(self._place, self._clock, self._forecast.lift + 30.0)
            if kept is not None:
                for track in self._tracks:
                    track.state = SWITCHED if track.name in kept else LIFTED
            self._finish_switched(error)
            return
        rest = [track for track in self._tracks if track.state == FENCED]
        switched = any(track.state == SWITCHED for track in self._tracks)
        try:
            if self._switching and not switched:
                self._link.ask(gs.NOT_SWITCHED)
        except GuardLost:
            pass
        if rest:
            try:
                lift_all(rest, self._record, self._clock, self._forecast.lift)
            except MigrationError as lift:
                raise with_reason(lift, error) from error
        if switched:
            self._finish_switched(error)
            return
        try:
            self._link.ask(gs.LIFTED_BY_MODULE)
        except GuardLost:
            return

    def _finish_switched(self, reason: Exception) -> None:
        """What is behind the switch of those that are switched. ``reason``: why not all of them are."""
        switched = [track for track in self._tracks if track.state == SWITCHED]
        if not switched:
            return
        try:
            self._finish.run(switched, Deadline(self._clock, self._forecast.lift + 30.0, "the MetaProxies"))
        except MigrationError as error:
            raise with_reason(error, reason) from error
