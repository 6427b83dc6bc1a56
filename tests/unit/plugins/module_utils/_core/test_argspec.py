# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import argspec
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec


def test_parts_merge() -> None:
    connection = ArgumentSpec(
        {"host": {"type": "str"}, "client_cert": {"type": "path"}, "client_key": {"type": "path"}},
        required_together=[("client_cert", "client_key")],
        required_by={"client_cert": "host"},
    )
    spec = ArgumentSpec({"plan": {"type": "raw"}}, mutually_exclusive=[("plan", "moves")]).merge(connection)
    spec.update(moves={"type": "raw"})
    assert set(spec.argument_spec) == {"host", "client_cert", "client_key", "plan", "moves"}
    assert spec.required_together == [("client_cert", "client_key")]
    assert spec.mutually_exclusive == [("plan", "moves")]
    assert spec.required_by == {"client_cert": "host"}


def test_merging_does_not_tie_the_parts_together() -> None:
    part = ArgumentSpec({"host": {"type": "str"}})
    whole = ArgumentSpec().merge(part)
    whole.argument_spec["host"]["type"] = "int"
    assert part.argument_spec["host"]["type"] == "str"


def test_two_meanings_of_one_option_are_refused() -> None:
    with pytest.raises(ValueError, match="'host' is defined twice"):
        ArgumentSpec({"host": {"type": "str"}}).merge(ArgumentSpec({"host": {"type": "int"}}))


class Made:
    """An AnsibleModule as far as it matters here."""

    def __init__(self, params: t.Dict[str, t.Any]) -> None:
        self.params = params


def test_an_answer_that_was_cleared_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"timeout": "", "needed": "0", "budget": 0, "before": "", "path": "", "step_time": ""}
    monkeypatch.setattr(argspec, "AnsibleModule", lambda **_kwargs: Made(given))
    spec = ArgumentSpec(
        {
            "timeout": {"default": "24h"},
            "needed": {"default": "5m"},
            "budget": {"default": "60s"},
            "before": {"default": "the cutover"},
            "path": {"type": "path"},
            "step_time": {"type": "str"},
        }
    )
    made = spec.create_ansible_module().params
    # Zero is an answer, or a mistake that must be told.
    assert made == {**given, "timeout": "24h"}
    assert (made["needed"], made["budget"], made["before"]) == ("0", 0, "")


def test_module_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: t.Dict[str, t.Any] = {}
    monkeypatch.setattr(argspec, "AnsibleModule", lambda **kwargs: seen.update(kwargs) or Made({}))
    ArgumentSpec({"a": {}}, required_if=[("a", 1, ("b",))], required_one_of=[("a", "b")]).create_ansible_module(
        supports_check_mode=True
    )
    assert seen["argument_spec"] == {"a": {}}
    assert seen["required_if"] == [("a", 1, ("b",))]
    assert seen["required_one_of"] == [("a", "b")]
    assert seen["supports_check_mode"] is True
