# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a comparison means beyond "not there yet": everything that time alone does not put right. Pure."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison, Renewed
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import ForeignWrites
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_counts import Counted

FOREIGN_TRANSACTION = "starrocks.comparison.foreign_transaction"
MADE_ANEW = "starrocks.comparison.made_anew"
EXTRA_PARTITIONS = "starrocks.comparison.extra_on_target"
_SHOWN = 20
_MOST_TABLES = 200
_REFERENCE = "https://docs.starrocks.io/docs/administration/data_migration_tool/"
_REMEDIES = {
    cmp.FOREIGN_WRITE: "Somebody wrote to the target, or copied to it from elsewhere. The tool does not put that "
    "right: drop the table on the target, stop who writes there, and let it be copied again.",
    cmp.TARGET_AHEAD: "The target has a higher version than the source, which the tool refuses (Target data version is "
    "larger than source data version). Drop the table on the target and let it be copied again.",
    cmp.UNKNOWN: "What cannot be read proves nothing. See the reason; it may take a user with more privileges, or "
    "another version.",
}


def comparison_findings(comparison: Comparison) -> t.Iterator[Finding]:
    """What the versions say."""
    if not comparison.partitions:
        yield Finding(
            "starrocks.comparison.nothing",
            "blocker",
            "source",
            {"include_and_exclude_take": 0},
            "Nothing was compared, which proves nothing. Check include_data_list, exclude_data_list, and the "
            "privileges of the user (without any on a table, its partitions are not shown).",
        )
    for verdict, remedy in _REMEDIES.items():
        tables = {name: counts[verdict] for name, counts in comparison.unequal_tables.items() if counts.get(verdict)}
        reasons = sorted({one.reason for one in comparison.differences if one.verdict == verdict and one.reason})
        if not tables:
            continue
        yield Finding(
            f"starrocks.comparison.{verdict}",
            "blocker",
            ", ".join(sorted(tables)[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else ""),
            {"partitions": sum(tables.values()), "tables": dict(sorted(tables.items())[:_SHOWN]), "reasons": reasons},
            remedy,
            _REFERENCE,
        )


def extra_findings(comparison: Comparison, stay: bool = False) -> t.Iterator[Finding]:
    """Partitions that only the target has, by table, so that each table can be accepted by its name.

    ``stay``: whether nothing takes them away any more, so that the target cannot become equal.
    """
    tables = sorted(comparison.extra)
    for table in tables[:_MOST_TABLES]:
        found = comparison.extra[table]
        written = [name for name, reason in found if reason]
        yield Finding(
            EXTRA_PARTITIONS,
            "blocker" if stay else "warning",
            table,
            {
                "count": len(found),
                "partitions": [name for name, _reason in found[:_SHOWN]],
                "written_on_target": written[:_SHOWN],
            },
            "The source has no such partitions: they were dropped there, or made on the target by somebody else "
            "(written_on_target names those that were loaded there). The sync tool drops them with "
            "ddl_job_allow_drop_partition_target_only=true, its default, with all that is in them. To keep them, set "
            "that to false, and accept this finding with the table as its subject.",
            _REFERENCE,
        )
    more = tables[_MOST_TABLES:]
    if more:
        yield Finding(
            EXTRA_PARTITIONS,
            "blocker" if stay else "warning",
            f"{len(more)} more tables",
            {"tables": more[:_SHOWN]},
            "As for the other tables.",
            _REFERENCE,
        )


_RENEWED: t.Mapping[str, t.Tuple[str, str]] = {
    cmp.MADE_ANEW: (
        MADE_ANEW,
        "The source has made these partitions anew since they were copied (TRUNCATE, INSERT OVERWRITE, or dropped and "
        "added again). ",
    ),
    cmp.HIGHER_VERSION: (
        "starrocks.comparison.target_ahead",
        "The target has a higher version than the source: the source has made these partitions anew since they were "
        "copied (TRUNCATE, INSERT OVERWRITE, or dropped and added again), or somebody wrote to the target. ",
    ),
}


def renewed_findings(renewed: t.Sequence[Renewed], stay: str = "", freezing: bool = False) -> t.Iterator[Finding]:
    """Partitions whose copies on the target are of a former life of the source's.

    :param stay: why the tool does not drop these copies, so that the target cannot become equal; "" while it may
    :param freezing: writes to the source are to be stopped next, so what may be writes to the target stands against it
    """
    for reason, (name, what) in _RENEWED.items():
        tables: t.Dict[str, t.List[str]] = {}
        for one in renewed:
            if one.reason == reason:
                tables.setdefault(one.table, []).append(one.partition)
        if not tables:
            continue
        first = dict(sorted(tables.items())[:_SHOWN])
        unclear = freezing and reason == cmp.HIGHER_VERSION
        yield Finding(
            name,
            "blocker" if stay or unclear else "warning",
            ", ".join(sorted(tables)[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else ""),
            {
                "partitions": sum(len(names) for names in tables.values()),
                "tables": {table: names[:_SHOWN] for table, names in first.items()},
                **({"stay": stay} if stay else {}),
            },
            what
            + (
                f"The sync tool leaves the old copies: {stay}. Drop these tables on the target and let them be copied "
                "again."
                if stay
                else "The sync tool drops the old copies when it next looks at the metadata, and copies anew; "
                + (
                    "begin again then. If it stays so, somebody writes there: drop these tables on the target, stop "
                    "that, and let them be copied again."
                    if unclear
                    else "nothing is to be done unless it stays so."
                )
            ),
            _REFERENCE,
        )


def kept_tables(acceptances: t.Iterable[Acceptance], now: datetime.datetime) -> t.FrozenSet[str]:
    """The tables whose extra partitions were accepted, each by its name: a word for all of them is none for one."""
    return frozenset(
        one.subject for one in acceptances if one.id == EXTRA_PARTITIONS and one.subject and one.expires > now
    )


def hidden_findings(side: str, hidden: t.Mapping[str, t.Tuple[int, int]]) -> t.Iterator[Finding]:
    """Tables that no comparison can see."""
    if hidden:
        shown = dict(sorted(hidden.items())[:_SHOWN])
        yield Finding(
            "starrocks.comparison.hidden_tables",
            "blocker",
            side,
            {name: {"seen": seen, "there": there} for name, (seen, there) in shown.items()},
            f"The user of the {side} does not see all tables, and the server says nothing about that. GRANT SELECT ON "
            "ALL TABLES IN ALL DATABASES to it (and on views and materialized views).",
        )


def foreign_findings(foreign: ForeignWrites) -> t.Iterator[Finding]:
    """What the transactions of the target say."""
    if foreign.writes:
        databases = sorted({one.database for one in foreign.writes})
        yield Finding(
            FOREIGN_TRANSACTION,
            "blocker",
            ", ".join(databases),
            {"count": len(foreign.writes), "writes": [one.as_result() for one in foreign.writes[-_SHOWN:]]},
            "Transactions other than replications have become visible on the target since its replication began, and "
            "wrote to the tables that are named with them. (Where none is named, the server does not know any more; "
            "find out by the label.) Drop these tables on the target and let them be copied again, even if their "
            "versions look right by now.",
            _REFERENCE,
        )
    if foreign.earlier:
        yield Finding(
            "starrocks.comparison.foreign_transaction_earlier",
            "warning",
            ", ".join(sorted({one.database for one in foreign.earlier})),
            {"count": len(foreign.earlier), "writes": [one.as_result() for one in foreign.earlier[-_SHOWN:]]},
            "Transactions other than replications became visible in these databases of the target before the first "
            "replication that it still shows (it forgets finished ones after label_keep_max_second), and wrote to the "
            "tables that are named with them. (Where none is named, the server does not know any more.) Drop such a "
            "table on the target and let it be copied again, unless that was done since.",
            _REFERENCE,
        )
    if foreign.incomplete:
        yield Finding(
            "starrocks.comparison.transactions_cut",
            "info",
            ", ".join(foreign.incomplete),
            {"databases": list(foreign.incomplete)},
            "The server shows only the newest finished transactions, so compare more often during the sync, or raise "
            "max_show_proc_transactions_entry on the target.",
        )


def sample_findings(counted: t.Sequence[Counted]) -> t.Iterator[Finding]:
    """What exact counts say."""
    wrong = [one for one in counted if not one.equal and not one.changed]
    if wrong:
        yield Finding(
            "starrocks.comparison.sample_differs",
            "blocker",
            ", ".join("{}.{}/{}".format(*one.key) for one in wrong[:3]),
            {"count": len(wrong), "partitions": [one.as_result() for one in wrong[:_SHOWN]]},
            "Partitions with equal versions hold different rows, or could not be counted. Do not switch; copy these "
            "tables again.",
            "https://github.com/StarRocks/starrocks/issues/54897",
        )
