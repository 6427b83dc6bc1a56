# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What configs are on every backend and compute node, in one query: information_schema.be_configs (from 3.0 on)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import unexpected_answer
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_string

OLDEST = "3.0"


@dataclasses.dataclass(frozen=True)
class NodeRow:
    """A config as one node has it. ``kind`` is "", and ``default`` None, where the version does not tell them (3.0)."""

    key: str
    value: str
    kind: str
    mutable: bool
    default: t.Optional[str] = None


Table = t.Dict[Node, t.Dict[str, t.Optional[NodeRow]]]
"""By node and key; None where the node does not know the key."""


def read_nodes(cluster: Cluster, nodes: t.Sequence[Node], keys: t.Sequence[str]) -> Table:
    """These configs of these nodes (BEs and CNs that are alive).

    :raises MigrationError: ``starrocks.version_too_old`` below 3.0, ``starrocks.node_unreachable`` for a node that is
        alive but tells nothing at all
    """
    profile = cluster.profile
    if not profile.be_configs:
        raise MigrationError(
            "starrocks.version_too_old",
            f"Configs of backends can be read back from {OLDEST} on, and this is {profile.version}. Use be.conf.",
        )
    if not keys or not nodes:
        return {node: {} for node in nodes}
    columns = "BE_ID, NAME, VALUE, TYPE, `DEFAULT`, MUTABLE" if profile.update_be_configs else "BE_ID, NAME, VALUE"
    names = ", ".join(quote_string(key) for key in keys)
    doing = "read configs of the nodes"
    sql = f"SELECT {columns} FROM information_schema.be_configs WHERE NAME IN ({names})"  # noqa: S608  (quoted)
    rows = cluster.query(sql, doing)
    try:
        found = decode_nodes_config(rows)
    except (KeyError, ValueError) as error:
        raise unexpected_answer(error, doing, cluster.leader().address) from error
    silent = [node.address for node in nodes if node.node_id not in found]
    if found and silent:
        raise MigrationError(
            "starrocks.node_unreachable",
            f"{', '.join(silent)} is alive by the cluster's account, but tells nothing of its configs; look at it, and "
            "run again.",
            details={"nodes": silent},
        )
    return {node: {key: found.get(node.node_id, {}).get(key) for key in keys} for node in nodes}


def decode_nodes_config(rows: Rows) -> t.Dict[str, t.Dict[str, NodeRow]]:
    """By node id and key."""
    found: t.Dict[str, t.Dict[str, NodeRow]] = {}
    for row in rows.records():
        key = str(row["name"])
        mutable = str(row.get("mutable", "1")).strip().lower() in ("1", "true")
        value = "" if row["value"] is None else str(row["value"])
        default = None if row.get("default") is None else str(row["default"])
        found.setdefault(str(row["be_id"]), {})[key] = NodeRow(key, value, str(row.get("type") or ""), mutable, default)
    return found
