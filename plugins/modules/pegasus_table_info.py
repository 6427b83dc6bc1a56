#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_table_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Tell where Pegasus tables stand in their migration
description:
  - Tells of each table how far its migration is, from what its cluster says of it and from the journal, so that a run
    finds its own place.
  - A target that cannot be reached is no error, because a migration can be given up without it. RV(target_problem) says
    why then.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
  - dbops.migration._pegasus.target
  - dbops.migration._journal
  - dbops.migration._pegasus.remote
options:
  journal:
    description:
      - Where the journal of the migration is kept, a path on the host where the module runs, or V(s3://bucket/prefix).
      - It is only read here. Without one, no table counts as fenced or cut over.
  tables:
    description:
      - The tables, by their names on the source. A list, JSON text of one, or comma-separated text.
    type: raw
    required: true
  remote_tables:
    description:
      - Those that have another name on the target, a mapping of a table's name to its name there, or JSON text of one.
    type: raw
  soak_time:
    description:
      - For RV(soak_left), how long a table shall have been cut over before its duplication is removed.
    type: str
    default: 0s
  approved_plan_hash:
    description:
      - The RV(plan_hash) that was approved, or at least its first 12 characters. Fails with V(plan.not_approved) in
        RV(code) when the plan has another one.
    type: str
  switch:
    description:
      - Who switches the clients, as in M(dbops.migration.pegasus_cutover). This and what follows is only read for
        RV(plan), so that an approval is bound to it.
    type: str
    choices: [metaproxy, hand_over]
    default: metaproxy
  switch_tasks:
    description:
      - For V(hand_over), the path of the file with the tasks that switch the clients. What is in the file is not part
        of the plan.
    type: path
  metaproxies:
    description:
      - The instances of MetaProxy, each as C(host:port).
    type: raw
  target_meta_addrs:
    description:
      - The addresses of the target that MetaProxies are to use, if they are not O(target_meta_servers).
    type: raw
  zookeeper_hosts:
    description:
      - The ZooKeeper of the MetaProxies. When not set, E(PEGASUS_ZOOKEEPER_HOSTS) is used.
    type: raw
  zookeeper_root:
    description:
      - The znode below which there is one for each table. When not set, E(PEGASUS_ZOOKEEPER_ROOT) is used.
    type: str
  zookeeper_timeout:
    description:
      - How long the cutover waits for ZooKeeper. It is no part of the plan.
    type: str
    default: 10s
  budget:
    description:
      - The longest time for which writes may be refused.
    type: str
    default: 60s
  max_lag:
    description:
      - How many mutations of a table may be unshipped for the cutover to start.
    type: int
    default: 10000
  last_mutation:
    description:
      - What the cutover does about the mutation that servers up to 2.5 hold back.
    type: str
    choices: [strict, accept]
    default: strict
  config_sync_interval:
    description:
      - The config-sync interval for the time of the fences, or V(keep).
    type: str
    default: 1s
  group_size:
    description:
      - How many tables share one fence. By default one; with V(hand_over) all, and fewer are refused.
    type: int
seealso:
  - module: dbops.migration.pegasus_table
  - module: dbops.migration.pegasus_info
"""

EXAMPLES = r"""
- name: See how far the migration is
  dbops.migration.pegasus_table_info:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [orders, invoices]
    journal: /var/lib/dbops/orders.jsonl
  register: standing

- name: Show it
  ansible.builtin.debug:
    msg: "{{ standing.summary }}; still to migrate: {{ standing.to_migrate | join(', ') }}"
"""

RETURN = r"""
summary:
  description: How many tables stand where.
  returned: success
  type: str
  sample: 1 following, 2 cut over
tables:
  description: The tables, in the order of O(tables).
  returned: success
  type: list
  elements: dict
  contains:
    table:
      description: Its name on the source.
      type: str
    remote_table:
      description: Its name on the target.
      type: str
    stage:
      description: >-
        C(not_started), C(copying) (there is a duplication, not in C(DS_LOG) yet), C(following) (it is in C(DS_LOG)),
        C(fenced) (it refuses writes because this migration said so) or C(cut_over) (committed, by the journal).
      type: str
    app_id:
      description: Its id on the source. Null if it is not there (any more).
      type: int
    status:
      description: Its status on the source. Null if it is not there (any more).
      type: str
    requests_denied:
      description: What it refuses on the source (C(replica.deny_client_request)). Null if nothing.
      type: str
    dupid:
      description: The id of its duplication to the target. Null if there is none.
      type: int
    duplication_status:
      description: The status of that. Null if there is none.
      type: str
    cut_over_at:
      description: When its cutover was committed. Null if it was not.
      type: str
not_started:
  description: The tables that have no duplication to the target.
  returned: success
  type: list
  elements: str
to_check:
  description: >-
    The tables that preflight has to look at before anything is done: those of RV(not_started), and those that are
    duplicated already, but not by this migration as far as O(journal) knows.
  returned: success
  type: list
  elements: str
to_migrate:
  description: The tables that are neither fenced nor cut over, so that there may be something to prepare.
  returned: success
  type: list
  elements: str
renames:
  description: Of the tables in RV(to_migrate), those that get another name on the target, with that name.
  returned: success
  type: dict
gone:
  description: >-
    The tables that the source does not have (any more), but for those that were cut over and those of RV(renamed).
  returned: success
  type: list
  elements: str
unknown:
  description: Those of RV(gone) of which O(journal) knows no duplication; their names may be wrong.
  returned: success
  type: list
  elements: str
renamed:
  description: >-
    By the name that a table had, the name that it has on the source now. Its duplication, as O(journal) knows it, lives
    on there.
  returned: success
  type: dict
fenced:
  description: The tables that a cutover has left fenced, or that one is under way of.
  returned: success
  type: list
  elements: str
cut_over:
  description: The tables whose cutover was committed.
  returned: success
  type: list
  elements: str
remote_names:
  description: The names of all tables on the target, in the order of O(tables).
  returned: success
  type: list
  elements: str
left_on_source:
  description: Those of RV(cut_over) that are still there on the source by their name.
  returned: success
  type: list
  elements: str
lift_commands:
  description:
    - For each table that was not cut over, the command that takes a fence off by hand, in the folder of Pegasus's own
      tools.
  returned: success
  type: list
  elements: str
guarded:
  description: >-
    Whether a guard on this host still holds a fence for O(journal), or a cutover is under way that may set one. A fence
    without a guard was left by a run that was killed together with it.
  returned: success
  type: bool
guard_record:
  description:
    - The file on this host in which the guard of a cutover that runs here tells what it does. Null without a journal.
  returned: success
  type: str
servers_changed:
  description: >-
    The source's replica servers whose config-sync interval a cutover has changed and not put back, by the journal.
  returned: success
  type: list
  elements: str
left_on_target:
  description:
    - What this migration has made or changed on the target and not put back yet, by the journal alone, in words. That
      is what a rollback without the target has to leave.
  returned: success
  type: list
  elements: str
  sample: [table orders, meta level steady (it was lively)]
soak_left:
  description: How many seconds are left until every table that was cut over has been so for O(soak_time).
  returned: success
  type: float
source_cluster:
  description: The name by which the source calls itself.
  returned: success
  type: str
source_meta_servers:
  description: The source's meta servers, by its own account.
  returned: success
  type: list
  elements: str
remote_cluster:
  description: >-
    The target, by the name that duplication knows it by, that is O(remote_cluster), or the name that the target tells,
    or when it cannot be asked, the name in the journal.
  returned: success
  type: str
target_meta_servers:
  description: The target's meta servers, as they were given.
  returned: success
  type: list
  elements: str
plan:
  description: What an approval is bound to, that is tables, clusters, the way of the switch and its limits.
  returned: success
  type: dict
plan_hash:
  description:
    - The SHA-256 of RV(plan). The same options for the same tables have the same hash, in whatever form they are given.
  returned: success
  type: str
plan_summary:
  description: The plan in a few words.
  returned: success
  type: str
target_problem:
  description: Why the target could not be asked, with C(code) and C(msg). Null if it could.
  returned: success
  type: dict
code:
  description: >-
    Stable code of the error, such as V(plan.not_approved), V(pegasus.same_cluster) or V(journal.other_tables).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import standing_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_standing import gather_standing


def main() -> None:
    module = standing_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    run(module, redactor, lambda: gather_standing(module.params, redactor, SystemClock()))


if __name__ == "__main__":
    main()
