# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The FE and BE/CN configs that a migration is about: since when, with which default, and of which kind.

Facts 2.1, 2.3 and 2.4, read at the release tags. What a server says of itself (``ADMIN SHOW FRONTEND CONFIG``) always
counts more; this is for sentences about versions that do not know a key, and for defaults when a journal is lost.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import since

Firsts = t.Tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Setting:
    """A config as one version has it. ``default`` as the server prints it."""

    key: str
    kind: str
    default: str
    mutable: bool


@dataclasses.dataclass(frozen=True)
class _History:
    """``defaults``: (first releases, default), the newest first. ``mutable_since``: None for never."""

    kind: str
    defaults: t.Tuple[t.Tuple[Firsts, str], ...]
    mutable_since: t.Optional[Firsts] = ("2.5.0",)


_ALWAYS: Firsts = ("2.5.0",)
_REPLICATION: Firsts = ("3.1.8", "3.2.3", "3.3.0")
_REPLICA_COUNT: Firsts = ("3.1.12", "3.2.7", "3.3.0")
_LAKE: Firsts = ("3.1.0",)
_HISTORY: t.Mapping[str, _History] = {
    "enable_legacy_compatibility_for_replication": _History("boolean", ((("3.1.10", "3.2.5", "3.3.0"), "false"),)),
    "replication_max_parallel_table_count": _History("int", ((_REPLICATION, "100"),)),
    "replication_max_parallel_replica_count": _History("int", ((_REPLICA_COUNT, "10240"),)),
    "replication_max_parallel_data_size_mb": _History("int", ((_REPLICA_COUNT, "1048576"), (_REPLICATION, "10240"))),
    "replication_transaction_timeout_sec": _History(
        "int", ((("3.1.16", "3.2.12", "3.3.5", "3.4.0"), "86400"), (("3.1.7", "3.2.3", "3.3.0"), "3600"))
    ),
    "replication_interval_ms": _History("int", ((_REPLICA_COUNT, "100"), (_REPLICATION, "10")), None),
    "lake_compaction_max_tasks": _History("int", ((("3.0.0",), "-1"),), _LAKE),
    "lake_autovacuum_grace_period_minutes": _History("long", ((("3.1.10", "3.2.5", "3.3.0"), "30"), (_LAKE, "5"))),
    "lake_autovacuum_stale_partition_threshold": _History("long", ((_LAKE, "12"),)),
    "lake_autovacuum_partition_naptime_seconds": _History("long", ((_LAKE, "180"),)),
    "lake_autovacuum_parallel_partitions": _History("int", ((_LAKE, "8"),), None),
    "lake_autovacuum_max_previous_versions": _History("int", ((_LAKE, "0"),)),
    "catalog_trash_expire_second": _History("long", ((_ALWAYS, "86400"),)),
    "disable_load_job": _History("boolean", ((_ALWAYS, "false"),)),
    "max_running_txn_num_per_db": _History("int", ((_LAKE, "1000"), (_ALWAYS, "100"))),
    "max_show_proc_transactions_entry": _History("int", ((_ALWAYS, "2000"),)),
    "tablet_stat_update_interval_second": _History("int", ((_ALWAYS, "300"),)),
    "run_mode": _History("String", ((("3.0.0",), "shared_nothing"),), None),
}
_LIMITS: Firsts = ("3.3.2",)
_SINCE_ONLY: t.Mapping[str, Firsts] = {
    "auto_partition_max_creation_number_per_load": _LIMITS,
    "max_partition_number_per_table": _LIMITS,
    "max_bucket_number_per_partition": _LIMITS,
    "max_column_number_per_table": _LIMITS,
    "lake_compaction_disable_tables": ("3.2.7", "3.3.0"),
    "tablet_reshard_enable_tablet_merge": ("4.1.0",),
    "tablet_reshard_target_size": ("4.1.0",),
    "enable_range_distribution": ("4.1.0",),
}
_COMPARED = (
    "auto_partition_max_creation_number_per_load",
    "enable_range_distribution",
    "max_bucket_number_per_partition",
    "max_column_number_per_table",
    "max_partition_number_per_table",
    "max_running_txn_num_per_db",
)
"""What tables and loads a cluster accepts. Few, for each is a question to both clusters; none that a migration sets by
itself, or it would be told of its own doing."""
_NODE_SINCE: t.Mapping[str, Firsts] = {
    "replication_threads": ("3.1.7", "3.2.3", "3.3.0"),
    "replication_max_speed_limit_kbps": ("3.1.17", "3.2.16", "3.3.14", "3.4.0"),
    "replication_min_speed_limit_kbps": ("3.1.17", "3.2.16", "3.3.14", "3.4.0"),
    "replication_min_speed_time_seconds": ("3.1.17", "3.2.16", "3.3.14", "3.4.0"),
}
COLUMN_FILTER = "enable_filter_unused_columns_in_scan_stage"
"""A global variable (facts 2.2)."""

_SECRET = re.compile(
    r"(?i)(?:passw(?:or)?d|_pwd\b|secret|credential|access_key|shared_key|account_key|sas_token|private_key|master_key)"
)


def frontend_settings(version: Version) -> t.Dict[str, Setting]:
    """The FE configs above that this version knows, by key."""
    found: t.Dict[str, Setting] = {}
    for key, history in _HISTORY.items():
        default = next((value for firsts, value in history.defaults if since(version, *firsts)), None)
        if default is not None:
            mutable = history.mutable_since is not None and since(version, *history.mutable_since)
            found[key] = Setting(key, history.kind, default, mutable)
    return found


def variable_defaults(version: Version) -> t.Dict[str, str]:
    """The global variables that a migration sets, with their defaults, as far as this version's are on record."""
    return {COLUMN_FILTER: "true"} if since(version, "3.1.0") else {}


def compared_keys(version: Version) -> t.Tuple[str, ...]:
    """The FE configs that should be alike on source and target, of those that this version knows."""
    return tuple(key for key in _COMPARED if since(version, *_first_releases(key)))


def frontend_key_since(key: str) -> str:
    """``3.1.10, 3.2.5 and 3.3.0``: the first releases that know an FE config; "" when that is not on record."""
    return _joined(_first_releases(key))


def node_key_since(key: str) -> str:
    """The same for a config of BEs and CNs."""
    return _joined(_NODE_SINCE.get(key, ()))


def is_secret(key: str) -> bool:
    """Whether a config's value must never be shown. The server masks none (``ssl_keystore_password``, ...)."""
    return _SECRET.search(key) is not None


def _first_releases(key: str) -> Firsts:
    history = _HISTORY.get(key)
    return history.defaults[-1][0] if history is not None else _SINCE_ONLY.get(key, ())


def _joined(firsts: t.Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(firsts[:-1]), "".join(firsts[-1:])) if part)
