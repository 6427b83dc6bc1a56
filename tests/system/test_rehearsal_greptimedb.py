# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals of a GreptimeDB migration against the lab: only the shadow table is touched, and nothing is left."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import playbooks as p
from system import rehearsals
from system.rehearsals import entries

pytestmark = pytest.mark.cost(60)
PREFIX = "dbops_rehearsal_"


def mutating(lab: LabClient) -> list[str]:
    return [one["request"] for one in lab.requests(mutating=True)]


def rehearsing(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return {
        **p.connection(lab),
        "greptimedb_rehearsal_journal": str(folder / "rehearsal.jsonl"),
        "greptimedb_journal": str(folder / "journal.jsonl"),
        "greptimedb_migration_id": "drain-1",
        "greptimedb_settle_time": "2s",
        **more,
    }


def regions(lab: LabClient) -> dict[str, int]:
    return {region: one["leader"] for region, one in lab.state()["regions"].items()}


def only_the_shadow_was_touched(lab: LabClient, before: dict[str, int], shadow_region: int) -> None:
    for text in mutating(lab):
        assert PREFIX in text or re.search(rf"\({shadow_region}\b", text), text
    assert regions(lab) == before
    assert lab.ledger()["missing"] == 0


def rehearse(lab: LabClient, given: dict[str, t.Any], folder: pathlib.Path) -> dict[str, t.Any]:
    """A whole rehearsal while everything stands against a phase of a migration; what was measured."""
    before = regions(lab)
    stops, environment = rehearsals.stopped("greptimedb", folder)
    p.play("greptimedb_rehearse", {**given, **stops}, folder, **environment).succeed()
    rehearsals.nobody_was_asked(folder)
    measured = rehearsals.measured(folder)
    only_the_shadow_was_touched(lab, before, measured["region_id"])
    return measured


def test_whole_rehearsal_leaves_nothing(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=8, writers=1, factor=10) as lab:
        measured = rehearse(lab, rehearsing(lab, tmp_path), tmp_path)
        there, back = measured["moves"]
        assert (there["from_peer"], there["to_peer"]) == (back["to_peer"], back["from_peer"])
        assert sum("migrate_region" in text for text in mutating(lab)) == 2
        assert measured["refused"] > 0
        assert measured["lost"] == 0
        assert measured["acknowledged"] > 20


@pytest.mark.thorough
def test_check_mode_tells_and_the_real_forecast_uses_it(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=12, writers=2, factor=10) as lab:
        given = rehearsing(lab, tmp_path)
        preview = p.play("greptimedb_rehearse", given, tmp_path, "--check", "--diff").succeed()
        assert mutating(lab) == []
        assert not (tmp_path / "rehearsal.jsonl").exists()
        assert f"greptimedb.table/public.{PREFIX}" in preview.output

        measured = rehearse(lab, given, tmp_path)
        plan = {**given, "greptimedb_strategy": "drain", "greptimedb_datanodes": [1]}
        plain = {name: one for name, one in plan.items() if name != "greptimedb_rehearsal_journal"}
        without = forecast(plain, tmp_path / "without.json", tmp_path)
        found = forecast(plan, tmp_path / "with.json", tmp_path)
        assert "rehearsal" not in without["basis"]
        assert found["refused_per_region"] == measured["refused"]
        assert f"{measured['move_seconds']:g} s for a move" in found["basis"]
        assert str(tmp_path / "rehearsal.jsonl") in found["basis"]
        # The lab's clock is ten times as fast as the one that measures: real moves are much shorter than assumed.
        p.play("greptimedb_migrate", plan, tmp_path).succeed()
        took = real_seconds(tmp_path)
        assert abs(found["seconds"] - took) < abs(without["seconds"] - took)


def forecast(given: dict[str, t.Any], path: pathlib.Path, folder: pathlib.Path) -> dict[str, t.Any]:
    """The forecast of the plan."""
    p.play("greptimedb_plan", {**given, "greptimedb_plan_file": str(path)}, folder).succeed()
    return dict(json.loads(path.read_text())["forecast"])


def real_seconds(folder: pathlib.Path) -> float:
    """From the first to the last entry about the moves, by the journal."""
    from datetime import datetime

    times = [
        datetime.fromisoformat(one["at"].replace("Z", "+00:00"))
        for one in (json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines())
        if one["kind"] in ("change.intent", "change.outcome")
    ]
    return (times[-1] - times[0]).total_seconds()


@pytest.mark.thorough
def test_killed_in_the_middle_and_run_again(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=8, writers=1, factor=2) as lab:
        before = regions(lab)
        given = rehearsing(lab, tmp_path)
        p.play_until("greptimedb_rehearse", given, tmp_path, lambda: len(regions(lab)) > len(before), 280)
        lab.clear_requests()
        p.play_until(
            "greptimedb_rehearse",
            given,
            tmp_path,
            lambda: any("migrate_region" in text for text in mutating(lab)),
            280,
        )
        p.play("greptimedb_rehearse", given, tmp_path).succeed()
        tables = [one["data"]["table"] for one in entries(tmp_path) if one["kind"] == "rehearsal.started"]
        assert tables == [one["data"]["table"] for one in entries(tmp_path) if one["kind"] == "rehearsal.cleared"]
        assert len(set(tables)) == 3
        assert regions(lab) == before
        assert lab.ledger()["missing"] == 0


@pytest.mark.thorough
def test_a_table_of_others_is_left_alone(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.0", regions=4, writers=1, factor=10) as lab:
        lab.foreign(sql="CREATE TABLE dbops_rehearsal_mine (host STRING, ts TIMESTAMP TIME INDEX, val DOUBLE)")
        lab.clear_requests()
        refused = p.play(
            "greptimedb_rehearse",
            rehearsing(lab, tmp_path, greptimedb_rehearsal_table="dbops_rehearsal_mine"),
            tmp_path,
        )
        assert refused.failures[0]["code"] == "greptimedb.rehearsal_name_taken"
        assert mutating(lab) == []
