#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_duplication
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Duplicate Pegasus tables to another cluster
description:
  - Adds, pauses, resumes and removes duplications of any number of tables, and waits until they are where they should
    be. For O(state=present) that is when every partition ships its writes and none is far behind.
  - A table counts as caught up only on the word of its own primaries. The status is C(DS_LOG), every partition index is
    reported exactly once, by the server that is its primary, as duplicating in C(FAIL_SLOW), with no more than
    O(max_backlog) mutations to ship, at O(stable_samples) looks in a row, and has shipped all that was committed at
    the first of them. Silence, a rate of zero, a small backlog of a pipeline that ships nothing, or a counter that
    stands still while writes go in, count for nothing.
  - A duplication is never added twice. What is there is asked first, and looked for when an answer is lost.
  - While it waits, it names what it waits for. A duplication that is stuck before C(DS_LOG) is explained by looking at
    the target, and when no waiting can end it, the module fails and says what does.
  - A removal only touches duplications that the journal says this migration has made, and is sent when all that was
    written has arrived on the target, which every partition proves by its decrees.
  - From the moment that a table has a duplication, its cluster refuses increments, check-and-set and check-and-mutate
    on it, until the duplication is removed (but for tables with C(atomic_idempotent), from 2.6 on).
  - Prints progress while it runs. Run it again after an interruption; it finds its place.
notes:
  - With O(control), C(pause) adds and resumes no duplication until C(resume). Once they are added they go on, also
    during a pause. C(abort) ends the run with the code C(control.aborted), and leaves the duplications that were
    added. Only O(state=present) obeys, because the others take something back. A pause counts into O(timeout).
  - C(limits tables=2) lets two tables be copied at a time. A table counts from the addition of its duplication until it
    ships its log (C(DS_LOG)), also when somebody else has added it. The next one in O(tables) is added when one of them
    does, which is the wait C(pegasus.wait.turn). Without a limit all are added at once, so write it before the run
    begins. It can be raised, lowered and taken away while the run goes on; what is being copied goes on. A limit of
    another name is refused in the acknowledgement, and what was taken before holds. Nothing is set on a server, so
    nothing has to be put back. The speed of one copy is a matter of the servers' own configuration.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._attributes.flow
  - dbops.migration._pegasus
  - dbops.migration._pegasus.target
  - dbops.migration._control
  - dbops.migration._journal
  - dbops.migration._follow
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact calls of a real run, in their order. Sends none, waits for nothing, and does not touch the
        journal. With O(state=absent), O(unconfirmed=wait) and O(wait=false) it looks once, as a real call does, and
        predicts the removal when everything has arrived by then.
  diff_mode:
    support: full
  idempotent:
    support: full
  action:
    support: full
  async:
    support: full
    details:
      - With C(async), the module runs to its end in one call and prints no progress.
