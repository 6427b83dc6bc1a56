#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_sync_tool
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Install, configure, run and stop the cross-cluster sync tool of StarRocks
description:
  - Looks after C(starrocks-cluster-sync), the tool of the StarRocks community that copies databases and tables to
    another cluster and follows their changes. Run this module on the host of the tool, which must reach all frontends
    of both clusters.
  - The tool is not part of this collection and never fetched by itself. Give its archive and the checksum.
  - Every property of C(conf/sync.properties) is an option of this module with the same name. What is not given stays as
    the archive has it, and a property that this release of the tool does not have is refused by name.
  - What the tool may drop on the target must be said. Every switch C(ddl_job_allow_drop_*) that would be on without
    anybody having asked for it is refused by name, until it is given as V(true) or V(false).
  - On hosts where systemd runs, and as root, the tool runs as a unit. Elsewhere it runs in a session of its own, which
    outlives the task, and is known again by a mark in its environment, its number, its start and the boot.
notes:
  - Needs Linux, and Java as the tool does.
  - C(conf/sync.properties) holds passwords, as the tool cannot take them from anywhere else. It is readable by its
    owner only. They appear in no result, diff, journal or process list.
  - C(bin/stop.sh) is not documented by the vendor. If the archive has one it is run first, for at most O(stop_timeout).
    What counts is that the processes end. They get C(SIGTERM), and after O(stop_timeout) C(SIGKILL).
  - Replication jobs that the tool had sent go on in the target's frontend after it was stopped.
    M(dbops.migration.starrocks_sync_progress_info) shows them.
  - Where C(KillUserProcesses) of systemd-logind is on, a tool in a session of its own ends when its user logs out. Use
    C(loginctl enable-linger), or a unit.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._starrocks_log
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Gets and checks the archive too, in a temporary folder, as the properties are merged into the file in it.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A one-time run that was complete is not begun again, unless its properties change or V(stopped) was asked for.
options:
  directory:
    description:
      - The folder of the tool, an absolute path. The archive is unpacked so that C(bin) and C(conf) are in it.
      - Beside them C(.dbops-migration) keeps the files as they were shipped.
      - Whoever unpacks or removes the tool must be able to write into the folder that this one is in. Meanwhile it has
        C(.NAME.dbops-migration), with the name of this folder. A call that was killed leaves that behind, with what it
        had moved away, and the next one brings it to its end or takes it back. Do not delete it by hand, as the tool's
        logs may be in it.
      - Only one call at a time works on a folder.
    type: path
    required: true
  state:
    description:
      - V(present) unpacks and configures. A tool that runs goes on with what it has read, see RV(restart_needed).
      - V(started) does that and lets it run. It is restarted when its properties, hosts, variables or archive changed.
      - V(stopped) ends it.
      - V(absent) ends it and removes the unit and the folder with its logs. A folder that this module has not unpacked
        only gets its files back as they were.
    type: str
    choices: [present, started, stopped, absent]
    default: present
  archive:
    description:
      - The tool's tar archive, an absolute path on the host where the module runs, or an C(https) URL (C(http) is
        possible, as the checksum decides).
      - Without it, the tool must be in O(directory) already.
      - When it is another one than the one unpacked, it takes the place of it. The logs stay.
    type: str
  archive_sha256:
    description:
      - The SHA-256 checksum of O(archive), as C(sha256sum) prints it. Needed with it.
    type: str
  one_time_run_mode:
    description:
      - Whether the tool copies everything once and ends, instead of following the source until it is stopped.
      - Start it with V(false) for the cutover. Nobody copies what is loaded after the one run.
      - A run that is complete by its last report is not started again. One that ended without such a report is, since
        only a comparison (M(dbops.migration.starrocks_sync_wait)) tells whether it was complete.
    type: bool
  source_fe_host:
    description:
      - Address or name of a frontend of the source.
    type: str
  source_fe_query_port:
    description:
      - Its C(query_port).
    type: int
  source_cluster_user:
    description:
      - User on the source. It needs C(OPERATE ON SYSTEM).
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_USER) is used.
    type: str
  source_cluster_password:
    description:
      - The password of O(source_cluster_user), or with O(source_cluster_password_secret_key) what C(SELECT
        TO_BASE64(AES_ENCRYPT('password', 'key'))) makes of it.
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_PASSWORD) is used.
    type: str
  source_cluster_password_secret_key:
    description:
      - The key that O(source_cluster_password) is encrypted with, which must be given too then. It stands in the same
        file.
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_PASSWORD_SECRET_KEY) is used.
    type: str
  source_cluster_token:
    description:
      - The token of the source, from C(meta/image/VERSION) on one of its frontends. A shared-data source needs none.
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_TOKEN) is used.
    type: str
  target_fe_host:
    description:
      - Address or name of a frontend of the target.
    type: str
  target_fe_query_port:
    description:
      - Its C(query_port).
    type: int
  target_cluster_user:
    description:
      - User on the target. It needs C(OPERATE ON SYSTEM), and rights to make, drop and fill tables.
      - When not set, the environment variable E(STARROCKS_TARGET_CLUSTER_USER) is used.
    type: str
  target_cluster_password:
    description:
      - The password of O(target_cluster_user), or with O(target_cluster_password_secret_key) its encrypted form.
      - When not set, the environment variable E(STARROCKS_TARGET_CLUSTER_PASSWORD) is used.
    type: str
  target_cluster_password_secret_key:
    description:
      - The key that O(target_cluster_password) is encrypted with, which must be given too then. It stands in the same
        file.
      - When not set, the environment variable E(STARROCKS_TARGET_CLUSTER_PASSWORD_SECRET_KEY) is used.
    type: str
  jdbc_connect_timeout_ms:
    description:
      - Milliseconds that the tool waits for a connection to a frontend.
    type: int
  jdbc_socket_timeout_ms:
    description:
      - Milliseconds that it waits for an answer.
    type: int
  include_data_list:
    description:
      - Databases and tables to migrate, as C(db) or C(db.table). A list, JSON text of one, or comma-separated text.
        Everything if it is empty.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables to leave out. Applied after O(include_data_list).
    type: raw
  target_cluster_storage_volume:
    description:
      - The storage volume of new tables on a shared-data target, instead of its default.
    type: str
  target_cluster_use_builtin_storage_volume_only:
    description:
      - Whether all tables go to C(builtin_storage_volume), whatever their volume on the source. Between shared-data
        clusters only.
    type: bool
  target_cluster_replication_num:
    description:
      - Replicas of new tables. V(-1) is as many as on the source.
    type: int
  target_cluster_max_disk_used_percent:
    description:
      - Disk usage of a BE above which the migration ends, on a shared-nothing target.
    type: int
  target_cluster_enable_persistent_index:
    description:
      - Whether new tables have a persistent index. Empty text, or V(null), is as on the source.
    type: str
  max_replication_data_size_per_job_in_gb:
    description:
      - Size of a job, in GB, above which partitions are copied by several.
    type: int
  meta_job_interval_seconds:
    description:
      - Seconds between two readings of the metadata of both clusters.
    type: int
  meta_job_threads:
    description:
      - Threads that read it.
    type: int
  ddl_job_interval_seconds:
    description:
      - Seconds between two rounds of DDL on the target.
    type: int
  ddl_job_batch_size:
    description:
      - Statements in a round.
    type: int
  ddl_job_allow_drop_target_only:
    description:
      - Whether databases and tables that only the target has are dropped.
    type: bool
  ddl_job_allow_drop_schema_change_table:
    description:
      - Whether tables on the target are dropped, and copied again, when their schema differs.
    type: bool
  ddl_job_allow_drop_inconsistent_partition:
    description:
      - Whether partitions on the target are dropped, and copied again, when their distribution differs.
    type: bool
  ddl_job_allow_drop_inconsistent_time_partition:
    description:
      - Whether partitions on the target are dropped, and copied again, when their time differs.
    type: bool
  ddl_job_allow_drop_partition_target_only:
    description:
      - Whether partitions that only the target has are dropped.
    type: bool
  enable_bitmap_index_sync:
    description:
      - Whether bitmap indexes are migrated.
    type: bool
  ddl_job_allow_drop_inconsistent_bitmap_index:
    description:
      - Whether bitmap indexes on the target that differ are dropped.
    type: bool
  ddl_job_allow_drop_bitmap_index_target_only:
    description:
      - Whether bitmap indexes that only the target has are dropped.
    type: bool
  enable_materialized_view_sync:
    description:
      - Whether definitions of materialized views are migrated, without their data.
    type: bool
  ddl_job_allow_drop_inconsistent_materialized_view:
    description:
      - Whether materialized views on the target that differ are dropped.
    type: bool
  ddl_job_allow_drop_materialized_view_target_only:
    description:
      - Whether materialized views that only the target has are dropped.
    type: bool
  enable_view_sync:
    description:
      - Whether logical views are migrated.
    type: bool
  ddl_job_allow_drop_inconsistent_view:
    description:
      - Whether views on the target that differ are dropped.
    type: bool
  ddl_job_allow_drop_view_target_only:
    description:
      - Whether views that only the target has are dropped.
    type: bool
  replication_job_interval_seconds:
    description:
      - Seconds between two rounds of replication jobs.
    type: int
  replication_job_batch_size:
    description:
      - Jobs in a round.
    type: int
  report_interval_seconds:
    description:
      - Seconds between two reports in the log.
    type: int
  enable_table_property_sync:
    description:
      - Whether properties of tables are migrated.
    type: bool
  enable_privilege_sync:
    description:
      - Whether users, roles and grants are migrated.
    type: bool
  ddl_job_allow_drop_user_target_only:
    description:
      - Whether users that only the target has are dropped.
    type: bool
  ddl_job_allow_drop_role_target_only:
    description:
      - Whether roles that only the target has are dropped.
    type: bool
  ddl_job_allow_drop_inconsistent_user:
    description:
      - Whether users on the target that differ are dropped.
    type: bool
  ddl_job_allow_revoke_grant_target_only:
    description:
      - Whether grants that only the target has are revoked.
    type: bool
  privilege_sync_exclude_users:
    description:
      - Users to leave out of that. C(root) and O(target_cluster_user) always are.
    type: raw
  privilege_sync_exclude_roles:
    description:
      - Roles to leave out of that.
    type: raw
  extra_properties:
    description:
      - Properties that are no options here, for releases of the tool that are newer than this collection. A mapping, or
        JSON text of one.
    type: raw
  force_properties:
    description:
      - Whether properties that the shipped file does not have are added at its end, instead of refused.
    type: bool
    default: false
  optional_properties:
    description:
      - Names of given properties that are left out where the shipped file does not have them, instead of refused. For
        what speeds a release up that knows it, such as O(report_interval_seconds), which is younger than the tool.
      - A list, JSON text of one, or comma-separated text. O(force_properties) goes before.
    type: raw
  address_map:
    description:
      - Where nodes of the source are reached that cannot be reached under the address which the cluster has of them.
        Goes into C(conf/hosts.properties).
      - A mapping, or JSON text of one. A key is a host as the column C(IP) of C(SHOW FRONTENDS), C(SHOW BACKENDS) or
        C(SHOW COMPUTE NODES) has it. A value is C(mappedHost), or C(mappedHost;srcPort:dstPort,srcPort:dstPort).
        Releases of the tool before 2026 take an IP address only, which is told by the comment in the shipped file.
    type: raw
  target_address_map:
    description:
      - The same for nodes of the target.
    type: raw
  source_hosts:
    description:
      - The hosts of the source as its own lists show them. Every key of O(address_map) must be one of them, letter by
        letter. Names that are not mapped are warned of.
      - A list of texts, or of mappings with a key C(host), such as M(dbops.migration.starrocks_info) returns. JSON text
        or comma-separated text is accepted too.
    type: raw
  target_hosts:
    description:
      - The same for the target and O(target_address_map).
    type: raw
  source_run_mode:
    description:
      - How the source stores data. A V(shared_nothing) source needs O(source_cluster_token).
    type: str
    choices: [shared_nothing, shared_data]
    default: shared_nothing
  target_run_mode:
    description:
      - How the target stores data. If given, it is checked that the path is one that the tool supports.
    type: str
    choices: [shared_nothing, shared_data]
  supervisor:
    description:
      - What the tool runs under. V(auto) is V(systemd) where it runs and the module is root, otherwise V(session).
    type: str
    choices: [auto, systemd, session]
    default: auto
  unit_name:
    description:
      - Name of the systemd unit. Two tools on one host need two names.
    type: str
    default: starrocks-cluster-sync
  user:
    description:
      - The user that the systemd unit runs as, who must exist and gets the folder when it is unpacked. Without systemd,
        become that user for the task.
    type: str
  environment:
    description:
      - Variables for the tool, such as C(JAVA_HOME). A mapping, or JSON text of one. Of the module's own environment it
        gets the search path, the locale and the time zone only.
      - Values may be secret, such as a C(-Djavax.net.ssl.trustStorePassword) in C(JAVA_TOOL_OPTIONS). Only names are
        shown, and a systemd unit reads the values from a file that only its owner can read.
    type: raw
  adopt:
    description:
      - Whether a tool in O(directory) that somebody else has started is treated as if this module had. Otherwise it is
        told of as an error.
    type: bool
    default: false
  start_wait:
    description:
      - How long the tool must live after its start to be taken for started, in seconds or with a unit.
    type: str
    default: 3s
  stop_timeout:
    description:
      - How long each way of ending it is given, in seconds or with a unit.
    type: str
    default: 30s
  download_timeout:
    description:
      - How long to wait for the server of O(archive), in seconds or with a unit.
    type: str
    default: 60s
