# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Asking and changing a cluster through its primary meta server, which is found and followed."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import decode, messages, model, requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import (
    NO_SUCH_APP,
    OK,
    SERVICE_NOT_ACTIVE,
    server_error,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.framing import Reply
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_leader import MetaLeader
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import META_SERVERS, ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.version import discover

_OLD_UNKNOWN_APP = "invalid app name"
"""Hint up to 2.5 beside ERR_INVALID_PARAMETERS when envs of a table that does not exist are changed."""


class MetaClient:
    """One cluster's meta servers. A context manager; not for use by several threads at once.

    Every method that reads is repeated while the cluster has no primary meta server, until ``rpc_timeout`` is over. A
    method that changes something is sent to the primary once; if its answer is lost, ``pegasus.ambiguous`` is raised.

    All methods raise MigrationError ``pegasus.*``: ``unreachable``, ``timeout``, ``not_pegasus``, ``no_primary_meta``,
    ``auth_unsupported``, ``acl_denied``, ``decode``, or what the server refused, with its own text.
    """

    def __init__(
        self,
        meta_servers: t.Sequence[str],
        settings: ConnectionSettings | None = None,
        clock: Clock | None = None,
        *,
        option: str = META_SERVERS,
    ) -> None:
        """``option`` names the option that ``meta_servers`` come from, for messages."""
        self._settings = settings or ConnectionSettings()
        self._leader = MetaLeader(meta_servers, self._settings, clock or SystemClock(), option)
        self._version: Version | None = None

    @property
    def settings(self) -> ConnectionSettings:
        """How long it waits."""
        return self._settings

    def __enter__(self) -> MetaClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop all connections. The client can still be used."""
        self._leader.close()

    @property
    def primary(self) -> str:
        """The address of the primary meta server, as far as known; empty before the first answer."""
        return self._leader.primary

    # What the cluster is.

    def version(self) -> Version:
        """The version of the primary meta server; found out once."""
        if self._version is None:
            if not self.primary:
                self.cluster_info()
            self._version = discover(self._leader, self._settings)
        return self._version

    @property
    def profile(self) -> Profile:
        """What this version speaks and how it behaves; ``pegasus.version_too_old`` before 2.4."""
        return Profile.choose(self.version())

    def cluster_info(self) -> model.ClusterInfo:
        """Name, meta servers, ZooKeeper and meta level."""
        return decode.cluster_info(self._read(messages.CLUSTER_INFO, {}, "ask for the cluster's information"))

    def list_nodes(self) -> tuple[model.Node, ...]:
        """All replica servers that the meta server knows of, dead ones too."""
        value = self._read(messages.LIST_NODES, {"status": 0}, "list the replica servers")
        return tuple(decode.node(item) for item in decode.need(value, "infos", "list_nodes_response"))

    # Tables.

    def list_apps(self) -> tuple[model.App, ...]:
        """All tables in every status, also dropped ones that can still be recalled (names can repeat among those)."""
        value = self._read(messages.LIST_APPS, {"status": 0}, "list the tables")
        return tuple(decode.app(item) for item in decode.need(value, "infos", "list_apps_response"))

    def app(self, name: str) -> model.App | None:
        """The table of this name in any status but DROPPED; None if there is none."""
        for item in self.list_apps():
            if item.name == name and item.status != "DROPPED":
                return item
        return None

    def query_config(self, name: str) -> model.TableConfig | None:
        """Who serves the table; None if there is none of this name."""
        doing = f"ask who serves the table {name}"
        reply = self._leader.ask(messages.QUERY_CONFIG, {"app_name": name, "partition_indices": []}, doing)
        if reply.err in NO_SUCH_APP:
            return None
        return decode.table_config(self._accept(reply, messages.QUERY_CONFIG, doing))

    def split_status(self, name: str) -> model.SplitStatus | None:
        """What the server says of a partition split; None for "not splitting" (``ERR_INVALID_STATE``).

        ``pegasus.handler_not_found``: this meta server knows no splits.
        """
        doing = f"ask for the partition split of the table {name}"
        reply = self._leader.ask(messages.QUERY_SPLIT, {"app_name": name}, doing)
        if reply.err == "ERR_INVALID_STATE":
            return None
        value = self._accept(reply, messages.QUERY_SPLIT, doing)
        states = {index: model.name_of(model.SPLIT_STATUSES, state) for index, state in value.get("status", {}).items()}
        return model.SplitStatus(value.get("new_partition_count", 0), states)

    def bulk_load_status(self, name: str) -> model.BulkLoadStatus:
        """The bulk load of a table, also the last one that ended.

        ``pegasus.invalid_state``: it has none; ``pegasus.handler_not_found``: this meta server knows no bulk loads.
        """
        value = self._read(messages.QUERY_BULK_LOAD, {"app_name": name}, f"ask for the bulk load of the table {name}")
        names = model.BULK_LOAD_STATUSES
        status = value.get("app_status")
        return model.BulkLoadStatus(
            "" if status is None else model.name_of(names, status),
            value.get("is_bulk_loading"),
            tuple(model.name_of(names, one) for one in value.get("partitions_status", ())),
        )

    def create_app(
        self,
        name: str,
        *,
        partition_count: int,
        replica_count: int,
        envs: t.Mapping[str, str] | None = None,
        success_if_exist: bool = False,
    ) -> int:
        """Create a table; its id. See :func:`requests.create_app`."""
        request = requests.create_app(
            name,
            partition_count=partition_count,
            replica_count=replica_count,
            envs=envs,
            success_if_exist=success_if_exist,
        )
        value = self.send(request, f"create the table {name}")
        return int(decode.need(value, "appid", "create_app_response"))

    def drop_app(self, name: str, reserve_seconds: int | None = None) -> None:
        """Drop a table, which can be recalled for a while."""
        self.send(requests.drop_app(name, reserve_seconds), f"drop the table {name}")

    def recall_app(self, app_id: int, new_name: str = "") -> model.App:
        """Bring a dropped table back."""
        value = self.send(requests.recall_app(app_id, new_name), f"recall the table with id {app_id}")
        return decode.app(decode.need(value, "info", "recall_app_response"))

    def rename_app(self, old_name: str, new_name: str) -> None:
        """Rename a table (2.5 and newer)."""
        self.send(requests.rename_app(old_name, new_name), f"rename the table {old_name} to {new_name}")

    def update_app_env(
        self,
        name: str,
        operation: str,
        keys: t.Sequence[str] = (),
        values: t.Sequence[str] = (),
        prefix: str = "",
    ) -> str:
        """Change a table's envs and return the server's hint. See :func:`requests.update_app_env`.

        The meta server reads, changes and writes the whole map, so two that do it at once can lose each other's change.
        """
        request = requests.update_app_env(name, operation, keys, values, prefix)
        doing = f"change the app envs of the table {name}"
        reply = self._leader.ask(request.rpc, request.fields, doing)
        if reply.err == "ERR_INVALID_PARAMETERS" and _OLD_UNKNOWN_APP in reply.hint:
            raise server_error("ERR_APP_NOT_EXIST", doing, address=self.primary, hint=reply.hint, mutating=True)
        self._accept(reply, request.rpc, doing)
        return reply.hint

    # Duplication.

    def query_duplications(self, name: str) -> tuple[model.Duplication, ...]:
        """The duplications of a table; ``pegasus.app_not_found`` without such a table."""
        request = requests.Request(messages.QUERY_DUPLICATION, {"app_name": name})
        value = self._duplicating(request, f"ask for the duplications of the table {name}")
        return tuple(decode.duplication(item) for item in value.get("entry_list", ()))

    def add_duplication(
        self,
        name: str,
        remote: str,
        *,
        checkpoint: bool = True,
        remote_app_name: str | None = None,
        remote_replica_count: int | None = None,
    ) -> model.AddedDuplication:
        """Add a duplication. Look first: up to 2.5 a second one to the same remote is ERR_OK with ``dupid`` 0."""
        request = requests.add_duplication(
            name,
            remote,
            checkpoint=checkpoint,
            remote_app_name=remote_app_name,
            remote_replica_count=remote_replica_count,
        )
        doing = f"add a duplication of the table {name} to {remote}"
        return decode.added_duplication(self._duplicating(request, doing))

    def modify_duplication(
        self, name: str, dupid: int, *, status: str | None = None, fail_mode: str | None = None
    ) -> None:
        """Change status or fail mode. ``pegasus.object_not_found``: the table has no such duplication."""
        request = requests.modify_duplication(name, dupid, status=status, fail_mode=fail_mode)
        doing = f"change the duplication {dupid} of the table {name}"
        self._duplicating(request, doing)

    def _duplicating(self, request: requests.Request, doing: str) -> t.Mapping[str, t.Any]:
        """The accepted answer to a request of the duplication service, which can be disabled."""
        reply = self._leader.ask(request.rpc, request.fields, doing, patient=False)
        if reply.err == SERVICE_NOT_ACTIVE:
            # A leader that is still starting says so to everything, and has done nothing; one with duplication
            # disabled says so to this service's requests only, whenever they come.
            self.cluster_info()
            reply = self._leader.ask(request.rpc, request.fields, doing, patient=False)
        if reply.err == SERVICE_NOT_ACTIVE:
            raise MigrationError(
                "pegasus.duplication_disabled",
                f"Could not {doing}: duplication is disabled on this cluster; set duplication_enabled = true in "
                "section [replication] of the configuration of its meta and replica servers, and restart them.",
                server_text=reply.err,
                details={"address": self.primary, "doing": doing},
            )
        return self._accept(reply, request.rpc, doing)

    # The meta server itself.

    def control_meta(self, level: str | None = None) -> str:
        """The meta level until now (lively, steady, freezed, blind, stopped); with ``level``, it is changed to that."""
        if level is None:
            value = self._read(messages.QUERY_META_LEVEL, {"level": messages.LEVEL_QUERY}, "ask for the meta level")
        else:
            value = self.send(requests.control_meta(level), f"set the meta level to {level}")
        return model.name_of(model.META_LEVELS, decode.need(value, "old_level", "meta_control_response"))

    # Sending.

    def send(self, request: requests.Request, doing: str) -> t.Mapping[str, t.Any]:
        """Send a request of :mod:`requests` once and return its accepted answer."""
        return self._accept(self._leader.ask(request.rpc, request.fields, doing), request.rpc, doing)

    def _read(self, rpc: messages.Rpc, fields: t.Mapping[str, t.Any], doing: str) -> t.Mapping[str, t.Any]:
        return self._accept(self._leader.ask(rpc, fields, doing), rpc, doing)

    def _accept(self, reply: Reply, rpc: messages.Rpc, doing: str) -> t.Mapping[str, t.Any]:
        if reply.err != OK:
            raise server_error(reply.err, doing, address=self.primary, hint=reply.hint, mutating=rpc.mutating)
        value: t.Mapping[str, t.Any] = reply.value
        return value
