#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_sync_wait
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Wait until the target of a StarRocks migration is as far as it should be
description:
  - Follows the sync tool and compares the partitions of both clusters, and shows a line whenever that has changed, with
    rate and estimated time. Run this module on the host of the tool.
  - What counts is the comparison. 100 % in the tool's log only speaks of its last look at the metadata, and is never
    said while many loads go on. But the tool must be at work, and its reports fresh.
  - A tool that is stuck, silent or idle while things are missing may only be slow, so the wait goes on. But it says so,
    in the line and as the reason C(starrocks.wait.tool), with the newest error of the jobs that the target has aborted.
  - Fails at once when the tool has ended or failed, or when somebody wrote to a table on the target, which never gets
    equal by itself. That is looked for at every look, as its trace can be overtaken.
  - A one-time run (C(one_time_run_mode)) may end without a last report that says whether all is equal. Then all must be
    equal by the comparison, whatever O(max_behind) allows, and the summary says that the comparison alone has shown it.
  - Once a minute it asks frontends and nodes for what O(journal) says this migration has set there. A restart forgets
    that, and compactions that come back so spoil the copy. If something is not so any more, the wait fails with
    C(starrocks.sync_blocked) and the finding C(starrocks.setting_forgotten) for each setting. Run the migrate phase
    again, which sets it. Where another value is wanted, accept the finding with its C(subject) (C(target KEY), say).
  - How far the target's transactions were seen is kept in O(journal). The next run takes up there, and warns with
    C(starrocks.comparison.transactions_unseen) where the target has forgotten some of those since. So does the cutover.
    Run it on a schedule between the copy and the cutover.
  - Changes nothing in the clusters, but for the limits that people ask for with O(control). It can be killed and run
    again at any time.
notes:
  - With O(control), C(pause) lets the wait not end, so that the next step is not begun, and C(abort) ends it with the
    code C(control.aborted). Both leave the sync tool alone, which goes on copying until
    M(dbops.migration.starrocks_sync_tool) ends it. Only O(until=caught_up) obeys. A pause counts into O(timeout).
  - C(limits tables=4) lets the target copy four tables at a time (C(replication_max_parallel_table_count) of its
    frontends); what it refuses for that, the tool tries again. C(limits thread_kbps=5000) lets each replication thread
    of each of its nodes pull 5,000 KB/s at the most (C(replication_max_speed_limit_kbps)); it must be more than twice
    C(replication_min_speed_limit_kbps), because slower jobs fail. What is being copied goes on. Both are set in memory
    only, by the code of M(dbops.migration.starrocks_frontend_config) and M(dbops.migration.starrocks_backend_config),
    so they need O(journal), and the privileges for that. Each former value is written down before.
  - When a limit is gone from the line, the wait puts back what was there before it. While no wait goes on, the next one
    does. So does C(state=restored) of both modules. A value of the same config that the migration itself wants (its
    C(starrocks_target_settings), say) is not set meanwhile, which a warning tells. A limit holds in the cutover too,
    whose drain it slows, so take it away before. One that cannot be set is refused in the acknowledgement, and the wait
    goes on; where that may pass, it is tried again every minute.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._attributes.flow
  - dbops.migration._starrocks
  - dbops.migration._starrocks_target
  - dbops.migration._starrocks_log
  - dbops.migration._control
  - dbops.migration._journal
  - dbops.migration._accept
  - dbops.migration._follow
