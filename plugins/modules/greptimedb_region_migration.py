#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_region_migration
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Move GreptimeDB regions between datanodes
description:
  - Carries out a plan of region moves as M(dbops.migration.greptimedb_region_plan) writes it, or a list of moves.
  - Any number of moves run at the same time, within the plan's limits. Regions that are already on their target cost
    no call at all.
  - A move counts as done only when the region's leader is on the target and serves, and, from GreptimeDB 1.1 on, when
    the target datanode itself reports the region as writable. What the procedure says of itself is not believed.
  - Every submission is in the journal before it is sent. A run that was killed is continued by running it again, with
    the same O(journal) and O(migration_id); it finds moves that are still running on the server and follows them.
  - Prints progress while it runs. Writes to a region are refused for a moment while its leader changes; writers must
    retry. Reads go on.
notes:
  - With O(control), C(pause) begins no new move, C(limits) with the keys of O(limits) changes how many run at the same
    time from the next look on, and C(abort) begins no new one, waits for those that run, and ends with the code
    C(control.aborted). A run after that goes on where it ended. A pause counts into O(timeout).
  - With O(cutover_window), moves begin only while it is open, and none that by its forecast would not end before it
    closes. The forecast of a move is what the plan says, which counts the flush of its region and what was rehearsed
    (or 3 s without a rehearsal), or what 19 of 20 moves of this run took at the most, whichever is longer. So one in
    twenty may still end later, and what runs when the window closes goes on. A plan with a move that fits in no window
    fails with C(cutover.no_window) at once. So does a run that has nothing else to do than to wait for a window that
    opens after O(timeout), and the message says how long would do.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._attributes.flow
  - dbops.migration._greptimedb
  - dbops.migration._control
  - dbops.migration._control.window
  - dbops.migration._journal
  - dbops.migration._follow
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact calls of a real run, in their order. Sends none of them and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A second run finds every region on its target and sends nothing.
  action:
    support: full
  async:
    support: full
    details:
      - With C(async), the module runs to its end in one call and prints no progress.
