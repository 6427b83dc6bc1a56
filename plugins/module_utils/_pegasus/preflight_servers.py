# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the settings and disks of the replica servers hold against duplication. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import ClusterView, TableView

_FULL = 0.8
_SHIPPED_SYNC_MS = 30000
_ISSUE = "https://github.com/apache/incubator-pegasus/issues/"


def server_findings(source: ClusterView, target: ClusterView, tables: t.Sequence[TableView]) -> t.Iterator[Finding]:
    """Size of writes, speed of the fence, room on the disks of the target."""
    yield from _write_size(source, target)
    yield from _config_sync(source)
    yield from _send_rate(source)
    yield from _rate_unknown(source, v.NFS_SEND_RATE, "how fast they send a checkpoint, which clients may feel")
    yield from _rate_unknown(
        target,
        v.NFS_COPY_RATE,
        "whether they limit how fast they copy it, with which servers have crashed (pegasus.bug.nfs_rate_per_disk)",
        _ISSUE + "1969",
    )
    yield from _disk(target, tables)


def numbers(cluster: ClusterView, flag: str) -> dict[str, int]:
    """A flag's value by replica server; servers which did not tell are not in it."""
    answers = cluster.configs.get(flag)
    found: dict[str, int] = {}
    for address, config in (answers.good if answers is not None else {}).items():
        try:
            found[address] = int(config.value)
        except ValueError:
            continue
    return found


def silent(cluster: ClusterView, flag: str) -> dict[str, str]:
    """The servers that did not tell a flag which was asked for, and why."""
    answers = cluster.configs.get(flag)
    if answers is None:
        return {}
    known = numbers(cluster, flag)
    found = {address: error.message for address, error in answers.failed.items()}
    found.update({address: f"{one.value!r}" for address, one in answers.good.items() if address not in known})
    return found


def _limit(value: int) -> float:
    """0 means no limit."""
    return float(value) if value else float("inf")


