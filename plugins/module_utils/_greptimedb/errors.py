# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Server texts turned into stable codes, and codes into one sentence that names the fix.

The texts are wrapped differently in every generation (bare, ``(Status): ``, ``Failed to execute admin function ...``,
the query engine's words), so they are searched for and never matched as a whole. MySQL numbers are only a hint.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError

_TEXTS: t.Sequence[tuple[str, t.Pattern[str]]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("same_peer", r"can't equal .to_peer_id"),
        ("peer_down", r"target peer is unavailable temporally"),
        ("in_flight", r"Another migration procedure is running for region"),
        ("already_done", r"migration procedure is completed for region"),
        ("leader_moved", r"leader peer\(\d+\) is not the|Invalid region migration .from_peer. argument"),
        ("follower_on_target", r"is already has a region follower|already has a region follower"),
        ("logical_table", r"on the logical table"),
        ("region_missing", r"Failed to find table route for|Table info not found"),
        ("no_leader", r"Region route leader peer is not found"),
        ("not_leader", r"non-leader meta server|Failed to forward request to .*leader"),
        ("pid_unknown", r"Procedure not found"),
        (
            "wrong_dialect",
            r"Admin function not found|Invalid function '?(?:migrate_region|procedure_state|flush_region)"
            r"|keyword: ADMIN|Expected.*found: ADMIN",
        ),
        ("permission", r"not authorized|current catalog is not|PermissionDenied|AccessDenied"),
        ("bad_args", r"function signature not match|unsupported function arg|Failed to parse procedure id"),
        ("bad_args", r"Missing required parameter|Failed to parse (?:number|duration)"),
        ("auth_failed", r"Authenticate failed|Access denied for user|User not found|password mismatch"),
        ("unknown_database", r"Unknown database|Database not found|Failed to find schema"),
        ("manager_paused", r"Manager is pa(?:su|us)ed"),
        ("too_many_procedures", r"Too many running procedures"),
        ("standalone", r"Unsupported operation"),
    )
)
_BY_STATUS = {
    "UserNotFound": "auth_failed",
    "UserPasswordMismatch": "auth_failed",
    "AuthHeaderNotFound": "auth_failed",
    "AccessDenied": "permission",
    "PermissionDenied": "permission",
    "DatabaseNotFound": "unknown_database",
}
_BY_ERRNO = {1698: "auth_failed", 1044: "auth_failed", 1045: "permission", 1049: "unknown_database",
             1102: "unknown_database"}  # fmt: skip
PASSING = frozenset(
    ("greptimedb.unreachable", "greptimedb.unavailable", "greptimedb.ambiguous", "greptimedb.not_leader")
)
"""What a read fails with that may pass by itself; a deadline bounds it. Its "ambiguous" is a broken connection."""

# Internal and Unknown errors leave a server without their text.
_MASKED = re.compile(r"Internal error: 100[03]\b")
# GreptimeDB always tells a status of its own, so an answer without one is that of a proxy whose servers are away.
_BY_PROXY = (502, 503, 504)
# The metasrv may have carried it out: the error is about the way to it, or about its answer.
_UNCERTAIN_STATUSES = frozenset(
    ("Unknown", "Internal", "Cancelled", "External", "DeadlineExceeded", "StorageUnavailable", "Suspended")
)
_UNCERTAIN_TEXT = re.compile(
    r"(?i)tonic code: |transport error|deadline (?:has )?e|timed? ?out|connection (?:reset|closed)"
)
_NUMBERS = {
    "already_done": re.compile(r"target_peer: (\d+)"),
    "leader_moved": re.compile(r"leader peer\((\d+)\) is not the"),
    "peer_down": re.compile(r"unavailable temporally: (\d+)"),
}
_SENTENCES = {
    "same_peer": "source and target are the same datanode; give two different ones",
    "peer_down": "the source or the target datanode has no live lease; check that both ids exist and that both run",
    "in_flight": "another migration of this region is running; wait for it or look at greptimedb_info",
    "already_done": "the region is already on the target",
    "leader_moved": "the region is no longer led by the given source; make a new plan",
    "follower_on_target": "the target already holds a follower of this region; choose another target or remove it",
    "region_missing": "the region does not exist (any more); make a new plan",
    "logical_table": "the region belongs to a logical table; migrate the regions of its physical table",
    "no_leader": "the region's route has no leader; run ADMIN reconcile_table for its table (0.16 and newer)",
    "standalone": "this is a standalone server, which has no regions to move; connect to a cluster's frontend",
    "pid_unknown": "the server does not know this procedure (too early, never started, or long finished)",
    "wrong_dialect": "the server does not know this form of the statement, so its version was taken for another one; "
    "check that all frontends behind this address run one version",
    "not_leader": "the metasrv that was asked is not the leader; try again, and list all of them in metasrv_addrs",
    "permission": "the user may not run this; use a user with write permission (username) and the catalog greptime",
    "bad_args": "the server does not accept the arguments",
    "auth_failed": "the server does not accept the user or the password; check username and password",
    "unknown_database": "the database does not exist; set database to an existing one, such as public",
    "manager_paused": "the procedure manager is paused; resume it (POST /admin/procedure-manager/resume)",
    "too_many_procedures": "the metasrv runs as many procedures as it allows; wait, or lower the limits",
    "unreachable": "a proxy answers in the server's place; check that the servers behind it run",
    "unavailable": "a part of the cluster does not answer; check that a metasrv leads, and that datanodes and the "
    "object store can be reached",
    "other": "the server refused it",
}


