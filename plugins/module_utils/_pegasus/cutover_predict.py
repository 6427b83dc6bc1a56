# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The calls that a cutover is going to send, in order: from the same functions that build them when they are sent."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call


def predict(
    todo: t.Mapping[str, str],
    tracks: t.Mapping[str, Track],
    groups: t.Sequence[t.Sequence[str]],
    keeper: IntervalKeeper,
    found: t.Mapping[str, t.Optional[str]],
    handed_over: bool,
) -> ChangeList:
    """``todo``: what :func:`cutover_past.begin` says of each table; ``found``: the deny env of each.

    With ``handed_over``, up to the point where the operator takes over; the guard or the second call does the rest.
    """
    changes = ChangeList()
    for name, what in todo.items():
        if what == cp.LIFT_FIRST:
            _add(changes, tracks[name].fence.call(found[name], None, RESTORE))
        elif what == cp.FINISH:
            _add(changes, tracks[name].fence.call(found[name], DENY_ALL, "close"))
    shortened = False
    for group in groups:
        if not shortened:
            shortened = True
            for call in keeper.shorten_calls():
                _add(changes, call)
        for name in group:
            _add(changes, tracks[name].fence.call(None, DENY_WRITE, "fence"))
        if handed_over:
            return changes
        for name in group:
            planned = tracks[name].view.switch
            if planned is not None:
                changes.add(planned.change())
        for name in group:
            _add(changes, tracks[name].fence.call(DENY_WRITE, DENY_ALL, "close"))
    for call in keeper.restore_calls() if shortened else keeper.left_calls():
        _add(changes, call)
    return changes


def _add(changes: ChangeList, call: t.Optional[Call]) -> None:
    found: t.Iterable[Change] = call.changes if call is not None else ()
    for change in found:
        changes.add(change)
