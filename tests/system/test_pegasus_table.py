# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renaming and dropping tables against the lab: predicted, sent, read back, and never without evidence."""

from __future__ import annotations

import json
import pathlib
import signal
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from lab import process
from lab.client import LabClient
from system.pegasus_modules import SMALL, Result, metas, run, sent, start, told

# The integration targets try the module each time; this is every corner of it.
pytestmark = pytest.mark.thorough

DENY = "replica.deny_client_request"
ADD = {
    "id": "c1",
    "resource": "pegasus:onebox-a/table/old/duplication/onebox-b",
    "action": "add",
    "before": None,
    "after": {"status": "DS_INIT"},
    "request": {},
}


@pytest.fixture
def lab() -> t.Iterator[LabClient]:
    """Two tables beside the clients' own: both there on the source and on the target."""
    with process.start(profile="2.6", **{**SMALL, "partitions": 4, "clients": 0}) as running:
        for cluster in ("source", "target"):
            running.foreign(cluster=cluster, create_table={"name": "old", "partitions": 4})
        running.foreign(table="old", env={DENY: "reconfig*all"})
        running.clear_requests()
        yield running


def options(lab: LabClient, folder: pathlib.Path, *entries: tuple[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The module's options, with a journal that holds these entries."""
    path = str(folder / "journal.jsonl")
    journal = Journal.open(path, migration_id="m", engine="pegasus", clock=SystemClock(), redactor=Redactor([]))
    journal.append_many(entries)
    journal.close()
    return {"target_meta_servers": metas(lab, "target"), "tables": "old", "journal": path, "migration_id": "m"}


def names(lab: LabClient, side: str = "source") -> list[str]:
    return sorted(lab.state()["clusters"][side]["apps"])


def outcomes(given: t.Mapping[str, t.Any]) -> list[str]:
    lines = [json.loads(line) for line in pathlib.Path(given["journal"]).read_text().splitlines()]
    return [line["data"]["status"] for line in lines if line["kind"] == "change.outcome"]


COMMITTED = ("cutover.committed", {"table": "old"})


def four_steps(lab: LabClient, **given: t.Any) -> Result:
    """Check, run, run again, check again."""
    predicted = run("table", lab, check=True, **given)
    assert (predicted["changed"], sent(lab)) == (True, []), predicted
    done = run("table", lab, **given)
    assert (done["changed"], sent(lab)) == (True, told(predicted)), done
    assert (done["changes"], done["diff"]) == (predicted["changes"], predicted["diff"])
    lab.clear_requests()
    for check in (False, True):
        again = run("table", lab, check=check, **given)
        assert (again["changed"], again["changes"], sent(lab)) == (False, [], []), again
    return done


def test_an_old_table_is_dropped(lab: LabClient, tmp_path: pathlib.Path) -> None:
    given = options(lab, tmp_path, COMMITTED)
    done = four_steps(lab, state="dropped", reserve_seconds=3600, **given)
    (row,) = done["tables"]
    assert f"old#{row['app_id']}" in names(lab)
    assert "old" in names(lab, "target")
    assert outcomes(given) == ["done"]


def test_an_old_table_is_renamed(lab: LabClient, tmp_path: pathlib.Path) -> None:
    given = options(lab, tmp_path, COMMITTED)
    done = four_steps(lab, state="renamed", suffix="_gone", **given)
    assert done["tables"][0]["new_name"] == "old_gone"
    assert "old_gone" in names(lab)


def test_nothing_without_evidence(lab: LabClient, tmp_path: pathlib.Path) -> None:
    given = options(lab, tmp_path)
    assert run("table", lab, state="dropped", **given)["code"] == "pegasus.not_cut_over"
    # It is nobody's follower.
    assert run("table", lab, state="follower_dropped", **given)["code"] == "pegasus.table_not_ours"
    assert sent(lab) == []


def test_a_half_made_follower_is_dropped_and_its_source_is_not(lab: LabClient, tmp_path: pathlib.Path) -> None:
    given = options(lab, tmp_path, ("change.intent", ADD))
    made = {"duplication.master_cluster": "onebox-a", "duplication.master_app_name": "old"}
    lab.foreign(cluster="target", table="old", env=made)
    assert run("table", lab, state="follower_dropped", **given)["code"] == "pegasus.table_not_ours"
    masters = ",".join(lab.describe["clusters"]["source"]["metas"])
    lab.foreign(cluster="target", table="old", env={"duplication.master_metas": masters})
    four_steps(lab, state="follower_dropped", **given)
    assert "old" not in names(lab, "target")
    assert "old" in names(lab)


def test_a_lost_answer_is_settled_by_looking(lab: LabClient, tmp_path: pathlib.Path) -> None:
    given = options(lab, tmp_path, COMMITTED)
    lab.fault("reply_lost", match="RPC_CM_DROP_APP", surface="meta-rpc")
    done = run("table", lab, state="dropped", rpc_timeout="2s", **given)
    assert done["changed"], done
    assert len(sent(lab)) == 1
    assert outcomes(given) == ["done"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_intent_and_outcome(lab: LabClient, tmp_path: pathlib.Path, when: str) -> None:
    given = options(lab, tmp_path, COMMITTED)
    lab.breakpoint("RPC_CM_RENAME_APP", when=when)
    killed = start("table", {"meta_servers": metas(lab), "state": "renamed", **given})
    assert lab.wait_breakpoint(60)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    lab.clear_breakpoints()
    assert outcomes(given) == []
    done = run("table", lab, state="renamed", **given)
    assert "old_moved" in names(lab)
    assert done["changed"] is (when == "before")
    assert outcomes(given) == (["abandoned", "done"] if when == "before" else ["done"])


def test_where_tables_stand(lab: LabClient, tmp_path: pathlib.Path) -> None:
    given = {**options(lab, tmp_path, COMMITTED), "tables": "old,temp"}
    found = run("table_info", lab, soak_time="1h", **given)
    assert [one["stage"] for one in found["tables"]] == ["cut_over", "not_started"]
    assert (found["to_migrate"], found["cut_over"], found["left_on_source"]) == (["temp"], ["old"], ["old"])
    assert 3500 < found["soak_left"] <= 3600
    assert found["remote_cluster"] == "onebox-b"
    assert ["use temp" in command for command in found["lift_commands"]] == [True]
    blind = run("table_info", lab, **{**given, "target_meta_servers": "127.0.0.1:1"})
    assert blind["target_problem"]["code"] == "pegasus.unreachable"
    assert sent(lab) == []
