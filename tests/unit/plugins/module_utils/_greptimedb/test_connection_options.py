# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address, parse_address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import (
    Connection,
    connection_argument_spec,
)


def params(**given: t.Any) -> t.Dict[str, t.Any]:
    found = {name: option.get("default") for name, option in connection_argument_spec().argument_spec.items()}
    found["frontend_host"] = "db"
    found.update(given)
    return found


def problem(**given: t.Any) -> str:
    with pytest.raises(MigrationError) as caught:
        Connection.from_params(params(**given))
    return caught.value.message


def test_defaults() -> None:
    found = Connection.from_params(params())
    assert found.frontend == Address("db", 4002)
    assert found.metasrv == ()
    assert (found.connect_timeout, found.read_timeout) == (5.0, 30.0)
    assert Connection.from_params(params(transport="http")).frontend == Address("db", 4000)


def test_lists_and_mappings_as_awx_gives_them() -> None:
    text = Connection.from_params(
        params(
            metasrv_addrs='["m0:3002", "m1"]',
            metasrv_http_addrs="m0:4000,m1:14000",
            datanode_http_addrs=json.dumps({"0": "127.0.0.1:4001"}),
            frontend_port="14002",
        )
    )
    assert text.metasrv == (Address("m0", 3002), Address("m1", 3002))
    assert text.metasrv_http == (Address("m0", 4000), Address("m1", 14000))
    assert text.datanode_http == {0: Address("127.0.0.1", 4001)}
    assert text.frontend == Address("db", 14002)


def test_metasrv_http_defaults_to_the_same_hosts() -> None:
    found = Connection.from_params(params(metasrv_addrs=["m0:3002"], metasrv_http_port=14000))
    assert found.metasrv_http == (Address("m0", 14000),)


def test_the_password_is_not_shown() -> None:
    assert "hunter22" not in repr(Connection.from_params(params(username="u", password="hunter22")))


@pytest.mark.parametrize(("database", "schema"), [("public", "public"), ("greptime-metrics", "metrics")])
def test_schema_of_the_database(database: str, schema: str) -> None:
    assert Connection.from_params(params(database=database)).schema == schema


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"frontend_host": None}, ("frontend_host", "GREPTIMEDB_HOST")),
        ({"frontend_host": ""}, ("frontend_host",)),
        ({"frontend_host": "db:4002"}, ("frontend_host", "frontend_port")),
        ({"frontend_host": "http://db"}, ("frontend_host", "URL")),
        ({"frontend_port": 0}, ("frontend_port", "65535")),
        ({"frontend_port": "many"}, ("frontend_port",)),
        ({"metasrv_addrs": "http://m0:3002"}, ("metasrv_addrs", "URL")),
        ({"metasrv_addrs": ["m0:99999"]}, ("metasrv_addrs",)),
        ({"metasrv_addrs": ["m0"], "metasrv_http_addrs": ["a", "b"]}, ("metasrv_http_addrs", "same order")),
        ({"datanode_http_addrs": {"one": "h:1"}}, ("datanode_http_addrs", "one")),
        ({"datanode_http_addrs": "[1]"}, ("datanode_http_addrs", "mapping")),
        ({"connect_timeout": "0"}, ("connect_timeout",)),
        ({"read_timeout": "5 parsecs"}, ("read_timeout", "parsecs")),
        ({"password": "secret"}, ("username",)),
        ({"ca_cert": "/nowhere.pem", "tls": "verify-ca"}, ("ca_cert", "/nowhere.pem")),
        ({"tls": "prefer", "transport": "http"}, ("tls", "https")),
    ],
)
def test_one_clear_sentence_for_each_mistake(given: t.Dict[str, t.Any], words: t.Sequence[str]) -> None:
    text = problem(**given)
    for word in words:
        assert word in text


def test_all_mistakes_are_told_at_once() -> None:
    text = problem(frontend_port=-1, read_timeout="soon", metasrv_addrs="a b")
    for option in ("frontend_port", "read_timeout", "metasrv_addrs"):
        assert option in text


def test_certificates_need_a_level_that_uses_them(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("x")
    assert "tls" in problem(ca_cert=str(path))
    assert "verify-ca" in problem(ca_cert=str(path), tls="require")
    assert Connection.from_params(params(ca_cert=str(path), tls="verify-full")).tls.ca_cert == str(path)
    assert "client_cert" in problem(client_key=str(path), tls="require")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("host:1", Address("host", 1)),
        ("[::1]:3002", Address("::1", 3002)),
        ("[::1]", Address("::1", 7)),
        ("::1", Address("::1", 7)),
        ("host", Address("host", 7)),
    ],
)
def test_addresses(text: str, found: Address) -> None:
    assert parse_address(text, "x", 7) == found
    assert parse_address(str(found), "x") == found


@pytest.mark.parametrize("text", ["", " ", "a b", "[::1", "h:", "h:x", 5, None])
def test_no_addresses(text: t.Any) -> None:
    with pytest.raises(InvalidOption):
        parse_address(text, "x")
