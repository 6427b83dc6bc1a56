# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags of a replica server that /config shows and /updateConfig changes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from lab.pegasus.profiles import Profile


@dataclass(frozen=True)
class Flag:
    """One flag: its section, type, default, and whether it may be changed at run time."""

    section: str
    type: str
    default: str
    mutable: bool
    description: str
    newer: bool = False
    """True: a DSN_DEFINE flag, and so visible, from 2.5 on."""


FLAGS = {
    "config_sync_interval_ms": Flag(
        "replication",
        "FV_UINT64",
        "30000",
        True,
        "The interval milliseconds of replica server to syncs replica configuration with meta server",
        True,
    ),
    "group_check_interval_ms": Flag(
        "replication", "FV_INT32", "100000", False, "The interval in milliseconds to do replica group check", True
    ),
    "duplication_enabled": Flag("replication", "FV_BOOL", "true", False, "is duplication enabled", True),
    "max_allowed_write_size": Flag(
        "replication", "FV_UINT64", "1048576", False, "write operation exceed this threshold will be logged and reject"
    ),
    "duplicate_log_batch_bytes": Flag("replication", "FV_UINT64", "4096", True, "send mutation log batch bytes size"),
    "duplication_sync_period_second": Flag(
        "replication", "FV_UINT64", "10", False, "The period seconds of duplication to sync data", True
    ),
    "max_copy_rate_megabytes_per_disk": Flag(
        "nfs",
        "FV_UINT32",
        "0",
        True,
        "max rate per disk of copying from remote node(MB/s), zero means disable rate limiter",
    ),
    "max_send_rate_megabytes_per_disk": Flag(
        "nfs", "FV_UINT32", "0", True, "max rate per disk of send to remote node(MB/s)"
    ),
}
RANGES = {"FV_UINT64": (0, 1 << 64), "FV_UINT32": (0, 1 << 32), "FV_INT32": (-(1 << 31), 1 << 31)}


def defaults() -> dict[str, str]:
    """All flags with their default values."""
    return {name: flag.default for name, flag in FLAGS.items()}


def shown(profile: Profile, name: str, value: str) -> dict[str, t.Any] | None:
    """The flag as /config shows it; None when this version does not."""
    flag = FLAGS.get(name)
    if flag is None or (flag.newer and not profile.run_time_flags):
        return None
    return {
        "name": name,
        "section": flag.section,
        "type": flag.type,
        "tags": "flag_tag::FT_MUTABLE" if flag.mutable else "",
        "description": flag.description,
        "value": value,
    }


def change(profile: Profile, values: dict[str, str], name: str, value: str) -> str:
    """Change a flag at run time; the answer's update_status."""
    flag = FLAGS.get(name)
    if flag is None or (flag.newer and not profile.run_time_flags):
        return "ERR_OBJECT_NOT_FOUND: %s is not found" % name
    if not flag.mutable:
        return "ERR_INVALID_PARAMETERS: %s is not mutable" % name
    low, high = RANGES[flag.type]
    if not value.isdigit() or not low <= int(value) < high:
        return "ERR_INVALID_PARAMETERS: %s is invalid" % value
    if name == "config_sync_interval_ms" and int(value) <= 0:
        return "ERR_INVALID_PARAMETERS: value of %s is invalid" % name
    values[name] = value
    return "ERR_OK"
