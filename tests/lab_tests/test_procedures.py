# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedure state, its memory, limits and locks (facts 1.4, 2.4, 3, 7)."""

from __future__ import annotations

import datetime
import json

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, meta, migrate, refused, state, wait_end

UNKNOWN = "538b7476-9f79-4e50-aa9c-b1de90710839"
SLOW = {"open_candidate": 1000, "start": 0, "route_update": 0}
INFO = "SELECT procedure_id, status, start_time, end_time, lock_keys FROM information_schema.procedure_info"


@pytest.mark.parametrize(
    ("version", "errno", "message"),
    [
        ("0.8.2", 1815, "Execution error: Procedure not found: " + UNKNOWN),
        ("0.9.5", 1210, "(InvalidArguments): Procedure not found: " + UNKNOWN),
        ("0.16.0", 1210, "(InvalidArguments): Procedure not found: " + UNKNOWN),
    ],
)
def test_unknown_pid(shared_lab: LabFactory, version: str, errno: int, message: str) -> None:
    word = "SELECT" if version == "0.8.2" else "ADMIN"
    assert refused(shared_lab(version), "%s procedure_state('%s')" % (word, UNKNOWN)) == (errno, message)


def test_unknown_pid_is_wrapped_from_0_17(shared_lab: LabFactory) -> None:
    errno, message = refused(shared_lab("0.17"), "ADMIN procedure_state('%s')" % UNKNOWN)
    assert errno == 1815
    assert message.count("Procedure not found: " + UNKNOWN) == 2
    assert "Failed to parse procedure id: xyz" in refused(shared_lab("1.1"), "ADMIN procedure_state('xyz')")[1]


@pytest.mark.parametrize("version", ["0.7", "0.9.5", "1.1"])
def test_the_pid_comes_before_the_procedure(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version, factor=1)
    lab.config(durations={"register": 0.5})
    pid = migrate(lab, FIRST, 0, 1)
    word = "SELECT" if version == "0.7" else "ADMIN"
    assert "Procedure not found" in refused(lab, "%s procedure_state('%s')" % (word, pid))[1]
    assert state(lab, pid) == {"status": "Running"}


@pytest.mark.parametrize("version", ["0.7", "0.8", "0.9.2", "0.9.5", "0.12", "0.15", "0.17", "1.0", "1.1"])
def test_a_migration_from_end_to_end(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version)
    pid = migrate(lab, FIRST, 0, 2)
    assert wait_end(lab, pid) == {"status": "Done"}
    assert lab.leader(FIRST) == 2
    found = lab.ledger()
    assert found["missing"] == 0
    assert len(found["per_region"][str(FIRST)]["refused_windows"]) == 1


