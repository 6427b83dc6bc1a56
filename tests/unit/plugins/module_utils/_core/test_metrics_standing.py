# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_entries import (
    WindowForecast,
    forecast_entry,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics import metrics_text
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Lag
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait, present
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report import journals
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals.journals import Altered

START = parse_iso("2026-11-21T03:00:00Z")
BASE = START.timestamp()
INTENT = {"id": "c1", "resource": "a", "action": "fence", "before": None, "after": "deny"}


class Told:
    """A journal that is written entry by entry, one second apart, and what the file then says."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.now = START
        self.at_once: t.List[bool] = []
        self.add("journal.opened", {"migration_id": "orders", "engine": "pegasus", "collection_version": "1.0.0"})

    def add(self, kind: str, data: t.Mapping[str, t.Any]) -> Told:
        entry = Entry(self.standing.entries, iso(self.now), kind, dict(data), "", "")
        self.at_once.append(self.standing.take(entry))
        self.now += datetime.timedelta(seconds=1)
        return self

    def start(self, run_id: str = "one", phase: str = "migrate") -> Told:
        return self.add("run.started", {"run_id": run_id, "phase": phase, "options": {}})

    def finish(self, status: str = "ok", run_id: str = "one", phase: str = "migrate") -> Told:
        return self.add("run.finished", {"run_id": run_id, "phase": phase, "status": status, "summary": ""})

    def arm(self, *subjects: str) -> Told:
        answer = Answer(True, "armed", 50.0, {})
        return self.add(
            "proof", {"kind": "guard", "passed": True, "items": [answer.as_proof(one, 7, self.now) for one in subjects]}
        )

    @property
    def samples(self) -> t.Dict[str, float]:
        """By name and labels without those that every sample has."""
        found = {}
        for line in metrics_text(self.standing).splitlines():
            if not line.startswith("#"):
                name, _space, value = line.rpartition(" ")
                assert '{migration_id="orders",engine="pegasus"' in name, line
                short = name.replace('migration_id="orders",engine="pegasus"', "").replace("{,", "{").replace("{}", "")
                found[short.replace("dbops_migration_", "")] = float(value)
        return found


def progress(**more: t.Any) -> t.Dict[str, t.Any]:
    numbers = {"done": 3, "total": 8, "running": 2, "failed": 1, "rate_per_minute": 30.0, "eta_seconds": 8.0}
    return {**numbers, **more}


def wait(reason: str, since: str = "2026-11-21T02:00:00.000Z") -> t.Dict[str, t.Any]:
    return Wait(reason, "something", "it comes", since).as_result()


def test_a_run_that_goes_on_and_ends() -> None:
    told = Told().start().add("progress", progress())
    assert told.samples["running"] == 1
    assert told.samples['phase_status{phase="migrate",status="running"}'] == 1
    assert told.samples['phase_started_timestamp_seconds{phase="migrate"}'] == BASE + 1
    assert told.samples["last_entry_timestamp_seconds"] == BASE + 2
    assert told.samples["journal_entries"] == 3
    assert (told.samples["items"], told.samples["items_done"]) == (8, 3)
    assert (told.samples["items_running"], told.samples["items_failed"]) == (2, 1)
    assert (told.samples["items_per_second"], told.samples["eta_seconds"]) == (0.5, 8)
    told.finish("failed")
    assert told.samples["running"] == 0
    assert told.samples['phase_status{phase="migrate",status="failed"}'] == 1
    assert told.samples['phase_status{phase="migrate",status="running"}'] == 0
    assert told.samples['phase_finished_timestamp_seconds{phase="migrate"}'] == BASE + 3
    assert told.samples["items_done"] == 3
    assert not {"items_running", "items_per_second", "eta_seconds"} & set(told.samples)


def test_steps_of_one_run_are_one_run_and_another_run_ends_a_killed_one() -> None:
    told = Told().start().add("progress", progress()).start()
    assert told.samples["items_done"] == 3
    assert told.samples['phase_started_timestamp_seconds{phase="migrate"}'] == BASE + 1
    told.start("two", "cutover")
    assert told.samples['phase_status{phase="migrate",status="interrupted"}'] == 1
    assert told.samples['phase_status{phase="cutover",status="running"}'] == 1
    assert told.samples['info{version="1.0.0",phase="cutover"}'] == 1
    # What was counted for copying says nothing of a cutover.
    assert "items" not in told.samples


def test_lag_is_absent_while_it_is_unknown() -> None:
    told = Told().start().add("progress", progress(lag=Lag("mutations", 300, 200).as_result()))
    assert told.samples['lag{unit="mutations"}'] == 300
    assert told.samples['lag_largest{unit="mutations"}'] == 200
    told.add("progress", progress(lag=Lag("partitions", 4).as_result()))
    assert told.samples['lag{unit="partitions"}'] == 4
    assert not [name for name in told.samples if name.startswith("lag_largest") or "mutations" in name]
    told.add("progress", progress())
    assert not [name for name in told.samples if name.startswith("lag")]


def test_waits_come_with_the_progress_and_go_with_it() -> None:
    told = Told().start().add("progress", progress(waits=present([wait("a.wait.b"), wait("a.wait.c")])))
    told.add("wait", wait("a.wait.b")).add("wait", wait("a.wait.c"))
    since = BASE - 3600
    assert told.samples['wait{reason="a.wait.b"}'] == told.samples['wait{reason="a.wait.c"}'] == 1
    assert told.samples['wait_since_timestamp_seconds{reason="a.wait.c"}'] == since
    told.add("progress", progress(waits=present([wait("a.wait.c")])))
    assert [name for name in told.samples if name.startswith("wait{")] == ['wait{reason="a.wait.c"}']
    told.add("progress", {"waits": {}})
    assert not [name for name in told.samples if name.startswith("wait")]
    assert told.samples["items_done"] == 3, "a sign of life without numbers leaves the last ones"


def test_a_cutover_waits_until_it_does_something_else() -> None:
    told = Told().start("two", "cutover").add("wait", wait("a.wait.fence"))
    assert told.samples['wait{reason="a.wait.fence"}'] == 1
    told.add("wait", wait("a.wait.drain"))
    assert 'wait{reason="a.wait.fence"}' not in told.samples
    assert told.samples['wait{reason="a.wait.drain"}'] == 1
    told.add("proof", {"kind": "drain", "passed": True, "items": []})
    assert 'wait{reason="a.wait.drain"}' not in told.samples
    told.add("wait", wait("a.wait.switch")).finish("failed", "two", "cutover")
    assert not [name for name in told.samples if name.startswith("wait")]


def test_a_fence_is_held_from_its_first_change_to_its_end() -> None:
    told = Told().start("two", "cutover")
    windows = [WindowForecast(["orders"], 2.0, 3.0), WindowForecast(["items"], 4.0, 7.0)]
    told.add(*forecast_entry(windows, 60.0))
    assert told.samples["window_forecast_p50_seconds"] == 4
    assert told.samples["window_forecast_p95_seconds"] == 7
    assert told.samples["window_budget_seconds"] == 60
    told.arm("orders", "items")
    assert told.samples["fence_held"] == 0, "nothing was sent yet"
    told.add("change.intent", INTENT)
    assert told.samples["fence_held"] == 1
    assert told.samples["fence_deadline_timestamp_seconds"] == BASE + 3 + 50
    assert told.samples["fence_remaining_seconds"] == 49
    told.add("cutover.committed", {"table": "orders"})
    assert told.samples["fence_held"] == 1, "one of two tables is still fenced"
    told.add("cutover.lifted", {"table": "items"})
    assert told.samples["fence_held"] == 0
    assert not {"fence_deadline_timestamp_seconds", "fence_remaining_seconds"} & set(told.samples)
    assert told.samples["cutover_committed_timestamp_seconds"] == BASE + 5
    assert told.at_once == [False, True, True, False, True, True, True], "what was proved can wait, a fence cannot"


def test_moves_have_the_forecast_of_their_plan_before_the_first_one() -> None:
    told = Told().start().add("plan", {"plan_id": "p1", "plan": {"forecast": {"seconds": 84.5, "basis": "a guess"}}})
    assert told.samples["plan_forecast_seconds"] == 84.5
    assert not [name for name in told.samples if name.startswith("window_")], "nobody has seen how long writes wait"
    rehearsed = {"seconds": 30.0, "move_seconds": 1.5, "refused_per_region": 0.75}
    told.add("plan", {"plan_id": "p2", "plan": {"forecast": rehearsed}})
    assert (told.samples["plan_forecast_seconds"], told.samples["window_forecast_p95_seconds"]) == (30, 0.75)
    assert "window_forecast_p50_seconds" not in told.samples


def test_a_freeze_of_a_whole_cluster_ends_as_a_whole() -> None:
    for kind, data in (("freeze.lifted", {"cluster_id": "7"}), ("cutover.committed", {"source": "7", "target": "8"})):
        told = Told().start("two", "cutover").arm("7").add("change.intent", INTENT).add("cutover.handed_over", {})
        assert told.samples["fence_held"] == 1
        assert told.add(kind, data).samples["fence_held"] == 0


def test_a_fence_that_was_never_set_is_forgotten_and_one_that_was_is_not() -> None:
    armed = Told().start("two", "cutover").arm("orders")
    armed.finish("failed", "two", "cutover").add("change.intent", INTENT)
    assert armed.samples["fence_held"] == 0
    fenced = (
        Told().start("two", "cutover").arm("orders").add("change.intent", INTENT).finish("failed", "two", "cutover")
    )
    assert fenced.samples["fence_held"] == 1, "nobody has said that it was lifted"


def test_the_guard_is_believed_about_its_own_fence_only() -> None:
    told = Told().start("two", "cutover").arm("orders").add("change.intent", INTENT)
    earlier = {"event": "lifted", "at": iso(START - datetime.timedelta(hours=1)), "guard": "g1"}
    told.add("cutover.guard", earlier)
    told.standing.guard_says(earlier)
    told.standing.guard_says({"event": "lifting", "at": iso(told.now), "guard": "g2"})
    assert told.samples["fence_held"] == 1
    entries = told.samples["journal_entries"]
    told.standing.guard_says({"event": "lifted", "at": iso(told.now), "guard": "g2"})
    assert told.samples["fence_held"] == 0
    assert told.samples["journal_entries"] == entries


def test_findings_that_are_accepted_are_not_open_and_the_newest_judgement_holds() -> None:
    told = Told()
    listed = [
        {"id": "a", "severity": "blocker", "accepted": True},
        {"id": "b", "severity": "blocker", "accepted": False},
        {"id": "c", "severity": "warning"},
    ]
    told.add("findings", {"phase": "preflight", "findings": listed, "passed": False})
    assert told.samples['findings_open{phase="preflight",severity="blocker"}'] == 1
    assert told.samples['findings_open{phase="preflight",severity="warning"}'] == 1
    assert told.samples['findings_open{phase="preflight",severity="info"}'] == 0
    told.add("findings", {"phase": "preflight", "findings": [], "passed": True})
    assert told.samples['findings_open{phase="preflight",severity="blocker"}'] == 0
    assert told.samples['info{version="1.0.0",phase="preflight"}'] == 1, "judged last, so this is what stands now"
    told.start()
    assert told.samples['info{version="1.0.0",phase="migrate"}'] == 1


def test_an_empty_journal_tells_nothing_that_it_does_not_know() -> None:
    lines = [line for line in metrics_text(Standing(), valid=False).splitlines() if not line.startswith("#")]
    assert [line.partition("{")[0].replace("dbops_migration_", "") for line in lines] == [
        "info", "running", "fence_held", "journal_entries", "journal_valid",
    ]  # fmt: skip
    assert lines[-1].endswith(" 0")


def test_odd_data_is_no_reason_to_fail() -> None:
    told = Told()
    odd: t.Dict[str, t.Any] = {
        "findings": 7,
        "windows": [{}],
        "items": [{"lifts_at": "soon"}],
        "kind": "guard",
        "phase": ["x"],
    }
    odd.update(total="?", lag=[], waits={"r": 5}, event="lifted", at="never", since={})
    empty: t.Dict[str, t.Any] = {}
    for kind in ("journal.opened", "run.started", "proof", "cutover.forecast", "progress", "wait", "findings",
                 "change.intent", "cutover.guard", "cutover.committed", "cutover.lifted", "run.finished"):  # fmt: skip
        for data in (empty, odd):
            told.standing.take(Entry(0, "not a time", kind, data, "", ""))
    assert metrics_text(told.standing)


def test_whole_runs_end_as_the_report_tells() -> None:
    for entries, status in (
        (journals.small(), "ok"),
        (journals.failed(), "failed"),
        (journals.interrupted(), "running"),
    ):
        standing = Standing()
        for entry in entries:
            standing.take(entry)
        assert standing.phases["migrate"].status == status
        if "preflight" in standing.findings:
            assert standing.findings["preflight"] == {"blocker": 0, "warning": 1, "info": 1}


@pytest.mark.parametrize("engine", ["pegasus", "starrocks"])
def test_a_recorded_cutover_is_seen_from_its_fence_to_its_commit(engine: str) -> None:
    standing = Standing()
    held: t.List[bool] = []
    for entry in Altered(engine).view().entries:
        standing.take(entry)
        fence = standing.fence
        if fence is not None and not any(held):
            assert entry.kind == "change.intent"
            assert fence.deadline is not None
            assert standing.last is not None
            assert 0 < fence.deadline - standing.last < 3600
        held.append(fence is not None)
    changes = [number for number, (one, other) in enumerate(zip(held, held[1:])) if one != other]
    assert len(changes) == 2, "it is set once and lifted once"
    assert standing.fence is None
    assert standing.committed is not None
    assert standing.engine == engine
    assert not standing.running
    assert not standing.waits
