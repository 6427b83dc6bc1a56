# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Why a cutover does not go on, in words and with stable codes."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.quiescence import Condition

NEVER_EQUAL = (cmp.FOREIGN_WRITE, cmp.TARGET_AHEAD, cmp.UNKNOWN)
"""Verdicts that no waiting changes."""


def waiting_for(found: Comparison, unmet: t.Sequence[Condition], since: str) -> Wait:
    """What is waited for: the copy as long as it is not equal, then the source's rest."""
    if not found.equal:
        return Wait(
            "starrocks.wait.convergence",
            "the sync tool to bring the last loads to the target",
            "every partition has the same version on both clusters",
            since,
            found.worst(),
            found.partitions - found.counts[cmp.EQUAL],
        )
    return Wait(
        "starrocks.wait.quiescence",
        "the source to come to rest",
        "no transaction and no job is under way, and two looks at all partitions show the same",
        since,
        [f"{one.name}: {'; '.join(one.evidence)}" for one in unmet],
        len(unmet),
    )


def never_equal(found: Comparison) -> MigrationError:
    counts = {verdict: found.counts[verdict] for verdict in NEVER_EQUAL if found.counts[verdict]}
    worst = [one for one in found.differences if one.verdict in NEVER_EQUAL][:5]
    shown = ", ".join(f"{one.subject} ({one.verdict}{f', {one.reason}' if one.reason else ''})" for one in worst)
    return MigrationError(
        "starrocks.foreign_write" if cmp.FOREIGN_WRITE in counts else f"starrocks.{next(iter(counts))}",
        f"The target will not become equal by waiting: {shown}. Drop these tables on the target, let the tool copy "
        "them again, and repeat the cutover.",
        details={"counts": counts, "differences": [one.as_result() for one in worst]},
    )


def too_late(wait: Wait, what: str) -> MigrationError:
    worst = ", ".join(wait.worst)
    return MigrationError(
        "starrocks.not_converged" if wait.reason == "starrocks.wait.convergence" else "starrocks.not_quiescent",
        f"Not {what} in time: {wait.count} left{f': {worst}' if worst else ''}.",
        details={"wait": wait.as_result()},
    )


def nobody_copies(found: Comparison) -> MigrationError:
    """The source is at rest, and what the target lacks will not come: neither tool nor replication is at work."""
    lacking = found.partitions - found.counts[cmp.EQUAL]
    return MigrationError(
        "starrocks.not_converged",
        f"{lacking} partition{' is' if lacking == 1 else 's are'} not equal ({', '.join(found.worst()[:5])}), and "
        "nobody copies any more: the sync tool does not run, and no replication that it had sent is under way. Start "
        "it with one_time_run_mode=false, let it catch up, and repeat the cutover.",
        details={"lacking": lacking, "worst": found.worst()},
    )


def tool_ended(error: MigrationError, directory: str) -> MigrationError:
    """The same failure of a cutover that had ended the sync tool by then: nothing starts it again by itself."""
    return MigrationError(
        error.code,
        f"{error.message} The sync tool in {directory} was ended before, so the target falls behind. Start it again: "
        "starrocks_sync_tool with state=started.",
        server_text=error.server_text,
        details={**error.details, "tool_ended": directory},
    )
