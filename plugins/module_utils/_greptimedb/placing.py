# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Joining placement, tables and sizes into regions."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Placement,
    Region,
    RegionStatistics,
    Table,
    region_number_of,
    table_id_of,
)

CATALOG = "greptime"


def matches(table: Table, names: t.Sequence[str] | None, schema: str) -> bool:
    """Whether a name (``schema.table``, or ``table`` in the given schema) means this table; None means all."""
    if names is None:
        return True
    return any(table.qualified == (name if "." in name else f"{schema}.{name}") for name in names)


def build_regions(
    placements: t.Mapping[int, Placement],
    tables: t.Iterable[Table],
    statistics: t.Mapping[int, RegionStatistics],
    partitions: t.Mapping[int, str],
) -> list[Region]:
    """One record per region id, by id.

    A region belongs to the table in the upper half of its id; that makes one out of the rows with which old versions
    list a physical region once per logical table. A table that is not (any longer) listed is named by its id.
    """
    by_id = {table.table_id: table for table in tables}
    found: list[Region] = []
    for region_id, place in sorted(placements.items()):
        table_id = table_id_of(region_id)
        table = by_id.get(table_id) or Table(table_id, "?", str(table_id))
        figures = statistics.get(region_id)
        found.append(
            Region(
                region_id=region_id,
                table_id=table_id,
                number=region_number_of(region_id),
                catalog=CATALOG,
                schema=table.schema,
                table=table.name,
                partition=partitions.get(region_id),
                leader_peer=place.leader_peer,
                leader_status=place.leader_status,
                down_seconds=place.down_seconds,
                followers=place.followers,
                size_bytes=None if figures is None else figures.size_bytes,
                memtable_bytes=None if figures is None else figures.memtable_bytes,
                rows=None if figures is None else figures.rows,
                engine=table.engine or ("" if figures is None else figures.engine),
                logical=table.logical,
                physical_table=table.physical_table,
            )
        )
    return found
