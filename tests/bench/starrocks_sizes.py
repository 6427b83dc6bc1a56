# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P5 and P6: preflight and comparison of large clusters, each in a process of its own."""

from __future__ import annotations

import dataclasses
import typing as t

from bench import starrocks_labs as labs
from bench.starrocks_labs import Fresh, Shape
from bench.workshop import RunFailed, folder
from lab.client import LabClient

PARTITIONS = 11
"""Of each table but one in ten: with 10,000 tables they are 100,000 in all."""
PROPERTIES = {
    f"ddl_job_allow_drop_{name}": True
    for name in (
        *labs.DROPS,
        "bitmap_index_target_only",
        "inconsistent_bitmap_index",
        "inconsistent_materialized_view",
        "inconsistent_view",
    )
}


@dataclasses.dataclass(frozen=True)
class Looked:
    """One run: how many tables and partitions it looked at, and how many requests the lab received meanwhile."""

    run: Fresh
    tables: int
    partitions: int
    requests: int


def shape(seed: int, tables: int, copied: bool) -> Shape:
    """Shared-data on both sides, the newest path, with storage volumes to look at."""
    return Shape(seed, tables, PARTITIONS, mode="shared_data", databases=20, copied=copied)


def preflight(found: Shape) -> Looked:
    """Everything that speaks against a migration."""
    home = folder(f"p5-{found.seed}-{'copied' if found.copied else 'empty'}")
    with labs.laboratory(found) as lab:
        _quiet(lab)
        lab.clear_requests()
        options = {**labs.both(lab), "sync_properties": PROPERTIES, "fail_on_blocker": False}
        run = labs.fresh("preflight", options, home)
        seen = run.result["looked_at"]
        return Looked(run, int(seen["tables"]), int(seen["partitions"]), len(lab.requests()))


def compare(found: Shape) -> t.Iterator[Looked]:
    """All partitions of both sides, first as they are, equal; then with some that are not."""
    home = folder(f"p6-{found.seed}")
    with labs.laboratory(found) as lab:
        _quiet(lab)
        yield _compare(lab, home, equal=True)
        _spoil(lab)
        yield _compare(lab, home, equal=False)


def _compare(lab: LabClient, home: t.Any, equal: bool) -> Looked:
    lab.clear_requests()
    run = labs.fresh("comparison_info", labs.both(lab), home)
    if run.result["equal"] is not equal:
        raise RunFailed(f"{home}: a comparison says equal={run.result['equal']}: {run.result['counts']}")
    return Looked(run, int(run.result["tables"]), int(run.result["partitions"]), len(lab.requests()))


def _quiet(lab: LabClient) -> None:
    """Let nothing load by itself: a source that moves on is not equal any more."""
    source = labs.clusters(lab)["clusters"]["source"]
    statements = [f"PAUSE ROUTINE LOAD FOR {name}" for name in source["routine_loads"]]
    lab.foreign(sql=[*statements, *(f"ALTER PIPE {name} SUSPEND" for name in source["pipes"])])


def _spoil(lab: LabClient) -> None:
    """Let one partition of a table be behind."""
    [[database, table, partition, version]] = lab.foreign(
        cluster="target",
        sql="SELECT DB_NAME, TABLE_NAME, PARTITION_NAME, DATA_VERSION FROM information_schema.partitions_meta"
        " WHERE DATA_VERSION > 1 LIMIT 1",
    )["sql"][0]
    lab.foreign(
        cluster="target",
        fields={"table": f"{database}.{table}", "partition": partition, "data_version": int(version) - 1},
    )
