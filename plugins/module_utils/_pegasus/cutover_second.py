# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The call that ends what was handed over, or what a killed call has left."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import (
    COMMITTED_ALREADY,
    LIFTED_NOW,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_findings as cf
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_call import Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_end import End
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import LIFTED
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_reconcile import anything_open, reconcile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal


def second_call(
    call: Call, eyes: Eyes, journal: SettingsJournal, place: GuardPlace, past: cp.Past
) -> t.Dict[str, t.Any]:
    """Commit or lift, as the request wishes; the module's result."""
    call.look(eyes, past)
    clusters = t.cast(Clusters, call.clusters)
    keeper = IntervalKeeper(Intervals(eyes.replicas, clusters.source.cluster_name), clusters, past, None)
    guard = living_guard(place)
    if guard is not None and guard.answer.state not in (gs.HANDED_OVER, *gs.ENDS):
        cp.dismiss(guard)
    end = End(eyes, clusters, call.tracks, keeper, past, guard)
    try:
        if call.check_mode:
            return call.result(end.predict())
        if not end.anything_to_do() and not anything_open(eyes, clusters, past, call.tracks):
            end.let_go()
            return call.result(ChangeList())
        record = call.open(journal)
        reconcile(record, eyes, clusters, past, place, call.tracks)
        call.left = end.run(record)
        cf.tell(record, call.findings(), ())
        call.control.at_the_end(record.append, LIFTED_NOW if eyes.request.state == LIFTED else COMMITTED_ALREADY)
        return call.result(record.changes)
    finally:
        end.close()
