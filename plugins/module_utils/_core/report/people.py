# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Who stepped in and who was told: acknowledged wishes, hooks at the edges of phases, notifications."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, code, table, tag
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

_TABLES = (
    (r.CONTROL, "Wishes of the operator, and what became of them", "Wish"),
    (r.HOOK, "Hooks at the edges of phases", "Edge"),
    (r.NOTIFICATION, "Notifications that were sent", "Event"),
)


def people(report: r.Report) -> str:
    """A table of each kind that the journal has; "" without any."""
    return "".join(_table(report, *one) for one in _TABLES)


def _table(report: r.Report, kind: str, caption: str, heading: str) -> str:
    rows = (
        [w.instant(one.at), code(one.what), tag(one.tone, one.outcome or "not told"), esc(one.detail)]
        for one in report.happenings
        if one.kind == kind
    )
    columns = [
        Column("When (UTC)", "t"),
        Column(heading, "t"),
        Column("What became of it", "t"),
        Column("Details", "w"),
    ]
    return table(f"{kind}-table", caption, columns, rows, budget=40_000, fold=caption)
