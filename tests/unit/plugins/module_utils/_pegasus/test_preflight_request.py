# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

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
    assert (found.cluster_name, found.remote_cluster) == ("", "")


@pytest.mark.parametrize(
    ("tables", "remote"),
    [
        (["a", "b"], {"b": "c"}),
        ('["a", "b"]', '{"b": "c"}'),
        ("a, b", "{'b': 'c'}"),
    ],
    ids=["native", "JSON", "a person's and a template's text"],
)
def test_tables_as_awx_and_templates_deliver_them(tables: t.Any, remote: t.Any) -> None:
    assert read_tables(tables, remote, "2") == (TableRequest("a", "a", 2), TableRequest("b", "c", 2))
    assert read_tables(tables) == (TableRequest("a", "a"), TableRequest("b", "b"))


def test_names_may_be_swapped() -> None:
    assert read_tables("a,b", {"a": "b", "b": "a"}) == (TableRequest("a", "b"), TableRequest("b", "a"))


def test_empty_values_are_left_out_ones() -> None:
    assert read_tables("a", "", "") == (TableRequest("a", "a"),)
    assert request(zookeeper_hosts="", zookeeper_root="", metaproxies="").place is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tables": ""}, ["tables", "no table is given"]),
        ({"tables": []}, ["tables", "no table is given"]),
        ({"tables": ["te mp"]}, ["tables[0]", "'te mp'", "letters, digits"]),
        ({"tables": ["preflight?1"]}, ["tables[0]", "letters, digits"]),
        ({"tables": [{"name": "temp"}]}, ["tables[0]", "is not a table name"]),
        ({"tables": [["temp"]]}, ["tables[0]", "['temp']"]),
        ({"tables": [None]}, ["tables[0]", "no name is given"]),
        ({"tables": 202411}, ["tables[0]: 202411 is a number and not text", '["2024_11"]']),
        ({"tables": ["a", "b", "a"]}, ["a is given twice"]),
        ({"tables": "[1"}, ["tables", "JSON"]),
        ({"remote_tables": {"temp": "temp/2"}}, ["remote_tables.temp", "'temp/2'"]),
        ({"remote_tables": {"temp": ""}}, ["remote_tables.temp", "no name is given"]),
        ({"remote_tables": {"other": "temp2"}}, ["remote_tables", "other is not in tables"]),
        ({"remote_tables": ["temp"]}, ["remote_tables", "not a mapping"]),
        ({"tables": "a,b", "remote_tables": {"b": "a"}}, ["remote_tables", "a is given twice", "into one table"]),
        ({"remote_replica_count": 0}, ["remote_replica_count", "from 1 to 15"]),
        ({"remote_replica_count": "many"}, ["remote_replica_count", "'many'"]),
    ],
)
def test_tables_that_cannot_be(given: t.Dict[str, t.Any], words: t.List[str]) -> None:
    said = refused(**given)
    assert [word for word in words if word not in said] == []


def test_all_problems_are_told_at_once() -> None:
    said = refused(
        meta_servers="a",
        target_meta_servers="http://c:1",
        tables=["te mp", "x,y"],
        zookeeper_hosts="zk",
        metaproxies=["p:1", "p:1"],
        target_meta_addrs="m/1",
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
        "target_meta_addrs: 'm/1'",
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
    assert found.meta_addrs == ("c:1", "d:1")
    other = request(zookeeper_hosts="zk:1", zookeeper_root="/mp", target_meta_addrs="x:1, y:1, z:1")
    assert other.meta_addrs == ("x:1", "y:1", "z:1")
