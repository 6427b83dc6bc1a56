# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the clocks of both clusters and of this host go alike, and what goes wrong where they do not. Pure.

A frontend's own clock is what counts there: which finished transactions and dropped tables are kept, when a replication
has taken too long, and which partitions are due by time (facts 2.1, 9).
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import ClusterView, View

HERE = "this host"
_SKEW = 30.0
"""Seconds that two clocks may differ. Frontends tell theirs in whole seconds."""


def clock_findings(view: View) -> t.Iterator[Finding]:
    """All clocks against each other, as far as they were told; one finding."""
    source, target = _told(view.source), _told(view.target)
    told = {HERE: 0.0, **source, **target}
    slowest, fastest = (choose(told, key=lambda name: told[name]) for choose in (min, max))
    apart = told[fastest] - told[slowest]
    if apart <= _SKEW:
        return
    wrong = [
        *(_within(cluster) for cluster, seconds in ((view.source, source), (view.target, target)) if _far(seconds)),
        *([_BETWEEN] if _far_apart(source, target) else []),
        *([_FROM_HERE] if _far_apart({HERE: 0.0}, {**source, **target}) else []),
    ]
    yield Finding(
        "starrocks.frontend.clock_skew",
        "warning",
        f"{slowest} and {fastest}",
        {"apart": round(apart, 1), "ahead_of_this_host": {name: round(one, 1) for name, one in told.items()}},
        f"The clock of {fastest} is {apart:.0f} s ahead of that of {slowest}. Set the clocks (NTP) before the "
        "migration. " + " ".join(wrong),
    )


_BETWEEN = (
    "The clusters make and drop partitions that are due by time (dynamic_partition, time to live) at other moments, so "
    "that the target lacks some or has others, and what CURRENT_TIMESTAMP fills in jumps when the clients are switched."
)
_FROM_HERE = (
    "The journal, the report, the cutover's window and the expiry of acceptances go by this host, so they do not fit "
    "the logs and audits of the servers, and a store of buckets refuses requests whose time is too far off."
)


def _within(cluster: ClusterView) -> str:
    return (
        f"When another frontend of the {cluster.role} comes to lead, timeouts of replications and loads, and how long "
        "finished transactions and dropped tables are kept, jump."
    )


def _told(cluster: ClusterView) -> t.Dict[str, float]:
    return {
        f"{cluster.role} {address}": answer.seconds
        for address, answer in cluster.answers.items()
        if answer.seconds is not None
    }


def _far(seconds: t.Mapping[str, float]) -> bool:
    return _far_apart(seconds, seconds)


def _far_apart(some: t.Mapping[str, float], others: t.Mapping[str, float]) -> bool:
    return any(abs(one - other) > _SKEW for one in some.values() for other in others.values())
