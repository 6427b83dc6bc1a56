# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Server texts turned into stable codes, and codes into one sentence that names the fix.

Numbers changed between releases (access denied: 1227, 1252, 5203; propagation of a setting: 5076, 5101; ...) and most
errors come as 1064, so an error is told by a set of numbers or by its text. Wrappers such as ``Getting analyzing error
at line L, column C. Detail message: ...`` stand around it, so texts are searched for and never matched as a whole.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError

NO_REPLY = "starrocks.no_reply"
UNREACHABLE = "starrocks.unreachable"
CONFIG_PARTIAL = "starrocks.config_partial"

_BY_ERRNO: t.Mapping[int, str] = {
    1045: "login_failed",
    2059: "login_failed",  # the client's: an authentication plugin (LDAP, OIDC) that wants TLS
    1227: "access_denied",
    1252: "access_denied",
    5203: "access_denied",
    5076: "config_partial",
    5101: "config_partial",
    5102: "config_unknown",
    5205: "insecure_transport",
    5301: "loads_disabled",
    5401: "not_leader",
    5501: "unknown_database",
    1049: "unknown_database",
    5502: "unknown_table",
    1051: "unknown_table",
    5506: "volume_missing",
    10007: "unsupported_here",
    5907: "unsupported_here",
}
# 5063 and 5501 .. 5506 had other meanings before they were given these; a text always counts more than a number.
_TEXTS: t.Sequence[t.Tuple[str, t.Pattern[str]]] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("config_partial", r"set config failed: set config for fe\["),
        ("not_persisted", r"set persisted config failed|current running mode is not persisted"),
        ("config_unknown", r"Config '[^']*' does not exist or is not mutable"),
        ("config_value", r"Failed to set config '[^']*'"),
        ("loads_disabled", r"disable_load_job is set to true"),
        ("insecure_transport", r"Connections using insecure transport are prohibited"),
        ("login_failed", r"Access denied for user|Authentication plugin|authentication fail"),
        ("access_denied", r"Access denied; you need|need \(at least one of\) the .* privilege"),
        ("volume_exists", r"Storage volume '[^']*' already exists"),
        ("volume_in_use", r"Storage volume '[^']*' is referenced by"),
        ("volume_is_default", r"default storage volume can not be removed|Default volume can not be disabled"),
        ("volume_disabled", r"Storage volume '?[^']*'? is disabled"),
        (
            "volume_missing",
            r"Storage volume '[^']*' does not exist|Unknown storage volume[: ](?!type)|"
            r"default storage volume (?:does )?not exist",
        ),
        (
            "volume_invalid",
            r"Storage params is not valid|Invalid propert(?:y|ies) |Invalid location |Unknown storage volume type|"
            r"Incorrect storage volume name|reserved storage volume name|property '[^']*' is immutable|"
            r"should not contain sub path after bucket name",
        ),
        ("no_alive_node", r"(?:Backend|Compute) node not found|No alive (?:backend|compute)|is any backend node down"),
        ("unknown_proc", r"Unknown proc node path|Cannot find path"),
        ("unsupported_here", r"unsupported statement in shared_\w+ mode"),
        (
            "not_leader",
            r"not (?:the )?leader|leader (?:is )?(?:null|unknown|not (?:found|ready))|(?:get|find) leader fe|"
            r"(?:fe|node|metadata|catalog) is not ready|forward(?:ing)? .*(?:fail|too many)|fail\w* to forward",
        ),
        ("unknown_database", r"Unknown database|unknown db|failed to find database"),
        ("unknown_table", r"Unknown table"),
        ("syntax", r"Getting syntax error|You have an error in your SQL syntax"),
    )
)
_SENTENCES: t.Mapping[str, str] = {
    "login_failed": "the server does not accept the user or the password; check {p}username and {p}password (accounts "
    "of LDAP or OIDC need {p}tls)",
    "access_denied": "the user lacks a privilege; GRANT what server_text names to it, or to a role of it (OPERATE ON "
    "SYSTEM for settings, SHOW PROC and nodes)",
    "config_partial": "some frontends have the new value, and others could not be told",
    "config_unknown": "the server does not know this config, or it cannot be changed while it runs",
    "config_value": "the server cannot read the value",
    "not_persisted": "fe.conf cannot be written there (in containers it never can); use persistent: never, and a block "
    "in fe.conf or in the ConfigMap",
    "insecure_transport": "the server takes encrypted connections only; set {p}tls to require or verify-full",
    "loads_disabled": "loads are switched off there (disable_load_job)",
    "volume_exists": "there is a storage volume of this name",
    "volume_missing": "there is no such storage volume",
    "volume_in_use": "databases or tables still use the storage volume (dropped ones do until they leave the recycle "
    "bin, see catalog_trash_expire_second)",
    "volume_is_default": "it is the default storage volume; make another one the default first",
    "volume_disabled": "the storage volume is disabled; enable it first",
    "volume_invalid": "the server does not accept the definition of the storage volume",
    "no_alive_node": "no backend or compute node is alive to answer; start one",
    "unknown_proc": "the server does not know this path of SHOW PROC",
    "unsupported_here": "the server does not support this in its run mode",
    "not_leader": "the frontends are choosing a leader or have just done so; try again in a moment",
    "unknown_database": "there is no such database, or the user may not see it",
    "unknown_table": "there is no such table, or the user may not see it",
    "syntax": "the server does not know this form of the statement; check that all frontends run one version",
    "refused": "the server refused it",
}
_FAILED_FRONTEND = re.compile(
    r"set config for fe\[([^\]]+)\] failed:\s*(.*?)(?=;?\s*(?:set config for fe\[|set config failed:|$))",
    re.IGNORECASE | re.DOTALL,
)

