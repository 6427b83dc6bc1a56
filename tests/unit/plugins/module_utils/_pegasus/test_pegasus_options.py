# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options: one clear sentence for each mistake, all of them at once, before anything is contacted."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.dbops.migration.plugins.doc_fragments import _pegasus as fragment
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    Connection,
    ConnectionSettings,
    connection_argument_spec,
    parse_addresses,
)

DEFAULTS = {"connect_timeout": "3s", "rpc_timeout": "10s"}


def connection(**params: t.Any) -> Connection:
    return Connection.from_params({**DEFAULTS, **params})


@pytest.mark.parametrize(
    "given",
    [
        ["Meta-0:34601", "10.0.0.2:34601"],
        "meta-0:34601, 10.0.0.2:34601",
        '["meta-0:34601", "10.0.0.2:34601"]',
        "['meta-0:34601', '10.0.0.2:34601']",
    ],
)
def test_every_form_of_a_list(given: t.Any) -> None:
    assert connection(meta_servers=given).meta_servers == ("meta-0:34601", "10.0.0.2:34601")


def test_settings_are_seconds() -> None:
    found = connection(meta_servers="a:1", connect_timeout="500ms", rpc_timeout=4)
    assert found.settings == ConnectionSettings(0.5, 4.0)
    assert found.target_meta_servers == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "no meta server is given"),
        ("", "PEGASUS_META_SERVERS"),
        ("meta-0", "has no port"),
        ("meta-0:", "has no port"),
        ("meta-0:0", "out of range"),
        ("meta-0:http", "not a whole number"),
        ("http://meta-0:34601", "is a URL"),
        (["::1:34601"], "IPv6"),
        ("meta 0:34601", "is not an address"),
        (":34601", "is not an address"),
        ([34601], "is not an address"),
        ("a:1,A:1", "a:1 is given twice"),
        ("[a:1", "not JSON"),
    ],
)
def test_a_malformed_list_is_named(given: t.Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words) as caught:
        connection(meta_servers=given)
    assert caught.value.details["option"] == "meta_servers"


def test_all_problems_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        connection(meta_servers="a,b:x", target_meta_servers=None, rpc_timeout="soon")
    assert len(caught.value.problems) == 4


def test_the_same_cluster_twice_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"b:2 is also in meta_servers.*same cluster"):
        connection(meta_servers="a:1,b:2", target_meta_servers="B:2,c:3")


def test_addresses_of_anything() -> None:
    assert parse_addresses("a:1, b:2", "proxies") == ("a:1", "b:2")
    assert parse_addresses(None, "proxies") == ()
    with pytest.raises(InvalidOption, match=r"^proxies: "):
        parse_addresses("a", "proxies")


@pytest.mark.parametrize("target", [False, True])
def test_documentation_and_options_agree(target: bool) -> None:
    spec = connection_argument_spec(target=target).argument_spec
    documented = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    if target:
        documented.update(yaml.safe_load(fragment.ModuleDocFragment.TARGET)["options"])
    shape = {name: (option["type"], option.get("default")) for name, option in spec.items()}
    assert {name: (option["type"], option.get("default")) for name, option in documented.items()} == shape


def test_the_environment_variables_are_documented() -> None:
    source = pathlib.Path(str(fragment.__file__)).read_text(encoding="utf-8")
    assert ast.parse(source)
    for option in connection_argument_spec(target=True).argument_spec.values():
        for name in option.get("fallback", (None, []))[1]:
            assert f"E({name})" in source
