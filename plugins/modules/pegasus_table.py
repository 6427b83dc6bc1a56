#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_table
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Rename or drop what a migration has left of Pegasus tables
description:
  - After a migration, renames or drops the tables on the source. After a migration that was given up, drops the
    half-made tables on the target.
  - Nothing is touched without evidence that nobody needs it. For a table on the source, the journal says that its
    cutover was committed, no duplication of it is left, it refuses all requests, and the table on the target is
    available with a primary for every partition.
  - For a table on the target, the journal says that this migration has added the duplication that made it, its own
    C(duplication.*) envs name the source's cluster, meta servers and table, the duplication is gone, and it was not cut
    over.
  - If that does not hold for one of the tables, none is touched, and all reasons are told at once.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
  - dbops.migration._pegasus.target
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Looks for the same evidence, and predicts the exact calls. Sends none, and does not touch the journal.
      - Duplications of this migration count as removed already, because in a real run they are.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  journal:
    description:
      - Where the journal of the migration is kept, a path on the host where the module runs, or V(s3://bucket/prefix).
      - Needed here, because it tells what may be touched.
  tables:
    description:
      - The tables, by their names on the source. A list, JSON text of one, or comma-separated text.
    type: raw
    required: true
  remote_tables:
    description:
      - Those that have another name on the target, a mapping of a table's name to its name there, or JSON text of one.
    type: raw
  state:
    description:
      - V(renamed) renames the tables on the source, from 2.5 on. They keep their data, and go on refusing requests.
      - V(dropped) drops the tables on the source. Until the reserved time is over, they can be recalled.
      - V(follower_dropped) drops the tables on the target that a duplication has made, for a migration that is given up
        before its cutover.
      - A table that is not there any more is left at that.
    type: str
    choices: [renamed, dropped, follower_dropped]
    required: true
  suffix:
    description:
      - For O(state=renamed), what is put behind the name.
    type: str
    default: _moved
  reserve_seconds:
    description:
      - How long a dropped table can be recalled, in seconds. By default as the server has it
        (C(hold_seconds_for_dropped_app), 7 days if nobody changed it). Its data takes up room until then.
    type: int
  cluster_name:
    description:
      - The source, by the name that duplication knows it by. Only needed where C(dup_cluster_name) of its configuration
        (2.6) says another one than the cluster tells.
    type: str
seealso:
  - module: dbops.migration.pegasus_table_info
  - module: dbops.migration.pegasus_duplication
"""

EXAMPLES = r"""
- name: Keep the old tables for a month, under another name
  dbops.migration.pegasus_table:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [orders, invoices]
    state: renamed
    suffix: _old
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders

- name: Drop them, but let them be recalled for a day
  dbops.migration.pegasus_table:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [orders, invoices]
    state: dropped
    reserve_seconds: 86400
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders

- name: Clear away what a migration that was given up has left on the target
  dbops.migration.pegasus_table:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [orders, invoices]
    state: follower_dropped
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders
"""

RETURN = r"""
summary:
  description: What was done, in one sentence.
  returned: when the clusters were asked
  type: str
  sample: 2 of 2 tables renamed on onebox-a
cluster_name:
  description: The cluster that O(state) is about, by the name that it calls itself.
  returned: when the clusters were asked
  type: str
  sample: onebox-a
tables:
  description: The tables, in the order of O(tables).
  returned: when the clusters were asked
  type: list
  elements: dict
  contains:
    table:
      description: Its name on the source.
      type: str
    remote_table:
      description: Its name on the target.
      type: str
    app_id:
      description: The id of the table that O(state) is about. Null if there is none.
      type: int
    found:
      description: Whether there was such a table, so that there was something to do.
      type: bool
    new_name:
      description: For O(state=renamed), the name that it got. Null otherwise.
      type: str
changes:
  description: The changes that were made, or would be.
  returned: when the clusters were asked
  type: list
  elements: dict
  contains:
    resource:
      description: The table, such as C(pegasus:onebox-a/table/orders).
      type: str
    action:
      description: C(rename) or C(drop).
      type: str
    before:
      description: Its C(app_id) and C(name).
      type: dict
    after:
      description: The same after the change, null if it was dropped.
      type: dict
    request:
      description: The call, with C(rpc) and C(fields).
      type: dict
code:
  description: >-
    Stable code of the error, such as C(pegasus.same_cluster), C(pegasus.not_cut_over), C(pegasus.dup_present),
    C(pegasus.table_not_fenced), C(pegasus.target_not_serving), C(pegasus.rename_unsupported), C(pegasus.app_exists),
    C(pegasus.cut_over_already), C(pegasus.switched_already), C(pegasus.table_renamed) or C(pegasus.table_not_ours).
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import table_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_task import TableTask


def main() -> None:
    module = table_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = TableTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
