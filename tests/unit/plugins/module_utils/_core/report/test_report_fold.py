# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report.charts import loads
from ansible_collections.dbops.migration.plugins.module_utils._core.report.tiles import summary_lines
from ansible_collections.dbops.migration.plugins.module_utils._core.report.verdict import verdict
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report import journals
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.reading import report_of
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.synthetic import (
    Data,
    Writer,
    make_plan,
)


def states(report: r.Report) -> t.Dict[str, int]:
    return dict(collections.Counter(item.state for item in report.items))


def one_plan(moves: int = 3, **more: t.Any) -> Data:
    return {**make_plan(moves, [3], [0, 1]), **more}


def sent(writer: Writer, plan: Data, number: int, change: str, status: str = "done", **outcome: t.Any) -> None:
    """One submission of a plan's move, and its outcome unless ``status`` is empty."""
    move = plan["moves"][number]
    context = {key: move[key] for key in ("from_peer", "to_peer", "table")}
    resource = f"greptimedb.region/{move['region_id']}"
    writer.add("change.intent", {"id": change, "resource": resource, "action": "migrate", "context": context})
    writer.now += 2
    if status:
        writer.add("change.outcome", {"id": change, "status": status, **outcome})


def started(plan: Data) -> Writer:
    writer = Writer()
    writer.add("run.started", {"run_id": "r1", "phase": "migrate"})
    writer.add("plan", {"plan_id": "p1", "plan": plan})
    return writer


def ended(writer: Writer, status: str = "ok") -> r.Report:
    writer.add("run.finished", {"run_id": "r1", "phase": "migrate", "status": status})
    return report_of(writer.entries())


def test_states_of_a_run_that_is_at_work() -> None:
    plan = one_plan(4)
    writer = started(plan)
    sent(writer, plan, 0, "c1")
    sent(writer, plan, 1, "c2", "failed", code="greptimedb.peer_down")
    sent(writer, plan, 2, "c3", "")
    assert [item.state for item in report_of(writer.entries()).items] == [r.DONE, r.FAILED, r.RUNNING, r.WAITING]


def test_an_open_intent_of_a_run_that_is_over_is_not_known() -> None:
    plan = one_plan()
    writer = started(plan)
    sent(writer, plan, 0, "c1", "")
    sent(writer, plan, 1, "c2", "unknown")
    report = ended(writer, "failed")
    assert [item.state for item in report.items] == [r.UNKNOWN, r.UNKNOWN, r.WAITING]
    assert "how 2 regions ended whose outcome is not recorded" in " ".join(verdict(report).todo)


def test_what_a_good_run_never_sent_was_there_already() -> None:
    plan = one_plan()
    writer = started(plan)
    sent(writer, plan, 0, "c1", evidence={"leader_peer": 0})
    report = ended(writer)
    assert states(report) == {r.DONE: 1, r.ALREADY: 2}
    assert verdict(report).tone == "good"
    assert verdict(report).sentence == (
        "All 3 regions on target, 1 of them moved by this migration, each proved on its target."
    )


def test_intents_that_were_never_sent_are_no_attempts() -> None:
    plan = one_plan(1)
    writer = started(plan)
    sent(writer, plan, 0, "c1", "skipped", code="greptimedb.permission")
    report = ended(writer, "failed")
    assert report.attempts == []
    assert states(report) == {r.WAITING: 1}


def test_a_second_attempt_wins_and_the_first_is_kept() -> None:
    plan = one_plan(1)
    writer = started(plan)
    sent(writer, plan, 0, "c1", "failed", code="greptimedb.peer_down", server_text="no answer")
    sent(writer, plan, 0, "c2", evidence={"leader_peer": 0})
    report = ended(writer)
    assert states(report) == {r.DONE: 1}
    assert [attempt.code for attempt in report.items[0].attempts] == ["greptimedb.peer_down", ""]
    assert verdict(report).tone == "good"


def test_a_plan_that_leaves_moves_out_drops_them() -> None:
    plan = one_plan(4)
    writer = started(plan)
    sent(writer, plan, 0, "c1", evidence={"leader_peer": 0})
    writer.add("plan", {"plan_id": "p2", "plan": {**plan, "moves": plan["moves"][1:2]}})
    sent(writer, plan, 1, "c2", evidence={"leader_peer": 1})
    report = report_of(writer.entries())
    assert states(report) == {r.DONE: 2, r.DROPPED: 2}
    assert verdict(ended(writer)).sentence == "All 2 regions moved, each proved on its target."


def test_there_and_back_count_apart() -> None:
    report = report_of(journals.rolled_back())
    assert report.reversed
    assert states(report) == {r.DONE: 20}
    assert {item.target for item in report.items} == {"3"}
    assert all(len(item.attempts) == 1 for item in report.items)
    assert (len(report.current), len(report.attempts)) == (20, 40)
    assert verdict(report).sentence == "Rolled back: all 20 regions moved back."


def test_loads_are_not_shown_where_the_plan_does_not_know_them() -> None:
    plan = one_plan(1, before={"3": {"regions": 0}, "0": {"regions": 0}}, after={"3": {"regions": 0}})
    writer = started(plan)
    sent(writer, plan, 0, "c1")
    assert loads(ended(writer)) == ""
    assert "datanode 3: 60 to 0" in loads(report_of(journals.small()))


def test_a_run_that_goes_on_in_steps_is_one_run() -> None:
    writer = Writer()
    for _step in range(3):
        writer.add("run.started", {"run_id": "r1", "phase": "migrate"})
        writer.now += 10
        writer.add("progress", {"done": 1, "total": 3, "running": 1, "failed": 0})
    writer.add("run.finished", {"run_id": "r1", "phase": "migrate", "status": "ok", "summary": {"done": 3}})
    (run,) = report_of(writer.entries()).runs
    assert (run.status, run.ended, run.summary) == ("ok", run.started + 30, "done: 3")


