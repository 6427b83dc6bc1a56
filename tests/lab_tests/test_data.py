# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What migrations do to writes: refusals and their texts, losses counted by the ledger, slow paths (facts 6, 7)."""

from __future__ import annotations

import zlib

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, migrate, refused, state, wait_end


@pytest.mark.parametrize(
    ("version", "errno", "text"),
    [
        ("0.7.2", 1815, "Region %d(1024, 0) is read only"),
        ("0.8.0", 1815, "Region %d(1024, 0) is in ReadOnly state, expect: Writable"),
        ("0.9.3", 1815, "Region %d(1024, 0) is in ReadOnly state, expect: Writable"),
        ("0.9.4", 1815, "Region %d(1024, 0) is in Leader(Downgrading) state, expect: Writable"),
        ("0.14.0", 1815, "Region %d(1024, 0) is in Leader(Downgrading) state, expect: Leader(Writable)"),
        ("1.1", 1815, "Region %d(1024, 0) is in Leader(Downgrading) state, expect: Leader(Writable)"),
    ],
)
def test_writes_are_refused_while_downgraded_and_reads_go_on(
    new_lab: LabFactory, version: str, errno: int, text: str
) -> None:
    lab = new_lab(version)
    lab.config(durations={"catch_up": 40})
    count = ask(lab, "SELECT count(*) FROM cpu")
    migrate(lab, FIRST, 0, 1, 600)
    lab.wait_for(lambda s: any(p["step"] == "upgrade" for p in s["procedures"]))
    host = next(h for h in ("mine-%d" % n for n in range(99)) if _region_of(h) == 0)
    found = refused(lab, "INSERT INTO cpu VALUES ('%s', now(), 1)" % host)
    assert found[0] == errno
    assert text % FIRST in found[1]
    assert ask(lab, "SELECT count(*) FROM cpu") == count
    lab.config(durations={"catch_up": 0})
    lab.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 1 and s["regions"][str(FIRST)]["writable"])
    ask(lab, "INSERT INTO cpu (host, val) VALUES ('%s', 2)" % host)
    assert ask(lab, "SELECT count(*) FROM cpu WHERE host = '%s' AND val = 2" % host) == [(1,)]


def _region_of(host: str) -> int:
    return zlib.crc32(host.encode()) % 8


def test_writers_see_refusals_only_inside_the_windows(new_lab: LabFactory) -> None:
    lab = new_lab("0.9.5", writers=4, rate=400, factor=4)
    before = lab.ledger()
    for number in range(4):
        migrate(lab, FIRST + number, number, (number + 1) % 4)
    lab.wait_for(lambda s: sum(p["status"] == "Done" for p in s["procedures"]) == 4)
    ledger = lab.ledger()
    moved = {str(FIRST + n) for n in range(4)}
    assert ledger["missing"] == 0
    assert ledger["acknowledged"] > before["acknowledged"]
    assert ledger["refused"] > 0
    for region, account in ledger["per_region"].items():
        assert len(account["refused_windows"]) == (1 if region in moved else 0)
        assert bool(account["refused_seconds"]) is (region in moved)
        assert account["refused"] == 0 or region in moved


@pytest.mark.parametrize(("version", "lost"), [("0.8", True), ("0.9.3", True), ("0.9.4", False), ("1.1", False)])
def test_local_log_loses_what_is_not_flushed_before_0_9_4(new_lab: LabFactory, version: str, lost: bool) -> None:
    lab = new_lab(version, wal="raft_engine")
    region = lab.state()["regions"][str(FIRST + 1)]
    assert region["replicas"]["1"]["memtable_bytes"] > 0
    assert wait_end(lab, migrate(lab, FIRST + 1, 1, 2)) == {"status": "Done"}
    ledger = lab.ledger()
    assert (ledger["missing"] > 0) is lost
    assert ledger["per_region"][str(FIRST + 1)]["missing"] == ledger["missing"]


def test_a_flush_beforehand_saves_a_local_log_before_0_9_4(new_lab: LabFactory) -> None:
    lab = new_lab("0.8", wal="raft_engine")
    assert ask(lab, "SELECT flush_region(%d)" % (FIRST + 1)) == [(0,)]
    wait_end(lab, migrate(lab, FIRST + 1, 1, 2))
    assert lab.ledger()["missing"] == 0


@pytest.mark.parametrize(("wal", "lost"), [("kafka", False), ("raft_engine", True), ("noop", True)])
def test_the_slow_path_loses_what_only_the_dead_source_had(new_lab: LabFactory, wal: str, lost: bool) -> None:
    lab = new_lab("0.9.5", wal=wal)
    lab.fault("source_dies_mid_way", region_id=FIRST + 1)
    pid = migrate(lab, FIRST + 1, 1, 2)
    lab.wait_for(lambda s: not s["nodes"]["1"]["alive"])
    died = lab.state()["time"]
    assert wait_end(lab, pid) == {"status": "Done"}
    assert lab.leader(FIRST + 1) == 2
    ledger = lab.ledger()
    assert ledger["per_region"][str(FIRST + 1)]["missing"] > 0 if lost else ledger["missing"] == 0
    assert lab.state()["time"] > died + 5  # waited for the lease


