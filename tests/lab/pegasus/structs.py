# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The structs of Pegasus by table, of all versions together: 2.6 fields are known to every reader, sent only if given.

A struct's value is a dict by field name. ``encode`` writes the fields that the dict holds, in the table's order;
``decode`` returns those that were there. Type names: those of ``lab.pegasus.thrift.TYPES``, a struct's name,
``list<T>``, ``map<K,V>``.
"""

from __future__ import annotations

import typing as t

from lab.pegasus import thrift
from lab.pegasus.thrift import DecodeError, Read, Reader, Write

Values = t.Mapping[str, t.Any]

_TABLES = """
list_apps_request: 1 i32 status, 2 string app_name_pattern, 3 i32 match_type
list_apps_response: 1 error_code err, 2 list<app_info> infos, 3 string hint_message
app_info: 1 i32 status, 2 string app_type, 3 string app_name, 4 i32 app_id, 5 i32 partition_count, \
    6 map<string,string> envs, 7 bool is_stateful, 8 i32 max_replica_count, 9 i64 expire_second, 10 i64 create_second, \
    11 i64 drop_second, 12 bool duplicating, 13 i32 init_partition_count, 14 bool is_bulk_loading, \
    15 bool atomic_idempotent
list_nodes_request: 1 i32 status
list_nodes_response: 1 error_code err, 2 list<node_info> infos
node_info: 1 i32 status, 2 address address, 3 host_port hp_node
cluster_info_request:
cluster_info_response: 1 error_code err, 2 list<string> keys, 3 list<string> values
query_cfg_request: 1 string app_name, 2 list<i32> partition_indices
query_cfg_response: 1 error_code err, 2 i32 app_id, 3 i32 partition_count, 4 bool is_stateful, \
    5 list<partition_configuration> partitions
partition_configuration: 1 gpid pid, 2 i64 ballot, 3 i32 max_replica_count, 4 address primary, \
    5 list<address> secondaries, 6 list<address> last_drops, 7 i64 last_committed_decree, 8 i32 partition_flags, \
    9 host_port hp_primary, 10 list<host_port> hp_secondaries, 11 list<host_port> hp_last_drops
create_app_request: 1 string app_name, 2 create_app_options options
create_app_options: 1 i32 partition_count, 2 i32 replica_count, 3 bool success_if_exist, 4 string app_type, \
    5 bool is_stateful, 6 map<string,string> envs, 7 bool atomic_idempotent
create_app_response: 1 error_code err, 2 i32 appid
drop_app_request: 1 string app_name, 2 drop_app_options options
drop_app_options: 1 bool success_if_not_exist, 2 i64 reserve_seconds
drop_app_response: 1 error_code err
recall_app_request: 1 i32 app_id, 2 string new_app_name
recall_app_response: 1 error_code err, 2 app_info info
rename_app_request: 1 string old_app_name, 2 string new_app_name
rename_app_response: 1 error_code err, 2 string hint_message
update_app_env_request: 1 string app_name, 2 i32 op, 3 list<string> keys, 4 list<string> values, 5 string clear_prefix
update_app_env_response: 1 error_code err, 2 string hint_message
duplication_add_request: 1 string app_name, 2 string remote_cluster_name, 3 bool is_duplicating_checkpoint, \
    4 string remote_app_name, 5 i32 remote_replica_count
duplication_add_response: 1 error_code err, 2 i32 appid, 3 i32 dupid, 4 string hint, 5 string remote_app_name, \
    6 i32 remote_replica_count
duplication_modify_request: 1 string app_name, 2 i32 dupid, 3 i32 status, 4 i32 fail_mode
duplication_modify_response: 1 error_code err, 2 i32 appid
duplication_query_request: 1 string app_name
duplication_query_response: 1 error_code err, 3 i32 appid, 4 list<duplication_entry> entry_list
duplication_entry: 1 i32 dupid, 2 i32 status, 3 string remote, 4 i64 create_ts, 5 map<i32,i64> progress, \
    7 i32 fail_mode, 8 string remote_app_name, 9 i32 remote_replica_count, 10 i32 mode, \
    11 map<i32,duplication_partition_state> partition_states
