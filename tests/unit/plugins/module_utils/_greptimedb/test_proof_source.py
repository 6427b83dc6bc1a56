# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be proved follows from the options, or from the journal."""

from __future__ import annotations

import json
import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_source import (
    read_datanodes,
    read_gate,
    read_subject,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_task import brief

R = 4398046511104


def journal(*entries: tuple[str, dict[str, t.Any]]) -> list[t.Any]:
    at = "2026-11-21T03:14:00.000Z"
    return [types.SimpleNamespace(seq=seq, at=at, kind=kind, data=data) for seq, (kind, data) in enumerate(entries)]


def plan(*moves: tuple[int, int, int], strategy: str = "drain") -> tuple[str, dict[str, t.Any]]:
    rows = [{"region_id": one, "from_peer": two, "to_peer": three, "table": "public.t"} for one, two, three in moves]
    return "plan", {"plan_id": "x", "plan": {"strategy": strategy, "moves": rows}}


def move(number: int, region: int, source: int, target: int, status: str | None = "done") -> list[t.Any]:
    intent = {
        "id": f"c{number}",
        "resource": f"greptimedb.region/{region}",
        "action": "migrate",
        "before": {"leader_peer": source},
        "after": {"leader_peer": target},
        "request": "",
    }
    entries: list[t.Any] = [("change.intent", intent)]
    entries.append(("change.accepted", {"id": f"c{number}", "procedure_id": f"pid-{number}", "attached": False}))
    if status is not None:
        entries.append(("change.outcome", {"id": f"c{number}", "status": status}))
    return entries


def targets(entries: list[t.Any] | None, gate: t.Sequence[int] = (), **params: t.Any) -> dict[int, int]:
    return {one.region_id: one.to_peer for one in read_subject(params, entries, gate).regions}


def test_the_journals_newest_plan_counts_in_full_and_earlier_moves_too() -> None:
    entries = journal(
        plan((R, 1, 2), (R + 1, 1, 3)), *move(1, R, 1, 2), *move(2, R + 1, 1, 3), plan((R + 2, 1, 2)),
    )  # fmt: skip
    assert targets(entries) == {R: 2, R + 1: 3, R + 2: 2}


def test_a_move_that_failed_and_is_in_no_newer_plan_is_not_asked_for() -> None:
    entries = journal(plan((R, 1, 2)), *move(1, R, 1, 2, "failed"), plan((R + 1, 1, 2)))
    assert targets(entries) == {R + 1: 2}


def test_a_move_without_an_outcome_is_asked_for_and_its_target_is_known() -> None:
    entries = journal(plan((R, 1, 2)), *move(1, R, 1, 2, None))
    subject = read_subject({}, entries, ())
    assert [one.to_peer for one in subject.regions] == [2]
    assert subject.headed_for == {"pid-1": 2}
    assert subject.sources == {1}


def test_after_a_rollback_only_the_way_back_counts() -> None:
    entries = journal(
        plan((R, 1, 2), (R + 1, 1, 2)),
        *move(1, R, 1, 2),
        *move(2, R + 1, 1, 2),
        plan((R, 2, 1), strategy="reverse"),
        *move(3, R, 2, 1),
    )
    assert targets(entries) == {R: 1}


def test_a_migration_that_had_nothing_to_do_needs_no_proof() -> None:
    assert targets(journal(("findings", {"phase": "preflight", "findings": [], "passed": True}))) == {}


def test_a_journal_without_any_work_is_no_proof() -> None:
    with pytest.raises(MigrationError) as caught:
        read_subject({}, journal(("journal.opened", {})), ())
    assert caught.value.code == "journal.nothing_moved"


def test_given_moves_come_before_the_journal() -> None:
    entries = journal(plan((R, 1, 2)), *move(1, R, 1, 2, None))
    moves = json.dumps([{"region_id": str(R + 9), "to_peer": "3"}])
    assert targets(entries, moves=moves) == {R + 9: 3}
    assert read_subject({"moves": moves}, entries, ()).headed_for == {"pid-1": 2}


def test_a_plan_file_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(
        json.dumps({"format": 1, "engine": "greptimedb", "moves": [{"region_id": R, "from_peer": 1, "to_peer": 2}]})
    )
    assert targets(None, plan_file=str(path)) == {R: 2}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"moves": "[]"},
        {"moves": [{"region_id": "abc", "to_peer": 1}]},
        {"moves": [{"region_id": R}]},
        {"plan": {}},
        {"plan_file": "/does/not/exist"},
    ],
)
def test_nothing_to_prove_or_unreadable_is_told(params: dict[str, t.Any]) -> None:
    with pytest.raises(MigrationError) as caught:
        read_subject(params, None, ())
    assert caught.value.code in ("option.invalid", "input.invalid", "greptimedb.plan_invalid")


def test_datanodes_as_awx_gives_them() -> None:
    assert read_datanodes("[1, 2]", "x") == read_datanodes("1,2", "x") == read_datanodes([1, "2", 1], "x") == (1, 2)
    assert read_datanodes(0, "x") == (0,)
    with pytest.raises(MigrationError) as caught:
        read_datanodes("one,-2", "empty_datanodes")
    assert caught.value.message.count("empty_datanodes") == 2


def left_by_plan(**regions: int) -> tuple[str, dict[str, t.Any]]:
    after = {name[1:]: {"regions": count, "bytes": None} for name, count in regions.items()}
    return "plan", {"plan_id": "x", "plan": {"strategy": "drain", "moves": [], "after": after}}


@pytest.mark.parametrize("given", [None, "", " "])
def test_of_drained_datanodes_those_are_empty_on_which_the_newest_plan_leaves_nothing(given: t.Any) -> None:
    entries = journal(left_by_plan(d0=0, d1=3), left_by_plan(d0=2, d1=0, d2=7))
    gate = read_gate({"empty_datanodes": given, "drained_datanodes": "0,1,9"}, entries)
    assert gate.datanodes == (1, 9)
    assert len(gate.notes) == 1 and "2 regions on datanode 0" in gate.notes[0]


@pytest.mark.parametrize(
    ("given", "chosen"), [([], ()), ("[]", ()), ([0], (0,)), (0, (0,)), ("0", (0,)), ([1, 2], (1, 2))]
)
def test_what_is_given_decides_also_when_it_is_none(given: t.Any, chosen: tuple[int, ...]) -> None:
    entries = journal(left_by_plan(d0=5, d1=0))
    gate = read_gate({"empty_datanodes": given, "drained_datanodes": [0, 1]}, entries)
    assert (gate.datanodes, gate.notes) == (chosen, ())


@pytest.mark.parametrize("entries", [None, journal(), journal(plan((R, 1, 2)))])
def test_where_no_plan_tells_what_stays_all_that_is_drained_must_be_empty(entries: t.Any) -> None:
    assert read_gate({"drained_datanodes": 0}, entries).datanodes == (0,)
    assert read_gate({}, entries).datanodes == ()


def test_a_summary_stays_short_whatever_a_server_says() -> None:
    assert brief("one\n  two") == "one two"
    long = brief("canary_sql: " + "x" * 100_000)
    assert len(long) <= 500 and long.startswith("canary_sql: xxx") and long.endswith("x ...")
