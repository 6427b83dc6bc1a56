# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a cutover tells in its result."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
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


def changes_result(changes: ChangeList) -> t.Dict[str, t.Any]:
    """The changes and what follows from them."""
    return {"changed": changes.changed, "changes": changes.as_result(), "diff": changes.diff()}


def waits_result(waits: t.Iterable[Wait]) -> t.List[t.Dict[str, t.Any]]:
    """Every reason that was waited for, as it was last seen."""
    return [wait.as_result() for wait in waits]
