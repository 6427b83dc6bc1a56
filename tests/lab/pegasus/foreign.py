# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another operator does to a cluster behind everybody's back; in no request record."""

from __future__ import annotations

import typing as t

from lab.gate import AnswerError
from lab.pegasus import model
from lab.pegasus.cluster import Cluster
from lab.pegasus.zookeeper_znodes import ZnodeMissing, ZnodeTrouble

if t.TYPE_CHECKING:
    from lab.pegasus.server import PegasusLab

STATUS = {name[3:].lower(): number for number, name in enumerate(model.DUP_STATUS)}
FAIL_MODES = {name[5:].lower(): number for number, name in enumerate(model.FAIL_MODE)}
Action = t.Callable[[Cluster, str, t.Any], t.Awaitable[t.Any]]


class Foreign:
    """Actions by name; each gets the cluster, the table's name and its value."""

    def __init__(self, lab: PegasusLab) -> None:
        self._lab = lab
        self._actions: dict[str, Action] = {
            "add_duplication": self._add_duplication,
            "config": self._config,
            "create_table": self._create_table,
            "drop_table": self._drop_table,
            "duplication": self._duplication,
            "env": self._env,
            "meta_level": self._meta_level,
            "move_primary": self._move_primary,
            "rename_table": self._rename_table,
            "switch": self._switch,
            "table_fields": self._table_fields,
            "znode": self._znode,
        }

    async def run(self, data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """All actions of one request, on "cluster" (the source unless given) and "table" (the first unless given)."""
        actions = dict(data)
        cluster = self._lab.cluster(actions.pop("cluster", "source"))
        table = actions.pop("table", self._lab.options.tables[0])
        unknown = sorted(set(actions) - set(self._actions))
        if unknown:
            raise ValueError("%s: not one of %s" % (", ".join(unknown), ", ".join(self._actions)))
        result: dict[str, t.Any] = {}
        try:
            for name, value in actions.items():
                result[name] = await self._actions[name](cluster, table, value)
        except (AnswerError, ZnodeMissing, ZnodeTrouble) as error:
            result["error"] = str(error)
        return result

    async def _env(self, cluster: Cluster, table: str, values: t.Mapping[str, str | None]) -> None:
        """{key: value}; null deletes the key."""
        envs = dict(self._lab.table(cluster, table).envs)
        for key, value in values.items():
            if value is None:
                envs.pop(key, None)
            else:
                envs[key] = value
        self._lab.table(cluster, table).envs = envs

    async def _meta_level(self, cluster: Cluster, table: str, level: str) -> None:
        cluster.meta.level = model.LEVELS[level]

    async def _duplication(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """{"status": "pause"|"log"|"removed", "fail_mode": "slow"|"skip"|"fast"} for all of the table, as a request."""
        app = self._lab.table(cluster, table)
        for duplication in list(app.duplications.values()):
            change: dict[str, t.Any] = {"app_name": app.name, "dupid": duplication.id}
            if "status" in values:
                change["status"] = STATUS[values["status"]]
            if "fail_mode" in values:
                change["fail_mode"] = FAIL_MODES[values["fail_mode"]]
            await cluster.meta.duplications.modify(change)

    async def _add_duplication(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> int:
        """{"remote", "checkpoint": bool, "ready": bool}; returns the dupid. ready: in DS_LOG at once."""
        request = {"app_name": table, "remote_cluster_name": values["remote"]}
        if values.get("ready"):
            return await cluster.meta.duplications.add_ready(request)
        request["is_duplicating_checkpoint"] = values.get("checkpoint", True)
        return int((await cluster.meta.duplications.add(request))["dupid"])

    async def _move_primary(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> str:
        """{"partition", "to": address (any living secondary if absent)}; returns the new primary."""
        partition = self._lab.table(cluster, table).partitions[int(values.get("partition", 0))]
        return cluster.move_primary(partition, values.get("to", ""))

    async def _config(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """{flag: value} on every replica server, or on "node" only."""
        values = dict(values)
        address = values.pop("node", "")
        for node in cluster.nodes.values():
            if address in ("", node.address):
                node.flags.update({name: str(value) for name, value in values.items()})

    async def _create_table(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> int:
        """{"name", "partitions", "replicas", "records", "envs"}; returns the id."""
        if cluster.app(values["name"]) is not None:
            raise ValueError("table: %r is there already" % values["name"])
        app = cluster.add_table(
            values["name"],
            int(values.get("partitions", 8)),
            int(values.get("replicas", 3)),
            int(values.get("records", 0)),
        )
        app.envs = dict(values.get("envs", {}))
        return app.id

    async def _drop_table(self, cluster: Cluster, table: str, name: str) -> None:
        await cluster.meta.tables.drop({"app_name": name, "options": {}})

    async def _rename_table(self, cluster: Cluster, table: str, values: t.Mapping[str, str]) -> None:
        await cluster.meta.tables.rename({"old_app_name": values["old"], "new_app_name": values["new"]})

    async def _znode(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """{"cluster": "source"|"target"} or {"data": text, null removes it}: the table's entry for MetaProxy."""
        if "cluster" in values:
            await self._lab.edge.point(table, values["cluster"])
        else:
            await self._lab.edge.write(table, values["data"])

    async def _switch(self, cluster: Cluster, table: str, to: str) -> None:
        """Without MetaProxy: the clients of the table go to "source" or "target" from now on."""
        options = self._lab.options
        share = max(1, options.clients // len(options.tables)) if options.clients else 0
        self._lab.edge.switch(table, self._lab.cluster(to).key, share, options.rate / len(options.tables))

    async def _table_fields(self, cluster: Cluster, table: str, values: t.Mapping[str, t.Any]) -> None:
        """Set fields of a table."""
        known = (
            "bulk_loading",
            "splitting",
            "atomic_idempotent",
            "data_version",
            "copy_seconds",
            "replicas",
            "atomic_rates",
            "sst_mb",
        )
        app = self._lab.table(cluster, table)
        for name, value in values.items():
            if name not in known:
                raise ValueError("%s: not one of %s" % (name, ", ".join(known)))
            setattr(app, name, value)
