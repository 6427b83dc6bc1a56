#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_migration_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Tell where the migration of a StarRocks cluster stands and what its path needs
description:
  - Tells by the journal how far a migration is, and by path and versions of both clusters, which settings it needs
    where, so that a run finds its own place.
  - Tells also what is still to be undone. That is the configs which the journal knows as changed, the rest of the ramp
    by which compaction comes back, and whether the source owes a pass of the auto-vacuum.
  - A target that cannot be reached is no error, because a migration can be given up without it. RV(target_problem) says
    why then.
  - Nor is a source that cannot be reached, once the clients were switched, because it may have been switched off since.
    RV(source_problem) says why then, and RV(source_left) what is still to be put back there. Before that, or with
    neither of them, it fails.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._starrocks_target
  - dbops.migration._journal
options:
  journal:
    description:
      - Where the journal of the migration is kept, a path on the host where the module runs, or V(s3://bucket/prefix).
      - It is only read here. Without one, nothing counts as done.
  compaction_off:
    description:
      - Whether new compactions are stopped on a shared-data target during the migration. V(auto) decides by path and
        version.
    type: str
    choices: [auto, 'yes', 'no']
    default: auto
  source_settings:
    description:
      - More configs for the frontends of the source, as O(dbops.migration.starrocks_frontend_config#module:settings).
        What is said of a key here counts.
    type: raw
  target_settings:
    description:
      - The same for the target. Such as V(replication_max_parallel_table_count).
    type: raw
  compaction_ramp:
    description:
      - Values of C(lake_compaction_max_tasks) that are set one after another before the former one is put back. Numbers
        that grow, a list, JSON text of one, or comma-separated text.
    type: raw
  compaction_ramp_time:
    description:
      - How long each of them stays.
    type: str
    default: 5m
  vacuum_time:
    description:
      - For how long the auto-vacuum looks at idle partitions too, when that is needed.
    type: str
    default: 30m
  approved_plan_hash:
    description:
      - The RV(plan_hash) that was approved, or at least its first 12 characters. Fails with V(plan.not_approved) in
        RV(code) when the plan has another one, and with the cluster's own error when one of them cannot be asked.
    type: str
  create_sync_users:
    description:
      - Whether M(dbops.migration.starrocks_sync_user) will make the users of the sync tool. Fails when a password of
        theirs is encrypted, as the users would be made with the encrypted text as their password.
    type: bool
    default: false
  source_cluster_password:
    description:
      - The tool's password on the source. It is not used, only missed when there is
        O(source_cluster_password_secret_key).
    type: str
  source_cluster_password_secret_key:
    description:
      - The key that O(source_cluster_password) is encrypted with, if it is. See O(create_sync_users) also.
    type: str
  target_cluster_password:
    description:
      - The tool's password on the target, for the same.
    type: str
  target_cluster_password_secret_key:
    description:
      - The key that O(target_cluster_password) is encrypted with.
    type: str
  include_data_list:
    description:
      - Databases and tables that are migrated, as C(db) or C(db.table). By default all. This and what follows is only
        read for RV(plan), so that an approval is bound to it.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables to leave out.
    type: raw
  sync_properties:
    description:
      - Properties of the sync tool that will be set, without secrets. A mapping, or JSON text of one.
    type: raw
  source_node_settings:
    description:
      - Configs for the backends and compute nodes of the source, as
        O(dbops.migration.starrocks_backend_config#module:settings).
    type: raw
  target_node_settings:
    description:
      - The same for the target.
    type: raw
  archive_sha256:
    description:
      - The checksum of the sync tool's archive.
    type: str
  switch_tasks:
    description:
      - The path of the file with the tasks that switch the clients. What is in the file is not part of the plan.
    type: path
  budget:
    description:
      - The longest time for which the cutover may refuse writes.
    type: str
    default: 15m
  switch_reserve:
    description:
      - The part of O(budget) that is kept for the switch.
    type: str
    default: 1m
  quiet_time:
    description:
      - How long the source's partitions must be seen unchanged.
    type: str
    default: 10s
seealso:
  - module: dbops.migration.starrocks_info
  - module: dbops.migration.starrocks_frontend_config
"""

EXAMPLES = r"""
- name: See where the migration stands
  dbops.migration.starrocks_migration_info:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030]
    journal: /var/lib/dbops/warehouse.jsonl
  register: migration
"""

RETURN = r"""
stage:
  description: >-
    C(not_started), C(migrating), C(frozen) (a cutover was begun and has not come to its end), C(handed_over) or
    C(cut_over).
  returned: success
  type: str
summary:
  description: The same for people.
  returned: success
  type: str
path:
  description: The run modes of both clusters. Null if one of them could not be asked.
  returned: success
  type: str
  sample: shared_data -> shared_data
mirror:
  description: Whether the target needs volumes to read the source's storage. False if one of them could not be asked.
  returned: success
  type: bool
tool_is_away:
  description: Whether the journal says that the sync tool was removed, and not begun again since.
  returned: success
  type: bool
settings:
  description: What the migration needs. Null if one of the clusters could not be asked.
  returned: success
  type: dict
  contains:
    source:
      description: Configs of the source's frontends, in the order in which they are set.
      type: list
      elements: dict
    target:
      description: Configs of the target's frontends.
      type: list
      elements: dict
    target_variables:
      description: Global variables of the target.
      type: dict
    compaction_off:
      description: Whether new compactions are stopped on the target.
      type: bool
    compaction_reason:
      description: Why, or why not.
      type: str
source:
  description: The source. Null if it could not be asked.
  returned: success
  type: dict
  contains:
    cluster_id:
      description: Its ClusterId.
      type: str
    version:
      description: The lowest version of its frontends.
      type: str
    run_mode:
      description: C(shared_nothing) or C(shared_data).
      type: str
    fe_host:
      description: The first frontend of the options, for the sync tool.
      type: str
    fe_query_port:
      description: Its query port.
      type: int
    hosts:
      description: The hosts of frontends and nodes as the cluster has them.
      type: list
      elements: str
    file_blocks:
      description:
        - Configuration files that have a block of this migration, or may have, by C(host), C(path) and C(block). The
          host has the name that the inventory gives it.
      type: list
      elements: dict
    frontend_configs_to_restore:
      description: Configs of frontends to be put back, the last one changed first. Without those of a freeze and of a
        vacuum pass.
      type: list
      elements: str
    node_configs_to_restore:
      description: Configs of backends and compute nodes to be put back.
      type: list
      elements: str
    mirrors_to_drop:
      description: Volumes that this migration has made to read the source's storage, to be dropped.
      type: list
      elements: str
    users_to_drop:
      description: Users of the sync tool to be dropped.
      type: list
      elements: str
    variables_to_restore:
      description: Global variables to be put back.
      type: list
      elements: str
finished:
  description: >-
    Whether the clients were switched and nothing is left to be put back on either cluster, nor of the tool. Writes to
    the source may still be refused. False if the target could not be asked.
  returned: success
  type: bool
source_left:
  description: >-
    Configs, global variables and users that the journal knows as changed on a source which could not be asked, the last
    one changed first, then blocks in files, and a pass of the auto-vacuum that it owes. Without the freeze. Empty if it
    could be asked, when RV(source) tells it.
  returned: success
  type: list
  elements: str
  sample: [lake_autovacuum_grace_period_minutes]
source_problem:
  description: Why the source could not be asked, with C(code) and C(msg). Null if it could.
  returned: success
  type: dict
journal_problem:
  description: >-
    Set when the journal knows of changes on a cluster that neither O(frontends) nor O(target_frontends) leads to, with
    C(code), C(msg), and C(details) by cluster. Such as a wrong address, or a target that was set up anew. Null if there
    is none, or if one of the clusters could not be asked.
  returned: success
  type: dict
target:
  description: The same of the target. Null if it could not be asked.
  returned: success
  type: dict
target_problem:
  description: Why the target could not be asked, with C(code) and C(msg). Null if it could.
  returned: success
  type: dict
plan:
  description:
    - What an approval is bound to, that is scope, clusters, settings and limits. Null if one of the clusters could not
      be asked.
  returned: success
  type: dict
plan_hash:
  description:
    - The SHA-256 of RV(plan). The same options for the same clusters have the same hash, in whatever form they are
      given. Empty if one of the clusters could not be asked.
  returned: success
  type: str
plan_summary:
  description: The plan in a few words.
  returned: success
  type: str
compaction_ramp:
  description: The steps of O(compaction_ramp) that are still to be gone, the present one first.
  returned: success
  type: list
  elements: dict
  contains:
    tasks:
      description: The value of C(lake_compaction_max_tasks).
      type: int
    seconds_left:
      description: How long it stays yet. By the journal, for the step that was being gone when a run was broken off.
      type: float
vacuum:
  description: >-
    Whether a pass of the auto-vacuum over idle partitions is C(needed), with which C(wanted_threshold) in hours, and
    C(seconds_left) of it.
  returned: success
  type: dict
code:
  description: Stable code of the error, such as C(plan.not_approved), C(starrocks.same_cluster),
    C(starrocks.unreachable).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import settings_redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_task import (
    MigrationTask,
    migration_argument_spec,
)

SETTINGS = ("source_settings", "target_settings", "source_node_settings", "target_node_settings")


def main() -> None:
    module = migration_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = settings_redactor(module.params, SETTINGS)
    run(module, redactor, MigrationTask(module.params, redactor, SystemClock()).body)


if __name__ == "__main__":
    main()
