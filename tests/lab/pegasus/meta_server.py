# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One meta server's port: RPCs through the gate, and HTTP."""

from __future__ import annotations

import typing as t

from lab.gate import Gate, Incoming, InjectedError
from lab.http_server import HttpRequest, HttpResponse
from lab.pegasus import calls, model, server_pages, structs, texts
from lab.pegasus.cluster import Cluster
from lab.pegasus.door import Call
from lab.pegasus.errors import HeaderError
from lab.pegasus.model import App, Partition


class MetaServer:
    """The meta server of one number; all share the cluster's state."""

    def __init__(self, cluster: Cluster, gate: Gate, number: int) -> None:
        self._cluster = cluster
        self._meta = cluster.meta
        self._gate = gate
        self._number = number

    def call(self, call: Call) -> None:
        """One RPC."""
        self._cluster.spawn(self._answer(call))

    async def _answer(self, call: Call) -> None:
        rpc = call.rpc
        known = rpc in structs.RPCS and (rpc == "RPC_CLI_CLI_CALL" or self._meta.handles(rpc))
        argument = call.argument if known else {}

        async def apply() -> t.Any:
            calls.check_access(self._cluster.settings.access)
            if not known:
                raise HeaderError("ERR_HANDLER_NOT_FOUND")
            if rpc == "RPC_CLI_CLI_CALL":
                return self._command(argument["cmd"])
            return await self._meta.answer(rpc, argument, self._number)

        if call.insider:
            await calls.answer_unrecorded(call, apply)
            return
        text = texts.describe(rpc, argument)
        mutating = texts.mutating(rpc, argument)
        if (
            rpc == "RPC_CM_ADD_DUPLICATION"
        ):  # for a table that is not there it only asks whether the clusters know each other
            mutating = self._cluster.app(argument["app_name"]) is not None
        await calls.answer(self._gate, "meta-rpc", call, text, mutating, apply)

    def _command(self, command: str) -> str:
        profile = self._cluster.profile
        if command == "server-info":
            return server_pages.server_info(profile, self._meta.started)
        if command == "help":
            return "help|Help|h|H [command] - display help info\nserver-info - query server information"
        return profile.unknown_command(command)

    # ---- HTTP

    async def http(self, request: HttpRequest) -> HttpResponse:
        """One HTTP request."""

        async def apply() -> HttpResponse:
            return self._page(request)

        incoming = Incoming("meta-http", "%s %s" % (request.method, request.target), False, request.gone)
        try:
            return await self._gate.run(incoming, apply)
        except InjectedError as injected:
            return HttpResponse(injected.status, str(injected))

    def _page(self, request: HttpRequest) -> HttpResponse:
        common = server_pages.common(self._cluster.profile, self._meta.started, request.path)
        if common is not None:
            return common
        page = {
            "/meta/app": self._app,
            "/meta/apps": self._apps,
            "/meta/nodes": self._nodes,
            "/meta/cluster": lambda query: HttpResponse(200, self._meta.cluster_values()),
            "/meta/app_envs": self._envs,
            "/meta/app/duplication": self._duplication,
        }.get(request.path.rstrip("/"))
        if page is None:
            return HttpResponse(404, "not found")
        if self._number != self._meta.leader:
            leader = self._meta.leader_address
            if not leader:
                return HttpResponse(503, "No primary meta server")
            host = self._cluster.host_port(leader) if self._cluster.profile.newest else leader
            return HttpResponse(307, "", {"location": "http://%s%s" % (host, request.target)})
        if self._meta.state != "active":
            return HttpResponse(503, "Not ready")
        return page(request.query)

    def _find(self, query: t.Mapping[str, str]) -> App | None:
        app = self._cluster.app(query.get("name", ""))
        return app if app is not None and app.status == model.AVAILABLE else None

    def _app(self, query: t.Mapping[str, str]) -> HttpResponse:
        if "name" not in query:
            return HttpResponse(400, "lack_of_param: name")
        app = self._find(query)
        if app is None:
            return HttpResponse(404, 'table not found: "%s"' % query["name"])
        general = {
            "app_name": app.name,
            "app_id": str(app.id),
            "partition_count": str(app.partition_count),
            "max_replica_count": str(app.replicas),
        }
        if "detail" not in query:
            return HttpResponse(200, {"general": general})
        return HttpResponse(200, {"general": general, **_detail(app)})

    def _apps(self, query: t.Mapping[str, str]) -> HttpResponse:
        general = {}
        for app in self._cluster.apps.values():
            general[str(app.id)] = {
                "app_id": str(app.id),
                "status": model.APP_STATUS[app.status],
                "app_name": app.name,
                "app_type": "pegasus",
                "partition_count": str(app.partition_count),
                "replica_count": str(app.replicas),
                "is_stateful": "true",
                "create_time": server_pages.time_text(app.created),
                "drop_time": server_pages.time_text(app.dropped) if app.dropped else "-",
                "drop_expire": server_pages.time_text(app.expires) if app.expires else "-",
                "envs_count": str(len(app.envs)),
            }
        found: dict[str, t.Any] = {"general_info": general}
        if "detail" in query:
            shown = [a for a in self._cluster.apps.values() if a.status == model.AVAILABLE]
            found["healthy_info"] = {str(a.id): {"app_id": str(a.id), **_health(a)} for a in shown}
            found["summary"] = {"total_app_count": str(len(shown))}
        return HttpResponse(200, found)

    def _nodes(self, query: t.Mapping[str, str]) -> HttpResponse:
        details, living = {}, 0
        for node in self._cluster.nodes.values():
            alive = self._meta.node_alive(node)
            living += alive
            row = {"address": node.address, "status": "ALIVE" if alive else "UNALIVE"}
            if "detail" in query:
                roles = [primary for _partition, primary in node.hosted()]
                row["replica_count"] = str(len(roles))
                row["primary_count"] = str(sum(roles))
                row["secondary_count"] = str(len(roles) - sum(roles))
            details[node.address] = row
        total = len(details)
        counts = {"total": total, "alive": living, "unalive": total - living}
        summary = {"%s_node_count" % name: str(count) for name, count in counts.items()}
        return HttpResponse(200, {"details": details, "summary": summary})

    def _envs(self, query: t.Mapping[str, str]) -> HttpResponse:
        app = self._find(query)
        return HttpResponse(200, dict(app.envs) if app is not None else {})

    def _duplication(self, query: t.Mapping[str, str]) -> HttpResponse:
        if not self._cluster.settings.duplication_enabled:
            return HttpResponse(404, self._cluster.profile.duplication_disabled())
        app = self._find(query)
        if app is None:
            return HttpResponse(404, "ERR_APP_NOT_EXIST")
        if not app.duplications:
            return HttpResponse(200, "null")
        found: dict[str, t.Any] = {"appid": app.id}
        for number, duplication in enumerate(app.duplications.values(), 1):
            entry = self._meta.duplications.entry(duplication)
            row = {
                "create_ts": server_pages.time_text(int(duplication.created)),
                "dupid": duplication.id,
                "fail_mode": model.FAIL_MODE[duplication.fail_mode],
                "remote": duplication.remote,
                "status": model.DUP_STATUS[duplication.status],
            }
            if self._cluster.profile.newest:
                row["remote_app_name"] = entry["remote_app_name"]
                row["remote_replica_count"] = entry["remote_replica_count"]
                row["partition_states"] = {str(i): state for i, state in entry["partition_states"].items()}
            found[str(number)] = row
        return HttpResponse(200, found)


