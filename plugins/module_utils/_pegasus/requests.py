# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The requests that change a cluster, built once for sending and for showing, so that check mode predicts exactly."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import messages, model

ENV_OPERATIONS = {"set": messages.ENV_SET, "del": messages.ENV_DELETE, "clear": messages.ENV_CLEAR}


@dataclasses.dataclass(frozen=True)
class Request:
    """One request to a meta server: its RPC and the fields that are sent."""

    rpc: messages.Rpc
    fields: t.Mapping[str, t.Any]

    def describe(self) -> dict[str, t.Any]:
        """``{"rpc": code, "fields": {...}}``, for ``Change.request``. Enumerations stay numbers, as they are sent."""
        return {"rpc": self.rpc.name, "fields": dict(self.fields)}


def update_app_env(
    name: str,
    operation: str,
    keys: t.Sequence[str] = (),
    values: t.Sequence[str] = (),
    prefix: str = "",
) -> Request:
    """``operation``: ``set`` (keys and values), ``del`` (keys) or ``clear`` (all envs, or those below ``prefix.``)."""
    fields: dict[str, t.Any] = {"app_name": name, "op": ENV_OPERATIONS[operation]}
    if operation == "clear":
        fields["clear_prefix"] = prefix
    else:
        fields["keys"] = list(keys)
    if operation == "set":
        if len(keys) != len(values):
            raise ValueError(f"{len(keys)} keys and {len(values)} values")
        fields["values"] = list(values)
    return Request(messages.UPDATE_APP_ENV, fields)


def add_duplication(
    name: str,
    remote: str,
    *,
    checkpoint: bool = True,
    remote_app_name: str | None = None,
    remote_replica_count: int | None = None,
) -> Request:
    """``checkpoint``: existing data is copied, too. The last two are known to 2.6 only and left out if None."""
    fields: dict[str, t.Any] = {
        "app_name": name,
        "remote_cluster_name": remote,
        "is_duplicating_checkpoint": checkpoint,
    }
    if remote_app_name is not None:
        fields["remote_app_name"] = remote_app_name
    if remote_replica_count is not None:
        fields["remote_replica_count"] = remote_replica_count
    return Request(messages.ADD_DUPLICATION, fields)


def modify_duplication(name: str, dupid: int, *, status: str | None = None, fail_mode: str | None = None) -> Request:
    """``status`` such as ``DS_PAUSE``, ``fail_mode`` such as ``FAIL_SLOW``; what is None is left as it is."""
    fields: dict[str, t.Any] = {"app_name": name, "dupid": dupid}
    if status is not None:
        fields["status"] = model.number_of(model.DUPLICATION_STATUSES, status)
    if fail_mode is not None:
        fields["fail_mode"] = model.number_of(model.FAIL_MODES, fail_mode)
    return Request(messages.MODIFY_DUPLICATION, fields)


def control_meta(level: str) -> Request:
    """Set the meta level: lively, steady, freezed, blind or stopped."""
    return Request(messages.CONTROL_META, {"level": model.number_of(model.META_LEVELS, level)})


def create_app(
    name: str,
    *,
    partition_count: int,
    replica_count: int,
    envs: t.Mapping[str, str] | None = None,
    success_if_exist: bool = False,
) -> Request:
    """Create a table. The partition count must be a power of two."""
    options = {
        "partition_count": partition_count,
        "replica_count": replica_count,
        "success_if_exist": success_if_exist,
        "app_type": "pegasus",
        "is_stateful": True,
        "envs": dict(envs or {}),
    }
    return Request(messages.CREATE_APP, {"app_name": name, "options": options})


def drop_app(name: str, reserve_seconds: int | None = None) -> Request:
    """Drop a table; it can be recalled for 7 days (the server's default), or for ``reserve_seconds``."""
    options: dict[str, t.Any] = {"success_if_not_exist": False}
    if reserve_seconds is not None:
        options["reserve_seconds"] = reserve_seconds
    return Request(messages.DROP_APP, {"app_name": name, "options": options})


def recall_app(app_id: int, new_name: str = "") -> Request:
    """Bring a dropped table back; an empty name means its old one."""
    return Request(messages.RECALL_APP, {"app_id": app_id, "new_app_name": new_name})


def rename_app(old_name: str, new_name: str) -> Request:
    """Rename a table (2.5 and newer)."""
    return Request(messages.RENAME_APP, {"old_app_name": old_name, "new_app_name": new_name})