def classify(
    text: str,
    *,
    errno: int | None = None,
    status: str | None = None,
    http_status: int | None = None,
    submitting: bool = False,
) -> str:
    """The symbolic code (without ``greptimedb.``) of a server's error text.

    With ``submitting``, an error that leaves open whether something was started is ``ambiguous``; a masked internal
    error is ``masked`` then (0.9 - 0.16 hide a dead or unknown peer behind it; look at the peers to tell). Without,
    both are ``unavailable``: while no metasrv leads, frontends answer reads so.
    """
    for name, pattern in _TEXTS:
        if pattern.search(text):
            return name
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if errno in _BY_ERRNO:
        return _BY_ERRNO[errno]
    masked = bool(_MASKED.search(text))
    uncertain = status in _UNCERTAIN_STATUSES or bool(_UNCERTAIN_TEXT.search(text))
    if not submitting:
        if status is None and http_status in _BY_PROXY:
            return "unreachable"
        return "unavailable" if masked or uncertain else "other"
    if masked:
        return "masked"
    unexplained = status is None and http_status is not None and http_status >= 500
    return "ambiguous" if unexplained or uncertain else "other"


def number_in(code: str, text: str) -> int | None:
    """The datanode that the text names: the target of ``already_done``, the leader of ``leader_moved``, ..."""
    pattern = _NUMBERS.get(code)
    match = pattern.search(text) if pattern is not None else None
    return int(match.group(1)) if match else None


def server_error(error: ServerError, doing: str, *, submitting: bool = False) -> MigrationError:
    """What the server refused, with its own text beside."""
    code = classify(
        error.text,
        errno=error.errno,
        status=error.status,
        http_status=error.http_status,
        submitting=submitting,
    )
    details: dict[str, t.Any] = {"doing": doing}
    if error.errno is not None:
        details["errno"] = error.errno
    if error.status is not None:
        details["status"] = error.status
    peer = number_in(code, error.text)
    if peer is not None:
        details["peer"] = peer
    if code in ("ambiguous", "masked"):
        message = f"Could not {doing} for certain: the server's answer leaves open whether it was carried out."
    else:
        message = f"Could not {doing}: {_SENTENCES[code]}."
    return MigrationError(f"greptimedb.{code}", message, server_text=error.text, details=details)


def connection_error(error: ConnectionLost, doing: str, *, mutating: bool, option: str) -> MigrationError:
    """What a broken connection means. Only a mutating request that may have been seen is ``ambiguous``."""
    details = {"doing": doing, "address": error.address}
    if error.kind in ("tls_not_offered", "tls_failed"):
        if error.kind == "tls_not_offered":
            problem = "TLS is asked for, but the server does not offer it; set tls to disable, or configure it there"
        else:
            problem = "TLS failed; check ca_cert, the certificate's names, and the level in tls"
        message = f"Could not {doing}: {error.address} was reached, but {problem}."
        return MigrationError(f"greptimedb.{error.kind}", message, server_text=error.text, details=details)
    if mutating and error.sent:
        message = (
            f"Could not {doing} for certain: the connection to {error.address} broke after the request was sent, so it "
            "may or may not have been carried out; look before you repeat it."
        )
        return MigrationError("greptimedb.ambiguous", message, server_text=error.text, details=details)
    if error.kind == "not_the_protocol":
        message = (
            f"Could not {doing}: something listens on {error.address}, but it does not speak the expected protocol; "
            f"check the port in {option}, and the transport."
        )
        return MigrationError("greptimedb.not_greptimedb", message, server_text=error.text, details=details)
    if not error.greeted:
        what = "stays silent" if error.kind == "timeout" else "closes the connection"
        message = (
            f"Could not {doing}: {error.address} accepts the connection and then {what}; check that the server runs, "
            f"also behind a load balancer, the port in {option}, and the transport."
        )
        return MigrationError("greptimedb.unreachable", message, server_text=error.text, details=details)
    problem = "does not answer in time" if error.kind == "timeout" else "cannot be reached"
    message = f"Could not {doing}: {error.address} {problem}; check {option}, the network and that the server runs."
    return MigrationError("greptimedb.unreachable", message, server_text=error.text, details=details)