def test_a_restarted_datanode_replays_its_log(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", wal="raft_engine")
    lab.node(1, alive=False)
    assert lab.ledger()["missing"] == 0
    assert not lab.state()["regions"][str(FIRST + 1)]["writable"]
    lab.node(1, alive=True)
    assert lab.state()["regions"][str(FIRST + 1)]["writable"]
    assert lab.ledger()["missing"] == 0


@pytest.mark.parametrize("version", ["0.12", "1.0", "1.1"])
def test_the_target_dies(new_lab: LabFactory, version: str) -> None:
    lab = new_lab(version)
    lab.fault("target_dies_mid_way", region_id=FIRST)
    pid = migrate(lab, FIRST, 0, 1)
    assert wait_end(lab, pid)["status"] == "Failed"
    after = lab.wait_for(lambda s: s["regions"][str(FIRST)]["writable"])
    assert after["regions"][str(FIRST)]["leader"] == 0
    assert lab.ledger()["missing"] == 0


@pytest.mark.parametrize(("version", "quick"), [("1.0", False), ("1.1", True)])
def test_local_storage(new_lab: LabFactory, version: str, quick: bool) -> None:
    """Twelve retries take about six minutes; from 1.1 the target refuses at once."""
    lab = new_lab(version, storage="File", factor=200)
    pid = migrate(lab, FIRST, 0, 1)
    found = wait_end(lab, pid)
    assert found["status"] == "Failed"
    procedure = next(p for p in lab.state()["procedures"] if p["pid"] == pid)
    lasted = procedure["ended"] - procedure["started"]
    if quick:
        assert "does not satisfy requirement" in found["error"]
        assert lasted < 60
    else:
        assert 360 < lasted < 500
    assert lab.state()["regions"][str(FIRST)]["status"] == "ALIVE"
    assert lab.leader(FIRST) == 0
    assert lab.ledger()["per_region"][str(FIRST)]["refused_seconds"] == 0


def test_a_shared_directory_works(new_lab: LabFactory) -> None:
    lab = new_lab("1.0", storage="File")
    lab.config(all_datanodes={"shared_directory": True})
    assert wait_end(lab, migrate(lab, FIRST, 0, 1)) == {"status": "Done"}


def test_other_brokers_lose_what_is_not_flushed(new_lab: LabFactory) -> None:
    lab = new_lab("0.8")
    lab.config(datanodes={"2": {"wal_brokers": ["elsewhere:9092"]}})
    wait_end(lab, migrate(lab, FIRST + 1, 1, 2))
    assert lab.ledger()["missing"] > 0


@pytest.mark.parametrize(("version", "stuck"), [("0.9.5", True), ("0.11.0", True), ("0.11.1", False), ("1.1", False)])
def test_exhausted_retries_leave_the_route_degraded_before_0_11_1(
    new_lab: LabFactory, version: str, stuck: bool
) -> None:
    lab = new_lab(version, factor=100)
    lab.config(max_retry_times=3)
    lab.fault("stuck_retrying", step="upgrade", times=0)
    assert wait_end(lab, migrate(lab, FIRST, 0, 1))["status"] == "Failed"
    lab.clear_faults()
    if stuck:
        assert lab.state()["regions"][str(FIRST)]["status"] == "DOWNGRADING"
        assert not lab.state()["regions"][str(FIRST)]["writable"]
        assert wait_end(lab, migrate(lab, FIRST, 0, 2)) == {"status": "Done"}  # migrating again clears it
    after = lab.wait_for(lambda s: s["regions"][str(FIRST)]["writable"])
    assert after["regions"][str(FIRST)]["leader"] == (2 if stuck else 0)
    assert lab.ledger()["missing"] == 0


@pytest.mark.thorough
def test_parallel_route_updates_of_one_table_race_before_0_11_1(new_lab: LabFactory) -> None:
    lab = new_lab("0.9.5", factor=2)
    lab.config(durations={"route_update": 0.7, "open_candidate": 0.2, "start": 0.0})
    pids = [migrate(lab, FIRST + n, n % 4, (n + 1) % 4) for n in range(6)]
    seen: set[str] = set()

    def all_ended(s: dict[str, list[dict[str, str]]]) -> bool:
        seen.update(p["status"] for p in s["procedures"])
        return sum(p["status"] == "Done" for p in s["procedures"]) == len(pids)

    lab.wait_for(all_ended)
    assert "Retrying" in seen
    assert [lab.leader(FIRST + n) for n in range(6)] == [(n + 1) % 4 for n in range(6)]


@pytest.mark.parametrize("version", ["0.9.5", "1.1"])
def test_back_and_forth_at_once(new_lab: LabFactory, version: str) -> None:
    """Before 0.11.1 the source keeps its copy until the lease is over: in the way of nothing."""
    lab = new_lab(version, writers=2, factor=10)
    lab.config(durations={"open_candidate": 0.9})
    for source, target in ((0, 1), (1, 0), (0, 1)):
        assert wait_end(lab, migrate(lab, FIRST, source, target)) == {"status": "Done"}
        assert lab.leader(FIRST) == target
    assert lab.ledger()["missing"] == 0


def test_a_table_dropped_meanwhile(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.config(durations={"open_candidate": 9})
    pid = migrate(lab, FIRST, 0, 1)
    state(lab, pid)
    assert lab.foreign(drop_table="cpu") == {}
    assert wait_end(lab, pid)["status"] == "Failed"
    assert lab.ledger()["missing"] == 0


def test_ddl_waits_where_migrations_lock_the_table(new_lab: LabFactory) -> None:
    lab = new_lab("0.12", factor=10)
    lab.config(durations={"catch_up": 3})
    state(lab, migrate(lab, FIRST, 0, 1))
    lab.foreign(drop_table="cpu")
    done = {p["type"].split("::")[1]: p["ended"] for p in lab.state()["procedures"]}
    assert done["DropTable"] > done["RegionMigration"]


def test_the_metric_tables_regions_move_as_others_do(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", writers=2)
    physical = next(v["physical"] for v in lab.state()["tables"].values() if v["physical"])
    region = physical << 32
    source = lab.leader(region) or 0
    assert wait_end(lab, migrate(lab, region, source, (source + 1) % 4)) == {"status": "Done"}
    assert lab.ledger()["missing"] == 0
