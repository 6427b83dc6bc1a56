#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_cutover
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Switch the clients of duplicated Pegasus tables to the target cluster, within a bounded write block
description:
  - One call looks, forecasts, fences the tables, proves that every primary refuses writes, waits until everything
    written before is proved to be on the target, switches the znode of MetaProxy, asks every MetaProxy until it sends
    clients to the target, closes the source, verifies the target, and commits.
  - Nothing is fenced unless the duplication is in C(DS_LOG) with known and small lag on every partition, the target can
    take writes, all MetaProxies send clients to the source, and the forecast (p95) fits into O(budget).
  - A partition counts as drained when its confirmed decree has passed the decree that its primary had prepared under
    the proved fence. Rates, counters and silence count for nothing, and what is not known does not pass.
  - Any failure before the switch takes the fence off, proves that writes are let through again, and puts back what was
    changed. Behind the switch nothing is rolled back by itself, since clients may have written to the target; run the
    module again, and it goes on from there. Only when every MetaProxy is proved to have lost its watch, which takes ten
    seconds of O(budget), the znode is put back byte for byte, and the fence is taken off. At least four seconds have to
    be left for that, and half a second more for each further table of the group.
  - Before it fences, it starts a guard, a process on the same host that outlives the module, Ansible and the
    connection. If the module dies, hangs, or does not commit in time, the guard lifts the fence so early that writes
    are let through when O(budget) is over. It first makes a switch that comes late impossible. It writes what it does
    to a file whose name ends with C(.guard.jsonl), beside an O(journal) that is a file. With a journal on S3 it lies in
    the temporary folder of that host. M(dbops.migration.pegasus_table_info) tells its name as C(guard_record).
  - After a cutover that was killed, run it again. It finds out from the clusters, O(journal) and the guard's record
    what was left, and puts it right first.
  - Before a table is fenced, the journal gets the command that lifts its fence by hand; RV(tables[].lift_command) tells
    it in check mode already.
notes:
  - With O(control), C(pause), C(postpone), C(abort) and a text that cannot be read refuse a cutover before anything is
    fenced, with the codes C(control.paused), C(control.postponed), C(control.aborted) and C(control.unreadable). While
    the fence is set, C(abort) takes it off, which is proved, and fails with C(control.aborted). Other wishes are
    acknowledged and change nothing. Once clients are switched, or the switch was handed over, nothing is obeyed any
    more; see O(state=lifted). What was said meanwhile is acknowledged by the call that ends a cutover which was handed
    over, an C(abort) with O(state=committed) as too late.
  - Outside of O(cutover_window) the cutover is refused with C(cutover.outside_window). So it is when the
    forecast (p95), or with O(switch=hand_over) the budget, does not end before it closes. Nothing is fenced then.
  - The guard ends with the host or container it runs in. Where those vanish (AWX), delegate this task to a host that
    lasts, and do the same with C(KillUserProcesses) of systemd in mind.
  - "The config-sync interval of all replica servers of the source is shortened to O(config_sync_interval) before the
    first fence and put back after the last (2.5 and newer; 2.4 cannot). Servers take a shorter interval at their next
    config sync only, so one old interval (30 s) passes before the fence; nothing is refused in that time. What cannot
    be put back is no failure, but the finding C(pegasus.cutover.intervals_left): a later run with O(journal) does it."
  - "When everything is committed, every primary of the source is asked for a record that nobody has, until it refuses
    reads, for no longer than one config-sync interval. Nothing depends on that any more: where one still serves the old
    table, that is the finding C(pegasus.cutover.close_unproved)."
  - "Up to 2.5 the last mutation of each partition is shipped only when an empty one follows it, 100 to 200 seconds
    after the fence. O(budget) has to hold that, unless O(last_mutation=accept)."
  - C++ and Python clients do not follow MetaProxy.
  - "What must be true before a fence is looked at here again, since preflight. If anything is not, nothing is fenced,
    and the module fails with C(pegasus.cutover_blocked); the message names all findings with their tables and remedies,
    and RV(details) holds them with their evidence. They protect data and clients, and none of them can be accepted,
    whatever was accepted in preflight: C(pegasus.table.missing), C(pegasus.table.not_available),
    C(pegasus.table.deny_set), C(pegasus.table.atomic_idempotent) (2.6), C(pegasus.table.bulk_loading),
    C(pegasus.table.is_follower), C(pegasus.table.renamed) (with O(switch=metaproxy)), C(pegasus.partition.no_primary),
    C(pegasus.duplication.missing), C(pegasus.duplication.several), C(pegasus.duplication.not_in_log),
    C(pegasus.duplication.fail_mode), C(pegasus.fence.probe_fails) (a primary does not answer the probe that proves a
    fence), C(pegasus.lag.unknown), C(pegasus.lag.repeated), C(pegasus.lag.too_large),
    C(pegasus.target.missing), C(pegasus.target.not_available), C(pegasus.target.partition_count),
    C(pegasus.target.not_our_copy) (its C(duplication.*) envs name another cluster or table),
    C(pegasus.target.deny_set), C(pegasus.target.not_writable), C(pegasus.znode.missing),
    C(pegasus.znode.points_elsewhere), C(pegasus.znode.points_at_target), C(pegasus.znode.read_only) and
    C(pegasus.metaproxy.not_on_source)."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._attributes.flow
  - dbops.migration._pegasus
  - dbops.migration._pegasus.target
  - dbops.migration._control
  - dbops.migration._control.window
  - dbops.migration._journal
  - dbops.migration._pegasus.remote
  - dbops.migration._pegasus.switch
