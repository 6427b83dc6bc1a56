# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Partitions as both clusters tell of them, whatever the version: rows of any column set become :class:`Partition`.

A partition is known by the names of database, table and partition, as its id differs between clusters. What carries
data is the *physical* partition; a table with random distribution has several under one name (facts 4.4).
"""

from __future__ import annotations

import typing as t

ABSENT = -1
"""A number that the server did not tell."""

SYSTEM_DATABASES = ("_statistics_", "information_schema", "starrocks_audit_db__", "sys")
SHADOW = "$shadow_automatic_partition"
"""The internal partition of automatic partitioning; it never holds data."""
_OLD_CLUSTER = "default_cluster:"
_NAMES = {
    "db": ("dbname",),
    "table": ("tablename",),
    "partition": ("partitionname",),
    "visible": ("visibleversion",),
    "data": ("dataversion",),
    "epoch": ("versionepoch",),
    "txn_type": ("versiontxntype",),
    "rows": ("rowcount",),
    "temporary": ("istemp",),
}


class Physical(t.NamedTuple):
    """One physical partition. Versions and epoch are ABSENT, the type of the last transaction "" where not told."""

    data: int
    visible: int
    epoch: int
    txn_type: str


class Partition(t.NamedTuple):
    """All physical partitions of one name, sorted, so that their order on the wire means nothing; the sum of rows.

    ``rows`` is a background statistic up to minutes old (facts 4.6): it is shown, and never decides.
    """

    physical: t.Tuple[Physical, ...]
    rows: int


Table = t.Dict[str, Partition]
Catalog = t.Dict[str, t.Dict[str, Table]]
"""Partitions by database, table and name."""


def plain_database(name: str) -> str:
    """The name without the prefix that old versions print."""
    return name[len(_OLD_CLUSTER) :] if name.startswith(_OLD_CLUSTER) else name


class Collector:
    """Takes result sets of ``information_schema.partitions_meta`` or ``SHOW PARTITIONS`` and builds a Catalog.

    Only what the comparison needs is kept: a few numbers for each physical partition, and every name once.
    """

    def __init__(self, wanted: t.Callable[[str, str], bool] = lambda _db, _table: True) -> None:
        self._wanted = wanted
        self._found: t.Dict[str, t.Dict[str, t.Dict[str, t.List[t.Tuple[Physical, int]]]]] = {}
        self._kept: t.Dict[t.Tuple[str, str], bool] = {}
        self._physical: t.Dict[Physical, Physical] = {}

    def add(
        self, columns: t.Sequence[str], rows: t.Iterable[t.Sequence[t.Any]], database: str = "", table: str = ""
    ) -> None:
        """Take one result set; ``database`` and ``table`` say whose it is where the columns do not."""
        at = _positions(columns)
        for row in rows:
            db = database or plain_database(str(row[at["db"]]))
            name = table or str(row[at["table"]])
            key = (db, name)
            wanted = self._kept.get(key)
            if wanted is None:
                wanted = self._kept[key] = db not in SYSTEM_DATABASES and self._wanted(db, name)
            if not wanted:
                continue
            # A table is there, whatever of it is left out below.
            here = self._found.setdefault(db, {}).setdefault(name, {})
            partition = str(row[at["partition"]])
            if partition == SHADOW or ("temporary" in at and _true(row[at["temporary"]])):
                continue
            physical = Physical(
                _number(row, at.get("data")),
                _number(row, at.get("visible")),
                _number(row, at.get("epoch")),
                _word(row, at.get("txn_type")),
            )
            physical = self._physical.setdefault(physical, physical)
            here.setdefault(partition, []).append((physical, max(0, _number(row, at.get("rows")))))

    def catalog(self) -> Catalog:
        """Everything that was taken; the collector is empty afterwards."""
        found, self._found = self._found, {}
        return {
            db: {
                table: {
                    name: Partition(tuple(sorted(one for one, _rows in listed)), sum(rows for _one, rows in listed))
                    for name, listed in partitions.items()
                }
                for table, partitions in tables.items()
            }
            for db, tables in found.items()
        }


def _positions(columns: t.Sequence[str]) -> t.Dict[str, int]:
    plain = [str(name).lower().replace("_", "") for name in columns]
    return {wanted: plain.index(name) for wanted, names in _NAMES.items() for name in names if name in plain}


def _number(row: t.Sequence[t.Any], at: t.Optional[int]) -> int:
    if at is None:
        return ABSENT
    value = row[at]
    if isinstance(value, int):
        return int(value)
    try:
        return int(str(value))
    except ValueError:
        # Absent values are NULL, or the texts NULL and \N (facts 8).
        return ABSENT


def _word(row: t.Sequence[t.Any], at: t.Optional[int]) -> str:
    value = None if at is None else row[at]
    return "" if value is None or str(value) in ("NULL", "\\N") else str(value).upper()


def _true(value: t.Any) -> bool:
    return str(value).strip().lower() in ("1", "true")
