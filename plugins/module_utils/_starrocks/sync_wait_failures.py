# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Why waiting for the target is of no use, in words and with stable codes."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Verdict
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_look import SyncLook


def blocked(what: str, verdict: Verdict) -> MigrationError:
    """The findings that no waiting changes."""
    blockers = verdict.open_blockers
    return MigrationError(
        "starrocks.sync_blocked",
        f"{what}: " + " ".join(f"{one.id} ({one.subject}): {one.remedy}" for one in blockers),
        details={"finding": blockers[0].id, "findings": [one.as_result() for one in blockers]},
    )


def over(look: SyncLook, near: sn.Nearness) -> MigrationError:
    """The tool has ended, or does not get better by itself."""
    details = {"reasons": look.tool["reasons"]}
    if look.verdict == tv.COMPLETED:
        return MigrationError(
            "starrocks.sync_completed",
            f"The sync tool has ended after its one run, so nobody copies what is waited for: {near.waiting_for}. Set "
            "one_time_run_mode to false and run again, so that it follows the source.",
            details=details,
        )
    if look.verdict == tv.ENDED:
        return MigrationError(
            "starrocks.sync_failed",
            f"{look.why[:1].upper()}{look.why[1:]}. The comparison says that it is not: {near.waiting_for}. See its "
            f"log ({look.tool['log']}), put right what is in its way, then run again; the tool is started again and "
            "copies what is left.",
            details=details,
        )
    # One that still runs is not started again, and goes on with what it has.
    again = (
        "put that right, then run again; the tool still runs, and goes on by itself"
        if look.tool_runs
        else "then run again; the tool is started again and goes on"
    )
    return MigrationError(
        f"starrocks.sync_{look.verdict}",
        f"The sync tool has {'ended' if look.verdict == tv.STOPPED else 'failed'}: {look.why}. See its log "
        f"({look.tool['log']}), {again}.",
        details=details,
    )
