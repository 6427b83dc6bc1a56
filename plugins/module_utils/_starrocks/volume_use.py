# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which storage volumes the selected tables use, and which one each of them gets on the target. Pure but for one read.

``information_schema.tables_config`` tells it in bulk (3.1.9, 3.2.4, 3.3 and newer); for a table whose properties say
nothing of a volume, ``SHOW CREATE TABLE`` is asked.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import BUILTIN

TABLES_CONFIG = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ENGINE, PROPERTIES FROM information_schema.tables_config"
LAKE_ENGINE = "CLOUD_NATIVE"
"""Not that of materialized views, whose data stays where it is: CLOUD_NATIVE_MATERIALIZED_VIEW."""
_PROPERTY = re.compile(r'"storage_volume"\s*=\s*"((?:[^"\\]|\\.)*)"')


@dataclasses.dataclass(frozen=True)
class Use:
    """A volume and the tables that use it (``db.table``), sorted."""

    volume: str
    tables: t.Tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Destinations:
    """The two properties of the sync tool that say where tables go."""

    builtin_only: bool = False
    volume: str = ""

    def of(self, source: str) -> str:
        """The volume of the target in which the tables of a volume of the source are made; rules in their order."""
        if self.builtin_only:
            return BUILTIN
        return self.volume or source

    def why(self, source: str) -> str:
        """The rule that decided, for people."""
        if self.builtin_only:
            return "target_cluster_use_builtin_storage_volume_only is true"
        if self.volume:
            return f"target_cluster_storage_volume is {self.volume}"
        return f"tables keep the name of their volume, {source}"


class UsesReader(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""


def read_uses(server: UsesReader, scope: Scope) -> t.List[Use]:
    """The volumes in use by the tables of the scope, by name; shared-nothing tables use none."""
    rows = server.query(TABLES_CONFIG, "find out which storage volumes the tables use")
    found, unsaid = uses_of(rows, scope)
    for database, table in unsaid:
        sql = f"SHOW CREATE TABLE {quote_identifier(database)}.{quote_identifier(table)}"
        created = next(iter(server.query(sql, f"look at table {database}.{table}").rows), ())
        volume = volume_of_statement(str(created[1]) if len(created) > 1 else "")
        found.setdefault(volume, []).append(f"{database}.{table}")
    return [Use(name, tuple(sorted(tables))) for name, tables in sorted(found.items())]


def uses_of(rows: Rows, scope: Scope) -> t.Tuple[t.Dict[str, t.List[str]], t.List[t.Tuple[str, str]]]:
    """Tables by volume, and the lake tables (database, name) whose properties name none."""
    found: t.Dict[str, t.List[str]] = {}
    unsaid: t.List[t.Tuple[str, str]] = []
    for row in rows.records():
        database, table = str(row["table_schema"]), str(row["table_name"])
        if str(row["table_engine"]).upper() != LAKE_ENGINE or not scope.takes(database, table):
            continue
        volume = volume_of_properties(row.get("properties"))
        if volume:
            found.setdefault(volume, []).append(f"{database}.{table}")
        else:
            unsaid.append((database, table))
    return found, unsaid


def volume_of_properties(text: t.Any) -> str:
    """The volume that a PROPERTIES cell (JSON) names, "" when it names none or is none."""
    try:
        properties = json.loads(text) if text else {}
    except (TypeError, ValueError):
        return ""
    return str(properties.get("storage_volume") or "") if isinstance(properties, dict) else ""


def volume_of_statement(text: str) -> str:
    """The volume that a CREATE TABLE names. One without is in the built-in one, as the server itself says."""
    match = _PROPERTY.search(text)
    return match.group(1) if match is not None else BUILTIN