seealso:
  - module: dbops.migration.starrocks_sync_progress_info
  - module: dbops.migration.starrocks_preflight
"""

EXAMPLES = r"""
- name: Let the sync tool run
  dbops.migration.starrocks_sync_tool:
    directory: /opt/starrocks-cluster-sync
    state: started
    archive: https://mirror.example.com/starrocks-cluster-sync.tar.gz
    archive_sha256: "{{ sync_tool_sha256 }}"
    source_fe_host: 10.1.0.11
    source_cluster_user: sync
    source_cluster_password: "{{ vault_source_password }}"
    source_cluster_token: "{{ vault_source_token }}"
    target_fe_host: 10.2.0.11
    target_cluster_user: sync
    target_cluster_password: "{{ vault_target_password }}"
    include_data_list: [sales, hr.people]
    ddl_job_allow_drop_schema_change_table: true
    ddl_job_allow_drop_inconsistent_partition: true
    ddl_job_allow_drop_inconsistent_time_partition: true
    ddl_job_allow_drop_partition_target_only: true
    journal: /var/lib/dbops/sales.jsonl

- name: Stop it
  dbops.migration.starrocks_sync_tool:
    directory: /opt/starrocks-cluster-sync
    state: stopped
    journal: /var/lib/dbops/sales.jsonl
