# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Transactions of the target that are committed and can never become visible: a compaction met a replication.

The server tries again for ever and says why in the transaction's ErrMsg (StarRocks issue #62741; shared-data targets).
Whatever is committed to such a partition afterwards waits behind it, compactions too.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import TransactionReader

STUCK = "starrocks.target.publish_stuck"
FOR_GOOD = ("mismatched version",)
"""What an error says that no further try overcomes. Others, such as that of a node that is down, may pass."""
_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class StuckPublish:
    """``tables``: as ``db.table``; none where the server does not tell. ``error``: its own text."""

    database: str
    transaction_id: int
    label: str
    error: str
    tables: t.Tuple[str, ...] = ()


def stuck_publishes(
    reader: TransactionReader, databases: t.Optional[t.Collection[str]] = None
) -> t.Tuple[StuckPublish, ...]:
    """Those of these databases, or of all that have transactions."""
    ids = reader.databases()
    found: t.List[StuckPublish] = []
    for database in sorted(ids if databases is None else set(databases) & set(ids)):
        names: t.Optional[t.Dict[int, str]] = None
        for one, error in reader.committed(database, ids[database]):
            if not any(words in error for words in FOR_GOOD):
                continue
            if names is None:
                names = reader.tables(database, ids[database])
            written = reader.written(ids[database], one, "running") or frozenset()
            tables = sorted(f"{database}.{names[table]}" for table in written if table in names)
            found.append(StuckPublish(database, one.transaction_id, one.label, error, tuple(tables)))
    return tuple(found)


def find_stuck(target: Cluster, databases: t.Optional[t.Collection[str]] = None) -> t.Tuple[StuckPublish, ...]:
    """Those of a target. What is published to local disks knows no such error, so nothing is asked there."""
    return stuck_publishes(TransactionReader(target), databases) if target.profile.shared_data else ()


def stuck_findings(stuck: t.Sequence[StuckPublish]) -> t.Iterator[Finding]:
    """One blocker for all of them; its subject names the tables, or the databases where none is known."""
    if not stuck:
        return
    tables = sorted({table for one in stuck for table in one.tables})
    yield Finding(
        STUCK,
        "blocker",
        ", ".join(tables or sorted({one.database for one in stuck})),
        {"count": len(stuck), "transactions": [dataclasses.asdict(one) for one in stuck[:_SHOWN]]},
        "The target has committed what it can never make visible, because a compaction met a replication there: "
        f"{stuck[0].error!r}. DROP TABLE ... FORCE these tables on the target and run again: the sync tool makes them "
        "anew and copies them. See to it that nobody switches compactions on there meanwhile.",
        "https://github.com/StarRocks/starrocks/issues/62741",
    )
