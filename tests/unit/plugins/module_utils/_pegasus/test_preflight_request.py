# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import (
    PreflightRequest,
    read_tables,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import TableRequest

GOOD: t.Dict[str, t.Any] = {
    "meta_servers": "a:1,b:1",
    "target_meta_servers": ["c:1", "d:1"],
    "connect_timeout": "3s",
    "rpc_timeout": "10s",
    "zookeeper_timeout": "10s",
    "tables": "temp",
}


def request(**more: t.Any) -> PreflightRequest:
    return PreflightRequest.from_params({**GOOD, **more})


def refused(**more: t.Any) -> str:
    with pytest.raises(MigrationError) as caught:
        request(**more)
    assert caught.value.code in ("option.invalid", "input.invalid")
    return caught.value.message


def test_the_least_that_is_needed() -> None:
    found = request()
    assert found.tables == (TableRequest("temp", "temp"),)
    assert found.place is None
    assert found.metaproxies == ()
    assert (found.cluster_name, found.target_cluster_name) == ("", "")


@pytest.mark.parametrize(
    "given",
    [
        ["a", {"name": "b", "remote_app_name": "c", "remote_replica_count": 2}],
        json.dumps(["a", {"name": "b", "remote_app_name": "c", "remote_replica_count": "2"}]),
        "['a', {'name': 'b', 'remote_app_name': 'c', 'remote_replica_count': 2}]",
    ],
    ids=["native", "JSON", "a template's text"],
)
def test_tables_as_awx_and_templates_deliver_them(given: t.Any) -> None:
    assert read_tables(given) == (TableRequest("a", "a"), TableRequest("b", "c", 2))


def test_empty_values_are_left_out_ones() -> None:
    given = [{"name": "a", "remote_app_name": "", "remote_replica_count": ""}]
    assert read_tables(given) == (TableRequest("a", "a"),)
    assert request(zookeeper_hosts="", zookeeper_root="", metaproxies="").place is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", ["tables", "no table is given"]),
        ([], ["tables", "no table is given"]),
        (["te mp"], ["tables[0]", "'te mp'", "letters, digits"]),
        (["preflight?1"], ["tables[0]", "letters, digits"]),
        ([{"name": "temp", "remote_app_name": "temp/2"}], ["tables[0].remote_app_name", "'temp/2'"]),
        ([{"remote_app_name": "temp"}], ["tables[0].name", "no name is given"]),
        ([{"name": "temp", "replicas": 2}], ["tables[0].replicas", "unknown key", "remote_replica_count"]),
        ([{"name": "temp", "remote_replica_count": 0}], ["remote_replica_count", "from 1 to 15"]),
        ([{"name": "temp", "remote_replica_count": "many"}], ["remote_replica_count", "'many'"]),
        ([["temp"]], ["tables[0]", "['temp']"]),
        (["a", "b", "a"], ["a is given twice"]),
        (["a", {"name": "b", "remote_app_name": "a"}], ["a and b both go to a", "remote_app_name"]),
        ("[1", ["tables", "JSON"]),
    ],
)
def test_tables_that_cannot_be(given: t.Any, words: t.List[str]) -> None:
    said = refused(tables=given)
    assert [word for word in words if word not in said] == []


def test_all_problems_are_told_at_once() -> None:
    said = refused(
        meta_servers="a",
        target_meta_servers="http://c:1",
        tables=["te mp", "x,y"],
        zookeeper_hosts="zk",
        metaproxies=["p:1", "p:1"],
        rpc_timeout="5 parsecs",
    )
    for word in (
        "meta_servers: 'a' has no port",
        "'http://c:1' is a URL",
        "tables[0]",
        "tables[1]",
        "zookeeper_hosts",
        "zookeeper_root: it is not given",
        "p:1 is given twice",
        "parsecs",
    ):
        assert word in said


def test_one_cluster_twice_is_seen_before_anything_is_contacted() -> None:
    assert "the same cluster" in refused(target_meta_servers="b:1,e:1")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"metaproxies": "p:1"}, ["zookeeper_hosts", "zookeeper_root"]),
        ({"zookeeper_root": "/x"}, ["zookeeper_hosts"]),
        ({"zookeeper_hosts": "zk:2181"}, ["zookeeper_root"]),
        ({"zookeeper_hosts": "zk:2181/a//b", "zookeeper_root": "/x"}, ["zookeeper_hosts"]),
        ({"zookeeper_hosts": "zk:2181/a,zk2:2181", "zookeeper_root": "x"}, ["zookeeper_root"]),
    ],
)
def test_the_way_of_the_clients_must_be_whole(given: t.Dict[str, str], missing: t.List[str]) -> None:
    said = refused(**given)
    assert [name for name in missing if name + ":" not in said] == []


def test_with_metaproxy() -> None:
    found = request(zookeeper_hosts=["zk0:2181", "zk1:2181/ch"], zookeeper_root="/mp/", metaproxies='["p:1", "q:1"]')
    assert found.place is not None
    assert (found.place.chroot, found.place.root) == ("/ch", "/mp")
    assert found.metaproxies == ("p:1", "q:1")
