# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrations that end with a fenced cutover instead of with moves: verdict, figures, settings, proof per item."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report.page import page
from ansible_collections.dbops.migration.plugins.module_utils._core.report.tiles import summary_lines
from ansible_collections.dbops.migration.plugins.module_utils._core.report.verdict import verdict
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.reading import Page, report_of
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.synthetic import Data, Writer

WINDOW = {
    "first_denied": 0.5,
    "all_denied": 1.0,
    "drained": 8.0,
    "switched": 8.25,
    "proved": 8.5,
    "committed": 9.0,
    "lifted": None,
    "refused": 8.0,
}
FORECAST = {"window_p50": 9.5, "window_p95": 11.25, "budget": 60.0, "parts": {"drain": 8.5}}


def change(writer: Writer, resource: str, action: str, before: t.Any, after: t.Any) -> None:
    change_id = f"c{len(writer.records)}"
    data = {"id": change_id, "resource": resource, "action": action, "before": before, "after": after, "request": {}}
    writer.add("change.intent", data)
    writer.now += 0.1
    writer.add("change.outcome", {"id": change_id, "status": "done"})
    writer.now += 0.1


def copied(tables: t.Sequence[str] = ("temp",)) -> Writer:
    """Prepared and in step, the meta level and an interval changed."""
    writer = Writer()
    writer.add("run.started", {"run_id": "r1", "phase": "migrate", "options": {"tables": list(tables)}})
    change(writer, "level", "set", "lively", "steady")
    for done, backlog in ((0, {}), (4, dict.fromkeys(tables, 900)), (8, dict.fromkeys(tables, 20))):
        writer.now += 10
        writer.add("progress", {"done": done, "total": 8, "eta_seconds": None, "backlog": backlog})
    writer.add("run.finished", {"run_id": "r1", "phase": "migrate", "status": "ok", "summary": "caught up"})
    writer.now += 60
    return writer


def cut_over(writer: Writer, table: str = "temp", state: str = "committed") -> Writer:
    """One run that fences a table and, if it comes to its end, switches it."""
    run_id = f"r-{table}"
    writer.add("run.started", {"run_id": run_id, "phase": "cutover", "options": {"tables": [table]}})
    change(writer, f"{table}/deny", "fence", None, "write")
    window: Data = dict.fromkeys(WINDOW)
    if state == "committed":
        window = dict(WINDOW)
        items = [{"subject": f"{table}/{index}", "position": 40 + index, "confirmed": 41 + index} for index in range(3)]
        writer.add("proof", {"kind": "drain", "passed": True, "items": items})
        change(writer, f"znode/{table}", "switch", "old", "new")
        change(writer, f"{table}/deny", "close", "write", "all")
    else:
        change(writer, f"{table}/deny", "restore", "write", None)
    if state:
        writer.add(f"cutover.{state}", {"table": table, "window": window})
    status = "ok" if state == "committed" else "failed"
    summary = {table: {"state": state, "window": window, "forecast": FORECAST}}
    writer.add("run.finished", {"run_id": run_id, "phase": "cutover", "status": status, "summary": summary})
    writer.now += 5
    return writer


def cleared(writer: Writer) -> Writer:
    """After the soak: put back what served, clear away what the duplication left."""
    change(writer, "follower/env", "set", "onebox-a", None)
    change(writer, "level", "restore", "steady", "lively")
    change(writer, "table/temp", "rename", {"name": "temp"}, {"name": "temp_old"})
    return writer


def states(writer: Writer) -> t.Dict[str, str]:
    return {one.resource: one.state for one in report_of(writer.entries()).settings}


def test_a_whole_migration_is_done_when_all_is_put_back() -> None:
    writer = cleared(cut_over(copied()))
    report = report_of(writer.entries())
    judged = verdict(report)
    assert judged.tone == "good"
    assert judged.sentence == "Region temp was cut over; writes were refused for 8s at most."
    assert judged.todo == []
    assert states(writer) == {
        "level": "restored",
        "temp/deny": "kept",
        "znode/temp": "kept",
        "follower/env": "kept",
        "table/temp": "kept",
    }
    lines = summary_lines(report)
    assert "Cut over: 1 of 1 (regions)" in lines
    assert "Writes refused: 8s (as the module saw it; forecast: 95 % within 11.2s)" in lines
    assert "Settings put back: 1 of 1 (as they were before; 4 more are meant to stay)" in lines
    assert not any(line.startswith("Failed attempts") for line in lines)


def test_before_the_restore_it_says_what_is_left() -> None:
    judged = verdict(report_of(cut_over(copied()).entries()))
    assert judged.tone == "care"
    assert judged.todo == ["Run restore to put back 1 setting: level."]


def test_one_of_two_is_not_all() -> None:
    report = report_of(cut_over(copied(["temp", "orders"])).entries())
    assert verdict(report).sentence.startswith("1 of 2 regions was cut over;")
    assert {one.subject: one.state for one in report.cutovers} == {"temp": r.COMMITTED, "orders": ""}


@pytest.mark.parametrize(
    ("writer", "sentence"),
    [
        (copied(), "Copied, and kept in step; not cut over yet."),
        (cut_over(copied(), state="lifted"), "Not cut over: the fence of 1 region was lifted."),
    ],
)
def test_before_the_cutover(writer: Writer, sentence: str) -> None:
    assert verdict(report_of(writer.entries())).sentence == sentence


def test_given_up() -> None:
    writer = cut_over(copied(), state="lifted")
    change(writer, "follower", "drop", {"app_id": 5}, None)
    change(writer, "level", "restore", "steady", "lively")
    writer.add("run.started", {"run_id": "r9", "phase": "rollback", "options": {}})
    writer.add("run.finished", {"run_id": "r9", "phase": "rollback", "status": "ok", "summary": ""})
    judged = verdict(report_of(writer.entries()))
    assert (judged.tone, judged.sentence, judged.todo) == (
        "good",
        "Given up: everything that was changed is as it was before.",
        [],
    )


def test_handed_over_and_nobody_committed() -> None:
    writer = copied()
    change(writer, "temp/deny", "fence", None, "write")
    writer.add("cutover.handed_over", {"table": "temp", "window": {**WINDOW, "switched": None, "proved": None}})
    judged = verdict(report_of(writer.entries()))
    assert judged.todo[0] == "Commit the cutover, or lift the fence: temp."
    assert states(writer)["temp/deny"] == "changed"


def test_a_setting_taken_away_before_the_commit_is_to_be_put_back() -> None:
    writer = copied()
    change(writer, "env", "set", "x", None)
    assert states(cut_over(writer))["env"] == "changed"


def test_the_page_shows_steps_backlog_and_proof_per_item() -> None:
    found = Page(page(report_of(cleared(cut_over(copied())).entries())))
    assert {"cutover-part", "backlog-part"} <= set(found.ids)
    (row,) = found.rows["cutovers-table"]
    assert row[0] == "temp"
    assert row[1] == "committed"
    assert row[3:] == ["8s", "9.5s", "11.2s", "1m", "1s", "8s", "9s"]
    assert [cells[:3] for cells in found.rows["proof-0"]] == [
        ["temp/0", "41", "40"],
        ["temp/1", "42", "41"],
        ["temp/2", "43", "42"],
    ]
    assert "At most 900" in found.text
    assert "temp: committed, writes refused for 8s" in found.text


def test_a_page_survives_names_that_nobody_would_choose() -> None:
    found = Page(page(report_of(cut_over(copied(), "<script>alert(1)</script>").entries())))
    assert found.rows["cutovers-table"][1][0] == "<script>alert(1)</script>"
