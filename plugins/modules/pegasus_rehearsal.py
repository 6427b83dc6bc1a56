#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_rehearsal
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Rehearse a Pegasus cutover with a small table of its own, and measure it
description:
  - Makes a small shadow table on the source, which nobody else uses, and later takes everything of it away again. In
    between it is duplicated and cut over like a real table, with clients of this module that write to it all the time.
  - Measures how long changed app envs take to each replica server, how long the drain and the switch take, when each
    MetaProxy has noticed, and for how long its clients were refused.
  - O(ignore:rehearsal_journal) of M(dbops.migration.pegasus_cutover) takes these figures into the forecast of the real
    cutover.
  - No table but the shadow table is written, fenced, switched, duplicated or dropped. Whatever has its name and was not
    made by this journal is left alone, and is an error.
  - The role's entry point C(rehearse) does all of it in order. This module is three of its steps.
notes:
  - "The cutover of the shadow table shortens the config-sync intervals of the source's replica servers as a real one
    does, and puts them back. That is the only setting that other tables notice: their servers ask the meta server more
    often for that time. With O(config_sync_interval=keep) even that is left alone."
  - Up to 2.5 the clients' last write to each partition is held back as in a real cutover, so the rehearsal takes
    minutes, and O(budget) has to hold that.
  - The guard of the shadow table's fence is a process on the same host, as in a real cutover.
  - It is no phase of a migration. No control text and no window holds it.
  - A dropped shadow table can be recalled for one minute, then its room is given back.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._attributes.flow
  - dbops.migration._pegasus
  - dbops.migration._pegasus.target
  - dbops.migration._journal
  - dbops.migration._pegasus.remote
  - dbops.migration._pegasus.switch
attributes:
  check_mode:
    support: partial
    details:
      - Predicts the exact calls of O(state=present) and O(state=absent). Sends none, and does not touch the journal.
      - A cutover of a table that is not there yet cannot be predicted call by call. O(state=cut_over) tells no changes.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A shadow table that is there, or was cut over, is left at that; so is one of which nothing is left.
  action:
    support: full
    details:
      - Runs the module in one call, and shows each step as the journal gets it, where it can read along on the
        controller. That is a file with the connection C(local), and an O(journal) on S3 with the task's options or the
        credentials that boto3 finds on the controller. Elsewhere nothing is shown before the end.
  async:
    support: full
    details:
      - With C(async), no steps are shown.
requirements:
  - kazoo, on the host where the module runs, with O(switch=metaproxy)
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
      - V(present) makes the shadow table on the source, waits until it is whole, and writes the records.
      - V(cut_over) cuts it over and measures. Its duplication must be in C(DS_LOG) by then
        (M(dbops.migration.pegasus_duplication)), and with O(switch=metaproxy) its znode must be there
        (M(dbops.migration.pegasus_metaproxy_table)).
      - V(absent) takes away everything of the rehearsal that the journal knows of and that was not taken away yet, from
        whatever point it had come to. Its duplication, its znode, and its tables on both clusters are removed, and
        config-sync intervals that a killed cutover has left short are put back.
    type: str
    choices: [present, cut_over, absent]
    required: true
  table:
    description:
      - The name of the shadow table. It must begin with V(dbops_rehearsal_), and be free on both clusters and in
        ZooKeeper.
      - By default that and eight random letters, which is a new one for each rehearsal.
      - Only used with O(state=present). The others find the name in the journal.
    type: str
  partition_count:
    description:
      - How many partitions the shadow table gets, a power of two. Give about as many as the source has replica servers,
        or more, because a server without a primary of the shadow table is not measured.
    type: int
    default: 8
  replica_count:
    description:
      - How many replicas each of its partitions gets.
    type: int
    default: 3
  records:
    description:
      - How many records are written before it is duplicated. Each is a few bytes.
    type: int
    default: 100
  timeout:
    description:
      - How long to wait until every partition of the new table is whole, in seconds or with a unit.
    type: str
    default: 5m
  cluster_name:
    description:
      - The source, by the name that duplication knows it by. Only needed where C(dup_cluster_name) of its configuration
        (2.6) says another one than the cluster tells.
    type: str
  switch:
    description:
      - V(metaproxy) switches the shadow table's clients by its own znode.
      - V(hand_over) ends after the drain. Nothing is switched then, and no switch is measured.
    type: str
    choices: [metaproxy, hand_over]
    default: metaproxy
  metaproxies:
    description:
      - Every instance of MetaProxy, as C(host:port). Needed with O(switch=metaproxy). A client comes by each.
    type: raw
  budget:
    description:
      - The longest time for which writes to the shadow table may be refused, as of the real cutover. If the forecast
        does not fit, the rehearsal fails as the real one would.
    type: str
    default: 60s
  max_lag:
    description:
      - How many mutations of the shadow table may wait to be shipped when it is fenced.
    type: int
    default: 10000
  last_mutation:
    description:
      - Up to 2.5, V(strict) waits until the last mutation of each partition is shipped, V(accept) does not. Give what
        the real cutover is to have.
    type: str
    choices: [strict, accept]
    default: strict
  config_sync_interval:
    description:
      - The config-sync interval during the fence, or V(keep). Give what the real cutover is to have. Figures of another
        one are not used for it.
    type: str
    default: 1s
