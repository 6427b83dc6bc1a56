# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the info module: the parts that were asked for, as plain data."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import read_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import (
    RUNNING,
    UNKNOWN,
    ProgressView,
    judge,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    App,
    Duplication,
    Node,
    TableConfig,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import CONFIG_SYNC_FLAG, Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient

PARTS = ("nodes", "tables", "partitions", "duplications", "settings")

Result = t.TypeVar("Result")


def gather_info(params: t.Mapping[str, t.Any], clock: Clock) -> t.Dict[str, t.Any]:
    """The module's result. Parts that cannot be read are null and named in ``problems``.

    :raises MigrationError: the cluster cannot be reached, or is none that can be worked with, or lacks a named table
    """
    connection = Connection.from_params(params)
    names: t.Optional[t.Tuple[str, ...]] = None
    if as_list(params.get("tables"), "tables"):
        problems: t.List[t.Any] = []
        names = read_tables(params["tables"], problems)
        raise_problems(problems)
    with MetaClient(connection.meta_servers, connection.settings, clock) as client:
        with ReplicaClient(connection.settings, clock) as replicas:
            return _Gatherer(client, replicas, set(params["gather"])).gather(names)


class _Gatherer:
    def __init__(self, client: MetaClient, replicas: ReplicaClient, parts: t.Set[str]) -> None:
        self._client = client
        self._replicas = replicas
        self._parts = parts
        self._problems: t.Dict[str, str] = {}

    def gather(self, names: t.Optional[t.Sequence[str]]) -> t.Dict[str, t.Any]:
        info = self._client.cluster_info()
        profile = self._client.profile
        result: t.Dict[str, t.Any] = {
            "changed": False,
            "cluster": {key: value for key, value in info.as_result().items() if key != "raw"},
            "version": str(profile.version),
            "behaviour": _behaviour(profile),
            "meta_level": info.meta_level,
        }
        nodes = self._client.list_nodes() if self._parts & {"nodes", "settings"} else ()
        if "nodes" in self._parts:
            result["nodes"] = self._nodes(nodes)
        if self._parts & {"tables", "partitions", "duplications"}:
            result["tables"] = [self._table(app) for app in self._apps(names)]
        if "settings" in self._parts:
            result["settings"] = self._settings(nodes, profile)
        result["problems"] = self._problems
        return result

    def _attempt(self, name: str, call: t.Callable[[], Result]) -> t.Optional[Result]:
        try:
            return call()
        except MigrationError as error:
            self._problems[name] = error.message
            return None

    def _nodes(self, nodes: t.Sequence[Node]) -> t.List[t.Dict[str, t.Any]]:
        versions = self._replicas.versions(node.address for node in nodes if node.alive)
        for address, error in versions.failed.items():
            self._problems[f"node {address}"] = error.message
        found = []
        for node in nodes:
            version = versions.good.get(node.address)
            found.append({**node.as_result(), "version": None if version is None else str(version)})
        return found

    def _apps(self, names: t.Optional[t.Sequence[str]]) -> t.List[App]:
        apps = [app for app in self._client.list_apps() if app.status != "DROPPED"]
        if names is None:
            return sorted(apps, key=lambda app: app.name)
        by_name = {app.name: app for app in apps}
        missing = [name for name in names if name not in by_name]
        if missing:
            raise MigrationError(
                "pegasus.app_not_found",
                f"tables: the cluster has no table {', '.join(missing)}. Check the names (upper and lower case "
                "differ).",
                details={"tables": missing},
            )
        return [by_name[name] for name in names]

    def _table(self, app: App) -> t.Dict[str, t.Any]:
        table = app.as_result()
        config = self._attempt(f"table {app.name}", lambda: self._client.query_config(app.name))
        table["unhealthy_partitions"] = None if config is None else list(config.unhealthy())
        table["partitions_without_primary"] = None if config is None else list(config.without_primary)
        if "partitions" in self._parts:
            table["partitions"] = None if config is None else [dataclasses.asdict(one) for one in config.partitions]
        if "duplications" in self._parts:
            table["duplications"] = self._duplications(app, config)
        return table

    def _duplications(self, app: App, config: t.Optional[TableConfig]) -> t.Optional[t.List[t.Dict[str, t.Any]]]:
        name = f"duplications of {app.name}"
        found = self._attempt(name, lambda: self._client.query_duplications(app.name))
        if found is None or not found:
            return None if found is None else []
        reports = None if config is None else self._replicas.progress(config.primaries, config.app_id)
        told = []
        for one in found:
            view = None if config is None or reports is None else judge(config, one.dupid, reports)
            told.append({**_duplication(one), "progress": None if view is None else progress_of(view)})
        return told

    def _settings(self, nodes: t.Sequence[Node], profile: Profile) -> t.Dict[str, t.Any]:
        """By server; before 2.5 the interval cannot be asked for, and null is told."""
        alive = [node.address for node in nodes if node.alive]
        if not profile.config_sync_interval_mutable:
            return {address: {CONFIG_SYNC_FLAG: None} for address in alive}
        answers = self._replicas.get_config(alive, CONFIG_SYNC_FLAG)
        for address, error in answers.failed.items():
            self._problems[f"settings of {address}"] = error.message
        return {
            address: {CONFIG_SYNC_FLAG: answers.good[address].value if address in answers.good else None}
            for address in alive
        }


def _duplication(one: Duplication) -> t.Dict[str, t.Any]:
    shown = one.as_result()
    states = shown.pop("partition_states")
    shown["confirmed_decrees"] = {index: state["confirmed_decree"] for index, state in states.items()}
    return shown


def progress_of(view: ProgressView) -> t.Dict[str, t.Any]:
    """The numbers of one look at one duplication; what is not known of every partition is null."""
    largest = view.largest
    return {
        "partitions": len(view.partitions),
        "running": len(view.having(RUNNING)),
        "unknown": [{"partition": one.index, "why": one.why} for one in view.having(UNKNOWN)],
        "backlog": view.backlog_total,
        "largest_backlog": None if largest is None or view.backlog_total is None else largest.backlog,
        "largest_backlog_partition": None if largest is None or view.backlog_total is None else largest.index,
    }


def _behaviour(profile: Profile) -> t.Dict[str, t.Any]:
    """The profile as plain data."""
    shown = dataclasses.asdict(profile)
    shown["version"] = str(profile.version)
    shown["duplication_envs"] = list(profile.duplication_envs)
    return shown