_OPEN_TEXTS = re.compile(r"the command may be succeed|SocketTimeoutException|TTransportException", re.IGNORECASE)
"""Of a statement that was forwarded to a leader from whom no answer came, and who may carry it out."""
_CARRIED_OUT = re.compile(r"Global level variables are set successfully", re.IGNORECASE)
"""Of one that was, whatever follows."""


def classify(text: str, errno: t.Optional[int] = None) -> str:
    """The symbol (without ``starrocks.``) of a server's error; ``refused`` when it is none that is known."""
    for name, pattern in _TEXTS:
        if pattern.search(text):
            return name
    return _BY_ERRNO.get(errno or 0, "refused")


def failed_frontends(text: str) -> t.Dict[str, str]:
    """The hosts that could not be told of a setting, with the reason, out of the text of a 5076 or 5101.

    From 3.5 on the text is appended to itself at every failure, so that hosts come several times (ConfigBase.java).
    """
    found: t.Dict[str, str] = {}
    for host, reason in _FAILED_FRONTEND.findall(text):
        found.setdefault(host, reason.strip().rstrip(";").strip())
    return found


def server_error(
    error: ServerError, doing: str, address: str, prefix: str = "", *, mutating: bool = False
) -> MigrationError:
    """What the server refused, with its own text beside. ``no_reply`` for a mutating statement that was perhaps not."""
    code = classify(error.text, error.errno)
    details: t.Dict[str, t.Any] = {"doing": doing, "frontend": address}
    if error.errno is not None:
        details["errno"] = error.errno
    # What could not be forwarded may have arrived all the same; any other error with a code of its own is a refusal.
    is_open = code == "not_leader" or (code == "refused" and _OPEN_TEXTS.search(error.text))
    if mutating and (is_open or _CARRIED_OUT.search(error.text)):
        why = "answered with an error that leaves open how it ended"
        return unsettled(why, doing, address, error.text, details)
    if code == "config_partial":
        details["failed_frontends"] = failed_frontends(error.text)
    message = f"Could not {doing} on {address}: {_SENTENCES[code].format(p=prefix)}."
    return MigrationError(f"starrocks.{code}", message, server_text=error.text, details=details)


