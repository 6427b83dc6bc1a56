# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Answers turned into records. A field that every version sends and that is missing is ``pegasus.decode``, never a
default; fields that only some versions send become None."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import decode_error

Fields = t.Mapping[str, t.Any]


def need(fields: Fields, name: str, what: str) -> t.Any:
    """A field that must be there."""
    if name not in fields:
        raise decode_error(f"{what} has no field {name}", field=name)
    return fields[name]


def app(fields: Fields) -> model.App:
    """An ``app_info``."""
    what = "app_info"
    return model.App(
        name=need(fields, "app_name", what),
        app_id=need(fields, "app_id", what),
        status=model.name_of(model.APP_STATUSES, need(fields, "status", what)),
        partition_count=need(fields, "partition_count", what),
        envs=need(fields, "envs", what),
        max_replica_count=need(fields, "max_replica_count", what),
        duplicating=fields.get("duplicating"),
        bulk_loading=fields.get("is_bulk_loading"),
        atomic_idempotent=fields.get("atomic_idempotent"),
        init_partition_count=fields.get("init_partition_count", -1),
        create_second=fields.get("create_second", 0),
        expire_second=fields.get("expire_second", 0),
        drop_second=fields.get("drop_second", 0),
        app_type=fields.get("app_type", ""),
    )


def node(fields: Fields) -> model.Node:
    """A ``node_info``."""
    host_port = fields.get("hp_node", "")
    return model.Node(
        address=need(fields, "address", "node_info") or host_port,
        alive=need(fields, "status", "node_info") == 1,
        host_port=host_port,
    )


def table_config(fields: Fields) -> model.TableConfig:
    """A ``query_cfg_response``."""
    what = "query_cfg_response"
    found = sorted((_partition(item) for item in need(fields, "partitions", what)), key=lambda item: item.index)
    return model.TableConfig(
        app_id=need(fields, "app_id", what),
        partition_count=need(fields, "partition_count", what),
        partitions=tuple(found),
    )


def leader(fields: Fields) -> str:
    """Who the primary meta server is, from the answer of another one to ``query_cfg_request``; empty if not told."""
    for item in fields.get("partitions", ()):
        told = item.get("primary") or item.get("hp_primary")
        if told:
            return str(told)
    return ""


def _partition(fields: Fields) -> model.Partition:
    what = "partition_configuration"
    return model.Partition(
        index=need(fields, "pid", what).partition,
        ballot=need(fields, "ballot", what),
        max_replica_count=need(fields, "max_replica_count", what),
        primary=need(fields, "primary", what) or fields.get("hp_primary", ""),
        secondaries=_addresses(need(fields, "secondaries", what), fields.get("hp_secondaries", [])),
        last_committed_decree=need(fields, "last_committed_decree", what),
    )


def _addresses(told: t.Sequence[str], names: t.Sequence[str]) -> tuple[str, ...]:
    """Addresses; the name of the same position where there is no address."""
    pairs = [(address, names[index] if index < len(names) else "") for index, address in enumerate(told)]
    found = [address or name for address, name in pairs] + list(names[len(told) :])
    return tuple(address for address in found if address)


def cluster_info(fields: Fields) -> model.ClusterInfo:
    """A ``cluster_info_response``: two lists that belong together."""
    keys, values = need(fields, "keys", "cluster_info_response"), need(fields, "values", "cluster_info_response")
    if len(keys) != len(values):
        raise decode_error(f"cluster_info_response has {len(keys)} keys and {len(values)} values")
    raw = dict(zip(keys, values))
    metas = (item.strip() for item in raw.get("meta_servers", "").split(","))
    level = raw.get("meta_function_level", "")
    return model.ClusterInfo(
        cluster_name=raw.get("cluster_name", ""),
        primary_meta=raw.get("primary_meta_server", ""),
        meta_servers=tuple(item for item in metas if item),
        zookeeper_hosts=raw.get("zookeeper_hosts", ""),
        zookeeper_root=raw.get("zookeeper_root", ""),
        meta_level=level[3:] if level.startswith("fl_") else level,
        raw=raw,
    )


def duplication(fields: Fields) -> model.Duplication:
    """A ``duplication_entry``."""
    what = "duplication_entry"
    states = {
        index: model.PartitionState(
            need(state, "confirmed_decree", "duplication_partition_state"),
            need(state, "last_committed_decree", "duplication_partition_state"),
        )
        for index, state in fields.get("partition_states", {}).items()
    }
    return model.Duplication(
        dupid=need(fields, "dupid", what),
        status=model.name_of(model.DUPLICATION_STATUSES, need(fields, "status", what)),
        remote=need(fields, "remote", what),
        create_ts_ms=need(fields, "create_ts", what),
        fail_mode=model.name_of(model.FAIL_MODES, fields.get("fail_mode", 0)),
        remote_app_name=fields.get("remote_app_name"),
        remote_replica_count=fields.get("remote_replica_count"),
        partition_states=states,
    )


def added_duplication(fields: Fields) -> model.AddedDuplication:
    """A ``duplication_add_response``."""
    return model.AddedDuplication(
        app_id=need(fields, "appid", "duplication_add_response"),
        dupid=need(fields, "dupid", "duplication_add_response"),
        hint=fields.get("hint", ""),
        remote_app_name=fields.get("remote_app_name"),
        remote_replica_count=fields.get("remote_replica_count"),
    )


def replica_info(fields: Fields, address: str) -> model.ReplicaInfo:
    """A ``replica_info`` as the server at ``address`` told it."""
    what = "replica_info"
    pid = need(fields, "pid", what)
    return model.ReplicaInfo(
        index=pid.partition,
        app_id=pid.app_id,
        ballot=need(fields, "ballot", what),
        status=model.name_of(model.REPLICA_STATUSES, need(fields, "status", what)),
        last_committed_decree=need(fields, "last_committed_decree", what),
        last_prepared_decree=need(fields, "last_prepared_decree", what),
        last_durable_decree=fields.get("last_durable_decree", 0),
        node=address,
    )
