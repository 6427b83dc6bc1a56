# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frontends' config items of one version: type, default, mutability, aliases (facts 1.2, 2.1, 2.3).

Values are kept as the texts that ADMIN SHOW FRONTEND CONFIG prints.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from lab.starrocks.profiles import Profile

INTEGERS = {"int": 32, "long": 64, "short": 16}


@dataclass(frozen=True)
class Item:
    """One config item; ``type`` is Java's simple name."""

    key: str
    type: str
    default: str
    mutable: bool = True
    aliases: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """The key and its aliases."""
        return (self.key, *self.aliases)

    def normalise(self, text: str) -> str:
        """The value that is stored for a text, as Java parses it; ValueError with Java's words for a bad number."""
        text = text.strip()
        if self.type.endswith("[]"):
            scalar = Item(self.key, self.type[:-2], "")
            return "[%s]" % ", ".join(scalar.normalise(part) for part in text.split(",") if part.strip())
        if self.type == "boolean":
            return "true" if text.lower() == "true" else "false"
        if self.type in INTEGERS:
            return _integer(text, INTEGERS[self.type])
        if self.type == "double":
            return _double(text)
        return text


def _integer(text: str, bits: int) -> str:
    if not re.match(r"[+-]?\d+$", text) or not -(1 << (bits - 1)) <= int(text) < 1 << (bits - 1):
        raise ValueError('For input string: "%s"' % text)
    return str(int(text))


