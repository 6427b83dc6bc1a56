# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look proves, leaves open or refutes."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import proof as p
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Placement,
    Procedure,
    RegionInfo,
    region_id_of,
)

R = region_id_of(1024, 0)
OTHER = region_id_of(1025, 3)
WANTED = p.Wanted(R, 2, "public.t")


def placed(leader: int | None = 2, status: str = "ALIVE", region: int = R, **more: t.Any) -> dict[int, Placement]:
    return {region: Placement(region, leader, status, **more)}


def migration(region: int = R, pid: str = "pid-1") -> Procedure:
    return Procedure(pid, "metasrv-procedure::RegionMigration", "Running", region_ids=(region,))


def look(placements: t.Mapping[int, Placement] | None = None, **more: t.Any) -> p.Look:
    settings: dict[str, t.Any] = {"alive": {1: "yes", 2: "yes", 3: "yes"}, "migrations": ()}
    settings.update(more)
    return p.Look(placements=placed() if placements is None else placements, **settings)


def info(node: int = 2, writable: bool = True, region: int = R) -> RegionInfo:
    return RegionInfo(region, node, "Leader(Writable)" if writable else "Follower", writable)


def state(seen: p.Look, wanted: p.Wanted = WANTED) -> str:
    return p.prove_region(wanted, seen).state


def test_a_leader_that_is_alive_proves_placement() -> None:
    proof = p.prove_region(WANTED, look())
    assert (proof.state, proof.leader_peer, proof.writable_on) == (p.PROVEN, 2, None)
    assert look().level == p.LEVEL_PLACEMENT


def test_where_datanodes_can_be_asked_the_target_itself_must_say_writable() -> None:
    assert state(look(infos={R: [info()]})) == p.PROVEN
    assert state(look(infos={R: [info(writable=False)]})) == p.OPEN
    assert state(look(infos={})) == p.OPEN
    assert look(infos={}).level == p.LEVEL_REGION_INFO


def test_a_second_writable_copy_is_no_proof() -> None:
    proof = p.prove_region(WANTED, look(infos={R: [info(2), info(1)]}))
    assert proof.state == p.OPEN
    assert "datanode 1" in proof.reason


@pytest.mark.parametrize("alive", ["suspect", "no", "unknown"])
def test_a_target_without_a_fresh_heartbeat_is_no_proof(alive: str) -> None:
    assert state(look(alive={2: alive})) == p.OPEN
    assert state(look(alive={})) == p.OPEN


@pytest.mark.parametrize("word", ["DOWNGRADED", "DOWNGRADING"])
def test_a_degraded_route_is_no_proof(word: str) -> None:
    assert state(look(placed(status=word))) == p.OPEN


def test_no_leader_is_no_proof() -> None:
    assert state(look(placed(leader=None, status=""))) == p.OPEN


def test_another_leader_refutes_unless_something_is_under_way_or_cannot_be_seen() -> None:
    assert state(look(placed(leader=1))) == p.REFUTED
    assert state(look(placed(leader=1), migrations=(migration(),))) == p.OPEN
    assert state(look(placed(leader=1), migrations=None)) == p.OPEN


def test_a_migration_that_still_holds_the_region_keeps_it_open() -> None:
    assert state(look(migrations=(migration(),))) == p.OPEN
    assert state(look(migrations=(migration(OTHER),))) == p.PROVEN


def test_a_region_that_vanished_is_refuted_unless_that_is_accepted() -> None:
    assert p.prove_region(WANTED, look({})).state == p.REFUTED
    assert p.prove_region(WANTED, look({}), accept_missing=True).state == p.PROVEN
    assert p.prove_region(WANTED, look({}, migrations=(migration(),)), accept_missing=True).state == p.OPEN


def kinds(seen: p.Look, datanode: int = 1) -> tuple[str, list[str]]:
    proof = p.prove_empty(datanode, seen)
    return proof.state, [thing.kind for thing in proof.holding]


def test_a_datanode_that_nothing_points_to_is_empty() -> None:
    assert kinds(look()) == (p.PROVEN, [])
    assert kinds(look({})) == (p.PROVEN, [])


