# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StarRocks role's variables for a lab, and what the lab tells of a run afterwards."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import typing as t

from bench import guards
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
STALE = "lake_autovacuum_stale_partition_threshold"
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
    """What changes something, without definitions of volumes; the sync tool has a user of its own, and is left out."""
    return [one["request"].partition(" TYPE = ")[0] for one in lab.requests(mutating=True) if one.get("user") == "root"]


def changed_configs(lab: LabClient) -> dict[str, set[str]]:
    """Per cluster, configs that differ from their defaults on any frontend; without what its own fe.conf is for."""
    own = {"http_port", "priority_networks", "query_port", "rpc_port"}
    clusters = lab.state()["clusters"]
    return {
        side: {key for frontend in cluster["frontends"] for key in frontend["config"]} - own
        for side, cluster in clusters.items()
    }


def volumes(lab: LabClient, side: str) -> set[str]:
    """The names of a cluster's storage volumes."""
    return set(lab.state()["clusters"][side]["storage_volumes"])


def frozen(lab: LabClient) -> list[bool]:
    """Whether each frontend of the source refuses loads."""
    frontends = lab.state()["clusters"]["source"]["frontends"]
    return [one["config"].get("disable_load_job") == "true" for one in frontends]


def behind_the_freeze(lab: LabClient, folder: pathlib.Path) -> bool:
    """Whether a frontend refuses loads. Then the guard of the journal below ``folder`` is stopped, so that it and its
    module can be killed without one of them lifting the freeze because the other is gone.
    """
    if not any(frozen(lab)):
        return False
    for pid in guards.running(folder / "journal.jsonl"):
        os.kill(pid, signal.SIGSTOP)
    return True


def tool_processes(folder: pathlib.Path) -> list[int]:
    """The numbers of the processes of a sync tool in the folder of a test."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder / "sync"):
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended, or is somebody else's
    return found


def tool_runs(folder: pathlib.Path) -> bool:
    """Whether a sync tool runs there."""
    return bool(tool_processes(folder))


def replicating(lab: LabClient) -> bool:
    """Whether a replication runs inside the target, by itself or for a tool."""
    running = lab.state()["clusters"]["target"]["running_transactions"]
    return any(one["type"] == "REPLICATION" for found in running.values() for one in found)


def as_before(lab: LabClient, folder: pathlib.Path) -> None:
    """Nothing of a migration is left but its tables on the target, and the clients write to the source."""
    assert changed_configs(lab) == {"source": set(), "target": set()}
    assert volumes(lab, "target") == {"lake_a", "lake_b"}
    assert not replicating(lab)
    assert not tool_runs(folder)
    assert not (folder / "sync").exists()
    writing_to(lab, "source")


def writing_to(lab: LabClient, side: str) -> None:
    """The clients are on that cluster, get their rows acknowledged there, and have lost none."""
    ledger = lab.ledger()
    assert ledger["writes_to"] == side
    assert ledger["missing"] == 0
    before = ledger["acknowledged"]
    lab.wait_for(lambda _state: lab.ledger()["acknowledged"] > before)
