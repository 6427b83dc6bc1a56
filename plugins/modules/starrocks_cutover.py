#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_cutover
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Stop writes to a StarRocks cluster, prove that another one is equal, and hand over, within a budget
description:
  - One call looks, forecasts, stops all writes to the source, waits until it is at rest and the target is equal
    partition by partition, ends the sync tool, waits for the replications that it had sent, compares twice more, writes
    the proof of every partition to O(journal), and hands over. You switch the clients then, and a second call commits,
    or lifts.
  - Nothing is stopped unless the sync tool runs with fresh progress (or O(tool_is_stopped) says that it does not), the
    target is at most O(max_behind) partitions behind, nobody else wrote to it, no ALTER job runs, and the forecast
    (p95) fits into O(budget) together with O(switch_reserve). A tool whose one run (C(one_time_run_mode)) is over is
    let pass only where the target lacks nothing and no load is under way.
  - While writes are stopped, it gives up as soon as the source is at rest, the target is not equal, and neither the
    tool nor a replication that it had sent is at work any more.
  - The source counts as at rest by four conditions, each with its evidence in the journal. Every living frontend
    refuses loads; no transaction runs in a database that is migrated; two looks at all partitions, O(quiet_time) apart,
    show the same versions; no ALTER job there, and no routine load, pipe or broker load, is unfinished.
  - A frontend that was restarted has forgotten that it refuses loads. It is told again, and everything that was
    concluded before is concluded anew.
  - Any failure before the hand-over lifts the freeze on every frontend, lets exactly those routine loads and pipes go
    on that were paused, and proves both. A sync tool that was ended already is not started again.
  - Before it freezes, it starts a guard, a process on the same host that outlives the module, Ansible and the
    connection. If the module dies, hangs, or nobody commits in time, the guard lifts the freeze so early that writes go
    on when O(budget) is over. It writes what it does to the file RV(guard_record), beside an O(journal) that is a file.
    With a journal on S3 it lies in the temporary folder of that host.
  - After a cutover that was killed, run it again. It finds out from the cluster, O(journal) and the guard's record what
    was left, and puts it right first.
  - Before the freeze, the journal gets the command that lifts it by hand; RV(lift_command) tells it in check mode.
  - Once committed, the freeze stays, and nothing lifts it by itself. See M(dbops.migration.starrocks_write_freeze).
