# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests make every frontend right: few of them, and none that disturbs another frontend for good."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import (
    HTTP,
    SQL,
    ConfigCall,
    Target,
    plan_calls,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend


def frontend(number: int, host: str) -> Frontend:
    return Frontend(
        f"fe{number}", host, 9030 + number, 8030, 9020, "LEADER" if number == 0 else "FOLLOWER", True, "1", "3.3.0", ""
    )


def targets(*rows: t.Tuple[str, str, str]) -> t.List[Target]:
    """(host, now, wanted) of each frontend, the leader first."""
    return [
        Target(frontend(number, host), f"r{number}", now, wanted, "int")
        for number, (host, now, wanted) in enumerate(rows)
    ]


def plan(listed: t.Sequence[Target], runs_on: str, **more: t.Any) -> t.List[ConfigCall]:
    return plan_calls("k", listed, listed[0].frontend, runs_on, **more)


def shown(calls: t.Sequence[ConfigCall]) -> t.List[t.Tuple[str, str, str, int]]:
    return [(call.via, call.frontend.name, call.value, len(call.changes)) for call in calls]


def played(listed: t.Sequence[Target], calls: t.Sequence[ConfigCall], runs_on: str) -> t.List[str]:
    """What every frontend holds afterwards, by the server's rules, written apart from the plan's own."""
    now = {target.frontend: target.now for target in listed}
    for call in calls:
        executor = call.frontend
        if call.via == SQL and runs_on == "leader":
            executor = listed[0].frontend
        now[executor] = call.value
        if call.via == SQL:
            now.update({other: call.value for other in now if other.host != executor.host})
    return [now[target.frontend] for target in listed]


@pytest.mark.parametrize("runs_on", ["connected", "leader"])
def test_one_statement_does_where_hosts_differ(runs_on: str) -> None:
    listed = targets(("a", "1", "0"), ("b", "1", "0"), ("c", "0", "0"))
    assert shown(plan(listed, runs_on)) == [(SQL, "fe0", "0", 2)]


@pytest.mark.parametrize(
    ("persistent", "or_memory", "otherwise"),
    [(True, True, 'ADMIN SET FRONTEND CONFIG ("k" = "0")'), (True, False, None), (False, True, None)],
)
def test_what_follows_a_refusal_is_part_of_the_request(persistent: bool, or_memory: bool, otherwise: object) -> None:
    [call] = plan(targets(("a", "1", "0"), ("b", "1", "0")), "leader", persistent=persistent, or_memory=or_memory)
    assert call.request.get("otherwise") == otherwise
    assert call.request["sql"].endswith(" WITH PERSISTENT") == persistent
    assert [change.request for change in call.changes] == [call.request] * 2


@pytest.mark.parametrize("runs_on", ["connected", "leader"])
def test_nothing_to_do(runs_on: str) -> None:
    assert plan(targets(("a", "0", "0"), ("b", "00", "0")), runs_on) == []


def test_up_to_3_4_a_frontend_on_another_host_reaches_both() -> None:
    listed = targets(("a", "1", "0"), ("a", "1", "0"), ("b", "1", "0"))
    assert shown(plan(listed, "connected")) == [(SQL, "fe2", "0", 3)]


def test_up_to_3_4_frontends_on_one_host_are_asked_each() -> None:
    listed = targets(("a", "1", "0"), ("a", "1", "0"))
    assert shown(plan(listed, "connected")) == [(SQL, "fe0", "0", 1), (SQL, "fe1", "0", 1)]


def test_from_3_5_the_leaders_neighbour_is_told_over_http() -> None:
    listed = targets(("a", "1", "0"), ("a", "1", "0"), ("b", "1", "0"))
    assert shown(plan(listed, "leader")) == [(SQL, "fe0", "0", 2), (HTTP, "fe1", "0", 1)]
    alone = targets(("a", "0", "0"), ("a", "1", "0"), ("b", "0", "0"))
    assert shown(plan(alone, "leader")) == [(HTTP, "fe1", "0", 1)]


@pytest.mark.parametrize("runs_on", ["connected", "leader"])
def test_frontends_that_should_differ_are_changed_one_by_one(runs_on: str) -> None:
    listed = targets(("a", "0", "1000"), ("b", "0", "1000"), ("c", "0", "7"), ("d", "5", "5"))
    assert shown(plan(listed, runs_on)) == [
        (HTTP, "fe0", "1000", 1),
        (HTTP, "fe1", "1000", 1),
        (HTTP, "fe2", "7", 1),
    ]


def test_fe_conf_gets_the_common_value_and_memory_each_ones_own() -> None:
    listed = targets(("a", "0", "1000"), ("b", "0", "1000"), ("c", "7", "7"))
    calls = plan(listed, "leader", persistent=True, action="restore")
    assert shown(calls) == [(SQL, "fe0", "1000", 2), (HTTP, "fe2", "7", 1)]
    assert calls[0].statement.endswith(" WITH PERSISTENT") and not calls[1].persistent


def test_fe_conf_is_written_although_memory_is_right() -> None:
    listed = targets(("a", "9", "9"), ("b", "9", "9"))
    assert plan(listed, "leader", persistent=True) == []
    calls = plan(listed, "leader", persistent=True, again=True)
    assert shown(calls) == [(SQL, "fe0", "9", 2)]


def test_the_request_is_the_exact_statement() -> None:
    listed = targets(("a", "1", 'x"y'))
    [call] = plan(listed, "connected")
    assert call.request == {
        "frontend": "a:9030",
        "sql": 'ADMIN SET FRONTEND CONFIG ("k" = "x' + chr(92) + '"y")',
    }
    assert call.changes[0].request == call.request


HOSTS = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["0", "1", "2"])


@given(st.lists(st.tuples(HOSTS, VALUES, VALUES), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_every_plan_ends_where_it_should(rows: t.List[t.Tuple[str, str, str]], leader: bool, persistent: bool) -> None:
    runs_on = "leader" if leader else "connected"
    listed = targets(*rows)
    calls = plan(listed, runs_on, persistent=persistent and leader)
    assert played(listed, calls, runs_on) == [target.wanted for target in listed]
    changed = {change.resource for call in calls for change in call.changes}
    assert changed >= {target.resource for target in listed if not target.right}
    assert len(calls) <= len(listed) + 1


@given(st.lists(st.tuples(HOSTS, VALUES), min_size=1, max_size=6), st.booleans())
def test_one_value_for_all_disturbs_nobody(rows: t.List[t.Tuple[str, str]], leader: bool) -> None:
    listed = targets(*[(host, now, "0") for host, now in rows])
    calls = plan(listed, "leader" if leader else "connected")
    assert {call.value for call in calls} <= {"0"}
    assert bool(calls) == any(not target.right for target in listed)
