# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect


def of(version: str) -> Dialect:
    return Dialect.choose(Version.parse(version), Version.parse(version))


# Field, the value up to the first version, and the value from the second on: the two are neighbouring releases.
EDGES: t.Sequence[t.Tuple[str, str, t.Any, str, t.Any]] = (
    ("submit_form", "0.6.0", "http", "0.7.0", "select"),
    ("submit_form", "0.9.2", "select", "0.9.3", "admin"),
    ("state_form", "0.6.0", None, "0.7.0", "select"),
    ("state_form", "0.9.2", "select", "0.9.3", "admin"),
    ("region_peers_table", "0.6.0", None, "0.7.0", "greptime_region_peers"),
    ("region_peers_table", "0.7.2", "greptime_region_peers", "0.8.0", "region_peers"),
    ("peers_have_table_names", "0.13.2", False, "0.14.0", True),
    ("followers_listed", "0.13.2", False, "0.14.0", True),
    ("safe_region_predicate", "1.0.0-rc.2", False, "1.0.0", True),
    ("route_is_text", "0.6.0", True, "0.7.0", False),
    ("has_cluster_info", "0.7.2", False, "0.8.0", True),
    ("has_procedure_info", "0.9.3", False, "0.9.4", True),
    ("has_region_statistics", "0.9.3", False, "0.9.4", True),
    ("statistics_have_disk_size", "0.9.5", False, "0.10.0", True),
    ("has_region_info", "1.0.2", False, "1.1.0", True),
    ("has_events", "0.15.5", False, "0.16.0", True),
    ("can_flush_region", "0.6.0", False, "0.7.0", True),
    ("lease_needs_cluster_id", "0.12.2", True, "0.13.0", False),
    ("has_config_api", "0.6.0", False, "0.7.0", True),
    ("has_user_modes", "0.17.2", False, "1.0.0-beta.1", True),
    ("degraded_word", "0.9.3", "DOWNGRADED", "0.9.4", "DOWNGRADING"),
    ("sends_timeout", "0.5.1", False, "0.6.0", True),
    ("timeout_meaning", "0.9.3", "wal_replay", "0.9.4", "downgrade_and_upgrade"),
    ("default_timeout", "0.6.0", 1, "0.7.0", 10),
    ("default_timeout", "0.9.3", 10, "0.9.4", 30),
    ("default_timeout", "0.13.2", 30, "0.14.0", 300),
    ("already_there", "0.14.4", "null", "0.15.0", "error"),
    ("server_preflushes", "0.14.4", False, "0.15.0", True),
    ("flushes_on_downgrade", "0.9.3", False, "0.9.4", True),
    ("one_per_table", "0.11.0", False, "0.11.1", True),
    ("one_per_table", "0.14.4", True, "0.15.0", False),
    ("route_updates_race", "0.11.0", True, "0.11.1", False),
    ("recommended_per_table", "0.14.4", 1, "0.15.0", None),
    ("duplicate_guard", "0.8.2", False, "0.9.0", True),
    ("rolls_back", "0.11.0", False, "0.11.1", True),
    ("rejects_follower_target", "0.13.2", False, "0.14.0", True),
    ("logical_tables_have_own_ids", "0.8.2", False, "0.9.0", True),
    ("max_running_procedures", "0.13.2", None, "0.14.0", 128),
    ("masks_dead_peer", "0.8.2", False, "0.9.0", True),
    ("masks_dead_peer", "0.16.0", True, "0.17.0", False),
    ("refuses_local_storage", "1.0.2", False, "1.1.0", True),
    ("maintenance_form", "0.7.1", None, "0.7.2", "set_path"),
    ("maintenance_form", "0.7.2", "set_path", "0.8.0", "put_query"),
    ("maintenance_form", "0.14.4", "put_query", "0.15.0", "json_query"),
    # 0.15.5 is a backport that came after 0.16.0 and carries its admin API.
    ("maintenance_form", "0.15.4", "json_query", "0.15.5", "post_path"),
    ("maintenance_form", "0.15.4", "json_query", "0.16.0", "post_path"),
    ("has_manager_api", "0.15.4", False, "0.15.5", True),
    ("admin_port", "0.15.4", "grpc", "0.15.5", "http"),
)


@pytest.mark.parametrize(("field", "before", "old", "since", "new"), EDGES)
def test_each_difference_changes_exactly_between_two_releases(
    field: str, before: str, old: t.Any, since: str, new: t.Any
) -> None:
    assert getattr(of(before), field) == old
    assert getattr(of(since), field) == new


@pytest.mark.parametrize("version", ["0.5.0", "0.4.4", "0.1.0", "0.5.1-nightly"])
def test_too_old_is_said(version: str) -> None:
    with pytest.raises(MigrationError) as caught:
        of(version)
    assert caught.value.code == "greptimedb.version_too_old"
    assert version in caught.value.message
    assert "0.5.1" in caught.value.message


@pytest.mark.parametrize("version", ["0.5.1", "0.6.0", "0.17.2", "1.0.0-rc.1", "1.1.4", "1.2.0-beta.2", "2.0.0"])
def test_everything_since_is_taken(version: str) -> None:
    assert of(version).submit_form in ("http", "select", "admin")


def test_statements_follow_the_frontend_and_checks_the_metasrv() -> None:
    mixed = Dialect.choose(Version.parse("0.14.0"), Version.parse("0.13.2"))
    assert mixed.followers_listed
    assert not mixed.rejects_follower_target
    assert mixed.default_timeout == 30
    upgraded_metasrv = Dialect.choose(Version.parse("0.9.2"), Version.parse("0.15.5"))
    assert upgraded_metasrv.submit_form == "select"
    assert upgraded_metasrv.already_there == "error"
    assert upgraded_metasrv.maintenance_form == "post_path"
    # A table is only there when both sides know it.
    assert not Dialect.choose(Version.parse("0.9.4"), Version.parse("0.9.3")).has_procedure_info


def test_the_http_generation_is_used_without_a_frontend() -> None:
    assert Dialect.choose(None, Version.parse("0.7.2")).submit_form == "http"
    assert Dialect.choose(None, Version.parse("0.7.2")).region_peers_table is None
    assert Dialect.choose(Version.parse("0.7.2"), None).submit_form == "select"


def test_a_pair_that_has_no_form_in_common_is_refused() -> None:
    with pytest.raises(MigrationError) as caught:
        Dialect.choose(Version.parse("0.6.0"), Version.parse("0.8.0"))
    assert caught.value.code == "greptimedb.mixed_generations"


def test_a_version_is_needed() -> None:
    with pytest.raises(ValueError):
        Dialect.choose(None, None)


def test_the_result_is_plain_data() -> None:
    shown = of("1.1.4").as_result()
    assert shown["frontend"] == "1.1.4"
    assert all(isinstance(value, (str, int, bool, type(None))) for value in shown.values())


@pytest.mark.parametrize(("datanode", "asked"), [(None, True), ("1.1.0", True), ("1.0.2", False)])
def test_datanodes_are_asked_only_when_the_oldest_can_answer(datanode: str | None, asked: bool) -> None:
    oldest = None if datanode is None else Version.parse(datanode)
    chosen = Dialect.choose(Version.parse("1.1.4"), Version.parse("1.1.4"), oldest)
    assert (chosen.has_region_info, chosen.has_old_datanodes) == (asked, not asked)
    assert not Dialect.choose(Version.parse("1.0.2"), None, oldest).has_old_datanodes
