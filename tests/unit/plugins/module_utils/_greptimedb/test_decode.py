# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import decode
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.humantime import parse_humantime
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    liveness,
    region_id_of,
    region_number_of,
    table_id_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.placing import build_regions

PEERS = ("region_id", "peer_id", "is_leader", "status", "down_seconds")
TABLES = ("table_schema", "table_name", "table_id", "engine", "create_options")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.7.20-greptimedb-0.8.2", "0.8.2"),
        ("8.4.2-greptimedb-1.0.0-rc.2", "1.0.0-rc.2"),
        ("8.4.2-GreptimeDB-1.1.4", "1.1.4"),
        ("whatever-GREPTIMEDB-0.10.0-nightly-20241104-abc", "0.10.0-nightly-20241104-abc"),
    ],
)
def test_version_of_the_product(text: str, version: str) -> None:
    assert str(decode.product_version(text)) == version


@pytest.mark.parametrize("text", ["8.0.36", "10.11.2-MariaDB", "", "5.7.25-TiDB-v7.5.0", "greptimedb"])
def test_other_products_have_no_version_here(text: str) -> None:
    assert decode.product_version(text) is None


@pytest.mark.parametrize(("text", "ok"), [("1.1.4", True), ("v1.0.0-beta.1", True), ("8.0", False), ("", False)])
def test_bare_version(text: str, ok: bool) -> None:
    assert (decode.bare_version(text) is not None) is ok


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s 20ms", 1.02),
        ("2m 3s", 123.0),
        ("20ms", 0.02),
        ("0s", 0.0),
        ("1h 1m 1s 1ms 1us 1ns", 3661.001001001),
        ("3days 2h", 3 * 86400 + 7200.0),
        ("1day", 86400.0),
        ("1month 1day", 2630016 + 86400.0),
        ("2years", 63115200.0),
        ("5µs", 0.000005),
        ("90", None),
        ("", None),
        ("soon", None),
        ("1 parsec", None),
    ],
)
def test_humantime(text: str, seconds: t.Optional[float]) -> None:
    assert parse_humantime(text) == seconds


@pytest.mark.parametrize(
    ("active", "alive"),
    [
        (0.0, "yes"),
        (4.99, "yes"),
        (5.0, "suspect"),
        (9.99, "suspect"),
        (10.0, "no"),
        (86400.0, "no"),
        (None, "unknown"),
    ],
)
def test_liveness_by_the_lease(active: t.Optional[float], alive: str) -> None:
    assert liveness(active) == alive


def test_region_ids() -> None:
    assert region_id_of(1024, 0) == 4398046511104
    assert table_id_of(4398046511111) == 1024
    assert region_number_of(4398046511111) == 7
    # The upper 8 bits of the number are a group: nothing may take the number for a small count.
    assert region_number_of(region_id_of(1024, 1 << 24)) == 1 << 24


def test_lock_keys_of_every_generation() -> None:
    newest = (
        'Share("__catalog_lock/greptime"),Share("__schema_lock/greptime.public"),'
        'Exclusive("__region_lock/4398046511104")'
    )
    assert decode.lock_keys(newest) == ((4398046511104,), ())
    middle = newest + ',Exclusive("__table_lock/1024")'
    assert decode.lock_keys(middle) == ((4398046511104,), (1024,))
    oldest = 'Share("__table_lock/1024"),Exclusive("__region_lock/4398046511105")'
    assert decode.lock_keys(oldest) == ((4398046511105,), (1024,))
    assert decode.lock_keys("") == ((), ())


def test_procedures_that_wait_have_no_start() -> None:
    columns = ("procedure_id", "procedure_type", "start_time", "end_time", "status", "lock_keys")
    zero = datetime.datetime(1970, 1, 1)
    rows = Rows(
        columns,
        (
            ("a", "metasrv-procedure::RegionMigration", zero, zero, "Running", 'Exclusive("__region_lock/7")'),
            ("b", "metasrv-procedure::CreateTable", 1700000000000, 0, "Done", ""),
        ),
    )
    waiting, other = decode.procedures(rows)
    assert waiting.start is None
    assert waiting.active
    assert waiting.is_region_migration
    assert waiting.region_ids == (7,)
    assert not other.is_region_migration
    assert not other.active
    assert other.start is not None
    assert other.start.isoformat() == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        (1700000000000, "2023-11-14T22:13:20+00:00"),
        (1700000000000000000, "2023-11-14T22:13:20+00:00"),
        ("1700000000000", "2023-11-14T22:13:20+00:00"),
        ("2023-11-14 22:13:20", "2023-11-14T22:13:20+00:00"),
        (datetime.datetime(2023, 11, 14, 22, 13, 20), "2023-11-14T22:13:20+00:00"),
        # Midnight of 1970 in the zone of the session.
        (datetime.datetime(1970, 1, 1, 8), None),
        (datetime.datetime(1969, 12, 31, 19), None),
        (0, None),
        (None, None),
        ("never", None),
    ],
)
def test_timestamps_of_both_transports(value: t.Any, iso: t.Optional[str]) -> None:
    found = decode.timestamp(value)
    assert (found.isoformat() if found else None) == iso


