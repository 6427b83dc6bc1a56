# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import region_id_of
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState, ClusterView
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import (
    move_problems,
    parse_plan,
    validate,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.plan_cases import (
    cluster,
    node,
    plan,
    region,
    spread,
)


def usual() -> ClusterState:
    return cluster(spread(3, 4, 4))


def drained() -> t.Dict[str, t.Any]:
    """A plan of three moves as plain data, free to edit."""
    return copy.deepcopy(plan(usual(), strategy="drain", datanodes=[1]).as_data())


def problems(data: t.Any, look: t.Optional[ClusterState] = None, **more: t.Any) -> t.List[str]:
    with pytest.raises(InvalidInput) as caught:
        validate(data, look, **more)
    assert caught.value.code == "greptimedb.plan_invalid"
    return caught.value.problems


def test_a_plan_survives_its_way_through_data() -> None:
    made = plan(usual(), strategy="drain", datanodes=[1])
    back = validate(made.as_data(), usual())
    assert back == made
    assert back.plan_id == made.plan_id
    assert validate(json.dumps(made.as_data())).plan_id == made.plan_id


def test_numbers_may_be_text_as_awx_gives_them() -> None:
    data = drained()
    data["format"] = "1"
    data["limits"] = {"global": "16", "per_table": "null", "per_source:1": " 2"}
    for move in data["moves"]:
        move.update({key: str(move[key]) for key in ("region_id", "from_peer", "to_peer")})
    made = validate(data, usual())
    assert made.limits == {"global": 16, "per_table": None, "per_source:1": 2}
    assert all(isinstance(move.region_id, int) for move in made.moves)


def test_what_an_edit_may_leave_out() -> None:
    row = {"region_id": region_id_of(1024, 1), "from_peer": 1, "to_peer": 2}
    made = parse_plan({"format": 1, "engine": "greptimedb", "moves": [row]})
    assert made.ordering == "planned"
    assert made.limits == {}
    assert made.moves[0].table_id == 1024
    assert made.with_limits({"global": 32}).limits == {"global": 32}


def test_every_structural_problem_at_once_each_with_its_place_and_a_fix() -> None:
    data = drained()
    region_id = data["moves"][0]["region_id"]
    data["format"] = 2
    data["engine"] = "pegasus"
    data["ordering"] = "fast"
    data["limts"] = {}
    data["limits"] = {"global": 0, "per_souce": 3, "per_source:x": 1, "per_target": "many", "per_table": -1}
    data["moves"] = [
        {"region_id": "4398046511104x", "from_peer": 1, "to_peer": 2},
        {"region_id": region_id, "from_peer": 1, "to_peer": 1},
        {"region_id": region_id, "from_peer": 1, "to_peer": 2},
        {"region_id": region_id, "from_peer": 1, "to_peer": 3},
        {"region_id": 7, "to_peer": 2, "to_per": 2},
        "move it",
        {"region_id": True, "from_peer": 1.5, "to_peer": -1},
    ]
    found = problems(data, option="plan_file")
    expected = [
        "plan_file: 'limts' is not known here. Did you mean limits.",
        "plan_file.format: format is 2. This module reads plans with format: 1.",
        "plan_file.engine: engine is 'pegasus'. This module reads plans with engine: greptimedb.",
        "plan_file.ordering: 'fast' is not known. Choose one of planned, eager.",
        "plan_file.limits.global: 0 is out of range. Give a whole number from 1 to 100.",
        "plan_file.limits: 'per_souce' is not known here. Did you mean per_source.",
        "plan_file.limits: 'per_source:x' is not known here.",
        "plan_file.limits.per_target: 'many' is not a whole number. Give a whole number of at least 1.",
        "plan_file.limits.per_table: -1 is out of range. Give a whole number of at least 1.",
        "plan_file.moves[0].region_id: '4398046511104x' is not a whole number.",
        f"plan_file.moves[1]: region {region_id} would move from datanode 1 to itself. Choose another to_peer.",
        f"plan_file.moves[3]: region {region_id} is in plan_file.moves[2] already.",
        "plan_file.moves[4]: 'to_per' is not known here. Did you mean to_peer.",
        "plan_file.moves[4]: from_peer is missing.",
        "plan_file.moves[5]: 'move it' is not a mapping.",
        "plan_file.moves[6].region_id: True is not a whole number.",
        "plan_file.moves[6].from_peer: 1.5 is not a whole number.",
        "plan_file.moves[6].to_peer: -1 is out of range.",
    ]
    missing = [one for one in expected if not any(text.startswith(one) for text in found)]
    assert not missing, "\n".join(found)
    assert len(found) == len(expected), "\n".join(found)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "it is empty"),
        ({}, "it is empty"),
        ("{not json", "is not JSON text"),
        ([1], "is not a mapping"),
        ({"format": 1, "engine": "greptimedb"}, "it has no moves"),
        ({"format": 1, "engine": "greptimedb", "moves": []}, "all moves were taken out"),
        ({"format": 1, "engine": "greptimedb", "moves": 7}, "is not a mapping"),
        ({"engine": "greptimedb", "moves": []}, "format is missing"),
        ({"format": 1, "engine": "greptimedb", "moves": [], "before": 3}, "Take it out"),
        ({"format": 1, "engine": "greptimedb", "moves": [], "strategy": "drian"}, "Choose one of drain"),
        ({"format": 1, "engine": "greptimedb", "moves": [], "limits": {"global": None}}, "cannot be unlimited"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_sentence(data: t.Any, said: str) -> None:
    assert any(said in one for one in problems(data))


@pytest.mark.parametrize(
    ("place", "seen"),
    [("engine", "********db"), ("engine", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"), ("ordering", "plan********")],
)
def test_a_plan_that_was_masked_on_its_way_is_told_as_such(place: str, seen: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_plan({**drained(), place: seen})
    assert caught.value.code == "greptimedb.plan_invalid"
    assert "password" in caught.value.message and "plan_file" in caught.value.message


def test_an_empty_plan_passes_only_if_it_was_made_empty_or_is_allowed() -> None:
    nothing = plan(usual(), strategy="balance")
    assert not nothing.moves
    assert parse_plan(nothing.as_data()) == nothing
    emptied = drained()
    emptied["moves"] = []
    assert "all moves were taken out" in problems(emptied)[0]
    assert not parse_plan(emptied, allow_empty=True).moves


def test_an_edited_table_id_cannot_loosen_the_limit_per_table() -> None:
    data = drained()
    data["moves"][0]["table_id"] = 99
    assert parse_plan(data).moves[0].table_id == data["moves"][0]["region_id"] >> 32


def test_every_problem_of_state_at_once() -> None:
    nodes = [node(0), node(1), node(2), node(3), node(4, "no", 33.0), node(5, "suspect", 6.0)]
    regions = [
        region(1024, 0, 1),
        region(1024, 1, 1),
        region(1024, 2, 3),
        region(1024, 3, 1, followers=(2,)),
        region(1024, 4, 4),
        region(1024, 5, None),
        region(1024, 6, 1),
        region(1025, 0, 1, "phy"),
        region(1026, 0, 1, "cpu", logical=True, physical_table="phy"),
        region(1024, 7, 5),
        region(1024, 8, 2),
    ]
    wanted = [
        (region_id_of(1024, 0), 1, 9),
        (region_id_of(1024, 1), 1, 4),
        (region_id_of(1024, 2), 1, 2),
        (region_id_of(1024, 3), 1, 2),
        (region_id_of(1024, 4), 4, 2),
        (region_id_of(1024, 5), 1, 2),
        (region_id_of(1024, 6), 1, 2),
        (region_id_of(1026, 0), 1, 2),
        (region_id_of(2000, 0), 1, 2),
        (region_id_of(1024, 7), 5, 2),
        (region_id_of(1024, 8), 1, 2),
    ]
    data = drained()
    data["moves"] = [dict(zip(("region_id", "from_peer", "to_peer"), row)) for row in wanted]
    found = problems(data, cluster(regions, nodes, migrating=[region_id_of(1024, 6)]))
    physical = region_id_of(1025, 0)
    said = [
        "(region 4398046511104 of public.t1024): datanode 9 is not in the cluster. Choose among 0, 1, 2, 3, 4, 5.",
        "the target, datanode 4 is not alive (last heard of 33 s ago). Choose a datanode that is alive.",
        "its leader is datanode 3 and not 1. Write from_peer: 3, or plan again.",
        "datanode 2 holds a follower of it already. Choose another to_peer.",
        "the source, datanode 4 is not alive",
        "it has no leader now.",
        "another migration of it is running.",
        f"logical table public.cpu, and logical regions cannot be migrated. Move the physical region {physical}",
        "there is no such region.",
        "the source, datanode 5 has missed a heartbeat",
    ]
    assert len(found) == len(said), "\n".join(found)
    for number, (text, part) in enumerate(zip(found, said)):
        assert text.startswith(f"plan.moves[{number}] (region {wanted[number][0]}")
        assert part in text


def test_a_region_on_its_target_is_no_problem_even_with_the_old_source() -> None:
    look = ClusterView(cluster([region(1024, 0, 2)]))
    assert move_problems([Move(region_id_of(1024, 0), 1, 2)], look, "moves") == []


def test_structure_is_checked_before_the_state() -> None:
    data = drained()
    data["moves"][0]["to_peer"] = "two"
    data["moves"][1]["to_peer"] = 99
    found = problems(data, usual())
    assert len(found) == 1
    assert "'two' is not a whole number" in found[0]


def test_an_edited_plan_is_described_anew_and_keeps_its_order() -> None:
    data = drained()
    data["moves"].reverse()
    data["moves"][0]["to_peer"] = 3 if data["moves"][0]["to_peer"] != 3 else 2
    data["limits"]["per_source"] = 1
    data["ordering"] = "eager"
    again = plan(usual(), strategy="validate", plan=data)
    assert [move.region_id for move in again.moves] == [row["region_id"] for row in data["moves"]]
    assert again.moves[0].to_peer == data["moves"][0]["to_peer"]
    assert again.lower_bound["moves_deep"] == 3
    assert again.ordering == "eager"
    assert "chosen by hand" in again.ordering_reason
    assert again.after["1"]["regions"] == 0
    assert again.plan_id == parse_plan(data).plan_id


def test_a_plan_that_is_partly_carried_out_still_passes() -> None:
    data = drained()
    first = data["moves"][0]
    regions = [
        region(one.table_id, one.number, first["to_peer"] if one.region_id == first["region_id"] else one.leader_peer)
        for one in usual().regions
    ]
    again = plan(cluster(regions), strategy="validate", plan=data)
    assert len(again.moves) == 3
    assert again.notes == ("1 of 3 moves are made already; they cost nothing.",)
    assert again.after["1"]["regions"] == 0
    assert sum(load["regions"] or 0 for load in again.after.values()) == 12
