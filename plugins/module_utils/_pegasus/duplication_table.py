# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One table while a duplication task follows it: what was last seen, and what the next step must know."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_look import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import Options
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Planned, Wanted, find
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import (
    RUNNING,
    STARTING,
    ProgressView,
    Track,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import (
    Case,
    Cause,
    Source,
    TargetView,
    copying,
    ours_on_target,
    preparing,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App, Duplication

UNREACHABLE = "pegasus.wait.cluster_unreachable"


@dataclasses.dataclass
class TableRun:
    """``followed``: the dupid that must stay, 0 before it is known. Times are Unix seconds.

    ``goal``: by partition the decree that must have arrived before a removal, ``arrived`` the last look for that.
    ``deferred``: nothing is sent before it is its turn to be copied.
    ``made_since``: since when the target was seen with the table that this duplication has made, and the source was
    seen not to know of it.
    """

    wanted: Wanted
    app: t.Optional[App] = None
    duplication: t.Optional[Duplication] = None
    owner: str = ""
    followed: int = 0
    looked: bool = False
    deferred: bool = False
    track: Track = dataclasses.field(default_factory=Track)
    view: t.Optional[ProgressView] = None
    standing: ds.Standing = dataclasses.field(default_factory=lambda: ds.Standing(""))
    status_seen: str = ""
    status_since: float = 0.0
    made_since: t.Optional[float] = None
    reason_seen: str = ""
    waiting_since: float = 0.0
    copied: t.Optional[int] = None
    backlog_from: t.Optional[t.Tuple[float, int]] = None
    eta: t.Optional[float] = None
    arrived: t.Optional[da.Arrived] = None
    goal: t.Mapping[int, int] = dataclasses.field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether it was looked at, and there is nothing left to wait for."""
        return self.looked and self.standing.done

    @property
    def ours(self) -> bool:
        """Whether the journal says, or has just found out, that this migration made the duplication."""
        return self.owner in (dp.OURS, dp.FOUND)

    @property
    def partitions(self) -> int:
        """How many partitions the table has."""
        return 0 if self.app is None else self.app.partition_count

    @property
    def partitions_done(self) -> int:
        """Partitions that are where they should be."""
        if self.done:
            return self.partitions
        if self.view is None:
            return 0
        if self.wanted.state == "paused":
            return len(self.view.having(STARTING))
        return (
            len(self.view.having(RUNNING))
            if self.standing.cause is not None and (self.standing.cause.reason == ds.SETTLING)
            else 0
        )

    def begin(self, planned: Planned, app: t.Optional[App], past: dp.Past) -> None:
        """Take what was there before anything was sent."""
        self.app = app
        self.duplication = planned.duplication
        self.owner = planned.owner
        before = self.followed
        self.followed = planned.duplication.dupid if planned.duplication is not None else 0
        if self.wanted.state == "absent" and not self.followed and past.removals:
            # The meta server has let go of it, perhaps just now; its primaries may not have heard of that.
            self.followed = before if before in past.removals else past.removals[-1]

    def look(self, clusters: Clusters, options: Options, now: float) -> None:
        """Look once, and judge."""
        self.app = clusters.app(self.wanted.table)
        if self.wanted.state == "absent":
            self.judged(self._look_removed(clusters), now)
        else:
            self.judged(self._look_there(clusters, options, now), now)

    def look_arrived(self, clusters: Clusters, now: float) -> None:
        """Look once whether the duplication, which is there, may be removed without a loss."""
        table = self.wanted.table
        self.app = clusters.app(table)
        there = find(self.wanted, clusters.duplications(table)) if self.app is not None else None
        self.duplication = there
        failure = ds.gone_or_other(table, self.followed, there)
        if failure is None and there is not None:
            failure = da.unprovable(table, there)
        if failure is not None or there is None:
            self.judged(ds.Standing(table, failure=failure), now)
            return
        target = clusters.target(there.remote_app_name or self.wanted.remote_name, with_config=False)
        gone = target is not None and target.problem is None and target.app is None
        self.arrived = da.judge(there, self.goal, clusters.said(table))
        self.goal = self.arrived.goal
        held_back = clusters.profile.holds_back_last_mutation
        self.judged(da.standing(table, there, self.arrived, held_back=held_back, target_gone=gone), now)

    def judged(self, standing: ds.Standing, now: float) -> None:
        """Take where it stands."""
        self.looked = True
        self.standing = standing
        cause = standing.cause
        reason = "" if cause is None else cause.reason
        if reason != self.reason_seen:
            self.reason_seen, self.waiting_since = reason, now

    def unreachable(self, what: str, now: float) -> None:
        """A look that could not be made: nothing is known, and samples in a row begin anew."""
        self.looked = True
        self.track = dataclasses.replace(self.track, good=0)
        # The source had no chance to be told, or to tell, while it was away.
        self.made_since = None
        self.view = None
        self.standing = ds.Standing(self.wanted.table, Cause(UNREACHABLE, what, "the cluster answers again"))
        if self.reason_seen != UNREACHABLE:
            self.reason_seen, self.waiting_since = UNREACHABLE, now

    def _look_removed(self, clusters: Clusters) -> ds.Standing:
        table = self.wanted.table
        self.duplication = None
        if not self.followed:
            return ds.Standing(table)
        return ds.removed(table, *clusters.left_over(table, self.followed))

    def _look_there(self, clusters: Clusters, options: Options, now: float) -> ds.Standing:
        table = self.wanted.table
        there = find(self.wanted, clusters.duplications(table)) if self.app is not None else None
        self.duplication = there
        failure = ds.gone_or_other(table, self.followed, there) if self.followed or there is None else None
        if failure is not None or there is None:
            return ds.Standing(table, failure=failure)
        self.followed = there.dupid
        if there.status != self.status_seen:
            self.status_seen, self.status_since = there.status, now
        if self.wanted.state == "paused":
            self.view = clusters.progress(table, there.dupid, with_decrees=False)
            return ds.paused(table, there, self.view)
        cause: t.Optional[Cause] = None
        self.view, self.copied = None, None
        if there.status in ("DS_PREPARE", "DS_APP"):
            cause = self._diagnose(clusters, options, there, now)
        elif there.status == "DS_LOG":
            self.view = clusters.progress(table, there.dupid, with_decrees=True)
            self.track = self._tracked(clusters, options, there, self.view, now)
            self._forecast(options, now)
        gate = ds.Gate(options.max_backlog, options.stable_samples, clusters.profile.resting_not_confirmed)
        mode = self.wanted.fail_mode or "FAIL_SLOW"
        return ds.present(table, there, cause, self.view, self.track, gate, mode)

    def _tracked(
        self, clusters: Clusters, options: Options, there: Duplication, view: ProgressView, now: float
    ) -> Track:
        records = {index: state.confirmed_decree for index, state in there.partition_states.items()}
        track = self.track.seen(view, now, clusters.profile.duplication_sync_seconds, records)
        frozen = track.frozen(options.stable_samples)
        if frozen:
            settled = clusters.settle(self.wanted.table, there.dupid, frozen)
            track = track.settled(settled.live, settled.repeated, options.stable_samples)
        return track.judged(view, options.max_backlog, options.stable_samples)

    def _diagnose(self, clusters: Clusters, options: Options, there: Duplication, now: float) -> Cause:
        wanted, profile, app = self.wanted, clusters.profile, self.app
        in_app = there.status == "DS_APP"
        remote_table = there.remote_app_name or wanted.remote_name
        target = clusters.target(remote_table, with_config=in_app)
        self._note_made(target, clusters.source, in_app, now)
        case = Case(
            table=wanted.table,
            source=clusters.source,
            remote=wanted.remote,
            remote_table=remote_table,
            # 0 on the wire: as many as the source has.
            replica_count=there.remote_replica_count or (0 if app is None else app.max_replica_count),
            config=clusters.config(wanted.table),
            target=target,
            waited=now - self.status_since,
            patience=options.stuck_after,
            create_idempotent=profile.target_create_idempotent,
            single_replica_stuck=profile.single_replica_target_stuck,
            made=0.0 if self.made_since is None else now - self.made_since,
        )
        cause = copying(case) if in_app else preparing(case)
        self.copied = cause.done if in_app and case.target is not None else None
        return cause

    def _note_made(self, target: t.Optional[TargetView], source: Source, in_app: bool, now: float) -> None:
        """Since when the table that this duplication has made is there; a target that cannot be seen says nothing."""
        if target is None or target.problem is not None:
            return
        app = target.app
        made = not in_app and app is not None and app.available and ours_on_target(app, source, self.wanted.table)
        if not made:
            self.made_since = None
        elif self.made_since is None:
            self.made_since = now

    def _forecast(self, options: Options, now: float) -> None:
        """When the backlog will be within the limit, by how fast it has shrunk; None if it does not shrink."""
        total = None if self.view is None else self.view.backlog_total
        self.eta = None
        if total is None:
            return
        if self.backlog_from is None or total > self.backlog_from[1]:
            self.backlog_from = (now, total)
        began, first = self.backlog_from
        rate = (first - total) / (now - began) if now > began else 0.0
        goal = options.max_backlog * self.partitions
        if total <= goal:
            self.eta = 0.0
        elif rate > 0:
            self.eta = round((total - goal) / rate, 1)

    def carry(self) -> t.Dict[str, t.Any]:
        """For the next step; see :meth:`take`."""
        return {
            "followed": self.followed,
            "deferred": self.deferred,
            "owner": self.owner,
            "goal": {str(index): decree for index, decree in self.goal.items()},
            "track": self.track.as_data(),
            "status": [self.status_seen, self.status_since],
            "made_since": self.made_since,
            "reason": [self.reason_seen, self.waiting_since],
            "backlog_from": None if self.backlog_from is None else list(self.backlog_from),
        }

    def take(self, data: t.Mapping[str, t.Any]) -> None:
        """What :meth:`carry` gave."""
        self.followed = int(data["followed"])
        self.deferred = bool(data.get("deferred"))
        self.owner = str(data["owner"])
        self.goal = {int(index): int(decree) for index, decree in data["goal"].items()}
        self.track = Track.from_data(data["track"])
        self.status_seen, self.status_since = str(data["status"][0]), float(data["status"][1])
        made = data.get("made_since")
        self.made_since = None if made is None else float(made)
        self.reason_seen, self.waiting_since = str(data["reason"][0]), float(data["reason"][1])
        kept = data.get("backlog_from")
        self.backlog_from = None if kept is None else (float(kept[0]), int(kept[1]))
