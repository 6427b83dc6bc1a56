# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the info module: the parts that were asked for, as plain data."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Node, Region
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.reader import ClusterReader

PARTS = ("nodes", "regions", "configs", "procedures", "metasrv")

Result = t.TypeVar("Result")


def gather_info(params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock) -> dict[str, t.Any]:
    """The module's result. Parts that cannot be read are null and named in ``problems``.

    :raises MigrationError: the cluster cannot be reached, or is none that can be worked with
    """
    connection = Connection.from_params(params)
    tables = [str(name) for name in as_list(params.get("tables"), "tables")]
    parts = set(params["gather"])
    problems: dict[str, str] = {}

    def attempt(name: str, call: t.Callable[[], Result]) -> Result | None:
        try:
            return call()
        except MigrationError as error:
            problems[name] = error.message
            return None

    with ClusterReader(connection, redactor, clock) as reader:
        dialect = reader.dialect
        result: dict[str, t.Any] = {
            "changed": False,
            "versions": reader.versions.as_result(),
            "dialect": dialect.as_result(),
        }
        nodes: list[Node] = reader.nodes() if parts & {"nodes", "configs"} else []
        if "nodes" in parts:
            result["nodes"] = [node.as_result() for node in nodes]
        if "regions" in parts:
            regions = reader.regions(tables or None)
            result["load"] = load(regions, nodes)
            shown = [region for region in regions if params["logical_regions"] or not region.logical]
            result["regions"] = [region.as_result() for region in shown]
        if "configs" in parts:
            result["configs"] = [config.as_result() for config in reader.node_configs(nodes)]
        if "procedures" in parts:
            every = attempt("procedures", lambda: reader.procedures(active_only=True, all_types=True))
            result["active_procedures"] = None if every is None else len(every)
            result["procedures"] = (
                None if every is None else [one.as_result() for one in every if one.is_region_migration]
            )
        if "metasrv" in parts:
            result["maintenance_mode"] = attempt("metasrv", reader.maintenance) if dialect.maintenance_form else None
            manager = attempt("metasrv", reader.manager_status) if dialect.has_manager_api else "unsupported"
            result["procedure_manager"] = manager or "unknown"
    result["problems"] = problems
    return result


def load(regions: t.Iterable[Region], nodes: t.Iterable[Node]) -> dict[str, dict[str, int | None]]:
    """What each datanode carries, by its id as text; an unknown size makes the sum unknown."""
    carried: dict[str, dict[str, int | None]] = {}

    def entry(datanode: int) -> dict[str, int | None]:
        return carried.setdefault(str(datanode), {"regions": 0, "followers": 0, "bytes": 0, "memtable_bytes": 0})

    for node in nodes:
        if node.kind == "datanode":
            entry(node.id)
    for region in regions:
        if region.logical:
            continue
        for follower in region.followers:
            _add(entry(follower), "followers", 1)
        if region.leader_peer is not None:
            one = entry(region.leader_peer)
            _add(one, "regions", 1)
            _add(one, "bytes", region.size_bytes)
            _add(one, "memtable_bytes", region.memtable_bytes)
    return carried


def _add(entry: dict[str, int | None], name: str, amount: int | None) -> None:
    held = entry[name]
    entry[name] = None if held is None or amount is None else held + amount
