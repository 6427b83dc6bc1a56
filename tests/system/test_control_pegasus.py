# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and the calendar say to Pegasus modules, against the lab and from the server's side."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from lab.pegasus import zookeeper
from system.pegasus_cutover_lab import Cutovers, duplicate, finish
from system.pegasus_modules import SMALL, metas, run, sent, start, told

needs_zookeeper = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")
CLOSED = "2020-01-01T00:00:00Z/2020-01-01T01:00:00Z"


def _control(journal: str) -> pathlib.Path:
    return pathlib.Path(journal + ".control")


def _acknowledged(journal: str) -> list[str]:
    entries = [json.loads(line) for line in pathlib.Path(journal).read_text().splitlines()]
    return [one["data"]["wish"] for one in entries if one["kind"] == "control"]


def _being_copied(lab: LabClient) -> int:
    """How many duplications of the source do not ship their log yet."""
    apps = lab.state()["clusters"]["source"]["apps"].values()
    return sum(1 for app in apps for one in app["duplications"].values() if one["status"] != "DS_LOG")


@needs_zookeeper
@pytest.mark.cost(30)
def test_a_cutover_is_refused_before_and_lifted_under_its_fence(tmp_path: pathlib.Path) -> None:
    with process.start("pegasus", "2.6", partitions=8, factor=10, rate=60, clients=4, table="temp") as lab:
        duplicate(lab, ["temp"])
        lab.clear_requests()
        one = Cutovers(lab, tmp_path)
        file = _control(one.journal("temp"))
        for text, code in (
            ("psotpone 2h", "control.unreadable"),
            ("pause", "control.paused"),
            ("postpone until 2199-01-01", "control.postponed"),
            ("abort not tonight", "control.aborted"),
        ):
            file.write_text(text)
            for check in (True, False):
                refused = one.run("temp", check=check)
                assert (refused["failed"], refused.get("code")) == (True, code), refused
        file.unlink()
        for check in (True, False):
            refused = one.run("temp", check=check, cutover_window=CLOSED)
            assert refused.get("code") == "cutover.outside_window", refused
        # Open now, but not for as long as the forecast says.
        now = time.time()
        soon = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - 3600, now + 3)]
        refused = one.run("temp", cutover_window="/".join(soon))
        assert refused.get("code") == "cutover.outside_window", refused
        assert "may take" in refused["msg"] or "closed now" in refused["msg"]
        assert one.sent() == []
        assert one.intervals() == {"30000"}

        point = lab.breakpoint("temp set replica.deny_client_request=reconfig*write", "after")
        running = one.start("temp")
        assert lab.wait_breakpoint(30)
        assert not one.writable("temp")
        file.write_text("abort the phone rings")
        lab.release(point)
        result = finish(running)
        lab.clear_breakpoints()
        assert (result["failed"], result["code"]) == (True, "control.aborted"), result
        assert "the fence was taken off" in result["msg"]
        assert result["tables"][0]["state"] == "lifted"
        assert one.writable("temp")
        assert one.points_at("temp") == "onebox-a"
        assert one.intervals() == {"30000"}
        entries = [json.loads(line) for line in pathlib.Path(one.journal("temp")).read_text().splitlines()]
        assert "lift" in [entry["data"]["kind"] for entry in entries if entry["kind"] == "proof"]
        assert _acknowledged(one.journal("temp"))[-1] == "abort the phone rings"

        file.write_text("resume")
        wide = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - 3600, now + 36000)]
        done = one.run("temp", cutover_window="/".join(wide))
        assert (done["failed"], done["state"]) == (False, "committed"), done
        assert int(lab.ledger()["missing"]) == 0
        # Behind the switch nothing is held.
        file.write_text("abort")
        assert one.run("temp")["state"] == "committed"


@needs_zookeeper
@pytest.mark.thorough
@pytest.mark.cost(40)
def test_what_a_killed_cutover_left_is_put_right_whatever_is_wished(tmp_path: pathlib.Path) -> None:
    with process.start("pegasus", "2.6", partitions=8, factor=10, rate=60, clients=4, table="temp") as lab:
        duplicate(lab, ["temp"])
        one = Cutovers(lab, tmp_path)
        assert one.killed("temp", "after:fence", "both") is None
        assert not one.writable("temp")
        _control(one.journal("temp")).write_text("pause")
        assert one.run("temp", check=True)["code"] == "control.paused"
        assert not one.writable("temp")
        assert one.run("temp")["code"] == "control.paused"
        assert one.writable("temp")
        assert one.intervals() == {"30000"}
        _control(one.journal("temp")).unlink()
        assert one.run("temp")["state"] == "committed"


