# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StarRocks role's variables for a lab, and what the lab tells of a run afterwards."""

from __future__ import annotations

import json
import pathlib
import typing as t

from lab.client import LabClient

SMALL: dict[str, t.Any] = {
    "engine": "starrocks",
    "mode": "shared_data",
    "databases": 2,
    "tables": 5,
    "partitions": 2,
    "rate": 2,
}
GRACE = "lake_autovacuum_grace_period_minutes"
COMPACTION = "lake_compaction_max_tasks"
LEGACY = "enable_legacy_compatibility_for_replication"
DROPS = (
    "ddl_job_allow_drop_schema_change_table",
    "ddl_job_allow_drop_inconsistent_partition",
    "ddl_job_allow_drop_inconsistent_time_partition",
    "ddl_job_allow_drop_partition_target_only",
    "ddl_job_allow_drop_inconsistent_bitmap_index",
    "ddl_job_allow_drop_bitmap_index_target_only",
    "ddl_job_allow_drop_inconsistent_materialized_view",
    "ddl_job_allow_drop_inconsistent_view",
)


def variables(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    """The role's variables for a lab. Times are short, because the lab's clock is faster than ours."""
    described = lab.describe
    found: dict[str, t.Any] = {
        "starrocks_tool_directory": str(folder / "sync"),
        "starrocks_tool_archive": described["tool"]["archive"],
        "starrocks_tool_archive_sha256": described["tool"]["sha256"],
        "starrocks_source_cluster_user": "tool",
        "starrocks_source_cluster_password": described["users"]["tool"],
        "starrocks_target_cluster_user": "tool",
        "starrocks_target_cluster_password": described["users"]["tool"],
        "starrocks_poll_interval": "0.5s",
        "starrocks_cutover_poll_interval": "0.3s",
        "starrocks_quiet_time": "1s",
        "starrocks_start_wait": "0.5s",
        "starrocks_switch_tasks": str(switch(lab, folder)),
        "starrocks_journal": str(folder / "journal.jsonl"),
        "starrocks_migration_id": "move-lake",
        "starrocks_report": str(folder / "report.html"),
    }
    for side, prefix in (("source", ""), ("target", "target_")):
        cluster = described["clusters"][side]
        found[f"starrocks_{prefix}frontends"] = cluster["address"]
        found[f"starrocks_{prefix}address_map"] = cluster["address_map"]
        found[f"starrocks_{prefix}username"] = "root"
    if described["s3"]:
        reader = described["s3"]["users"]["source"]
        keys = {"aws.s3.access_key": reader["access_key"], "aws.s3.secret_key": reader["secret_key"]}
        found["starrocks_volume_credentials"] = {"*": keys}
    # What the tool would drop is said, each by its name.
    found.update({f"starrocks_{name}": True for name in DROPS})
    return {**found, **more}


def switch(lab: LabClient, folder: pathlib.Path) -> pathlib.Path:
    """A file with tasks that send the lab's clients to the target."""
    path = folder / "switch.yml"
    call = {
        "url": lab.describe["control"] + "/writers",
        "method": "POST",
        "body_format": "json",
        "body": {"to": "target"},
    }
    path.write_text(json.dumps([{"name": "Send the clients to the target", "ansible.builtin.uri": call}]))
    return path


def mutating(lab: LabClient) -> list[str]:
    return [one["request"] for one in lab.requests(mutating=True)]
