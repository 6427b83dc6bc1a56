# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Error names of Pegasus turned into stable codes, and codes into one sentence that names the fix.

A server answers with an error name (``ERR_BUSY``), in the header of the answer or in its field ``err``, and for some
requests a hint beside it. Both are kept word for word.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

OK = "ERR_OK"
FORWARD = "ERR_FORWARD_TO_OTHERS"
HANDLER_NOT_FOUND = "ERR_HANDLER_NOT_FOUND"
SERVICE_NOT_ACTIVE = "ERR_SERVICE_NOT_ACTIVE"
NOT_READY = frozenset((SERVICE_NOT_ACTIVE, "ERR_UNDER_RECOVERY"))
"""The leader is still starting: the same question may be answered a moment later."""
NO_SUCH_APP = frozenset(("ERR_APP_NOT_EXIST", "ERR_OBJECT_NOT_FOUND", "ERR_APP_DROPPED"))

_UNCERTAIN = frozenset(
    ("ERR_TIMEOUT", "ERR_NETWORK_FAILURE", "ERR_SESSION_RESET", "ERR_ZOOKEEPER_OPERATION", "ERR_IO_PENDING")
)
"""The meta server may have done it: the error is about its way to ZooKeeper or about the answer."""

_CODES = {
    "ERR_ACL_DENY": "acl_denied",
    "ERR_APP_DROPPED": "app_not_found",
    "ERR_APP_EXIST": "app_exists",
    "ERR_APP_NOT_EXIST": "app_not_found",
    "ERR_BUSY": "busy",
    "ERR_BUSY_CREATING": "busy",
    "ERR_BUSY_DROPPING": "busy",
    "ERR_DUP_EXIST": "dup_exists",
    "ERR_INVALID_PARAMETERS": "invalid_parameters",
    "ERR_INVALID_STATE": "invalid_state",
    "ERR_OBJECT_NOT_FOUND": "object_not_found",
    "ERR_OPERATION_DISABLED": "operation_disabled",
    "ERR_STATE_FREEZED": "state_freezed",
    "ERR_TIMEOUT": "timeout",
    "ERR_UNAUTHENTICATED": "auth_unsupported",
    "ERR_UNDER_RECOVERY": "under_recovery",
    FORWARD: "no_primary_meta",
    HANDLER_NOT_FOUND: "handler_not_found",
    SERVICE_NOT_ACTIVE: "service_not_active",
}
_SENTENCES = {
    "acl_denied": "the server's access control list does not let this host do it",
    "app_exists": "a table of this name exists already",
    "app_not_found": "the table does not exist",
    "auth_unsupported": "the cluster has authentication enabled (enable_auth), which this collection does not support",
    "busy": "another change of the same thing is running; wait for it and try again",
    "dup_exists": "a duplication to this remote exists already",
    "handler_not_found": "this server does not know the request: it is of another kind (replica server instead of meta "
    "server, or the other way round) or of an older version",
    "invalid_parameters": "the server does not accept the parameters",
    "invalid_state": "the server is not in a state to do it",
    "no_primary_meta": "the server that was asked is not the primary meta server, and none was found",
    "object_not_found": "the server does not know what was asked for",
    "operation_disabled": "the server has this operation disabled",
    "service_not_active": "the service is not active (yet)",
    "state_freezed": "the meta level is freezed or lower, in which this is refused; set it to steady or lively",
    "timeout": "the server did not get it done in time",
    "under_recovery": "the meta server is still recovering; wait for it",
    "refused": "the server refused it",
}
_WRONG_ADDRESS = ("auth_unsupported", "handler_not_found")
"""The server may be another one than was meant."""


def code_of(err: str) -> str:
    """The symbolic code (without ``pegasus.``) of an error name; ``refused`` for one without a code of its own."""
    return _CODES.get(err, "refused")


def server_error(
    err: str,
    doing: str,
    *,
    address: str,
    hint: str = "",
    mutating: bool = False,
    details: t.Mapping[str, t.Any] | None = None,
    option: str = "",
) -> MigrationError:
    """What a server refused, with its own words. ``doing`` completes "Could not ...".

    ``option`` names the option that the address comes from, for a refusal that may mean that it is a wrong one.
    A mutating request whose error leaves open whether it was carried out is ``pegasus.ambiguous``.
    """
    text = f"{err}: {hint.strip()}" if hint.strip() else err
    facts = {"err": err, "address": address, "doing": doing, **(details or {})}
    if mutating and err in _UNCERTAIN:
        return ambiguous(doing, address, f"it answered {err}", server_text=text, details=facts)
    code = code_of(err)
    said = f" ({text})" if code in ("refused", "invalid_parameters", "invalid_state") else ""
    check = f"; check {option}" if option and code in _WRONG_ADDRESS else ""
    return MigrationError(
        f"pegasus.{code}",
        f"Could not {doing} at {address}: {_SENTENCES[code]}{said}{check}.",
        server_text=text,
        details=facts,
    )


def unreachable(doing: str, address: str, why: str, option: str = "meta_servers") -> MigrationError:
    """The request never left, or was a read and got no answer because the connection broke."""
    return MigrationError(
        "pegasus.unreachable",
        f"Could not {doing}: {address} cannot be reached ({why}); check {option}, the network and the server.",
        details={"address": address, "doing": doing, "reason": why},
    )


def timed_out(doing: str, address: str, seconds: float, option: str = "meta_servers") -> MigrationError:
    """A read that got no answer in time."""
    return MigrationError(
        "pegasus.timeout",
        f"Could not {doing}: {address} took the connection but did not answer within {seconds:g} s; check {option}, "
        "that it runs, and that it is a Pegasus server of the right kind (a MetaProxy answers nothing but clients' "
        "queries).",
        details={"address": address, "doing": doing, "seconds": seconds},
    )


def ambiguous(
    doing: str,
    address: str,
    why: str,
    *,
    server_text: str | None = None,
    details: t.Mapping[str, t.Any] | None = None,
) -> MigrationError:
    """A request that changes something was sent, and nobody knows whether it was carried out."""
    return MigrationError(
        "pegasus.ambiguous",
        f"Could not {doing} for certain: the request was sent to {address}, but {why}, so it may or may not have been "
        "carried out; look before you repeat it.",
        server_text=server_text,
        details={"address": address, "doing": doing, "reason": why, **(details or {})},
    )


def not_pegasus(doing: str, address: str, why: str, option: str = "meta_servers") -> MigrationError:
    """Something answered that is no Pegasus server."""
    return MigrationError(
        "pegasus.not_pegasus",
        f"Could not {doing}: something listens on {address}, but it does not speak Pegasus ({why}); check the address "
        f"in {option}.",
        details={"address": address, "doing": doing, "reason": why},
    )


def decode_error(why: str, **details: t.Any) -> MigrationError:
    """An answer in the right frame whose content cannot be read."""
    return MigrationError("pegasus.decode", f"The server's answer cannot be read: {why}.", details=details)