def _detail(app: App) -> dict[str, t.Any]:
    nodes: dict[str, list[int]] = {}
    rows = {}
    for p in app.partitions:
        rows[str(p.index)] = {
            "pidx": str(p.index),
            "ballot": str(p.ballot),
            "replica_count": "%d/%d" % (len(p.members()), app.replicas),
            "primary": p.primary or "-",
            "secondaries": "[%s]" % ",".join(p.secondaries),
        }
        for address in p.members():
            count = nodes.setdefault(address, [0, 0])
            count[0 if address == p.primary else 1] += 1
    total = [sum(c[0] for c in nodes.values()), sum(c[1] for c in nodes.values())]
    table = {a: _node_row(a, c) for a, c in sorted(nodes.items())}
    table["total"] = _node_row("", total)
    return {"replicas": rows, "nodes": table, "healthy": _health(app)}


def _node_row(address: str, counts: t.Sequence[int]) -> dict[str, str]:
    numbers = {"primary": counts[0], "secondary": counts[1], "total": sum(counts)}
    return {"node": address, **{name: str(number) for name, number in numbers.items()}}


def _health(app: App) -> dict[str, str]:
    def healthy(p: Partition) -> bool:
        return bool(p.primary) and len(p.members()) >= app.replicas

    full = sum(1 for p in app.partitions if healthy(p))
    unreadable = sum(1 for p in app.partitions if not p.primary)
    unwritable = sum(1 for p in app.partitions if not p.primary or len(p.members()) < min(2, app.replicas))
    return {
        "fully_healthy_partition_count": str(full),
        "unhealthy_partition_count": str(app.partition_count - full),
        "write_unhealthy_partition_count": str(unwritable),
        "read_unhealthy_partition_count": str(unreadable),
    }