options:
  target_meta_servers:
    description:
      - Needed for no call of this module, but without it, it cannot see that the target already has a table of that
        name, nor say why a duplication stays in C(DS_PREPARE) or C(DS_APP).
  tables:
    description:
      - The tables of the source. A list, JSON text of one, or comma-separated text.
    type: raw
    required: true
  remote_cluster:
    description:
      - The target, by the name that it has in section C([pegasus.clusters]) of the source's configuration.
    type: str
    required: true
  remote_tables:
    description:
      - Other names on the target, a mapping of a table's name to its name there, or JSON text of one. Needs 2.6.
    type: raw
  remote_replica_count:
    description:
      - How many replicas each partition gets on the target. By default as many as on the source. Needs 2.6.
    type: int
  checkpoint:
    description:
      - Whether the existing data is copied. With V(false) only what is written from now on is shipped, and the table
        must exist on the target.
    type: bool
    default: true
  state:
    description:
      - V(present) adds what is missing, resumes what is paused, and waits until it has caught up.
      - V(paused) stops shipping. The log stays on the source's disks and grows. Only a duplication in C(DS_LOG) can be
        paused.
      - V(absent) removes the duplication; the table on the target stays. What was not shipped by then is never shipped,
        so it waits before, as O(unconfirmed) says.
    type: str
    choices: [present, paused, absent]
    default: present
  fail_mode:
    description:
      - What a primary does when the target does not take a write. V(slow) tries again for ever. V(skip) loses the write
        without a word. V(fast) ends the replica server. A migration needs V(slow).
      - V(slow) with O(state=present) is refused for a duplication that is or, as O(journal) knows, was in C(FAIL_SKIP),
        because nothing would prove that its copy is whole.
      - With O(state=present), V(skip) and V(fast) need O(wait=false), because a table never counts as caught up in
        them. RV(finished) then says that every primary ships in that mode, and nothing more. A duplication that is
        added begins in V(slow), and gets its mode from the next call.
      - The default is V(slow) for O(state=present), and to leave it as it is for O(state=paused).
    type: str
    choices: [slow, skip, fast]
  force:
    description:
      - With O(state=absent), also remove a duplication that this migration has not made as far as O(journal) knows. The
        one of a table that this migration has cut over needs no force, because its cutover was based on it.
    type: bool
    default: false
  adopt:
    description:
      - With O(state=present), write into O(journal) that a duplication which somebody else has added belongs to this
        migration from now on, so that O(state=absent) removes it. Whether it was added with the existing data
        (O(checkpoint)) nobody can tell any more.
    type: bool
    default: false
  unconfirmed:
    description:
      - With O(state=absent), what to do about writes that are not proved to be on the target.
      - V(wait) removes nothing until every partition of every table has confirmed them, by its decrees. For a table
        that was cut over, and whose source refuses all requests still, these are the writes before its fence; for any
        other, those before the first look. Up to 2.5 the newest write of a partition comes with the next empty write of
        the source, up to 200 s later. It ends when O(timeout) is over. A duplication that is paused, not yet in
        C(DS_LOG), or not in C(FAIL_SLOW) proves nothing, so it is refused; so is one whose table on the target is gone
        while writes are missing there.
      - With O(wait=false), V(wait) needs a O(journal). Each call looks once, and removes nothing before all has
        arrived. The first one notes what was written by then, and those after it go on with that, for a day, and as
        long as nothing else is changed about the duplication. After that it is what was written by the next call.
      - V(discard) removes the duplication at once, and what was not shipped is lost for the target. It is for a target
        that is given up.
    type: str
    choices: [wait, discard]
    default: wait
  max_backlog:
    description:
      - How many mutations the slowest partition may still have to ship when a table counts as caught up.
      - Before 2.6, an idle partition always has one, because the newest mutation is only shipped when another follows.
    type: int
    default: 1000
  stable_samples:
    description:
      - At how many looks in a row everything must be so. At least 2.
    type: int
    default: 3
  poll_interval:
    description:
      - The time between two looks, as a number of seconds or with a unit. It is varied a little, so that the looks do
        not fall in with the servers' own cycle of 10 s.
    type: str
    default: 2s
  stuck_after:
    description:
      - How long the signs of a stuck duplication may last before they are taken for one, for example that the target
        has the new table and the source does not hear of it. It must be longer than the servers' own cycle of 10 s.
        Making and copying checkpoints is never taken for stuck, however long it lasts.
    type: str
    default: 90s
  settle_time:
    description:
      - When the answer to an addition is lost, how long the duplication is looked for before it is added again.
    type: str
    default: 15s
  timeout:
    description:
      - The time for the whole run. When it is over the module fails and says what it was waiting for; the duplications
        go on. Run again to go on waiting.
    type: str
    default: 24h
  wait:
    description:
      - Whether to wait. With V(false) the module sends what is to be sent, looks at it, and returns RV(finished), for
        use with C(until). A removal comes only with the call that finds that everything has arrived, see
        O(unconfirmed).
    type: bool
    default: true
seealso:
  - module: dbops.migration.pegasus_info
  - module: dbops.migration.pegasus_app_env
  - module: dbops.migration.pegasus_meta_level
"""

EXAMPLES = r"""
- name: Copy two tables to the new cluster and keep them in step
  dbops.migration.pegasus_duplication:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    remote_cluster: new
    tables: [orders, invoices]
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders

- name: Stop shipping for a while
  dbops.migration.pegasus_duplication:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    remote_cluster: new
    tables: [orders]
    state: paused
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders

- name: Remove the duplications that this migration has made
  dbops.migration.pegasus_duplication:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    remote_cluster: new
    tables: [orders, invoices]
    state: absent
    journal: /var/lib/dbops/orders.jsonl
    migration_id: orders
"""

RETURN = r"""
finished:
  description: Whether every table is where it should be. V(false) only with O(wait=false).
  returned: success
  type: bool
summary:
  description: How it stands, in one sentence.
  returned: success
  type: str