def test_procedure_info(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    pid = migrate(lab, FIRST, 0, 2)
    wait_end(lab, pid)
    (found,) = ask(lab, INFO + " WHERE status = 'Done'")
    assert found[0] == pid
    assert datetime.datetime(2000, 1, 1) < found[2] <= found[3]
    assert found[4] == (
        'Share("__catalog_lock/greptime"),Share("__schema_lock/greptime.public"),Exclusive("__region_lock/%d")' % FIRST
    )


@pytest.mark.parametrize("version", ["0.9.3", "0.9.4"])
def test_procedure_info_since_0_9_4(shared_lab: LabFactory, version: str) -> None:
    lab = shared_lab(version)
    if version == "0.9.4":
        assert ask(lab, INFO) == []
    else:
        assert refused(lab, INFO)[0] == 1146


@pytest.mark.parametrize(
    ("version", "lock", "running"),
    [
        ("0.9.5", 'Share("__table_lock/1024")', 3),
        ("0.11.0", 'Share("__table_lock/1024")', 3),
        ("0.11.1", 'Exclusive("__table_lock/1024")', 1),
        ("0.14.4", 'Exclusive("__table_lock/1024")', 1),
        ("0.15.0", None, 3),
        ("1.1", None, 3),
    ],
)
def test_table_lock(new_lab: LabFactory, version: str, lock: str | None, running: int) -> None:
    """While migrations hold the table's lock exclusively, the others queue: Running, and started in 1970."""
    lab = new_lab(version, factor=1)
    lab.config(durations={"flush": 1000, "catch_up": 1000})
    for number in range(3):
        migrate(lab, FIRST + number, number, number + 1, 3000)
    lab.wait_for(lambda s: [p["started"] is not None for p in s["procedures"]].count(True) >= running)
    lab.wait_for(lambda s: len(s["procedures"]) == 3)
    rows = ask(lab, INFO)
    assert {row[1] for row in rows} <= {"Running", "Retrying"}
    assert sum(row[2] > datetime.datetime(2000, 1, 1) for row in rows) == running
    assert sum(row[2] == datetime.datetime(1970, 1, 1) for row in rows) == 3 - running
    assert all(row[3] == datetime.datetime(1970, 1, 1) for row in rows)
    assert all(lock in row[4] if lock else "__table_lock" not in row[4] for row in rows)


@pytest.mark.parametrize(("version", "limited"), [("0.13.2", False), ("0.14.0", True), ("1.1", True)])
def test_over_128_running_the_pid_never_exists(new_lab: LabFactory, version: str, limited: bool) -> None:
    lab = new_lab(version, regions=200, factor=1)
    lab.config(durations=SLOW)
    regions = list(lab.state()["regions"].items())[:130]
    pids = [
        lab.foreign(migrate={"region_id": int(r), "from_peer": v["leader"], "to_peer": (v["leader"] + 1) % 4})["pid"]
        for r, v in regions
    ]
    assert None not in pids
    found = lab.wait_for(lambda s: len(s["procedures"]) >= (128 if limited else 130))
    assert len(found["procedures"]) == (128 if limited else 130)
    if limited:
        assert {p["pid"] for p in found["procedures"]} == set(pids[:128])
        assert "Procedure not found" in refused(lab, "ADMIN procedure_state('%s')" % pids[129])[1]
        again = migrate(lab, int(regions[129][0]), regions[129][1]["leader"], (regions[129][1]["leader"] + 1) % 4)
        assert again not in pids  # the region is free to be tried again


def test_paused_manager_hands_out_pids_that_never_exist(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    assert meta(lab, "/admin/procedure-manager/pause", "POST", "http") == (200, '{"status": "paused"}')
    pid = migrate(lab, FIRST, 0, 1)
    assert len(pid) == 36
    assert ask(lab, INFO) == []
    assert meta(lab, "/admin/procedure-manager/resume", "POST", "http") == (200, '{"status": "running"}')
    assert "Procedure not found" in refused(lab, "ADMIN procedure_state('%s')" % pid)[1]
    assert wait_end(lab, migrate(lab, FIRST, 0, 1)) == {"status": "Done"}


def test_ended_procedures_are_forgotten_after_ten_minutes_at_the_earliest(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=600)
    pid = migrate(lab, FIRST, 0, 1)
    wait_end(lab, pid)
    gone = lab.wait_for(lambda s: not s["procedures"])
    # Twenty at the latest, but each second for which a busy machine holds this server up is ten minutes more.
    assert gone["time"] >= 600
    assert "Procedure not found" in refused(lab, "ADMIN procedure_state('%s')" % pid)[1]
    assert lab.leader(FIRST) == 1


@pytest.mark.parametrize("version", ["0.8", "0.12", "1.1"])
def test_a_change_of_leader_forgets_ended_and_goes_on_with_unfinished_procedures(
    new_lab: LabFactory, version: str
) -> None:
    lab = new_lab(version)
    word = "SELECT" if version == "0.8" else "ADMIN"
    ended = migrate(lab, FIRST, 0, 1)
    wait_end(lab, ended)
    lab.config(durations={"catch_up": 20})
    running = migrate(lab, FIRST + 1, 1, 2)
    lab.wait_for(lambda s: any(p["step"] == "upgrade" for p in s["procedures"]))
    lab.config(durations={"catch_up": 0.2})
    lab.failover()
    assert lab.state()["metasrv"]["leader"] == 1
    assert "Procedure not found" in refused(lab, "%s procedure_state('%s')" % (word, ended))[1]
    assert wait_end(lab, running) == {"status": "Done"}
    assert lab.leader(FIRST + 1) == 2
    assert lab.ledger()["missing"] == 0


def test_done_without_a_move(new_lab: LabFactory) -> None:
    lab = new_lab("0.8")
    lab.config(durations={"register": 5.0})
    first = migrate(lab, FIRST, 0, 1)
    second = migrate(lab, FIRST, 0, 2)
    assert [wait_end(lab, pid)["status"] for pid in (first, second)] == ["Done", "Done"]
    assert lab.leader(FIRST) in (1, 2)


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("0.13.2", "Procedure exec failed"),
        ("0.14.0", "Internal error: 1003"),
        ("0.16.0", "Internal error: 1003"),
        ("0.17.0", "Expected to retry later, reason: EmptyRegionDir: Empty region directory, region_id: %d(1024, 0)"),
    ],
)
def test_retrying(shared_lab: LabFactory, version: str, error: str) -> None:
    """Local storage: the target finds an empty directory and the step is tried again, the source undisturbed."""
    lab = shared_lab(version, storage="File")
    pid = migrate(lab, FIRST, 0, 1)
    lab.wait_for(lambda s: any(p["status"] == "Retrying" for p in s["procedures"]))
    found = state(lab, pid)
    assert found == {"status": "Retrying", "error": error % FIRST if "%" in error else error}
    assert lab.state()["regions"][str(FIRST)]["status"] == "ALIVE"


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("0.13.2", "Failed to execute procedure due to external error"),
        ("0.14.0", "The region migration procedure aborted, reason: Failed to upgrade the candidate region."),
        ("1.1", "The region migration procedure aborted, reason: Failed to upgrade the candidate region."),
    ],
)
def test_failed(new_lab: LabFactory, version: str, error: str) -> None:
    lab = new_lab(version)
    lab.config(durations={"flush": 20.0})
    pid = migrate(lab, FIRST, 0, 1, 5)
    assert wait_end(lab, pid) == {"status": "Failed", "error": error}
    after = lab.wait_for(lambda s: s["regions"][str(FIRST)]["writable"])
    assert (after["regions"][str(FIRST)]["leader"], after["regions"][str(FIRST)]["status"]) == (0, "ALIVE")
    assert wait_end(lab, migrate(lab, FIRST, 0, 1, 600)) == {"status": "Done"}  # the flush goes through this time


@pytest.mark.parametrize(("version", "exists"), [("0.15.5", False), ("0.16.0", True), ("1.1", True)])
def test_events(new_lab: LabFactory, version: str, exists: bool) -> None:
    lab = new_lab(version)
    select = (
        "SELECT procedure_state, region_id, region_migration_src_node_id, region_migration_dst_node_id, payload "
        "FROM greptime_private.events WHERE procedure_id = '%s' ORDER BY timestamp"
    )
    assert refused(lab, select % UNKNOWN)[0] == 1146  # made with the first event
    pid = migrate(lab, FIRST, 0, 3, 77)
    wait_end(lab, pid)
    lab.failover()
    if exists:
        lab.wait_for(lambda s: s["time"] > 12)
        rows = ask(lab, select % pid)
        assert [row[0] for row in rows] == ["Running", "Done"]
        assert rows[1][1:4] == (FIRST, 0, 3)
        assert json.loads(rows[1][4])["timeout"] == "77s"
    else:
        assert refused(lab, select % pid)[0] == 1146
