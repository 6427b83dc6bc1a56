#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_rehearsal
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Rehearse a region migration with a small table of its own, and measure it
description:
  - Makes a small shadow table of one region, which nobody else uses, moves its region to another datanode and back
    while a client of this module writes to it, and takes the table away again.
  - Measures how long a move takes, for how long writes are refused, and how long it takes until the end of a move is
    proved.
  - O(ignore:rehearsal_journal) of M(dbops.migration.greptimedb_region_plan) takes these figures into the forecast of a
    real plan.
  - No table but the shadow table is written, moved or dropped. Whatever has its name and was not made by this journal
    is left alone, and is an error.
  - The role's entry point C(rehearse) does all of it in order. This module is three of its steps.
notes:
  - The shadow table has hardly any rows. A real region has to flush what it has in memory, which takes longer, so the
    measured time is what a region costs at the least.
  - It is no phase of a migration. No control text and no window holds it.
  - It needs SQL, so a frontend, and a user who may make, write and drop tables in O(database).
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._greptimedb
  - dbops.migration._journal
attributes:
  check_mode:
    support: partial
    details:
      - Predicts the exact statements of O(state=present) and O(state=absent). Sends none, and does not touch the
        journal.
      - Moves of a table that is not there yet cannot be predicted. O(state=moved) tells no changes.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A shadow table that is there, or was moved, is left at that; so is one of which nothing is left.
options:
  journal:
    description:
      - Where the journal of the rehearsal is kept, a path on the host where the module runs, or V(s3://bucket/prefix).
        Not the journal of the migration itself.
      - Needed, because it tells the shadow table from tables of others. It can hold several rehearsals, one after the
        other.
    type: str
  state:
    description:
      - V(present) makes the shadow table in O(database), and tells what the move will be, as a plan for
        M(dbops.migration.greptimedb_preflight).
      - V(moved) moves its region there and back, and measures.
      - V(absent) takes away everything of the rehearsal that the journal knows of and that was not taken away yet. A
        move that a killed run has left under way is followed to its end first.
    type: str
    choices: [present, moved, absent]
    required: true
  table:
    description:
      - The name of the shadow table, without a schema. It must begin with V(dbops_rehearsal_), and be free.
      - By default that and eight random letters, which is a new one for each rehearsal.
      - Only used with O(state=present). The others find the name in the journal.
    type: str
  target:
    description:
      - The id of the datanode that the region is moved to and back from. By default the one that leads the fewest
        regions, of those that are alive.
    type: raw
  timeout:
    description:
      - How long to wait until the new table has a region with a leader and takes writes, in seconds or with a unit.
    type: str
    default: 60s
  server_timeout:
    description:
      - The timeout of a move that is sent to the server, in whole seconds or with a unit.
    type: str
    default: 5m
  move_timeout:
    description:
      - How long one move may take in all. Longer than O(server_timeout).
    type: str
    default: 20m
  settle_time:
    description:
      - How long a move that the server does not know (any more) may still be under way.
    type: str
    default: 10s
  flush_before:
    description:
      - Whether to flush the region right before its move, as M(dbops.migration.greptimedb_region_migration) does. Give
        what the real migration is to have.
    type: str
    choices: [auto, always, never]
    default: auto
seealso:
  - module: dbops.migration.greptimedb_region_plan
  - module: dbops.migration.greptimedb_region_migration
"""

EXAMPLES = r"""
- name: Make a shadow table
  dbops.migration.greptimedb_rehearsal:
    frontend_host: greptimedb.example.com
    state: present
    journal: /var/lib/dbops/drain-3-rehearsal.jsonl
    migration_id: drain-3-rehearsal

- name: Move its region there and back, and measure
  dbops.migration.greptimedb_rehearsal:
    frontend_host: greptimedb.example.com
    state: moved
    journal: /var/lib/dbops/drain-3-rehearsal.jsonl
    migration_id: drain-3-rehearsal
  register: rehearsal

- name: Show it
  ansible.builtin.debug:
    var: rehearsal.measured

- name: Take everything of it away
  dbops.migration.greptimedb_rehearsal:
    frontend_host: greptimedb.example.com
    state: absent
    journal: /var/lib/dbops/drain-3-rehearsal.jsonl
    migration_id: drain-3-rehearsal
"""

RETURN = r"""
table:
  description: The shadow table, with its schema. Empty where there is none.
  returned: when the cluster was asked
  type: str
  sample: public.dbops_rehearsal_3f9a01cc
summary:
  description: What was done, in one sentence.
  returned: when the cluster was asked
  type: str
plan:
  description: What the first move will be, as M(dbops.migration.greptimedb_region_plan) tells it.
  returned: with O(state=present), when the table is there
  type: dict
target:
  description: The datanode that the region is moved to.
  returned: with O(state=present), when the table is there
  type: int
measured:
  description: What was measured. Times are in seconds.
  returned: with O(state=moved)
  type: dict
  contains:
    table:
      description: The shadow table.
      type: str
    region_id:
      description: Its region.
      type: int
    at:
      description: When it was measured.
      type: str
    metasrv:
      description: The addresses of the cluster's metasrv.
      type: list
      elements: str
    version:
      description: What the cluster runs, frontend and metasrv.
      type: str
    moves:
      description: >-
        Both moves, each with C(from_peer), C(to_peer), C(seconds) until it was proved, C(refused) (how long writes were
        refused), C(refusals) (how many), C(longest_gap) between two accepted writes, and C(detected) (how long after
        writes were accepted again the move was proved).
      type: list
      elements: dict
    refused:
      description: The longer of the two times for which writes were refused.
      type: float
    move_seconds:
      description: How long a move took on average.
      type: float
    acknowledged:
      description: How many rows were acknowledged.
      type: int
    lost:
      description: How many of them were not found in the end.
      type: int
    errors:
      description: How often the client met which error.
      type: dict
changes:
  description: The changes that were made, or would be. Moves are in the journal.
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    resource:
      description: The table, such as C(greptimedb.table/public.dbops_rehearsal_3f9a01cc).
      type: str
    action:
      description: C(create) or C(drop).
      type: str
    before:
      description: Its state before.
      type: raw
    after:
      description: Its state after.
      type: raw
    request:
      description: The statement.
      type: str
code:
  description: >-
    Stable code of the error, such as C(greptimedb.rehearsal_name_taken), C(greptimedb.rehearsal_unfinished),
    C(greptimedb.rehearsal_missing), C(greptimedb.rehearsal_not_ours), C(greptimedb.rehearsal_elsewhere),
    C(greptimedb.rehearsal_no_target), or one of M(dbops.migration.greptimedb_region_migration).
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
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_options import rehearsal_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_task import RehearsalTask


def main() -> None:
    spec = rehearsal_spec().merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = RehearsalTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