options:
  plan:
    description:
      - The plan, as RV(dbops.migration.greptimedb_region_plan#module:plan) returns it. A JSON text is accepted too.
      - Exactly one of O(plan), O(plan_file), O(moves) and O(follow_only=true) is needed.
    type: raw
  plan_file:
    description:
      - A file on the host where this module runs with the plan as YAML or JSON. A person may have edited it; it is
        checked, and all errors are reported at once, before anything is contacted.
    type: path
  moves:
    description:
      - Moves without a plan file, each with C(region_id), C(from_peer) and C(to_peer) (datanode ids). They are
        submitted in this order. A JSON text is accepted too.
    type: raw
  limits:
    description:
      - How many moves may run at the same time. Keys are C(global), C(per_source) and C(per_target) (for each
        datanode), and C(per_table). Overrides the plan's limits key by key; a JSON text is accepted too.
      - Where neither says anything, the defaults of M(dbops.migration.greptimedb_region_plan) for the server's version
        hold. The server itself refuses work silently beyond 128 procedures, so C(global) must stay well below.
    type: raw
  server_timeout:
    description:
      - The time that the server gives one move for flush and catch-up, as a number of seconds or with a unit (V(5m)).
        When it is over, the server rolls the move back and the source goes on serving. Whole seconds.
      - It is always sent, because the server's own default was anything from 1 s to 300 s in different versions.
    type: str
    default: 5m
  timeout:
    description:
      - The time for the whole run. When it is over nothing new is started, and the module fails and names the moves
        that are still running on the server; run again to follow them to their end.
    type: str
    default: 12h
  move_timeout:
    description:
      - How long a single move may take, with the server's own retries, before it counts as failed. Must be longer than
        O(server_timeout). Too short a time makes moves look failed that still succeed.
    type: str
    default: 20m
  settle_time:
    description:
      - How long to wait for evidence when the server shows nothing of a move that was sent (its answer was lost, its
        procedure is not listed yet, or a new metasrv leader is still loading it), before it counts as not happening.
      - Too short a time can send a move twice, which the server refuses or ignores. Too long a time only costs time.
    type: str
    default: 10s
  poll_interval:
    description:
      - The pause between two looks at the cluster. A look costs three queries at most, however many moves run.
    type: str
    default: 500ms
  max_failures:
    description:
      - How many moves may fail before no new one is started. Moves that run are always followed to their end.
    type: int
    default: 0
  attempts:
    description:
      - How often one move is tried in all, where trying again can help (rolled back by the server, never started,
        refused for a passing reason).
    type: int
    default: 2
  flush_before:
    description:
      - Whether to flush each region right before its move, which makes the time short in which writes are refused.
      - V(auto) does it where the server does not do it itself (before 0.15). V(never) on a server before 0.9.4 with
        local WAL loses the rows that were not flushed.
    type: str
    choices: [auto, always, never]
    default: auto
  follow_only:
    description:
      - Start nothing. Only follow the moves that an earlier run with the same O(journal) has sent and not seen the end
        of, until the server has ended them. Whether they moved or not is written down, and neither is a failure.
      - Do this before planning anew or rolling back after a run that was killed. O(plan), O(plan_file) and O(moves) are
        not needed then.
    type: bool
    default: false
  wait:
    description:
      - Whether to follow the moves to their end. With V(false) the module makes one step and returns RV(finished), for
        use with C(until). If O(step_time) is not given, the step lasts 2 s longer than O(settle_time) at most.
    type: bool
    default: true
seealso:
  - module: dbops.migration.greptimedb_region_plan
  - module: dbops.migration.greptimedb_preflight
"""

EXAMPLES = r"""
- name: Carry out a plan
  dbops.migration.greptimedb_region_migration:
    frontend_host: greptimedb.example.com
    plan_file: /var/lib/dbops/drain-1.yml
    journal: /var/lib/dbops/drain-1.jsonl
    migration_id: drain-1

- name: Move two regions, one at a time
  dbops.migration.greptimedb_region_migration:
    frontend_host: greptimedb.example.com
    moves:
      - {region_id: 4398046511104, from_peer: 1, to_peer: 2}
      - {region_id: 4398046511105, from_peer: 1, to_peer: 3}
    limits: {global: 1}
    journal: s3://dbops-journals/move-two
    migration_id: move-two
"""

RETURN = r"""
finished:
  description: Whether every move has ended. V(false) only with O(wait=false).
  returned: always
  type: bool
summary:
  description: What was done, in one sentence.
  returned: always
  type: str
changes:
  description:
    - The calls that were sent, or in check mode would be sent, in order.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The region.
      type: str
    action:
      description: V(migrate) or V(flush).
      type: str
    before:
      description: The leader before.
      type: dict
    after:
      description: The leader after.
      type: dict
    request:
      description: The exact statement or HTTP call.
      type: str
moves:
  description: Every move with its state and, where it failed, the code and the server's own text.
  returned: when finished, or on failure
  type: list
  elements: dict
  contains:
    region_id:
      description: The region.
      type: int
    state:
      description: One of V(done), V(unchanged), V(failed), V(unresolved), V(submitted), V(waiting).
      type: str
    code:
      description: The stable error code of a failed move.
      type: str
    server_text:
      description: What the server said.
      type: str
progress:
  description: Numbers for people and for monitoring.
  returned: always
  type: dict
  contains:
    done:
      description: Moves whose region is on its target.
      type: int
    total:
      description: All moves of the plan.
      type: int
    running:
      description: Moves that run now.
      type: int
    failed:
      description: Moves that failed.
      type: int
    rate_per_minute:
      description: Moves that ended per minute, in this run.
      type: float
    eta_seconds:
      description: Expected seconds until the end.
      type: float
waits:
  description: What the run waits for, by reason.
  returned: always
  type: list
  elements: dict
plan_id:
  description: The id of the plan that the journal names last, which M(dbops.migration.greptimedb_region_proof) proves.
  returned: when the cluster could be looked at
  type: str
reverse_moves:
  description: The moves that would undo what this run did, in the form of O(moves).
  returned: when finished
  type: list
  elements: dict
follow:
  description: State for the next step. Only with O(wait=false).
  returned: when not finished
  type: dict
code:
  description: >-
    The stable code of the error, such as V(greptimedb.moves_failed), V(control.aborted) or V(deadline.expired).
  returned: on failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec, window_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_settings import FLUSH_CHOICES
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_task import MigrationTask
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        argument_spec={
            "plan": {"type": "raw"},
            "plan_file": {"type": "path"},
            "moves": {"type": "raw"},
            "limits": {"type": "raw"},
            "server_timeout": {"type": "str", "default": "5m"},
            "timeout": {"type": "str", "default": "12h"},
            "move_timeout": {"type": "str", "default": "20m"},
            "settle_time": {"type": "str", "default": "10s"},
            "poll_interval": {"type": "str", "default": "500ms"},
            "max_failures": {"type": "int", "default": 0},
            "attempts": {"type": "int", "default": 2},
            "flush_before": {"type": "str", "default": "auto", "choices": list(FLUSH_CHOICES)},
            "follow_only": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
            "step_time": {"type": "str"},
            "follow": {"type": "raw"},
        },
        mutually_exclusive=[("plan", "plan_file", "moves")],
        required_if=[("follow_only", False, ("plan", "plan_file", "moves"), True)],
    )
    spec.merge(connection_argument_spec()).merge(journal_spec()).merge(control_spec()).merge(window_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = MigrationTask(module.params, check_mode=module.check_mode, redactor=redactor)
    run(module, redactor, task.body, partial=task.partial)


if __name__ == "__main__":
    main()