duplication_partition_state: 1 i64 confirmed_decree, 2 i64 last_committed_decree
duplication_list_request: 1 string app_name_pattern, 2 i32 match_type
duplication_list_response: 1 error_code err, 2 string hint_message, 3 map<string,duplication_app_state> app_states
duplication_app_state: 1 i32 appid, 2 map<i32,duplication_entry> duplications, 3 string app_name, 4 i32 partition_count
meta_control_request: 1 i32 level
meta_control_response: 1 error_code err, 2 i32 old_level
balancer_request: 1 gpid gpid, 2 list<proposal_action> action_list, 3 bool force, 4 i32 balance_type
balancer_response: 1 error_code err
proposal_action: 1 address target, 2 address node, 3 i32 type, 5 host_port hp_target, 6 host_port hp_node
ddd_diagnose_request: 1 gpid pid
ddd_diagnose_response: 1 error_code err, 2 list<ddd_partition_info> partitions
ddd_partition_info: 1 partition_configuration config, 2 list<ddd_node_info> dropped, 3 string reason
ddd_node_info: 1 address node, 2 i64 drop_time_ms, 3 bool is_alive, 4 bool is_collected, 5 i64 ballot, \
    6 i64 last_committed_decree, 7 i64 last_prepared_decree, 8 host_port hp_node
max_replica_count_request: 1 string app_name, 2 i32 max_replica_count
get_max_replica_count_response: 1 error_code err, 2 i32 max_replica_count, 3 string hint_message
set_max_replica_count_response: 1 error_code err, 2 i32 old_max_replica_count, 3 string hint_message
atomic_idempotent_request: 1 string app_name, 2 bool atomic_idempotent
get_atomic_idempotent_response: 1 error_code err, 2 bool atomic_idempotent, 3 string hint_message
set_atomic_idempotent_response: 1 error_code err, 2 bool old_atomic_idempotent, 3 string hint_message
query_split_request: 1 string app_name
query_split_response: 1 error_code err, 2 i32 new_partition_count, 3 map<i32,i32> status, 4 string hint_msg
query_bulk_load_request: 1 string app_name
query_bulk_load_response: 1 error_code err, 2 string app_name, 3 i32 app_status, 4 list<i32> partitions_status, \
    5 i32 max_replica_count, 6 list<map<address,partition_bulk_load_state>> bulk_load_states, 7 string hint_msg, \
    8 bool is_bulk_loading
partition_bulk_load_state: 1 i32 download_progress, 2 error_code download_status, 3 i32 ingest_status
query_replica_info_request: 1 address node, 2 host_port hp_node
query_replica_info_response: 1 error_code err, 2 list<replica_info> replicas
replica_info: 1 gpid pid, 2 i64 ballot, 3 i32 status, 4 i64 last_committed_decree, 5 i64 last_prepared_decree, \
    6 i64 last_durable_decree, 7 string app_type, 8 string disk_tag, 9 i32 manual_compact_status
query_replica_decree_request: 1 gpid pid, 2 address node, 3 host_port hp_node
query_replica_decree_response: 1 error_code err, 2 i64 last_decree
command: 1 string cmd, 2 list<string> arguments
update_request: 1 blob key, 2 blob value, 3 i32 expire_ts_seconds
update_response: 1 i32 error, 2 i32 app_id, 3 i32 partition_index, 4 i64 decree, 5 string server
read_response: 1 i32 error, 2 blob value, 3 i32 app_id, 4 i32 partition_index, 6 string server
key_value: 1 blob key, 2 blob value, 3 i32 expire_ts_seconds
multi_put_request: 1 blob hash_key, 2 list<key_value> kvs, 3 i32 expire_ts_seconds
multi_get_request: 1 blob hash_key, 2 list<blob> sort_keys, 3 i32 max_kv_count, 4 i32 max_kv_size, 5 bool no_value, \
    6 blob start_sortkey, 7 blob stop_sortkey, 8 bool start_inclusive, 9 bool stop_inclusive, \
    10 i32 sort_key_filter_type, 11 blob sort_key_filter_pattern, 12 bool reverse
multi_get_response: 1 i32 error, 2 list<key_value> kvs, 3 i32 app_id, 4 i32 partition_index, 6 string server
count_response: 1 i32 error, 2 i64 count, 3 i32 app_id, 4 i32 partition_index, 6 string server
incr_request: 1 blob key, 2 i64 increment, 3 i32 expire_ts_seconds
incr_response: 1 i32 error, 2 i64 new_value, 3 i32 app_id, 4 i32 partition_index, 5 i64 decree, 6 string server
get_scanner_request: 1 blob start_key, 2 blob stop_key, 3 bool start_inclusive, 4 bool stop_inclusive, \
    5 i32 batch_size, 6 bool no_value, 7 i32 hash_key_filter_type, 8 blob hash_key_filter_pattern, \
    9 i32 sort_key_filter_type, 10 blob sort_key_filter_pattern, 11 bool validate_partition_hash, \
    12 bool return_expire_ts, 13 bool full_scan, 14 bool only_return_count
