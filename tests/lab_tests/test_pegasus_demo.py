# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo-pegasus fails when a write was lost, or when it has nothing to show."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import types
import typing as t

import pytest

from demo import pegasus, pegasus_summary, stage
from tooling import linked, paths

GOOD: dict[str, t.Any] = {
    "missing": 0,
    "authority": "target",
    "acknowledged": 900,
    "per_partition": {"0": {"refused_seconds": 9.5}, "1": {"refused_seconds": 0}},
}


def test_a_run_with_all_its_figures_is_fine() -> None:
    assert pegasus_summary.wrong(GOOD, 100, True, True, True) == []


@pytest.mark.parametrize(
    ("changed", "found", "words"),
    [
        ({"missing": 3}, (True, True), "3 acknowledged writes"),
        ({"authority": "source"}, (True, True), "do not write to the target"),
        ({"acknowledged": 100}, (True, True), "no client wrote anything"),
        ({"per_partition": {"0": {"refused_seconds": 0}}}, (True, True), "was not measured"),
        ({"per_partition": {}}, (True, True), "was not measured"),
        ({}, (False, True), "no forecast"),
        ({}, (True, False), "no report"),
    ],
)
def test_a_lost_write_or_a_missing_figure_is_told(
    changed: dict[str, t.Any], found: tuple[bool, bool], words: str
) -> None:
    (told,) = pegasus_summary.wrong({**GOOD, **changed}, 100, True, *found)
    assert words in told


def test_of_a_run_that_failed_only_a_loss_is_told() -> None:
    assert pegasus_summary.wrong({**GOOD, "authority": "source"}, 900, False, False, False) == []
    assert len(pegasus_summary.wrong({**GOOD, "missing": 1}, 900, False, False, False)) == 1


def test_the_forecast_is_that_of_the_last_cutover(tmp_path: pathlib.Path) -> None:
    journal = tmp_path / "journal.jsonl"
    assert pegasus_summary.forecast_of(journal, "temp") is None
    data = {"phase": "cutover", "summary": {"temp": {"forecast": {"window_p50": 1, "window_p95": 2, "budget": 60}}}}
    journal.write_text(json.dumps({"kind": "run.finished", "data": data}) + "\n")
    assert pegasus_summary.forecast(journal, "temp") == "p50 1 s, p95 2 s (budget 60 s)"


@pytest.mark.parametrize(("missing", "playbook", "code"), [(0, 0, 0), (2, 0, 1), (0, 4, 4), (2, 4, 4)])
def test_the_exit_code_tells_it(
    missing: int, playbook: int, code: int, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = {**GOOD, "missing": missing}
    client = types.SimpleNamespace(ledger=lambda: ledger, requests=lambda **_any: [], describe={})
    monkeypatch.setattr(stage, "running_lab", lambda _demo: client)
    monkeypatch.setattr(stage, "playbook_command", lambda *_any: ["sh", "-c", f"exit {playbook}"])
    monkeypatch.setattr(linked, "ansible_environment", dict)
    monkeypatch.setattr(paths, "BUILD", tmp_path)
    demo = dataclasses.replace(
        pegasus.DEMO,
        summary=lambda _run: "",
        wrong=lambda run: pegasus_summary.wrong(run.client.ledger(), 100, run.ok, True, True),
    )
    assert stage.show(demo, "2.6", stop=False, fresh=False) == code