@pytest.mark.thorough
@pytest.mark.cost(60)
def test_what_a_killed_cutover_left_is_let_through_although_nothing_is_ready(tmp_path: pathlib.Path) -> None:
    tables = "paused,away"
    with process.start("pegasus", "2.6", partitions=4, factor=10, rate=60, clients=4, table=tables) as lab:
        duplicate(lab, tables.split(","))
        one = Cutovers(lab, tmp_path)
        assert one.killed("paused", "after:fence", "both") is None
        lab.foreign(table="paused", duplication={"status": "pause"})
        predicted = one.run("paused", check=True)
        assert predicted["code"] == "pegasus.cutover_blocked" and not one.writable("paused")
        refused = one.run("paused")
        assert refused["code"] == "pegasus.cutover_blocked"
        assert "the fence of paused taken off" in refused["msg"]
        assert refused["changes"] == predicted["changes"]
        assert one.writable("paused") and one.denied("paused") == []

        assert one.killed("away", "after:fence", "both") is None
        assert not one.writable("away")
        for node in lab.describe["clusters"]["target"]["metas"]:
            lab.fault("refuse_connections", cluster="target", node=node)
        assert "the fence of away taken off" in one.run("away")["msg"]
        assert one.writable("away") and one.denied("away") == []
        assert one.intervals() == {"30000"}


@pytest.mark.thorough
@pytest.mark.cost(20)
def test_no_duplication_is_added_during_a_pause(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", table="a", **SMALL) as lab:
        journal = str(tmp_path / "journal.jsonl")
        options: dict[str, t.Any] = {
            "tables": ["a"], "remote_cluster": "onebox-b", "poll_interval": "300ms", "journal": journal,
            "migration_id": "m", "target_meta_servers": metas(lab, "target"),
        }  # fmt: skip
        lab.clear_requests()
        _control(journal).write_text("pause\nlimits global=2")  # which is GreptimeDB's
        step = run("duplication", lab, **options, step_time="500ms")
        assert (step["finished"], step["changed"]) == (False, False), step
        assert [one["reason"] for one in step["waits"]] == ["control.paused"]
        assert any("not applicable" in event for event in step["events"])
        assert sent(lab) == []
        _control(journal).write_text("abort")
        failed = run("duplication", lab, **options, step_time="500ms", follow=step["follow"])
        assert failed["code"] == "control.aborted", failed
        assert sent(lab) == []
        _control(journal).write_text("pause")
        going = start("duplication", {"meta_servers": metas(lab), **options})
        try:
            end = time.monotonic() + 60
            while _acknowledged(journal)[-1] != "pause" and time.monotonic() < end:
                time.sleep(0.1)
            assert sent(lab) == []
            _control(journal).unlink()
            done = finish(going)
        finally:
            going.kill()
        assert (done.get("finished"), done["changed"]) == (True, True), done
        # What is taken back asks nobody.
        _control(journal).write_text("abort")
        assert run("duplication", lab, **{**options, "state": "absent"})["finished"] is True


@pytest.mark.thorough
@pytest.mark.cost(40)
def test_so_many_tables_are_copied_at_a_time_as_the_limit_says(tmp_path: pathlib.Path) -> None:
    tables = ["a", "b", "c", "d"]
    with process.start(profile="2.6", table=",".join(tables), **SMALL) as lab:
        journal = str(tmp_path / "journal.jsonl")
        options: dict[str, t.Any] = {
            "tables": tables, "remote_cluster": "onebox-b", "poll_interval": "300ms", "journal": journal,
            "migration_id": "m", "target_meta_servers": metas(lab, "target"),
        }  # fmt: skip
        lab.clear_requests()
        _control(journal).write_text("limits tables=2")
        predicted = run("duplication", lab, check=True, **options)
        assert sent(lab) == []
        going = start("duplication", {"meta_servers": metas(lab), **options})
        try:
            # Killed in the middle: whatever is there counts for the next run.
            end = time.monotonic() + 60
            while len(sent(lab)) < 2 and time.monotonic() < end:
                time.sleep(0.05)
        finally:
            going.kill()
        going.wait()
        assert len(sent(lab)) == 2
        statuses: set[int] = set()
        going = start("duplication", {"meta_servers": metas(lab), **options})
        try:
            while going.poll() is None:
                statuses.add(_being_copied(lab))
                time.sleep(0.05)
            done = finish(going)
        finally:
            going.kill()
        assert done["finished"] is True, done
        assert sent(lab) == told(predicted)
        assert 2 in statuses and max(statuses) == 2, statuses
        assert _acknowledged(journal) == ["limits tables=2"]
        lab.clear_requests()
        assert run("duplication", lab, **options)["changed"] is False
        assert run("duplication", lab, check=True, **options)["changed"] is False
        assert sent(lab) == []
