# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of the sync tool's logins and of the source's token, and what is refused before anything is asked."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_view as seen
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_request import (
    PreflightRequest,
    preflight_argument_spec,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import TriedLogin
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    ids,
    judged,
    only,
)

CANARY = "Canary-8-password"


def tried(role: str, state: str, said: str = "") -> TriedLogin:
    return TriedLogin(role, "tool", f"10.{1 if role == 'source' else 2}.0.1:9030", state, said)


def request(**more: t.Any) -> PreflightRequest:
    params = {name: option.get("default") for name, option in preflight_argument_spec().argument_spec.items()}
    return read_request({**params, "frontends": "fe-0.example.com", "target_frontends": "fe-1.example.com", **more})


def test_logins_that_are_taken_are_no_news() -> None:
    logins = (tried("source", seen.TAKEN), tried("target", seen.TAKEN))
    assert not [name for name in ids(judged(logins=logins), "blocker", "warning", "info") if "login" in name]


@pytest.mark.parametrize(
    ("state", "name"),
    [(seen.REFUSED, "login_refused"), (seen.NO_OPERATE, "operate_missing"), (seen.UNKNOWN, "login_untried")],
)
def test_a_login_that_is_not_taken_is_a_blocker(state: str, name: str) -> None:
    found = only(judged(logins=(tried("source", seen.TAKEN), tried("target", state, "its words"))), f"tool.{name}")
    assert (found.severity, found.subject) == ("blocker", "target_cluster_user tool")
    assert found.evidence["frontend"] == "10.2.0.1:9030" and found.evidence["said"] == "its words"


def test_both_logins_are_told_of() -> None:
    logins = (tried("source", seen.REFUSED), tried("target", seen.REFUSED))
    assert ids(judged(logins=logins)) == ["tool.login_refused"] * 2


def test_encrypted_passwords_are_told_of_once() -> None:
    logins = (tried("source", seen.ENCRYPTED), tried("target", seen.ENCRYPTED))
    found = only(judged(logins=logins), "tool.login_untried")
    assert found.severity == "warning" and "cannot be tried" in found.remedy
    assert found.evidence == {"encrypted": ["source_cluster_user tool", "target_cluster_user tool"]}


def test_the_token() -> None:
    alike = ids(judged(token_state=seen.SAME_TOKEN), "blocker", "warning", "info")
    assert not [name for name in alike if "token" in name]
    assert only(judged(token_state=seen.OTHER_TOKEN), "tool.token_wrong").severity == "blocker"
    untried = only(judged(token_state=seen.UNKNOWN, token_said="400"), "tool.token_untried")
    assert (untried.severity, untried.evidence) == ("info", {"reason": "400"})


def test_only_given_logins_are_tried_and_as_they_are() -> None:
    assert request().logins == () and request(source_cluster_password=CANARY).logins == ()
    given = request(
        source_cluster_user="tool", source_cluster_password=CANARY, target_cluster_user="tool", create_sync_users=True
    )
    assert [(one.role, one.user, one.password) for one in given.logins] == [
        ("source", "tool", CANARY),
        ("target", "tool", ""),
    ]
    assert given.create_sync_users and CANARY not in repr(given)


def test_a_key_alone_and_a_line_in_place_of_the_token_are_refused() -> None:
    with pytest.raises(InvalidOption) as caught:
        request(target_cluster_user="tool", target_cluster_password_secret_key=CANARY)
    assert caught.value.message.startswith("target_cluster_password_secret_key: target_cluster_password is not given")
    assert CANARY not in caught.value.message
    with pytest.raises(InvalidOption) as caught:
        request(source_cluster_token=f" token={CANARY}\n")
    assert "begins with token=" in caught.value.message and CANARY not in caught.value.message
    assert request(source_cluster_token=f" {CANARY}\n").token == CANARY
