# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The result of a cutover's call."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord


def cutover_result(
    track: Track, changes: ChangeList, record: t.Optional[FreezeRecord], more: t.Mapping[str, t.Any]
) -> t.Dict[str, t.Any]:
    """What the module returns, also beside a failure. ``more``: forecast, gate, guard, deadline, ..."""
    told = dict(more)
    gate = told.pop("gate", {})
    return {
        "changed": changes.changed,
        "changes": changes.as_result(),
        "diff": changes.diff(),
        "state": track.state,
        "window": track.window(),
        "partitions": track.partitions,
        "comparisons": track.comparisons,
        "reasserted": track.reasserted,
        "source_digest": track.source_digest,
        "tool_stopped": track.tool_stopped,
        "waits": [wait.as_result() for wait in record.waits.values()] if record is not None else [],
        "findings": [],
        **gate,
        **told,
    }
