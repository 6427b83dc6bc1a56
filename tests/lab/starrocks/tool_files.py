# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""conf/sync.properties and conf/hosts.properties as the manual prints them, revision by revision (facts 5.2, 5.3)."""

from __future__ import annotations

from dataclasses import dataclass

HOSTS = {
    "old": "# <SOURCE/TARGET>_<domain>=<IP>\n",
    "new": "# <SOURCE/TARGET>_<host>=<mappedHost>[;<srcPort>:<dstPort>[,<srcPort>:<dstPort>...]]\n",
}


@dataclass(frozen=True)
class Generation:
    """``number`` orders the revisions; ``log``: how its lines look; ``hosts``: the grammar of hosts.properties."""

    name: str
    number: int
    log: str
    hosts: str


GENERATIONS = {
    found.name: found
    for found in (
        Generation("2024-02", 1, "a", "old"),
        Generation("2024-05", 2, "a", "old"),
        Generation("2024-09", 3, "b", "old"),
        Generation("2025-06", 4, "current", "old"),
        Generation("2026", 5, "current", "new"),
    )
}

# The text of the newest manual. A line begins with the revision that brought it, and the one whose last it is where a
# later one prints something else.
_LINES = """
1  # If true, all tables will be synchronized only once, and the program will exit automatically after completion.
1  one_time_run_mode=false
1
1  source_fe_host=
1  source_fe_query_port=9030
1  source_cluster_user=root
1  source_cluster_password=
3  source_cluster_password_secret_key=
5  # You can leave this empty or omit it if you want to migrate data between shared-data source clusters.
1  source_cluster_token=
1
1  target_fe_host=
1  target_fe_query_port=9030
1  target_cluster_user=root
1  target_cluster_password=
3  target_cluster_password_secret_key=
5
5  jdbc_connect_timeout_ms=30000
5  jdbc_socket_timeout_ms=60000
1
1  # Comma-separated list of database names or table names like <db_name> or <db_name.table_name>
1  # example: db1,db2.tbl2,db3
1  # Effective order: 1. include 2. exclude
1  include_data_list=
1  exclude_data_list=
1
1  # If there are no special requirements, please maintain the default values for the following configurations.
2  target_cluster_storage_volume=
5  # This configuration item is for migration between shared-data clusters only.
5  target_cluster_use_builtin_storage_volume_only=false
2  target_cluster_replication_num=-1
3  target_cluster_max_disk_used_percent=80
4  # To maintain consistency with the source cluster, use null.
4  target_cluster_enable_persistent_index=
1
33 max_replication_data_size_per_job_in_gb=-1
4  max_replication_data_size_per_job_in_gb=1024
1
1  meta_job_interval_seconds=180
2  meta_job_threads=4
11 ddl_job_interval_seconds=15
2  ddl_job_interval_seconds=10
1  ddl_job_batch_size=10
1
4  # table config
1  ddl_job_allow_drop_target_only=false
1  ddl_job_allow_drop_schema_change_table=true
1  ddl_job_allow_drop_inconsistent_partition=true
4  ddl_job_allow_drop_inconsistent_time_partition = true
3  ddl_job_allow_drop_partition_target_only=true
4  # index config
4  enable_bitmap_index_sync=false
4  ddl_job_allow_drop_inconsistent_bitmap_index=true
4  ddl_job_allow_drop_bitmap_index_target_only=true
4  # MV config
4  enable_materialized_view_sync=false
4  ddl_job_allow_drop_inconsistent_materialized_view=true
4  ddl_job_allow_drop_materialized_view_target_only=false
4  # View config
4  enable_view_sync=false
4  ddl_job_allow_drop_inconsistent_view=true
4  ddl_job_allow_drop_view_target_only=false
1
11 replication_job_interval_seconds=15
2  replication_job_interval_seconds=10
1  replication_job_batch_size=10
3  report_interval_seconds=300
4
4  enable_table_property_sync=false
"""


def generation_of(name: str) -> Generation:
    """A generation by its name; ValueError for an unknown one."""
    if name not in GENERATIONS:
        raise ValueError("tool generation: %r is not one of %s" % (name, ", ".join(GENERATIONS)))
    return GENERATIONS[name]


def sync_properties(generation: Generation) -> str:
    """The file as it is shipped."""
    found = []
    for line in _LINES.strip("\n").splitlines():
        marks, text = line[:2].strip(), line[3:]
        first, last = int(marks[0]), int(marks[1:] or 9)
        if first <= generation.number <= last:
            found.append(text)
    return "\n".join(found) + "\n"
