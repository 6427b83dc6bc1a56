# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of configs: what is sent for them, and when two texts are one value."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import (
    read_options,
    settings_redactor,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical, to_send

SENT = (
    (True, "boolean", "true"),
    ("yes", "boolean", "true"),
    ("1", "boolean", "true"),
    ("off", "boolean", "false"),
    ("TRUE", "bool", "true"),
    (" 900 ", "int", "900"),
    (-1, "int", "-1"),
    (2**31 - 1, "int", "2147483647"),
    (9223372036854775807, "long", "9223372036854775807"),
    ("1.50", "double", "1.50"),
    (True, "String", "true"),
    ("a;b", "String", "a;b"),
    (["a", "b"], "String[]", "a,b"),
    ("a, b", "String[]", "a,b"),
    ([1, 2], "int[]", "1,2"),
    ("", "String", ""),
)
REFUSED = (
    ("maybe", "boolean"),
    (2, "boolean"),
    ("many", "int"),
    (1.5, "int"),
    (True, "int"),
    (2**31, "int"),
    (40000, "short"),
    (2**63, "long"),
    ("nan", "double"),
    (True, "double"),
    ({"a": 1}, "String"),
)


@pytest.mark.parametrize(("value", "kind", "text"), SENT)
def test_sent(value: t.Any, kind: str, text: str) -> None:
    assert to_send(value, kind, "k", "settings[0].value") == text


@pytest.mark.parametrize(("value", "kind"), REFUSED)
def test_refused(value: t.Any, kind: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        to_send(value, kind, "k", "settings[0].value")
    assert caught.value.option.startswith("settings[0].value")


def test_a_grace_period_that_would_vacuum_everything_is_refused() -> None:
    key = "lake_autovacuum_grace_period_minutes"
    assert to_send(10_000_000, "long", key, "o") == "10000000"
    for value in (-1, 30_000_000):
        with pytest.raises(InvalidOption):
            to_send(value, "long", key, "o")


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [
        ("1.5", "1.50", "double"),
        ("[a, b]", "a,b", "String[]"),
        ("[]", "", "String[]"),
        ("TRUE", "true", "boolean"),
        ("+5", "5", "int"),
        ("1", "true", "bool"),
    ],
)
def test_one_value(one: str, two: str, kind: str) -> None:
    assert canonical(one, kind) == canonical(two, kind)


@pytest.mark.parametrize(("one", "two", "kind"), [("TRUE", "true", "String"), ("1", "01", "String"), ("a", "", "int")])
def test_two_values(one: str, two: str, kind: str) -> None:
    assert canonical(one, kind) != canonical(two, kind)


def _options(**given: t.Any) -> t.Dict[str, t.Any]:
    return {"state": "present", "persistent": "auto", "dead_frontends": "fail", **given}


def test_settings_as_awx_gives_them() -> None:
    text = '[{"key": "a", "value": 1}, {"key": "b", "value": "", "optional": "yes"}]'
    found = read_options(_options(settings=text), "dead_frontends").settings
    assert [(one.key, one.value, one.optional) for one in found] == [("a", 1, False), ("b", "", True)]
    keys = read_options(_options(settings="a,b", state="restored"), "dead_frontends").settings
    assert [one.key for one in keys] == ["a", "b"]


@pytest.mark.parametrize(
    "settings",
    [
        None,
        "[]",
        [{"key": "a"}],
        [{"key": "a b", "value": 1}],
        [{"key": "a", "value": 1, "vlaue": 2}],
        [{"key": "a", "value": 1}, {"key": "a", "value": 2}],
        [{"key": "aws_s3_secret_key", "value": "x"}],
        [{"key": "default_master_key", "value": "x"}],
        [{"key": "authentication_ldap_simple_bind_root_pwd", "value": "x"}],
    ],
)
def test_settings_that_make_no_sense(settings: t.Any) -> None:
    with pytest.raises(InvalidOption):
        read_options(_options(settings=settings), "dead_frontends")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_options(_options(settings=[{"key": "a"}, {"key": "", "value": 1}]), "dead_frontends")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "settings",
    [
        [{"key": "ssl_keystore_password", "value": "hunter2hunter2"}],
        {"key": "aws_s3_secret_key", "value": "hunter2hunter2"},
        '[{"key": "ssl_keystore_password", "value": "hunter2hunter2"}]',
    ],
)
def test_a_secret_that_is_refused_is_not_shown_for_that(settings: t.Any) -> None:
    assert "hunter2" not in settings_redactor({"settings": settings}).mask("say hunter2hunter2")


@pytest.mark.parametrize("settings", [None, "every", ["http_port"], [{"key": "k", "value": "hunter2hunter2"}], 5])
def test_what_is_no_secret_is_shown(settings: t.Any) -> None:
    assert settings_redactor({"settings": settings}).mask("say hunter2hunter2") == "say hunter2hunter2"


def test_options_of_other_names_hold_settings_too() -> None:
    params = {"a": [{"key": "ssl_keystore_password", "value": "hunter2hunter2"}], "b": "every"}
    assert settings_redactor(params, ("b", "a")).secrets == {"hunter2hunter2"}