attributes:
  check_mode:
    support: full
    details:
      - Does not wait, and looks at nothing but what the limits of O(control) would change, which it predicts.
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
  until:
    description:
      - V(caught_up) waits until the target has every partition, and few enough are behind. V(compaction_drained) waits
        until the compactions have ended that ran on the target when new ones were stopped.
      - V(replication_drained) waits until no replication runs any more inside the target, in the databases of
        O(include_data_list). They go on when the tool has ended, and have to be over before compactions begin there.
      - V(replication_drained) is for a migration that is given up. So what the target can never publish is not waited
        for. It is told as a warning and in RV(findings), C(starrocks.target.publish_stuck).
    type: str
    choices: [caught_up, compaction_drained, replication_drained]
    default: caught_up
  directory:
    description:
      - The folder of the tool. Needed for V(caught_up).
    type: path
  cursor:
    description:
      - Where the reading of the log begins, RV(dbops.migration.starrocks_sync_progress_info#module:cursor). By default
        the last 16 MiB are read.
    type: raw
  report_interval:
    description:
      - The tool's report interval, in seconds or with a unit. The default is C(report_interval_seconds) of its
        properties.
    type: str
  meta_interval:
    description:
      - The interval at which it reads the metadata. The default is C(meta_job_interval_seconds) of its properties.
    type: str
  stall_after:
    description:
      - For how long no job may finish, while some run, before that is called stalled.
    type: str
    default: 30m
  converged_since:
    description:
      - As O(dbops.migration.starrocks_sync_progress_info#module:converged_since).
    type: str
  include_data_list:
    description:
      - Databases and tables to compare, as C(db) or C(db.table), as in the property of the same name of the sync tool.
        A list, JSON text of one, or comma-separated text. By default all.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables to leave out, applied after O(include_data_list).
    type: raw
  max_behind:
    description:
      - How many partitions may be behind by their latest loads, while none may be missing.
    type: int
    default: 1000
  stable_samples:
    description:
      - At how many looks in a row everything must be so.
    type: int
    default: 2
  poll_interval:
    description:
      - The time between two looks, in seconds or with a unit. It is longer where a look takes more than a tenth of it.
    type: str
    default: 5s
  timeout:
    description:
      - The time for the whole wait. When it is over the module fails and says what it was waiting for; the tool goes
        on. Run again to go on waiting.
    type: str
    default: 24h
  wait:
    description:
      - Whether to wait. With V(false) the module looks once and returns RV(finished), for use with C(until).
    type: bool
    default: true
seealso:
  - module: dbops.migration.starrocks_sync_tool
  - module: dbops.migration.starrocks_comparison_info
  - module: dbops.migration.starrocks_cutover
"""

EXAMPLES = r"""
- name: Wait until the target keeps up
  dbops.migration.starrocks_sync_wait:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030]
    directory: /opt/starrocks-cluster-sync
    max_behind: 50
    journal: /var/lib/dbops/warehouse.jsonl
"""

RETURN = r"""
finished:
  description: Whether there is nothing to wait for any more.
  returned: always
  type: bool
summary:
  description: One line for people.
  returned: when something could be looked at
  type: str
progress:
  description: >-
    Partitions, C(done) (equal) of C(total), with C(rate_per_minute) and C(eta_seconds) (null when that cannot be told).
  returned: with V(caught_up) in O(until)
  type: dict
comparison:
  description: >-
    Numbers of C(tables) and C(partitions), C(counts) of these by verdict, whether all are C(equal), some of the
    C(worst), and C(digest), all as in M(dbops.migration.starrocks_comparison_info).
  returned: with V(caught_up) in O(until)
  type: dict
tool:
  description: >-
    C(verdict), C(reasons), C(summary), C(progress), C(errors) and C(log) as in
    M(dbops.migration.starrocks_sync_progress_info), and where something seems to be wrong C(replications) (of the
    databases that are compared) and C(target_problem).
  returned: with V(caught_up) in O(until)
  type: dict
findings:
  description: What time alone does not put right.
  returned: with V(caught_up) in O(until), and with V(replication_drained) where there is something
  type: list
  elements: dict
compactions:
  description: How many compactions run on the target.
  returned: with V(compaction_drained) in O(until)
  type: int
replications:
  description: How many replications run on the target.
  returned: with V(replication_drained) in O(until)
  type: int
waits:
  description: What is waited for, with C(reason), C(waiting_for), C(ends_when), C(since), C(worst) and C(count).
  returned: always
  type: list
  elements: dict
changes:
  description: What the limits of O(control) have changed in this run; in check mode, what they would change.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The config, such as C(starrocks:1234/fe/10.0.0.1:9030/config/replication_max_parallel_table_count).
      type: str
    action:
      description: C(limit), or when it is taken back C(restore), or C(set) where the migration wants a value itself.
      type: str
    before:
      description: The value there was.
      type: str
    after:
      description: The value there is.
      type: str
    request:
      description: The statement.
      type: dict
line:
  description: What the follow loop shows.
  returned: when something could be looked at
  type: str
follow:
  description: For O(follow) of the next step.
  returned: when it is not finished
  type: dict
code:
  description: >-
    Stable code of the error, such as C(starrocks.sync_blocked), C(starrocks.sync_stopped), C(starrocks.sync_failed),
    C(starrocks.sync_completed),
    C(starrocks.tool_missing), C(control.aborted) or C(deadline.expired).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import accept_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait import SyncWaitTask
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import wait_argument_spec


def main() -> None:
    spec = wait_argument_spec().merge(journal_spec()).merge(control_spec()).merge(accept_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = SyncWaitTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
