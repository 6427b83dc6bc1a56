# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data RPCs of a replica server: synchronous, for the lab's clients send thousands of them."""

from __future__ import annotations

import struct
import typing as t

from lab.pegasus import storage, structs
from lab.pegasus.door import Call
from lab.pegasus.errors import HeaderError, NoAnswer
from lab.pegasus.model import Operation

if t.TYPE_CHECKING:
    from lab.pegasus.node import ReplicaServer

OK, NOT_FOUND, INVALID_ARGUMENT = 0, 1, 4
"""RocksDB's status codes, which stand in field ``error`` of the data responses."""
_LENGTH = struct.Struct(">H")


class ReplicaData:
    """Answers the data RPCs of one server; raises HeaderError or NoAnswer."""

    def __init__(self, node: ReplicaServer) -> None:
        self._node = node
        self._handlers: dict[str, t.Callable[[Call], t.Any]] = {
            "RPC_RRDB_RRDB_PUT": self._put,
            "RPC_RRDB_RRDB_REMOVE": self._remove,
            "RPC_RRDB_RRDB_MULTI_PUT": self._multi_put,
            "RPC_RRDB_RRDB_INCR": self._incr,
            "RPC_RRDB_RRDB_GET": self._get,
            "RPC_RRDB_RRDB_MULTI_GET": self._multi_get,
            "RPC_RRDB_RRDB_SORTKEY_COUNT": self._sortkey_count,
            "RPC_RRDB_RRDB_GET_SCANNER": self._get_scanner,
            "RPC_RRDB_RRDB_SCAN": self._scan,
            "RPC_RRDB_RRDB_DUPLICATE": self._duplicate,
        }
        self._scans: dict[int, list[tuple[bytes, bytes]]] = {}
        self._next_scan = 1

    def handles(self, rpc: str) -> bool:
        """True for a data RPC."""
        return rpc in self._handlers

    def run(self, call: Call) -> t.Any:
        """The result of one call."""
        return self._handlers[call.rpc](call)

    def _apply(self, call: Call, operations: tuple[Operation, ...], idempotent: bool = True) -> dict[str, t.Any]:
        header = call.header
        gpid = header.app_id, header.partition_index
        partition = self._node.accept_write(gpid, len(call.body), idempotent)
        decree = self._node.cluster.write(partition, operations)
        return {
            "error": OK,
            "app_id": gpid[0],
            "partition_index": gpid[1],
            "decree": decree,
            "server": self._node.address,
        }

    def _put(self, call: Call) -> t.Any:
        request = call.argument
        return self._apply(call, ((request["key"], request["value"]),))

    def _remove(self, call: Call) -> t.Any:
        return self._apply(call, ((call.argument, None),))

    def _multi_put(self, call: Call) -> t.Any:
        request = call.argument
        head = _LENGTH.pack(len(request["hash_key"])) + request["hash_key"]
        return self._apply(call, tuple((head + kv["key"], kv["value"]) for kv in request["kvs"]))

    def _incr(self, call: Call) -> t.Any:
        """Read, add, write: refused while the replica knows that it duplicates."""
        header, request = call.header, call.argument
        partition = self._node.accept_write((header.app_id, header.partition_index), len(call.body), False)
        held = partition.store.get(request["key"])
        try:
            value = int(held[0]) if held is not None and held[0] else 0
        except ValueError:
            found = {"error": INVALID_ARGUMENT, "new_value": 0, "decree": 0, "server": self._node.address}
            return dict(found, app_id=header.app_id, partition_index=header.partition_index)
        value += request["increment"]
        result = self._apply(call, ((request["key"], b"%d" % value),), idempotent=False)
        partition.increments += 1
        return dict(result, new_value=value)

    def would_apply_incr(self, call: Call) -> bool:
        """True when an INCR would be applied now; counts nothing."""
        header = call.header
        partition = self._node.cluster.partition(header.app_id, header.partition_index)
        counted = partition.rejected_non_idempotent if partition is not None else 0
        try:
            self._node.accept_write((header.app_id, header.partition_index), len(call.body), False)
        except (HeaderError, NoAnswer):
            if partition is not None:
                partition.rejected_non_idempotent = counted
            return False
        return True

    def _read(self, call: Call) -> t.Any:
        return self._node.accept_read((call.header.app_id, call.header.partition_index))

    def _read_result(self, call: Call, **fields: t.Any) -> dict[str, t.Any]:
        header = call.header
        place = {"app_id": header.app_id, "partition_index": header.partition_index, "server": self._node.address}
        return dict(fields, **place)

    def _get(self, call: Call) -> t.Any:
        held = self._read(call).store.get(call.argument)
        if held is None:
            return self._read_result(call, error=NOT_FOUND, value=b"")
        return self._read_result(call, error=OK, value=held[0])

    def _multi_get(self, call: Call) -> t.Any:
        request, store = call.argument, self._read(call).store
        head = _LENGTH.pack(len(request["hash_key"])) + request["hash_key"]
        wanted = [head + key for key in request.get("sort_keys", ())]
        keys = wanted or sorted(key for key in store if key.startswith(head))
        kvs = [{"key": k[len(head) :], "value": store[k][0]} for k in keys if k in store]
        return self._read_result(call, error=OK, kvs=kvs)

    def _sortkey_count(self, call: Call) -> t.Any:
        head = _LENGTH.pack(len(call.argument)) + call.argument
        return self._read_result(call, error=OK, count=sum(1 for k in self._read(call).store if k.startswith(head)))

    def _get_scanner(self, call: Call) -> t.Any:
        request, store = call.argument, self._read(call).store
        start, stop = request.get("start_key", b""), request.get("stop_key", b"")
        keys = sorted(k for k in store if k >= start and (not stop or k < stop))
        if request.get("only_return_count") and self._node.cluster.profile.run_time_flags:
            return self._read_result(call, error=OK, kvs=[], context_id=-1, kv_count=len(keys))
        bare = request.get("no_value", False)
        rows = [(k, b"" if bare else store[k][0]) for k in keys]
        return self._page(call, rows, max(1, request.get("batch_size", 0) or 100))

    def _page(self, call: Call, rows: list[tuple[bytes, bytes]], size: int) -> t.Any:
        context = -1
        if len(rows) > size:
            context = self._next_scan
            self._next_scan += 1
            self._scans[context] = rows[size:]
        kvs = [{"key": k, "value": v} for k, v in rows[:size]]
        return self._read_result(call, error=OK, kvs=kvs, context_id=context)

    def _scan(self, call: Call) -> t.Any:
        self._read(call)
        rows = self._scans.pop(call.argument["context_id"], None)
        if rows is None:
            return self._read_result(call, error=NOT_FOUND, kvs=[], context_id=-1)
        return self._page(call, rows, 1000)

    def _duplicate(self, call: Call) -> t.Any:
        """Mutations of another cluster; only puts and removes can be in them."""
        cluster, header = self._node.cluster, call.header
        partition = self._node.accept_write((header.app_id, header.partition_index), len(call.body), True)
        for entry in call.argument.get("entries", ()):
            origin = entry.get("cluster_id", 0)
            if origin not in cluster.settings.group.values() or origin == cluster.cluster_id:
                own = origin == cluster.cluster_id
                hint = "self-duplicating" if own else "request cluster id is unconfigured"
                return {"error": INVALID_ARGUMENT, "error_hint": hint}
            try:
                operations = _operations(entry.get("task_code", ""), entry.get("raw_message", b""))
            except (IndexError, struct.error, KeyError, ValueError):
                raise HeaderError("ERR_INVALID_DATA") from None
            now = cluster.clock.now()
            storage.apply_duplicate(partition, operations, now, entry.get("timestamp", 0), origin)
        return {"error": OK, "error_hint": ""}


def _operations(task: str, message: bytes) -> tuple[Operation, ...]:
    if task == "RPC_RRDB_RRDB_PUT":
        request = structs.decode("update_request", message)
        return ((request["key"], request["value"]),)
    if task == "RPC_RRDB_RRDB_REMOVE":
        return ((structs.decode("blob", message), None),)
    raise ValueError("task code %s" % task)
