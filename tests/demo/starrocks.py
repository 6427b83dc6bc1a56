# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo-starrocks: migrate 200 tables to another simulated StarRocks cluster while loads go on."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

from demo import stage, starrocks_summary

# What the sync tool would drop on the target is said, each by its name.
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


def variables(described: t.Mapping[str, t.Any], home: pathlib.Path) -> dict[str, t.Any]:
    """The variables of the playbook."""
    source, target = described["clusters"]["source"], described["clusters"]["target"]
    reader = described["s3"]["users"]["source"]
    return {
        "starrocks_frontends": source["address"],
        "starrocks_address_map": source["address_map"],
        "starrocks_target_frontends": target["address"],
        "starrocks_target_address_map": target["address_map"],
        "starrocks_source_cluster_user": "tool",
        "starrocks_source_cluster_password": described["users"]["tool"],
        "starrocks_target_cluster_user": "tool",
        "starrocks_target_cluster_password": described["users"]["tool"],
        "starrocks_tool_directory": str(home / "starrocks-cluster-sync"),
        "starrocks_tool_archive": described["tool"]["archive"],
        "starrocks_tool_archive_sha256": described["tool"]["sha256"],
        "starrocks_volume_credentials": {
            "*": {"aws.s3.access_key": reader["access_key"], "aws.s3.secret_key": reader["secret_key"]}
        },
        **{f"starrocks_{name}": True for name in DROPS},
        "starrocks_compaction_ramp": [4, 16],
        # The lab's clock runs ten times faster than ours.
        "starrocks_compaction_ramp_time": "3s",
        "starrocks_quiet_time": "3s",
        "starrocks_poll_interval": "2s",
        "starrocks_switch_tasks": str(switch(described, home)),
        "starrocks_migration_id": "demo-warehouse",
        "starrocks_journal": str(home / "journal.jsonl"),
        "starrocks_report": str(home / "report.html"),
    }


def switch(described: t.Mapping[str, t.Any], home: pathlib.Path) -> pathlib.Path:
    """The operator's tasks: they send the lab's clients to the target."""
    path = home / "switch.yml"
    call = {"url": described["control"] + "/writers", "method": "POST", "body_format": "json", "body": {"to": "target"}}
    path.write_text(json.dumps([{"name": "Send the clients to the target", "ansible.builtin.uri": call}], indent=2))
    return path


def connect(described: t.Mapping[str, t.Any]) -> str:
    """How a person reaches the clusters."""
    lines = [
        f"StarRocks {cluster['version']} (simulated), {side}, {cluster['run_mode']}: {','.join(cluster['address'])}"
        for side, cluster in described["clusters"].items()
    ]
    return "\n".join([*lines, f"S3 (moto): {described['s3']['endpoint']}"])


DEMO = stage.Demo(
    engine="starrocks",
    profile="4.1",
    starting="Starting the lab: two clusters (3 frontends, 3 compute nodes each), S3, 200 tables, loads ...",
    lab=("--mode", "shared_data", "--tables", "200", "--databases", "4", "--rate", "20", "--factor", "10"),
    variables=variables,
    connect=connect,
    summary=starrocks_summary.text,
)

if __name__ == "__main__":
    sys.exit(stage.main(DEMO))
