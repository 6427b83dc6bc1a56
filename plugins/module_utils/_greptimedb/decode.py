# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Result sets and admin answers turned into records. Pure; anything unexpected becomes "not known", never a guess."""

from __future__ import annotations

import datetime
import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.humantime import parse_humantime
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Event,
    Node,
    Placement,
    Procedure,
    RegionInfo,
    RegionStatistics,
    Table,
    liveness,
)

_PRODUCT = re.compile(r"(?i)greptimedb-v?(\d+\.\d+\.\d+(?:-[\w.]+)*)")
_BARE = re.compile(r"v?(\d+\.\d+\.\d+(?:-[\w.]+)*)")
_LOCK = re.compile(r"__(region|table)_lock/(\d+)")
_OPTION = re.compile(r"(?:^|\s)(on_physical_table|physical_metric_table)\s*=\s*\"?([^\s\"]*)")


def product_version(text: str) -> Version | None:
    """The version in ``8.4.2-greptimedb-0.9.5`` (any case and prefix); None if the text does not name GreptimeDB."""
    match = _PRODUCT.search(text)
    return _version(match.group(1)) if match else None


def bare_version(text: str | None) -> Version | None:
    """The version in ``1.1.4`` or ``v1.0.0-beta.1``; None for anything else."""
    match = _BARE.fullmatch((text or "").strip())
    return _version(match.group(1)) if match else None


