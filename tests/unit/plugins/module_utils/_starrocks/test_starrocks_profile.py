# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between versions, at the releases where it changed."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import (
    compared_keys,
    frontend_key_since,
    frontend_settings,
    is_secret,
    node_key_since,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version, since


def version(text: str) -> Version:
    found = parse_version(text)
    assert found is not None
    return found


def profile(text: str) -> Profile:
    return Profile.choose(version(text), "shared_data")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3.3.14-1a2b3c4", "3.3.14"),
        ("StarRocks version 2.5.0", "2.5.0"),
        ("2.5.13 abcdef", "2.5.13"),
        ("3.5.0-rc01-dead", "3.5.0-rc01"),
        ("3.5.0-RC01", "3.5.0-rc01"),
        ("UNKNOWN", None),
        ("main-37c7c51", None),
        ("", None),
        ("3.3", None),
        ("10.1.0.11", None),
    ],
)
def test_versions(text: str, found: str) -> None:
    parsed = parse_version(text)
    assert (None if parsed is None else str(parsed)) == found


def test_since_goes_by_branch() -> None:
    firsts = ("3.1.10", "3.2.5", "3.3.0")
    known = [
        one for one in ("3.1.9", "3.1.10", "3.2.0", "3.2.4", "3.2.5", "3.3.0", "4.1.0") if since(version(one), *firsts)
    ]
    assert known == ["3.1.10", "3.2.5", "3.3.0", "4.1.0"]
    assert not since(version("3.0.9"), *firsts)
    assert not since(version("3.2.9"), "3.1.5", "3.3.0")
    assert since(version("3.5.0-rc01"), "3.5.0")


@pytest.mark.parametrize(
    ("name", "without", "having"),
    [
        ("with_persistent", "3.4.4", "3.5.0-rc01"),
        ("update_be_configs", "3.0.9", "3.1.0"),
        ("partitions_meta", "3.1.8", "3.1.9"),
        ("partitions_meta", "3.2.3", "3.2.4"),
        ("partitions_meta_data_version", "3.3.1", "3.3.2"),
        ("partitions_meta_data_version", "3.2.16", "3.4.0"),
        ("partitioned_prefix", "3.2.3", "3.2.4"),
        ("replications_proc", "3.3.3", "3.3.4"),
        ("replications_proc", "3.2.10", "3.2.11"),
        ("lake_replication_target", "4.0.5", "4.1.0"),
        ("replication_target", "3.1.8", "3.1.9"),
        ("replication_target", "3.2.3", "3.2.4"),
        ("commits_write_data_version", "3.4.0", "3.4.1"),
        ("generation_expression", "3.3.2", "3.3.3"),
    ],
)
def test_boundaries(name: str, without: str, having: str) -> None:
    assert not getattr(profile(without), name)
    assert getattr(profile(having), name)


def test_who_carries_a_setting_out() -> None:
    assert (profile("3.4.4").set_runs_on, profile("3.5.0").set_runs_on) == ("connected", "leader")


def test_types_of_storage_volumes() -> None:
    assert profile("3.1.0").volume_types == ("S3", "HDFS")
    assert profile("4.1.0").volume_types == ("S3", "HDFS", "AZBLOB", "ADLS2", "GS")


def test_too_old() -> None:
    with pytest.raises(MigrationError) as caught:
        Profile.choose(version("2.4.5"), "shared_nothing")
    assert caught.value.code == "starrocks.version_too_old" and "2.4.5" in caught.value.message


@pytest.mark.parametrize(
    ("key", "at", "default"),
    [
        ("lake_autovacuum_grace_period_minutes", "3.1.9", "5"),
        ("lake_autovacuum_grace_period_minutes", "3.1.10", "30"),
        ("lake_autovacuum_grace_period_minutes", "3.2.4", "5"),
        ("replication_max_parallel_data_size_mb", "3.2.6", "10240"),
        ("replication_max_parallel_data_size_mb", "3.2.7", "1048576"),
        ("replication_transaction_timeout_sec", "3.3.4", "3600"),
        ("replication_transaction_timeout_sec", "3.3.5", "86400"),
        ("max_running_txn_num_per_db", "3.0.5", "100"),
    ],
)
def test_defaults_are_those_of_the_patch_release(key: str, at: str, default: str) -> None:
    assert frontend_settings(version(at))[key].default == default


def test_keys_that_a_version_does_not_know() -> None:
    assert "replication_max_parallel_replica_count" not in frontend_settings(version("3.1.11"))
    assert "enable_legacy_compatibility_for_replication" not in frontend_settings(version("3.2.4"))
    assert not frontend_settings(version("3.0.9"))["lake_compaction_max_tasks"].mutable
    assert frontend_settings(version("3.1.0"))["lake_compaction_max_tasks"].mutable
    assert frontend_key_since("enable_legacy_compatibility_for_replication") == "3.1.10, 3.2.5 and 3.3.0"
    assert frontend_key_since("disable_load_job") == "2.5.0"
    assert frontend_key_since("no_such_key") == ""
    assert node_key_since("replication_max_speed_limit_kbps") == "3.1.17, 3.2.16, 3.3.14 and 3.4.0"


def test_configs_that_are_compared_are_few_known_and_no_secrets() -> None:
    assert compared_keys(version("2.5.0")) == ("max_running_txn_num_per_db",)
    assert "max_column_number_per_table" not in compared_keys(version("3.3.1"))
    assert "max_column_number_per_table" in compared_keys(version("3.3.2"))
    assert "enable_range_distribution" not in compared_keys(version("3.5.9"))
    newest = compared_keys(version("4.1.0"))
    assert "enable_range_distribution" in newest and len(newest) <= 6
    assert all(frontend_key_since(key) and not is_secret(key) for key in newest)


def test_secrets_by_name() -> None:
    for key in ("aws_s3_secret_key", "ssl_keystore_password", "azure_blob_sas_token", "aws_s3_access_key"):
        assert is_secret(key)
    for key in ("lake_compaction_max_tasks", "max_running_txn_num_per_db", "tablet_stat_update_interval_second"):
        assert not is_secret(key)
