# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One replica server's port: data RPCs at once, all else through the gate, and HTTP."""

from __future__ import annotations

import struct
import typing as t

from lab.gate import Gate, Incoming, InjectedError
from lab.http_server import HttpRequest, HttpResponse
from lab.pegasus import calls, commands, flags, replica_pages, server_pages, structs, texts, thrift
from lab.pegasus.counters import Counters
from lab.pegasus.door import Call
from lab.pegasus.errors import HeaderError, NoAnswer, Refused
from lab.pegasus.node import ReplicaServer
from lab.pegasus.replica_data import ReplicaData

INFO, DECREE, COMMAND = "RPC_QUERY_REPLICA_INFO", "RPC_QUERY_PN_DECREE", "RPC_CLI_CLI_CALL"
PRIMARY, SECONDARY = 3, 4
_COUNT = struct.Struct(">i")
_INFO_HEAD = b"\x0c\0\x01\0\0\0\x06ERR_OK\x0f\0\x02\x0c"
"""Field 1 err, and the beginning of field 2, a list of structs."""
_REPLICA = struct.Struct(">3sq3sq3si3sq3sq")
"""Fields 1 to 5 of replica_info."""
_LAST_FIELDS = {"last_durable_decree": 0, "app_type": "pegasus", "disk_tag": "disk1", "manual_compact_status": 0}
_REPLICA_TAIL = structs.encode("replica_info", _LAST_FIELDS)


class ReplicaPort:
    """Requests to one replica server."""

    def __init__(self, node: ReplicaServer, gate: Gate) -> None:
        self._node = node
        self._gate = gate
        self._data = ReplicaData(node)
        self.counters = Counters(node)
        self._pages = replica_pages.ReplicaPages(node, self.counters)

    def call(self, call: Call) -> None:
        """One RPC. The lab's clients are answered at once and not recorded."""
        if self._data.handles(call.rpc) and (call.insider or not call.rpc.endswith(("_INCR", "_DUPLICATE"))):
            self._answer_data(call)
            return
        self._node.cluster.spawn(self._answer(call))

    def _answer_data(self, call: Call) -> None:
        try:
            result = self._data.run(call)
        except NoAnswer:
            return
        except HeaderError as error:
            call.fail(error.error)
            return
        if not call.insider and call.rpc.endswith(("_PUT", "_REMOVE")):
            # Too many for the record, but a test must be able to tell which tables somebody has written to.
            self._node.cluster.apps[call.header.app_id].outside_writes += 1
        call.reply(result)

    async def _answer(self, call: Call) -> None:
        rpc = call.rpc
        known = rpc in structs.RPCS and (rpc in (INFO, DECREE, COMMAND) or self._data.handles(rpc))
        argument = call.argument if known else {}

        async def apply() -> t.Any:
            calls.check_access(self._node.cluster.settings.access)
            if not known:
                raise HeaderError("ERR_HANDLER_NOT_FOUND")
            if rpc == INFO:
                return self._info()
            if rpc == DECREE:
                return self._decree(argument["pid"])
            if rpc == COMMAND:
                return commands.run(self._node, self.counters, argument["cmd"], argument.get("arguments", []))
            return self._data.run(call)

        if call.insider:
            await calls.answer_unrecorded(call, apply)
            return
        text, mutating = texts.describe(rpc, argument), False
        if self._data.handles(rpc):
            text = "%s %d.%d" % (rpc, call.header.app_id, call.header.partition_index)
            mutating = self._data.would_apply_incr(call) if rpc.endswith("_INCR") else True
        await calls.answer(self._gate, "replica-rpc", call, text, mutating, apply)

    def _info(self) -> bytes:
        """query_replica_info_response, encoded by hand: a server may hold many thousand replicas."""
        out = bytearray(_INFO_HEAD)
        hosted = list(self._node.hosted())
        out += _COUNT.pack(len(hosted))
        for partition, primary in hosted:
            committed = partition.decree if primary else max(0, partition.decree - 1)
            gpid = partition.app.id + (partition.index << 32)
            status = PRIMARY if primary else SECONDARY
            fields = (gpid, b"\x0a\0\x02", partition.ballot, b"\x08\0\x03", status, b"\x0a\0\x04", committed)
            out += _REPLICA.pack(b"\x0c\0\x01", *fields, b"\x0a\0\x05", partition.decree)
            out += _REPLICA_TAIL
        out.append(thrift.STOP)
        return bytes(out)

    def _decree(self, gpid: tuple[int, int]) -> dict[str, t.Any]:
        try:
            partition = self._node.replica(gpid)
        except HeaderError as error:
            raise Refused(error.error) from None
        if partition.primary != self._node.address:
            return {"err": "ERR_OK", "last_decree": max(0, partition.decree - 1)}
        return {"err": "ERR_OK", "last_decree": partition.decree}

    # ---- HTTP

    async def http(self, request: HttpRequest) -> HttpResponse:
        """One HTTP request."""

        async def apply() -> HttpResponse:
            return self._page(request)

        mutating = request.path == "/updateConfig"
        incoming = Incoming("replica-http", "%s %s" % (request.method, request.target), mutating, request.gone)
        try:
            return await self._gate.run(incoming, apply)
        except InjectedError as injected:
            return HttpResponse(injected.status, str(injected))

    def _page(self, request: HttpRequest) -> HttpResponse:
        node, profile = self._node, self._node.cluster.profile
        common = server_pages.common(profile, node.started, request.path)
        if common is not None:
            return common
        if request.path == "/config":
            shown = flags.shown(
                profile, request.query.get("name", ""), node.flags.get(request.query.get("name", ""), "")
            )
            text = "ERR_OBJECT_NOT_FOUND: %s is not found" % request.query.get("name", "")
            return HttpResponse(200, shown if shown is not None else text)
        if request.path == "/configs":
            all_flags = {name: flags.shown(profile, name, value) for name, value in node.flags.items()}
            return HttpResponse(200, {name: shown for name, shown in all_flags.items() if shown is not None})
        if request.path == "/updateConfig":
            if len(request.query) != 1:
                return HttpResponse(400, "")
            name, value = next(iter(request.query.items()))
            return HttpResponse(200, {"update_status": flags.change(profile, node.flags, name, value)})
        return self._pages.answer(request)
