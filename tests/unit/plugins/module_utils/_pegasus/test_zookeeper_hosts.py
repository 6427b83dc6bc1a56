# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name the ZooKeeper of the MetaProxies."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import read_place


def _read(hosts: t.Any, root: t.Any = "/metaproxy") -> t.Any:
    return read_place({"zookeeper_hosts": hosts, "zookeeper_root": root, "zookeeper_timeout": "10s"})


@pytest.mark.parametrize(
    "hosts", ["zk-0:2181,zk-1:2181/chroot", ["zk-0:2181", "zk-1:2181/chroot"], '["zk-0:2181", "zk-1:2181/chroot/"]']
)
def test_hosts_with_a_chroot(hosts: t.Any) -> None:
    place = _read(hosts)
    assert place.hosts == ("zk-0:2181", "zk-1:2181") and place.chroot == "/chroot"
    assert place.connect_string == "zk-0:2181,zk-1:2181/chroot"
    assert place.path("temp") == "/metaproxy/temp"
    assert place.resource("temp") == "zookeeper:/chroot/metaproxy/temp"


def test_the_root_may_be_the_root() -> None:
    assert _read("zk:2181", "/").path("temp") == "/temp"


@pytest.mark.parametrize(
    ("hosts", "root", "option"),
    [
        ("", "/m", "zookeeper_hosts"),
        ("zk", "/m", "zookeeper_hosts"),
        ("zk:0", "/m", "zookeeper_hosts"),
        ("zk:2181,zk:2181", "/m", "zookeeper_hosts"),
        ("zk:2181//x", "/m", "zookeeper_hosts"),
        ("http://zk:2181", "/m", "zookeeper_hosts"),
        ("zk:2181", "", "zookeeper_root"),
        ("zk:2181", "m", "zookeeper_root"),
        ("zk:2181", "/m/../x", "zookeeper_root"),
    ],
)
def test_what_cannot_work_is_told_by_its_option(hosts: str, root: str, option: str) -> None:
    with pytest.raises((InvalidOption, InvalidInput)) as caught:
        _read(hosts, root)
    assert caught.value.message.startswith(option)
