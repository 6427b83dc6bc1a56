# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Ending a freeze: only what it did is undone, exactly what it paused goes on, and both are seen before it counts."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_jobs as fj
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_plan as fp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import TransactionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import (
    FOUND_KIND,
    Freeze,
    Sender,
    send_switch,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import LIFTED_KIND, FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import SYSTEM_DATABASES

POLL = 0.5


@dataclasses.dataclass(frozen=True)
class Thawed:
    """One look after one step. ``waiting``: what is not as it was yet, in words; nothing: it is done.

    ``states``: what is there now by resource. ``kept``: what somebody else changed since, and stays.
    """

    waiting: t.Tuple[str, ...]
    states: t.Mapping[str, t.Any]
    kept: t.Tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether everything of ours is undone, and seen to be."""
        return not self.waiting


class Thaw:
    """Undoes a freeze. ``past``: what is ours, by resource; ``stopped_before``: see ``freeze_plan``."""

    def __init__(self, cluster: Cluster, past: t.Mapping[str, Recorded], stopped_before: t.Collection[str]) -> None:
        self._cluster = cluster
        self._switch = fs.LoadSwitch(cluster)
        self._jobs = fj.JobReader(cluster)
        self._past = past
        self._stopped_before = stopped_before

    def predict(self) -> ChangeList:
        """What has to be sent, as things are now."""
        changes = ChangeList()
        look = self._switch.look()
        for switch_step in self._unset(look):
            for change in switch_step.changes:
                changes.add(change)
        for job_step in self._resume(look, self._look_at_jobs()):
            changes.add(job_step.change)
        return changes

    def step(self, sender: Sender) -> Thawed:
        """Send what is left to be sent, once, and look. MigrationError when a server does not answer."""
        problems: t.List[MigrationError] = []
        for step in self._unset(self._switch.look()):
            try:
                send_switch(self._switch, step, sender)
            except MigrationError as error:
                problems.append(error)
        look = self._switch.look()
        waiting = self._switch_left(look)
        if not waiting:
            # A job that is resumed while loads are refused stops again at once.
            for job_step in self._resume(look, self._look_at_jobs()):
                try:
                    self._send_job(job_step, sender)
                except MigrationError as error:
                    problems.append(error)
        jobs = self._look_at_jobs()
        waiting += [f"{step.job.subject} is {step.job.word or step.job.state}" for step in self._resume(look, jobs)]
        if problems:
            raise problems[0]
        return Thawed(tuple(waiting), self._states(look, jobs), tuple(self._kept(look, jobs)))

    def _unset(self, look: fs.SwitchLook) -> t.List[fp.SwitchStep]:
        cluster = self._cluster
        return fp.unset_steps(cluster.cluster_id, cluster.profile, cluster.frontends(), look, self._past)

    def _switch_left(self, look: fs.SwitchLook) -> t.List[str]:
        """Frontends that still refuse loads because of us, or of which that is not known."""
        cluster_id = self._cluster.cluster_id
        left = [
            f"{one.address} refuses loads"
            for one, value in look.values.items()
            if fp.switch_decision(self._past, cluster_id, one.address, value).action == "restore"
        ]
        return left + [f"{one.address} does not answer ({error.code})" for one, error in look.failed.items()]

    def _look_at_jobs(self) -> t.Dict[str, t.Optional[fj.LoadJob]]:
        cluster_id = self._cluster.cluster_id
        found: t.Dict[str, t.Optional[fj.LoadJob]] = {}
        for resource in fp.job_resources(self._past):
            found[resource] = self._jobs.job(fj.job_of(resource, self._past[resource].ours))
        databases = set(TransactionReader(self._cluster).databases()) - set(SYSTEM_DATABASES)
        for job in self._jobs.jobs(databases):
            found.setdefault(job.resource(cluster_id), job)
        return found

    def _resume(self, look: fs.SwitchLook, jobs: t.Mapping[str, t.Optional[fj.LoadJob]]) -> t.List[fp.JobStep]:
        cluster_id = self._cluster.cluster_id
        refused = any(
            value == fs.ON and fp.switch_decision(self._past, cluster_id, one.address, value).action != "restore"
            for one, value in look.values.items()
        )
        return fp.resume_steps(cluster_id, jobs, self._past, self._stopped_before, refused)

    def _send_job(self, step: fp.JobStep, sender: Sender) -> None:
        def look() -> t.List[t.Any]:
            now = self._jobs.job(step.job)
            return [None if now is None else now.as_state()]

        sender.send([step.change], lambda: self._cluster.execute(step.sql, f"resume {step.job.subject}"), look)

    def _states(self, look: fs.SwitchLook, jobs: t.Mapping[str, t.Optional[fj.LoadJob]]) -> t.Dict[str, t.Any]:
        cluster_id = self._cluster.cluster_id
        states: t.Dict[str, t.Any] = {fs.resource(cluster_id, one.address): value for one, value in look.values.items()}
        states.update({resource: None if job is None else job.as_state() for resource, job in jobs.items()})
        return states

    def _kept(self, look: fs.SwitchLook, jobs: t.Mapping[str, t.Optional[fj.LoadJob]]) -> t.Iterator[str]:
        cluster_id = self._cluster.cluster_id
        for one, value in look.values.items():
            if fp.switch_decision(self._past, cluster_id, one.address, value).action == "keep_theirs":
                yield fs.resource(cluster_id, one.address)
        for resource in fp.job_resources(self._past):
            if fp.job_decision(self._past, resource, jobs.get(resource)).action == "keep_theirs":
                yield resource


class Plainly:
    """Sends without a journal, as a guard does."""

    def send(
        self,
        changes: t.Sequence[Change],
        send: t.Callable[[], t.Any],
        look: t.Callable[[], t.Sequence[t.Any]],
    ) -> t.List[t.Any]:
        """Whether it worked shows in the next look."""
        send()
        return list(look()) if changes else []


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

    :raises MigrationError: ``starrocks.not_lifted`` with what is left
    """
    cluster_id = cluster.cluster_id
    deadline = Deadline(clock, seconds, "the end of the freeze")
    before = stopped_before(record.copied(FOUND_KIND), cluster_id)
    since = iso(clock.now())
    problem: t.Optional[MigrationError] = None
    while True:
        past = record.past()
        waiting: t.Tuple[str, ...] = ()
        try:
            if any(one.pending for one in past.values()):
                record.settle(_states_of(cluster, past, clock))
                past = record.past()
            thawed = Thaw(cluster, past, before).step(record)
            waiting, problem = thawed.waiting, None
            if thawed.done:
                break
        except MigrationError as error:
            problem = error
            waiting = (error.message,)
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
            raise _not_lifted(waiting, problem)
        deadline.sleep(POLL)
    closed = [resource for resource in past if past[resource].changes]
    states = {resource: thawed.states.get(resource, _gone(resource)) for resource in closed}
    for resource, state in states.items():
        record.close(resource, state)
    if closed or unended(record.entries, cluster_id):
        seen = states or {resource: thawed.states.get(resource, _gone(resource)) for resource in past}
        record.proof("lift", [{"subject": resource, "state": state} for resource, state in seen.items()])
        record.append(LIFTED_KIND, {"cluster_id": cluster_id, "at": iso(clock.now()), "kept": list(thawed.kept)})
    return thawed


def _states_of(cluster: Cluster, past: t.Mapping[str, Recorded], clock: Clock) -> t.Dict[str, t.Any]:
    """What is there now of everything that a freeze may have changed, by resource."""
    found = Freeze(cluster, clock).look().states(cluster.cluster_id)
    return {resource: found.get(resource, _gone(resource)) for resource in {**found, **past}}


def _gone(resource: str) -> t.Optional[str]:
    """The state of what is not there: a frontend that is dead has forgotten its switch."""
    return "not alive" if "/freeze/" in resource else None


def _not_lifted(waiting: t.Sequence[str], problem: t.Optional[MigrationError]) -> MigrationError:
    return MigrationError(
        "starrocks.not_lifted",
        f"The freeze could not be lifted, or not be proved lifted: {'; '.join(waiting[:5])}. Run again, or lift it by "
        "hand as the journal says.",
        server_text=None if problem is None else problem.server_text,
        details={"waiting": list(waiting), "cause": None if problem is None else problem.code},
    )
