# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import (
    PASSING,
    classify,
    connection_error,
    number_in,
    server_error,
)

_WRAPPED = "Failed to execute admin function migrate_region, error: Execution error: Function execution error: "

# Inner texts of the metasrv, with the code that each must get.
INNER: t.Sequence[t.Tuple[str, str]] = (
    ("same_peer", "Invalid arguments: The `from_peer_id` can't equal `to_peer_id` "),
    ("peer_down", "The target peer is unavailable temporally: 9"),
    ("in_flight", "Another migration procedure is running for region: 4398046511104(1024, 0)"),
    ("region_missing", "Failed to find table route for 1024"),
    ("region_missing", "Failed to find table route for 4398046511111(1024, 7)"),
    ("region_missing", "Table info not found: 1024"),
    (
        "logical_table",
        "Unexpected, violated: Trying to execute region migration on the logical table, task region: "
        "4402341478400(1025, 0), from_peer: peer-1(host:3001), to_peer: peer-2(host:3001), trigger_reason: Manual",
    ),
    (
        "logical_table",
        "Unexpected, violated: Trying to execute region migration on the logical table, task cluster: 0, region: "
        "4402341478400(1025, 0), from_peer: peer-1(host:3001), to_peer: peer-2(host:3001)",
    ),
    ("leader_moved", "Invalid arguments: Invalid region migration `from_peer` argument"),
    (
        "leader_moved",
        "Region's leader peer changed: Region's leader peer(2) is not the `from_peer`(1), region: "
        "4398046511104(1024, 0)",
    ),
    (
        "follower_on_target",
        "Invalid arguments: The `to_peer`(2) is already has a region follower, region: 4398046511105(1024, 1)",
    ),
    (
        "already_done",
        "The region migration procedure is completed for region: 4398046511104(1024, 0), target_peer: 2",
    ),
    ("standalone", "Unsupported operation migrate_region"),
    ("pid_unknown", "Procedure not found: 538b7476-9f79-4e50-aa9c-b1de90710839"),
    ("bad_args", "Failed to parse procedure id: abc"),
    ("no_leader", "Unexpected, violated: Region route leader peer is not found"),
    (
        "not_leader",
        "Unexpected, violated: Trying to submit a region migration procedure to non-leader meta server",
    ),
)

WRAPPINGS: t.Sequence[t.Tuple[str, str]] = (
    ("bare, up to 0.8.2 and HTTP", "{}"),
    ("0.9.0 - 0.16", "(InvalidArguments): {}"),
    ("0.9.0 - 0.16 unexpected", "(Unexpected): {}"),
    ("SELECT", "(EngineExecuteQuery): Failed to execute query: External error: Execution error: {}"),
    ("0.17 - 1.0.0", "(Unexpected): Failed to execute admin function: " + _WRAPPED + "{0}: Execution error: "
     "Function execution error: {0}"),
    ("1.0.1", "(Unexpected): Failed to execute admin function migrate_region: Execution error: {}"),
    ("1.1.4", "(Unexpected): Failed to execute admin function migrate_region: Execution error: {}, code: "
     "InvalidArguments, tonic code: Invalid argument"),
)  # fmt: skip


@pytest.mark.parametrize(("code", "text"), INNER)
@pytest.mark.parametrize("wrapping", [text for _name, text in WRAPPINGS], ids=[name for name, _text in WRAPPINGS])
def test_every_text_is_known_in_every_wrapping(code: str, text: str, wrapping: str) -> None:
    wrapped = wrapping.format(text)
    assert classify(wrapped, errno=1815) == code
    assert classify(wrapped, errno=1210, status="InvalidArguments", submitting=True) == code


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("bad_args", "(InvalidArguments): Failed to build admin function args: function signature not match"),
        ("bad_args", "(InvalidArguments): unsupported function arg -1"),
        ("bad_args", 'Missing required parameter, param: "region_id"'),
        ("bad_args", "Failed to parse number: invalid region_id: abc"),
        ("bad_args", "Failed to parse duration xx"),
        ("wrong_dialect", "(InvalidArguments): Admin function not found: migrate_region"),
        (
            "wrong_dialect",
            "(Unsupported): SQL statement is not supported: ADMIN migrate_region(1, 2, 3), keyword: ADMIN",
        ),
        (
            "wrong_dialect",
            "(PlanQuery): Failed to plan SQL: Error during planning: Invalid function 'migrate_region'.\n"
            "Did you mean 'date_trunc'?",
        ),
        ("permission", "(PermissionDenied): User is not authorized to perform this action"),
        ("permission", "Permission denied: current catalog is not greptime"),
        ("auth_failed", 'Authenticate failed, user: "x", auth_plugin: "mysql_native_password"'),
        ("unknown_database", "Unknown database 'nowhere'"),
        ("manager_paused", "Manager is pasued"),
        ("too_many_procedures", "Too many running procedures, max: 128"),
    ],
)
def test_other_texts(code: str, text: str) -> None:
    assert classify(text) == code


