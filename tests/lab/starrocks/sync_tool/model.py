# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done: tables of both clusters compared, as pure functions."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .settings import Settings

Meta = t.Dict[str, t.Any]
"""One table as getTableMeta tells it."""
Name = t.Tuple[str, str]
"""(database, table)"""
GB = 1 << 30


@dataclass
class Catalog:
    """One cluster's databases and tables as of one metadata cycle."""

    databases: t.Dict[str, t.Any] = field(default_factory=dict)
    tables: t.Dict[Name, Meta] = field(default_factory=dict)
    run_mode: str = "shared_nothing"


@dataclass(frozen=True)
class Ddl:
    """One statement for the target; ``subject`` names what it is about."""

    subject: str
    sql: str


@dataclass
class Request:
    """One table's replication: (source partition, target partition) pairs."""

    name: Name
    source: Meta
    target: Meta
    partitions: t.List[t.Tuple[Meta, Meta]]
    bytes: int


def effective(partition: Meta) -> int:
    """The version that counts: older clusters tell no data version (facts 4.5)."""
    return int(partition["data_version"] or partition["version"])


def behind(source: Meta, target: t.Optional[Meta]) -> t.List[t.Tuple[Meta, Meta]]:
    """Partitions of a table whose data on the target are not those of the source."""
    mine = {p["name"]: p for p in target["partitions"]} if target else {}
    return [
        (p, mine[p["name"]])
        for p in source["partitions"]
        if p["name"] in mine and effective(p) != effective(mine[p["name"]])
    ]


def replications(source: Catalog, target: Catalog, settings: Settings) -> t.List[Request]:
    """The jobs that would bring the target up to the source, a table at most once."""
    limit = settings.number("max_replication_data_size_per_job_in_gb", 1024)
    found = []
    for name, meta in source.tables.items():
        mine = target.tables.get(name)
        if mine is None or schema(meta) != schema(mine):
            continue
        pairs: t.List[t.Tuple[Meta, Meta]] = []
        size = 0
        for pair in behind(meta, mine):
            if pairs and limit > 0 and size + pair[0]["bytes"] > limit * GB:
                break
            pairs.append(pair)
            size += pair[0]["bytes"]
        if pairs:
            found.append(Request(name, meta, mine, pairs, size))
    return found


def schema(meta: Meta) -> t.List[str]:
    """What must be equal of two tables' columns and keys."""
    return list(meta["schema"])


def equal(source: Meta, target: t.Optional[Meta]) -> bool:
    """True when every partition of a table has arrived."""
    if target is None or schema(source) != schema(target):
        return False
    names = {p["name"] for p in target["partitions"]}
    return all(p["name"] in names for p in source["partitions"]) and not behind(source, target)


def start_request(request: Request, job: str, token: str, backends: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """TTableReplicationRequest (facts 6)."""
    return {
        "database_id": request.target["database_id"],
        "table_id": request.target["table_id"],
        "src_token": token,
        "src_table_type": "CLOUD_NATIVE" if request.source["storage_volume"] else "OLAP",
        "src_table_data_size": request.bytes,
        "job_id": job,
        "src_database_id": request.source["database_id"],
        "src_table_id": request.source["table_id"],
        "src_storage_volume_name": request.source["storage_volume"],
        "src_backends": list(backends),
        "partition_replication_infos": [
            {
                "partition_id": mine["id"],
                "src_partition_id": theirs["id"],
                "src_version": theirs["version"],
                "src_data_version": theirs["data_version"],
                "src_version_epoch": theirs["version_epoch"],
            }
            for theirs, mine in request.partitions
        ],
    }
