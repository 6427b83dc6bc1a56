# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the errors in the sync tool's log mean.

The tool logs what the target's frontend answers to startTableReplication. Source of the texts: replication/
ReplicationMgr.java, ReplicationJob.java and FrontendServiceImpl.java of StarRocks.
"""

from __future__ import annotations

import re
import typing as t

BENIGN, TRANSIENT, FATAL, UNKNOWN = "benign", "transient", "fatal", "unknown"

TARGET_AHEAD = "target_ahead"
OTHER = "other"

_KINDS: t.Tuple[t.Tuple[str, str, t.Pattern[str]], ...] = (
    (
        TARGET_AHEAD,
        FATAL,
        re.compile(
            r"Target (?:data|visible)? ?version: \d+ is larger than source (?:data|visible)? ?version: \d+",
            re.IGNORECASE,
        ),
    ),
    (
        "limit_reached",
        BENIGN,
        re.compile(r"exceeds (?:the )?replication_max_parallel_(?:table_count|replica_count|data_size_mb)"),
    ),
    ("already_running", BENIGN, re.compile(r"Replication job of table \S+ is already running")),
    ("nothing_to_replicate", BENIGN, re.compile(r"No data need to replicate")),
    ("publish_unfinished", TRANSIENT, re.compile(r"[Pp]ublish version not finished")),
    ("partition_missing", TRANSIENT, re.compile(r"Partition \S+ in table .* not found")),
    (
        "loads_disabled",
        FATAL,
        re.compile(r"disable_load_job is set to true, all load jobs are (?:rejected|prevented)"),
    ),
    ("access_denied", FATAL, re.compile(r"Access denied")),
    (
        "disk_full",
        FATAL,
        # No sample is known. Its name with a value alone is a line of the configuration, which a tool may print.
        re.compile(
            r"\b(?:exceed(?:s|ed)?|reached|above|over|(?:larger|greater|higher|more) than)\b"
            r".*target_cluster_max_disk_used_percent"
            r"|target_cluster_max_disk_used_percent(?!['\"\]]?\s*[=:])"
        ),
    ),
    (
        "unreachable",
        TRANSIENT,
        re.compile(r"Communications link failure|Connection refused|Connect(?:ion)? timed out|UnknownHostException"),
    ),
)
_ANY = re.compile("|".join(pattern.pattern for _kind, _severity, pattern in _KINDS))
"""One search for the many lines that tell nothing known."""

_SUBJECT = re.compile(r"\b(?:table|tbl)[ :=]+\[?[`'\"]?([\w$-]+(?:\.[\w$-]+)*)", re.IGNORECASE)

SEVERITY: t.Mapping[str, str] = {**{kind: severity for kind, severity, _pattern in _KINDS}, OTHER: UNKNOWN}
"""By kind: benign (the tool tries again and that is all), transient, fatal (it does not get better by itself)."""


def classify(text: str) -> t.Optional[str]:
    """The kind of what a text tells; None when it tells nothing known."""
    if not _ANY.search(text):
        return None
    return next((kind for kind, _severity, pattern in _KINDS if pattern.search(text)), None)


def subject_of(text: str) -> str:
    """The table that a text speaks of, by name or number as it stands there; "" when it names none."""
    match = _SUBJECT.search(text)
    return match.group(1) if match else ""
