# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Tables of a cluster as small records, out of result sets of 10,000 rows and more. Pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import (
    SYSTEM_DATABASES,
    plain_database,
)

TABLES = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.tables"
NATIVE = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ENGINE, TABLE_MODEL, DISTRIBUTE_TYPE, PROPERTIES FROM "
    "information_schema.tables_config"
)
TEMPORARY = "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.temp_tables"
"""They live in their sessions. No other listing shows them, but ``SHOW PROC '/dbs'`` counts them."""
BASE_TABLE = "BASE TABLE"
COLOCATED, DYNAMIC, BLOOM = "colocated", "dynamic_partition", "bloom_filter"
PRIMARY_KEY, LOCAL_INDEX = "primary_key", "local_index"


class Table(t.NamedTuple):
    """A row of information_schema.tables. Materialized views are of type VIEW there."""

    database: str
    name: str
    type: str
    engine: str

    @property
    def full(self) -> str:
        """``db.table``."""
        return f"{self.database}.{self.name}"

    @property
    def external(self) -> bool:
        """Whether its data is somewhere else."""
        return self.type == BASE_TABLE and self.engine.upper() not in ("STARROCKS", "")


class Native(t.NamedTuple):
    """A row of information_schema.tables_config: a table whose data is the cluster's own. ``volume``: "" if none."""

    database: str
    name: str
    engine: str
    distribution: str
    volume: str
    traits: t.Tuple[str, ...]

    @property
    def full(self) -> str:
        """``db.table``."""
        return f"{self.database}.{self.name}"


def decode_tables(rows: Rows) -> t.Tuple[Table, ...]:
    """All but those of the system's databases; columns in the order of ``TABLES``."""
    same: t.Dict[str, str] = {}

    def one(text: t.Any) -> str:
        # Ten thousand tables are in a handful of databases, so each text is kept once.
        found = str("" if text is None else text)
        return same.setdefault(found, found)

    return tuple(
        Table(one(plain_database(str(row[0]))), str(row[1]), one(row[2]), one(row[3]))
        for row in rows.rows
        if plain_database(str(row[0])) not in SYSTEM_DATABASES
    )


def decode_natives(rows: Rows) -> t.Tuple[Native, ...]:
    """All but those of the system's databases; columns in the order of ``NATIVE``."""
    same: t.Dict[str, str] = {}
    kept: t.Dict[t.Tuple[str, ...], t.Tuple[str, ...]] = {}
    found: t.List[Native] = []
    for schema, name, engine, model, distribution, properties in rows.rows:
        database = plain_database(str(schema))
        if database in SYSTEM_DATABASES:
            continue
        given = _properties(properties)
        traits = tuple(_traits(str(model or ""), given))
        texts = (database, str(engine or ""), str(distribution or "").upper(), str(given.get("storage_volume") or ""))
        shared = [same.setdefault(text, text) for text in texts]
        found.append(Native(shared[0], str(name), shared[1], shared[2], shared[3], kept.setdefault(traits, traits)))
    return tuple(found)


def decode_databases(rows: Rows) -> t.Dict[str, int]:
    """Number of tables, views and materialized views by database, of ``SHOW PROC '/dbs'``."""
    found = {plain_database(str(record["dbname"])): int(str(record.get("tablenum") or 0)) for record in rows.records()}
    return {name: count for name, count in found.items() if name not in SYSTEM_DATABASES}


def decode_temporary(rows: Rows) -> t.Dict[str, int]:
    """Number of temporary tables by database; columns in the order of ``TEMPORARY``."""
    found: t.Dict[str, int] = {}
    for row in rows.rows:
        database = plain_database(str(row[0]))
        found[database] = found.get(database, 0) + 1
    return found


def hidden(
    databases: t.Mapping[str, int], tables: t.Iterable[Table], temporary: t.Mapping[str, int]
) -> t.Dict[str, int]:
    """How many tables of each database the user does not see: a server leaves them out without a word.

    ``temporary``: those that no listing shows, but that are counted.
    """
    seen: t.Dict[str, int] = {}
    for table in tables:
        seen[table.database] = seen.get(table.database, 0) + 1
    missing = {name: count - seen.get(name, 0) - temporary.get(name, 0) for name, count in databases.items()}
    return {name: count for name, count in sorted(missing.items()) if count > 0}


def _properties(text: t.Any) -> t.Mapping[str, t.Any]:
    try:
        found = json.loads(text) if text else {}
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _traits(model: str, properties: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if properties.get("colocate_with"):
        yield COLOCATED
    if str(properties.get("dynamic_partition.enable", "")).lower() == "true":
        yield DYNAMIC
    if properties.get("bloom_filter_columns"):
        yield BLOOM
    if model.upper().replace("_", " ") in ("PRIMARY KEYS", "PRIMARY KEY", "PRI KEYS"):
        yield PRIMARY_KEY
        if str(properties.get("persistent_index_type", "")).upper() == "LOCAL":
            yield LOCAL_INDEX
