# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server texts of all generations, and the codes that they are given."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import (
    classify,
    connection_error,
    failed_frontends,
    server_error,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import (
    like_literal,
    quote_identifier,
    quote_string,
)

DENIED = "Access denied; you need (at least one of) the OPERATE privilege(s) on SYSTEM for this operation."
WRAPPED = "Getting analyzing error. Detail message: "


@pytest.mark.parametrize(
    ("text", "errno", "code"),
    [
        (DENIED, 5203, "access_denied"),
        (DENIED, 1252, "access_denied"),
        (DENIED, 1227, "access_denied"),
        ("Access denied for user 'x' (using password: YES)", 1045, "login_failed"),
        ("set config failed: set config for fe[10.1.0.12] failed: refused", 5076, "config_partial"),
        ("Set config failed: set config for fe[10.1.0.12] failed: refused", 5101, "config_partial"),
        ("Config 'k' does not exist or is not mutable", 1064, "config_unknown"),
        ("Failed to set config 'k'. err: For input string: \"abc\"", 1064, "config_value"),
        ("set persisted config failed, because current running mode is not persisted", 1064, "not_persisted"),
        ("Connections using insecure transport are prohibited", 5205, "insecure_transport"),
        (
            "Failed to begin transaction: disable_load_job is set to true, all load jobs are rejected",
            5301,
            "loads_disabled",
        ),
        ("disable_load_job is set to true, all load jobs are prevented", 1064, "loads_disabled"),
        ("Storage volume 'v' already exists", 1064, "volume_exists"),
        ("Storage volume 'v' does not exist", 1064, "volume_missing"),
        (WRAPPED + "Unknown storage volume: v.", 1064, "volume_missing"),
        ("Unknown storage volume type: X", 1064, "volume_invalid"),
        ("Storage volume 'v' is referenced by dbs or tables, dbs: [1], tables: [2]", 1064, "volume_in_use"),
        ("default storage volume can not be removed", 1064, "volume_is_default"),
        ("Backend node not found. Check if any backend node is down.", 1064, "no_alive_node"),
        (WRAPPED + "Unknown proc node path: /replications.", 1064, "unknown_proc"),
        ("unsupported statement in shared_nothing mode", 10007, "unsupported_here"),
        ("Unknown database 'x'", 5501, "unknown_database"),
        ("Unknown database 'x'", 1049, "unknown_database"),
        ("Getting syntax error at line 1, column 2.", 1064, "syntax"),
        ("something new", 1064, "refused"),
    ],
)
def test_codes(text: str, errno: int, code: str) -> None:
    assert classify(text, errno) == code
    assert server_error(ServerError(text, errno=errno), "do it", "fe:9030").code == f"starrocks.{code}"


@pytest.mark.parametrize(
    ("text", "errno", "read", "changed"),
    [
        ("Execute timeout, the command may be succeed, you'd better retry", 1064, "refused", "no_reply"),
        ("java.net.SocketTimeoutException: Read timed out", 1064, "refused", "no_reply"),
        ("org.apache.thrift.transport.TTransportException: Socket is closed", 1064, "refused", "no_reply"),
        ("Global level variables are set successfully, but session level ...", 1064, "refused", "no_reply"),
        ("Forward to leader failed: n0 knows no leader", 1064, "not_leader", "no_reply"),
        ("forwarded too often", 5401, "not_leader", "no_reply"),
        (
            "set config failed: set config for fe[h] failed: java.net.SocketTimeoutException: Read timed out",
            5076,
            "config_partial",
            "config_partial",
        ),
        (DENIED, 5203, "access_denied", "access_denied"),
        ("Config 'k' does not exist or is not mutable", 1064, "config_unknown", "config_unknown"),
        ("Getting syntax error at line 1, column 2.", 1064, "syntax", "syntax"),
        ("something new", 1064, "refused", "refused"),
    ],
)
def test_errors_after_which_a_change_may_have_been_made(text: str, errno: int, read: str, changed: str) -> None:
    error = ServerError(text, errno=errno)
    assert server_error(error, "look", "fe:9030").code == f"starrocks.{read}"
    found = server_error(error, "do it", "fe:9030", mutating=True)
    assert (found.code, found.server_text) == (f"starrocks.{changed}", text)


def test_hosts_that_could_not_be_told() -> None:
    one = "set config for fe[10.1.0.12] failed: java.net.ConnectException: refused"
    assert failed_frontends("set config failed: " + one) == {"10.1.0.12": "java.net.ConnectException: refused"}
    two = one + "set config for fe[fe-2.example.com] failed: status 5;"
    # From 3.5 on the text is appended to itself at every failure.
    found = failed_frontends("Set config failed: " + two + two)
    assert found == {"10.1.0.12": "java.net.ConnectException: refused", "fe-2.example.com": "status 5"}
    error = server_error(ServerError("Set config failed: " + two, errno=5101), "set", "fe:9030")
    assert list(error.details["failed_frontends"]) == ["10.1.0.12", "fe-2.example.com"]


def test_messages_name_the_options_of_their_side() -> None:
    text = server_error(ServerError("x", errno=1045), "log in", "fe:9030", "target_").message
    assert "target_username" in text and "{" not in text
    lost = ConnectionLost("refused", sent=False, address="fe:9030", kind="unreachable")
    assert "target_address_map" in connection_error(lost, "look", mutating=False, prefix="target_").message


@pytest.mark.parametrize(
    ("sent", "mutating", "kind", "code"),
    [
        (True, True, "lost", "no_reply"),
        (True, True, "timeout", "no_reply"),
        (False, True, "lost", "unreachable"),
        (True, False, "lost", "unreachable"),
        (False, False, "timeout", "unreachable"),
        (False, True, "tls_not_offered", "tls_not_offered"),
        (False, False, "not_the_protocol", "not_starrocks"),
    ],
)
def test_lost_connections(sent: bool, mutating: bool, kind: str, code: str) -> None:
    lost = ConnectionLost("gone", sent=sent, address="fe:9030", kind=kind)
    assert connection_error(lost, "set it", mutating=mutating).code == f"starrocks.{code}"


def test_who_accepts_and_does_not_greet_may_be_another_port_of_the_frontend() -> None:
    silent = ConnectionLost("timed out", sent=False, address="fe:8030", kind="timeout")
    message = connection_error(silent, "look", mutating=False, prefix="target_").message
    assert "stays silent" in message and "query_port" in message and "target_frontends" in message


def test_literals() -> None:
    assert quote_string('a"b\\c;\nd') == '"a\\"b\\\\c;\\nd"'
    assert quote_identifier("a`b") == "`a``b`"
    assert like_literal("run_mode") == '"run\\_mode"'
    assert like_literal("a%b\\c") == '"a\\%b\\\\\\\\c"'