def _double(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        raise ValueError('For input string: "%s"' % text) from None
    return repr(value)


def _catalogue(profile: Profile) -> t.Iterator[Item]:
    since = profile.since
    # Everywhere, 2.5 included.
    yield Item("disable_load_job", "boolean", "false")
    yield Item("catalog_trash_expire_second", "long", "86400")
    yield Item("max_running_txn_num_per_db", "int", "1000" if since("3.1") else "100")
    yield Item("max_show_proc_transactions_entry", "int", "2000")
    yield Item("tablet_stat_update_interval_second", "int", "300")
    yield Item("db_used_data_quota_update_interval_secs", "int", "300")
    yield Item("history_job_keep_max_second", "int", "604800")
    yield Item("label_keep_max_second", "int", "259200")
    yield Item("label_keep_max_num", "int", "1000")
    yield Item("thrift_rpc_timeout_ms", "int", "10000")
    yield Item("default_replication_num", "short", "3")
    yield Item("statistic_auto_collect_ratio", "double", "0.8")
    yield Item("sys_log_level", "String", "INFO", mutable=False)
    yield Item("sys_log_verbose_modules", "String[]", "[]", mutable=False)
    yield Item("audit_log_modules", "String[]", "[slow_query, query]", mutable=False)
    yield Item("tablet_sched_disable_balance", "boolean", "false", aliases=("disable_balance",))
    yield Item("http_port", "int", "8030", mutable=False)
    yield Item("query_port", "int", "9030", mutable=False)
    yield Item("rpc_port", "int", "9020", mutable=False)
    yield Item("edit_log_port", "int", "9010", mutable=False)
    yield Item("meta_dir", "String", "/opt/starrocks/fe/meta", mutable=False)
    yield Item("priority_networks", "String", "", mutable=False)
    yield Item("ssl_keystore_location", "String", "", mutable=False)
    yield Item("ssl_keystore_password", "String", "", mutable=False)
    yield Item("ssl_force_secure_transport", "boolean", "false", mutable=False)
    if since("3.0"):
        yield Item("run_mode", "String", profile.run_mode, mutable=False)
        yield Item("cloud_native_meta_port", "int", "6090", mutable=False)
        yield Item("lake_compaction_max_tasks", "int", "-1", mutable=since("3.1"))
        yield Item("aws_s3_access_key", "String", "", mutable=False)
        yield Item("aws_s3_secret_key", "String", "", mutable=False)
    if since("3.1"):
        yield Item("enable_load_volume_from_conf", "boolean", "false", mutable=False)
        grace = "30" if since("3.1.10", "3.2.5", "3.3") else "5"
        yield Item("lake_autovacuum_grace_period_minutes", "long", grace)
        yield Item("lake_autovacuum_stale_partition_threshold", "long", "12")
        yield Item("lake_autovacuum_partition_naptime_seconds", "long", "180")
        yield Item("lake_autovacuum_parallel_partitions", "int", "8", mutable=False)
        yield Item("lake_autovacuum_max_previous_versions", "int", "0")
        yield Item("max_get_partitions_meta_result_count", "int", "100000")
    yield from _replication(profile)
    if since("3.2.7", "3.3"):
        yield _disable_compaction(profile)
    if since("3.3.2"):
        yield Item("auto_partition_max_creation_number_per_load", "int", "4096")
        yield Item("max_partition_number_per_table", "int", "100000")
        yield Item("max_bucket_number_per_partition", "int", "1024")
        yield Item("max_column_number_per_table", "int", "10000")
    if since("3.5"):
        yield Item("default_master_key", "String", "", mutable=False)
    if profile.tablet_reshard:
        yield Item("tablet_reshard_enable_tablet_merge", "boolean", "true")
        yield Item("tablet_reshard_target_size", "long", "1073741824")
        yield Item("enable_range_distribution", "boolean", "false")
        for load in ("insert_from_files", "broker_load", "insert_from_table"):
            yield Item("enable_tablet_pre_split_for_%s" % load, "boolean", "true")
        yield Item("enable_execute_script_on_frontend", "boolean", "false", mutable=False)


def _replication(profile: Profile) -> t.Iterator[Item]:
    since = profile.since
    if since("3.1.7", "3.2.3", "3.3"):
        long = since("3.1.16", "3.2.12", "3.3.5", "3.4")
        yield Item("replication_transaction_timeout_sec", "int", "86400" if long else "3600")
    if since("3.1.8", "3.2.3", "3.3"):
        newer = since("3.1.12", "3.2.7", "3.3")
        yield Item("replication_max_parallel_table_count", "int", "100")
        yield Item("replication_max_parallel_data_size_mb", "int", "1048576" if newer else "10240")
        yield Item("replication_interval_ms", "int", "100" if newer else "10", mutable=False)
        if newer:
            yield Item("replication_max_parallel_replica_count", "int", "10240")
    if since("3.1.10", "3.2.5", "3.3"):
        yield Item("enable_legacy_compatibility_for_replication", "boolean", "false")


def _disable_compaction(profile: Profile) -> Item:
    # Renamed on "later 3.4/3.5 branches and main"; the first tags that have it are not known.
    if profile.since("3.4.5", "3.5.1", "4.0"):
        return Item("lake_compaction_disable_ids", "String", "", aliases=("lake_compaction_disable_tables",))
    return Item("lake_compaction_disable_tables", "String", "")


class Catalogue:
    """All items of a version, found by key or alias, in the order in which SHOW prints them."""

    def __init__(self, profile: Profile) -> None:
        self.items = sorted(_catalogue(profile), key=lambda item: item.key)
        self._by_name = {name: item for item in self.items for name in item.names()}

    def find(self, name: str) -> Item | None:
        """The item of a key or an alias."""
        return self._by_name.get(name)

    def defaults(self) -> dict[str, str]:
        """key -> default"""
        return {item.key: item.default for item in self.items}


@dataclass(frozen=True)
class NodeItem:
    """A config item of backends and compute nodes."""

    name: str
    type: str
    default: str
    mutable: bool = True


def node_items(profile: Profile) -> list[NodeItem]:
    """The BE/CN items that matter (facts 2.4), by name."""
    since = profile.since
    items = [
        NodeItem("be_http_port" if since("3.0") else "webserver_port", "int", "8040", mutable=False),
        NodeItem("be_port", "int", "9060", mutable=False),
        NodeItem("report_tablet_interval_seconds", "int", "60"),
        NodeItem("storage_root_path", "string", "${STARROCKS_HOME}/storage", mutable=False),
    ]
    if since("3.1.7", "3.2.3", "3.3"):
        adjustable = since("3.1.8", "3.2.3", "3.3")
        items.append(NodeItem("replication_threads", "int", "0" if adjustable else "64", mutable=adjustable))
        items.append(NodeItem("clear_expired_replication_snapshots_interval_seconds", "int", "3600"))
    if since("3.1.17", "3.2.16", "3.3.14", "3.4"):
        items.append(NodeItem("replication_max_speed_limit_kbps", "int", "50000"))
        items.append(NodeItem("replication_min_speed_limit_kbps", "int", "50"))
        items.append(NodeItem("replication_min_speed_time_seconds", "int", "300"))
    if since("3.5"):
        items.append(NodeItem("enable_transparent_data_encryption", "bool", "false", mutable=False))
    return sorted(items, key=lambda item: item.name)
