# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which plan of a journal was approved. Nothing here contacts anything."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import approves, require_approved
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry


def approved_in(entries: t.Sequence[Entry], approved: str) -> t.Optional[t.Mapping[str, t.Any]]:
    """The data of the plan with that id which an earlier run has begun to carry out, None if there is none.

    A run that was killed has moved some of its regions, so a plan that is made anew names others and has another id.
    What was approved is the plan as it was, and that is what is taken up again.
    """
    for entry in reversed(entries):
        if entry.kind == "plan" and approves(approved, str(entry.data.get("plan_id") or "")):
            return dict(entry.data.get("plan") or {})
    return None


def newest_plan_id(entries: t.Sequence[Entry]) -> str:
    """The id of the plan that the journal names last, which is the one that is proved; "" if it names none."""
    return next((str(one.data.get("plan_id") or "") for one in reversed(entries) if one.kind == "plan"), "")


def require_proved_is_approved(entries: t.Sequence[Entry], approved: str) -> None:
    """Refuse to prove another plan than the one that was approved.

    :raises MigrationError: ``plan.not_approved``
    """
    require_approved(approved, newest_plan_id(entries) or "none", "the newest in the journal")
