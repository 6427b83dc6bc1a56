# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options of one and of two clusters, and addresses behind NAT."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.address_map import parse_mapped_host
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    Connection,
    connection_argument_spec,
    source_and_target,
)


def params(prefix: str = "", **given: t.Any) -> t.Dict[str, t.Any]:
    spec = connection_argument_spec(prefix).argument_spec
    found = {name: option.get("default") for name, option in spec.items()}
    found[f"{prefix}frontends"] = ["fe-0.example.com"]
    found.update({prefix + name: value for name, value in given.items()})
    return found


def test_defaults() -> None:
    found = Connection.from_params(params())
    assert found.frontends == (Address("fe-0.example.com", 9030),)
    assert (found.username, found.password, found.tls.level) == ("root", "", "disable")
    assert (found.connect_timeout, found.read_timeout, found.assume_version) == (5.0, 60.0, None)


def test_as_awx_gives_them() -> None:
    found = Connection.from_params(
        params(
            frontends="a:9031, b,b",
            address_map='{"10.1.0.11": "127.0.0.1;9030:19030,8030:18030"}',
            assume_version="3.3.14",
            password=12345,
        )
    )
    assert found.frontends == (Address("a", 9031), Address("b", 9030))
    assert found.reach("10.1.0.11", 9030) == Address("127.0.0.1", 19030)
    assert found.reach("10.1.0.11", 9020) == Address("127.0.0.1", 9020)
    assert found.reach("10.1.0.12", 9030) == Address("10.1.0.12", 9030)
    assert (found.assume_version, found.password) == (Version(3, 3, 14), "12345")


def test_every_problem_is_told_at_once_under_its_own_name() -> None:
    with pytest.raises(InvalidInput) as caught:
        Connection.from_params(
            params("target_", frontends=["http://a"], address_map={"h": ""}, read_timeout="soon", assume_version="x"),
            "target_",
        )
    text = " ".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for name in ("target_frontends", "target_address_map[h]", "target_read_timeout", "target_assume_version"):
        assert name in text


def test_no_frontend() -> None:
    with pytest.raises(InvalidOption) as caught:
        Connection.from_params(params(frontends=""))
    assert "STARROCKS_FRONTENDS" in caught.value.message


def test_the_password_is_not_shown() -> None:
    assert "hunter22" not in repr(Connection.from_params(params(password="hunter22")))


def test_one_cluster_cannot_be_both_sides() -> None:
    both = {**params(frontends="a,b"), **params("target_", frontends="c,b:9030")}
    with pytest.raises(InvalidOption) as caught:
        source_and_target(both)
    assert caught.value.option == "target_frontends" and "b:9030" in caught.value.message
    source, target = source_and_target({**params(frontends="a"), **params("target_", frontends="c")})
    assert (source.prefix, target.prefix) == ("", "target_")


def test_env_names() -> None:
    spec = connection_argument_spec("target_").argument_spec
    assert spec["target_frontends"]["fallback"][1] == ["STARROCKS_TARGET_FRONTENDS"]
    assert connection_argument_spec().argument_spec["ca_cert"]["fallback"][1] == ["STARROCKS_CA_CERT"]


@pytest.mark.parametrize("value", ["10.1.1.1", "10.1.1.1;8030:38030,9030:39030", "fe.example.com;9030:1", "::1"])
def test_mapped_hosts_come_back(value: str) -> None:
    assert parse_mapped_host(value, "o").as_value() == value


@pytest.mark.parametrize("value", ["", ";9030:1", "a;", "a;9030", "a;9030:x", "a;0:1", "a b", "a:9030", "a=b", 5, None])
def test_mapped_hosts_that_are_none(value: t.Any) -> None:
    with pytest.raises(InvalidOption):
        parse_mapped_host(value, "o")
