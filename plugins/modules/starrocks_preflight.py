#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_preflight
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Find everything that speaks against migrating StarRocks tables to another cluster
description:
  - Looks at both clusters, their frontends and nodes, the selected tables, everything else that lives on the source,
    and what the sync tool is about to do with its properties. Reports all findings at once, each with what was seen and
    what to do about it. Changes nothing.
  - A finding is a blocker, a warning or an info. While a blocker is open the module fails, unless it is accepted by its
    id in O(accept), with a reason and an expiry.
  - The findings about tables and objects carry a verdict, C(migrated), C(needs_switch) (of the sync tool), C(recreate)
    (by hand on the target) or C(unsupported), and the query that found them. The whole list is in RV(inventory).
  - The number of questions does not grow with the number of tables, but for C(SHOW CREATE TABLE), which is read of up
    to 1000 selected tables unless O(deep) is true; nothing else tells of C(AUTO_INCREMENT) columns and of indexes.
notes:
  - "Privileges on both clusters: C(OPERATE ON SYSTEM), and any privilege on every table and view. Tables that the user
    does not see are found by counting, and are a blocker."
  - "Ids about the pair: C(starrocks.cluster.same) (both options lead to one cluster; nothing else is reported then) and
    C(starrocks.cluster.same_id) (two clusters with one id), blockers that cannot be accepted;
    C(starrocks.path.unsupported) (shared-data to shared-nothing), C(starrocks.path.target_too_old), blockers;
    C(starrocks.version.older_target), C(starrocks.version.mixed), warnings;
    C(starrocks.path.supported), an info."
  - "Ids about members: C(starrocks.frontend.dead), C(starrocks.frontend.unreachable),
    C(starrocks.frontend.load_balancer) (not each frontend answers for itself), C(starrocks.node.dead),
    C(starrocks.port.frontend_unreachable), C(starrocks.tablet.broken), C(starrocks.disk.full), blockers;
    C(starrocks.frontend.same_host), C(starrocks.frontend.not_listed), C(starrocks.frontend.clock_skew)
    (between any two of both clusters and the host of the module), C(starrocks.node.decommissioned),
    C(starrocks.port.node_unreachable), C(starrocks.tablet.unhealthy), C(starrocks.disk.nearly_full), warnings."
  - "Ids about settings: C(starrocks.config.loads_disabled) (on any living frontend), a blocker on the target and a
    warning on the source;
    C(starrocks.config.encrypted), a blocker; C(starrocks.config.transactions), C(starrocks.config.trash_expires),
    warnings; C(starrocks.config.differ) (FE configs that say which tables and loads are accepted), a warning where the
    target takes less, otherwise an info; C(starrocks.variables.differ), an info."
  - "Ids about what is seen and selected: C(starrocks.privileges.operate), C(starrocks.privileges.hidden_tables),
    C(starrocks.inventory.unknown), C(starrocks.selection.unknown) (an entry of O(include_data_list) that names
    nothing), C(starrocks.selection.empty), blockers; C(starrocks.selection.excluded_unknown),
    C(starrocks.inventory.not_visible), C(starrocks.inventory.databases_unasked) (of more than 20, without O(deep)),
    C(starrocks.inventory.properties_unknown) (before 3.0), warnings;
    C(starrocks.inventory.policies_unlisted) (policies on rows and columns must be asked for, from 3.1.9 on), an info."
  - "Ids about tables: C(starrocks.table.auto_increment), C(starrocks.table.range_distribution), blockers;
    C(starrocks.table.auto_increment_unknown), C(starrocks.table.external), C(starrocks.table.generated_columns),
    C(starrocks.table.temporary_partitions), C(starrocks.table.altering), C(starrocks.table.unstable_colocation),
    warnings; C(starrocks.table.colocated), C(starrocks.table.dynamic_partition), C(starrocks.table.bloom_filter),
    C(starrocks.table.local_index), infos."
  - "Ids about other objects, C(starrocks.object.) and the kind, such as C(starrocks.object.view),
    C(starrocks.object.materialized_view), C(starrocks.object.bitmap_index), C(starrocks.object.routine_load),
    C(starrocks.object.external_catalog) or C(starrocks.object.user); warnings, or infos where the sync tool moves them.
    The kinds are those of RV(inventory)."
  - "Ids about storage volumes, on shared-data clusters: C(starrocks.volume.not_ready), a blocker (a name of more than
    60 characters, a destination that is missing or disabled); C(starrocks.volume.in_use), an info."
  - "Ids about the sync tool: C(starrocks.tool.token_missing), C(starrocks.tool.token_wrong),
    C(starrocks.tool.login_refused), C(starrocks.tool.operate_missing), blockers; C(starrocks.tool.login_untried) (a
    blocker, or a warning of encrypted passwords); C(starrocks.tool.token_untried), an info; C(starrocks.tool.) and the
    name of a switch C(ddl_job_allow_drop_*) that is on. It is a blocker when it is on only because the tool is shipped
    so, and a warning when O(sync_properties) says so; C(starrocks.tool.ddl_job_allow_drop_target_only) is always a
    blocker, and tells what would be dropped."
  - "Ids about the cutover: C(starrocks.cutover.no_switch_tasks) (see O(switch_tasks_found)), a warning."
  - "Ids about the target's side of the tables: C(starrocks.target.other_kind), C(starrocks.target.table_written) (data
    that no replication brought; a warning where the version does not tell), C(starrocks.target.data_unknown),
    blockers."
  - "Ids of known bugs of the server, by version and what is in use: C(starrocks.bug.compaction_crash),
    C(starrocks.bug.publish_mismatched_version), C(starrocks.bug.unused_column_filter),
    C(starrocks.bug.stale_primary_index), C(starrocks.bug.generated_columns), C(starrocks.bug.bundled_metadata),
    C(starrocks.bug.reused_files), C(starrocks.bug.control_characters), warnings; C(starrocks.bug.big_partitions), an
    info."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._starrocks_target
  - dbops.migration._journal
  - dbops.migration._accept
