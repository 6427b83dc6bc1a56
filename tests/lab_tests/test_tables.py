# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System tables by version: names, columns, words, and the bugs of their filters (facts 4)."""

from __future__ import annotations

import json

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, columns, http_sql, migrate, refused, wait_end

PEERS = ["region_id", "peer_id", "peer_addr", "is_leader", "status", "down_seconds"]
TABLE = ["table_catalog", "table_schema", "table_name"]
JOIN = (
    "SELECT a.table_schema, a.table_name, a.partition_name, a.greptime_partition_id AS region_id, b.peer_id, "
    "b.peer_addr, b.is_leader, b.status, b.down_seconds FROM information_schema.partitions a LEFT JOIN "
    "information_schema.%s b ON a.greptime_partition_id = b.region_id "
    "WHERE a.table_schema='public' AND a.table_name='cpu'"
)


@pytest.mark.parametrize(
    ("version", "name", "names"),
    [
        ("0.6", None, []),
        ("0.7.2", "greptime_region_peers", PEERS),
        ("0.8.0", "region_peers", PEERS),
        ("0.13.2", "region_peers", PEERS),
        ("0.14.0", "region_peers", TABLE + PEERS),
        ("1.1", "region_peers", TABLE + PEERS),
    ],
)
def test_region_peers(shared_lab: LabFactory, version: str, name: str | None, names: list[str]) -> None:
    lab = shared_lab(version)
    for table in ("greptime_region_peers", "region_peers"):
        select = "SELECT * FROM information_schema.%s" % table
        if table == name:
            assert columns(lab, select) == names
        else:
            errno, message = refused(lab, select)
            assert errno == (1815 if version in ("0.6", "0.7.2", "0.8.0") else 1146)
            assert "Table not found: greptime.information_schema.%s" % table in message
    if name:
        rows = ask(lab, JOIN % name)
        assert [row[3] for row in rows] == [FIRST + n for n in range(8)]
        assert [row[4] for row in rows] == [n % 4 for n in range(8)]
        assert {row[6:] for row in rows} == {("Yes", "ALIVE", None)}


@pytest.mark.parametrize(("version", "rows"), [("0.13.2", 8), ("0.14.0", 16), ("1.1", 16)])
def test_followers(shared_lab: LabFactory, version: str, rows: int) -> None:
    lab = shared_lab(version, followers=1)
    found = ask(lab, JOIN % "region_peers")
    assert len(found) == rows
    assert [row[7] for row in found if row[6] == "No"] == [None] * (rows - 8)


@pytest.mark.parametrize(
    ("version", "word"),
    [("0.8", "DOWNGRADED"), ("0.9.3", "DOWNGRADED"), ("0.9.4", "DOWNGRADING"), ("1.1", "DOWNGRADING")],
)
def test_word_of_a_degraded_leader(new_lab: LabFactory, version: str, word: str) -> None:
    lab = new_lab(version)
    lab.config(durations={"catch_up": 60})
    migrate(lab, FIRST, 0, 1, 600)
    lab.wait_for(lambda s: any(p["step"] == "upgrade" for p in s["procedures"]))
    rows = ask(lab, "SELECT region_id, status, down_seconds FROM information_schema.region_peers")
    assert [row[:2] for row in rows if row[1] != "ALIVE"] == [(FIRST, word)]
    assert next(row[2] for row in rows if row[0] == FIRST) >= 0


@pytest.mark.parametrize(
    ("version", "buggy"), [("0.7.2", True), ("0.17", True), ("1.0.0-rc.2", True), ("1.0.0", False)]
)
def test_a_filter_on_regions_loses_rows_before_1_0(shared_lab: LabFactory, version: str, buggy: bool) -> None:
    lab = shared_lab(version)
    name = "greptime_region_peers" if version == "0.7.2" else "region_peers"
    select = "SELECT region_id FROM information_schema.%s WHERE " % name
    third = FIRST + 2
    assert ask(lab, select + "region_id = %d" % FIRST) == [(FIRST,)]
    assert ask(lab, select + "region_id = %d" % third) == ([] if buggy else [(third,)])
    both = ask(lab, select + "region_id IN (%d, %d)" % (third, third + 1))
    assert both == ([] if buggy else [(third,), (third + 1,)])
    everything = ask(lab, select + "1 = 1")
    on_three = ask(lab, "SELECT region_id, peer_id FROM information_schema.%s" % name)
    wanted = [(r,) for r, peer in on_three if peer == 3]
    assert (ask(lab, select + "peer_id = 3") == wanted) is not buggy
    assert ask(lab, select + "is_leader = 'Yes'") == everything  # no row fails: nothing is lost
    assert ask(lab, select + "down_seconds IS NULL") == everything  # not pushed down
    side = JOIN % name + " AND a.greptime_partition_id = %d" % third
    assert [row[3] for row in ask(lab, side)] == [third]  # the other side of the join is safe


