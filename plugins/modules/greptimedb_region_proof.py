#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_region_proof
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Prove that moved GreptimeDB regions serve, and that a datanode is empty
description:
  - Proves that every moved region is led by its target, that the target is alive, that the route is not degraded, and,
    from GreptimeDB 1.1 on, that this datanode itself reports the region as writable and no other one does.
  - With O(empty_datanodes), also proves that these datanodes hold nothing. This is the gate to pass right before a
    datanode is taken out of the cluster or the replicas of its StatefulSet are lowered. All regions of the cluster are
    looked at, so tables that were created since the drain are seen too.
  - Waits for positive evidence until O(timeout). What is missing, stale or not known never passes. What the cluster
    clearly denies, with no migration under way that could change it, fails at once.
  - Only reads, unless O(canary_sql) is given.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._greptimedb
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Proves the same. Neither writes to the journal nor executes O(canary_sql).
  diff_mode:
    support: N/A
    details:
      - This module changes no setting.
  idempotent:
    support: partial
    details:
      - Full without O(canary_sql). A canary statement is executed on every run.
options:
  plan:
    description:
      - The plan whose moves have to be proved, as M(dbops.migration.greptimedb_region_plan) returns it. A JSON text is
        accepted too.
      - Without O(plan), O(plan_file) and O(moves), everything that the journal's newest plan names and that its runs
        have moved is proved.
    type: raw
  plan_file:
    description:
      - A file with that plan on the host where this module runs.
    type: path
  moves:
    description:
      - Moves to prove, each with C(region_id) and C(to_peer). A JSON text is accepted too.
    type: raw
  approved_plan_hash:
    description:
      - The id of the plan that was approved, or at least its first 12 characters. If the newest plan in the journal is
        another one, nothing is proved, and RV(code) is V(plan.not_approved).
    type: str
  empty_datanodes:
    description:
      - Ids of datanodes that must hold nothing, neither leaders nor followers, and that no migration may be on its way
        to. A JSON text or ids separated by commas are accepted too.
      - Before GreptimeDB 0.9.4 the server cannot list migrations, so one that somebody else has just started is not
        seen there; RV(notes) says so.
      - An empty list asks of no datanode to be empty, also not of those of O(drained_datanodes). Without this option
        they are those of which O(drained_datanodes) says so.
    type: raw
  drained_datanodes:
    description:
      - Ids of datanodes that a plan drains, as O(empty_datanodes) takes them. Those on which the newest plan in the
        journal leaves no region must hold nothing. Others need not, because a drain of some tables or of at most
        O(dbops.migration.greptimedb_region_plan#module:max_moves) moves leaves the rest behind; RV(notes) says so.
      - Not read where O(empty_datanodes) is given.
    type: raw
  timeout:
    description:
      - How long to wait for positive evidence.
    type: str
    default: 60s
  poll_interval:
    description:
      - The pause between two looks at the cluster.
    type: str
    default: 1s
  accept_missing:
    description:
      - Whether a region that is no longer in any route counts as proved, because its table was dropped after the move.
    type: bool
    default: false
  canary_sql:
    description:
      - For each table a statement that is executed as it is, through the frontend, once everything else is proved.
        If one fails, the proof fails.
      - This is a write if the statement is one, such as an C(INSERT) of a row that you recognise. It is off by default.
        A JSON text is accepted too.
    type: raw
seealso:
  - module: dbops.migration.greptimedb_region_migration
  - module: dbops.migration.greptimedb_region_plan
"""

EXAMPLES = r"""
- name: Prove everything that a migration has moved, and that datanode 3 can be taken out
  dbops.migration.greptimedb_region_proof:
    frontend_host: greptimedb.example.com
    journal: /var/lib/dbops/drain-3.jsonl
    migration_id: drain-3
    empty_datanodes: [3]

- name: Is datanode 3 still empty, right before the replicas are lowered?
  dbops.migration.greptimedb_region_proof:
    frontend_host: greptimedb.example.com
    empty_datanodes: [3]
    timeout: 10s

- name: Prove two moves and write one row to the table
  dbops.migration.greptimedb_region_proof:
    frontend_host: greptimedb.example.com
    moves:
      - {region_id: 4398046511104, to_peer: 2}
      - {region_id: 4398046511105, to_peer: 3}
    canary_sql:
      public.metrics: INSERT INTO public.metrics (host, ts, val) VALUES ('canary', now(), 1)
"""

RETURN = r"""
passed:
  description: Whether everything is proved.
  returned: always
  type: bool
summary:
  description: The outcome in a sentence.
  returned: when the cluster could be looked at
  type: str
level:
  description:
    - How strong the proof is. V(region_info) means that the datanodes themselves were asked (GreptimeDB 1.1 and newer),
      V(placement) that route and heartbeats are the evidence. So they are while a datanode is listed that is not alive,
      because then the server lets nobody ask the others; RV(notes) says so.
  returned: when the cluster could be looked at
  type: str
proofs:
  description: The evidence for every region.
  returned: when the cluster could be looked at
  type: list
  elements: dict
  contains:
    region_id:
      description: The region.
      type: int
    table:
      description: Its table, where it is known.
      type: str
    to_peer:
      description: The datanode that must serve it.
      type: int
    state:
      description: V(proven), V(open) (something is missing or under way) or V(refuted) (the cluster says otherwise).
      type: str
    reason:
      description: Why, for people.
      type: str
    leader_peer:
      description: The datanode that leads it.
      type: int
    leader_status:
      description: The word of its route.
      type: str
    target_alive:
      description: V(yes), V(suspect), V(no) or V(unknown), by the age of the target's heartbeat.
      type: str
    writable_on:
      description: The datanodes that report it as writable themselves. Null before GreptimeDB 1.1.
      type: list
      elements: int
datanodes:
  description: The answer for every datanode of O(empty_datanodes).
  returned: when the cluster could be looked at
  type: list
  elements: dict
  contains:
    datanode:
      description: The datanode id.
      type: int
    empty:
      description: Whether it is proved to hold nothing.
      type: bool
    state:
      description: As in RV(proofs[].state).
      type: str
    alive:
      description: As in RV(proofs[].target_alive). A datanode that is dead can be empty.
      type: str
    holding:
      description: How many things it still holds; they are in RV(holding).
      type: int
    leftovers:
      description:
        - Regions of which it has a copy open that serves nothing, because it has not closed it yet. They block nothing.
      type: list
      elements: int
holding:
  description: Everything that the datanodes of O(empty_datanodes) still hold.
  returned: when the cluster could be looked at
  type: list
  elements: dict
  contains:
    datanode:
      description: The datanode id.
      type: int
    kind:
      description: V(leader), V(follower), V(migration) (on its way there) or V(writable_copy).
      type: str
    region_id:
      description: The region.
      type: int
    table:
      description: Its table.
      type: str
    detail:
      description: More about it, for people.
      type: str
notes:
  description: What this server cannot tell, what was not asked of it, and why.
  returned: when the cluster could be looked at
  type: list
  elements: str
looks:
  description: How often the cluster was looked at.
  returned: when the cluster could be looked at
  type: int
changes:
  description: The canary statements that were executed, or in check mode would be.
  returned: when something was to be executed, and on success
  type: list
  elements: dict
code:
  description:
    - The stable code of the error, such as V(greptimedb.not_proven), V(greptimedb.datanode_not_empty) or
      V(greptimedb.canary_failed).
  returned: on failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_task import ProofTask


def main() -> None:
    spec = ArgumentSpec(
        argument_spec={
            "plan": {"type": "raw"},
            "plan_file": {"type": "path"},
            "moves": {"type": "raw"},
            "approved_plan_hash": {"type": "str"},
            "drained_datanodes": {"type": "raw"},
            "empty_datanodes": {"type": "raw"},
            "timeout": {"type": "str", "default": "60s"},
            "poll_interval": {"type": "str", "default": "1s"},
            "accept_missing": {"type": "bool", "default": False},
            "canary_sql": {"type": "raw"},
        },
        mutually_exclusive=[("plan", "plan_file", "moves")],
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = ProofTask(module.params, check_mode=module.check_mode, redactor=redactor)
    run(module, redactor, task.body, partial=task.partial)


if __name__ == "__main__":
    main()
