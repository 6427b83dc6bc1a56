# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of the sync tool's logins and of the source's token, and what is refused before anything is asked."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TlsSettings
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_login as pl
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_view as seen
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_request import (
    PreflightRequest,
    preflight_argument_spec,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import TriedLogin
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    cluster,
    frontend,
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


@pytest.mark.parametrize(
    ("there", "made", "says", "leaves_out"),
    [
        (True, True, ["leaves its password as it is", "target_cluster_password", "not there yet"], ["be made"]),
        (True, False, ["The user is there", "Correct target_cluster_password"], ["create_sync_users"]),
        (False, False, ["no such user", "target_cluster_user, or let the user be made"], ["target_cluster_password"]),
        (None, False, ["target_cluster_user or target_cluster_password, or let the user be made"], ["The user is"]),
    ],
)
def test_what_to_do_about_a_refused_login(
    there: t.Optional[bool], made: bool, says: t.List[str], leaves_out: t.List[str]
) -> None:
    login = dataclasses.replace(tried("target", seen.REFUSED), there=there, made=made)
    found = only(judged(logins=(login,)), "tool.login_refused")
    assert found.evidence["there"] is there
    assert [text for text in says if text not in found.remedy] == []
    assert [text for text in leaves_out if text in found.remedy] == []
    assert "from the host where this module runs" in found.remedy


def test_where_users_cannot_be_made_nobody_is_told_to() -> None:
    """That came with roles, in 3.0."""
    found = only(judged(cluster("source", "2.5.20"), logins=(tried("source", seen.REFUSED),)), "tool.login_refused")
    assert "Correct source_cluster_user or source_cluster_password." in found.remedy


class Server:
    """A cluster with some users, whose logins are refused, or taken."""

    def __init__(self, *users: str, may_list: bool = True, refuses: bool = True) -> None:
        self.users, self.may_list, self.refuses = users, may_list, refuses
        self.connection = Connection((Address("fe0", 9030),), "root", "", TlsSettings(), {}, 1.0, 1.0, None)
        self.version = Version.parse("3.5.1")
        self.redactor, self.clock = Redactor([]), SystemClock()
        self.asked: t.List[str] = []

    def leader(self) -> Frontend:
        return frontend(1, "target")

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        if not self.may_list:
            raise MigrationError("starrocks.access_denied", "user_admin is needed")
        return Rows(("User",), tuple((f"'{name}'@'%'",) for name in self.users))

    def session(self, account: Connection, *_rest: t.Any) -> Server:
        assert not account.all_roles  # as the tool logs in
        self.asked.append(f"login {account.username}")
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Nothing to give back."""

    def query_on(self, _frontend: Frontend, sql: str, doing: str) -> Rows:
        if self.refuses:
            raise MigrationError("starrocks.login_failed", "refused", server_text="Access denied for user 'tool'")
        return Rows((), ())


@pytest.mark.parametrize(
    ("server", "making", "state", "there", "asked"),
    [
        (Server("tool"), False, seen.REFUSED, True, ["login tool", "SHOW USERS"]),
        (Server("other"), False, seen.REFUSED, False, ["login tool", "SHOW USERS"]),
        (Server("tool"), True, seen.REFUSED, True, ["SHOW USERS", "login tool"]),
        (Server("other"), True, seen.TAKEN, False, ["SHOW USERS"]),
        (Server(may_list=False), False, seen.REFUSED, None, ["login tool", "SHOW USERS"]),
        (Server("tool", refuses=False), False, seen.TAKEN, None, ["login tool"]),
    ],
)
def test_whether_the_user_is_there_is_asked_where_it_matters(
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    making: bool,
    state: str,
    there: t.Optional[bool],
    asked: t.List[str],
) -> None:
    monkeypatch.setattr(pl, "Cluster", server.session)
    found = pl.try_login(t.cast(t.Any, server), pl.ToolLogin("target", "tool", CANARY), making)
    assert (found.state, found.there, found.made) == (state, there, making)
    assert server.asked == asked


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
