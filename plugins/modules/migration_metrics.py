#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_metrics
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Write the state of a migration as a text file for Prometheus
description:
  - Reads the journal of a migration and writes what it tells of its state as metrics, for the textfile collector of
    node_exporter.
  - The modules that carry out a migration keep such a file by themselves when they are given O(metrics_file). This
    module is for everything else, such as a journal on S3 that another host is to watch, or a run that was killed.
  - Works at any time, also while a migration runs. No cluster is contacted, nothing is locked, and the journal is not
    changed.
  - The record of a cutover's guard is read too, when this runs on the host of the guard. So a fence that the guard has
    lifted after a run was killed is told as lifted. It lies beside a journal that is a file, and with a journal on S3
    in the temporary folder of that host.
  - "The metrics: C(dbops_migration_info), C(dbops_migration_running), C(dbops_migration_phase_status),
    C(dbops_migration_phase_started_timestamp_seconds), C(dbops_migration_phase_finished_timestamp_seconds);
    C(dbops_migration_items), C(dbops_migration_items_done), C(dbops_migration_items_running),
    C(dbops_migration_items_failed), C(dbops_migration_items_per_second), C(dbops_migration_eta_seconds);
    C(dbops_migration_lag), C(dbops_migration_lag_largest); C(dbops_migration_plan_forecast_seconds),
    C(dbops_migration_window_forecast_p50_seconds), C(dbops_migration_window_forecast_p95_seconds),
    C(dbops_migration_window_budget_seconds);
    C(dbops_migration_fence_held), C(dbops_migration_fence_deadline_timestamp_seconds),
    C(dbops_migration_fence_remaining_seconds), C(dbops_migration_cutover_committed_timestamp_seconds);
    C(dbops_migration_wait), C(dbops_migration_wait_since_timestamp_seconds); C(dbops_migration_findings_open);
    C(dbops_migration_journal_entries), C(dbops_migration_journal_valid) and
    C(dbops_migration_last_entry_timestamp_seconds). The file says of each what it tells. All are gauges with the labels
    C(migration_id) and C(engine)."
  - What is not known is absent and never 0. A cutover forecasts when it has looked at both clusters, seconds before
    its fence, and tells the forecast also when it then refuses to begin. While the first one waits at
    M(dbops.migration.migration_gate), there is none yet. Region moves of GreptimeDB have their plan's from the begin.
  - Example alert rules are in C(extensions/monitoring/dbops_migration_alerts.yml) of the collection.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Writes nothing and returns what a real run would return.
  diff_mode:
    support: full
    details:
      - Shows the file before and after.
  idempotent:
    support: full
    details:
      - While the journal is the same, the file is the same and nothing is written.
