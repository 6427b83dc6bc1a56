# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The exact texts that are sent: SQL statements and admin paths, by dialect.

Check mode predicts with these same functions. Arguments of ADMIN are plain literals, which is all it accepts.
Queries have no condition on region or peer columns before 1.0.0, where such a condition silently loses rows.
"""

from __future__ import annotations

import typing as t
from urllib.parse import urlencode

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import ADMIN, HTTP, Dialect

NIL_PROCEDURE = "00000000-0000-0000-0000-000000000000"
"""An id that no procedure has. Asking for its state acts on nothing and tells whether the user may run ADMIN."""

_IN_LIST_LIMIT = 512
"""Longer lists cost the server more than reading the whole table does."""


def submit_request(dialect: Dialect, region_id: int, from_peer: int, to_peer: int, timeout_seconds: int) -> str:
    """The statement, or ``POST /admin/region-migration?...`` for the HTTP generation."""
    if dialect.submit_form == HTTP:
        query: dict[str, t.Any] = {"region_id": region_id, "from_peer_id": from_peer, "to_peer_id": to_peer}
        if dialect.sends_timeout:
            query["replay_timeout"] = f"{timeout_seconds}s"
        return "POST /admin/region-migration?" + urlencode(query)
    call = f"migrate_region({int(region_id)}, {int(from_peer)}, {int(to_peer)}, {int(timeout_seconds)})"
    return _call(dialect, call)


def flush_request(dialect: Dialect, region_id: int) -> str:
    """The statement that flushes one region."""
    return _call(dialect, f"flush_region({int(region_id)})")


def state_request(dialect: Dialect, procedure_id: str) -> str:
    """The statement that asks for one procedure's state."""
    return _call(dialect, f"procedure_state({text_literal(procedure_id)})")


def _call(dialect: Dialect, call: str) -> str:
    return ("ADMIN " if dialect.submit_form == ADMIN else "SELECT ") + call


def maintenance_request(dialect: Dialect, enabled: bool) -> str:
    """``METHOD path`` that sets maintenance mode."""
    word = "true" if enabled else "false"
    forms = {
        "set_path": f"POST /admin/maintenance/set?enable={word}",
        "put_query": f"PUT /admin/maintenance?enable={word}",
        "json_query": f"PUT /admin/maintenance?enable={word}",
        "post_path": "POST /admin/maintenance/" + ("enable" if enabled else "disable"),
    }
    return forms[str(dialect.maintenance_form)]


def text_literal(value: str) -> str:
    """A string as SQL writes it. Backslashes have no meaning in the server's dialect."""
    return "'" + value.replace("'", "''") + "'"


def select(columns: t.Sequence[str], table: str, condition: str = "") -> str:
    """A query over constant names; every value in ``condition`` has been through ``text_literal`` or ``int``."""
    return " ".join(("SELECT", ", ".join(columns), "FROM", table)) + (f" WHERE {condition}" if condition else "")


PEER_COLUMNS = ("region_id", "peer_id", "is_leader", "status", "down_seconds")


def peers_query(dialect: Dialect, *, table_names: t.Collection[str] = (), region_ids: t.Collection[int] = ()) -> str:
    """Placement of all regions, narrowed only where that is safe: by region from 1.0.0, by table from 0.14.0."""
    condition = ""
    if region_ids and dialect.safe_region_predicate and len(region_ids) <= _IN_LIST_LIMIT:
        condition = f"region_id IN ({', '.join(str(int(region_id)) for region_id in sorted(region_ids))})"
    elif table_names and dialect.peers_have_table_names and len(table_names) <= _IN_LIST_LIMIT:
        condition = f"table_name IN ({', '.join(text_literal(name) for name in sorted(table_names))})"
    return select(PEER_COLUMNS, f"information_schema.{dialect.region_peers_table}", condition)


def cluster_query(dialect: Dialect) -> str:
    """All nodes. No condition: comparing ``peer_id`` never matches up to 0.17.2."""
    columns = ["peer_id", "peer_type", "peer_addr", "version", "active_time"]
    if dialect.has_user_modes:
        columns.append("node_status")
    return select(columns, "information_schema.cluster_info")


def procedures_query(active_only: bool) -> str:
    """Procedures in the memory of the metasrv leader."""
    columns = ("procedure_id", "procedure_type", "start_time", "end_time", "status", "lock_keys")
    condition = "status NOT IN ('Done', 'Failed', 'Poisoned')" if active_only else ""
    return select(columns, "information_schema.procedure_info", condition)


def statistics_query(dialect: Dialect) -> str:
    """Sizes of all regions."""
    columns = ["region_id", "memtable_size", "manifest_size", "sst_size", "engine", "region_role"]
    if dialect.statistics_have_disk_size:
        columns += ["region_rows", "disk_size"]
    return select(columns, "information_schema.region_statistics")


def tables_query(with_options: bool) -> str:
    """All tables with their ids."""
    columns = ["table_schema", "table_name", "table_id", "engine"]
    return select(columns + (["create_options"] if with_options else []), "information_schema.tables")


def partitions_query() -> str:
    """Names of partitions by region."""
    columns = ("greptime_partition_id", "partition_name")
    return select(columns, "information_schema.partitions")


def region_info_query(region_ids: t.Collection[int]) -> str:
    """What the datanodes say of regions; of all of them without ids."""
    condition = ""
    if 0 < len(region_ids) <= _IN_LIST_LIMIT:
        condition = f"region_id IN ({', '.join(str(int(region_id)) for region_id in sorted(region_ids))})"
    columns = ("region_id", "node_id", "state", "writable", "region_options")
    return select(columns, "information_schema.region_info", condition)


def events_query(region_id: int | None) -> str:
    """Recorded region migrations, of one region or of all."""
    columns = (
        "procedure_id",
        "procedure_state",
        "procedure_error",
        "timestamp",
        "region_id",
        "region_migration_src_node_id",
        "region_migration_dst_node_id",
    )
    condition = "type = 'region_migration'"
    if region_id is not None:
        condition += f" AND region_id = {int(region_id)}"
    return select(columns, "greptime_private.events", condition)
