# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The requests and answers that are spoken here, field by field, with the fields of every version from 2.4 on.

Names of structs and fields follow Pegasus's own IDL (``idl/*.thrift``), shortened where it repeats itself. Fields with
``2.6`` come from such servers only; they must be known all the same, because unknown ones cannot be skipped.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import (
    ADDRESS,
    BLOB,
    BOOL,
    EMPTY,
    ERROR_CODE,
    GPID,
    HOST_PORT,
    I32,
    I64,
    TEXT,
    Field,
    Kind,
    ListOf,
    MapOf,
    Struct,
)

ENV_SET = 1
ENV_DELETE = 2
ENV_CLEAR = 3
LEVEL_QUERY = 10000
"""The meta level that asks for the present one and changes nothing."""
MATCH_ALL = 1

ERR = Field(1, "err", ERROR_CODE)
HINT = Field(2, "hint_message", TEXT)

APP_INFO = Struct(
    "app_info",
    Field(1, "status", I32),
    Field(2, "app_type", TEXT),
    Field(3, "app_name", TEXT),
    Field(4, "app_id", I32),
    Field(5, "partition_count", I32),
    Field(6, "envs", MapOf(TEXT, TEXT)),
    Field(7, "is_stateful", BOOL),
    Field(8, "max_replica_count", I32),
    Field(9, "expire_second", I64),
    Field(10, "create_second", I64),
    Field(11, "drop_second", I64),
    Field(12, "duplicating", BOOL),
    Field(13, "init_partition_count", I32),
    Field(14, "is_bulk_loading", BOOL),
    Field(15, "atomic_idempotent", BOOL, "2.6"),
)
NODE_INFO = Struct(
    "node_info",
    Field(1, "status", I32),
    Field(2, "address", ADDRESS),
    Field(3, "hp_node", HOST_PORT, "2.6"),
)
PARTITION_CONFIGURATION = Struct(
    "partition_configuration",
    Field(1, "pid", GPID),
    Field(2, "ballot", I64),
    Field(3, "max_replica_count", I32),
    Field(4, "primary", ADDRESS),
    Field(5, "secondaries", ListOf(ADDRESS)),
    Field(6, "last_drops", ListOf(ADDRESS)),
    Field(7, "last_committed_decree", I64),
    Field(8, "partition_flags", I32),
    Field(9, "hp_primary", HOST_PORT, "2.6"),
    Field(10, "hp_secondaries", ListOf(HOST_PORT), "2.6"),
    Field(11, "hp_last_drops", ListOf(HOST_PORT), "2.6"),
)
CREATE_APP_OPTIONS = Struct(
    "create_app_options",
    Field(1, "partition_count", I32),
    Field(2, "replica_count", I32),
    Field(3, "success_if_exist", BOOL),
    Field(4, "app_type", TEXT),
    Field(5, "is_stateful", BOOL),
    Field(6, "envs", MapOf(TEXT, TEXT)),
)
DROP_APP_OPTIONS = Struct(
    "drop_app_options",
    Field(1, "success_if_not_exist", BOOL),
    Field(2, "reserve_seconds", I64),
)
DUPLICATION_PARTITION_STATE = Struct(
    "duplication_partition_state",
    Field(1, "confirmed_decree", I64),
    Field(2, "last_committed_decree", I64),
)
DUPLICATION_ENTRY = Struct(
    "duplication_entry",
    Field(1, "dupid", I32),
    Field(2, "status", I32),
    Field(3, "remote", TEXT),
    Field(4, "create_ts", I64),
    Field(5, "progress", MapOf(I32, I64)),
    Field(7, "fail_mode", I32),
    Field(8, "remote_app_name", TEXT, "2.6"),
    Field(9, "remote_replica_count", I32, "2.6"),
    Field(10, "mode", I32, "2.6"),
    Field(11, "partition_states", MapOf(I32, DUPLICATION_PARTITION_STATE), "2.6"),
)
DUPLICATION_APP_STATE = Struct(
    "duplication_app_state",
    Field(1, "appid", I32),
    Field(2, "duplications", MapOf(I32, DUPLICATION_ENTRY)),
    Field(3, "app_name", TEXT),
    Field(4, "partition_count", I32),
)
REPLICA_INFO = Struct(
    "replica_info",
    Field(1, "pid", GPID),
    Field(2, "ballot", I64),
    Field(3, "status", I32),
    Field(4, "last_committed_decree", I64),
    Field(5, "last_prepared_decree", I64),
    Field(6, "last_durable_decree", I64),
    Field(7, "app_type", TEXT),
    Field(8, "disk_tag", TEXT),
    Field(9, "manual_compact_status", I32),
)
PARTITION_BULK_LOAD_STATE = Struct(
    "partition_bulk_load_state",
    Field(1, "download_progress", I32),
    Field(2, "download_status", ERROR_CODE),
    Field(3, "ingest_status", I32),
    Field(4, "is_cleaned_up", BOOL),
    Field(5, "is_paused", BOOL),
)


