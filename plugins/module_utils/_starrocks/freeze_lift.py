# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Ending a freeze: repeated until it is seen to be undone, and only then told so."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, decide
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_plan as fp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FOUND_KIND
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import LIFTED_KIND, FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_thaw import Thaw, Thawed

_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
"""Seconds between two tries; longer and longer, as a frontend that stays silent is told of again each time."""


def stopped_before(found: t.Iterable[t.Mapping[str, t.Any]], cluster_id: str) -> t.FrozenSet[str]:
    """The jobs that some switch had made stop before the last freeze, from the journal's entries of kind FOUND_KIND."""
    jobs: t.Mapping[str, t.Any] = {}
    for data in found:
        if data.get("cluster_id") == cluster_id:
            jobs = data.get("jobs") or {}
    return frozenset(resource for resource, told in jobs.items() if told.get("by_freeze"))


def unended(entries: t.Sequence[Entry], cluster_id: str) -> bool:
    """Whether a freeze was begun of which no run has told its end: a lift that was killed may have undone all of it
    and yet have left its proof unwritten, and its guard without word.
    """
    told = [
        entry.kind
        for entry in entries
        if entry.kind in (FOUND_KIND, LIFTED_KIND) and entry.data.get("cluster_id") == cluster_id
    ]
    return bool(told) and told[-1] == FOUND_KIND


def thaw_all(cluster: Cluster, record: FreezeRecord, clock: Clock, seconds: float) -> Thawed:
    """Undo everything that the journal knows as ours, and close it; repeated until it is seen, or time is up.

    :raises MigrationError: ``starrocks.not_lifted`` with what is left; jobs that go on are closed then, too
    """
    cluster_id = cluster.cluster_id
    deadline = Deadline(clock, seconds, "the end of the freeze")
    before = stopped_before(record.copied(FOUND_KIND), cluster_id)
    since = iso(clock.now())
    told: t.Set[str] = set()
    pause = _PAUSE
    while True:
        thawed: t.Optional[Thawed] = None
        try:
            thawed = Thaw(cluster, record.past(), before, told).step(record)
            waiting, problem = thawed.waiting, thawed.problem
            if thawed.done:
                break
        except MigrationError as error:
            waiting, problem = (error.message,), error
        record.waiting(
            Wait(
                "starrocks.wait.lift",
                "every frontend to take loads again, and every job that was paused to go on",
                "each of them is seen to",
                since,
                waiting,
                len(waiting),
            )
        )
        if deadline.expired:
            _close_jobs(record, thawed)
            raise _not_lifted(waiting, problem, thawed is not None and thawed.takes_loads)
        deadline.sleep(pause)
        pause = min(_LONGEST_PAUSE, 1.5 * pause)
    past = record.past()
    closed = [resource for resource in past if past[resource].changes]
    states = {resource: thawed.states.get(resource) for resource in closed}
    for resource, state in states.items():
        record.close(resource, state)
    if closed or unended(record.entries, cluster_id):
        seen = states or {resource: thawed.states.get(resource) for resource in past}
        record.proof("lift", [{"subject": resource, "state": state} for resource, state in seen.items()])
        record.append(LIFTED_KIND, {"cluster_id": cluster_id, "at": iso(clock.now()), "kept": list(thawed.kept)})
    return thawed


def jobs_ended(past: fp.PastOf, states: t.Mapping[str, t.Any]) -> t.List[str]:
    """The jobs that were ours, and are seen to go on, or to be as somebody else made them."""
    return [
        resource
        for resource in fp.job_resources(past)
        if resource in states and decide(past[resource], states[resource]).action != RESTORE
    ]


def _close_jobs(record: FreezeRecord, thawed: t.Optional[Thawed]) -> None:
    """So that the next run, which goes on with the rest, does not resume what people pause meanwhile."""
    if thawed is not None:
        for resource in jobs_ended(record.past(), thawed.states):
            record.close(resource, thawed.states[resource])


def _not_lifted(waiting: t.Sequence[str], problem: t.Optional[MigrationError], takes_loads: bool) -> MigrationError:
    where = "The leader takes loads again, and decides about them. " if takes_loads else ""
    return MigrationError(
        "starrocks.not_lifted",
        f"The freeze could not be lifted everywhere, or not be proved lifted: {'; '.join(waiting[:5])}. {where}Run "
        "again, or lift it by hand as the journal says.",
        server_text=None if problem is None else problem.server_text,
        details={
            "waiting": list(waiting),
            "leader_takes_loads": takes_loads,
            "cause": None if problem is None else problem.code,
        },
    )
