# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync tool's modules with the lab's stand-in, unpacked, configured, started and killed like the real one."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import time
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_modules import SMALL, Result, connection, finish, start

PATIENCE = 40.0
FAST = {
    "meta_job_interval_seconds": 10,
    "ddl_job_interval_seconds": 2,
    "replication_job_interval_seconds": 2,
}
"""The tool's intervals, in lab seconds."""
REPORT_INTERVAL = 10
DROPS = (
    "ddl_job_allow_drop_schema_change_table",
    "ddl_job_allow_drop_inconsistent_partition",
    "ddl_job_allow_drop_inconsistent_time_partition",
    "ddl_job_allow_drop_partition_target_only",
)


class Tool:
    """The modules on one folder. ``report_interval`` of looks is real time, as the stand-in stamps its log with it."""

    def __init__(self, lab: LabClient, folder: pathlib.Path, generation: str = "2026") -> None:
        self.lab = lab
        self.home = folder / "tool"
        self.journal = folder / "tool.jsonl"
        self.generation = generation
        self.cursor: t.Any = None

    def options(self) -> dict[str, t.Any]:
        describe = self.lab.describe
        given: dict[str, t.Any] = {
            "archive": describe["tool"]["archive"],
            "archive_sha256": describe["tool"]["sha256"],
            "source_cluster_token": describe["clusters"]["source"]["token"],
            **FAST,
        }
        if self.generation >= "2024-09":
            given["report_interval_seconds"] = REPORT_INTERVAL
        for name in DROPS:
            if self.generation >= "2025" or (
                "time" not in name and (self.generation >= "2024-09" or "only" not in name)
            ):
                given[name] = "true"
        for side, prefix in (("source", ""), ("target", "target_")):
            cluster = describe["clusters"][side]
            frontends, nodes = cluster["frontends"], cluster["nodes"]
            given[f"{side}_fe_host"] = frontends[0]["host"]
            given[f"{side}_fe_query_port"] = frontends[0]["query_port"]
            given[f"{side}_cluster_user"] = "tool"
            given[f"{side}_cluster_password"] = describe["users"]["tool"]
            given[f"{side}_run_mode"] = cluster["run_mode"]
            given[f"{side}_hosts"] = json.dumps([one["host"] for one in (*frontends, *nodes)])
            # Releases before 2026 map no ports.
            mapped = cluster["address_map"]
            if self.generation < "2026":
                mapped = {host: value.partition(";")[0] for host, value in mapped.items()}
            given[f"{prefix}address_map"] = json.dumps(mapped)
        return given

    def call(self, state: str, check: bool = False, **more: t.Any) -> Result:
        given = {"directory": str(self.home), "state": state, "supervisor": "session", "journal": str(self.journal)}
        if state in ("present", "started"):
            given.update(self.options())
        return finish(start("sync_tool", {**given, "start_wait": "0.5s", **more}, check))

    def look(self, **more: t.Any) -> Result:
        given: dict[str, t.Any] = {
            "directory": str(self.home),
            "cursor": None if self.cursor is None else json.dumps(self.cursor),
            "report_interval": "2s",
            "meta_interval": "1s",
            **more,
        }
        result = finish(start("sync_progress_info", given))
        assert not result.get("failed"), result
        self.cursor = result["cursor"]
        return result

    def until(self, condition: t.Callable[[Result], bool], **more: t.Any) -> Result:
        ends = time.monotonic() + PATIENCE
        while True:
            result = self.look(**more)
            if condition(result):
                return result
            assert time.monotonic() < ends, json.dumps({**result, "cursor": None}, indent=1)
            time.sleep(0.2)

    def until_verdict(self, *verdicts: str, **more: t.Any) -> Result:
        return self.until(lambda result: result["verdict"] in verdicts, **more)

    def suffer(self, **orders: t.Any) -> None:
        self.lab.call("POST", "/tool", orders)


Begin = t.Callable[..., Tool]


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


@pytest.fixture
def begin(labs: EmbeddedLabs, tmp_path: pathlib.Path) -> t.Iterator[Begin]:
    begun: list[tuple[LabClient, Tool]] = []

    def start_lab(generation: str = "2026", **options: t.Any) -> Tool:
        lab = labs.start(**{**SMALL, "profile": "4.1", "tool_generation": generation, **options})
        tool = Tool(lab, tmp_path, generation)
        begun.append((lab, tool))
        return tool

    yield start_lab
    for lab, tool in begun:
        tool.suffer()
        if tool.home.exists():
            tool.call("stopped", adopt=True, stop_timeout="1s")
        labs.stop(lab)


