# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One look at everything that preflight and planning judge."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import UNKNOWN, Snapshot
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.reader import ClusterReader

Result = t.TypeVar("Result")


def take_snapshot(
    reader: ClusterReader,
    clock: Clock,
    *,
    tables: t.Sequence[str] | None = None,
    with_configs: bool = True,
    with_admin_right: bool = True,
) -> Snapshot:
    """Look once, with a fixed number of requests and one more for each datanode's configuration.

    What cannot be read is named in ``problems`` and stays unknown; only the list of nodes and of regions must work.

    :param tables: list the regions of these tables only (``table`` or ``schema.table``)
    :raises MigrationError: the cluster cannot be reached, or is none that can be worked with
    """
    dialect = reader.dialect
    problems: dict[str, str] = {}

    def attempt(name: str, call: t.Callable[[], Result], unknown: Result) -> Result:
        try:
            return call()
        except MigrationError as error:
            problems[name] = error.message
            return unknown

    taken_at = clock.now()
    nodes = reader.nodes()
    catalog = reader.tables()
    regions = reader.regions(tables, catalog=catalog)
    every = attempt("procedures", lambda: reader.procedures(active_only=True, all_types=True), None)
    return Snapshot(
        versions=reader.versions,
        nodes=tuple(nodes),
        regions=tuple(regions),
        tables=tuple(table for table in catalog if table.schema != "information_schema"),
        procedures=None if every is None else tuple(one for one in every if one.is_region_migration),
        active_procedures=None if every is None else len(every),
        maintenance=attempt("maintenance", reader.maintenance, None) if dialect.maintenance_form else None,
        manager=attempt("manager", reader.manager_status, UNKNOWN) if dialect.has_manager_api else "unsupported",
        configs=tuple(reader.node_configs(nodes)) if with_configs else (),
        admin=attempt("admin", reader.admin_right, UNKNOWN) if with_admin_right else UNKNOWN,
        leadership=attempt("leader", reader.leadership, None),
        taken_at=taken_at,
        problems=problems,
    )
