# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What goes on inside the target by itself and has to end: compactions before a copy, replications behind it.

A replication job is in the frontends' own log and survives the sync tool (replication/ReplicationMgr.java); a
compaction that meets one stops the publishing for good or crashes a backend (issues #62741 and #45276).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_drain import running_replications
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import find_stuck, stuck_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import (
    COMPACTION_DRAINED,
    WaitRequest,
)

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Drain:
    """One look. ``name``: of the count in results. ``findings``: why it cannot end by itself."""

    name: str
    running: t.Tuple[str, ...]
    findings: t.Tuple[Finding, ...]
    summary: str
    near: sn.Nearness


def look_at_drain(target: Cluster, request: WaitRequest) -> Drain:
    """Ask the target what still runs of what ``request.until`` names."""
    if request.until == COMPACTION_DRAINED:
        running, databases = running_compactions(target), None
        name, reason, ends = "compactions", sn.COMPACTIONS, "they have ended"
        what = f"{_counted(len(running), 'compaction')} on the target that had begun before"
    else:
        databases = PartitionReader(target, request.scope).databases
        running = running_replications(target, request.scope, databases)
        name, reason, ends = "replications", sn.REPLICATIONS, "each of them is committed or aborted"
        what = f"{_counted(len(running), 'replication')} that the sync tool had sent to the target's frontends"
    if not running:
        summary = f"No {name[:-1]} runs on the target."
        return Drain(name, (), (), summary, sn.Nearness("", "", "", 1))
    near = sn.Nearness(reason, what, ends, 0, tuple(running[:_SHOWN]), len(running))
    return Drain(name, tuple(running), tuple(stuck_findings(find_stuck(target, databases))), what, near)


def running_compactions(cluster: Cluster) -> t.List[str]:
    """The partitions whose compaction has begun and has not ended."""
    if not cluster.profile.shared_data:
        return []
    rows = cluster.query("SHOW PROC '/compactions'", "list the compactions")
    return sorted(str(row["partition"]) for row in rows.records() if not text(row["finishtime"]))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
