# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The metrics of a migration: every name that the collection writes, and what each tells."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import STATUSES, Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_text import Metric, exposition
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

Labels = t.Dict[str, str]
Samples = t.List[t.Tuple[Labels, float]]

_COUNTS = (
    ("items", "total", "Regions, partitions or whatever else the phase counts, all of them."),
    ("items_done", "done", "Those that are where they should be."),
    ("items_running", "running", "Those at work now."),
    ("items_failed", "failed", "Those that failed."),
)


def metrics_text(standing: Standing, valid: bool = True) -> str:
    """The file's content. The same entries give the same text, whenever and wherever it is made.

    :param valid: whether the journal is whole
    """
    return exposition(metrics(standing, valid))


def metrics(standing: Standing, valid: bool = True) -> t.List[Metric]:
    """Everything that is known, in a fixed order. Times are Unix seconds, spans are seconds."""
    base = {"migration_id": standing.migration_id, "engine": standing.engine}
    return [
        *_of_runs(standing, base),
        *_of_progress(standing, base),
        *_of_cutover(standing, base),
        *_of_waits(standing, base),
        Metric(
            "dbops_migration_findings_open",
            "Findings that nobody has accepted, of the newest judgement of each phase.",
            [
                ({**base, "phase": phase, "severity": severity}, count)
                for phase, counts in standing.findings.items()
                for severity, count in counts.items()
            ],
        ),
        Metric("dbops_migration_journal_entries", "Entries of the journal.", [(base, standing.entries)]),
        Metric(
            "dbops_migration_journal_valid",
            "1 while the journal is whole, 0 when it is damaged; the rest is then told from before the damage.",
            [(base, int(valid))],
        ),
        Metric(
            "dbops_migration_last_entry_timestamp_seconds",
            "When the journal was last written to. While it copies, a run that lives writes every minute.",
            _one(base, standing.last),
        ),
    ]


def _of_runs(standing: Standing, base: Labels) -> t.List[Metric]:
    phases = standing.phases.items()
    return [
        Metric(
            "dbops_migration_info",
            "Always 1. The version of the collection that began the journal, and the phase run or judged last.",
            [({**base, "version": standing.version, "phase": standing.phase}, 1)],
        ),
        Metric(
            "dbops_migration_running",
            "1 from the start of a run to its end. A run that was killed stays at 1: see the last entry's time.",
            [(base, int(standing.running))],
        ),
        Metric(
            "dbops_migration_phase_status",
            "1 for the status of the newest run of each phase, 0 for the others.",
            [
                ({**base, "phase": name, "status": status}, int(phase.status == status))
                for name, phase in phases
                for status in STATUSES
            ],
        ),
        Metric(
            "dbops_migration_phase_started_timestamp_seconds",
            "When the newest run of each phase began.",
            [({**base, "phase": name}, phase.started) for name, phase in phases if phase.started is not None],
        ),
        Metric(
            "dbops_migration_phase_finished_timestamp_seconds",
            "When the newest run of each phase ended; absent while it has not.",
            [({**base, "phase": name}, phase.finished) for name, phase in phases if phase.finished is not None],
        ),
    ]


def _of_progress(standing: Standing, base: Labels) -> t.List[Metric]:
    told = standing.progress
    # Nothing runs and nothing comes nearer when the run is over, whatever its last word was.
    over = () if standing.running else ("running", "rate", "eta")
    moving = {name: number for name, number in told.items() if name not in over}
    lag = standing.lag
    labels = {**base, "unit": v.word(lag.get("unit"))}
    return [
        *(Metric(f"dbops_migration_{name}", text, _one(base, moving.get(key))) for name, key, text in _COUNTS),
        Metric(
            "dbops_migration_items_per_second",
            "How many get done, over the last five minutes at most.",
            _one(base, moving.get("rate")),
        ),
        Metric(
            "dbops_migration_eta_seconds",
            "Seconds until the rest is done at this rate; absent while nothing gets done.",
            _one(base, moving.get("eta")),
        ),
        Metric(
            "dbops_migration_plan_forecast_seconds",
            "How long all moves of the newest plan may take, by the forecast that was made with it.",
            _one(base, standing.duration),
        ),
        Metric(
            "dbops_migration_lag",
            "How far the target is behind: mutations not shipped, partitions not equal. Absent while unknown.",
            _one(labels, v.number(lag.get("total"))),
        ),
        Metric(
            "dbops_migration_lag_largest",
            "The part of the lag that is of the one table that is furthest behind.",
            _one(labels, v.number(lag.get("largest"))),
        ),
    ]


def _of_cutover(standing: Standing, base: Labels) -> t.List[Metric]:
    fence = standing.fence
    deadline = fence.deadline if fence is not None else None
    remaining = deadline - standing.last if deadline is not None and standing.last is not None else None
    p50, p95 = standing.forecast or (None, None)
    return [
        Metric(
            "dbops_migration_window_forecast_p50_seconds",
            "How long the cutover is expected to refuse writes: median, of the fence that takes longest.",
            _one(base, p50),
        ),
        Metric(
            "dbops_migration_window_forecast_p95_seconds",
            "How long the cutover is expected to refuse writes: 95th percentile, of the fence that takes longest. Of "
            "region moves, for each region: the longest that a rehearsal has seen.",
            _one(base, p95),
        ),
        Metric(
            "dbops_migration_window_budget_seconds",
            "For how long the cutover may refuse writes at most, its lift included.",
            _one(base, standing.budget),
        ),
        Metric(
            "dbops_migration_fence_held",
            "1 while writes to the source are refused for a cutover, by what the journal knows.",
            [(base, int(fence is not None))],
        ),
        Metric(
            "dbops_migration_fence_deadline_timestamp_seconds",
            "When the guard lifts the fence that is held now, if the cutover has not ended until then.",
            _one(base, deadline),
        ),
        Metric(
            "dbops_migration_fence_remaining_seconds",
            "Seconds to that deadline at the time of the last entry. For now, subtract time() from the deadline.",
            _one(base, remaining),
        ),
        Metric(
            "dbops_migration_cutover_committed_timestamp_seconds",
            "When clients were last switched to the target for good.",
            _one(base, standing.committed),
        ),
    ]


def _of_waits(standing: Standing, base: Labels) -> t.List[Metric]:
    waits = standing.waits
    return [
        Metric(
            "dbops_migration_wait",
            "1 for every reason for which something waits now; a reason that has ended is absent.",
            [({**base, "reason": reason}, 1) for reason in sorted(waits)],
        ),
        Metric(
            "dbops_migration_wait_since_timestamp_seconds",
            "Since when something waits for each of these reasons.",
            [({**base, "reason": reason}, since) for reason, since in sorted(waits.items()) if since is not None],
        ),
    ]


def _one(labels: Labels, value: t.Optional[float]) -> Samples:
    return [] if value is None else [(labels, value)]
