#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_region_plan
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Plan which GreptimeDB regions move where
description:
  - Works out which regions have to move to empty a datanode, to balance a cluster, to bring a table elsewhere, or to
    undo a migration. Only looks at the cluster and moves nothing; M(dbops.migration.greptimedb_region_migration)
    carries the plan out.
  - The plan is data. Look at RV(summary), write it to a file with O(dest), edit the file, and hand it on. An edited
    plan is checked again, and all mistakes are reported at once.
  - The plan says how long the run takes at best, which limit is the reason, and what every datanode carries before
    and after.
  - A region never moves to a datanode that is dead, suspect, excluded, or holds a follower of it. Leaders of one table
    are spread over the targets. Regions of logical tables cannot move; their physical table's regions carry them along.
  - The same cluster always gives the same plan.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._greptimedb
  - dbops.migration._journal
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
    details:
      - The plan is the same. The file O(dest) is not written.
  diff_mode:
    support: full
    details:
      - Shows the file O(dest) before and after.
  idempotent:
    support: full
    details:
      - The file O(dest) is left as it is while its plan does the same, and also when nothing has to move any more
        because every move of it is made.
options:
  strategy:
    description:
      - V(drain) empties the datanodes O(datanodes).
      - V(moves) takes the moves in O(moves).
      - V(table) brings all regions of O(tables) onto the datanodes O(targets).
      - V(balance) evens out all datanodes with as few moves as it can find.
      - V(reverse) takes back what the migration in O(journal) moved. Regions that somebody else has moved since stay
        where they are, and are listed.
      - For all others, what a run of the migration in O(journal) has left under way counts as arrived, because the next
        run follows it to its end before anything else. The summary names it.
      - V(validate) checks the plan in O(plan) or O(plan_file), and describes it anew. Fails if it cannot be carried
        out.
    type: str
    required: true
    choices: [drain, moves, table, balance, reverse, validate]
  datanodes:
    description:
      - The ids of the datanodes to empty, as a list, JSON text or V(1,2). Needed for O(strategy=drain).
    type: raw
  moves:
    description:
      - A list of C(region_id), C(to_peer) and, if you like, C(from_peer). Needed for O(strategy=moves).
      - Without C(from_peer) the region moves from where it is. JSON text is accepted too.
    type: raw
  tables:
    description:
      - The tables to move, as C(schema.table) or C(table) in the schema C(public), with V(*), V(?) and V([]) as wild
        cards. A list, JSON text or comma-separated text. Needed for O(strategy=table).
      - For the other strategies, only regions of these tables move. O(strategy=balance) then counts only them.
    type: raw
  targets:
    description:
      - The datanodes that may take regions. By default all that are alive. Needed for O(strategy=table).
    type: raw
  exclude_datanodes:
    description:
      - Datanodes that take no regions. O(strategy=balance) takes none from them either.
    type: raw
  exclude_tables:
    description:
      - Tables that stay where they are, in the form of O(tables).
    type: raw
  balance_by:
    description:
      - What makes a datanode full, V(count) of leaders or their V(bytes). Also decides where drained regions go.
      - V(bytes) needs sizes, which servers tell from 0.10.0 on.
    type: str
    choices: [count, bytes]
    default: count
  tolerance:
    description:
      - How far a datanode may be from the mean, in percent of the mean, to count as balanced.
    type: float
    default: 10
  limits:
    description:
      - How many moves may run at the same time. Keys are C(global), C(per_source) and C(per_target) (for each
        datanode), and C(per_table). C(per_source:3) is for datanode 3 alone. V(null) is no limit. JSON text is
        accepted too.
      - C(global) is 32 by default and at most 100. The server loses work without a word beyond 128 procedures, and
        table changes count too.
      - C(per_source) and C(per_target) are 4 by default. The source writes out what is in memory and the target
        reads it again, while both serve.
      - C(per_table) is 1 by default up to 0.14, and not limited from 0.15 on. Older servers lock the whole table for a
        move, or can even lose a route when two regions of one table move at once.
    type: raw
  max_moves:
    description:
      - Plan at most so many moves. The rest is listed as excluded and is planned by the next run.
    type: int
  plan:
    description:
      - The plan to check with O(strategy=validate), as this module returns it. JSON text is accepted too.
    type: raw
  plan_file:
    description:
      - The file with the plan to check with O(strategy=validate), YAML or JSON.
    type: path
  approved_plan_hash:
    description:
      - The RV(plan_id) that was approved, or at least its first 12 characters. A plan with another one is refused, and
        RV(code) is V(plan.not_approved).
      - A migration that was begun with this plan, by the journal in O(journal), and was broken off, gets this very plan
        again, with the moves that are made already.
    type: str
  missing_journal:
    description:
      - What a journal that is not there means for O(strategy=reverse). V(refused) fails with the code
        V(journal.missing), so that a mistyped name does not look as if all were taken back.
      - V(nothing_begun) gives a plan without moves, whose summary says that there is no journal. It is for workflows
        whose phases all get the same O(journal), where a migration that ended before its first step has left none.
    type: str
    choices: [refused, nothing_begun]
    default: refused
  allow_empty:
    description:
      - Whether a plan from which all moves were taken out passes O(strategy=validate). A plan that was made without
        moves always passes.
    type: bool
    default: false
  dest:
    description:
      - Write the plan to this file, on the host where the module runs. JSON if the name ends in C(.json), else YAML
        with a comment that tells how to edit it.
      - A new file can be read and written by its owner only, unless O(mode) says otherwise.
    type: path
  rehearsal_journal:
    description:
      - The journal of a rehearsal (M(dbops.migration.greptimedb_rehearsal)), a path on the host where the module runs,
        or V(s3://bucket/prefix).
      - Its last rehearsal that measured something goes into RV(plan.forecast), whose C(basis) names it. Used only if it
        was on the same cluster in the same version, and is not older than O(rehearsal_max_age). Otherwise C(basis)
        tells why it was not.
    type: str
  rehearsal_max_age:
    description:
      - How old what O(rehearsal_journal) has measured may be, in seconds or with a unit.
    type: str
    default: 30d
seealso:
  - module: dbops.migration.greptimedb_region_migration
  - module: dbops.migration.greptimedb_preflight
"""

EXAMPLES = r"""
- name: Plan how to empty datanode 3 before it is removed
  dbops.migration.greptimedb_region_plan:
    frontend_host: greptimedb.example.com
    strategy: drain
    datanodes: [3]
    dest: /var/lib/dbops/drain-3.yml
  register: drain

- name: Show it
  ansible.builtin.debug:
    var: drain.summary

- name: Stop if a region cannot leave
  ansible.builtin.assert:
    that: drain.complete

- name: Balance by bytes, gently, and leave one table alone
  dbops.migration.greptimedb_region_plan:
    frontend_host: greptimedb.example.com
    strategy: balance
    balance_by: bytes
    tolerance: 15
    exclude_tables: [metrics.cpu]
    limits: {global: 4, per_source: 1, per_target: 1}
    max_moves: 50

- name: Check a plan that was edited
  dbops.migration.greptimedb_region_plan:
    frontend_host: greptimedb.example.com
    strategy: validate
    plan_file: /var/lib/dbops/drain-3.yml

- name: Plan the way back
  dbops.migration.greptimedb_region_plan:
    frontend_host: greptimedb.example.com
    strategy: reverse
    journal: /var/lib/dbops/drain-3.jsonl
"""

RETURN = r"""
plan:
  description: The plan. Hand it to O(dbops.migration.greptimedb_region_migration#module:plan), edited or not.
  returned: success
  type: dict
  contains:
    format:
      description: Version of this form.
      type: int
    engine:
      description: Always V(greptimedb).
      type: str
    strategy:
      description: The strategy that made it.
      type: str
    ordering:
      description: V(planned) if moves are submitted strictly in this order, V(eager) if blocked ones are passed over.
      type: str
    ordering_reason:
      description: Why this ordering, and what the other one would cost.
      type: str
    limits:
      description: How many moves may run at once, by kind.
      type: dict
    moves:
      description: The moves in the order of their submission.
      type: list
      elements: dict
      contains:
        region_id:
          description: The region.
          type: int
        table:
          description: Its table.
          type: str
        table_id:
          description: The id of the table.
          type: int
        from_peer:
          description: The datanode that leads it now.
          type: int
        to_peer:
          description: The datanode that will.
          type: int
        size_bytes:
          description: Its size in the object store, V(null) if the server does not tell it.
          type: int
        memtable_bytes:
          description: What is in memory and must be flushed.
          type: int
    lower_bound:
      description:
        - How many moves at least run one after another (C(moves_deep)), the limit that is the reason (C(binding)), and
          a sentence.
      type: dict
    forecast:
      description: >-
        A guess of the duration in seconds, and what it assumes (C(basis)). With O(rehearsal_journal) also
        C(move_seconds), how long one of its moves took, and C(refused_per_region), for how many seconds writes to the
        rehearsal's region were refused.
      type: dict
    before:
      description: Leaders and bytes by datanode now. Bytes are V(null) if they are not known.
      type: dict
    after:
      description: The same when all moves are made.
      type: dict
    excluded:
      description: Regions that need not or must not move, each with a reason.
      type: list
      elements: dict
    unplaceable:
      description: Regions that should move and cannot, each with a reason.
      type: list
      elements: dict
    notes:
      description: What else the reader should know.
      type: list
      elements: str
plan_id:
  description:
    - Identifies what the plan does, as a SHA-256. The same moves in the same order under the same limits have the same
      id. Use it to bind an approval to a plan.
  returned: success
  type: str
moves:
  description: How many regions the plan moves.
  returned: success
  type: int
complete:
  description: Whether every region that should move can. If not, see C(plan.unplaceable).
  returned: success
  type: bool
summary:
  description: The plan in a few lines for people.
  returned: success
  type: list
  elements: str
dest:
  description: The file.
  returned: when O(dest) is given
  type: str
code:
  description:
    - The stable code of the error. V(plan.not_approved) is another plan than O(approved_plan_hash).
      V(greptimedb.plan_invalid) is a plan or a list of moves that cannot be carried out, with all problems in
      C(details.problems). V(input.invalid) and V(option.invalid) are options that cannot be right.
  returned: on failure
  type: str
"""

import os
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_task import PlanTask, plan_result


def body(module: AnsibleModule, task: PlanTask) -> t.Dict[str, t.Any]:
    dest = module.params["dest"]
    if dest is not None:
        _check_dest(dest)
    plan = task.make()
    result = plan_result(plan)
    if dest is None:
        return {"changed": False, **result}
    change = task.file_change(plan, dest)
    result.update(changed=change is not None, dest=dest)
    if change is not None:
        before, after = change
        result["diff"] = {"before_header": dest, "after_header": dest, "before": before, "after": after}
        if not module.check_mode:
            _write(module, dest, after)
    if os.path.exists(dest):
        arguments = module.load_file_common_arguments(module.params, path=dest)
        result["changed"] = module.set_fs_attributes_if_different(arguments, result["changed"])
    return result


def _check_dest(dest: str) -> None:
    folder = os.path.dirname(os.path.abspath(dest))
    if os.path.isdir(dest):
        raise InvalidOption("dest", f"{dest} is a directory", "Give the path of a file")
    if not os.path.isdir(folder):
        raise InvalidOption("dest", f"the directory {folder} does not exist", "Make it first")


def _write(module: AnsibleModule, dest: str, text: str) -> None:
    """Replace the file as a whole, so that nobody ever reads half a plan. A new one is for its owner only."""
    handle, path = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    existed = os.path.exists(dest)
    module.atomic_move(path, dest, unsafe_writes=module.params["unsafe_writes"])
    if not existed:
        # atomic_move gives new files the default permissions.
        os.chmod(dest, 0o600)


def main() -> None:
    spec = ArgumentSpec(
        {
            "strategy": {
                "type": "str",
                "required": True,
                "choices": ["drain", "moves", "table", "balance", "reverse", "validate"],
            },
            "datanodes": {"type": "raw"},
            "moves": {"type": "raw"},
            "tables": {"type": "raw"},
            "targets": {"type": "raw"},
            "exclude_datanodes": {"type": "raw"},
            "exclude_tables": {"type": "raw"},
            "balance_by": {"type": "str", "choices": ["count", "bytes"], "default": "count"},
            "tolerance": {"type": "float", "default": 10},
            "limits": {"type": "raw"},
            "max_moves": {"type": "int"},
            "plan": {"type": "raw"},
            "plan_file": {"type": "path"},
            "approved_plan_hash": {"type": "str"},
            "missing_journal": {"type": "str", "choices": ["refused", "nothing_begun"], "default": "refused"},
            "allow_empty": {"type": "bool", "default": False},
            "dest": {"type": "path"},
            "rehearsal_journal": {"type": "str"},
            "rehearsal_max_age": {"type": "str", "default": "30d"},
        }
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True, add_file_common_args=True)
    redactor = redactor_from(module.params)
    task = PlanTask(module.params, redactor)
    run(module, redactor, lambda: body(module, task))


if __name__ == "__main__":
    main()
