# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import statements
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect


def of(version: str) -> Dialect:
    return Dialect.choose(Version.parse(version), Version.parse(version))


@pytest.mark.parametrize(
    ("version", "request_text"),
    [
        ("0.5.1", "POST /admin/region-migration?region_id=4398046511104&from_peer_id=1&to_peer_id=2"),
        (
            "0.6.0",
            "POST /admin/region-migration?region_id=4398046511104&from_peer_id=1&to_peer_id=2&replay_timeout=300s",
        ),
        ("0.7.0", "SELECT migrate_region(4398046511104, 1, 2, 300)"),
        ("0.9.2", "SELECT migrate_region(4398046511104, 1, 2, 300)"),
        ("0.9.3", "ADMIN migrate_region(4398046511104, 1, 2, 300)"),
        # The SELECT form resolves again from 0.17.0 on, and must not be used.
        ("0.17.0", "ADMIN migrate_region(4398046511104, 1, 2, 300)"),
        ("1.2.0", "ADMIN migrate_region(4398046511104, 1, 2, 300)"),
    ],
)
def test_submission(version: str, request_text: str) -> None:
    assert statements.submit_request(of(version), 4398046511104, 1, 2, 300) == request_text


def test_state_and_flush() -> None:
    assert statements.state_request(of("0.8.0"), "a'b") == "SELECT procedure_state('a''b')"
    assert statements.state_request(of("0.9.3"), "ab") == "ADMIN procedure_state('ab')"
    assert statements.flush_request(of("0.7.0"), 5) == "SELECT flush_region(5)"
    assert statements.flush_request(of("1.0.0"), 5) == "ADMIN flush_region(5)"


@pytest.mark.parametrize(
    ("version", "on", "off"),
    [
        ("0.7.2", "POST /admin/maintenance/set?enable=true", "POST /admin/maintenance/set?enable=false"),
        ("0.8.0", "PUT /admin/maintenance?enable=true", "PUT /admin/maintenance?enable=false"),
        ("0.14.4", "PUT /admin/maintenance?enable=true", "PUT /admin/maintenance?enable=false"),
        ("0.15.4", "PUT /admin/maintenance?enable=true", "PUT /admin/maintenance?enable=false"),
        ("0.15.5", "POST /admin/maintenance/enable", "POST /admin/maintenance/disable"),
        ("0.16.0", "POST /admin/maintenance/enable", "POST /admin/maintenance/disable"),
    ],
)
def test_maintenance_mode_is_never_set_by_a_get(version: str, on: str, off: str) -> None:
    assert statements.maintenance_request(of(version), True) == on
    assert statements.maintenance_request(of(version), False) == off


@pytest.mark.parametrize("version", ["0.7.0", "0.8.2", "0.13.2", "0.14.0", "0.17.2", "1.0.0-rc.2"])
def test_no_condition_on_regions_where_it_loses_rows(version: str) -> None:
    query = statements.peers_query(of(version), region_ids=[1, 2], table_names=())
    assert "WHERE" not in query
    for column in ("region_id", "peer_id", "is_leader", "status"):
        assert column in query


def test_conditions_where_they_are_safe() -> None:
    assert statements.peers_query(of("1.0.0"), region_ids=[2, 1]).endswith(" WHERE region_id IN (1, 2)")
    by_table = statements.peers_query(of("0.14.0"), region_ids=[1], table_names=["it's", "b"])
    assert by_table.endswith(" WHERE table_name IN ('b', 'it''s')")
    assert "WHERE" not in statements.peers_query(of("0.13.2"), table_names=["b"])
    # A list that is too long for the server is no condition at all.
    assert "WHERE" not in statements.peers_query(of("1.0.0"), region_ids=range(10000))


@pytest.mark.parametrize("version", ["0.8.0", "0.17.2", "1.1.0"])
def test_nodes_are_filtered_here_only(version: str) -> None:
    assert "WHERE" not in statements.cluster_query(of(version))


def test_columns_by_version() -> None:
    assert "node_status" not in statements.cluster_query(of("0.17.2"))
    assert "node_status" in statements.cluster_query(of("1.0.0-beta.1"))
    assert "disk_size" not in statements.statistics_query(of("0.9.5"))
    assert "disk_size" in statements.statistics_query(of("0.10.0"))


def test_events_of_one_region() -> None:
    query: t.Any = statements.events_query(7)
    assert query.endswith("WHERE type = 'region_migration' AND region_id = 7")
