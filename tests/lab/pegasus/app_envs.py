# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""App envs at the meta server: which keys and values are allowed, and set, del, clear with their hints."""

from __future__ import annotations

import re
import typing as t

from lab.pegasus import model
from lab.pegasus.errors import Refused
from lab.pegasus.model import DENY

if t.TYPE_CHECKING:
    from lab.pegasus.cluster import Cluster

SET, DEL, CLEAR = 1, 2, 3
DENY_HINT = (
    "Invalid deny client args, valid include: timeout*all, timeout*write, timeout*read; reconfig*all, "
    "reconfig*write, reconfig*read"
)
ANY_VALUE = frozenset(
    (
        "business.info",
        "default_ttl",
        "manual_compact.disabled",
        "manual_compact.max_concurrent_running_count",
        "manual_compact.once.bottommost_level_compaction",
        "manual_compact.once.target_level",
        "manual_compact.once.trigger_time",
        "manual_compact.periodic.bottommost_level_compaction",
        "manual_compact.periodic.target_level",
        "manual_compact.periodic.trigger_time",
        "replica_access_controller.allowed_users",
        "rocksdb.checkpoint.reserve_min_count",
        "rocksdb.checkpoint.reserve_time_seconds",
        "rocksdb.usage_scenario",
        "user_specified_compaction",
        "replica.read_throttling_by_size",
    )
)
BOOLEANS = frozenset(
    ("rocksdb.allow_ingest_behind", "rocksdb.block_cache_enabled", "replica.split.validate_partition_hash")
)
NEWER = frozenset(
    (
        "duplication.master_cluster",
        "duplication.master_metas",
        "duplication.master_app_name",
        "duplication.follower_app_status",
        "replica_access_controller.ranger_policies",
        "rocksdb.num_levels",
        "rocksdb.write_buffer_size",
    )
)
THROTTLES = frozenset(("replica.write_throttling", "replica.write_throttling_by_size", "replica.read_throttling"))


def invalid(cluster: Cluster, key: str, value: str) -> str:
    """The hint for a key or value that the meta server does not take; "" if it does."""
    if key == DENY:
        return "" if re.fullmatch(r"(timeout|reconfig)\*(all|write|read)", value) else DENY_HINT
    if key in THROTTLES:
        return _invalid_throttle(value)
    if key in BOOLEANS:
        return "" if value in ("true", "false") else 'invalid string %s, should be "true" or "false"' % value
    if key == "replica.slow_query_threshold":
        return "" if value.isdigit() and int(value) >= 20 else "Slow query threshold must be >= 20ms"
    if key in ANY_VALUE or (key in NEWER and cluster.profile.newest):
        return ""
    return cluster.profile.unsupported_env(key)


def _invalid_throttle(value: str) -> str:
    seen: set[str] = set()
    for part in value.split(","):
        fields = part.split("*")
        if len(fields) != 3:
            return "The field count of %s should be 3" % part
        count, kind, delay = fields
        for number in (count.rstrip("KM"), delay):
            if not number.isdigit():
                return "%s should be non-negative int" % number
        if kind not in ("delay", "reject"):
            return '%s should be "delay" or "reject"' % kind
        if kind in seen:
            return "duplicate %s config" % kind
        seen.add(kind)
    return ""


async def update(cluster: Cluster, request: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """RPC_CM_UPDATE_APP_ENV. The whole map is read, changed and written back: parallel updates can get lost."""
    operation = request["op"]
    keys, values = request.get("keys"), request.get("values")
    if operation == SET:
        if not keys or not values or len(keys) != len(values):
            raise Refused("ERR_INVALID_PARAMETERS", hint_message="keys or values are invalid")
        for key, value in zip(keys, values):
            hint = invalid(cluster, key, value)
            if hint:
                raise Refused("ERR_INVALID_PARAMETERS", hint_message=hint)
    elif operation == DEL and not keys:
        raise Refused("ERR_INVALID_PARAMETERS", hint_message="keys are invalid")
    elif operation == CLEAR and request.get("clear_prefix") is None:
        raise Refused("ERR_INVALID_PARAMETERS", hint_message="clear_prefix is invalid")
    elif operation not in (SET, DEL, CLEAR):
        raise Refused("ERR_INVALID_PARAMETERS", hint_message="invalid operation")
    app = cluster.app(request["app_name"])
    if app is None or app.status in (model.DROPPING, model.DROPPED):
        error, hint = cluster.profile.table_unknown()
        raise Refused(error, hint_message=hint)
    envs = dict(app.envs)
    if operation == SET:
        envs.update(zip(keys or (), values or ()))
        hint = ""
    elif operation == DEL:
        gone = [key for key in keys or () if envs.pop(key, None) is not None]
        hint = "deleted keys:\n    %s" % "\n    ".join(gone) if gone else "no key need to delete"
    else:
        prefix = request["clear_prefix"]
        gone = [key for key in envs if not prefix or key.startswith(prefix + ".")]
        for key in gone:
            del envs[key]
        hint = "deleted keys:\n    %s" % "\n    ".join(gone) if gone else "no key need to delete"
    await cluster.pause("meta_write")
    app.envs = envs
    return {"err": "ERR_OK", "hint_message": hint}