def is_alive(pid: int) -> bool:
    """Not a process that has ended and waits for somebody to ask how."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def reasons(result: Result) -> list[str]:
    return [reason["code"].rpartition(".")[2] for reason in result["reasons"]]


@pytest.mark.cost(10)
def test_a_life(begin: Begin) -> None:
    """Predicted and started, followed until all is equal, crashed and laid to rest."""
    tool = begin()
    predicted = tool.call("started", check=True)
    assert not tool.home.exists()
    begun = tool.call("started")
    assert [change["request"] for change in predicted["changes"]] == [change["request"] for change in begun["changes"]]
    assert begun["running"], begun
    target = connection(tool.lab, "target", "target_")
    # A cycle that finds only some of the tables ends converged too. The tool counts tables in a line of its own,
    # which comes after the one with the partitions.
    found = tool.until(
        lambda one: (
            one["verdict"] == "converged_as_of_cycle"
            and one["tables"]["finished table"] == one["tables"]["total table"]
        ),
        **target,
    )
    assert found["progress"]["finished"] == found["progress"]["total"] > 0
    assert found["replications"]["running"] == 0
    assert found["replications"]["by_state"]["COMMITTED"] >= 1
    assert found["target_problem"] is None
    tool.suffer(crash=9)
    found = tool.until_verdict("failed")
    assert reasons(found)[0] == "ended"
    tool.suffer()
    assert not tool.call("stopped")["changed"]
    assert tool.look()["verdict"] == "stopped"
    everything = tool.journal.read_text(encoding="utf-8") + json.dumps([predicted, begun, found])
    assert tool.lab.describe["users"]["tool"] not in everything
    assert tool.lab.describe["clusters"]["source"]["token"] not in everything


@pytest.mark.thorough
@pytest.mark.parametrize("generation", ["2024-02", "2024-05", "2024-09", "2025-06", "2026"])
@pytest.mark.parametrize("background", [False, True])
def test_every_generation(begin: Begin, generation: str, background: bool) -> None:
    tool = begin(generation, **({"tool_background": True} if background else {}))
    refused = tool.call("started", jdbc_connect_timeout_ms=1000) if generation < "2026" else {}
    if refused:
        assert refused["code"] == "starrocks.tool_property_unknown", refused
    begun = tool.call("started")
    assert begun.get("running"), begun.get("msg")
    # The older ones have no property for the interval of reports, which is 300 s there.
    more = {} if generation >= "2024-09" else {"report_interval": "16s"}
    found = tool.until_verdict("converged_as_of_cycle", **more)
    assert (found["progress"]["sent"] is None) == (generation < "2025")
    assert (found["tables"] is None) == (found["sizes"] is not None)
    assert not tool.call("stopped")["running"]


@pytest.mark.thorough
def test_a_tool_that_ignores_being_told(begin: Begin) -> None:
    tool = begin()
    pids = tool.call("started")["pids"]
    tool.suffer(ignore_term=True)
    time.sleep(0.3)
    assert not tool.call("stopped", stop_timeout="1s")["running"]
    assert not any(is_alive(pid) for pid in pids)
    last = json.loads(tool.journal.read_text(encoding="utf-8").splitlines()[-1])
    assert last["data"]["evidence"]["signals"] == ["SIGTERM", "SIGKILL"]


@pytest.mark.thorough
def test_verdicts_about_a_tool_that_suffers(begin: Begin) -> None:
    tool = begin()
    tool.call("started")
    tool.until_verdict("converged_as_of_cycle")
    tool.suffer(rotate=True)
    tool.until(lambda _result: (tool.home / "log/sync.INFO.log.1").exists())
    assert not tool.until_verdict("converged_as_of_cycle")["log"]["gap"]
    tool.suffer(unknown=3)
    found = tool.until_verdict("failed")
    assert reasons(found) == ["unknown_jobs"]
    assert found["progress"]["unknown"] == 3
    tool.suffer(stall=True)
    assert reasons(tool.until_verdict("stale")) == ["stale"]
    tool.suffer()
    tool.until_verdict("converged_as_of_cycle")
    for pid in tool.look()["process"]["pids"]:
        os.kill(pid, signal.SIGKILL)
    assert reasons(tool.until_verdict("failed"))[0] == "ended"
    assert [change["action"] for change in tool.call("started")["changes"]] == ["start"]
    assert not tool.call("started")["changed"]
    assert [change["action"] for change in tool.call("stopped")["changes"]] == ["stop"]


@pytest.mark.thorough
def test_jobs_that_are_sent_and_never_begin(begin: Begin) -> None:
    tool = begin(rate=20)
    tool.suffer(stuck_sent=True)
    tool.call("started")
    # The first reports of the span may be from before anything was sent.
    tool.until(lambda result: reasons(result)[:1] == ["sent_stuck"])
    assert tool.look()["verdict"] == "stalled"
    # Whoever waits is told, and the target was asked what it knows.
    wait = {**connection(tool.lab), **connection(tool.lab, "target", "target_"), "directory": str(tool.home)}
    waited = finish(start("sync_wait", {**wait, "wait": False, "report_interval": "2s", "meta_interval": "1s"}))
    assert waited["waits"][0]["reason"] == "starrocks.wait.tool", waited
    assert "none of them begins" in waited["line"], waited["line"]
    assert waited["tool"]["replications"] is not None


@pytest.mark.thorough
def test_a_one_time_run(begin: Begin) -> None:
    tool = begin()
    begun = tool.call("started", one_time_run_mode=True)
    assert begun["running"] or begun["run"] == "completed", begun
    found = tool.until_verdict("completed", report_interval="60s")
    tool.until(lambda result: not result["process"]["running"], report_interval="60s")
    found = tool.look()
    assert (found["verdict"], reasons(found)) == ("completed", ["one_time_completed"])
    again = tool.call("started", one_time_run_mode=True)
    assert (again["changed"], again["run"]) == (False, "completed")


@pytest.mark.thorough
def test_a_password_that_is_wrong_is_told(begin: Begin) -> None:
    tool = begin()
    failed = tool.call("started", source_cluster_password="wrong-42", start_wait="10s")
    assert failed["code"] == "starrocks.tool_died", failed
    assert "Access denied" in failed["msg"]
    assert "wrong-42" not in json.dumps(failed)
    assert reasons(tool.look())[0] == "ended"