def test_a_filter_on_leaders_loses_rows_where_followers_are_listed(shared_lab: LabFactory) -> None:
    lab = shared_lab("0.15", followers=1)
    select = "SELECT region_id FROM information_schema.region_peers WHERE is_leader = 'Yes' AND table_name = 'cpu'"
    assert ask(lab, select) == [(FIRST,)]
    by_table = "SELECT region_id FROM information_schema.region_peers WHERE table_name = 'cpu'"
    assert len(ask(lab, by_table)) == 16


@pytest.mark.parametrize(("version", "own"), [("0.7", False), ("0.8.2", False), ("0.9.0", True), ("1.1", True)])
def test_ids_of_logical_tables(shared_lab: LabFactory, version: str, own: bool) -> None:
    lab = shared_lab(version)
    tables = lab.state()["tables"]
    logical, physical = next((int(k), v["physical"]) for k, v in tables.items() if v["physical"])
    name = tables[str(logical)]["name"].split(".")[1]
    select = "SELECT greptime_partition_id FROM information_schema.partitions WHERE table_name = '%s'" % name
    assert {row[0] >> 32 for row in ask(lab, select)} == {logical if own else physical}
    table = "greptime_region_peers" if version == "0.7" else "region_peers"
    peers = ask(lab, "SELECT region_id FROM information_schema.%s" % table)
    of_physical = [row for row in peers if row[0] >> 32 == physical]
    assert len(of_physical) == len(set(of_physical)) * (1 if own else 3)
    select = "SELECT table_id, create_options FROM information_schema.tables WHERE engine = 'metric'"
    options: dict[int, str] = dict(ask(lab, select))
    assert options[physical] == "physical_metric_table="
    assert options[logical] == "on_physical_table=greptime_physical_table"


@pytest.mark.parametrize(("version", "there"), [("0.7", False), ("0.8", True)])
def test_cluster_info_since_0_8(shared_lab: LabFactory, version: str, there: bool) -> None:
    lab = shared_lab(version)
    select = "SELECT peer_id, peer_type, peer_addr FROM information_schema.cluster_info"
    if not there:
        assert "Table not found" in refused(lab, select)[1]
        return
    rows = ask(lab, select)
    assert [row[:2] for row in rows] == [(n, "DATANODE") for n in range(4)] + [(-1, "FRONTEND")] + [(-1, "METASRV")] * 3
    assert rows[0][2] == lab.describe["datanodes"]["0"]["addr"]


@pytest.mark.parametrize(("version", "extended"), [("0.17", False), ("1.0.0-beta.1", True)])
def test_cluster_info_columns(shared_lab: LabFactory, version: str, extended: bool) -> None:
    names = columns(shared_lab(version), "SELECT * FROM information_schema.cluster_info")
    base = ["version", "git_commit", "start_time", "uptime", "active_time"]
    if not extended:
        assert names == ["peer_id", "peer_type", "peer_addr", *base]
        return
    assert names[3] == "peer_hostname"
    assert names[-6:] == [*base, "node_status"]
    lab = shared_lab(version)
    status = ask(lab, "SELECT peer_type, node_status FROM information_schema.cluster_info")
    assert json.loads(status[0][1]) == {"workloads": ["hybrid"], "leader_regions": 15, "follower_regions": 0}
    assert [json.loads(s)["is_leader"] for kind, s in status if kind == "METASRV"] == [True, False, False]


@pytest.mark.parametrize(("version", "rows"), [("0.17.2", 0), ("1.0.0", 1)])
def test_peer_id_filter_never_matches_up_to_0_17_2(shared_lab: LabFactory, version: str, rows: int) -> None:
    lab = shared_lab(version)
    select = "SELECT peer_id FROM information_schema.cluster_info WHERE "
    assert len(ask(lab, select + "peer_id = 1")) == rows
    assert len(ask(lab, select + "peer_id IN (1)")) == rows
    assert len(ask(lab, select + "peer_type = 'DATANODE'")) == 4


def test_active_time_of_a_dead_node_grows(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.node(3, alive=False)
    lab.wait_for(lambda s: s["time"] > 14)
    select = "SELECT peer_id, active_time FROM information_schema.cluster_info WHERE peer_type='DATANODE'"
    ages: dict[int, str] = dict(ask(lab, select))
    assert ages[3].startswith("1") and "s" in ages[3]
    rows = ask(lab, "SELECT status FROM information_schema.region_peers WHERE peer_id = 3")
    assert set(rows) == {("ALIVE",)}  # route metadata, not liveness


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ("0.9.5", ["memtable_size", "region_role"], ["disk_size"]),
        ("0.10.0", ["region_rows", "disk_size"], ["sst_num"]),
        ("0.16.0", ["sst_num"], ["written_bytes_since_open"]),
        ("1.0.0-beta.1", ["sst_num", "written_bytes_since_open"], []),
    ],
)
def test_region_statistics(shared_lab: LabFactory, version: str, has: list[str], has_not: list[str]) -> None:
    names = columns(shared_lab(version), "SELECT * FROM information_schema.region_statistics")
    assert set(has) <= set(names)
    assert not set(has_not) & set(names)


