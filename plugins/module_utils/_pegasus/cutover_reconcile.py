# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Bringing the journal up to date: how the changes of a killed run ended, and what a guard did."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import decide
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.switch import state

GUARD_KIND = "cutover.guard"
_MOST = 200


def reconcile(
    record: CutoverRecord,
    eyes: Eyes,
    clusters: Clusters,
    past: Past,
    place: GuardPlace,
    tracks: t.Mapping[str, Track],
) -> None:
    """Write outcomes of open intents, close what is as it was, and copy the guard's record."""
    now = _now(eyes, clusters, tracks)
    record.settle(
        (change_id, "done" if _same(after, now[resource]) else "abandoned", {"evidence": {"now": now[resource]}})
        for resource, changes in past.changes.items()
        if resource in now
        for change_id, after in changes.pending
    )
    for resource, found in now.items():
        changes = record.past(resource)
        if changes.changes and decide(changes, found).action == "already_original":
            record.put_back(resource, changes, found)
    known = [dict(line) for line in record.copied(GUARD_KIND)]
    for line in place.read()[-_MOST:]:
        if line not in known:
            record.append(GUARD_KIND, line)


def anything_open(eyes: Eyes, clusters: Clusters, past: Past, tracks: t.Mapping[str, Track]) -> bool:
    """Whether the journal does not know yet how something ended: a change without outcome, or a guard's doing."""
    now = _now(eyes, clusters, tracks)
    listed = [(past.of(resource), found) for resource, found in now.items()]
    return any(
        changes.pending or (changes.changes and decide(changes, found).action == "already_original")
        for changes, found in listed
    )


def _now(eyes: Eyes, clusters: Clusters, tracks: t.Mapping[str, Track]) -> t.Dict[str, t.Any]:
    """The state of everything that this call may have changed before."""
    found: t.Dict[str, t.Any] = {}
    for track in tracks.values():
        found[track.fence.resource] = track.view.deny
        if track.view.switch is not None and eyes.request.place is not None:
            found[track.view.switch.resource] = state(track.view.switch.before)
    intervals = Intervals(eyes.replicas, clusters.source.cluster_name)
    found.update({intervals.resource(node): value for node, value in clusters.intervals.items()})
    return found


def _same(one: t.Any, two: t.Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
