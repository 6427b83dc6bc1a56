# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an approval of a Pegasus migration is bound to, and what it is not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import plan_hash
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import cutover_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.plan_approval import (
    Table,
    describe,
    plan_of,
    read_wishes,
    wishes_argument_spec,
)

TABLES = [Table("orders", "orders", 4), Table("bills", "bills_v2", 5)]
PROXIES = {
    "metaproxies": ["proxy-0.example.com:34601", "proxy-1.example.com:34601"],
    "zookeeper_hosts": "zk-0.example.com:2181/dbops",
    "zookeeper_root": "/proxies",
}


def made(tables: t.Sequence[Table] = TABLES, **more: t.Any) -> t.Dict[str, t.Any]:
    defaults = {name: option.get("default") for name, option in wishes_argument_spec().argument_spec.items()}
    problems = OptionProblems()
    wishes = read_wishes({**defaults, **PROXIES, **more}, len(tables), problems)
    problems.raise_all()
    return plan_of(tables, "onebox-a", "onebox-b", wishes)


def test_the_defaults_are_those_of_the_cutover() -> None:
    theirs = cutover_argument_spec().argument_spec
    ours = wishes_argument_spec().argument_spec
    assert {name: ours[name].get("default") for name in ours if name != "switch_tasks"} == {
        name: theirs[name].get("default") for name in ours if name in theirs
    }
    assert made()["group_size"] == 1


@pytest.mark.parametrize(
    "same",
    [
        {"budget": "1m"},
        {"budget": 60},
        {"max_lag": "10000"},
        {"group_size": "1"},
        {"config_sync_interval": "1000ms"},
        {"metaproxies": "proxy-1.example.com:34601, proxy-0.example.com:34601"},
        {"metaproxies": '["PROXY-0.example.com:34601", "proxy-1.example.com:34601"]'},
        {"zookeeper_hosts": ["zk-0.example.com:2181/dbops"], "zookeeper_root": "/proxies/"},
        {"zookeeper_timeout": "20s"},
        {"switch_tasks": "/srv/switch.yml"},
    ],
)
def test_the_form_of_the_options_does_not_matter(same: t.Dict[str, t.Any]) -> None:
    assert plan_hash(made(**same)) == plan_hash(made())
    assert plan_hash(made(list(reversed(TABLES)))) == plan_hash(made())


@pytest.mark.parametrize(
    "other",
    [
        {"budget": "61s"},
        {"max_lag": 9},
        {"group_size": 2},
        {"last_mutation": "accept"},
        {"config_sync_interval": "keep"},
        {"metaproxies": ["proxy-0.example.com:34601"]},
        {"zookeeper_root": "/others"},
        {"target_meta_addrs": ["a.example.com:1", "b.example.com:2"]},
        {"switch": "hand_over"},
        {"tables": TABLES[:1]},
        {"tables": [Table("orders", "orders", 4), Table("bills", "bills", 5)]},
        {"tables": [Table("orders", "orders", 4), Table("bills", "bills_v2", 9)]},
    ],
)
def test_another_deed_is_another_plan(other: t.Dict[str, t.Any]) -> None:
    assert plan_hash(made(**other)) != plan_hash(made())


def test_who_switches_by_hand_switches_all_tables_at_once_with_these_tasks() -> None:
    by_hand = made(switch="hand_over", switch_tasks="/srv/switch.yml")
    assert by_hand["group_size"] == 2
    assert by_hand["metaproxies"] == []
    assert by_hand["zookeeper"] == ""
    assert by_hand != made(switch="hand_over", switch_tasks="/srv/other.yml")
    assert plan_hash(made(switch="hand_over", group_size=2)) == plan_hash(made(switch="hand_over"))


def test_what_only_the_cutover_needs_may_be_missing_before() -> None:
    assert made(metaproxies=None, zookeeper_hosts=None, zookeeper_root=None)["metaproxies"] == []


def test_in_a_few_words() -> None:
    assert describe(made()) == (
        "bills, orders from onebox-a to onebox-b, switched by 2 MetaProxies, writes refused for at most 1m"
    )
    many = [Table(f"t{number}", f"t{number}", number) for number in range(7)]
    assert describe(made(many, switch="hand_over")).startswith("t0, t1, t2, t3, t4 and 2 more from onebox-a")
