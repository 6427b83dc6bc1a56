# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a duplication has ever left writes out: what FAIL_SKIP has skipped never comes, whatever the mode is now.

A replica that skips confirms the decree all the same, so no look at the drain can find it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView


def with_past(view: TableView, entries: t.Sequence[Entry], cluster: str) -> TableView:
    """The view with what the journal has kept in mind of its duplication."""
    if view.duplication is None:
        return view
    name = dp.resource(cluster, view.name, view.duplication.remote)
    past = dp.read_past(entries, [name])[name]
    return dataclasses.replace(view, skipped=view.duplication.dupid in past.skipped)


def remember(
    views: t.Iterable[TableView], append: t.Callable[[str, t.Mapping[str, t.Any]], t.Any], cluster: str
) -> None:
    """Write down which are in FAIL_SKIP now: somebody may set the mode back before the next look."""
    for view in views:
        if view.duplication is None or view.duplication.fail_mode != dp.FAIL_SKIP or view.skipped:
            continue
        resource = dp.resource(cluster, view.name, view.duplication.remote)
        append(dp.SKIPPED_KIND, {"resource": resource, "dupid": view.duplication.dupid})
