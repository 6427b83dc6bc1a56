#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_meta_level
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Set the meta level of a Pegasus cluster
description:
  - The meta level (C(meta_function_level)) says what the meta server may do by itself. In V(lively) it balances
    replicas; in V(steady) it only repairs. Balancing while a table is duplicated has crashed replica servers, so a
    migration sets V(steady) and puts the former level back at the end.
  - With O(journal), the level found is written down before it is changed, and O(restore=true) puts it back.
  - The level is read, changed only if it differs, and read back.
  - Every cluster has its own level. Run the module once for the source and once for the target.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact request. Sends none, and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  level:
    description:
      - The level that is wanted. Needed unless O(restore=true), with which it cannot be given.
      - V(lively) repairs and balances. V(steady) repairs only, and is the level for a migration. V(freezed) also
        refuses to create tables, so it stops a duplication towards this cluster. V(blind) and V(stopped) leave failed
        replicas as they are, and are for emergencies.
    type: str
    choices: [stopped, blind, freezed, steady, lively]
  restore:
    description:
      - Put back the level which the first change in O(journal) had found, but only if the level is still as this
        collection had set it. When somebody else changed it since, theirs stays.
      - When the journal holds no change, nobody is contacted.
    type: bool
    default: false
seealso:
  - module: dbops.migration.pegasus_info
  - module: dbops.migration.pegasus_duplication
"""

EXAMPLES = r"""
- name: Let the source balance nothing during the migration
  dbops.migration.pegasus_meta_level:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    level: steady
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders

- name: Put its level back to what it was
  dbops.migration.pegasus_meta_level:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    restore: true
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders
"""

RETURN = r"""
level:
  description:
    - The level that is set now (in check mode, would be set). Null when O(restore=true) found nothing to put back.
  returned: success
  type: str
  sample: steady
former:
  description: The level when the module came.
  returned: when the cluster was asked
  type: str
  sample: lively
cluster_name:
  description: The name by which the cluster calls itself.
  returned: when the cluster was asked
  type: str
  sample: onebox-a
changes:
  description: The changes that were made, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    resource:
      description: The cluster's meta level, such as C(pegasus:onebox-a/meta_level).
      type: str
    action:
      description: C(set) or C(restore).
      type: str
    before:
      description: The level before.
      type: str
    after:
      description: The level after.
      type: str
    request:
      description: The call, with C(rpc) and C(fields).
      type: dict
restore:
  description: What was decided about putting the former level back. Null when the journal holds no change.
  returned: with O(restore=true)
  type: dict
  contains:
    resource:
      description: The cluster's meta level.
      type: str
    original:
      description: The level that our first change had found.
      type: str
    ours:
      description: The level that our last change had set.
      type: str
    now:
      description: The level found now.
      type: str
    action:
      description: C(restore), C(already_original) or C(keep_theirs).
      type: str
    reason:
      description: Why, in a sentence.
      type: str
code:
  description: >-
    Stable code of the error, such as C(pegasus.unreachable), C(pegasus.no_primary_meta),
    C(pegasus.setting_contested), C(pegasus.setting_not_kept) or C(journal.other_migration).
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_level import LEVELS, MetaLevelTask
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {"level": {"type": "str", "choices": list(LEVELS)}, "restore": {"type": "bool", "default": False}},
        required_if=[("restore", False, ("level",))],
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = MetaLevelTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
