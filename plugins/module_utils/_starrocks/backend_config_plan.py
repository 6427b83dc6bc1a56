# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which requests bring a config to the wanted values on every node, and what an undone migration leaves to restore.

From 3.1 on ``UPDATE information_schema.be_configs`` reaches all nodes, or one by its id; before, each node is told over
HTTP (``POST /api/update_config``, facts 2.4). Both change memory only.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from urllib.parse import urlencode

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, restore_record
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past, decide
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_string

_RESOURCE = re.compile(r"starrocks:[^/]+/node/(?P<node>[^/]+)/config/(?P<key>[^/]+)")


@dataclasses.dataclass(frozen=True)
class NodeTarget:
    """One node: what a config is there, and what it should be."""

    node: Node
    resource: str
    now: str
    wanted: str
    kind: str

    def holds(self, text: t.Optional[str]) -> bool:
        """Whether this text is the wanted value."""
        return text is not None and canonical(text, self.kind) == canonical(self.wanted, self.kind)


@dataclasses.dataclass(frozen=True)
class NodeStep:
    """One config, in turn: who should hold what."""

    key: str
    targets: t.Tuple[NodeTarget, ...]
    action: str


@dataclasses.dataclass(frozen=True)
class NodeCall:
    """One request. ``node`` None: all of them, by SQL. ``path`` is set where it goes over HTTP."""

    node: t.Optional[Node]
    key: str
    value: str
    sql: str
    path: str
    changes: t.Tuple[Change, ...] = ()

    @property
    def request(self) -> t.Dict[str, t.Any]:
        """What results, diffs and the journal show."""
        if self.path and self.node is not None:
            return {"node": self.node.address, "http": f"POST {self.path}"}
        return {"sql": self.sql}


def resource_prefix(cluster_id: str) -> str:
    """What the names of all configs of a cluster's nodes begin with."""
    return f"starrocks:{cluster_id}/node/"


def resource(cluster_id: str, node: Node, key: str) -> str:
    """The name of one node's config in changes and in the journal."""
    return f"{resource_prefix(cluster_id)}{node.node_id}/config/{key}"


def call_for(node: t.Optional[Node], key: str, value: str, by_sql: bool) -> NodeCall:
    """The request that sets a config on one node, or on all."""
    if not by_sql:
        return NodeCall(node, key, value, "", "/api/update_config?" + urlencode({key: value}))
    one = f" AND BE_ID = {int(node.node_id)}" if node is not None else ""
    where = f"WHERE NAME = {quote_string(key)}{one}"
    update = f"UPDATE information_schema.be_configs SET VALUE = {quote_string(value)} {where}"  # noqa: S608  (quoted)
    return NodeCall(node, key, value, update, "")


def plan_node_calls(step: NodeStep, by_sql: bool) -> t.List[NodeCall]:
    """One statement where all nodes should have one value, else one request for each that has another."""
    wrong = [target for target in step.targets if not target.holds(target.now)]
    if not wrong:
        return []
    together = by_sql and len({target.wanted for target in step.targets}) == 1
    groups = [wrong] if together else [[target] for target in wrong]
    calls = []
    for group in groups:
        call = call_for(None if together else group[0].node, step.key, group[0].wanted, by_sql)
        changes = tuple(
            Change(target.resource, step.action, target.now, target.wanted, call.request) for target in group
        )
        calls.append(dataclasses.replace(call, changes=changes))
    return calls


def recorded_keys(past: t.Mapping[str, Past], asked: t.Sequence[str]) -> t.List[str]:
    """The configs that the journal has changes of, the last one changed first."""
    first: t.Dict[str, int] = {}
    for name, one in past.items():
        key = _split(name)[1]
        if not asked or key in asked:
            first[key] = min(one.order, first.get(key, one.order))
    return sorted(first, key=lambda key: -first[key])


def plan_node_restore(
    cluster_id: str, key: str, past: t.Mapping[str, Past], table: Table, members: t.Sequence[Node]
) -> t.Tuple[NodeStep, t.List[t.Dict[str, t.Any]]]:
    """One config, three-way on every node: what should be there, and what was decided.

    :param members: all nodes that the cluster has, the dead ones too
    """
    mine = {name: one for name, one in past.items() if _split(name)[1] == key}
    targets: t.List[NodeTarget] = []
    records: t.List[t.Dict[str, t.Any]] = []
    for node, rows in table.items():
        row = rows.get(key)
        name = resource(cluster_id, node, key)
        one = mine.pop(name, None) if row is not None else None
        if row is None:
            continue
        wanted = row.value
        if one is not None:
            decision = decide(one, row.value)
            wanted = one.original if decision.action == "restore" else row.value
            records.append(restore_record(name, one, row.value, decision))
        targets.append(NodeTarget(node, name, row.value, wanted, row.kind))
    ids = {node.node_id for node in members}
    for name, one in mine.items():
        record = restore_record(name, one, None, decide(one, None))
        if _split(name)[0] not in ids:
            record.update(action="gone", reason="the cluster has no such node any more")
        records.append(record)
    return NodeStep(key, tuple(targets), RESTORE), records


def _split(name: str) -> t.Tuple[str, str]:
    """(node id, key) of a resource."""
    match = _RESOURCE.fullmatch(name)
    return (match.group("node"), match.group("key")) if match else ("", "")
