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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_drain import Running, find_running
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import (
    StuckPublish,
    find_stuck,
    left_behind,
    named,
    stuck_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import (
    COMPACTION_DRAINED,
    WaitRequest,
)

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Drain:
    """One look. ``name``: of the count in results. ``findings``: of what cannot end by itself.

    That is in the way of a copy. Nobody wants one any more behind it, so there nothing waits for it.
    """

    name: str
    running: t.Tuple[str, ...]
    findings: t.Tuple[Finding, ...]
    summary: str
    near: sn.Nearness


def look_at_drain(target: Cluster, request: WaitRequest) -> Drain:
    """Ask the target what still runs of what ``request.until`` names."""
    return _compactions(target) if request.until == COMPACTION_DRAINED else _replications(target, request.scope)


def _compactions(target: Cluster) -> Drain:
    running = running_compactions(target)
    if not running:
        return _drained("compactions", "No compaction runs on the target.", ())
    what = f"{_counted(len(running), 'compaction')} on the target that had begun before"
    near = sn.Nearness(sn.COMPACTIONS, what, "they have ended", 0, tuple(running[:_SHOWN]), len(running))
    return Drain("compactions", tuple(running), tuple(stuck_findings(find_stuck(target))), what, near)


def _replications(target: Cluster, scope: Scope) -> Drain:
    databases = PartitionReader(target, scope).databases
    running = find_running(target, scope, databases)
    stuck = _ours(find_stuck(target, databases), scope) if running else ()
    findings = tuple(left_behind(stuck))
    left = tuple(one.words for one in running if not _hopeless(one, stuck))
    if not left:
        but = f", but for {len(running)} that can never be published ({named(stuck)})" if running else ""
        return _drained("replications", f"No replication runs on the target{but}.", findings)
    what = f"{_counted(len(left), 'replication')} that the sync tool had sent to the target's frontends"
    near = sn.Nearness(sn.REPLICATIONS, what, "each of them is committed or aborted", 0, left[:_SHOWN], len(left))
    return Drain("replications", left, findings, what, near)


def _drained(name: str, summary: str, findings: t.Tuple[Finding, ...]) -> Drain:
    return Drain(name, (), findings, summary, sn.Nearness("", "", "", 1))


def _ours(stuck: t.Iterable[StuckPublish], scope: Scope) -> t.Tuple[StuckPublish, ...]:
    """Those of tables that are migrated, and those of which nobody knows the table."""

    def takes(one: StuckPublish) -> bool:
        return any(scope.takes(one.database, table[len(one.database) + 1 :]) for table in one.tables)

    return tuple(one for one in stuck if not one.tables or takes(one))


def _hopeless(one: Running, stuck: t.Sequence[StuckPublish]) -> bool:
    """Whether it can never be published, or is committed to a table where that waits: they are published in turn."""
    there = [other for other in stuck if other.database == one.database]
    if any(other.transaction_id == one.transaction for other in there):
        return True
    return one.committed and any(one.table in other.table_ids for other in there)


def running_compactions(cluster: Cluster) -> t.List[str]:
    """The partitions whose compaction has begun and has not ended."""
    if not cluster.profile.shared_data:
        return []
    rows = cluster.query("SHOW PROC '/compactions'", "list the compactions")
    return sorted(str(row["partition"]) for row in rows.records() if not text(row["finishtime"]))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