notes:
  - With O(control), C(pause), C(postpone), C(abort) and a text that cannot be read refuse a cutover before writes are
    stopped, with the codes C(control.paused), C(control.postponed), C(control.aborted) and C(control.unreadable). While
    writes are stopped, C(abort) lifts the freeze, which is proved, and fails with C(control.aborted). Other wishes are
    acknowledged and change nothing. Once the switch was handed over, nothing is obeyed any more; see O(state=lifted).
    What was said meanwhile is acknowledged by the call that ends the cutover, an C(abort) with O(state=committed) as
    too late.
  - Outside of O(cutover_window) the cutover is refused with C(cutover.outside_window). So it is when the forecast (p95)
    with O(switch_reserve) does not end before it closes. Nothing is stopped then.
  - Run it on the host of the sync tool (C(delegate_to)), as it looks at the tool's log and ends its processes. The
    guard ends with the host or container it runs in, so let that be one that lasts.
  - Shorten the intervals of the tool before the cutover (C(meta_job_interval_seconds) and C(report_interval_seconds)),
    as the forecast counts them in; the manual's 180 seconds make a long window.
  - "What must be true before the freeze: if anything is not, nothing is stopped, and the module fails with
    C(starrocks.cutover_blocked); RV(details) holds all findings. With
    O(accept), C(starrocks.comparison.foreign_transaction) can be accepted, since the server forgets after a while which
    table a transaction wrote to, and C(starrocks.comparison.extra_on_target), for one table at a time, with the table
    (C(db.table)) as its C(subject). Partitions that only the target has stay there then, and are no part of the proof;
    else they must be gone for it, and are a blocker at once if the sync tool will not drop them.
    C(starrocks.setting_forgotten) can be accepted for one setting at a time, with its C(subject) (C(target KEY), say);
    a frontend or node has not what this migration has set there, by O(journal). The others are
    C(starrocks.comparison.nothing),
    C(starrocks.comparison.foreign_write), C(starrocks.comparison.target_ahead), C(starrocks.comparison.unknown),
    C(starrocks.comparison.made_anew) where the sync tool may not drop what is outdated,
    C(starrocks.comparison.hidden_tables), C(starrocks.comparison.too_far_behind), C(starrocks.comparison.not_copied),
    C(starrocks.tool.not_ready), C(starrocks.tool.other_user), C(starrocks.tool.run_over),
    C(starrocks.source.loads_disabled), C(starrocks.source.alter_running) and C(starrocks.target.loads_disabled)."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._attributes.flow
  - dbops.migration._starrocks
  - dbops.migration._starrocks_target
  - dbops.migration._starrocks_log
  - dbops.migration._accept
  - dbops.migration._control
  - dbops.migration._control.window
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Looks, forecasts, and predicts the statements of a run that comes to its end, in order. Sends none, starts no
        guard, and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A cutover that is committed in O(journal) is left alone.
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
options:
  state:
    description:
      - V(cut_over) does the cutover up to the hand-over.
      - V(committed) ends one that was handed over, when you have switched the clients. It is refused if the source is
        not as it was when the target was proved equal. While a frontend of the source does not answer, or something is
        still under way there, it looks again until shortly before the guard lifts the freeze (for a minute if there is
        no guard any more), and fails then. So does check mode.
      - V(lifted) ends one that was handed over, when you have not.
    type: str
    choices: [cut_over, committed, lifted]
    default: cut_over
  include_data_list:
    description:
      - Databases and tables that are migrated, as the property of the same name of the sync tool. The freeze stops all
        writes to the cluster nevertheless.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables that are not, applied after O(include_data_list).
    type: raw
  budget:
    description:
      - The longest time for which writes may be refused, from the first request of the freeze to the last frontend that
        takes loads again if the cutover fails. Your switch is part of it. In seconds or with a unit.
      - Refused with the smallest possible value if the forecast does not fit.
    type: str
    default: 15m
  switch_reserve:
    description:
      - The part of O(budget) that is kept for your switch.
    type: str
    default: 1m
  quiet_time:
    description:
      - How long the source's partitions must be seen unchanged. It must be longer than what a committed transaction
        takes to become visible.
    type: str
    default: 10s
  poll_interval:
    description:
      - The pause between two looks. Each one compares all partitions.
    type: str
    default: 2s
  transaction_time:
    description:
      - How long running transactions may take to end, for the forecast.
    type: str
    default: 10s
  copy_time:
    description:
      - How long the tool takes to copy what one round finds, measured during the sync, for the forecast.
    type: str
    default: 10s
  meta_job_interval:
    description:
      - The interval at which the tool looks at both clusters, for the forecast. By default what is in its
        configuration.
    type: str
  replication_job_interval:
    description:
      - The interval at which the tool sends replications (and table changes), for the forecast. By default what is in
        its configuration.
    type: str
  max_behind:
    description:
      - How many partitions of the target may be behind or missing when the cutover begins.
    type: int
    default: 1000
  tool_directory:
    description:
      - The folder of the sync tool on the host where this module runs.
    type: path
  tool_is_stopped:
    description:
      - Say that you have ended the sync tool yourself. Then the target must become equal by replications that are under
        way already.
    type: bool
    default: false
  tool_is_restarted:
    description:
      - For check mode, that something starts the sync tool anew before a real run (with C(one_time_run_mode=false) and
        shorter intervals, say). Then a tool that does not run now is no finding (such as C(starrocks.tool.run_over) or
        C(starrocks.tool.not_ready)), and its end is among RV(changes). Nothing goes by this in a real run.
    type: bool
    default: false
  settings_are_set:
    description:
      - For check mode, that something sets the migration's settings again before a real run. Then
        C(starrocks.setting_forgotten) is a warning.
    type: bool
    default: false
  tool_stop_timeout:
    description:
      - How long the tool gets to end before it is killed.
    type: str
    default: 20s
