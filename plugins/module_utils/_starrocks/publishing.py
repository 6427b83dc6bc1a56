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
_ISSUE = "https://github.com/StarRocks/starrocks/issues/62741"


@dataclasses.dataclass(frozen=True)
class StuckPublish:
    """``tables``: as ``db.table``; none where the server does not tell. ``error``: its own text. ``table_ids``: as they
    are in labels, of tables that are gone too."""

    database: str
    transaction_id: int
    label: str
    error: str
    tables: t.Tuple[str, ...] = ()
    table_ids: t.Tuple[str, ...] = ()

    def as_evidence(self) -> t.Dict[str, t.Any]:
        """For findings."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "table_ids"}


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
                names = reader.tables(database, ids[database]) or {}
            written = reader.written(ids[database], one, "running") or frozenset()
            tables = sorted(f"{database}.{names[table]}" for table in written if table in names)
            numbers = tuple(str(table) for table in sorted(written))
            found.append(StuckPublish(database, one.transaction_id, one.label, error, tuple(tables), numbers))
    return tuple(found)


def find_stuck(target: Cluster, databases: t.Optional[t.Collection[str]] = None) -> t.Tuple[StuckPublish, ...]:
    """Those of a target. What is published to local disks knows no such error, so nothing is asked there."""
    return stuck_publishes(TransactionReader(target), databases) if target.profile.shared_data else ()


def stuck_findings(stuck: t.Sequence[StuckPublish]) -> t.Iterator[Finding]:
    """One blocker for all of them; its subject names the tables, or the databases where none is known."""
    if stuck:
        remedy = (
            "DROP TABLE ... FORCE these tables on the target and run again: the sync tool makes them anew and copies "
            "them. See to it that nobody switches compactions on there meanwhile."
        )
        yield Finding(STUCK, "blocker", named(stuck), *_told(stuck, remedy), _ISSUE)


def left_behind(stuck: t.Sequence[StuckPublish]) -> t.Iterator[Finding]:
    """One warning for all of them, where nobody wants the copy any more."""
    if stuck:
        remedy = (
            "Nobody waits for that, and whatever is committed to these tables waits behind it, compactions too. These "
            "copies are of no use any more: DROP TABLE ... FORCE them on the target."
        )
        yield Finding(STUCK, "warning", named(stuck), *_told(stuck, remedy), _ISSUE)


def named(stuck: t.Sequence[StuckPublish]) -> str:
    """The tables, or the databases where none is known."""
    tables = sorted({table for one in stuck for table in one.tables})
    return ", ".join(tables or sorted({one.database for one in stuck}))


def _told(stuck: t.Sequence[StuckPublish], remedy: str) -> t.Tuple[t.Dict[str, t.Any], str]:
    """Evidence and remedy."""
    evidence = {"count": len(stuck), "transactions": [one.as_evidence() for one in stuck[:_SHOWN]]}
    why = "The target has committed what it can never make visible, because a compaction met a replication there"
    return evidence, f"{why}: {stuck[0].error!r}. {remedy}"