attributes:
  check_mode:
    support: full
    details:
      - Looks, forecasts, and predicts exactly the calls of a run that comes to its end, in order. Sends none, starts no
        guard, and does not touch the journal. The probe by which a fence is proved has the form of a write, so it is
        not sent either, and C(pegasus.fence.probe_fails) is not found.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A table that is committed in O(journal) is left alone.
  action:
    support: full
    details:
      - Runs the module in one call, and shows each step as the journal gets it, where it can read along on the
        controller. That is a file with the connection C(local), and an O(journal) on S3 with the task's options or the
        credentials that boto3 finds on the controller. Elsewhere no step is shown, and RV(events) at the end.
  async:
    support: full
    details:
      - With C(async), no steps are shown.
requirements:
  - kazoo, on the host where the module runs, with O(switch=metaproxy)
options:
  tables:
    description:
      - The tables. A list, JSON text of one, or comma-separated text. They are cut over one after another, or in groups
        of O(group_size); with O(switch=hand_over) all at once.
    type: raw
    required: true
  state:
    description:
      - V(cut_over) does the cutover.
      - V(committed) ends one that was handed over, when you have switched the clients.
      - V(lifted) ends one that was handed over, when you have not. The fence is taken off, and proved to be off.
        So is one that was left by a run that was killed together with its guard. Neither ZooKeeper nor the target
        has to answer for it, unless the journal says that the switch of the table was begun.
    type: str
    choices: [cut_over, committed, lifted]
    default: cut_over
  switch:
    description:
      - V(metaproxy) switches the clients by the znode of their table.
      - V(hand_over) stops after the drain and leaves the switch to you. The guard stays and lifts the fence in time,
        unless O(state=committed) comes before. All tables share one fence.
    type: str
    choices: [metaproxy, hand_over]
    default: metaproxy
  metaproxies:
    description:
      - Every instance of MetaProxy, as C(host:port). Needed with O(switch=metaproxy).
    type: raw
  budget:
    description:
      - The longest time for which writes may be refused, from the request to fence to the last primary that takes
        writes again if the cutover fails. In seconds or with a unit.
      - Refused with the smallest possible value if the forecast does not fit.
    type: str
    default: 60s
  max_lag:
    description:
      - How many mutations of a table may be unshipped for the cutover to start.
    type: int
    default: 10000
  last_mutation:
    description:
      - What to do about the mutation that servers up to 2.5 hold back. V(strict) waits for it.
      - With V(accept), at most one mutation of each partition (it can hold several rows) may arrive on the target after
        the switch, minutes later, as long as the duplication stays. A finding tells of which partitions.
        M(dbops.migration.pegasus_duplication) waits for them before it removes it.
    type: str
    choices: [strict, accept]
    default: strict
  config_sync_interval:
    description:
      - The config-sync interval for the time of the fences, in seconds or with a unit, or V(keep) to leave it alone.
        Shorter means shorter windows and more questions to the meta server.
    type: str
    default: 1s
  group_size:
    description:
      - How many tables share one fence, and so one window. By default one.
      - With O(switch=hand_over) all tables do, because you switch them once; fewer are refused.
    type: int
  rehearsal_journal:
    description:
      - The journal of a rehearsal (M(dbops.migration.pegasus_rehearsal)), a path on the host where the module runs, or
        V(s3://bucket/prefix).
      - "Its last rehearsal that measured something goes into the forecast: the interval that the measured propagation
        of app envs speaks for, never less than the longest that was seen; the measured time of the switch; and the
        measured drain, where it is longer than what the servers tell explains. The time that is kept for lifting the
        fence does not become shorter by it."
      - Used only if it was between the same clusters in the same versions, with the same O(config_sync_interval), and
        is not older than O(rehearsal_max_age). Otherwise the forecast is made without it.
        C(basis) in RV(tables[].forecast) tells which it was, and why.
    type: str
  rehearsal_max_age:
    description:
      - How old what O(rehearsal_journal) has measured may be, in seconds or with a unit.
    type: str
    default: 30d
seealso:
  - module: dbops.migration.pegasus_preflight
  - module: dbops.migration.pegasus_duplication
  - module: dbops.migration.pegasus_metaproxy_table
  - module: dbops.migration.pegasus_rehearsal
"""

EXAMPLES = r"""
- name: Cut over, with at most a minute of refused writes
  dbops.migration.pegasus_cutover:
    meta_servers: [old-meta-0.example.com:34601, old-meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    zookeeper_hosts: zk-0.example.com:2181,zk-1.example.com:2181,zk-2.example.com:2181
    zookeeper_root: /pegasus-metaproxy
    metaproxies: [proxy-0.example.com:34601, proxy-1.example.com:34601]
    tables: [temp]
    budget: 1m
    journal: /var/lib/migration/move-1.jsonl

- name: Fence and drain, and leave the switch to the next task
  dbops.migration.pegasus_cutover:
    meta_servers: [old-meta-0.example.com:34601, old-meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    switch: hand_over
    tables: [temp]
    budget: 3m
    journal: /var/lib/migration/move-1.jsonl
  register: handed

- name: After the clients were switched
  dbops.migration.pegasus_cutover:
    meta_servers: [old-meta-0.example.com:34601, old-meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    switch: hand_over
    state: committed
    tables: [temp]
    journal: /var/lib/migration/move-1.jsonl
"""

RETURN = r"""
state:
  description: The state of all tables, C(mixed) if they differ.
  returned: always
  type: str
  sample: committed
tables:
  description: Each table, in the order of O(tables).
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The table.
      type: str
    state:
      description: >-
        C(waiting) (nothing was done), C(fenced), C(lifted), C(switched), C(handed_over) or C(committed).
      type: str
    app_id:
      description: Its id on the source.
      type: int
    target_app_id:
      description: Its id on the target.
      type: int
    partition_count:
      description: Number of partitions.
      type: int
    lag:
      description: Mutations that were not shipped when it was last looked at before the fence.
      type: int
    window:
      description: >-
        Seconds from the request to fence to C(first_denied), C(all_denied), C(drained), C(handed_over), C(switched),
        C(proved) (every MetaProxy), C(committed) or C(lifted). C(refused) is how long writes were refused, as seen from
        here; after a hand-over, until the call that ended it, which has the earlier times from O(journal).
      type: dict
    forecast:
      description: >-
        The forecast in seconds, with C(window_p50), C(window_p95), C(held_p95) (the time that the fence is held),
        C(lift_reserve), C(minimum_budget), C(budget) and C(parts). C(basis) tells what it was made from: C(from) is
        C(rehearsal) or C(settings), C(text) says it in a sentence.
      type: dict
    last_mutation_missing:
      description: Partitions whose last mutation may be missing, with O(last_mutation=accept).
      type: list
      elements: int
    lift_command:
      description: The command that lifts the fence by hand, in the folder of Pegasus's own tools.
      type: str
deadline:
  description: When the guard begins to lift the fence.
  returned: when handed over
  type: str
  sample: "2026-11-21T03:14:00.123Z"
guard:
  description: The guard, with C(pid), C(seconds_left), and C(record), the file in which it tells what it does.
  returned: when handed over
  type: dict
changes:
  description: The changes that were made, or would be, in order.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: What was changed.
      type: str
    action:
      description: C(shorten), C(fence), C(switch), C(close) or C(restore).
      type: str
    before:
      description: State before.
      type: raw
    after:
      description: State after.
      type: raw
    request:
      description: The exact request.
      type: dict
findings:
  description: >-
    What is to be known about the outcome, such as C(pegasus.cutover.last_mutation_held_back),
    C(pegasus.cutover.close_unproved) or C(pegasus.cutover.intervals_left). Each is a warning, too, and in O(journal).
  returned: always
  type: list
  elements: dict
events:
  description: What was wished in O(control) meanwhile, a line for each acknowledgement.
  returned: always
  type: list
  elements: str
waits:
  description: What was waited for, by reason, as it was last seen.
  returned: always
  type: list
  elements: dict
code:
  description: >-
    Stable code of the error, such as C(pegasus.cutover_blocked) (with the findings in RV(details)),
    C(pegasus.budget_too_small), C(pegasus.fence_unproved), C(pegasus.not_drained), C(pegasus.fence_broken),
    C(pegasus.znode_changed), C(pegasus.metaproxy_not_switched), C(pegasus.metaproxy_not_following),
    C(pegasus.put_back_unproved), C(pegasus.target_unsound), C(guard.lost), C(guard.refused), C(pegasus.not_lifted),
    C(pegasus.cutover_running), C(pegasus.fence_was_lifted), C(control.aborted), C(control.paused),
    C(control.postponed), C(control.unreadable), C(cutover.outside_window) or C(journal.other_tables).
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
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec, window_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import cutover_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_task import CutoverTask


def main() -> None:
    spec = cutover_argument_spec().merge(journal_spec()).merge(control_spec()).merge(window_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = CutoverTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, task.partial)


if __name__ == "__main__":
    main()