scan_request: 1 i64 context_id
scan_response: 1 i32 error, 2 list<key_value> kvs, 3 i64 context_id, 4 i32 app_id, 5 i32 partition_index, \
    6 string server, 7 i32 kv_count
duplicate_request: 1 list<duplicate_entry> entries
duplicate_entry: 1 i64 timestamp, 2 task_code task_code, 3 blob raw_message, 4 byte cluster_id, 5 bool verify_timetag
duplicate_response: 1 i32 error, 2 string error_hint
request_meta_v1: 1 i32 app_id, 2 i32 partition_index, 3 i32 client_timeout, 4 i64 client_partition_hash, \
    5 bool is_backup_request
"""

RPCS: dict[str, tuple[str, str]] = {
    "RPC_CM_LIST_APPS": ("list_apps_request", "list_apps_response"),
    "RPC_CM_LIST_NODES": ("list_nodes_request", "list_nodes_response"),
    "RPC_CM_CLUSTER_INFO": ("cluster_info_request", "cluster_info_response"),
    "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX": ("query_cfg_request", "query_cfg_response"),
    "RPC_CM_CREATE_APP": ("create_app_request", "create_app_response"),
    "RPC_CM_DROP_APP": ("drop_app_request", "drop_app_response"),
    "RPC_CM_RECALL_APP": ("recall_app_request", "recall_app_response"),
    "RPC_CM_RENAME_APP": ("rename_app_request", "rename_app_response"),
    "RPC_CM_UPDATE_APP_ENV": ("update_app_env_request", "update_app_env_response"),
    "RPC_CM_ADD_DUPLICATION": ("duplication_add_request", "duplication_add_response"),
    "RPC_CM_MODIFY_DUPLICATION": ("duplication_modify_request", "duplication_modify_response"),
    "RPC_CM_QUERY_DUPLICATION": ("duplication_query_request", "duplication_query_response"),
    "RPC_CM_LIST_DUPLICATION": ("duplication_list_request", "duplication_list_response"),
    "RPC_CM_CONTROL_META": ("meta_control_request", "meta_control_response"),
    "RPC_CM_PROPOSE_BALANCER": ("balancer_request", "balancer_response"),
    "RPC_CM_DDD_DIAGNOSE": ("ddd_diagnose_request", "ddd_diagnose_response"),
    "RPC_CM_GET_MAX_REPLICA_COUNT": ("max_replica_count_request", "get_max_replica_count_response"),
    "RPC_CM_SET_MAX_REPLICA_COUNT": ("max_replica_count_request", "set_max_replica_count_response"),
    "RPC_CM_GET_ATOMIC_IDEMPOTENT": ("atomic_idempotent_request", "get_atomic_idempotent_response"),
    "RPC_CM_SET_ATOMIC_IDEMPOTENT": ("atomic_idempotent_request", "set_atomic_idempotent_response"),
    "RPC_CM_QUERY_PARTITION_SPLIT": ("query_split_request", "query_split_response"),
    "RPC_CM_QUERY_BULK_LOAD_STATUS": ("query_bulk_load_request", "query_bulk_load_response"),
    "RPC_CLI_CLI_CALL": ("command", "string"),
    "RPC_QUERY_REPLICA_INFO": ("query_replica_info_request", "query_replica_info_response"),
    "RPC_QUERY_PN_DECREE": ("query_replica_decree_request", "query_replica_decree_response"),
    "RPC_RRDB_RRDB_PUT": ("update_request", "update_response"),
    "RPC_RRDB_RRDB_REMOVE": ("blob", "update_response"),
    "RPC_RRDB_RRDB_MULTI_PUT": ("multi_put_request", "update_response"),
    "RPC_RRDB_RRDB_GET": ("blob", "read_response"),
    "RPC_RRDB_RRDB_MULTI_GET": ("multi_get_request", "multi_get_response"),
    "RPC_RRDB_RRDB_SORTKEY_COUNT": ("blob", "count_response"),
    "RPC_RRDB_RRDB_INCR": ("incr_request", "incr_response"),
    "RPC_RRDB_RRDB_GET_SCANNER": ("get_scanner_request", "scan_response"),
    "RPC_RRDB_RRDB_SCAN": ("scan_request", "scan_response"),
    "RPC_RRDB_RRDB_DUPLICATE": ("duplicate_request", "duplicate_response"),
}
"""RPC code -> (type of the one argument, type of the result)."""


class Struct:
    """One struct's table, compiled: writers in order, readers by field id."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text
        self.order: list[tuple[str, int, int, Write]] = []
        self.by_id: dict[int, tuple[str, int, Read]] = {}
        self.names: frozenset[str] = frozenset()

    def link(self) -> None:
        """Compile, once all structs have names."""
        for part in _split(self._text):
            number, kind, field = part.split(" ")
            wire, write, read = codec(kind)
            self.order.append((field, wire, int(number), write))
            self.by_id[int(number)] = (field, wire, read)
        self.names = frozenset(field for field, _wire, _number, _write in self.order)

    def write(self, out: bytearray, values: Values) -> None:
        """Append the struct; KeyError names a key that the table does not know."""
        if not self.names.issuperset(values):
            raise KeyError("%s has no field %s" % (self.name, ", ".join(sorted(set(values) - self.names))))
        for field, wire, number, write in self.order:
            if field in values:
                thrift.write_field(out, wire, number)
                write(out, values[field])
        out.append(thrift.STOP)

    def read(self, reader: Reader) -> dict[str, t.Any]:
        """Read the struct; DecodeError for an unknown STRUCT or a wrong type, other unknown fields are passed over."""
        values: dict[str, t.Any] = {}
        while True:
            kind, number = reader.field()
            if kind == thrift.STOP:
                return values
            found = self.by_id.get(number)
            what = "%s field %d" % (self.name, number)
            if found is None:
                reader.skip(kind, what)
                continue
            field, wire, read = found
            if kind != wire:
                raise DecodeError("%s (%s) has type %d instead of %d" % (what, field, kind, wire))
            values[field] = read(reader)


