# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Exact counts, and checksums, of a sample of partitions on both clusters. They read the data, so they cost."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_choice import Key
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier, quote_string

_NO_TEXT = ("bitmap", "hll", "percentile", "json", "array", "map", "struct", "varbinary", "binary", "variant")
"""Types that have no text, or none that is the same everywhere; such columns are left out of a checksum."""


Versions = t.Mapping[Key, t.Any]


class SampleServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read."""


@dataclasses.dataclass(frozen=True)
class Counted:
    """One partition. Rows and checksums as found; ``problem`` where it could not be counted, otherwise "".

    ``changed``: whether it was written to, or is being copied again, since its versions were found equal.
    """

    key: Key
    source: t.Tuple[t.Optional[int], t.Optional[str]]
    target: t.Tuple[t.Optional[int], t.Optional[str]]
    problem: str
    columns_left_out: t.Tuple[str, ...]
    changed: bool = False

    @property
    def equal(self) -> bool:
        """Whether both clusters hold the same, for all that was asked. Of one that has changed, that tells nothing."""
        return not self.problem and self.source == self.target

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        database, table, partition = self.key
        return {
            "database": database,
            "table": table,
            "partition": partition,
            "equal": self.equal,
            "changed_meanwhile": self.changed,
            "source_rows": self.source[0],
            "target_rows": self.target[0],
            "source_checksum": self.source[1],
            "target_checksum": self.target[1],
            "columns_left_out": list(self.columns_left_out),
            "problem": self.problem,
        }


def count_sample(source: SampleServer, target: SampleServer, keys: t.Sequence[Key], checksum: bool) -> t.List[Counted]:
    """Count every partition on both sides. A count that fails is a result with a problem, and never equal."""
    columns: t.Dict[t.Tuple[str, str], t.Tuple[t.Tuple[str, ...], t.Tuple[str, ...]]] = {}
    found: t.List[Counted] = []
    for key in keys:
        database, table, partition = key
        used: t.Tuple[str, ...] = ()
        left_out: t.Tuple[str, ...] = ()
        try:
            if checksum:
                if (database, table) not in columns:
                    columns[(database, table)] = _columns(source, database, table)
                used, left_out = columns[(database, table)]
            sql = statement(database, table, partition, used)
            doing = f"count {database}.{table}/{partition}"
            ours, theirs = _counted(source.query(sql, doing)), _counted(target.query(sql, doing))
            found.append(Counted(key, ours, theirs, "", left_out))
        except MigrationError as error:
            found.append(Counted(key, (None, None), (None, None), error.message, left_out))
    return found


def told_from_loads(
    counted: t.Sequence[Counted], before: t.Mapping[Key, t.Any], look: t.Callable[[t.Collection[str]], Versions]
) -> t.List[Counted]:
    """The same, with those marked that differ because something was loaded between comparison and counts.

    :param before: the versions of equal partitions before anything was counted
    :param look: the same as it is now, of some tables (``db.table``), and only of partitions that are equal
    """
    tables = {"{}.{}".format(*one.key) for one in counted if not one.equal}
    now = look(tables) if tables else {}
    return [
        one if one.equal or now.get(one.key) == before[one.key] else dataclasses.replace(one, changed=True)
        for one in counted
    ]


def statement(database: str, table: str, partition: str, columns: t.Sequence[str]) -> str:
    """The count, with a checksum that the order of rows does not change where columns are given.

    Absent values are told from text by a leading letter, and CONCAT_WS would leave them out.
    """
    what = "COUNT(*)"
    if columns:
        cells = ", ".join(f"IFNULL(CONCAT('v', CAST({quote_identifier(name)} AS STRING)), 'n')" for name in columns)
        what += f", SUM(CAST(MURMUR_HASH3_32(CONCAT_WS(CHAR(1), {cells})) AS BIGINT))"
    return (
        f"SELECT {what} FROM {quote_identifier(database)}.{quote_identifier(table)} "  # noqa: S608
        f"PARTITION({quote_identifier(partition)})"
    )


def _columns(server: SampleServer, database: str, table: str) -> t.Tuple[t.Tuple[str, ...], t.Tuple[str, ...]]:
    rows = server.query(
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.columns WHERE "  # noqa: S608
        f"TABLE_SCHEMA={quote_string(database)} AND TABLE_NAME={quote_string(table)}",
        f"list the columns of {database}.{table}",
    )
    named = sorted((str(row[0]), str(row[1]).lower()) for row in rows.rows)
    # "unknown" is what information_schema prints for types that MySQL does not know.
    out = tuple(name for name, kind in named if kind.startswith(_NO_TEXT) or kind == "unknown")
    return tuple(name for name, _kind in named if name not in out), out


def _counted(rows: Rows) -> t.Tuple[t.Optional[int], t.Optional[str]]:
    row = rows.rows[0] if rows.rows else ()
    count = int(row[0]) if row and row[0] is not None else None
    return count, (None if len(row) < 2 or row[1] is None else str(row[1]))
