# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against migrating these tables between these clusters. Pure: everything is found at once."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_clocks import clock_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_health import (
    cluster_findings,
    port_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_objects import (
    object_findings,
    selection_findings,
    visibility_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_pair import (
    SAME,
    bug_findings,
    pair_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_tables import table_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_tool import (
    collision_findings,
    tool_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import View


def evaluate(view: View) -> t.List[Finding]:
    """All findings, in a stable order: pair, clusters, clocks, the selection, the tool, the switch, known bugs."""
    findings = list(pair_findings(view.source, view.target))
    if any(finding.id == SAME for finding in findings):
        # Seen from both sides, every table would be its own obstacle.
        return [finding for finding in findings if finding.id == SAME]
    for cluster in (view.source, view.target):
        findings.extend(cluster_findings(view, cluster))
    findings.extend(clock_findings(view))
    findings.extend(port_findings(view.ports))
    findings.extend(visibility_findings(view))
    findings.extend(selection_findings(view))
    findings.extend(table_findings(view))
    findings.extend(object_findings(view))
    findings.extend(_volumes(view))
    findings.extend(tool_findings(view))
    findings.extend(collision_findings(view))
    findings.extend(_switch(view))
    findings.extend(bug_findings(view))
    return findings


def _switch(view: View) -> t.Iterator[Finding]:
    if view.switch_tasks_found is False:
        yield Finding(
            "starrocks.cutover.no_switch_tasks",
            "warning",
            "starrocks_switch_tasks",
            {"found": False},
            "Nothing would send the clients to the target, so the copy can be made, but not be cut over. Before the "
            "cutover, set starrocks_switch_tasks to the absolute path of a file with tasks that do it, on the "
            "controller.",
        )


def _volumes(view: View) -> t.Iterator[Finding]:
    if view.volume_problems:
        yield Finding(
            "starrocks.volume.not_ready",
            "blocker",
            view.target.subject,
            list(view.volume_problems),
            "See to each of these before the migration is started: without it, no table is made or read.",
        )
    if view.volumes:
        yield Finding(
            "starrocks.volume.in_use",
            "info",
            view.source.subject,
            {"tables_by_volume": dict(view.volumes)},
            "Each needs a volume src_<name> on the target, which starrocks_storage_volume_mirror makes. While the "
            "migration runs, the vacuum of the source is held back, so its object storage must have room for all "
            "versions of that time.",
        )