def _write_size(source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    ours, theirs = numbers(source, v.WRITE_SIZE), numbers(target, v.WRITE_SIZE)
    if ours and theirs:
        most, least = max(ours.values(), key=_limit), min(theirs.values(), key=_limit)
        shown = {"source": _grouped(ours), "target": _grouped(theirs), "unit": "bytes, 0 means no limit"}
        if _limit(most) > _limit(least):
            yield Finding(
                "pegasus.config.write_size_smaller_on_target",
                "blocker",
                target.subject,
                shown,
                "A write that the source takes can be too large for the target, which then refuses it for ever: the "
                "partition never catches up. Raise [replication] max_allowed_write_size on the target's replica "
                f"servers to {most} and restart them.",
                _ISSUE + "1840",
            )
    untold = [
        f"{cluster.role}: {problem}" for cluster in (source, target) for problem in _untold(cluster, v.WRITE_SIZE)
    ]
    if untold:
        yield Finding(
            "pegasus.config.write_size_unknown",
            "warning",
            "source and target cluster",
            untold,
            "Compare [replication] max_allowed_write_size of the replica servers by hand (1048576 if it is not set). "
            "If the target's is smaller, writes above it are never shipped, and the migration stands still.",
            _ISSUE + "1840",
        )


def _grouped(values: t.Mapping[str, int]) -> dict[str, t.Any]:
    """One number when all servers agree, else the servers by number."""
    groups: dict[str, list[str]] = {}
    for address, value in sorted(values.items()):
        groups.setdefault(str(value), []).append(address)
    return {number: "all" if len(groups) == 1 else addresses for number, addresses in groups.items()}


def _untold(cluster: ClusterView, flag: str) -> list[str]:
    if flag not in cluster.configs:
        return [f"version {cluster.version} does not tell it"]
    return [f"{address}: {why}" for address, why in sorted(silent(cluster, flag).items())]


def _config_sync(source: ClusterView) -> t.Iterator[Finding]:
    values = numbers(source, v.CONFIG_SYNC)
    untold = _untold(source, v.CONFIG_SYNC)
    if not values:
        yield Finding(
            "pegasus.config.sync_interval",
            "info",
            source.subject,
            untold,
            "A fence reaches a replica server when it next asks the meta server for its configuration, after up to "
            "config_sync_interval_ms (30 s unless the configuration says otherwise), which "
            + (
                "this version can neither tell nor change while it runs. Plan the budget for refused writes with it."
                if not source.profile.config_sync_interval_mutable
                else "could not be read. Plan the budget for refused writes with it."
            ),
        )
        return
    longest = max(values.values())
    shown: dict[str, t.Any] = {v.CONFIG_SYNC: _grouped(values)}
    group_check = numbers(source, v.GROUP_CHECK)
    if group_check:
        shown[v.GROUP_CHECK] = _grouped(group_check)
    if untold:
        shown["unknown"] = untold
    yield Finding(
        "pegasus.config.sync_interval",
        "warning" if longest > _SHIPPED_SYNC_MS else "info",
        source.subject,
        shown,
        f"A fence takes up to {format_duration(longest / 1000)} to reach every replica server, and as long to be "
        "lifted. The cutover can shorten the interval for its own time and put it back.",
    )


def _send_rate(source: ClusterView) -> t.Iterator[Finding]:
    unlimited = sorted(address for address, rate in numbers(source, v.NFS_SEND_RATE).items() if not rate)
    if unlimited:
        yield Finding(
            "pegasus.config.send_rate_unlimited",
            "info",
            source.subject,
            {v.NFS_SEND_RATE: 0, "servers": unlimited},
            "The checkpoint is copied as fast as disks and network allow, which clients of the source may feel. To "
            "limit it, run the remote command nfs.max_send_rate_megabytes_per_disk on these replica servers first.",
        )


def _rate_unknown(cluster: ClusterView, flag: str, what: str, issue: str = "") -> t.Iterator[Finding]:
    untold = silent(cluster, flag)
    if untold:
        yield Finding(
            "pegasus.config.copy_rate_unknown",
            "info",
            cluster.subject,
            {flag: untold},
            f"These replica servers do not tell {what}. Look at it by hand: the remote command nfs.{flag} without an "
            "argument tells it.",
            issue,
        )


def _disk(target: ClusterView, tables: t.Sequence[TableView]) -> t.Iterator[Finding]:
    known = [table for table in tables if table.size_mb is not None and table.app is not None]
    untold = sorted({table.request.name for table in tables} - {table.request.name for table in known})
    available = target.disk_available_mb
    free = 0.0 if available is None else sum(available.good.values())
    if available is None or available.failed or untold or not available.good:
        yield Finding(
            "pegasus.disk.unknown",
            "warning",
            target.subject,
            {
                "available_mb": None if available is None or not available.good else round(free),
                "servers_silent": {} if available is None else {a: e.message for a, e in available.failed.items()},
                "tables_of_unknown_size": untold,
            },
            "Look by hand whether the disks of the target's replica servers hold the tables with all their copies, "
            "and half as much again while files are copied and compacted.",
        )
        return
    needed = {one.request.name: (one.size_mb or 0.0) * copies(one) for one in known}
    total = sum(needed.values())
    if total <= free * _FULL:
        return
    worst = sorted(needed.items(), key=lambda item: -item[1])[:5]
    yield Finding(
        "pegasus.disk.short",
        "blocker" if total > free else "warning",
        target.subject,
        {
            "needed_mb": round(total),
            "available_mb": round(free),
            "largest_tables_mb": {name: round(size) for name, size in worst},
            "servers": len(available.good),
        },
        "The disks of the target's replica servers "
        + ("cannot hold the tables. " if total > free else "would be left with less than a fifth of what is free now. ")
        + "Add disks or servers, move fewer tables at once, or a lower remote_replica_count (2.6).",
    )


def copies(table: TableView) -> int:
    """How many copies of each partition the target will hold."""
    return table.request.remote_replica_count or (table.app.max_replica_count if table.app is not None else 0)
