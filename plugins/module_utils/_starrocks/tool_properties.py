# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Every property of the sync tool's conf/sync.properties that the vendor's manual and its revisions tell of.

Which of them a release has is told by the file that comes with it, never by this list; this one gives types, and what
a switch that is on lets the tool drop. Source: the vendor's manual, and its revisions from February 2024 on.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_int, as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

BOOL, INT, TEXT, SECRET, NAMES = "bool", "int", "text", "secret", "names"

ONE_TIME = "one_time_run_mode"
REPORT_INTERVAL = "report_interval_seconds"
TOKEN = "source_cluster_token"  # noqa: S105 - the name of a property

PERSISTENT_INDEX = "target_cluster_enable_persistent_index"

KINDS: t.Mapping[str, str] = {
    ONE_TIME: BOOL,
    "source_fe_host": TEXT,
    "source_fe_query_port": INT,
    "source_cluster_user": TEXT,
    "source_cluster_password": SECRET,
    "source_cluster_password_secret_key": SECRET,
    TOKEN: SECRET,
    "target_fe_host": TEXT,
    "target_fe_query_port": INT,
    "target_cluster_user": TEXT,
    "target_cluster_password": SECRET,
    "target_cluster_password_secret_key": SECRET,
    "jdbc_connect_timeout_ms": INT,
    "jdbc_socket_timeout_ms": INT,
    "include_data_list": NAMES,
    "exclude_data_list": NAMES,
    "target_cluster_storage_volume": TEXT,
    "target_cluster_use_builtin_storage_volume_only": BOOL,
    "target_cluster_replication_num": INT,
    "target_cluster_max_disk_used_percent": INT,
    PERSISTENT_INDEX: TEXT,
    "max_replication_data_size_per_job_in_gb": INT,
    "meta_job_interval_seconds": INT,
    "meta_job_threads": INT,
    "ddl_job_interval_seconds": INT,
    "ddl_job_batch_size": INT,
    "ddl_job_allow_drop_target_only": BOOL,
    "ddl_job_allow_drop_schema_change_table": BOOL,
    "ddl_job_allow_drop_inconsistent_partition": BOOL,
    "ddl_job_allow_drop_inconsistent_time_partition": BOOL,
    "ddl_job_allow_drop_partition_target_only": BOOL,
    "enable_bitmap_index_sync": BOOL,
    "ddl_job_allow_drop_inconsistent_bitmap_index": BOOL,
    "ddl_job_allow_drop_bitmap_index_target_only": BOOL,
    "enable_materialized_view_sync": BOOL,
    "ddl_job_allow_drop_inconsistent_materialized_view": BOOL,
    "ddl_job_allow_drop_materialized_view_target_only": BOOL,
    "enable_view_sync": BOOL,
    "ddl_job_allow_drop_inconsistent_view": BOOL,
    "ddl_job_allow_drop_view_target_only": BOOL,
    "replication_job_interval_seconds": INT,
    "replication_job_batch_size": INT,
    REPORT_INTERVAL: INT,
    "enable_table_property_sync": BOOL,
    "enable_privilege_sync": BOOL,
    "ddl_job_allow_drop_user_target_only": BOOL,
    "ddl_job_allow_drop_role_target_only": BOOL,
    "ddl_job_allow_drop_inconsistent_user": BOOL,
    "ddl_job_allow_revoke_grant_target_only": BOOL,
    "privilege_sync_exclude_users": NAMES,
    "privilege_sync_exclude_roles": NAMES,
}

PASSWORDS: t.Mapping[str, str] = {
    "source_cluster_password_secret_key": "source_cluster_password",
    "target_cluster_password_secret_key": "target_cluster_password",
}
"""The password that each key is for. With its key, a password stands encrypted in the file (facts 5.2)."""

SECRETS = frozenset(name for name, kind in KINDS.items() if kind == SECRET)

LOGINS: t.Mapping[str, str] = {
    name: f"STARROCKS_{name}".upper() for name in ("source_cluster_user", "target_cluster_user", *sorted(SECRETS))
}
"""How the tool logs in, by property, with the environment variable that its option falls back on."""

_RANGES: t.Mapping[str, t.Tuple[int, int]] = {
    "source_fe_query_port": (1, 65535),
    "target_fe_query_port": (1, 65535),
    "target_cluster_replication_num": (-1, 1000),
    "target_cluster_max_disk_used_percent": (1, 100),
    "max_replication_data_size_per_job_in_gb": (-1, 2**31 - 1),
}

