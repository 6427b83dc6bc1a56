# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a cutover tells in its result."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_lift import lift_command
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track


def table_result(
    track: Track, forecast: t.Optional[t.Mapping[str, t.Any]], metas: t.Sequence[str]
) -> t.Dict[str, t.Any]:
    """One table."""
    view = track.view
    return {
        "name": track.name,
        "state": track.state,
        "app_id": view.app.app_id if view.app is not None else None,
        "target_app_id": view.target_app.app_id if view.target_app is not None else None,
        "partition_count": view.config.partition_count if view.config is not None else None,
        "lag": view.total_lag,
        "window": track.window(),
        "forecast": None if forecast is None else dict(forecast),
        "last_mutation_missing": list(track.held_back),
        "lift_command": lift_command(track.name, metas),
    }


def held_back_finding(track: Track) -> t.Optional[Finding]:
    """What was accepted with ``last_mutation=accept``, if it came to it."""
    if not track.held_back:
        return None
    return Finding(
        "pegasus.cutover.last_mutation_held_back",
        "warning",
        track.name,
        {"partitions": list(track.held_back)[:20], "count": len(track.held_back)},
        "The last mutation before the fence of each of these partitions may be missing on the target; it comes with "
        "the next empty write of the source (some minutes), as long as the duplication stays. Keep it until then.",
        "https://github.com/apache/incubator-pegasus/issues/2050",
    )


def app_id_finding(track: Track) -> t.Optional[Finding]:
    """Clients that retry may write into another table of the target, and are told that it went well.

    A Java client keeps the app id with which an operation began, and takes only the server from the new configuration
    (java-client, TableHandler.call).
    """
    view = track.view
    if not view.same_id or view.app is None:
        return None
    return Finding(
        "pegasus.cutover.app_id_taken_on_target",
        "warning",
        track.name,
        {"app_id": view.app.app_id, "table_on_target": view.same_id},
        f"The target has another table, {view.same_id}, with the app id that {track.name} has on the source. An "
        "operation that a Java client began before the switch and repeats behind it goes there: it is acknowledged, "
        "but missing, and that table has a record too many. Stop the clients for the switch, or keep the ids apart: "
        "before the duplication is added, create and drop tables on the target until its ids are above the source's.",
    )


def changes_result(changes: ChangeList) -> t.Dict[str, t.Any]:
    """The changes and what follows from them."""
    return {"changed": changes.changed, "changes": changes.as_result(), "diff": changes.diff()}


def waits_result(waits: t.Iterable[Wait]) -> t.List[t.Dict[str, t.Any]]:
    """Every reason that was waited for, as it was last seen."""
    return [wait.as_result() for wait in waits]