def test_leaders_and_followers_keep_a_datanode_from_being_empty() -> None:
    both = {**placed(leader=1), **placed(region=OTHER, followers=(1,))}
    assert kinds(look(both)) == (p.REFUTED, ["leader", "follower"])


def test_a_leader_on_its_way_out_is_worth_waiting_for() -> None:
    assert kinds(look(placed(leader=1), migrations=(migration(),))) == (p.OPEN, ["leader"])
    assert kinds(look(placed(leader=1, status="DOWNGRADING"))) == (p.OPEN, ["leader"])
    assert kinds(look(placed(leader=1), migrations=None)) == (p.OPEN, ["leader"])


def test_a_migration_towards_it_or_with_an_unknown_target_keeps_it_open() -> None:
    moving = look(migrations=(migration(),), headed_for={"pid-1": 1})
    assert kinds(moving) == (p.OPEN, ["migration"])
    assert kinds(moving, datanode=3) == (p.PROVEN, [])
    assert kinds(look(migrations=(migration(),)), datanode=3) == (p.OPEN, ["migration"])


def test_regions_of_logical_tables_do_not_count_twice() -> None:
    both = {**placed(leader=1), **placed(leader=1, region=OTHER)}
    assert kinds(look(both, logical=frozenset({OTHER}))) == (p.REFUTED, ["leader"])


def test_a_writable_copy_blocks_and_a_closed_down_one_is_only_told() -> None:
    assert kinds(look(infos={R: [info(2), info(1)]})) == (p.OPEN, ["writable_copy"])
    proof = p.prove_empty(1, look(infos={R: [info(2), info(1, writable=False)]}))
    assert (proof.state, proof.leftovers) == (p.PROVEN, (R,))


def test_a_dead_datanode_can_be_empty() -> None:
    proof = p.prove_empty(1, look(alive={1: "no", 2: "yes"}))
    assert (proof.state, proof.alive) == (p.PROVEN, "no")


peers = st.one_of(st.none(), st.integers(0, 3))
looks = st.builds(
    p.Look,
    placements=st.dictionaries(
        st.sampled_from([R, OTHER]),
        st.builds(
            Placement,
            region_id=st.just(R),
            leader_peer=peers,
            leader_status=st.sampled_from(["ALIVE", "DOWNGRADED", "DOWNGRADING", "STAGING", ""]),
            followers=st.lists(st.integers(0, 3), max_size=2).map(tuple),
        ),
    ),
    alive=st.dictionaries(st.integers(0, 3), st.sampled_from(["yes", "suspect", "no", "unknown"])),
    migrations=st.one_of(st.none(), st.lists(st.sampled_from([migration(), migration(OTHER, "pid-2")]), max_size=2)),
    headed_for=st.dictionaries(st.sampled_from(["pid-1", "pid-2"]), st.integers(0, 3)),
    infos=st.one_of(
        st.none(),
        st.dictionaries(
            st.sampled_from([R, OTHER]),
            st.lists(st.builds(info, node=st.integers(0, 3), writable=st.booleans()), max_size=3),
        ),
    ),
)


@given(looks)
def test_proven_always_means_positive_evidence_of_every_kind(seen: p.Look) -> None:
    proof = p.prove_region(WANTED, seen)
    if proof.state == p.PROVEN:
        assert seen.placements[R].leader_peer == 2
        assert not seen.placements[R].degraded
        assert seen.alive[2] == "yes"
        assert all(R not in one.region_ids for one in seen.migrations or ())
        assert seen.infos is None or {one.node_id for one in seen.infos[R] if one.writable} == {2}


@given(looks)
def test_empty_always_means_that_nothing_points_there(seen: p.Look) -> None:
    proof = p.prove_empty(1, seen)
    assert (proof.state == p.PROVEN) == (not proof.holding)
    if proof.state == p.PROVEN:
        assert all(one.leader_peer != 1 and 1 not in one.followers for one in seen.placements.values())
        assert all(seen.headed_for.get(one.procedure_id, 1) != 1 for one in seen.migrations or ())