DROPS: t.Mapping[str, t.Tuple[str, str]] = {
    "ddl_job_allow_drop_target_only": ("databases and tables that are on the target only", ""),
    "ddl_job_allow_drop_schema_change_table": ("tables whose schema differs from the source's", ""),
    "ddl_job_allow_drop_inconsistent_partition": ("partitions whose distribution differs from the source's", ""),
    "ddl_job_allow_drop_inconsistent_time_partition": ("partitions whose time differs from the source's", ""),
    "ddl_job_allow_drop_partition_target_only": ("partitions that are on the target only", ""),
    "ddl_job_allow_drop_inconsistent_bitmap_index": ("bitmap indexes that differ", "enable_bitmap_index_sync"),
    "ddl_job_allow_drop_bitmap_index_target_only": (
        "bitmap indexes that are on the target only",
        "enable_bitmap_index_sync",
    ),
    "ddl_job_allow_drop_inconsistent_materialized_view": (
        "materialized views that differ",
        "enable_materialized_view_sync",
    ),
    "ddl_job_allow_drop_materialized_view_target_only": (
        "materialized views that are on the target only",
        "enable_materialized_view_sync",
    ),
    "ddl_job_allow_drop_inconsistent_view": ("views that differ", "enable_view_sync"),
    "ddl_job_allow_drop_view_target_only": ("views that are on the target only", "enable_view_sync"),
    "ddl_job_allow_drop_user_target_only": ("users that are on the target only", "enable_privilege_sync"),
    "ddl_job_allow_drop_role_target_only": ("roles that are on the target only", "enable_privilege_sync"),
    "ddl_job_allow_drop_inconsistent_user": ("users that differ", "enable_privilege_sync"),
    "ddl_job_allow_revoke_grant_target_only": ("grants that are on the target only", "enable_privilege_sync"),
}
"""What a switch that is on lets the tool drop from the *target*, and the switch without which it does nothing."""

_NAME = re.compile(r"[^\s,.`'\"]+")


def as_property(name: str, value: t.Any) -> str:
    """A module option's value as the file has it; InvalidOption names what is wrong."""
    kind = KINDS.get(name, TEXT)
    if kind == BOOL:
        # Java takes every word but "true" for false, so no other word is ever written.
        return "true" if as_bool(value, name) else "false"
    if kind == INT:
        low, high = _RANGES.get(name, (1, 2**31 - 1))
        return str(as_int(value, name, low, high))
    if kind == NAMES:
        return ",".join(_names(name, value))
    if name == PERSISTENT_INDEX:
        # "To maintain consistency with the source cluster, use null", says the comment of the shipped file.
        text = str(value).strip()
        return "" if text.lower() in ("", "null") else "true" if as_bool(value, name) else "false"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return _token(text.strip()) if name == TOKEN else text if kind == SECRET else text.strip()


def _token(text: str) -> str:
    """The file VERSION says ``token=...`` (facts 4.2), and only what is behind that is the token."""
    if text.startswith("token="):
        raise InvalidOption(TOKEN, "it begins with token=", "Give only what stands behind that in meta/image/VERSION")
    return text


def _names(name: str, value: t.Any) -> t.List[str]:
    """``db`` and ``db.table``, or users and roles, as they are."""
    items = [str(item).strip() for item in as_list(value, name)]
    if name.endswith("_data_list"):
        for item in items:
            parts = item.split(".")
            if len(parts) > 2 or not all(_NAME.fullmatch(part) for part in parts):
                raise InvalidOption(name, f"{item!r} is no database and no table", "Give db or db.table")
    else:
        for item in items:
            if "," in item or not item:
                raise InvalidOption(name, f"{item!r} is no name", "Give a list of names without commas")
    return items


def unspoken_drops(effective: t.Mapping[str, str], given: t.Collection[str]) -> t.Dict[str, str]:
    """The switches that are on, although nobody said so: name to what it lets the tool drop from the target.

    ``effective``: the properties as they will be. ``given``: the names that were given on purpose.
    """
    found = {}
    for name, (what, needs) in DROPS.items():
        on = effective.get(name, "").strip().lower() == "true"
        if on and name not in given and (not needs or effective.get(needs, "").strip().lower() == "true"):
            found[name] = what
    return found


def lonely_keys(given: t.Mapping[str, t.Any]) -> t.List[InvalidOption]:
    """Keys without what was encrypted with them: the tool would decrypt nothing, or a password in clear."""
    return [
        InvalidOption(
            key,
            f"{password} is not given with it",
            f"Give in {password} what was encrypted with this key, or leave the key out for a password in clear",
        )
        for key, password in PASSWORDS.items()
        if given.get(key) and not given.get(password)
    ]


def shown(properties: t.Mapping[str, str], mask: str) -> t.Dict[str, str]:
    """Properties for people: secrets that are set are masked."""
    return {name: mask if value and is_secret(name) else value for name, value in properties.items()}


def is_secret(name: str) -> bool:
    """Whether a property is one of the known secrets, or sounds like one."""
    return name in SECRETS or name.endswith(("password", "secret", "secret_key", "token"))
