# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cutover's options: everything wrong is told at once, by the option's name, before anything is contacted."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import (
    cutover_argument_spec,
    read_request,
)

GIVEN = {
    "meta_servers": ["10.0.0.1:34601", "10.0.0.2:34601"],
    "target_meta_servers": "10.1.0.1:34601,10.1.0.2:34601",
    "zookeeper_hosts": "zk:2181",
    "zookeeper_root": "/metaproxy",
    "metaproxies": '["p-0:34601"]',
    "tables": "a,b,c",
    "journal": "/tmp/j.jsonl",
}


def _params(**changed: t.Any) -> t.Dict[str, t.Any]:
    spec = cutover_argument_spec().argument_spec
    params = {name: option.get("default") for name, option in spec.items()}
    return {**params, **GIVEN, **changed}


def test_texts_as_job_templates_give_them() -> None:
    request = read_request(_params(budget="1m30s", group_size=2, config_sync_interval="500ms"))
    assert request.tables == ("a", "b", "c") and request.groups == [("a", "b"), ("c",)]
    assert (request.budget, request.interval_ms, request.proxies) == (90.0, 500, ("p-0:34601",))
    assert request.meta_addrs == ("10.1.0.1:34601", "10.1.0.2:34601")
    assert read_request(_params(config_sync_interval="keep")).interval_ms is None


def test_the_target_has_the_option_name_that_it_has_everywhere() -> None:
    assert "remote_cluster" in cutover_argument_spec().argument_spec
    assert read_request(_params(remote_cluster=" dup-b ")).remote_cluster == "dup-b"
    assert read_request(_params()).remote_cluster == ""


def test_without_metaproxy_nothing_of_it_is_needed() -> None:
    request = read_request(
        _params(switch="hand_over", zookeeper_hosts=None, zookeeper_root=None, metaproxies=None, target_meta_addrs=None)
    )
    assert request.place is None and request.proxies == ()


@pytest.mark.parametrize("given", [None, 3, "5"])
def test_whoever_switches_by_hand_switches_all_tables_at_once(given: t.Any) -> None:
    assert read_request(_params(switch="hand_over", group_size=given)).groups == [("a", "b", "c")]
    assert read_request(_params()).groups == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"journal": None}, "journal: it is not given"),
        ({"budget": "0"}, "budget: '0' is too short"),
        ({"budget": "5 parsecs"}, "budget: "),
        ({"metaproxies": None}, "metaproxies: no MetaProxy is given"),
        ({"metaproxies": "p"}, "metaproxies: 'p' has no port"),
        ({"zookeeper_hosts": "zk"}, "zookeeper_hosts: "),
        ({"zookeeper_root": None}, "zookeeper_root: it is not given"),
        ({"target_meta_servers": "10.1.0.1:34601"}, "target_meta_servers: there is only one address"),
        ({"target_meta_addrs": "x:1"}, "target_meta_addrs: there is only one address"),
        ({"target_meta_servers": "10.0.0.1:34601,b:1"}, "are the same cluster"),
        ({"tables": ""}, "tables: no table is given"),
        ({"tables": "a,a"}, "tables: a is given twice"),
        ({"config_sync_interval": "1h"}, "config_sync_interval: '1h' is too long"),
        ({"max_lag": -1}, "max_lag: "),
        ({"group_size": 0}, "group_size: "),
        ({"switch": "hand_over", "group_size": 2}, "group_size: with switch=hand_over all tables share one fence"),
    ],
)
def test_one_clear_sentence_for_each(changed: t.Mapping[str, t.Any], words: str) -> None:
    with pytest.raises((InvalidOption, InvalidInput)) as caught:
        read_request(_params(**changed))
    assert words in caught.value.message


def test_everything_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_request(_params(journal="", budget="x", metaproxies="", tables="a b"))
    assert len(caught.value.problems) == 4
