# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server answers one RPC: through the gate, and every kind of error in its place on the wire."""

from __future__ import annotations

import typing as t

from lab.gate import ConnectionDropped, Gate, Incoming, InjectedError
from lab.pegasus import structs
from lab.pegasus.door import Call
from lab.pegasus.errors import HeaderError, NoAnswer, Refused

Apply = t.Callable[[], t.Awaitable[t.Any]]


async def _timely(call: Call, apply: Apply) -> t.Any:
    """A request with timeout 0 is dropped before it is executed."""
    if call.header.timeout == 0:
        raise NoAnswer()
    return await apply()


async def answer(gate: Gate, surface: str, call: Call, text: str, mutating: bool, apply: Apply) -> None:
    """Apply one call as its faults and breakpoints allow, and reply."""
    try:
        result = await gate.run(Incoming(surface, text, mutating, call.gone), lambda: _timely(call, apply))
    except ConnectionDropped:
        call.drop()
    except NoAnswer:
        return
    except Refused as refused:
        refuse(call, refused)
    except HeaderError as error:
        call.fail(error.error)
    except InjectedError as injected:
        names = (injected.code, str(injected))
        call.fail(next((name for name in names if name.startswith("ERR_")), "ERR_TIMEOUT"))
    else:
        _reply(call, result)


ACCESS_ERRORS = {"sasl": "ERR_UNAUTHENTICATED", "acl": "ERR_ACL_DENY"}


def check_access(access: str) -> None:
    """Refuse the call on a cluster that wants clients to negotiate, or that allows them nothing."""
    if access:
        raise HeaderError(ACCESS_ERRORS[access])


def refuse(call: Call, refused: Refused) -> None:
    """Answer with an error inside the response struct; its required fields hold nothing."""
    result = dict(_empty(structs.RPCS[call.rpc][1]), **refused.fields, err=refused.error)
    call.reply(result)


def _empty(kind: str) -> dict[str, t.Any]:
    """Values of the fields that a real server always sends."""
    return dict(_REQUIRED.get(kind, {}))


_REQUIRED: dict[str, dict[str, t.Any]] = {
    "list_apps_response": {"infos": []},
    "list_nodes_response": {"infos": []},
    "cluster_info_response": {"keys": [], "values": []},
    "query_cfg_response": {"app_id": 0, "partition_count": 0, "is_stateful": False, "partitions": []},
    "create_app_response": {"appid": 0},
    "rename_app_response": {"hint_message": ""},
    "update_app_env_response": {"hint_message": ""},
    "duplication_add_response": {"appid": 0, "dupid": 0},
    "duplication_modify_response": {"appid": 0},
    "duplication_query_response": {"appid": 0, "entry_list": []},
    "duplication_list_response": {"hint_message": "", "app_states": {}},
    "meta_control_response": {"old_level": 0},
    "ddd_diagnose_response": {"partitions": []},
    "get_max_replica_count_response": {"max_replica_count": 0, "hint_message": ""},
    "set_max_replica_count_response": {"old_max_replica_count": 0, "hint_message": ""},
    "query_split_response": {"new_partition_count": 0, "status": {}},
    "query_bulk_load_response": {
        "app_name": "",
        "app_status": 0,
        "partitions_status": [],
        "max_replica_count": 0,
        "bulk_load_states": [],
    },
    "query_replica_info_response": {"replicas": []},
    "query_replica_decree_response": {"last_decree": 0},
}


async def answer_unrecorded(call: Call, apply: Apply) -> None:
    """Answer a call of the lab's own clients: no record, no fault, no breakpoint."""
    try:
        result = await apply()
    except NoAnswer:
        return
    except Refused as refused:
        refuse(call, refused)
    except HeaderError as error:
        call.fail(error.error)
    else:
        _reply(call, result)


def _reply(call: Call, result: t.Any) -> None:
    if isinstance(result, bytes):
        call.reply_bytes(result)
    else:
        call.reply(result)