def unsettled(
    why: str, doing: str, address: str, server_text: str, details: t.Optional[t.Mapping[str, t.Any]] = None
) -> MigrationError:
    """An answer to a change that leaves open whether it was carried out, which is as good as none."""
    return MigrationError(
        NO_REPLY,
        f"Could not {doing} for certain: {address} {why}, so it may or may not have been carried out; look before you "
        "repeat it.",
        server_text=server_text,
        details={"doing": doing, "address": address, **(details or {})},
    )


def connection_error(error: ConnectionLost, doing: str, *, mutating: bool, prefix: str = "") -> MigrationError:
    """What a broken connection means. Only a mutating statement that may have been seen is ``no_reply``."""
    details = {"doing": doing, "address": error.address, "kind": error.kind, "sent": error.sent}
    if mutating and error.sent:
        message = (
            f"Could not {doing} for certain: the connection to {error.address} broke after the statement was sent, so "
            "it may or may not have been carried out; look before you repeat it."
        )
        return MigrationError(NO_REPLY, message, server_text=error.text, details=details)
    if error.kind in ("tls_not_offered", "tls_failed"):
        problem = (
            f"TLS is asked for, but the server does not offer it; set {prefix}tls to disable, or give the frontend a "
            "keystore (ssl_keystore_location)"
            if error.kind == "tls_not_offered"
            else f"TLS failed; check {prefix}ca_cert, the names in the certificate, and the level in {prefix}tls"
        )
        message = f"Could not {doing}: {error.address} was reached, but {problem}."
        return MigrationError(f"starrocks.{error.kind}", message, server_text=error.text, details=details)
    if error.kind == "not_the_protocol":
        message = (
            f"Could not {doing}: something listens on {error.address}, but it does not speak the MySQL protocol; give "
            f"the query_port (9030 by default) in {prefix}frontends."
        )
        return MigrationError("starrocks.not_starrocks", message, server_text=error.text, details=details)
    if not error.greeted:
        what = "stays silent" if error.kind == "timeout" else "closes the connection"
        message = (
            f"Could not {doing}: {error.address} accepts the connection and then {what}; check that the frontend runs, "
            f"and that this is its query_port (9030 by default) in {prefix}frontends."
        )
        return MigrationError(UNREACHABLE, message, server_text=error.text, details=details)
    problem = "does not answer in time" if error.kind == "timeout" else "cannot be reached"
    message = (
        f"Could not {doing}: {error.address} {problem}; check {prefix}frontends, {prefix}address_map, the network and "
        "that the frontend runs."
    )
    return MigrationError(UNREACHABLE, message, server_text=error.text, details=details)


def frontend_shared(frontends: t.Sequence[str], place: str, prefix: str) -> MigrationError:
    """Several frontends are reached at one address, so that nobody knows who of them answers."""
    return MigrationError(
        "starrocks.frontend_shared",
        f"{' and '.join(frontends)} are all reached at {place}. Each frontend must be asked by itself, so give "
        f"addresses in {prefix}address_map that lead to one frontend each, and not to a load balancer.",
        details={"frontends": list(frontends), "place": place},
    )


def not_starrocks(address: str, why: str, prefix: str = "", server_text: t.Optional[str] = None) -> MigrationError:
    """What answers there speaks MySQL's protocol, but is something else."""
    return MigrationError(
        "starrocks.not_starrocks",
        f"{address} is no StarRocks frontend: {why}. Give the query ports of the frontends in {prefix}frontends.",
        server_text=server_text,
        details={"address": address},
    )


def unexpected_answer(error: Exception, doing: str, address: str) -> MigrationError:
    """An answer whose columns or cells are not what this version gives."""
    return MigrationError(
        "starrocks.unexpected_answer",
        f"Could not {doing}: the answer of {address} has not the form that this version gives "
        f"({type(error).__name__}: {error}); check that all frontends run one version.",
        details={"doing": doing, "frontend": address},
    )
