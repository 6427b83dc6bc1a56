#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_app_env
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Set, delete and restore app envs of Pegasus tables
description:
  - Brings the app envs of one or many tables into the wanted state, with as few calls as possible. At most one call
    sets, and one deletes, for each table.
  - Every change is read back. The meta server changes envs by reading the whole map, altering it and writing it, so two
    who do that at once can undo each other's change without an error. A change that was lost is sent again (three times
    at most); a value that somebody else has set in the same moment is left alone, and the module fails and says so.
  - With O(journal), the values found are written down before they are changed, and O(state=restored) puts them back.
  - With O(wait_propagated=true), the module returns only when the replica servers have the envs in effect, and says in
    RV(propagated) by which evidence it knows.
  - To refuse writes for a cutover, use the cutover module of this collection and not this one. An env that refuses
    writes and that is set here stays until somebody deletes it.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact calls. Sends none, waits for nothing, and does not touch the journal. Whether the server
        knows an env and takes its value is only found out when it is sent.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  tables:
    description:
      - The tables. A list, JSON text of one, or comma-separated text. All get the same envs.
    type: raw
    required: true
  envs:
    description:
      - The envs, a mapping of names to values, or JSON text of one. Numbers and booleans become text.
      - For O(state=absent) and O(state=restored), a list of names is enough.
      - For O(state=restored), the default is all envs of these tables that the journal has changes of.
      - The server refuses names that it does not know and values that it cannot use, and says why. Then none of the
        envs of that call is set.
    type: raw
  state:
    description:
      - V(present) sets O(envs) and leaves all others alone.
      - V(absent) deletes the envs named in O(envs).
      - V(exact) makes the envs below O(prefix) exactly those in O(envs), and deletes the others below it.
      - V(restored) puts back what the first change in O(journal) had found, env by env, but only where the value is
        still as this collection had set it. Where somebody else changed it since, theirs stays.
    type: str
    choices: [present, absent, exact, restored]
    default: present
  prefix:
    description:
      - For O(state=exact), the beginning of the names that it speaks of, up to a dot, such as V(rocksdb).
    type: str
  ignore_missing:
    description:
      - For O(state=absent) and O(state=restored), whether tables that the cluster does not have are only told, as a
        warning and in RV(missing), while the others are dealt with. By default nothing is done then.
    type: bool
    default: false
  wait_propagated:
    description:
      - Wait until the replica servers have the envs in effect. Each one pulls them at its own config sync, by default
        every 30 s.
      - A fence (C(replica.deny_client_request) as V(reconfig*write) or V(reconfig*all), or deleted) of a table that is
        being duplicated is proved by a probe on the primary of every partition. The probe writes nothing.
      - For everything else there is no way to ask. Then the module waits until one whole config sync interval of every
        alive replica server has passed since the change. From 2.5 on, the servers are asked for their interval; before,
        the default of 30 s is assumed.
      - When nothing had to be changed and no journal tells when it was, the interval counts from now.
    type: bool
    default: false
  propagation_timeout:
    description:
      - How long O(wait_propagated) may take, in seconds or with a unit. The envs stay set when it is over.
    type: str
    default: 2m
seealso:
  - module: dbops.migration.pegasus_info
  - module: dbops.migration.pegasus_duplication
"""

EXAMPLES = r"""
- name: Slow the writers of two tables down, until further notice
  dbops.migration.pegasus_app_env:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    tables: [orders, invoices]
    envs:
      replica.write_throttling: 2000*delay*50
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders
    wait_propagated: true

- name: Give them back what they had before
  dbops.migration.pegasus_app_env:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    tables: [orders, invoices]
    state: restored
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders

- name: Delete what a duplication has left on the target
  dbops.migration.pegasus_app_env:
    meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [orders]
    envs: [duplication.master_cluster, duplication.master_metas]
    state: absent
"""

RETURN = r"""
cluster_name:
  description: The name by which the cluster calls itself.
  returned: when the cluster was asked
  type: str
  sample: onebox-a
tables:
  description: The tables, in the order of O(tables).
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    table:
      description: Name of the table.
      type: str
    app_id:
      description: Its id.
      type: int
    former:
      description: All its envs when the module came.
      type: dict
    envs:
      description: All its envs now (in check mode, as they would be).
      type: dict
changes:
  description: The changes that were made, or would be, one for each env.
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    resource:
      description: The env, such as C(pegasus:onebox-a/table/orders/env/replica.write_throttling).
      type: str
    action:
      description: C(set) or C(restore).
      type: str
    before:
      description: The value before, null if there was none.
      type: str
    after:
      description: The value after, null if it was deleted.
      type: str
    request:
      description: The call that makes this change, with C(rpc) and C(fields). Several changes can share one call.
      type: dict
calls:
  description: The calls that were sent, or would be, in order.
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    rpc:
      description: The RPC code.
      type: str
      sample: RPC_CM_UPDATE_APP_ENV
    fields:
      description: What it holds. C(op) is 1 for set and 2 for delete.
      type: dict
missing:
  description: The tables that the cluster does not have.
  returned: with O(ignore_missing=true)
  type: list
  elements: str
others_changed:
  description:
    - By table and env, C(before) and C(after) of envs that this task did not touch, and that changed while it ran. That
      may be a change of somebody else's that was lost.
  returned: when not in check mode
  type: dict
propagated:
  description: By which evidence it is known that the envs are in effect.
  returned: with O(wait_propagated=true)
  type: list
  elements: dict
  contains:
    table:
      description: Name of the table.
      type: str
    evidence:
      description: >-
        C(probe) (every primary has answered) or C(config_sync_interval) (one whole interval of every alive replica
        server has passed).
      type: str
    seconds:
      description: The time from the change to the evidence.
      type: float
    partitions:
      description: How many partitions have answered the probe.
      type: int
    answer:
      description: What they answered, C(denied) or C(open).
      type: str
    probes:
      description: How often they were asked.
      type: int
    servers:
      description: How many alive replica servers the interval was taken of.
      type: int
    longest_interval_seconds:
      description: The longest config sync interval among them.
      type: float
    interval_source:
      description: Whether the servers were asked for it, or the default was assumed.
      type: str
    servers_not_alive:
      description: Replica servers that are not alive. They read the envs when they come back.
      type: list
      elements: str
restore:
  description: What was decided about each env.
  returned: with O(state=restored)
  type: list
  elements: dict
  contains:
    resource:
      description: The env.
      type: str
    original:
      description: The value that our first change had found, null if there was none.
      type: str
    ours:
      description: The value that our last change had set, null if it was deleted.
      type: str
    now:
      description: The value found now.
      type: str
    action:
      description: C(restore), C(already_original) or C(keep_theirs).
      type: str
    reason:
      description: Why, in a sentence.
      type: str
code:
  description: >-
    Stable code of the error, such as C(pegasus.app_not_found), C(pegasus.invalid_parameters) (an env or a value that
    the server does not take), C(pegasus.setting_contested), C(pegasus.setting_not_kept),
    C(pegasus.propagation_unknown) or C(deadline.expired).
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
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env import AppEnvTask
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import STATES
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "tables": {"type": "raw", "required": True},
            "envs": {"type": "raw"},
            "state": {"type": "str", "choices": list(STATES), "default": "present"},
            "prefix": {"type": "str"},
            "ignore_missing": {"type": "bool", "default": False},
            "wait_propagated": {"type": "bool", "default": False},
            "propagation_timeout": {"type": "str", "default": "2m"},
        }
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = AppEnvTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
