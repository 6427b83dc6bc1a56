# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How the people of each engine call things in a report; an engine that is not here is told in the journal's words."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Words

WORDS: t.Mapping[str, Words] = {
    "greptimedb": Words(engine="GreptimeDB", item="region", items="regions", place="datanode"),
    "pegasus": Words(
        engine="Apache Pegasus",
        item="table",
        items="tables",
        place="cluster",
        part="partition",
        behind="Mutations that were still to be shipped to the target, in all, at each look.",
        still="mutations still to be shipped",
    ),
    "starrocks": Words(
        engine="StarRocks",
        item="table",
        items="tables",
        place="cluster",
        part="partition",
        fence="freeze",
        steps=(
            ("frozen", "before", "every frontend refuses loads"),
            ("quiescent", "refused", "the source is at rest"),
            ("converged", "open", "the target is equal"),
            ("tool_stopped", "s1", "the sync tool is ended"),
            ("drained", "s2", "replications drained"),
            ("proved", "s3", "proved equal"),
            ("handed_over", "s4", "handed over"),
            ("committed", "moved", "switched by the operator and committed"),
            ("lifted", "failed", "lifted"),
        ),
        behind="Partitions not as on the source, at each look: still to be copied, brought up to date or taken away.",
        still="partitions not as on the source",
    ),
}