def test_state_json() -> None:
    assert decode.procedure_state('{"status":"Running"}') == ("Running", "")
    assert decode.procedure_state('{"status":"Failed","error":"why"}') == ("Failed", "why")
    assert decode.procedure_state("gibberish") == ("Unknown", "gibberish")
    assert decode.procedure_state(None) == ("Unknown", "None")


def test_placements_join_leaders_and_followers() -> None:
    rows = Rows(
        PEERS,
        (
            (1, 10, "Yes", "ALIVE", None),
            (1, 11, "No", None, None),
            (1, 12, "No", None, None),
            (2, None, "No", None, None),
        ),
    )
    found = decode.placements(rows)
    assert found[1].leader_peer == 10
    assert found[1].followers == (11, 12)
    assert found[2].leader_peer is None
    assert found[2].leader_status == ""


def test_placements_collapse_the_duplicates_of_logical_tables() -> None:
    row = (4398046511104, 3, "Yes", "DOWNGRADED", 4)
    found = decode.placements(Rows(PEERS, (row, row, row)))
    assert list(found) == [4398046511104]
    assert found[4398046511104].degraded
    assert found[4398046511104].down_seconds == 4.0


def test_logical_tables_are_found_by_their_options() -> None:
    rows = Rows(
        TABLES,
        (
            ("public", "phy", 1024, "metric", "physical_metric_table="),
            ("public", "log", 1025, "metric", "on_physical_table=phy"),
            ("other", "log2", 1026, "metric", "ttl=7d on_physical_table=public.phy"),
            ("public", "cpu", 1027, "mito", ""),
            ("information_schema", "tables", None, "", None),
        ),
    )
    phy, log, other, cpu = decode.tables(rows)
    assert phy.physical
    assert not phy.logical
    assert log.logical
    assert log.physical_table == "public.phy"
    assert other.physical_table == "public.phy"
    assert not cpu.logical


def test_without_options_a_metric_table_without_regions_is_logical() -> None:
    rows = Rows(TABLES[:4], (("public", "phy", 1024, "metric"), ("public", "log", 1025, "metric")))
    phy, log = decode.tables(rows, {1024})
    assert not phy.logical
    assert log.logical


def test_regions_of_logical_tables_are_marked() -> None:
    tables = decode.tables(
        Rows(
            TABLES,
            (
                ("public", "phy", 1, "metric", "physical_metric_table="),
                ("public", "log", 2, "metric", "on_physical_table=phy"),
            ),
        )
    )
    places = decode.placements(
        Rows(PEERS, ((region_id_of(2, 0), 5, "Yes", "ALIVE", None), (region_id_of(1, 0), 5, "Yes", "ALIVE", None),
                     (region_id_of(9, 0), 5, "Yes", "ALIVE", None)))
    )  # fmt: skip
    first, second, third = build_regions(places, tables, {}, {})
    assert (first.qualified, first.logical) == ("public.phy", False)
    assert (second.qualified, second.logical, second.physical_table) == ("public.log", True, "public.phy")
    # A table that is not listed (dropped a moment ago, or another catalog) is not hidden.
    assert third.table == "9"


def test_nodes_with_and_without_status() -> None:
    old = Rows(
        ("peer_id", "peer_type", "peer_addr", "version", "active_time"),
        ((1, "DATANODE", "dn-1:3001", "0.9.5", "1s 2ms"), (-1, "FRONTEND", "", "0.9.5", "")),
    )
    datanode, frontend = decode.nodes(old)
    assert (datanode.kind, datanode.alive, datanode.is_leader) == ("datanode", "yes", None)
    assert (frontend.id, frontend.alive) == (-1, "unknown")
    new = Rows(
        ("peer_id", "peer_type", "peer_addr", "version", "active_time", "node_status"),
        (
            (-1, "METASRV", "m:3002", "1.1.4", None, '{"is_leader":true}'),
            (2, "DATANODE", "d", "1.1.4", "1m", "{broken"),
        ),
    )
    metasrv, dead = decode.nodes(new)
    assert metasrv.is_leader is True
    assert dead.alive == "no"


def test_statistics_prefer_the_leader() -> None:
    columns = (
        "region_id",
        "memtable_size",
        "manifest_size",
        "sst_size",
        "engine",
        "region_role",
        "region_rows",
        "disk_size",
    )
    rows = Rows(columns, ((1, 9, 1, 1, "mito", "Leader", 5, 100), (1, 0, 1, 1, "mito", "Follower", 0, 90)))
    assert decode.statistics(rows)[1].size_bytes == 100
    without = decode.statistics(Rows(columns[:6], ((1, 9, 10, 20, "mito", "Leader"),)))[1]
    assert (without.size_bytes, without.rows, without.memtable_bytes) == (30, None, 9)