seealso:
  - module: dbops.migration.pegasus_cutover
  - module: dbops.migration.pegasus_duplication
  - module: dbops.migration.pegasus_metaproxy_table
"""

EXAMPLES = r"""
- name: Make a shadow table
  dbops.migration.pegasus_rehearsal:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    state: present
    switch: hand_over
    journal: /var/lib/dbops/orders-rehearsal.jsonl
    migration_id: orders-rehearsal
  register: shadow

- name: Duplicate it until it keeps up
  dbops.migration.pegasus_duplication:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    remote_cluster: onebox-b
    tables: "{{ shadow.table }}"
    journal: /var/lib/dbops/orders-rehearsal.jsonl
    migration_id: orders-rehearsal

- name: Cut it over, and measure
  dbops.migration.pegasus_rehearsal:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    state: cut_over
    switch: hand_over
    journal: /var/lib/dbops/orders-rehearsal.jsonl
    migration_id: orders-rehearsal

- name: Take everything of it away
  dbops.migration.pegasus_rehearsal:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    state: absent
    switch: hand_over
    journal: /var/lib/dbops/orders-rehearsal.jsonl
    migration_id: orders-rehearsal
"""

RETURN = r"""
table:
  description: The shadow table. Empty where there is none.
  returned: when the clusters were asked
  type: str
  sample: dbops_rehearsal_3f9a01cc
summary:
  description: What was done, in one sentence.
  returned: when the clusters were asked
  type: str
left:
  description: >-
    Whether the journal knew of something, before this call, that a rehearsal had not put back yet, the meta levels
    among it.
  returned: when the options are right
  type: bool
remote_cluster:
  description: The target, by the name that it has for duplication. Empty where that was not needed and is not known.
  returned: when the options are right
  type: str
target_meta_servers:
  description: The meta servers of the target, as they were given.
  returned: when the options are right
  type: list
  elements: str
measured:
  description: What was measured. Times are in seconds.
  returned: with O(state=cut_over)
  type: dict
  contains:
    table:
      description: The shadow table.
      type: str
    at:
      description: When it was measured.
      type: str
    source:
      description: The source, by the name that it calls itself.
      type: str
    target:
      description: The target, by the name that it calls itself.
      type: str
    source_version:
      description: The source's version.
      type: str
    target_version:
      description: The target's version.
      type: str
    switch:
      description: As the option.
      type: str
    last_mutation:
      description: As the option.
      type: str
    config_sync_interval_ms:
      description: The interval that was set, null where the intervals were left as they are.
      type: int
    propagation:
      description: >-
        How long changed app envs took. C(by_node) has the times of each replica server, C(servers) how many there are,
        C(p50), C(p95) and C(longest) are of all.
      type: dict
    phases:
      description: How long it took to fence (C(fence)), to drain (C(drain)) and to switch (C(switch)).
      type: dict
    refused:
      description: How long writes were refused, from the first server's refusal to the last MetaProxy's proof.
      type: float
    refused_clients:
      description: How long the client that had the longest wait was refused. Null without a switch.
      type: float
    routes:
      description: >-
        By MetaProxy, how long its client was refused (C(refused)), how long after the write of the znode it led to the
        target (C(noticed)), how many records its client has written (C(stored)), and which other errors it met.
      type: dict
    forecast:
      description: What the cutover of the shadow table had been forecast to take.
      type: dict
changes:
  description: The changes that were made, or would be.
  returned: when the clusters were asked
  type: list
  elements: dict
  contains:
    resource:
      description: What was changed, such as C(pegasus:onebox-a/table/dbops_rehearsal_3f9a01cc).
      type: str
    action:
      description: Such as C(create), C(fence), C(remove) or C(drop).
      type: str
    before:
      description: Its state before.
      type: raw
    after:
      description: Its state after.
      type: raw
    request:
      description: The call.
      type: dict
code:
  description: >-
    Stable code of the error, such as C(pegasus.rehearsal_name_taken), C(pegasus.rehearsal_name_used),
    C(pegasus.rehearsal_unfinished), C(pegasus.rehearsal_missing), C(pegasus.rehearsal_not_ours),
    C(pegasus.rehearsal_elsewhere), C(pegasus.rehearsal_znode_left), or one of M(dbops.migration.pegasus_cutover).
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
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_options import rehearsal_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_task import RehearsalTask


def main() -> None:
    module = rehearsal_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = RehearsalTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