def _version(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except ValueError:
        return None


def timestamp(value: t.Any) -> datetime.datetime | None:
    """A point in time as either transport gives it; None for zero, which the server uses for "never"."""
    if isinstance(value, str):
        if value.lstrip("-").isdigit():
            value = int(value)
        else:
            try:
                value = datetime.datetime.fromisoformat(value.strip().rstrip("Z")[:26])
            except ValueError:
                return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Milliseconds for procedures, nanoseconds for events: 30 years lie between their magnitudes.
        seconds = float(value)
        for factor in (1e9, 1e6, 1e3):
            if abs(value) >= factor * 1e8:
                seconds = value / factor
                break
        value = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    if not isinstance(value, datetime.datetime):
        return None
    # Zero is shown in the time zone of the session, so it may lie on either side of midnight.
    if value.year <= 1970:
        return None
    return value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value


def placements(rows: Rows) -> dict[int, Placement]:
    """Placement by region. Rows that repeat a region (0.7 - 0.8 list it once per logical table) are joined."""
    leaders: dict[int, tuple[int | None, str, float | None]] = {}
    followers: dict[int, set[int]] = {}
    for row in rows.records():
        region_id, peer = int(row["region_id"]), row["peer_id"]
        followers.setdefault(region_id, set())
        if peer is not None and str(row["is_leader"]).lower() in ("yes", "true", "1"):
            down = row["down_seconds"]
            leaders[region_id] = (int(peer), str(row["status"] or ""), None if down is None else float(down))
        elif peer is not None:
            followers[region_id].add(int(peer))
    result: dict[int, Placement] = {}
    for region_id in sorted(followers):
        leader, status, down = leaders.get(region_id, (None, "", None))
        result[region_id] = Placement(region_id, leader, status, down, tuple(sorted(followers[region_id])))
    return result


def nodes(rows: Rows) -> list[Node]:
    """The rows of ``cluster_info``."""
    found: list[Node] = []
    for row in rows.records():
        active = parse_humantime(str(row["active_time"])) if row["active_time"] else None
        found.append(
            Node(
                id=int(row["peer_id"] if row["peer_id"] is not None else -1),
                kind=str(row["peer_type"]).lower(),
                addr=str(row["peer_addr"] or ""),
                version=bare_version(row["version"]),
                active_seconds=active,
                alive=liveness(active),
                is_leader=_is_leader(row.get("node_status")),
            )
        )
    return found


def _is_leader(status: t.Any) -> bool | None:
    try:
        document = json.loads(status) if isinstance(status, str) else status
    except ValueError:
        return None
    value = document.get("is_leader") if isinstance(document, dict) else None
    return value if isinstance(value, bool) else None


def procedures(rows: Rows) -> list[Procedure]:
    """The rows of ``procedure_info``, with the ids that their lock keys name."""
    found: list[Procedure] = []
    for row in rows.records():
        regions, tables = lock_keys(str(row["lock_keys"] or ""))
        found.append(
            Procedure(
                procedure_id=str(row["procedure_id"]),
                type=str(row["procedure_type"]),
                status=str(row["status"]),
                region_ids=regions,
                table_ids=tables,
                start=timestamp(row["start_time"]),
                end=timestamp(row["end_time"]),
            )
        )
    return found


def lock_keys(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Region ids and table ids in ``Share("__table_lock/1024"),Exclusive("__region_lock/4398046511104")``."""
    regions: list[int] = []
    tables: list[int] = []
    for kind, number in _LOCK.findall(text):
        ids = regions if kind == "region" else tables
        if int(number) not in ids:
            ids.append(int(number))
    return tuple(regions), tuple(tables)


def procedure_state(value: t.Any) -> tuple[str, str]:
    """Status word and error of ``{"status":"Retrying","error":"..."}``; ``("Unknown", text)`` for anything else."""
    try:
        document = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return "Unknown", str(value)
    if not isinstance(document, dict) or "status" not in document:
        return "Unknown", str(value)
    return str(document["status"]), str(document.get("error") or "")


def statistics(rows: Rows) -> dict[int, RegionStatistics]:
    """Figures by region: the leader's, where a follower reports too."""
    found: dict[int, RegionStatistics] = {}
    for row in rows.records():
        region_id, role = int(row["region_id"]), str(row["region_role"] or "")
        if region_id in found and not role.startswith("Leader"):
            continue
        size = _number(row.get("disk_size"))
        if size is None:
            parts = [_number(row.get(name)) for name in ("manifest_size", "sst_size")]
            size = None if None in parts else sum(part for part in parts if part is not None)
        found[region_id] = RegionStatistics(
            region_id,
            size,
            _number(row["memtable_size"]),
            _number(row.get("region_rows")),
            str(row["engine"] or ""),
            role,
        )
    return found


def _number(value: t.Any) -> int | None:
    return None if value is None else int(value)


def tables(rows: Rows, regions_with_leader: t.Collection[int] = ()) -> list[Table]:
    """The rows of ``tables``.

    :param regions_with_leader: table ids that have regions of their own; only looked at where ``create_options`` is
        not there to tell logical tables (before 0.9 they list no region of their own).
    """
    found: list[Table] = []
    for row in rows.records():
        if row["table_id"] is None:
            continue
        table_id, engine = int(row["table_id"]), str(row["engine"] or "")
        schema, name = str(row["table_schema"]), str(row["table_name"])
        options = row.get("create_options")
        logical, physical_table, physical = False, None, False
        if options is not None:
            pairs = dict(_OPTION.findall(str(options)))
            logical, physical = "on_physical_table" in pairs, "physical_metric_table" in pairs
            if logical:
                host = pairs["on_physical_table"].strip("'")
                physical_table = host if "." in host else f"{schema}.{host}"
        elif engine == "metric":
            logical = table_id not in regions_with_leader
            physical = not logical
        found.append(Table(table_id, schema, name, engine, logical, physical_table, physical))
    return found


def partitions(rows: Rows) -> dict[int, str]:
    """Name of the partition by region id."""
    return {
        int(row["greptime_partition_id"]): str(row["partition_name"])
        for row in rows.records()
        if row["greptime_partition_id"] is not None and row["partition_name"] is not None
    }


def region_infos(rows: Rows) -> list[RegionInfo]:
    """The rows of ``region_info``: one per copy of a region."""
    return [
        RegionInfo(
            int(row["region_id"]),
            int(row["node_id"]),
            str(row["state"]),
            row["writable"] in (True, 1, "true", "1"),
            str(row["region_options"] or ""),
        )
        for row in rows.records()
        if row["node_id"] is not None
    ]


def events(rows: Rows) -> list[Event]:
    """Recorded region migrations, oldest first."""
    found = [
        Event(
            str(row["procedure_id"]),
            str(row["procedure_state"] or ""),
            int(row["region_id"]),
            _number(row["region_migration_src_node_id"]),
            _number(row["region_migration_dst_node_id"]),
            str(row["procedure_error"] or ""),
            timestamp(row["timestamp"]),
        )
        for row in rows.records()
        if row["region_id"] is not None
    ]
    oldest = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return sorted(found, key=lambda event: event.timestamp or oldest)
