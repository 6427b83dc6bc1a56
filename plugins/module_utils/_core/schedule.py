# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which job may start now, under limits that several jobs share.

A job names the keys that it occupies while it runs, such as ``("global", "per_source:1", "per_target:2")``.
Limits are given for an exact key (``"per_source:1"``) or for a kind (``"per_source"``, which every key
``per_source:<anything>`` falls back on). A key without a limit, or with the limit ``None``, is not limited.

Bounds live in ``schedule_bound``, the order of a plan and its simulation in ``schedule_order``.
"""

from __future__ import annotations

import dataclasses
import heapq
import typing as t

EAGER = "eager"
PLANNED = "planned"
ORDERINGS = (PLANNED, EAGER)

Limits = t.Mapping[str, t.Optional[int]]

_WAITING, _RUNNING, _GONE = 0, 1, 2
_FREE = -1

# (plan index of the group's first job, group, stamp of the group when the entry was made, key it came from)
_Entry = t.Tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True)
class Job:
    """One piece of work: a unique id, the keys it occupies while it runs, and its estimated length (any unit)."""

    id: str
    keys: t.Tuple[str, ...]
    cost: float = 1.0


def limit_of(key: str, limits: Limits) -> t.Optional[int]:
    """The limit of ``key``: its own, else that of its kind, else None (not limited).

    :raises ValueError: the limit is less than one, so that nothing could ever run
    """
    if key in limits:
        limit = limits[key]
    else:
        limit = limits.get(key.partition(":")[0])
    if limit is not None and limit < 1:
        raise ValueError(f"the limit of {key} is {limit}, at least 1 is needed")
    return limit


class SlotTable:
    """Keys as small integers with their number of free slots; keys that are not limited do not appear.

    The keys of a job come with the tightest (most work per slot) first, so that a job that is blocked by several keys
    waits for the one that is released last.
    """

    def __init__(self, jobs: t.Sequence[Job], limits: Limits) -> None:
        work: t.Dict[str, float] = {}
        for job in jobs:
            for key in job.keys:
                work[key] = work.get(key, 0.0) + job.cost
        limited = [(key, limit) for key, limit in ((key, limit_of(key, limits)) for key in work) if limit is not None]
        limited.sort(key=lambda pair: (-work[pair[0]] / pair[1], pair[0]))
        numbers = {key: number for number, (key, _limit) in enumerate(limited)}
        tuples: t.Dict[t.Tuple[str, ...], t.Tuple[int, ...]] = {}
        for job in jobs:
            if job.keys not in tuples:
                tuples[job.keys] = tuple(sorted({numbers[key] for key in job.keys if key in numbers}))
        self.names = [key for key, _limit in limited]
        self.free = [limit for _key, limit in limited]
        self.keys_of = [tuples[job.keys] for job in jobs]

    def blocking(self, keys: t.Iterable[int]) -> int:
        """The first of ``keys`` without a free slot, or -1 when all are free."""
        free = self.free
        for key in keys:
            if free[key] <= 0:
                return key
        return _FREE


class Schedule:
    """Hands out jobs so that no limit is ever exceeded, each job once.

    ``planned`` starts strictly in plan order: a blocked job holds back all that come after it, so the order of
    submissions is known before the run. ``eager`` starts the first job in plan order whose keys are all free.

    Jobs with the same keys wait in one queue, and a queue that is blocked sleeps on the key that blocks it, so a
    call costs about the number of jobs that it starts, not the number of jobs that wait.
    """

    def __init__(self, jobs: t.Sequence[Job], limits: Limits, ordering: str = EAGER) -> None:
        """
        :param jobs: all jobs, in plan order
        :raises ValueError: an unknown ordering, two jobs with one id, or a limit less than one
        """
        if ordering not in ORDERINGS:
            raise ValueError(f"ordering is {ordering!r}, it must be one of {', '.join(ORDERINGS)}")
        self.ordering = ordering
        self._jobs = list(jobs)
        self._index = {job.id: index for index, job in enumerate(self._jobs)}
        if len(self._index) != len(self._jobs):
            raise ValueError("two jobs have the same id")
        self._slots = SlotTable(self._jobs, limits)
        self._state = [_WAITING] * len(self._jobs)
        self._waiting = len(self._jobs)
        self._running: t.Dict[str, None] = {}
        self._first = 0
        self._group_of: t.List[int] = []
        self._queues: t.List[t.List[int]] = []
        self._stamps: t.List[int] = []
        self._asleep: t.List[t.List[_Entry]] = [[] for _unused in self._slots.names]
        self._awake: t.List[_Entry] = []
        if ordering == EAGER:
            self._make_queues()

    def _make_queues(self) -> None:
        numbers: t.Dict[t.Tuple[int, ...], int] = {}
        for index, keys in enumerate(self._slots.keys_of):
            group = numbers.setdefault(keys, len(numbers))
            if group == len(self._queues):
                self._queues.append([])
            self._group_of.append(group)
            self._queues[group].append(index)
        self._stamps = [0] * len(self._queues)
        self._awake = [(queue[0], group, 0, _FREE) for group, queue in enumerate(self._queues)]
        heapq.heapify(self._awake)

    @property
    def waiting(self) -> int:
        """How many jobs have not been started yet."""
        return self._waiting

    @property
    def running(self) -> t.List[str]:
        """The ids of the running jobs, in the order in which they were started."""
        return list(self._running)

    def start(self, at_most: t.Optional[int] = None) -> t.List[Job]:
        """Marks every job that may start now as running and returns them in the order to submit them."""
        room = len(self._jobs) if at_most is None else at_most
        if self.ordering == PLANNED:
            return self._start_in_order(room)
        return self._start_free(room)

    def finish(self, job_id: str) -> None:
        """A running job has ended, well or badly: its slots are free again.

        :raises ValueError: the job is not running
        """
        self._release(self._require(job_id, _RUNNING), _GONE)

    def requeue(self, job_id: str) -> None:
        """A running job has ended and is to run again: it waits at its old place in the plan.

        :raises ValueError: the job is not running
        """
        index = self._require(job_id, _RUNNING)
        self._release(index, _WAITING)
        self._waiting += 1
        if self.ordering == PLANNED:
            self._first = min(self._first, index)
            return
        group = self._group_of[index]
        heapq.heappush(self._queues[group], index)
        self._place(group, _FREE)

    def adopt(self, job_id: str) -> None:
        """A waiting job was found running (after a restart): it takes its slots, even beyond a limit.

        :raises ValueError: the job is not waiting
        """
        self._take(self._require(job_id, _WAITING))

    def discard(self, job_id: str) -> None:
        """A waiting job need not run any more.

        :raises ValueError: the job is not waiting
        """
        self._state[self._require(job_id, _WAITING)] = _GONE
        self._waiting -= 1

    def with_limits(self, limits: Limits) -> Schedule:
        """The same jobs under other limits: what runs keeps its slots, even beyond a limit; what is gone stays gone.

        :raises ValueError: a limit less than one
        """
        other = Schedule(self._jobs, limits, self.ordering)
        for job_id in self._running:
            other.adopt(job_id)
        for index, state in enumerate(self._state):
            if state == _GONE:
                other.discard(self._jobs[index].id)
        return other

    def blocked_by(self) -> t.Optional[str]:
        """The key that the first waiting job waits for; None when nothing waits or it may start now."""
        while self._first < len(self._jobs) and self._state[self._first] != _WAITING:
            self._first += 1
        if self._first == len(self._jobs):
            return None
        key = self._slots.blocking(self._slots.keys_of[self._first])
        return None if key == _FREE else self._slots.names[key]

    def _require(self, job_id: str, state: int) -> int:
        index = self._index.get(job_id)
        if index is None or self._state[index] != state:
            raise ValueError(f"job {job_id} is not {'running' if state == _RUNNING else 'waiting'}")
        return index

    def _take(self, index: int) -> Job:
        for key in self._slots.keys_of[index]:
            self._slots.free[key] -= 1
        self._state[index] = _RUNNING
        self._waiting -= 1
        job = self._jobs[index]
        self._running[job.id] = None
        return job

    def _release(self, index: int, state: int) -> None:
        self._state[index] = state
        del self._running[self._jobs[index].id]
        for key in self._slots.keys_of[index]:
            self._slots.free[key] += 1
            self._wake(key)

    def _start_in_order(self, room: int) -> t.List[Job]:
        started: t.List[Job] = []
        while len(started) < room and self._first < len(self._jobs):
            if self._state[self._first] == _WAITING:
                if self._slots.blocking(self._slots.keys_of[self._first]) != _FREE:
                    break
                started.append(self._take(self._first))
            self._first += 1
        return started

    def _start_free(self, room: int) -> t.List[Job]:
        started: t.List[Job] = []
        while len(started) < room and self._awake:
            entry = heapq.heappop(self._awake)
            head, group, stamp, key = entry
            if stamp != self._stamps[group]:
                if key != _FREE:
                    self._wake(key)
                continue
            if key != _FREE:
                if self._slots.free[key] <= 0:
                    continue  # asleep still; the next release of the key wakes it
                asleep = self._asleep[key]
                if not asleep or asleep[0] != entry:
                    continue
                heapq.heappop(asleep)
                self._stamps[group] += 1
            queue = self._queues[group]
            while queue and self._state[queue[0]] != _WAITING:
                heapq.heappop(queue)
            if queue and queue[0] == head:
                blocking = self._slots.blocking(self._slots.keys_of[head])
                if blocking == _FREE:
                    started.append(self._take(heapq.heappop(queue)))
                self._place(group, blocking)
            else:
                self._place(group, _FREE)
            if key != _FREE:
                self._wake(key)
        return started

    def _place(self, group: int, key: int) -> None:
        """Puts a queue among those that may start (-1) or to sleep on the key that blocks it."""
        queue = self._queues[group]
        if not queue:
            return
        self._stamps[group] += 1
        entry = (queue[0], group, self._stamps[group], key)
        heapq.heappush(self._awake if key == _FREE else self._asleep[key], entry)

    def _wake(self, key: int) -> None:
        """Offers the first queue that sleeps on ``key`` when the key has a free slot."""
        asleep = self._asleep[key]
        while asleep and asleep[0][2] != self._stamps[asleep[0][1]]:
            heapq.heappop(asleep)
        if asleep and self._slots.free[key] > 0:
            heapq.heappush(self._awake, asleep[0])