attributes:
  check_mode:
    support: full
    details:
      - Does the same, but does not write the findings into the journal.
  diff_mode:
    support: N/A
    details:
      - Changes nothing in the clusters.
  idempotent:
    support: full
    details:
      - Changes nothing in the clusters. A run that finds something new adds its findings to O(journal), if that is
        given.
options:
  include_data_list:
    description:
      - Databases and tables that are migrated, as C(db) or C(db.table), as in the property of the same name of the sync
        tool. A list, JSON text of one, or comma-separated text. By default all.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables to leave out, applied after O(include_data_list).
    type: raw
  sync_properties:
    description:
      - The properties that the sync tool is to run with, by the names that they have in its file. What is not given is
        taken to be as the tool is shipped. A mapping, or JSON text of one. Without secrets.
    type: raw
  source_cluster_token:
    description:
      - The token of the source, which the sync tool needs when that is a shared-nothing cluster. The leader of the
        source is asked for its own over HTTP, which it tells to the hosts of frontends only.
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_TOKEN) is used.
    type: str
  source_cluster_user:
    description:
      - The user that the sync tool logs in as on the source. It is tried on the leader, and by reading a config
        whether it has C(OPERATE ON SYSTEM), with its default roles. By default that is not looked at.
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_USER) is used.
    type: str
  source_cluster_password:
    description:
      - The password of O(source_cluster_user).
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_PASSWORD) is used.
    type: str
  source_cluster_password_secret_key:
    description:
      - The key that O(source_cluster_password) is encrypted with, which must be given too then. Such a password cannot
        be tried.
      - When not set, the environment variable E(STARROCKS_SOURCE_CLUSTER_PASSWORD_SECRET_KEY) is used.
    type: str
  target_cluster_user:
    description:
      - The user that the sync tool logs in as on the target. It is tried on the leader, and by reading a config
        whether it has C(OPERATE ON SYSTEM), with its default roles. By default that is not looked at.
      - When not set, the environment variable E(STARROCKS_TARGET_CLUSTER_USER) is used.
    type: str
  target_cluster_password:
    description:
      - The password of O(target_cluster_user).
      - When not set, the environment variable E(STARROCKS_TARGET_CLUSTER_PASSWORD) is used.
    type: str
  target_cluster_password_secret_key:
    description:
      - The key that O(target_cluster_password) is encrypted with, which must be given too then. Such a password cannot
        be tried.
      - When not set, the environment variable E(STARROCKS_TARGET_CLUSTER_PASSWORD_SECRET_KEY) is used.
    type: str
  create_sync_users:
    description:
      - Whether M(dbops.migration.starrocks_sync_user) will make those of O(source_cluster_user) and
        O(target_cluster_user) that do not exist. These are not tried.
    type: bool
    default: false
  expected_duration:
    description:
      - How long the migration is expected to take, in seconds or with a unit.
    type: str
    default: 24h
  probe_ports:
    description:
      - Whether to try the ports that the sync tool and the target's nodes need, from the host where the module runs.
    type: bool
    default: true
  port_timeout:
    description:
      - How long to wait for a port, in seconds or with a unit.
    type: str
    default: 3s
  inventory:
    description:
      - Whether to look at objects besides tables, at the global variables, at a few FE configs and at running ALTER
        jobs, too, about forty questions and four for each of up to 20 databases.
    type: bool
    default: true
  deep:
    description:
      - Whether to look at every selected table and database one by one, however many there are.
    type: bool
    default: false
  switch_tasks_found:
    description:
      - Whether there is something that will send the clients to the target when it is cut over. V(false) is a warning.
        The role looks for its C(starrocks_switch_tasks) on the controller. Not looked at by default.
    type: bool
  fail_on_blocker:
    description:
      - Whether to fail (with the code C(preflight.blocked)) while a blocker is open. With V(false) look at RV(passed).
    type: bool
    default: true
