# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A datanode's HTTP: /config as TOML without secrets, /status, /health, /metrics (facts 6)."""

from __future__ import annotations

import json

from lab.gate import ConnectionDropped, Gate, Incoming, InjectedError
from lab.greptimedb.datanode import Datanode
from lab.http_server import HttpRequest, HttpResponse


def config_toml(node: Datanode) -> str:
    """The effective configuration as the node prints it: secrets are skipped."""
    config = node.config
    lines = ["node_id = %d" % node.id, "require_lease_before_startup = true", "", "[wal]"]
    lines.append("provider = %s" % json.dumps(config.wal_provider))
    if config.wal_provider == "kafka":
        lines.append("broker_endpoints = %s" % json.dumps(list(config.wal_brokers)))
        lines += ["overwrite_entry_start_id = false", 'max_batch_bytes = "1MiB"']
    elif config.wal_provider == "raft_engine":
        lines += ["dir = %s" % json.dumps(config.data_home + "/wal"), 'file_size = "128MiB"']
    lines += ["", "[storage]", "data_home = %s" % json.dumps(config.data_home)]
    lines.append("type = %s" % json.dumps(config.storage_type))
    if config.storage_type.lower() != "file":
        for name in ("bucket", "root", "endpoint"):
            lines.append("%s = %s" % (name, json.dumps(getattr(config, name))))
        lines += ['region = "lab-1"', "", "[storage.http_client]", "pool_max_idle_per_host = 1024"]
    lines += ["", "[[region_engine]]", "", "[region_engine.mito]", "worker_channel_size = 128", ""]
    lines += ["[http]", 'addr = "0.0.0.0:4000"', 'timeout = "0s"', ""]
    return "\n".join(lines)


class DatanodeHttp:
    """Handler of one datanode; a dead node gives no answer."""

    def __init__(self, node: Datanode, gate: Gate) -> None:
        self._node = node
        self._gate = gate

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One request."""
        if not self._node.alive:
            raise ConnectionDropped()
        text = "datanode %d: %s %s" % (self._node.id, request.method, request.target)
        incoming = Incoming("datanode-http", text, False, request.gone)

        async def apply() -> HttpResponse:
            return self._answer(request.path)

        try:
            return await self._gate.run(incoming, apply)
        except InjectedError as injected:
            return HttpResponse(injected.status, str(injected))

    def _answer(self, path: str) -> HttpResponse:
        version = self._node.cluster.profile.version
        if path == "/config" and version >= "0.7.0":
            return HttpResponse(200, config_toml(self._node))
        if path == "/status":
            return HttpResponse(200, {"version": str(version), "source_time": ""})
        if path == "/health":
            return HttpResponse(200, {})
        return HttpResponse(200, "") if path == "/metrics" else HttpResponse(404, "")
