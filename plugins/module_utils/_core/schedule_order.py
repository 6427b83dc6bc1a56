# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The order in which to submit the jobs of a plan."""

from __future__ import annotations

import heapq
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Job, Limits, limit_of
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import lower_bound


def order_jobs(jobs: t.Sequence[Job], limits: Limits) -> t.List[Job]:
    """The jobs in the order in which to submit them; depends on the set of jobs only, not on how it was given.

    Every key is worked off at an even pace: when half of the plan is submitted, about half of the work on each key is.
    A key that carries more work so appears more often, none comes in a burst that would have to queue for its limit,
    and none is left over for the end. Kinds of keys are considered by their critical load (work divided by limit), the
    kind that takes longest first. Among jobs with the same keys the longest comes first; ties go by id.

    A job that fills more than half of the lower bound by itself cannot wait: such jobs come before all others.
    """
    ordered = sorted(jobs, key=lambda job: (-job.cost, job.id))
    bound = lower_bound(ordered, limits)
    mean = math.fsum(job.cost for job in ordered) / max(1, len(ordered))
    first = [job for job in ordered if 2.0 * job.cost > bound.value and job.cost > 2.0 * mean]
    return first + _Pace(ordered[len(first) :], limits).run()


# A node of the tree of keys: a heap of (minus the share left, key, children or jobs); jobs have the key "".
_Node = t.List[t.Tuple[float, str, t.Any]]


class _Pace:
    """A tree with one level per kind of key and, in every node, the key with the largest share of work left on top.

    Shares only fall, so an entry is an upper bound: one that is out of date when it comes up is put back with the
    present share. That keeps a pick cheap for thousands of tables.
    """

    def __init__(self, jobs: t.Sequence[Job], limits: Limits) -> None:
        self._jobs = jobs
        work: t.Dict[str, t.List[float]] = {}
        for job in jobs:
            for key in set(job.keys):
                if limit_of(key, limits) is not None:
                    work.setdefault(key, []).append(job.cost)
        # A key that every job has says nothing about their order.
        self._work = {key: math.fsum(costs) or 1.0 for key, costs in work.items() if len(costs) < len(jobs)}
        self._left = dict(self._work)
        # The first job of a key is due when half its own share of the plan has passed, not at the very start.
        self._half = {key: work[key][0] / 2.0 for key in self._work}
        critical: t.Dict[str, float] = {}
        for key, amount in self._work.items():
            kind = key.partition(":")[0]
            critical[kind] = max(critical.get(kind, 0.0), amount / (limit_of(key, limits) or 1))
        self._rank = {
            kind: rank for rank, kind in enumerate(sorted(critical, key=lambda kind: (-critical[kind], kind)))
        }

    def run(self) -> t.List[Job]:
        root = self._heap(self._tree())
        order: t.List[Job] = []
        while root:
            job = self._pick(root)
            order.append(job)
            for key in set(job.keys):
                if key in self._left:
                    self._left[key] -= job.cost
        return order

    def _path(self, keys: t.Iterable[str]) -> t.List[str]:
        limited = (key for key in set(keys) if key in self._work)
        return sorted(limited, key=lambda key: (self._rank[key.partition(":")[0]], key))

    def _tree(self) -> t.Dict[str, t.Any]:
        root: t.Dict[str, t.Any] = {}
        for job in reversed(self._jobs):  # so that the next job is at the end, where popping is cheap
            node = root
            for key in self._path(job.keys):
                node = node.setdefault(key, {})
            node.setdefault("", []).append(job)
        return root

    def _heap(self, children: t.Mapping[str, t.Any]) -> _Node:
        node = [
            (-self._share(key), key, child if key == "" else self._heap(child)) for key, child in children.items()
        ]  # fmt: skip
        heapq.heapify(node)
        return node

    def _share(self, key: str) -> float:
        if key == "":
            return -1.0
        return (self._left[key] - self._half[key]) / self._work[key]

    def _pick(self, node: _Node) -> Job:
        """Removes and returns the next job below ``node``."""
        while True:
            share, key, child = node[0]
            present = -self._share(key)
            if present == share:
                break
            heapq.heapreplace(node, (present, key, child))
        job: Job = child.pop() if key == "" else self._pick(child)
        if not child:
            heapq.heappop(node)
        return job
