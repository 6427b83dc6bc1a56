#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_sync_progress_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: See how far the cross-cluster sync tool of StarRocks is
description:
  - Reads the log of C(starrocks-cluster-sync) in every generation of its format, looks after its processes, and gives
    one verdict with the reasons. Run this module on the host of the tool.
  - 100 % in the log only says that all was equal as of the tool's last reading of the metadata. A report older than two
    report intervals says nothing, and C(total 0) is no success.
  - With O(target_frontends), the target's own replication jobs are shown too. They are newer than the last report, and
    go on when the tool is stopped.
notes:
  - A tool that this collection has not started is seen if it is Java in its folder, or a shell that runs
    C(bin/start.sh).
  - The log has the local time of its host and no zone. Set O(log_utc_offset) if the tool runs with another zone than
    this module.
  - "Privileges: C(OPERATE ON SYSTEM) on the target, if it is asked."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._starrocks_target
  - dbops.migration._starrocks_log
options:
  directory:
    description:
      - The folder of the tool.
    type: path
    required: true
  cursor:
    description:
      - RV(cursor) of an earlier result. Only what was written since is read then, through rotation and truncation.
        Without it, the last 8 MiB are read.
      - It must come from the same log.
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
      - For how long no job may finish, while some run, before that is called V(stalled). While none runs either, twice
        the longer one of O(report_interval) and O(meta_interval) is enough, with three reports in it.
    type: str
    default: 30m
  converged_since:
    description:
      - A time (ISO 8601). RV(converged_reports) counts reports made since then only. After a freeze of the source, take
        the time of the freeze and add the metadata interval and the report interval.
    type: str
seealso:
  - module: dbops.migration.starrocks_sync_tool
  - module: dbops.migration.starrocks_comparison_info
"""

EXAMPLES = r"""
- name: See how far the tool is
  dbops.migration.starrocks_sync_progress_info:
    directory: /opt/starrocks-cluster-sync
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030]
  register: sync

- name: Wait until all was equal as of two cycles in a row
  dbops.migration.starrocks_sync_progress_info:
    directory: /opt/starrocks-cluster-sync
    cursor: "{{ sync.cursor }}"
  register: sync
  until: sync.converged_reports >= 2
  failed_when: sync.verdict == 'failed'
  retries: 100
  delay: 60
"""

RETURN = r"""
verdict:
  description: >-
    C(not_started), C(running), C(converged_as_of_cycle), C(idle) (it finds nothing to copy, or has nothing left),
    C(stalled) (nothing moves), C(stale) (nothing is known any more), C(failed) (does not get better by itself),
    C(completed) (a run with C(one_time_run_mode) is over, with all equal as of its end), C(ended) (such a run is over,
    and no last report says whether all is equal, so compare) or C(stopped).
  returned: success
  type: str
reasons:
  description: Why, the decisive one first.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: >-
        Stable code, such as C(starrocks.sync.target_ahead) (somebody wrote to a table on the target, which never
        becomes equal), C(starrocks.sync.sent_stuck), C(starrocks.sync.failed_growing), C(starrocks.sync.unknown_jobs),
        C(starrocks.sync.stale) or C(starrocks.sync.ended).
      type: str
    text:
      description: A clause for people.
      type: str
summary:
  description: One line for people.
  returned: success
  type: str
progress:
  description: The last report of this run. Null when there is none.
  returned: success
  type: dict
  contains:
    total:
      description: Jobs of all kinds.
      type: int
    ddl_pending:
      description: DDL jobs that wait.
      type: int
    job_pending:
      description: Replication jobs that wait.
      type: int
    sent:
      description: Jobs that were sent and have not begun. Null in releases that do not tell.
      type: int
    running:
      description: Jobs that run.
      type: int
    finished:
      description: Jobs that have finished.
      type: int
    failed:
      description: Jobs that have failed. The tool sends them again.
      type: int
    unknown:
      description: Jobs in an unknown state. Should always be 0.
      type: int
    percent:
      description: The tool's own percentage.
      type: float
    at:
      description: When the report was made.
      type: str
    age_seconds:
      description: How old it is.
      type: float
    rate_per_minute:
      description: Jobs finished per minute, over the last half hour of reports.
      type: float
    eta_seconds:
      description: Seconds until the rest is done at this rate. Null when that cannot be told.
      type: float
    other:
      description: What else the report tells, by the tool's own names.
      type: dict
tables:
  description: The last report about tables, by the tool's own names. Null in releases that make none.
  returned: success
  type: dict
sizes:
  description: Sizes of all data by C(source), C(target) and C(diff), in bytes. Null in releases that do not tell.
  returned: success
  type: dict
errors:
  description: Errors in the log by kind.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: C(target_ahead), C(limit_reached), C(already_running), C(access_denied), C(other) and the like.
      type: str
    severity:
      description: >-
        C(benign) (the tool tries again), C(transient), C(fatal) (does not get better by itself) or C(unknown).
      type: str
    count:
      description: How often it was seen.
      type: int
    first:
      description: When first, as the log has it.
      type: str
    last:
      description: When last.
      type: str
    text:
      description: The last one.
      type: str
    subjects:
      description: The tables that were named, each with the time of the last error.
      type: dict
converged_reports:
  description: >-
    How many of the last reports of jobs in a row say that all was equal, see O(converged_since). 0 for a tool that
    reports tables only.
  returned: success
  type: int
process:
  description: Whether the tool is C(running), its C(pids), C(supervisor) and C(started_at).
  returned: success
  type: dict
replications:
  description: >-
    What the target says, from C(source=replications) or in older versions C(source=transactions). How many jobs are
    C(running), C(by_state), their C(tasks_left), the first C(jobs), and the newest C(errors). Null if it was not asked.
  returned: success
  type: dict
target_problem:
  description: Why the target could not be asked, with C(code) and C(msg). Null if it could, or was not to be asked.
  returned: success
  type: dict
log:
  description: >-
    The C(path) of the log (null when there is none), when it was C(written_at), and whether a C(gap) was lost.
  returned: success
  type: dict
cursor:
  description: For O(cursor) of the next call.
  returned: success
  type: dict
code:
  description: Stable code of the error, such as C(starrocks.tool_missing) or C(starrocks.tool_not_accessible).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress import ProgressTask
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress_options import (
    progress_argument_spec,
)


def main() -> None:
    module = progress_argument_spec().create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    run(module, redactor, ProgressTask(module.params, redactor, SystemClock()).body)


if __name__ == "__main__":
    main()