@dataclasses.dataclass(frozen=True)
class Rpc:
    """One kind of request. ``mutating``: it changes something, so it is never sent again on its own."""

    name: str
    request: Struct
    response: Kind
    mutating: bool = False


def _app_name_only(name: str) -> Struct:
    return Struct(name, Field(1, "app_name", TEXT))


LIST_APPS = Rpc(
    "RPC_CM_LIST_APPS",
    Struct("list_apps_request", Field(1, "status", I32)),
    Struct("list_apps_response", ERR, Field(2, "infos", ListOf(APP_INFO)), Field(3, "hint_message", TEXT, "2.6")),
)
LIST_NODES = Rpc(
    "RPC_CM_LIST_NODES",
    Struct("list_nodes_request", Field(1, "status", I32)),
    Struct("list_nodes_response", ERR, Field(2, "infos", ListOf(NODE_INFO))),
)
CLUSTER_INFO = Rpc(
    "RPC_CM_CLUSTER_INFO",
    EMPTY,
    Struct("cluster_info_response", ERR, Field(2, "keys", ListOf(TEXT)), Field(3, "values", ListOf(TEXT))),
)
QUERY_CONFIG = Rpc(
    "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX",
    Struct("query_cfg_request", Field(1, "app_name", TEXT), Field(2, "partition_indices", ListOf(I32))),
    Struct(
        "query_cfg_response",
        ERR,
        Field(2, "app_id", I32),
        Field(3, "partition_count", I32),
        Field(4, "is_stateful", BOOL),
        Field(5, "partitions", ListOf(PARTITION_CONFIGURATION)),
    ),
)
CREATE_APP = Rpc(
    "RPC_CM_CREATE_APP",
    Struct("create_app_request", Field(1, "app_name", TEXT), Field(2, "options", CREATE_APP_OPTIONS)),
    Struct("create_app_response", ERR, Field(2, "appid", I32)),
    mutating=True,
)
DROP_APP = Rpc(
    "RPC_CM_DROP_APP",
    Struct("drop_app_request", Field(1, "app_name", TEXT), Field(2, "options", DROP_APP_OPTIONS)),
    Struct("drop_app_response", ERR),
    mutating=True,
)
RECALL_APP = Rpc(
    "RPC_CM_RECALL_APP",
    Struct("recall_app_request", Field(1, "app_id", I32), Field(2, "new_app_name", TEXT)),
    Struct("recall_app_response", ERR, Field(2, "info", APP_INFO)),
    mutating=True,
)
RENAME_APP = Rpc(
    "RPC_CM_RENAME_APP",
    Struct("rename_app_request", Field(1, "old_app_name", TEXT), Field(2, "new_app_name", TEXT)),
    Struct("rename_app_response", ERR, HINT),
    mutating=True,
)
UPDATE_APP_ENV = Rpc(
    "RPC_CM_UPDATE_APP_ENV",
    Struct(
        "update_app_env_request",
        Field(1, "app_name", TEXT),
        Field(2, "op", I32),
        Field(3, "keys", ListOf(TEXT)),
        Field(4, "values", ListOf(TEXT)),
        Field(5, "clear_prefix", TEXT),
    ),
    Struct("update_app_env_response", ERR, HINT),
    mutating=True,
)
ADD_DUPLICATION = Rpc(
    "RPC_CM_ADD_DUPLICATION",
    Struct(
        "duplication_add_request",
        Field(1, "app_name", TEXT),
        Field(2, "remote_cluster_name", TEXT),
        Field(3, "is_duplicating_checkpoint", BOOL),
        Field(4, "remote_app_name", TEXT, "2.6"),
        Field(5, "remote_replica_count", I32, "2.6"),
    ),
    Struct(
        "duplication_add_response",
        ERR,
        Field(2, "appid", I32),
        Field(3, "dupid", I32),
        Field(4, "hint", TEXT),
        Field(5, "remote_app_name", TEXT, "2.6"),
        Field(6, "remote_replica_count", I32, "2.6"),
    ),
    mutating=True,
)
MODIFY_DUPLICATION = Rpc(
    "RPC_CM_MODIFY_DUPLICATION",
    Struct(
        "duplication_modify_request",
        Field(1, "app_name", TEXT),
        Field(2, "dupid", I32),
        Field(3, "status", I32),
        Field(4, "fail_mode", I32),
    ),
    Struct("duplication_modify_response", ERR, Field(2, "appid", I32)),
    mutating=True,
)
QUERY_DUPLICATION = Rpc(
    "RPC_CM_QUERY_DUPLICATION",
    _app_name_only("duplication_query_request"),
    Struct(
        "duplication_query_response", ERR, Field(3, "appid", I32), Field(4, "entry_list", ListOf(DUPLICATION_ENTRY))
    ),
)
LIST_DUPLICATION = Rpc(
    "RPC_CM_LIST_DUPLICATION",
    Struct("duplication_list_request", Field(1, "app_name_pattern", TEXT), Field(2, "match_type", I32)),
    Struct("duplication_list_response", ERR, HINT, Field(3, "app_states", MapOf(TEXT, DUPLICATION_APP_STATE), "2.6")),
)
CONTROL_META = Rpc(
    "RPC_CM_CONTROL_META",
    Struct("meta_control_request", Field(1, "level", I32)),
    Struct("meta_control_response", ERR, Field(2, "old_level", I32)),
    mutating=True,
)
QUERY_META_LEVEL = dataclasses.replace(CONTROL_META, mutating=False)
"""The same request with LEVEL_QUERY, which only reads."""
GET_MAX_REPLICA_COUNT = Rpc(
    "RPC_CM_GET_MAX_REPLICA_COUNT",
    _app_name_only("get_max_replica_count_request"),
    Struct(
        "get_max_replica_count_response",
        ERR,
        Field(2, "max_replica_count", I32),
        Field(3, "hint_message", TEXT),
    ),
)
QUERY_SPLIT = Rpc(
    "RPC_CM_QUERY_PARTITION_SPLIT",
    _app_name_only("query_split_request"),
    Struct(
        "query_split_response",
        ERR,
        Field(2, "new_partition_count", I32),
        Field(3, "status", MapOf(I32, I32)),
        Field(4, "hint_msg", TEXT),
    ),
)
QUERY_BULK_LOAD = Rpc(
    "RPC_CM_QUERY_BULK_LOAD_STATUS",
    _app_name_only("query_bulk_load_request"),
    Struct(
        "query_bulk_load_response",
        ERR,
        Field(2, "app_name", TEXT),
        Field(3, "app_status", I32),
        Field(4, "partitions_status", ListOf(I32)),
        Field(5, "max_replica_count", I32),
        Field(6, "bulk_load_states", ListOf(MapOf(ADDRESS, PARTITION_BULK_LOAD_STATE))),
        Field(7, "hint_msg", TEXT),
        Field(8, "is_bulk_loading", BOOL),
        Field(9, "hp_bulk_load_states", ListOf(MapOf(HOST_PORT, PARTITION_BULK_LOAD_STATE)), "2.6"),
    ),
)
QUERY_REPLICA_INFO = Rpc(
    "RPC_QUERY_REPLICA_INFO",
    Struct("query_replica_info_request", Field(1, "node", ADDRESS)),
    Struct("query_replica_info_response", ERR, Field(2, "replicas", ListOf(REPLICA_INFO))),
)
COMMAND = Rpc(
    "RPC_CLI_CLI_CALL",
    Struct("command", Field(1, "cmd", TEXT), Field(2, "arguments", ListOf(TEXT))),
    TEXT,
)
INCR = Rpc(
    "RPC_RRDB_RRDB_INCR",
    Struct(
        "incr_request",
        Field(1, "key", BLOB),
        Field(2, "increment", I64),
        Field(3, "expire_ts_seconds", I32),
    ),
    Struct(
        "incr_response",
        Field(1, "error", I32),
        Field(2, "new_value", I64),
        Field(3, "app_id", I32),
        Field(4, "partition_index", I32),
        Field(5, "decree", I64),
        Field(6, "server", TEXT),
    ),
    mutating=True,
)
MULTI_GET = Rpc(
    "RPC_RRDB_RRDB_MULTI_GET",
    Struct(
        "multi_get_request",
        Field(1, "hash_key", BLOB),
        Field(2, "sort_keys", ListOf(BLOB)),
        Field(3, "max_kv_count", I32),
        Field(4, "max_kv_size", I32),
        Field(5, "no_value", BOOL),
    ),
    Struct(
        "multi_get_response",
        Field(1, "error", I32),
        Field(
            2,
            "kvs",
            ListOf(
                Struct("key_value", Field(1, "key", BLOB), Field(2, "value", BLOB), Field(3, "expire_ts_seconds", I32))
            ),
        ),
        Field(3, "app_id", I32),
        Field(4, "partition_index", I32),
        Field(6, "server", TEXT),
    ),
)
PUT = Rpc(
    "RPC_RRDB_RRDB_PUT",
    Struct(
        "update_request",
        Field(1, "key", BLOB),
        Field(2, "value", BLOB),
        Field(3, "expire_ts_seconds", I32),
    ),
    Struct(
        "update_response",
        Field(1, "error", I32),
        Field(2, "app_id", I32),
        Field(3, "partition_index", I32),
        Field(4, "decree", I64),
        Field(5, "server", TEXT),
    ),
    mutating=True,
)
"""Writes one record; spoken to tables that this collection has made itself, and to no other (``idl/rrdb.thrift``)."""
