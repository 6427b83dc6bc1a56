# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks by their full names against the lab: whole run, rerun, kill, rollback. Judged from the lab's side."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import playbooks as p
from system.switches import legality

DRAINED = 1


def leaders(lab: LabClient) -> dict[str, int]:
    return {region: one["leader"] for region, one in lab.state()["regions"].items()}


def mutating(lab: LabClient) -> list[str]:
    return [one["request"] for one in lab.requests(mutating=True)]


def drain(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return {
        **p.connection(lab),
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": [DRAINED],
        "greptimedb_journal": str(folder / "journal.jsonl"),
        "greptimedb_migration_id": "drain-1",
        "greptimedb_plan_file": str(folder / "plan.yml"),
        "greptimedb_report": str(folder / "report.html"),
        **more,
    }


def test_whole_run_check_run_run_again_roll_back(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=24, writers=3, factor=5, user="ops", password="pa55-w0rd-x") as lab:
        before = leaders(lab)
        to_move = {region for region, leader in before.items() if leader == DRAINED}
        variables = drain(lab, tmp_path, greptimedb_maintenance_mode=True)

        preview = p.play("greptimedb", variables, tmp_path, "--check", "--diff").succeed()
        assert mutating(lab) == []
        assert leaders(lab) == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["vars.json"]
        assert f'"greptimedb.region/{min(to_move)}"' in preview.output
        # Switched on, and back.
        assert preview.output.count('"greptimedb.maintenance_mode"') == 2

        lab.clear_requests()
        done = p.play("greptimedb", variables, tmp_path).succeed()
        sent = mutating(lab)
        after = leaders(lab)
        assert DRAINED not in after.values()
        assert {region for region in before if after[region] != before[region]} == to_move
        assert sum("migrate_region" in text for text in sent) == len(to_move)
        # On for the moves only: the first and the last of all that is sent.
        assert "/admin/maintenance/enable" in sent[0]
        assert "/admin/maintenance/disable" in sent[-1]
        assert lab.state()["maintenance"]["enabled"] is False
        assert lab.ledger()["missing"] == 0
        assert f"Datanode {DRAINED} holds nothing" in done.output
        assert "pa55-w0rd-x" not in done.output
        report = (tmp_path / "report.html").read_text()
        assert "drain-1" in report
        assert "pa55-w0rd-x" not in report + (tmp_path / "journal.jsonl").read_text()

        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])

        lab.clear_requests()
        again = p.play("greptimedb", variables, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["failed"] == 0
        assert "Nothing has to move" in again.output

        back = p.play("greptimedb_rollback", variables, tmp_path).succeed()
        assert leaders(lab) == before
        assert lab.ledger()["missing"] == 0
        assert back.recap["changed"] >= 1
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])
        lab.clear_requests()
        p.play("greptimedb_rollback", variables, tmp_path).succeed()
        assert mutating(lab) == []


@pytest.mark.thorough
def test_a_run_killed_in_the_middle_goes_on_and_rolls_back_from_there(tmp_path: pathlib.Path) -> None:
    # Slow moves, one at a time, so that there is a middle.
    with process.start(profile="1.0", regions=16, writers=2, factor=2) as lab:
        before = leaders(lab)
        variables = drain(lab, tmp_path, greptimedb_limits={"global": 1}, greptimedb_maintenance_mode=True)
        original = dict(before)

        def one_has_moved() -> bool:
            return leaders(lab) != original

        p.play_until("greptimedb", variables, tmp_path, one_has_moved)
        assert DRAINED in leaders(lab).values()
        assert lab.state()["maintenance"]["enabled"] is True

        p.play("greptimedb_rollback", variables, tmp_path).succeed()
        assert leaders(lab) == before
        assert lab.state()["maintenance"]["enabled"] is False
        assert lab.ledger()["missing"] == 0

        p.play_until("greptimedb", variables, tmp_path, one_has_moved)
        p.play("greptimedb", variables, tmp_path).succeed()
        assert DRAINED not in leaders(lab).values()
        assert lab.state()["maintenance"]["enabled"] is False
        assert lab.ledger()["missing"] == 0