"""

RETURN = r"""
directory:
  description: The folder, with links resolved.
  returned: success
  type: str
installed_sha256:
  description: The checksum of the archive that this module has unpacked there. Null if it has not.
  returned: success
  type: str
running:
  description: Whether the tool runs, whoever has started it.
  returned: success
  type: bool
pids:
  description: The numbers of its processes.
  returned: success
  type: list
  elements: int
supervisor:
  description: C(systemd) or C(session).
  returned: success
  type: str
started_at:
  description: When this module has started it. Null if it has not, or has stopped it since.
  returned: success
  type: str
restart_needed:
  description: >-
    Whether the tool runs with something else than what is configured now, which happens with O(state=present).
  returned: success
  type: bool
properties:
  description: The properties in effect (in check mode, as they would be). Secrets are masked.
  returned: success
  type: dict
run:
  description: >-
    How a one-time run ended that is over, by its last reports and errors, not by its exit code. C(completed),
    C(failed), or C(ended) where no last report says whether all is equal, so that only a comparison tells; the next
    call starts it again. Null for a tool that runs or follows the source.
  returned: success
  type: str
run_reasons:
  description: Why, each with C(code) and C(text).
  returned: success
  type: list
  elements: dict
remains:
  description: What a stop does not end.
  returned: when the tool was stopped
  type: str
