#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_write_freeze
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Stop all writes to a StarRocks cluster, and let them go on again
description:
  - Records the routine loads and pipes that run, pauses them, sets C(disable_load_job) on every frontend that is alive,
    and proves it on each. With it, the server refuses every load, INSERT, UPDATE and DELETE.
  - Lifting undoes only what the freeze did. The switch goes off where the freeze has set it, and exactly those jobs go
    on that the freeze paused, or that its switch made stop. What somebody else changed meanwhile stays, and is told.
  - A frontend that is alive and does not answer keeps nobody else from being told. It is told by the others, and the
    jobs go on as soon as the leader takes loads, since the leader alone decides about them. Only then the module fails
    with C(starrocks.not_lifted), as that frontend cannot be seen to take loads; the next run goes on with it.
  - The switch is in memory only. Run the module again after a frontend was restarted, and it is set again.
notes:
  - Nobody watches over this freeze. M(dbops.migration.starrocks_cutover) freezes with a deadline and a guard, and does
    not need this module; use this one for tests and rollbacks.
  - DDL is not stopped (DROP, TRUNCATE, ADD PARTITION, schema changes, dynamic partitions). Transactions that are
    already committed still become visible.
  - "Privileges: C(OPERATE ON SYSTEM); C(INSERT) on the tables of routine loads; C(ALTER) on pipes."
  - "Some frontends can be told over HTTP only, for which the user needs the role C(root), or both C(db_admin) and
    C(user_admin). From 3.5 on, these are one on the leader's host, and one that the leader cannot tell; before, each
    carries out a statement of its own. Without the right to HTTP, a freeze fails there, so lift it then; a lift
    leaves that frontend as it is, tells so, and lifts all others."
  - Where some frontends refused loads before the freeze, lifting spares them over HTTP. Where that is refused, and the
    leader refuses loads because of the freeze, the leader is told all the same, and tells them too; RV(changes) has it.
  - Jobs that the user may not see are not recorded. The server pauses their tasks by itself, and they are not resumed.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the statements of a run, in order, and sends none. Does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) freezes. V(absent) lifts the freezes that O(journal) knows.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description:
      - How long to try to prove it on every frontend, in seconds or with a unit.
    type: str
    default: 60s
  after_commit:
    description:
      - Lift the freeze although its cutover is committed. Only after all clients were sent back to the source.
    type: bool
    default: false
seealso:
  - module: dbops.migration.starrocks_cutover
"""

EXAMPLES = r"""
- name: Stop all writes
  dbops.migration.starrocks_write_freeze:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    journal: /var/lib/migration/move-1.jsonl

- name: Let them go on
  dbops.migration.starrocks_write_freeze:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    state: absent
    journal: /var/lib/migration/move-1.jsonl
"""

RETURN = r"""
frozen:
  description: Whether every living frontend refuses loads and no routine load or pipe runs, as it was last seen.
  returned: success
  type: bool
frontends:
  description: The value of C(disable_load_job) on every living frontend; null for one that does not answer.
  returned: success
  type: dict
dead_frontends:
  description: Frontends that are not alive.
  returned: success
  type: list
  elements: str
jobs:
  description: Routine loads and pipes that have not ended, each with C(kind), C(database), C(name) and C(state).
  returned: success
  type: list
  elements: dict
lift_command:
  description: The command that lifts the freeze by hand.
  returned: with O(state=present)
  type: str
kept:
  description: What somebody else changed since the freeze, and was left as it is.
  returned: with O(state=absent)
  type: list
  elements: str
ours:
  description: What the journal knew as changed by a freeze.
  returned: with O(state=absent)
  type: list
  elements: str
changes:
  description: The changes that were made, or would be, in order.
  returned: always
  type: list
  elements: dict
waits:
  description: What was waited for, by reason, as it was last seen.
  returned: success
  type: list
  elements: dict
code:
  description: >-
    Stable code of the error, such as C(starrocks.freeze_unproved), C(starrocks.not_lifted),
    C(starrocks.job_not_paused), C(starrocks.cutover_running) or C(starrocks.already_on_target).
  returned: failure
  type: str
details:
  description: Facts about the error.
  returned: failure
  type: dict
server_text:
  description: What a server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_task import (
    FreezeTask,
    freeze_argument_spec,
)


def main() -> None:
    spec = freeze_argument_spec().merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = FreezeTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, task.partial)


if __name__ == "__main__":
    main()
