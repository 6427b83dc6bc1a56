# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the info module: the parts that were asked for, as plain data, and what the user may not see."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.channel import Connect, connect_mysql
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import is_secret
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import (
    ConfigRow,
    read_config,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import (
    TEMPORARY,
    decode_temporary,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import (
    OLDEST,
    has_objects,
    require_supported,
)

PARTS = ("nodes", "storage_volumes", "databases")
_SYSTEM = ("_statistics_", "information_schema", "starrocks_audit_db__", "sys")
_MOST_NAMED = 20

Result = t.TypeVar("Result")


def gather_info(
    params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock, connect: Connect = connect_mysql
) -> t.Dict[str, t.Any]:
    """The module's result. Parts that cannot be read are null and named in ``problems``.

    :raises MigrationError: the cluster cannot be reached, or is no StarRocks, or tells no version, or shows the user
        nothing. That it is too old for a migration is a finding.
    """
    connection = Connection.from_params(params)
    configs = _configs(params.get("configs"))
    with Cluster(connection, redactor, clock, connect=connect) as cluster:
        return _Gatherer(cluster, set(params["gather"])).gather(configs)


def _configs(value: t.Any) -> t.List[str]:
    keys = [str(key).strip() for key in as_list(value, "configs")]
    secret = [key for key in keys if is_secret(key)]
    if secret:
        raise InvalidOption("configs", f"{', '.join(secret)} holds a secret", "Leave it out")
    return keys


class _Gatherer:
    def __init__(self, cluster: Cluster, parts: t.Set[str]) -> None:
        self._cluster = cluster
        self._parts = parts
        self._problems: t.Dict[str, str] = {}
        self._findings: t.List[Finding] = []

    def gather(self, configs: t.Sequence[str]) -> t.Dict[str, t.Any]:
        cluster = self._cluster
        frontends = cluster.frontends()
        result: t.Dict[str, t.Any] = {
            "changed": False,
            "cluster_id": cluster.cluster_id,
            "version": str(cluster.version),
            "supported": self._supported(),
            "versions": sorted({one.version for one in frontends if one.alive}),
            "run_mode": self._attempt("run_mode", lambda: cluster.run_mode),
            "leader": self._attempt("leader", lambda: cluster.leader().address),
            "frontends": self._frontends(frontends),
        }
        if "nodes" in self._parts:
            result["nodes"] = self._attempt("nodes", self._nodes)
        if "storage_volumes" in self._parts:
            result["storage_volumes"] = self._attempt("storage_volumes", self._volumes)
        if "databases" in self._parts:
            result["databases"] = self._attempt("databases", self._databases)
        if configs:
            result["configs"] = self._read_configs([one for one in frontends if one.alive], configs)
        result["findings"] = [finding.as_result() for finding in self._findings]
        result["problems"] = self._problems
        return result

    def _supported(self) -> bool:
        version = self._cluster.version
        try:
            require_supported(version)
        except MigrationError as error:
            self._findings.append(
                Finding(
                    id=error.code,
                    severity="blocker",
                    subject=str(version),
                    evidence={"version": str(version), "oldest": str(OLDEST)},
                    remedy=error.message,
                )
            )
            return False
        return True

    def _attempt(self, name: str, call: t.Callable[[], Result]) -> t.Optional[Result]:
        try:
            return call()
        except MigrationError as error:
            self._problems[name] = error.message
            if error.code == "starrocks.access_denied":
                self._findings.append(
                    Finding(
                        id="starrocks.user.privilege_missing",
                        severity="warning",
                        subject=name,
                        evidence={"server_text": error.server_text},
                        remedy="GRANT what the server names to the user, or to a role of it (OPERATE ON SYSTEM).",
                    )
                )
            return None

    def _frontends(self, frontends: t.Sequence[Frontend]) -> t.List[t.Dict[str, t.Any]]:
        """All of them, and whether each living one answers under its own address from here."""
        living = [one for one in frontends if one.alive]
        _good, failed = self._cluster.on_each(living, self._ping)
        for one, error in failed.items():
            self._problems[f"frontend {one.address}"] = error.message
        return [
            {
                **dataclasses.asdict(one),
                "address": one.address,
                "reached_at": str(self._cluster.reach(one)),
                "reachable": one.alive and one not in failed,
            }
            for one in frontends
        ]

    def _ping(self, frontend: Frontend) -> None:
        self._cluster.query_on(frontend, "SELECT 1", "reach the frontend")

    def _nodes(self) -> t.List[t.Dict[str, t.Any]]:
        return [{**dataclasses.asdict(node), "address": node.address} for node in self._cluster.nodes()]

    def _volumes(self) -> t.List[str]:
        if not self._cluster.profile.storage_volumes:
            return []
        rows = self._cluster.query("SHOW STORAGE VOLUMES", "list the storage volumes")
        return sorted(str(row[0]) for row in rows.rows)

    def _databases(self) -> t.List[t.Dict[str, t.Any]]:
        """Every database with the tables that the user sees, and that there are: missing grants hide tables."""
        seen = {
            str(row["table_schema"]): int(row["found"])
            for row in self._cluster.query(
                "SELECT TABLE_SCHEMA, COUNT(*) AS FOUND FROM information_schema.tables GROUP BY TABLE_SCHEMA",
                "count the tables",
            ).records()
        }
        there = self._attempt("databases (SHOW PROC)", self._table_numbers)
        names = [name for name in sorted(set(seen) | set(there or {})) if name not in _SYSTEM]
        hidden = {
            name: [seen.get(name, 0), number]
            for name, number in sorted((there or {}).items())
            if seen.get(name, 0) < number and name not in _SYSTEM
        }
        if hidden and has_objects(self._cluster.version, "temporary_table"):
            # They are counted, and no other listing shows them.
            own = self._attempt("temporary tables", self._temporary_tables) or {}
            hidden = {name: found for name, found in hidden.items() if found[0] + own.get(name, 0) < found[1]}
        if hidden:
            self._findings.append(
                Finding(
                    id="starrocks.user.tables_hidden",
                    severity="warning",
                    subject=", ".join(list(hidden)[:_MOST_NAMED]),
                    evidence=hidden,
                    remedy="GRANT SELECT ON ALL TABLES IN ALL DATABASES to the user, or to a role of it.",
                )
            )
        return [
            {"name": name, "tables_seen": seen.get(name, 0), "tables": None if there is None else there.get(name)}
            for name in names
        ]

    def _temporary_tables(self) -> t.Dict[str, int]:
        return decode_temporary(self._cluster.query(TEMPORARY, "list the temporary tables"))

    def _table_numbers(self) -> t.Dict[str, int]:
        rows = self._cluster.query("SHOW PROC '/dbs'", "list the databases")
        # Up to 2.5 names may begin with the name of the cluster, which is always this one.
        return {str(row["dbname"]).rsplit(":", 1)[-1]: int(row["tablenum"]) for row in rows.records()}

    def _read_configs(
        self, living: t.Sequence[Frontend], keys: t.Sequence[str]
    ) -> t.Dict[str, t.Dict[str, t.Optional[str]]]:
        """By key and frontend; null where the frontend does not know the key, or could not be asked."""

        def read(frontend: Frontend) -> t.Dict[str, t.Optional[ConfigRow]]:
            return {key: read_config(self._cluster, frontend, key) for key in keys}

        good, failed = self._cluster.on_each(living, read)
        for frontend, error in failed.items():
            self._problems[f"configs of {frontend.address}"] = error.message
        found: t.Dict[str, t.Dict[str, t.Optional[str]]] = {}
        for key in keys:
            rows = {frontend: good.get(frontend, {}).get(key) for frontend in living}
            found[key] = {frontend.address: None if row is None else row.value for frontend, row in rows.items()}
        return found
