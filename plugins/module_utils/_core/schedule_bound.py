# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How fast a set of jobs can be done at best, and which limit is the reason."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Job, Limits, limit_of

LONGEST_JOB = "longest_job"


@dataclasses.dataclass(frozen=True)
class Bound:
    """No schedule can end before ``value`` (in the unit of the costs).

    ``binding`` is the key that is the reason, or ``longest_job``, or an empty string when there are no jobs.
    ``by_key`` holds the bound that each limited key gives, largest first. ``jobs_deep`` is the same bound with every
    job counted as one: at least so many jobs run one after another, because of ``deep_binding``.
    """

    value: float
    binding: str
    by_key: t.Mapping[str, float]
    jobs_deep: int
    deep_binding: str
    explanation: str


def _binding(values: t.Mapping[str, float]) -> str:
    """The key with the largest value; the first by name among equals, so that the answer never depends on order."""
    return min(values, key=lambda key: (-values[key], key))


def lower_bound(jobs: t.Sequence[Job], limits: Limits) -> Bound:
    """The largest of: work on a key divided by its limit, and the longest job.

    :raises ValueError: a limit is less than one
    """
    if not jobs:
        return Bound(0.0, "", {}, 0, "", "There is nothing to do.")
    costs: t.Dict[str, t.List[float]] = {}
    for job in jobs:
        for key in set(job.keys):
            costs.setdefault(key, []).append(job.cost)
    slots = {key: limit for key, limit in ((key, limit_of(key, limits)) for key in costs) if limit is not None}
    values = {key: math.fsum(costs[key]) / limit for key, limit in slots.items()}
    deep = {key: math.ceil(len(costs[key]) / limit) for key, limit in slots.items()}
    longest = max(jobs, key=lambda job: (job.cost, job.id))
    by_key = {key: values[key] for key in sorted(values, key=lambda key: (-values[key], key))}
    key = _binding(values) if values else LONGEST_JOB
    deep_key = _binding(deep) if deep else LONGEST_JOB
    if not values or values[key] < longest.cost:
        value, key = longest.cost, LONGEST_JOB
        explanation = f"The longest job, {longest.id}, takes longer than the limits would need for all."
    else:
        value = values[key]
        explanation = f"{len(costs[key])} of {len(jobs)} jobs share {key}, of which {slots[key]} may run at once."
    return Bound(value, key, by_key, int(deep.get(deep_key, 1)), deep_key, explanation)


def measured_lower_bound(jobs: t.Sequence[Job], limits: Limits, durations: t.Mapping[str, float]) -> Bound:
    """The bound of a run that is over, from how long each job really took; jobs without a duration did not run."""
    ran = [dataclasses.replace(job, cost=durations[job.id]) for job in jobs if job.id in durations]
    return lower_bound(ran, limits)