def _split(text: str) -> list[str]:
    """Fields of a table's line: commas inside <...> do not separate."""
    parts: list[str] = []
    depth, start = 0, 0
    for at, char in enumerate(text + ","):
        depth += (char == "<") - (char == ">")
        if char == "," and not depth:
            if text[start:at].strip():
                parts.append(" ".join(text[start:at].split()))
            start = at + 1
    return parts


def _list_codec(element: str) -> tuple[int, Write, Read]:
    wire, write_one, read_one = codec(element)

    def write(out: bytearray, values: t.Any) -> None:
        out.append(wire)
        thrift.TYPES["i32"][1](out, len(values))
        for value in values:
            write_one(out, value)

    def read(reader: Reader) -> list[t.Any]:
        found = reader.byte()
        count = reader.i32()
        if count and found != wire:
            raise DecodeError("a list of %s has elements of type %d" % (element, found))
        return [read_one(reader) for _dummy in range(count)]

    return thrift.LIST, write, read


def _map_codec(key: str, value: str) -> tuple[int, Write, Read]:
    (key_wire, write_key, read_key), (wire, write_value, read_value) = codec(key), codec(value)

    def write(out: bytearray, values: t.Any) -> None:
        out.append(key_wire)
        out.append(wire)
        thrift.TYPES["i32"][1](out, len(values))
        for k, v in values.items():
            write_key(out, k)
            write_value(out, v)

    def read(reader: Reader) -> dict[t.Any, t.Any]:
        reader.at += 2
        return {read_key(reader): read_value(reader) for _dummy in range(reader.i32())}

    return thrift.MAP, write, read


def codec(kind: str) -> tuple[int, Write, Read]:
    """(type on the wire, writer, reader) of a type's name."""
    if kind in thrift.TYPES:
        return thrift.TYPES[kind]
    if kind.startswith("list<"):
        return _list_codec(kind[5:-1])
    if kind.startswith("map<"):
        key, value = kind[4:-1].split(",", 1)
        return _map_codec(key, value)
    struct = STRUCTS[kind]
    return thrift.STRUCT, struct.write, struct.read


STRUCTS: dict[str, Struct] = {}
for _line in _TABLES.strip().splitlines():
    _name, _text = _line.split(":", 1)
    STRUCTS[_name] = Struct(_name, _text)
for _struct in STRUCTS.values():
    _struct.link()


def encode(kind: str, value: t.Any) -> bytes:
    """A value of the type as bytes (no field header)."""
    out = bytearray()
    codec(kind)[1](out, value)
    return bytes(out)


def decode(kind: str, data: bytes) -> t.Any:
    """The value of the type that the bytes hold."""
    try:
        return codec(kind)[2](Reader(data))
    except (IndexError, ValueError) as error:
        raise DecodeError("%s: %s" % (kind, error)) from error