options:
  journal:
    description:
      - The journal to read, a path on the host where the module runs, or V(s3://bucket/prefix).
      - Nothing is made when there is none. The module fails with the code V(journal.missing) then.
      - When not given, the environment variable E(DBOPS_MIGRATION_JOURNAL) is used. One of both is needed.
  migration_id:
    description:
      - When given, a journal of another migration is refused with the code V(journal.other_migration).
      - When not given, the environment variable E(DBOPS_MIGRATION_ID) is used.
  metrics_file:
    description:
      - The file to write, in the folder that C(--collector.textfile.directory) of node_exporter names. It must end with
        C(.prom), and the folder must exist. Take one file for each migration.
      - It is replaced as a whole, and everybody can read it.
      - When not given, the environment variable E(DBOPS_MIGRATION_METRICS_FILE) is used. One of both is needed.
seealso:
  - module: dbops.migration.migration_report
  - module: dbops.migration.migration_journal_info
"""

EXAMPLES = r"""
- name: Tell Prometheus how a migration stands whose journal is on S3
  dbops.migration.migration_metrics:
    journal: s3://migrations/orders
    metrics_file: /var/lib/prometheus/node-exporter/orders.prom

- name: Bring the file up to date after a run was killed
  dbops.migration.migration_metrics:
    journal: /var/lib/dbops/orders.jsonl
    metrics_file: /var/lib/prometheus/node-exporter/orders.prom
"""

RETURN = r"""
path:
  description: Where the file is.
  returned: success
  type: str
  sample: /var/lib/prometheus/node-exporter/orders.prom
size:
  description: Its size in bytes.
  returned: success
  type: int
  sample: 5120
migration_id:
  description: The migration that the journal belongs to, empty when it holds no entry.
  returned: success
  type: str
  sample: orders
running:
  description: Whether a run was begun and has not told its end. It may have been killed; see RV(last_entry).
  returned: success
  type: bool
  sample: true
fence_held:
  description: Whether writes to the source are refused for a cutover, by what journal and guard tell.
  returned: success
  type: bool
  sample: false
last_entry:
  description: When the journal was last written to, empty when it holds no entry.
  returned: success
  type: str
  sample: "2026-11-21T03:44:12.007Z"
valid:
  description: Whether the journal is whole. Of a damaged one, the metrics tell what was before the damage.
  returned: success
  type: bool
  sample: true
code:
  description: A stable code of what went wrong, such as V(journal.missing) or V(metrics.not_writable).
  returned: failure
  type: str
  sample: journal.missing
"""

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import metrics_file
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec, s3_options
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics import metrics_text
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run

# With these problems there is nothing to tell.
_FATAL = frozenset(("journal.not_a_journal", "journal.other_migration"))


def read_view(params: t.Mapping[str, t.Any]) -> JournalView:
    """The journal that the options name. Raises MigrationError."""
    for option, what in (("journal", "the path or the s3:// location of a journal"), ("metrics_file", "a path")):
        if not params[option]:
            raise InvalidOption(option, "it is missing", f"Give {what}")
    wrong = metrics_file.folder_problem(metrics_file.path_of(params))
    if wrong is not None:
        raise wrong
    view = Journal.read(params["journal"], s3=s3_options(params)).expecting(params["migration_id"] or "")
    for problem in view.problems:
        if problem.code in _FATAL:
            raise problem.error()
    return view


def read_standing(params: t.Mapping[str, t.Any], view: JournalView) -> Standing:
    """What the journal tells, and what its guard has done since."""
    standing = Standing()
    for entry in view.entries:
        standing.take(entry)
    try:
        lines = GuardPlace.of(params["journal"]).read()
    except MigrationError:
        # Whoever may read the journal may perhaps not read the record; the next run copies it into the journal.
        lines = []
    for line in lines:
        standing.guard_says(line)
    return standing


def write(params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """The body of the module. Raises MigrationError."""
    view = read_view(params)
    path = metrics_file.path_of(params)
    standing = read_standing(params, view)
    valid = not any(problem.fatal and problem.code != "journal.empty" for problem in view.problems)
    text = metrics_text(standing, valid)
    try:
        before = metrics_file.read(path)
        changed = before != text
        if changed and not check_mode:
            metrics_file.write(path, text)
    except OSError as error:
        raise MigrationError(
            "metrics.not_writable",
            f"{path}: the metrics cannot be written ({error.strerror or error}). Give a metrics_file that can be.",
        ) from error
    return {
        "changed": changed,
        "path": path,
        "size": len(text.encode("utf-8")),
        "migration_id": view.migration_id,
        "running": standing.running,
        "fence_held": standing.fence is not None,
        "last_entry": view.entries[-1].at if view.entries else "",
        "valid": valid,
        "diff": {"before_header": path, "after_header": path, "before": before or "", "after": text},
    }


def main() -> None:
    """Entry point of the module."""
    module = journal_spec().create_ansible_module(supports_check_mode=True)
    run(module, redactor_from(module.params), lambda: write(module.params, bool(module.check_mode)))


if __name__ == "__main__":
    main()
