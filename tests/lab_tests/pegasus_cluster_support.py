# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blocking RPC client and short forms of what the Pegasus tests do with a lab."""

from __future__ import annotations

import json
import socket
import struct
import time
import typing as t
from contextlib import closing

from lab.client import LabClient
from lab.pegasus import structs
from lab.pegasus.frames import Header, encode_request
from lab.pegasus.thrift import Reader
from lab_tests.support import http

DENY = "replica.deny_client_request"
PREPARE, APP, LOG, PAUSE, REMOVED = 1, 2, 3, 4, 5


class Silence(Exception):
    """No answer came."""


def rpc(address: str, name: str, argument: t.Any = None, header: Header | None = None, timeout: float = 5.0) -> t.Any:
    """The result of one call, or the error name of the response's header; Silence when none comes."""
    host, port = address.rsplit(":", 1)
    kind = structs.RPCS.get(name, ("cluster_info_request", ""))[0]
    with closing(socket.create_connection((host, int(port)), timeout)) as connection:
        encoded = structs.encode(kind, {} if argument is None else argument)
        connection.sendall(encode_request(name, 7, encoded, header or Header()))
        try:
            data = _receive(connection, struct.unpack(">I", _receive(connection, 4))[0] - 4)
        except (TimeoutError, ConnectionError) as error:
            raise Silence(name) from error
    reader = Reader(data)
    error_name = reader.string()
    assert reader.i32() & 0xFFFF0000 == 0x80010000
    assert reader.string() == name + "_ACK"
    assert reader.i32() == 7
    if error_name != "ERR_OK":
        return error_name
    assert reader.field()[1] == 0
    return structs.codec(structs.RPCS[name][1])[2](reader)


def _receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


class Side:
    """One cluster of a lab, as an operator sees it."""

    def __init__(self, lab: LabClient, key: str = "source") -> None:
        self.lab = lab
        self.key = key
        self.describe = lab.describe["clusters"][key]
        self.metas: list[str] = self.describe["metas"]
        self.nodes: list[str] = self.describe["replicas"]

    def meta(self, name: str, **argument: t.Any) -> t.Any:
        """A request to the first meta server."""
        return rpc(self.metas[0], "RPC_CM_" + name, argument)

    def env(self, table: str = "temp", **options: t.Any) -> t.Any:
        """An env update: op=, keys=, values=, clear_prefix=."""
        return self.meta("UPDATE_APP_ENV", app_name=table, **options)

    def deny(self, value: str, table: str = "temp") -> t.Any:
        """Set the deny env."""
        return self.env(table, op=1, keys=[DENY], values=[value])

    def partitions(self, table: str = "temp") -> list[dict[str, t.Any]]:
        """The table's configuration."""
        found = self.meta("QUERY_PARTITION_CONFIG_BY_INDEX", app_name=table, partition_indices=[])
        return t.cast("list[dict[str, t.Any]]", found["partitions"])

    def app_id(self, table: str = "temp") -> int:
        """The table's id."""
        return int(self.meta("QUERY_PARTITION_CONFIG_BY_INDEX", app_name=table, partition_indices=[])["app_id"])

    def put(self, key: bytes, value: bytes = b"v", index: int = 0, table: str = "temp", timeout: float = 5.0) -> t.Any:
        """Write to a partition at its primary."""
        argument = {"key": key, "value": value, "expire_ts_seconds": 0}
        return self._data("PUT", argument, index, table, timeout)

    def get(self, key: bytes, index: int = 0, table: str = "temp") -> t.Any:
        """Read from a partition at its primary."""
        return self._data("GET", key, index, table)

    def incr(self, key: bytes, index: int = 0, table: str = "temp", timeout: float = 5.0) -> t.Any:
        """Increment by one at a partition's primary."""
        return self._data("INCR", {"key": key, "increment": 1, "expire_ts_seconds": 0}, index, table, timeout)

    def _data(self, name: str, argument: t.Any, index: int, table: str, timeout: float = 5.0) -> t.Any:
        header = Header(app_id=self.app_id(table), partition_index=index)
        primary = self.partitions(table)[index]["primary"]
        return rpc(primary, "RPC_RRDB_RRDB_" + name, argument, header, timeout)

    def duplicate(self, remote: Side, table: str = "temp", **options: t.Any) -> t.Any:
        """Add a duplication."""
        return self.meta("ADD_DUPLICATION", app_name=table, remote_cluster_name=remote.describe["name"], **options)

    def entries(self, table: str = "temp") -> list[dict[str, t.Any]]:
        """The table's duplications."""
        found = self.meta("QUERY_DUPLICATION", app_name=table)
        return t.cast("list[dict[str, t.Any]]", found["entry_list"])

    def wait_status(self, status: int, table: str = "temp", seconds: float = 20.0) -> None:
        """Until the table's first duplication has that status; and, for DS_LOG, until every primary ships."""
        end = time.monotonic() + seconds
        while self.entries(table)[0]["status"] != status:
            assert time.monotonic() < end, self.entries(table)
            time.sleep(0.02)
        if status != LOG:
            return
        self.lab.wait_for(lambda state: all(p["shipping"] for p in self._shipping(state, table)), seconds)

    def _shipping(self, state: t.Mapping[str, t.Any], table: str) -> list[dict[str, bool]]:
        partitions = self.app(state, table)["partitions"].values()
        return [{"shipping": any(d["status"] == "DS_LOG" for d in p["duplicators"].values())} for p in partitions]

    def app(self, state: t.Mapping[str, t.Any] | None = None, table: str = "temp") -> dict[str, t.Any]:
        """The table in the lab's state."""
        found = self.lab.state() if state is None else state
        return t.cast("dict[str, t.Any]", found["clusters"][self.key]["apps"][table])

    def progress(self, table: str = "temp") -> dict[int, dict[str, t.Any]]:
        """Partition index -> progress, from /replica/duplication of every node."""
        found: dict[int, dict[str, t.Any]] = {}
        for node in self.nodes:
            status, body = http("http://%s/replica/duplication?appid=%d" % (node, self.app_id(table)))
            if status == 200:
                for partitions in json.loads(body).values():
                    for gpid, state in partitions.items():
                        found[int(gpid.split(".")[1])] = dict(state, node=node)
        return found

    def page(self, path: str, node: str = "") -> tuple[int, t.Any]:
        """(status, JSON or text) of a page of a replica server, the first one unless another is given."""
        status, body = http("http://%s%s" % (node or self.nodes[0], path))
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body

    def sync_quickly(self) -> None:
        """Config sync each second from now on, on every server (the lab's own door, any version)."""
        self.lab.foreign(cluster=self.key, config={"config_sync_interval_ms": 1000})
