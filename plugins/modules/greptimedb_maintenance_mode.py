#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_maintenance_mode
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Switch the maintenance mode of a GreptimeDB cluster
description:
  - While maintenance mode is on, the metasrv moves no regions by itself (no failover, no balancing). Migrations that
    are asked for still run.
  - With O(journal), the state found is written down before it is changed, and O(state=restored) puts it back. Left on
    by mistake, regions of a datanode that dies stay unavailable.
  - The state is read, changed only if it differs, and read back. A read is never made in a way that could change it.
  - Maintenance mode exists from 0.7.2 on. The request that sets it has changed three times since; the right one is
    chosen by the version of the metasrv. Needs the metasrv's HTTP interface to be reachable.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._greptimedb
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
  state:
    description:
      - V(enabled) and V(disabled) set it.
      - V(restored) puts back what the first change in O(journal) had found, but only if the mode is still as this
        collection had set it. When there is nothing to put back, nobody is contacted.
    type: str
    required: true
    choices: [enabled, disabled, restored]
  predicted_changes:
    description:
      - In check mode and with O(state=restored), the RV(changes) that a task before this one has predicted. They count
        as made, so that putting them back is predicted too. Without check mode they are not looked at. A JSON text is
        accepted too.
    type: raw
seealso:
  - module: dbops.migration.greptimedb_info
"""

EXAMPLES = r"""
- name: Let nothing else move regions during the migration
  dbops.migration.greptimedb_maintenance_mode:
    frontend_host: greptimedb-frontend.example.com
    journal: /var/lib/migration/move-1.jsonl
    migration_id: move-1
    state: enabled

- name: Put it back to what it was
  dbops.migration.greptimedb_maintenance_mode:
    frontend_host: greptimedb-frontend.example.com
    journal: /var/lib/migration/move-1.jsonl
    migration_id: move-1
    state: restored
"""

RETURN = r"""
enabled:
  description:
    - Whether maintenance mode is on now (in check mode, would be on). Null when O(state=restored) found nothing to put
      back.
  returned: success
  type: bool
  sample: true
former:
  description: Whether it was on when the module came.
  returned: when the state could be read
  type: bool
  sample: false
changes:
  description: The changes that were made, or would be.
  returned: when the state could be read
  type: list
  elements: dict
  contains:
    resource:
      description: Always C(greptimedb.maintenance_mode).
      type: str
    action:
      description: C(set) or C(restore).
      type: str
    before:
      description: State before, with C(enabled).
      type: dict
    after:
      description: State after, with C(enabled).
      type: dict
    request:
      description: The HTTP request, method and path.
      type: str
      sample: POST /admin/maintenance/enable
restore:
  description: What was decided about putting the former state back.
  returned: with O(state=restored)
  type: dict
  contains:
    resource:
      description: Always C(greptimedb.maintenance_mode).
      type: str
    original:
      description: The state that our first change had found. Null when there is nothing to put back.
      type: dict
    ours:
      description: The state that our last change had made.
      type: dict
    now:
      description: The state found now.
      type: dict
    action:
      description: C(restore), C(already_original) or C(keep_theirs).
      type: str
    reason:
      description: Why, in a sentence.
      type: str
code:
  description: >-
    Stable code of the error, such as C(greptimedb.no_maintenance_mode) (before 0.7.2),
    C(greptimedb.maintenance_not_set), C(greptimedb.ambiguous) (the request was sent, and it could not be read back),
    C(greptimedb.unreachable) or C(journal.other_migration).
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
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.maintenance import MaintenanceTask
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "state": {"type": "str", "required": True, "choices": ["enabled", "disabled", "restored"]},
            "predicted_changes": {"type": "raw"},
        },
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = MaintenanceTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