changes:
  description: The changes that were made, or would be.
  returned: when the folder could be read
  type: list
  elements: dict
  contains:
    resource:
      description: C(tool:) with host and folder, and the file, C(:unit) or C(:process).
      type: str
    action:
      description: C(install), C(configure), C(unit), C(start), C(stop), C(remove_unit), C(remove) or C(give_back).
      type: str
    before:
      description: What was there. Of properties only those that differ.
      type: raw
    after:
      description: What is there then.
      type: raw
    request:
      description: What is done.
      type: dict
code:
  description: >-
    Stable code of the error, such as C(starrocks.tool_checksum), C(starrocks.tool_archive_unsafe),
    C(starrocks.tool_layout), C(starrocks.tool_property_unknown), C(starrocks.tool_drops_unspoken),
    C(starrocks.tool_directory_taken), C(starrocks.tool_started_elsewhere), C(starrocks.tool_died),
    C(starrocks.tool_not_stopped) or C(option.invalid).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_options import (
    extra_secrets,
    tool_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_task import ToolTask


def main() -> None:
    module = tool_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    # Ansible shows a module's options when it is verbose, and knows of its own secrets only.
    module.no_log_values.update(extra_secrets(module.params))
    redactor = redactor_from(module.params)
    task = ToolTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, task.partial)


if __name__ == "__main__":
    main()