seealso:
  - module: dbops.migration.starrocks_comparison_info
  - module: dbops.migration.starrocks_write_freeze
"""

EXAMPLES = r"""
- name: Stop writes, and prove that the target is equal
  dbops.migration.starrocks_cutover:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    tool_directory: /opt/starrocks-cluster-sync
    budget: 10m
    journal: /var/lib/migration/move-1.jsonl
  delegate_to: sync.example.com

- name: After the clients were switched
  dbops.migration.starrocks_cutover:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    state: committed
    journal: /var/lib/migration/move-1.jsonl
  delegate_to: sync.example.com
"""

RETURN = r"""
state:
  description: C(waiting) (nothing was stopped), C(frozen), C(lifted), C(handed_over) or C(committed).
  returned: always
  type: str
  sample: handed_over
window:
  description: >-
    Seconds from the first request of the freeze to C(frozen), C(quiescent), C(converged), C(tool_stopped), C(drained),
    C(proved), C(handed_over) or C(lifted).
  returned: always
  type: dict
forecast:
  description: >-
    The forecast in seconds, with C(held_p50), C(held_p95), C(lift_reserve), C(switch_reserve), C(minimum_budget),
    C(budget) and C(parts).
  returned: with O(state=cut_over)
  type: dict
lift_command:
  description: The command that lifts the freeze by hand.
  returned: with O(state=cut_over)
  type: str
deadline:
  description: When the guard begins to lift the freeze. If there is no guard any more, when it would have.
  returned: when handed over, and with O(state=committed) until it is committed
  type: str
  sample: "2026-11-21T03:14:00.123Z"
guard:
  description: The guard, with C(pid), C(seconds_left), and C(record), the file in which it tells what it does.
  returned: when handed over
  type: dict
partitions:
  description: Number of partitions that were proved equal.
  returned: always
  type: int
comparisons:
  description: How often both clusters were compared during the freeze.
  returned: always
  type: int
reasserted:
  description: How often a frontend had to be told again to refuse loads.
  returned: always
  type: int
source_digest:
  description: The hash over the source's partitions and versions that was proved.
  returned: always
  type: str
tool_stopped:
  description: Whether the sync tool was ended by this call.
  returned: always
  type: bool
changes:
  description: The changes that were made, or would be, in order.
  returned: always
  type: list
  elements: dict
findings:
  description: What the gate found.
  returned: always
  type: list
  elements: dict
guard_record:
  description: The file on the host of the module in which the guard tells what it does.
  returned: always
  type: str
  sample: /var/lib/migration/move-1.jsonl.guard.jsonl
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
    Stable code of the error, such as C(starrocks.cutover_blocked) (with the findings in RV(details)),
    C(starrocks.budget_too_small), C(starrocks.freeze_unproved), C(starrocks.not_quiescent),
    C(starrocks.not_converged), C(starrocks.foreign_write), C(starrocks.made_anew), C(starrocks.source_moved),
    C(starrocks.tool_not_stopped),
    C(guard.lost), C(guard.refused), C(starrocks.not_lifted), C(starrocks.cutover_running), C(starrocks.handed_over),
    C(starrocks.freeze_was_lifted), C(starrocks.already_on_target), C(control.aborted), C(control.paused),
    C(control.postponed), C(control.unreadable) or C(cutover.outside_window).
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

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import accept_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec, window_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_call import CutoverCall
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import cutover_argument_spec


def main() -> None:
    spec = cutover_argument_spec().merge(accept_spec()).merge(journal_spec()).merge(control_spec()).merge(window_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    call = CutoverCall(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, call.body, call.partial)


if __name__ == "__main__":
    main()
