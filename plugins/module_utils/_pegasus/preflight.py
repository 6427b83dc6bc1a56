# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against moving these tables to another cluster. Pure: everything is found at once."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import applicable
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import known_bugs
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_clusters import cluster_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_ids import id_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_members import member_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_metaproxy import metaproxy_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_servers import (
    copies,
    numbers,
    server_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_tables import SHOWN, table_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_target import target_findings


def evaluate(view: v.View) -> list[Finding]:
    """All findings, in a stable order: clusters, servers, tables, the way of the clients, known bugs."""
    source, target = view.source, view.target
    findings = list(cluster_findings(source, target))
    if any(finding.id == "pegasus.cluster.same" for finding in findings):
        # Seen from both sides, a table would be its own obstacle.
        return findings
    for cluster in (source, target):
        findings.extend(member_findings(cluster))
    findings.extend(server_findings(source, target, view.tables))
    for table in view.tables:
        findings.extend(table_findings(table, source, target))
        findings.extend(target_findings(table, source, target))
    findings.extend(id_findings(view.tables, target))
    findings.extend(metaproxy_findings(view))
    findings.extend(_bugs(view))
    return findings


def _bugs(view: v.View) -> t.Iterator[Finding]:
    source, target = view.source, view.target
    for bug in applicable(known_bugs.SOURCE_BUGS, source.version, ()):
        yield _about(bug, f"{source.subject}, version {source.version}")
    for bug in applicable(known_bugs.TARGET_BUGS, target.version, _target_features(target)):
        yield _about(bug, f"{target.subject}, version {target.version}")
    for table in view.tables:
        yield from _decrees(table, source)
        for bug in applicable(known_bugs.TABLE_BUGS, source.version, _table_features(table)):
            yield _about(bug, table.subject)


def _about(bug: Finding, subject: str) -> Finding:
    evidence = str(bug.evidence).replace(known_bugs.BEFORE_2_6, "before 2.6")
    return dataclasses.replace(bug, subject=subject, evidence=evidence)


def _decrees(table: v.TableView, source: v.ClusterView) -> t.Iterator[Finding]:
    """Partitions of which nobody tells whether they are nearly empty, where that matters (#2069)."""
    app, config = table.usable, table.config
    if app is None or config is None or not source.profile.slow_empty_checkpoint:
        return
    # One without a primary has a finding of its own.
    untold = [one for one in config.partitions if one.primary and one.index not in (table.decrees or {})]
    if untold:
        yield Finding(
            "pegasus.table.decrees_unknown",
            "warning",
            table.subject,
            {
                "partitions": [one.index for one in untold[:SHOWN]],
                "count": len(untold),
                "servers": sorted({one.primary for one in untold}),
            },
            "These replica servers do not tell how much was written to their partitions. One with no or one record "
            "would take very long to be copied before 2.6. Make sure that they answer and run preflight again, or that "
            "every partition holds a few records.",
            "https://github.com/apache/incubator-pegasus/issues/2069",
        )


def _target_features(target: v.ClusterView) -> set[str]:
    limited = any(numbers(target, v.NFS_COPY_RATE).values())
    return {known_bugs.NFS_RATE_PER_DISK} if limited else set()


def _table_features(table: v.TableView) -> set[str]:
    found: set[str] = set()
    if table.app is None or not table.app.available:
        return found
    if copies(table) == 1:
        found.add(known_bugs.SINGLE_REPLICA)
    if table.request.renamed:
        found.add(known_bugs.RENAMED)
    if any(decree <= 1 for decree in (table.decrees or {}).values()):
        found.add(known_bugs.NEARLY_EMPTY)
    return found