@pytest.mark.thorough
def test_a_part_of_a_datanode_moves_and_nobody_asks_for_an_empty_one(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=16, writers=1, factor=10) as lab:
        before = leaders(lab)
        # The first id of all, as a number.
        variables = drain(lab, tmp_path, greptimedb_datanodes=0, greptimedb_exclude_datanodes=3, greptimedb_max_moves=2)
        done = p.play("greptimedb", variables, tmp_path).succeed()
        moved = {region for region, leader in leaders(lab).items() if leader != before[region]}
        assert len(moved) == 2 and {before[region] for region in moved} == {0}
        assert 3 not in {leaders(lab)[region] for region in moved}
        assert (tmp_path / "report.html").is_file()
        assert "regions on datanode 0, so it was not asked to be empty" in done.output
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])

        gate = p.play("greptimedb_cutover", {**variables, "greptimedb_empty_datanodes": 0}, tmp_path)
        assert gate.code != 0 and "Datanode 0 still holds" in gate.output

        rest = {name: value for name, value in variables.items() if name != "greptimedb_max_moves"}
        done = p.play("greptimedb", rest, tmp_path).succeed()
        assert 0 not in leaders(lab).values()
        assert "Datanode 0 holds nothing" in done.output
        # An empty list is an answer, also as the text that a survey delivers.
        off = p.play("greptimedb_cutover", {**rest, "greptimedb_empty_datanodes": "[]"}, tmp_path).succeed()
        assert "Datanode 0" not in off.output


@pytest.mark.thorough
def test_a_plan_is_written_edited_and_carried_out(tmp_path: pathlib.Path) -> None:
    with process.start(profile="0.15", regions=16, writers=1, factor=5) as lab:
        variables = drain(lab, tmp_path)
        p.play("greptimedb_preflight", variables, tmp_path).succeed()
        assert not (tmp_path / "plan.yml").exists()
        p.play("greptimedb_plan", variables, tmp_path).succeed()
        lines = (tmp_path / "plan.yml").read_text().splitlines(keepends=True)
        moves = [line for line in lines if line.startswith("  - ") and '"to_peer"' in line]
        kept = json.loads(moves[0][4:])
        (tmp_path / "edited.yml").write_text("".join(line for line in lines if line not in moves[1:]))
        before = leaders(lab)
        lab.clear_requests()

        edited = drain(
            lab, tmp_path, greptimedb_strategy="validate", greptimedb_edited_plan_file=str(tmp_path / "edited.yml")
        )
        for name in ("greptimedb_datanodes", "greptimedb_plan_file"):
            del edited[name]
        p.play("greptimedb", edited, tmp_path).succeed()
        after = leaders(lab)
        assert {region for region in before if after[region] != before[region]} == {str(kept["region_id"])}
        assert after[str(kept["region_id"])] == kept["to_peer"]

        # The gate of a drain says what is still there.
        gate = p.play("greptimedb_cutover", {**edited, "greptimedb_empty_datanodes": str(DRAINED)}, tmp_path)
        assert gate.code != 0
        assert gate.failures[0]["code"] == "greptimedb.datanode_not_empty"
        assert len(gate.failures[0]["holding"]) == len(moves) - 1


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["0.6", "0.9.2"])
def test_whole_run_on_older_generations(profile: str, tmp_path: pathlib.Path) -> None:
    with process.start(profile=profile, regions=12, writers=2, factor=10) as lab:
        accepted = [
            {"id": name, "reason": "looked at by hand", "expires": "2999-01-01"}
            for name in ("greptimedb.procedures.unknown", "greptimedb.config.unknown")
        ]
        variables = drain(lab, tmp_path, greptimedb_accept=accepted)
        p.play("greptimedb", variables, tmp_path).succeed()
        assert DRAINED not in leaders(lab).values()
        assert lab.ledger()["missing"] == 0
        lab.clear_requests()
        p.play("greptimedb", variables, tmp_path).succeed()
        assert mutating(lab) == []
