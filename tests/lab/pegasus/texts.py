# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as readable texts for the record, the faults and the breakpoints; and which of them change something."""

from __future__ import annotations

import typing as t

from lab.pegasus import model

Values = t.Mapping[str, t.Any]
LEVEL_NAMES = {model.INVALID_LEVEL: "invalid", **{number: name for name, number in model.LEVELS.items()}}
MUTATING = frozenset(
    "RPC_CM_" + name
    for name in (
        "CREATE_APP",
        "DROP_APP",
        "RECALL_APP",
        "RENAME_APP",
        "UPDATE_APP_ENV",
        "ADD_DUPLICATION",
        "MODIFY_DUPLICATION",
        "PROPOSE_BALANCER",
        "SET_MAX_REPLICA_COUNT",
        "SET_ATOMIC_IDEMPOTENT",
    )
)


def _env(r: Values) -> str:
    operation = {1: "set", 2: "del", 3: "clear"}.get(r.get("op", 0), "?")
    keys = r.get("keys") or ()
    if operation == "set":
        pairs = " ".join("%s=%s" % pair for pair in zip(keys, r.get("values") or ()))
        return "%s set %s" % (r.get("app_name"), pairs)
    return "%s %s %s" % (r.get("app_name"), operation, " ".join(keys) if operation == "del" else r.get("clear_prefix"))


def _add(r: Values) -> str:
    text = "%s to %s" % (r.get("app_name"), r.get("remote_cluster_name"))
    if r.get("is_duplicating_checkpoint") is False:
        text += " without checkpoint"
    if r.get("remote_app_name"):
        text += " as %s" % r["remote_app_name"]
    return text + (" replicas=%d" % r["remote_replica_count"] if r.get("remote_replica_count") else "")


def _modify(r: Values) -> str:
    text = "%s %s" % (r.get("app_name"), r.get("dupid"))
    if "status" in r:
        text += " status=%s" % _name(model.DUP_STATUS, r["status"])
    return text + (" fail_mode=%s" % _name(model.FAIL_MODE, r["fail_mode"]) if "fail_mode" in r else "")


def _name(names: t.Sequence[str], number: int) -> str:
    return names[number] if 0 <= number < len(names) else str(number)


def _create(r: Values) -> str:
    o = r.get("options", {})
    return "%s partitions=%s replicas=%s" % (r.get("app_name"), o.get("partition_count"), o.get("replica_count"))


def _drop(r: Values) -> str:
    reserve = r.get("options", {}).get("reserve_seconds")
    return "%s%s" % (r.get("app_name"), "" if reserve is None else " reserve_seconds=%d" % reserve)


def _propose(r: Values) -> str:
    actions = ", ".join("%d %s" % (a.get("type", 0), a.get("node")) for a in r.get("action_list", ()))
    return "%d.%d %s" % (*r.get("gpid", (0, 0)), actions)


_DETAILS: dict[str, t.Callable[[Values], str]] = {
    "RPC_CM_UPDATE_APP_ENV": _env,
    "RPC_CM_ADD_DUPLICATION": _add,
    "RPC_CM_MODIFY_DUPLICATION": _modify,
    "RPC_CM_CREATE_APP": _create,
    "RPC_CM_DROP_APP": _drop,
    "RPC_CM_RECALL_APP": lambda r: ("%s %s" % (r.get("app_id"), r.get("new_app_name", ""))).strip(),
    "RPC_CM_RENAME_APP": lambda r: "%s %s" % (r.get("old_app_name"), r.get("new_app_name")),
    "RPC_CM_CONTROL_META": lambda r: LEVEL_NAMES.get(r["level"], str(r["level"])),
    "RPC_CM_PROPOSE_BALANCER": _propose,
    "RPC_CM_SET_MAX_REPLICA_COUNT": lambda r: "%s %s" % (r.get("app_name"), r.get("max_replica_count")),
    "RPC_CM_SET_ATOMIC_IDEMPOTENT": lambda r: "%s %s" % (r.get("app_name"), r.get("atomic_idempotent")),
    "RPC_CLI_CLI_CALL": lambda r: " ".join([r.get("cmd", ""), *r.get("arguments", [])]),
    "RPC_QUERY_PN_DECREE": lambda r: "%d.%d" % tuple(r.get("pid", (0, 0))),
}


def describe(rpc: str, argument: t.Any) -> str:
    """``RPC_CM_UPDATE_APP_ENV temp set replica.deny_client_request=reconfig*write``"""
    detail = _DETAILS.get(rpc)
    if detail is not None:
        return "%s %s" % (rpc, detail(argument))
    name = argument.get("app_name") if isinstance(argument, dict) else None
    return "%s %s" % (rpc, name) if name else rpc


def mutating(rpc: str, argument: t.Any) -> bool:
    """True when the request asks a meta server for a change."""
    if rpc == "RPC_CM_CONTROL_META":
        return bool(argument.get("level", model.INVALID_LEVEL) != model.INVALID_LEVEL)
    return rpc in MUTATING