def test_numbers_are_a_hint_only() -> None:
    assert classify("?", errno=1698) == "auth_failed"
    assert classify("?", errno=1102) == "unknown_database"
    assert classify("?", status="UserPasswordMismatch") == "auth_failed"
    # The text wins over the number.
    assert classify("Procedure not found: x", errno=1045) == "pid_unknown"
    assert classify("something else") == "other"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("(Internal): Internal error: 1003", "Internal"),
        ("(Unknown): Internal error: 1000", "Unknown"),
        ("(Unexpected): Failed to execute admin function: " + _WRAPPED + "Internal error: 1003", "Unexpected"),
        ("Internal error: 1003", None),
    ],
)
def test_a_masked_error_hides_a_peer_from_a_submission_and_an_outage_from_a_read(
    text: str, status: t.Optional[str]
) -> None:
    assert classify(text, errno=1815, status=status, submitting=True) == "masked"
    assert classify(text, errno=1815, status=status) == "unavailable"


@pytest.mark.parametrize(
    ("error", "read"),
    [
        (ServerError("(DeadlineExceeded): too slow", errno=1317, status="DeadlineExceeded"), "unavailable"),
        (ServerError("(Cancelled): cancelled", errno=1317, status="Cancelled"), "unavailable"),
        (ServerError("(StorageUnavailable): gone", status="StorageUnavailable", http_status=503), "unavailable"),
        (ServerError("upstream request timeout", http_status=504), "unreachable"),
        (ServerError("<html>503 Service Temporarily Unavailable</html>", http_status=503), "unreachable"),
        (ServerError("Bad Gateway", http_status=502), "unreachable"),
        (ServerError("(External): tonic code: Unavailable, transport error", status="External"), "unavailable"),
        (ServerError("what?", http_status=500), "other"),
    ],
)
def test_what_may_have_been_carried_out_is_ambiguous_and_a_read_of_it_may_pass(error: ServerError, read: str) -> None:
    assert server_error(error, "submit", submitting=True).code == "greptimedb.ambiguous"
    assert server_error(error, "read").code == f"greptimedb.{read}"
    assert (f"greptimedb.{read}" in PASSING) == (read != "other")


def test_an_error_of_the_servers_own_with_503_is_no_proxys() -> None:
    error = ServerError("(RegionNotReady): Region 1(0, 1) is not ready", status="RegionNotReady", http_status=503)
    assert server_error(error, "read").code == "greptimedb.other"


def test_a_definite_refusal_with_a_5xx_is_not_ambiguous() -> None:
    error = ServerError("Another migration procedure is running for region: 1(0, 1)", http_status=500)
    assert server_error(error, "submit", submitting=True).code == "greptimedb.in_flight"


def test_the_servers_text_and_its_numbers_are_kept() -> None:
    text = "The region migration procedure is completed for region: 4398046511104(1024, 0), target_peer: 2"
    error = server_error(ServerError(text, errno=1815, status="Unexpected"), "submit")
    assert error.server_text == text
    assert error.details["peer"] == 2
    assert error.details["errno"] == 1815
    assert number_in("leader_moved", "Region's leader peer(7) is not the `from_peer`(1)") == 7
    assert number_in("same_peer", "7") is None


@pytest.mark.parametrize(
    ("kind", "sent", "mutating", "code"),
    [
        ("unreachable", False, False, "unreachable"),
        ("unreachable", False, True, "unreachable"),
        ("lost", True, False, "unreachable"),
        ("lost", True, True, "ambiguous"),
        ("timeout", True, False, "unreachable"),
        ("timeout", True, True, "ambiguous"),
        ("lost", False, True, "unreachable"),
        ("timeout", False, False, "unreachable"),
        ("not_the_protocol", False, False, "not_greptimedb"),
        ("tls_not_offered", False, True, "tls_not_offered"),
        ("tls_failed", False, False, "tls_failed"),
    ],
)
def test_a_broken_connection_is_ambiguous_only_if_something_may_have_happened(
    kind: str, sent: bool, mutating: bool, code: str
) -> None:
    lost = ConnectionLost("broken", sent=sent, address="db:4002", kind=kind)
    error = connection_error(lost, "look", mutating=mutating, option="frontend_host")
    assert error.code == "greptimedb." + code
    assert "db:4002" in error.message
    assert error.server_text == "broken"