seealso:
  - module: dbops.migration.starrocks_storage_volume_mirror
"""

EXAMPLES = r"""
- name: Check two databases, knowing what the tool may drop
  dbops.migration.starrocks_preflight:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    include_data_list: [sales, hr.people]
    sync_properties:
      enable_view_sync: true
      ddl_job_allow_drop_schema_change_table: true
      ddl_job_allow_drop_inconsistent_partition: true
      ddl_job_allow_drop_inconsistent_time_partition: true
      ddl_job_allow_drop_partition_target_only: true
      ddl_job_allow_drop_inconsistent_view: true
    source_cluster_token: "{{ vault_source_token }}"
    accept:
      - id: starrocks.table.auto_increment
        reason: These tables are filled by another job.
        expires: 2026-12-01

- name: Go on only if nothing is in the way now
  dbops.migration.starrocks_preflight:
    frontends: old-fe-0.example.com:9030
    target_frontends: new-fe-0.example.com:9030
    inventory: false
    fail_on_blocker: false
  register: preflight
"""

RETURN = r"""
passed:
  description: Whether no blocker is open.
  returned: when the clusters could be looked at
  type: bool
findings:
  description: All findings, blockers first.
  returned: when the clusters could be looked at
  type: list
  elements: dict
  contains:
    id:
      description: Stable id.
      type: str
      sample: starrocks.path.unsupported
    severity:
      description: C(blocker), C(warning) or C(info).
      type: str
    subject:
      description: What it is about, such as C(source cluster 1234), C(source tables) or the name of a property.
      type: str
    evidence:
      description: What was seen. Of many things, their number and the first 20.
      type: raw
    remedy:
      description: What to do about it.
      type: str
    reference:
      description: Where more is written about it; may be empty.
      type: str
    accepted:
      description: Whether it is accepted by O(accept).
      type: bool
    accepted_reason:
      description: The reason given, else null.
      type: str
    accepted_until:
      description: The expiry, else null.
      type: str
    accepted_by:
      description: Who answers for that, as the acceptance says; null when it does not.
      type: str
blocker_count:
  description: How many blockers are open.
  returned: when the clusters could be looked at
  type: int
warning_count:
  description: How many warnings there are.
  returned: when the clusters could be looked at
  type: int
info_count:
  description: How many infos there are.
  returned: when the clusters could be looked at
  type: int
expired_acceptances:
  description: Acceptances that have expired.
  returned: when the clusters could be looked at
  type: list
  elements: dict
unused_acceptances:
  description: Acceptances that met no finding.
  returned: when the clusters could be looked at
  type: list
  elements: dict
inventory:
  description: Every kind of object that the version of the source has, those without any too.
  returned: when the clusters could be looked at
  type: list
  elements: dict
  contains:
    kind:
      description: The kind, such as C(table), C(view) or C(routine_load).
      type: str
    verdict:
      description: C(migrated), C(needs_switch), C(recreate) or C(unsupported), with the switches as they are.
      type: str
    count:
      description: How many there are.
      type: int
    names:
      description: The first 20 of them; of tables none.
      type: list
      elements: str
    query:
      description: The statement that found them.
      type: str
    looked_at:
      description: Whether they could be looked at, and everywhere.
      type: bool
path:
  description: The run modes of the two clusters.
  returned: when the clusters could be looked at
  type: str
  sample: shared_nothing -> shared_data
clusters:
  description: The two clusters, under C(source) and C(target).
  returned: when the clusters could be looked at
  type: dict
  contains:
    source:
      description: The cluster that the tables are on; C(target), the one that they move to, has the same keys.
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
        frontends:
          description: Number of frontends.
          type: int
        nodes:
          description: Number of backends and compute nodes.
          type: int
        databases:
          description: Number of databases.
          type: int
        tables:
          description: Number of tables and views that the user sees.
          type: int
looked_at:
  description: How much was looked at.
  returned: when the clusters could be looked at
  type: dict
  contains:
    tables:
      description: Number of selected tables and views.
      type: int
    partitions:
      description: Number of partitions of the source; null where the version does not tell.
      type: int
    at:
      description: When.
      type: str
requests:
  description: How many statements were sent to each cluster.
  returned: when the clusters could be looked at
  type: dict
code:
  description: C(preflight.blocked), or the code of the error that kept it from looking.
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import accept_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_request import (
    preflight_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_task import PreflightTask


def main() -> None:
    spec = preflight_argument_spec().merge(journal_spec()).merge(accept_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = PreflightTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