def test_region_statistics_since_0_9_4(shared_lab: LabFactory) -> None:
    assert refused(shared_lab("0.9.3"), "SELECT * FROM information_schema.region_statistics")[0] == 1146
    assert len(ask(shared_lab("0.9.4"), "SELECT * FROM information_schema.region_statistics")) == 60


def test_region_statistics_lag_behind_by_a_heartbeat(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=2)
    select = "SELECT memtable_size FROM information_schema.region_statistics WHERE region_id = %d" % (FIRST + 1)
    before = ask(lab, select)
    assert before[0][0] > 0
    ask(lab, "ADMIN flush_region(%d)" % (FIRST + 1))
    assert ask(lab, select) in (before, [(0,)])
    lab.wait_for(lambda s: ask(lab, select) == [(0,)])


@pytest.mark.parametrize(("version", "there"), [("1.0", False), ("1.1.0", True)])
def test_region_info(new_lab: LabFactory, version: str, there: bool) -> None:
    lab = new_lab(version)
    select = "SELECT node_id, state, role, writable, region_options FROM information_schema.region_info"
    if not there:
        assert refused(lab, select)[0] == 1146
        return
    where = select + " WHERE region_id = %d" % FIRST
    assert ask(lab, where)[0][:4] == (0, "Leader(Writable)", "Leader", 1)
    assert json.loads(ask(lab, where)[0][4])["wal_options"]["wal.provider"] == "kafka"
    wait_end(lab, migrate(lab, FIRST, 0, 3))
    assert [row[:4] for row in ask(lab, where)] == [(3, "Leader(Writable)", "Leader", 1)]
    lab.node(1, alive=False)
    assert refused(lab, where) == (1815, "(Internal): Internal error: 1003")


@pytest.mark.parametrize(("version", "there"), [("0.13.2", False), ("0.14.0", True)])
def test_show_regions(shared_lab: LabFactory, version: str, there: bool) -> None:
    lab = shared_lab(version)
    if there:
        assert columns(lab, "SHOW REGIONS FROM cpu") == ["Table", "Region", "Peer", "Leader"]
        assert ask(lab, "SHOW REGION FROM cpu")[1] == ("cpu", FIRST + 1, 1, "Yes")
    else:
        assert refused(lab, "SHOW REGIONS FROM cpu")[0] == 1235


def test_region_numbers_may_have_gaps(shared_lab: LabFactory) -> None:
    select = "SELECT greptime_partition_id FROM information_schema.partitions WHERE table_name = 'memory'"
    assert [row[0] & 0xFFFFFFFF for row in ask(shared_lab("1.1"), select)] == [0, 1, 3, 4, 5]


def test_grouping_and_ordering(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    rows = ask(
        lab,
        "SELECT peer_id AS p, COUNT(*) AS n, MIN(region_id) FROM information_schema.region_peers "
        "WHERE table_name LIKE 'cp%' GROUP BY peer_id ORDER BY p DESC LIMIT 2",
    )
    assert rows == [(3, 2, FIRST + 3), (2, 2, FIRST + 2)]
    rows = ask(lab, "SELECT region_id >> 32 FROM information_schema.region_peers WHERE NOT region_id <> %d" % FIRST)
    assert rows == [(1024,)]


def test_the_same_over_http(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    status, body = http_sql(lab, "SELECT region_id, peer_id FROM information_schema.region_peers LIMIT 1")
    assert status == 200
    records = body["output"][0]["records"]
    assert records["schema"]["column_schemas"] == [
        {"name": "region_id", "data_type": "UInt64"},
        {"name": "peer_id", "data_type": "UInt64"},
    ]
    assert records["rows"] == [[FIRST, 0]]
    assert records["total_rows"] == 1
    status, body = http_sql(lab, "SELECT * FROM information_schema.nothing")
    assert (status, body["code"]) == (400, 4001)
    status, body = http_sql(lab, "ADMIN migrate_region(%d, 0, 0)" % FIRST)
    assert (status, body["code"]) == (500, 1002)


@pytest.mark.parametrize(("version", "first"), [("0.6", "code"), ("0.7", "output")])
def test_http_envelope_before_0_7(shared_lab: LabFactory, version: str, first: str) -> None:
    assert next(iter(http_sql(shared_lab(version), "SELECT 1")[1])) == first