def setting(*steps: t.Tuple[str, Data]) -> r.Setting:
    writer = Writer()
    for kind, data in steps:
        writer.add(kind, data)
    (found,) = report_of(writer.entries()).settings
    return found


ON: t.Tuple[str, Data] = (
    "change.intent",
    {"id": "s1", "resource": "mode", "action": "set", "before": False, "after": True},
)
OFF: t.Tuple[str, Data] = (
    "change.intent",
    {"id": "s2", "resource": "mode", "action": "set", "before": True, "after": False},
)


def ends(change: str, status: str) -> t.Tuple[str, Data]:
    return "change.outcome", {"id": change, "status": status}


def decided(action: str, now: t.Any) -> t.Tuple[str, Data]:
    data = {"resource": "mode", "original": False, "ours": True, "now": now, "action": action, "reason": "because"}
    return "restore", data


@pytest.mark.parametrize(
    ("steps", "state", "now"),
    [
        ([ON], "unknown", False),
        ([ON, ends("s1", "done")], "changed", True),
        ([ON, ends("s1", "failed")], "unchanged", False),
        ([ON, ends("s1", "done"), OFF, ends("s2", "done")], "restored", False),
        ([ON, ends("s1", "done"), OFF, ends("s2", "failed")], "changed", True),
        ([ON, ends("s1", "done"), decided("restore", True), OFF, ends("s2", "done")], "restored", False),
        ([ON, ends("s1", "done"), decided("already_original", False)], "already_original", False),
        ([ON, ends("s1", "done"), decided("keep_theirs", "theirs")], "keep_theirs", "theirs"),
        ([ON, ends("s1", "done"), decided("unknown", None)], "unknown", None),
    ],
)
def test_settings_in_three_ways(steps: t.List[t.Tuple[str, Data]], state: str, now: t.Any) -> None:
    found = setting(*steps)
    assert (found.original, found.state, found.now) == (False, state, now)


def test_a_setting_that_is_still_ours_spoils_a_good_verdict() -> None:
    plan = one_plan(1)
    writer = started(plan)
    for kind, data in (ON, ends("s1", "done")):
        writer.add(kind, data)
    sent(writer, plan, 0, "c1", evidence={"leader_peer": 0})
    judged = verdict(ended(writer))
    assert judged.tone == "care"
    assert judged.todo == ["Run restore to put back 1 setting: mode."]


def test_preparing_calls_are_counted_and_are_no_settings() -> None:
    plan = one_plan(1)
    writer = started(plan)
    resource = f"greptimedb.region/{plan['moves'][0]['region_id']}"
    flush = {"id": "f1", "resource": resource, "action": "flush", "context": {"purpose": "flush"}}
    writer.add("change.intent", flush)
    writer.add("change.outcome", {"id": "f1", "status": "failed"})
    sent(writer, plan, 0, "c1")
    report = ended(writer)
    assert report.helpers == [r.Helper("flush", 1, 0, 1)]
    assert report.settings == []


@pytest.mark.parametrize(
    ("lost", "tone", "words"),
    [(0, "good", "Acknowledged writes lost: 0"), ("0", "good", "lost: 0"), (3, "bad", "3 acknowledged writes lost")],
)
def test_lost_writes_decide(lost: t.Any, tone: str, words: str) -> None:
    report = report_of(journals.small(), {"acknowledged_writes_lost": lost})
    assert verdict(report).tone == tone
    assert words in "\n".join(summary_lines(report))


def test_what_was_not_measured_is_not_claimed() -> None:
    assert "Acknowledged writes lost: not measured" in "\n".join(summary_lines(report_of(journals.small())))


def test_a_proof_that_did_not_pass_is_told_unless_it_passed_later() -> None:
    plan = one_plan(1)
    writer = started(plan)
    sent(writer, plan, 0, "c1", evidence={"leader_peer": 0})
    writer.add("proof", {"kind": "greptimedb.datanode_empty", "passed": False, "items": []})
    assert verdict(ended(writer)).tone == "bad"
    writer.now += 1
    writer.add("proof", {"kind": "greptimedb.datanode_empty", "passed": True, "items": []})
    assert verdict(report_of(writer.entries())).tone == "good"


def test_blockers_before_any_move() -> None:
    writer = Writer()
    journals.preflight(writer, [{**journals.FINDINGS[0], "accepted": False}])
    judged = verdict(report_of(writer.entries()))
    assert (judged.tone, judged.sentence) == ("bad", "Preflight found 1 open blocker; nothing was moved.")
    assert judged.todo[0].endswith("1 open blocker: greptimedb.storage.local_wal.")


def test_an_empty_plan_is_good_news() -> None:
    report = ended(started(one_plan(0)))
    assert (verdict(report).tone, verdict(report).sentence) == ("good", "The plan is empty: no region had to move.")


def test_figures_of_the_run() -> None:
    report = report_of(journals.interrupted(resumed=True))
    at_work = figures.time_at_work(report)
    assert 25 < at_work < 40, "the hour between the runs does not count"
    best = figures.best_of(report)
    assert best is not None
    assert best.binding == "per_source:3"
    assert 0.8 * at_work < best.seconds <= at_work
    refused = figures.spread(attempt.refused_most for attempt in report.attempts)
    assert refused is not None
    assert refused.median <= refused.p95 <= refused.largest < 2


def test_spread_is_nearest_rank() -> None:
    assert figures.spread([None]) is None
    assert figures.spread([4, 1, None, 3, 2]) == figures.Spread(4, 2, 4, 4)
    assert figures.spread(range(1, 101)) == figures.Spread(100, 50, 95, 100)
