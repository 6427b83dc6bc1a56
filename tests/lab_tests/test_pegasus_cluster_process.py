# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pegasus lab from the command line, and a whole migration by hand with clients that write all the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import process
from lab.client import LabClient
from lab.pegasus import zookeeper
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import LOG, Side, rpc

TESTS = str(Path(__file__).resolve().parent.parent)
with_zookeeper = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")


def _lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *arguments]
    environment = dict(os.environ, PYTHONPATH=TESTS)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_detached_then_stopped(tmp_path: Path) -> None:
    file = str(tmp_path / "lab.json")
    options = ("--profile", "2.6", "--target-profile", "2.5", "--partitions", "8", "--no-metaproxy", "--table", "a,b")
    done = _lab("pegasus", "start", *options, "--describe", file, "--detach")
    assert done.returncode == 0, done.stderr
    try:
        describe = json.loads(Path(file).read_text())
        assert (describe["engine"], describe["table"], describe["tables"]) == ("pegasus", "a", ["a", "b"])
        assert (describe["zookeeper"], describe["metaproxies"]) == (None, [])
        source, target = describe["clusters"]["source"], describe["clusters"]["target"]
        assert (source["name"], source["version"], target["version"]) == ("onebox-a", "2.6.0-SNAPSHOT", "2.5.0")
        assert (len(source["metas"]), len(source["replicas"])) == (3, 5)
        side = Side(LabClient(file))
        assert [a["app_name"] for a in side.meta("LIST_APPS", status=1)["infos"]] == ["stat", "a", "b"]
        status = _lab("pegasus", "status", "--describe", file).stdout
        assert "source 2.6.0-SNAPSHOT: stat AVAILABLE a AVAILABLE b AVAILABLE, target 2.5.0: stat AVAILABLE" in status
    finally:
        assert _lab("stop", "--describe", file).stdout == "stopped\n"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ("--profile", "1.12.3"),
            "--profile: '1.12.3': the lab knows 2.4 and later, and 2.3 only to be refused; give one",
        ),
        (("--target-profile", "new"), "--target-profile: not a Pegasus version: 'new'; give one of 2.3, 2.4, 2.5, 2.6"),
        (("--replica-servers", "0"), "--replica-servers must be 1 or more"),
        (("--table", "a,,b"), "--table: a name is missing"),
        (("--factor", "0"), "--factor must be greater than 0"),
    ],
)
def test_a_lab_that_cannot_start_says_why(options: tuple[str, ...], text: str) -> None:
    done = _lab("pegasus", "start", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(text)


def _cpu(pid: int) -> float:
    """Processor seconds of a process."""
    fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@with_zookeeper
@pytest.mark.thorough
@pytest.mark.cost(15)
@pytest.mark.parametrize(("profile", "strict", "missing"), [("2.6", False, 0), ("2.5", False, 16), ("2.5", True, 0)])
def test_a_migration_by_hand(profile: str, strict: bool, missing: int) -> None:
    """Up to 2.5 the last mutation of each partition is missing if nobody waits for the empty write."""
    with process.start("pegasus", profile, factor=20, partitions=16) as lab:
        source, target = Side(lab), Side(lab, "target")
        source.duplicate(target)
        source.wait_status(LOG)
        source.deny("reconfig*write")
        lab.wait_for(lambda state: all(p["deny"] for p in source.app(state)["partitions"].values()))
        fenced = _committed(source)
        start = lab.state()["time"]
        while not _drained(source, fenced, strict):
            time.sleep(0.05)
        drained = lab.state()["time"] - start
        assert 60 < drained < 240 if strict else drained < 60
        lab.foreign(znode={"cluster": "target"})
        source.deny("reconfig*all")
        app_id = target.app_id()
        lab.wait_for(lambda state: {c["app_id"] for c in state["clients"]["temp"]} == {app_id})
        time.sleep(0.2)
        ledger = lab.ledger()
        assert ledger["authority"] == "target"
        assert (ledger["missing"], ledger["missing_on"]["target"]) == (missing, missing)
        assert ledger["missing_on"]["source"] > 0
        assert ledger["acknowledged"] > 1000
        windows = [p["refused_seconds"] for p in ledger["per_partition"].values()]
        assert len(windows) == 16 and min(windows) > 1


def _committed(source: Side) -> dict[int, int]:
    found: dict[int, int] = {}
    for partition in source.partitions():
        infos = rpc(partition["primary"], "RPC_QUERY_REPLICA_INFO", {"node": partition["primary"]})["replicas"]
        own = next(info for info in infos if info["pid"] == partition["pid"])
        found[partition["pid"][1]] = own["last_committed_decree"]
    return found


def _drained(source: Side, fenced: dict[int, int], strict: bool) -> bool:
    progress, now = source.progress(), _committed(source)
    if not strict:
        return all(p["not_duplicated_mutations_num"] <= 1 for p in progress.values())
    return all(now[i] - progress[i]["not_duplicated_mutations_num"] >= fenced[i] for i in fenced)


@with_zookeeper
@pytest.mark.serial
@pytest.mark.cost(8)
def test_sixty_four_partitions_fit_one_processor() -> None:
    with process.start("pegasus", "2.5", factor=20) as lab:
        source = Side(lab)
        source.duplicate(Side(lab, "target"))
        source.wait_status(LOG)
        pid = lab.describe["pid"]
        cpu, begin = _cpu(pid), time.monotonic()
        time.sleep(3)
        assert (_cpu(pid) - cpu) / (time.monotonic() - begin) < 0.8
        assert lab.ledger()["missing"] == 0


def test_clients_without_metaproxy_are_switched_by_hand(pegasus_lab: LabFactory) -> None:
    lab = pegasus_lab("2.6", clients=2, rate=20, factor=20)
    source, target = Side(lab), Side(lab, "target")
    source.duplicate(target)
    source.wait_status(LOG)
    lab.foreign(switch="target")
    app_id = target.app_id()
    lab.wait_for(lambda state: {c["app_id"] for c in state["clients"]["temp"]} == {app_id})
    assert lab.ledger()["authority"] == "target"