duplications:
  description: The tables, in the order of O(tables). Numbers that are not known of every partition are null.
  returned: when the cluster was looked at
  type: list
  elements: dict
  contains:
    table:
      description: Its name.
      type: str
    app_id:
      description: Its id on the source.
      type: int
    remote:
      description: The target.
      type: str
    remote_table:
      description: Its name there.
      type: str
    dupid:
      description: Id of the duplication. Null if there is none.
      type: int
    status:
      description: C(DS_INIT), C(DS_PREPARE), C(DS_APP), C(DS_LOG) or C(DS_PAUSE). Null if there is none.
      type: str
    fail_mode:
      description: C(FAIL_SLOW), C(FAIL_SKIP) or C(FAIL_FAST). Null if there is none.
      type: str
    create_ts_ms:
      description: When it was added, milliseconds since 1970.
      type: int
    ours:
      description: Whether the journal says that this migration has made it.
      type: bool
    done:
      description: Whether there is nothing left to wait for.
      type: bool
    waits_for:
      description: The reason code of what it waits for, empty if it is done.
      type: str
      sample: pegasus.wait.checkpoint_copying
    partitions:
      description: How many partitions it has.
      type: int
    running:
      description: In how many of them writes are being shipped.
      type: int
    unknown:
      description: Partitions of which nobody tells.
      type: list
      elements: int
    copied:
      description: In C(DS_APP), how many partitions are complete on the target. Null in other statuses.
      type: int
    backlog:
      description: Mutations still to be shipped, in all partitions.
      type: int
    largest_backlog:
      description: The largest backlog of one partition.
      type: int
    largest_backlog_partition:
      description: The partition that has it.
      type: int
    backlog_eta_seconds:
      description: When the backlog will be within the limit, at the present pace. Null if it does not shrink.
      type: float
    samples_within_limit:
      description: At how many looks in a row everything was as it should be.
      type: int
waits:
  description: What the run waits for, by reason. In check mode, what keeps a call that does not wait from a removal.
  returned: when the cluster was looked at
  type: list
  elements: dict
  contains:
    reason:
      description: Stable code, beginning with C(pegasus.wait).
      type: str
    waiting_for:
      description: What it waits for, in a sentence.
      type: str
    ends_when:
      description: What ends it.
      type: str
    since:
      description: Since when, ISO 8601.
      type: str
    worst:
      description: Up to five tables, partitions or servers that are in the way.
      type: list
      elements: str
    count:
      description: How many tables wait for it.
      type: int
progress:
  description: Partitions that are where they should be.
  returned: when the cluster was looked at
  type: dict
  contains:
    done:
      description: How many are.
      type: int
    total:
      description: How many there are in all tables.
      type: int
    running:
      description: Always 0.
      type: int
    failed:
      description: Always 0.
      type: int
    rate_per_minute:
      description: How many got there per minute.
      type: float
    eta_seconds:
      description: Expected seconds until the end.
      type: float
changes:
  description: The calls that were sent, or in check mode would be, in order.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The duplication, such as C(pegasus:onebox-a/table/orders/duplication/new).
      type: str
    action:
      description: C(add), C(set_fail_mode), C(pause), C(resume) or C(remove).
      type: str
    before:
      description: What there was before. Null if there was none.
      type: dict
    after:
      description: What there is after. Null if there is none.
      type: dict
    request:
      description: The call, with C(rpc) and C(fields).
      type: dict
follow:
  description: State for the next step. Only with O(wait=false).
  returned: when not finished
  type: dict
code:
  description: >-
    Stable code of the error, such as C(pegasus.app_not_found), C(pegasus.same_cluster), C(pegasus.target_table_exists),
    C(pegasus.dup_mismatch), C(pegasus.dup_not_ours), C(pegasus.dup_unconfirmed), C(pegasus.dup_not_pausable),
    C(pegasus.dup_stuck), C(pegasus.dup_paused), C(pegasus.dup_gone), C(pegasus.dup_replaced), C(control.aborted),
    C(deadline.expired) or C(journal.other_tables).
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication import DuplicationTask
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import (
    FAIL_MODES,
    STATES,
    UNCONFIRMED,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "tables": {"type": "raw", "required": True},
            "remote_cluster": {"type": "str", "required": True},
            "remote_tables": {"type": "raw"},
            "remote_replica_count": {"type": "int"},
            "checkpoint": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": list(STATES), "default": "present"},
            "fail_mode": {"type": "str", "choices": list(FAIL_MODES)},
            "force": {"type": "bool", "default": False},
            "adopt": {"type": "bool", "default": False},
            "unconfirmed": {"type": "str", "choices": list(UNCONFIRMED), "default": "wait"},
            "max_backlog": {"type": "int", "default": 1000},
            "stable_samples": {"type": "int", "default": 3},
            "poll_interval": {"type": "str", "default": "2s"},
            "stuck_after": {"type": "str", "default": "90s"},
            "settle_time": {"type": "str", "default": "15s"},
            "timeout": {"type": "str", "default": "24h"},
            "wait": {"type": "bool", "default": True},
            "step_time": {"type": "str"},
            "follow": {"type": "raw"},
        }
    )
    spec.merge(connection_argument_spec(target=True)).merge(journal_spec()).merge(control_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = DuplicationTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
