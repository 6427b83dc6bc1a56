# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand, as a client sees them and as the request record keeps them."""

from __future__ import annotations

import time
from contextlib import closing

import pymysql
import pytest

from lab.client import LabClient, LabError
from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, connect, http_sql, meta, migrate, refused, wait_end

SUBMIT = "ADMIN migrate_region(%d, 0, 1, 60)" % FIRST


def _lost(lab: LabClient, sql: str) -> None:
    with closing(connect(lab)) as connection, connection.cursor() as cursor:
        with pytest.raises(pymysql.OperationalError, match="2013"):  # lost connection during query
            cursor.execute(sql)


def test_reply_lost_is_applied_and_then_reads_as_running(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=1)
    lab.fault("reply_lost", match="migrate_region")
    _lost(lab, SUBMIT)
    assert lab.requests(mutating=True)[-1]["outcome"] == "ok; reply lost"
    assert "Another migration procedure is running" in refused(lab, SUBMIT)[1]
    lab.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 1)


def test_drop_before_apply_is_not_applied(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("drop_before_apply", mutating=True)
    _lost(lab, SUBMIT)
    assert lab.requests(mutating=True)[-1]["outcome"] == "dropped before apply"
    assert lab.state()["procedures"] == []
    assert lab.faults()[0]["used_up"]
    assert migrate(lab, FIRST, 0, 1)


def test_error_before_apply(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("error_before", match="migrate_region", message="Internal error: 1003", code="Internal")
    assert refused(lab, SUBMIT) == (1815, "(Internal): Internal error: 1003")
    assert lab.state()["procedures"] == []


def test_error_after_apply_over_http(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("error_5xx_after_apply", surface="http-sql", match="migrate_region", status=503)
    status, body = http_sql(lab, SUBMIT)
    assert (status, body["error"]) == (503, "Internal error: 1003")
    lab.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 1)
    old = new_lab("0.6")
    old.fault("error_5xx_after_apply", surface="metasrv-http", match="region-migration")
    assert meta(old, "/admin/region-migration?region_id=%d&from_peer_id=0&to_peer_id=1" % FIRST)[0] == 500
    old.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 1)


def test_reply_slow_in_lab_seconds(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=20)
    lab.fault("reply_slow", match="version()", seconds=60)
    started = time.monotonic()
    ask(lab, "SELECT version()")
    assert time.monotonic() - started >= 3
    started = time.monotonic()
    ask(lab, "SELECT version()")
    assert time.monotonic() - started < 3


def test_conditions(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("error_before", regexp=r"migrate_region\(\d+, 0", after_requests=1, times=2)
    lab.fault("error_before", region_id=FIRST + 3, message="for region 3")
    assert len(migrate(lab, FIRST, 0, 1)) == 36
    for _dummy in range(2):
        assert "1003" in refused(lab, "ADMIN migrate_region(%d, 0, 1)" % (FIRST + 4))[1]
    assert len(migrate(lab, FIRST + 4, 0, 1)) == 36
    assert "for region 3" in refused(lab, "ADMIN flush_region(%d)" % (FIRST + 3))[1]


def test_a_fault_that_makes_no_sense_is_refused(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    with pytest.raises(LabError, match="is not one of"):
        lab.fault("gremlins")
    with pytest.raises(LabError, match="unknown keys: colour"):
        lab.fault("reply_lost", colour="blue")


def test_refuse_connections(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    with closing(connect(lab)) as connection, connection.cursor() as cursor:
        lab.fault("refuse_connections")
        with pytest.raises(pymysql.OperationalError):
            cursor.execute("SELECT 1")
    with pytest.raises(pymysql.OperationalError, match="refused"):
        connect(lab)
    lab.clear_faults()
    assert ask(lab, "SELECT 1") == [(1,)]


def test_frontend_restart(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=10)
    with closing(connect(lab)) as connection, connection.cursor() as cursor:
        lab.fault("frontend_restart", match="migrate_region")
        cursor.execute(SUBMIT)
        with pytest.raises(pymysql.OperationalError):
            cursor.execute("SELECT 1")
    lab.wait_for(lambda s: s["frontend"]["up"])
    assert ask(lab, "SELECT 1") == [(1,)]
    ledger = lab.ledger()
    assert ledger["missing"] == 0
    assert all(len(a["refused_windows"]) >= 1 for a in ledger["per_region"].values())


@pytest.mark.parametrize("version", ["0.8", "1.1"])
def test_pid_never_registered(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version)
    lab.fault("pid_never_registered", region_id=FIRST)
    pid = migrate(lab, FIRST, 0, 1)
    time.sleep(0.05)
    word = "SELECT" if version == "0.8" else "ADMIN"
    assert "Procedure not found" in refused(lab, "%s procedure_state('%s')" % (word, pid))[1]
    assert wait_end(lab, migrate(lab, FIRST, 0, 1)) == {"status": "Done"}


def test_false_done(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("false_done")
    assert wait_end(lab, migrate(lab, FIRST, 0, 1)) == {"status": "Done"}
    assert lab.leader(FIRST) == 0
    assert wait_end(lab, migrate(lab, FIRST, 0, 1)) == {"status": "Done"}
    assert lab.leader(FIRST) == 1


def test_stuck_states(new_lab: LabFactory) -> None:
    lab = new_lab("0.12", factor=20)
    lab.fault("stuck_running", region_id=FIRST)
    lab.fault("stuck_retrying", region_id=1025 << 32, times=0)
    lab.fault("stuck_downgrading", region_id=1026 << 32)
    lab.fault("procedure_failed", region_id=1027 << 32)
    tables = {n: n << 32 for n in (1024, 1025, 1026, 1027)}
    leaders = {n: lab.leader(r) or 0 for n, r in tables.items()}
    pids = {n: migrate(lab, r, leaders[n], (leaders[n] + 1) % 4) for n, r in tables.items()}
    assert wait_end(lab, pids[1027])["status"] == "Failed"
    lab.wait_for(lambda s: s["regions"][str(tables[1026])]["status"] == "DOWNGRADING")
    found = lab.wait_for(lambda s: {p["status"] for p in s["procedures"]} == {"Running", "Retrying", "Failed"})
    states = {p["pid"]: p["status"] for p in found["procedures"]}
    assert states[pids[1024]] == "Running"
    assert states[pids[1025]] == "Retrying"
    assert pids[1026] not in states  # a degraded route and no procedure
    assert found["regions"][str(tables[1027])]["leader"] == leaders[1027]


@pytest.mark.parametrize("step", ["open_candidate", "downgrade", "upgrade", "upgrade_metadata", "close"])
def test_metasrv_failover_mid_way(new_lab: LabFactory, step: str) -> None:
    lab = new_lab("1.1", writers=2)
    lab.fault("metasrv_failover_mid_way", step=step)
    pid = migrate(lab, FIRST, 0, 1)
    lab.wait_for(lambda s: s["metasrv"]["leader"] == 1)
    assert wait_end(lab, pid) == {"status": "Done"}
    assert lab.leader(FIRST) == 1
    assert lab.ledger()["missing"] == 0


def test_forget_procedures_and_stale_statistics(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("stale_statistics")
    pid = migrate(lab, FIRST, 0, 1)
    wait_end(lab, pid)
    lab.fault("forget_procedures")
    assert "Procedure not found" in refused(lab, "ADMIN procedure_state('%s')" % pid)[1]
    select = "SELECT memtable_size FROM information_schema.region_statistics WHERE region_id = %d" % (FIRST + 1)
    before = ask(lab, select)
    ask(lab, "ADMIN flush_region(%d)" % (FIRST + 1))
    started = lab.state()["time"]
    lab.wait_for(lambda s: s["time"] > started + 7)
    assert ask(lab, select) == before
    lab.clear_faults()
    lab.wait_for(lambda s: ask(lab, select) == [(0,)])


def test_resubmitted_by_the_servers_own_client(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.fault("resubmitted")
    assert "Another migration procedure is running" in refused(lab, SUBMIT)[1]
    lab.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 1)


def test_foreign_operators(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    pid = lab.foreign(migrate={"region_id": FIRST, "from_peer": 0, "to_peer": 3})["pid"]
    wait_end(lab, pid)
    assert lab.leader(FIRST) == 3
    lab.foreign(maintenance=True, procedure_manager="paused")
    state = lab.state()
    assert (state["maintenance"], state["procedure_manager"]) == ({"enabled": True}, "paused")
    lab.foreign(procedure_manager="running", drop_table="cpu")
    assert str(FIRST) not in lab.state()["regions"]
    assert "error" in lab.foreign(migrate={"region_id": FIRST, "from_peer": 0, "to_peer": 9})
    assert not lab.requests(mutating=True)  # foreign actions are in no record


def test_record(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", writers=4)
    http_sql(lab, "SELECT 1")
    meta(lab, "/admin/leader")
    refused(lab, "ADMIN migrate_region(1, 2, 3)")
    found = [r for r in lab.requests() if not r["request"].startswith("SET ")]
    assert [(r["surface"], r["request"], r["mutating"]) for r in found] == [
        ("http-sql", "SELECT 1", False),
        ("metasrv-http", "GET /admin/leader", False),
        ("mysql", "ADMIN migrate_region(1, 2, 3)", True),
    ]
    assert found[2]["outcome"].startswith("error: Failed to execute admin function")
    assert [r["seq"] for r in found] == sorted(r["seq"] for r in found)
    assert lab.requests(since=found[1]["seq"], mutating=False)[0]["request"] == "GET /admin/leader"
    lab.clear_requests()
    assert lab.requests() == []
