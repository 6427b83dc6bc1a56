# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the cutover module: what it has found out and done so far, which is what its result tells."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import CutoverControl
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_findings as cf
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_result as cr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal


class Call:
    """``control`` is there once the journal was read, ``clusters`` once they were looked at.

    ``forecasts``: by table, as they are told. ``left``: findings about intervals. ``more``: further facts of the
    result. ``predicted``: what check mode says instead of a record.
    """

    control: CutoverControl

    def __init__(self, check_mode: bool, clock: Clock) -> None:
        self.check_mode = check_mode
        self.clock = clock
        self.clusters: t.Optional[Clusters] = None
        self.tracks: t.Dict[str, Track] = {}
        self.forecasts: t.Dict[str, t.Mapping[str, t.Any]] = {}
        self.record: t.Optional[CutoverRecord] = None
        self.left: t.List[Finding] = []
        self.more: t.Dict[str, t.Any] = {}
        self.predicted = ChangeList()

    def look(self, eyes: Eyes, past: cp.Past) -> t.Dict[str, str]:
        """Read both clusters and every table, and make the tracks; what is to be done with each table."""
        self.clusters = clusters = eyes.clusters()
        views = eyes.tables(clusters, eyes.request.tables)
        todo: t.Dict[str, str] = {}
        for name, view in views.items():
            cluster = clusters.source.cluster_name
            fence = Fence(eyes.source, eyes.replicas, self.clock, cluster, name, clusters.round_trip)
            znode = past.of(eyes.request.place.resource(name)) if eyes.request.place is not None else NOTHING
            todo[name] = cp.begin(name, view.deny, view.side, past.of(fence.resource), znode, past.ended(name))
            self.tracks[name] = Track(view, fence, state="committed" if todo[name] == cp.DONE else "waiting")
        return todo

    def open(self, journal: SettingsJournal) -> CutoverRecord:
        """The record of what is done from now on."""
        opened = journal.open()
        if opened is None:
            raise MigrationError("internal.error", "the cutover has no journal")
        self.record = CutoverRecord(opened, self.clock)
        return self.record

    def findings(self) -> t.List[Finding]:
        """What people have to be told of the tables, and of intervals that are not as they were."""
        return cf.of_tables(self.tracks.values()) + self.left

    def summary(self) -> t.Dict[str, t.Any]:
        """What the journal keeps of the run."""
        return {
            name: {"state": track.state, "window": track.window(), "forecast": self.forecasts.get(name)}
            for name, track in self.tracks.items()
        }

    def so_far(self) -> t.Dict[str, t.Any]:
        """The result with what was done, or in check mode with what was predicted."""
        return self.result(self.record.changes if self.record is not None else self.predicted)

    def result(self, changes: ChangeList) -> t.Dict[str, t.Any]:
        """The module's result."""
        metas = self.clusters.source.meta_servers if self.clusters is not None else ()
        tracks = list(self.tracks.values())
        findings = self.findings()
        states = {track.state for track in tracks}
        return {
            **cr.changes_result(changes),
            "state": states.pop() if len(states) == 1 else "mixed" if states else "unknown",
            "tables": [cr.table_result(track, self.forecasts.get(track.name), metas) for track in tracks],
            "findings": [one.as_result() for one in findings],
            "waits": cr.waits_result(self.record.waits.values()) if self.record is not None else [],
            **({"warnings": cf.warnings(findings)} if findings else {}),
            **self.more,
        }


def without_deny(view: TableView) -> TableView:
    """A table as it is when its fence is off."""
    if view.app is None:
        return view
    envs = {key: value for key, value in view.app.envs.items() if key != DENY_KEY}
    return dataclasses.replace(view, app=dataclasses.replace(view.app, envs=envs))
