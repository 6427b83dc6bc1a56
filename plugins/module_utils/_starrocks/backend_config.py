# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Configs of backends and compute nodes brought to wanted values, or to what they were before us, proved on each."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_others import nodes_in_place
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_plan import (
    NodeStep,
    NodeTarget,
    plan_node_calls,
    plan_node_restore,
    recorded_keys,
    resource,
    resource_prefix,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import (
    NodeRow,
    Table,
    read_nodes,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_send import (
    NodeSender,
    NodesSent,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.channel import Connect, connect_mysql
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_check import Checker
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_in_place import WARNING
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import node_key_since
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import (
    ConfigOptions,
    read_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import (
    SET,
    Past,
    left_limited,
    limited_keys,
    recorded,
    same_value,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_unreached import dead_nodes, left_out
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection

Records = t.List[t.Dict[str, t.Any]]


class BackendConfigTask:
    """One call of the module. Holds what it did, so that a failure in the middle can still tell it."""

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        check_mode: bool,
        redactor: Redactor,
        clock: Clock,
        connect: Connect = connect_mysql,
        given: t.Optional[t.Tuple[ConfigOptions, Connection, ConfigJournal]] = None,
    ) -> None:
        """``given``: what is used in the place of ``params``."""
        self._given = given
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._connect = connect
        self._sent = NodesSent()
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        options, connection, store = self._given or self._read()
        past = recorded(store.entries, "starrocks:")
        if options.restoring and not any(name.partition("/")[2].startswith("node/") for name in past):
            # Nobody is asked: a cluster out of reach must not fail a run that left it alone.
            self.result.update(settings=[], restore=[], changes=[], calls=[], diff={"before": {}, "after": {}})
            return self.result
        try:
            with Cluster(connection, self._redactor, self._clock, connect=self._connect) as cluster:
                self._work(cluster, options, store)
        finally:
            self._tell_sent()
            store.close()
        return self.result

    def _read(self) -> t.Tuple[ConfigOptions, Connection, ConfigJournal]:
        options = read_options(self._params, "dead_nodes")
        connection = Connection.from_params(self._params)
        return (
            options,
            connection,
            ConfigJournal(self._params, self._redactor, self._clock, restoring=options.restoring),
        )

    def _work(self, cluster: Cluster, options: ConfigOptions, store: ConfigJournal) -> None:
        nodes = cluster.nodes(refresh=True)
        living = [node for node in nodes if node.alive]
        dead = [node for node in nodes if not node.alive]
        self.result.update(
            cluster_id=cluster.cluster_id,
            version=str(cluster.version),
            dead_nodes=[node.address for node in dead],
            verified=False,
        )
        if dead and options.unreached == "fail" and not options.restoring:
            raise dead_nodes(dead, "nothing was changed")
        past = recorded(store.entries, resource_prefix(cluster.cluster_id))
        records: t.List[Records] = []
        if options.restoring:
            keys = recorded_keys(past, [setting.key for setting in options.settings])
            table = read_nodes(cluster, living, keys)
            plans = [plan_node_restore(cluster.cluster_id, key, past, table, nodes) for key in keys]
            steps, records = [step for step, _found in plans], [found for _step, found in plans]
            self.result["restore"] = [record for found in records for record in found]
        else:
            table = read_nodes(cluster, living, [setting.key for setting in options.settings])
            steps = self._wanted_steps(cluster, options, table)
            self.result["drift"] = _drift(steps, past)
            limited = frozenset() if options.live else limited_keys(past)
            warnings = left_limited(step.key for step in steps if step.key in limited)
            steps = [step for step in steps if step.key not in limited]
            warnings += self._tell_in_place(steps, past, table, store) if store.given else []
            if dead:
                warnings.append(left_out(dead, [setting.key for setting in options.settings]))
            if warnings:
                self.result["warnings"] = warnings
        self._carry_out(cluster, steps, store, past, records)
        unknown = any(record["action"] == "unknown" for found in records for record in found)
        if dead and options.unreached == "fail" and unknown:
            raise dead_nodes(dead, "the others have their former values back")

    def _tell_in_place(
        self, steps: t.Sequence[NodeStep], past: t.Mapping[str, Past], table: Table, store: ConfigJournal
    ) -> t.List[str]:
        """What somebody else has set, in the result, and once in the journal; the warnings."""
        found = nodes_in_place(steps, past, table)
        self.result["in_place"] = [one.as_result() for one in found]
        for one in () if self._check_mode else found:
            store.note_once(one.as_note())
        return [one.text for one in found if one.severity == WARNING]

    def _wanted_steps(self, cluster: Cluster, options: ConfigOptions, table: Table) -> t.List[NodeStep]:
        checker: Checker[NodeRow] = Checker(
            node_key_since,
            {node.address: node.version for node in table},
            "be.conf or cn.conf of every node",
        )
        steps = []
        skipped = []
        for setting in options.settings:
            rows = {node: rows[setting.key] for node, rows in table.items()}
            texts = checker.wanted(setting, {node.address: row for node, row in rows.items()})
            if texts is None:
                skipped.append(setting.key)
                continue
            targets = [
                NodeTarget(
                    node,
                    resource(cluster.cluster_id, node, row.key),
                    row.value,
                    texts[node.address],
                    row.kind,
                )
                for node, row in rows.items()
                if row is not None
            ]
            steps.append(NodeStep(setting.key, tuple(targets), options.live or SET))
        checker.raise_problems()
        self.result["skipped"] = skipped
        return steps

    def _carry_out(
        self,
        cluster: Cluster,
        steps: t.Sequence[NodeStep],
        store: ConfigJournal,
        past: t.Mapping[str, Past],
        records: t.Sequence[Records],
    ) -> None:
        by_sql = cluster.profile.update_be_configs
        plans = [(step, plan_node_calls(step, by_sql)) for step in steps]
        self._tell_settings(steps)
        if self._check_mode:
            calls = [call for _step, planned in plans for call in planned]
            self._sent.done = [change for call in calls for change in call.changes]
            self._sent.calls = [call.request for call in calls]
            return
        now = {target.resource: target.now for step in steps for target in step.targets}
        store.settle({name: one for name, one in past.items() if name in now}, now, same_value)
        for step, planned in plans:
            for call in planned:
                NodeSender(cluster, store.open(), self._sent, by_sql).send(call, step)
        for found in records:
            store.conclude([record for record in found if record["action"] != "unknown"])
        if self._sent.calls:
            self._prove(cluster, steps)
        self.result["verified"] = True

    def _prove(self, cluster: Cluster, steps: t.Sequence[NodeStep]) -> None:
        """All configs of all living nodes once more, at the end."""
        living = list({target.node.node_id: target.node for step in steps for target in step.targets}.values())
        table = read_nodes(cluster, living, [step.key for step in steps])
        wrong = []
        for shown, step in zip(self.result["settings"], steps):
            for item, target in zip(shown["nodes"], step.targets):
                row = table[target.node][step.key]
                item["value"] = None if row is None else row.value
                if not target.holds(item["value"]):
                    wrong.append(f"{step.key} on {target.node.address}")
        if wrong:
            raise MigrationError(
                "starrocks.setting_not_kept",
                f"{', '.join(wrong)} had the wanted value and has lost it again: the node was restarted, or somebody "
                "else sets it. Run again.",
                details={"lost": wrong},
            )

    def _tell_settings(self, steps: t.Sequence[NodeStep]) -> None:
        self.result["settings"] = [
            {
                "key": step.key,
                "type": (step.targets[0].kind or None) if step.targets else None,
                "nodes": [
                    {
                        "node": target.node.address,
                        "node_id": target.node.node_id,
                        "former": target.now,
                        "value": target.wanted if self._check_mode else target.now,
                        "wanted": target.wanted,
                    }
                    for target in step.targets
                ],
            }
            for step in steps
        ]

    def _tell_sent(self) -> None:
        """What was sent and read back so far (in check mode, what would be)."""
        changes = ChangeList(self._sent.done)
        self.result.update(
            changes=changes.as_result(),
            calls=list(self._sent.calls),
            diff=changes.diff(),
            changed=changes.changed,
        )


def _drift(steps: t.Sequence[NodeStep], past: t.Mapping[str, Past]) -> t.List[t.Dict[str, t.Any]]:
    """Where a value that we set is not there any more: a restart, or somebody's hand."""
    found = []
    for step in steps:
        for target in step.targets:
            one = past.get(target.resource)
            if one is None or one.pending or canonical(target.now, target.kind) == canonical(one.ours, target.kind):
                continue
            found.append({"node": target.node.address, "key": step.key, "expected": one.ours, "found": target.now})
    return found
