# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One step of ending a freeze: only what it did is undone, exactly what it paused goes on, and both are looked at."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_jobs as fj
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_plan as fp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import (
    FreezeLook,
    Sender,
    send_switch,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_voice import Voice

NOT_ALIVE = "not alive"
"""The state of a frontend that is dead, or no more there: it has forgotten its switch."""


@dataclasses.dataclass(frozen=True)
class Thawed:
    """One look after one step. ``waiting``: what is not as it was yet, in words; nothing: it is done.

    ``states``: what is there now by resource, as far as it is known. ``kept``: what somebody else changed since, and
    stays. ``takes_loads``: whether the leader does, as far as it is up to us. ``problem``: why something could not be
    done, if it could not.
    """

    waiting: t.Tuple[str, ...]
    states: t.Mapping[str, t.Any]
    kept: t.Tuple[str, ...]
    takes_loads: bool
    problem: t.Optional[MigrationError] = None

    @property
    def done(self) -> bool:
        """Whether everything of ours is undone, and seen to be."""
        return not self.waiting


Jobs = t.Dict[str, t.Optional[fj.LoadJob]]
"""By resource; None for one that is gone."""


class Thaw:
    """Undoes a freeze. ``past``: what is ours, by resource; ``stopped_before``: see ``freeze_plan``.

    ``told``: the resources of frontends that do not answer here, and have been told by others all the same; it grows.
    ``switch``: with a patience of its own, as a frontend that hangs must not hold up all others.
    """

    def __init__(
        self,
        cluster: Cluster,
        past: fp.PastOf,
        stopped_before: t.Collection[str],
        told: t.Optional[t.Set[str]] = None,
        switch: t.Optional[fs.LoadSwitch] = None,
    ) -> None:
        self._cluster_id = cluster.cluster_id
        self._switch = switch or fs.LoadSwitch(cluster)
        self._voice = Voice(cluster)
        self._jobs = fj.JobReader(self._voice)
        self._past = past
        self._stopped_before = stopped_before
        self._told: t.Set[str] = set() if told is None else told

    def look(self) -> FreezeLook:
        """Everything that a freeze may have changed, as far as it answers."""
        switch = self._switch.look()
        self._voice.choose(switch)
        return FreezeLook(switch, tuple(self._jobs.jobs()))

    def predict(self) -> ChangeList:
        """What has to be sent, as things are now."""
        changes = ChangeList()
        look = self._switch.look()
        self._voice.choose(look)
        for switch_step in self._unset(look, again=False):
            for change in switch_step.changes:
                changes.add(change)
        for job_step in self._resume(look, self._look_at_jobs()):
            changes.add(job_step.change)
        return changes

    def step(self, sender: Sender) -> Thawed:
        """Send what is left to be sent, once, and look. MigrationError when nobody tells which frontends there are.

        Whoever does not answer, or refuses, keeps nobody else from being told. The leader alone decides about loads
        (facts 7), so that jobs go on as soon as it takes them.
        """
        problems: t.List[MigrationError] = []
        look = self._switch.look()
        self._past = sender.seen(self._switch_states(look), self._past)
        for again in (False, True):
            steps = self._unset(look, again)
            for step in steps:
                try:
                    told = send_switch(self._switch, step, sender)
                    self._told.update(fs.resource(self._cluster_id, one.address) for one in told)
                except MigrationError as error:
                    problems.append(error)
            if steps:
                look = self._switch.look()
        waiting = self._switch_left(look)
        jobs: Jobs = {}
        try:
            self._voice.choose(look)
            jobs, left = self._go_on(look, sender, problems)
            waiting += left
        except MigrationError as error:
            problems.append(error)
            waiting.append(f"the load jobs are not known ({error.code})")
        return Thawed(
            tuple(waiting),
            {**self._switch_states(look), **_job_states(jobs)},
            tuple(self._kept(look, jobs)),
            self._takes_loads(look),
            problems[0] if problems else None,
        )

    def _go_on(
        self, look: fs.SwitchLook, sender: Sender, problems: t.List[MigrationError]
    ) -> t.Tuple[Jobs, t.List[str]]:
        """The jobs as they are after those were resumed that may be, and in words what does not go on yet."""
        jobs = self._look_at_jobs()
        gone = dict.fromkeys(resource for resource in self._past if fp.is_job(resource))
        self._past = sender.seen({**gone, **_job_states(jobs)}, self._past)
        # A job that is resumed while loads are refused stops again at once.
        steps = self._resume(look, jobs) if self._takes_loads(look) else []
        for step in steps:
            try:
                self._send_job(step, sender)
            except MigrationError as error:
                problems.append(error)
        if steps:
            jobs = self._look_at_jobs()
        return jobs, [f"{step.job.subject} is {step.job.word or step.job.state}" for step in self._resume(look, jobs)]

    def _unset(self, look: fs.SwitchLook, again: bool) -> t.List[fp.SwitchStep]:
        plan = fp.unset_again_steps if again else fp.unset_steps
        return plan(self._cluster_id, self._switch.profile(), look, self._past, self._told)

    def _switch_left(self, look: fs.SwitchLook) -> t.List[str]:
        """Frontends that still refuse loads because of us, or of which that is not known."""
        ours = fp.held(self._cluster_id, look, self._past).ours
        left = [f"{one.address} refuses loads" for one in ours]
        return left + [f"{one.address} does not answer ({error.code})" for one, error in look.failed.items()]

    def _takes_loads(self, look: fs.SwitchLook) -> bool:
        """Whether the leader does, as far as it is up to us. Of one that is silent it counts that it has been told."""
        now = fp.held(self._cluster_id, look, self._past)
        leader = look.leader
        if leader is None or leader in now.ours:
            return False
        return leader not in now.silent or fs.resource(self._cluster_id, leader.address) in self._told

    def _look_at_jobs(self) -> Jobs:
        found: Jobs = {}
        for resource in fp.job_resources(self._past):
            found[resource] = self._jobs.job(fj.job_of(resource, self._past[resource].ours))
        for job in self._jobs.jobs():
            found.setdefault(job.resource(self._cluster_id), job)
        return found

    def _resume(self, look: fs.SwitchLook, jobs: Jobs) -> t.List[fp.JobStep]:
        now = fp.held(self._cluster_id, look, self._past)
        refused = look.leader in (*now.theirs, *now.doubtful)
        return fp.resume_steps(self._cluster_id, jobs, self._past, self._stopped_before, refused)

    def _send_job(self, step: fp.JobStep, sender: Sender) -> None:
        def look() -> t.List[t.Any]:
            now = self._jobs.job(step.job)
            return [None if now is None else now.as_state()]

        sender.send([step.change], lambda: self._voice.execute(step.sql, f"resume {step.job.subject}"), look)

    def _switch_states(self, look: fs.SwitchLook) -> t.Dict[str, t.Any]:
        """Of every frontend that answers, and of those that are not alive, or no more there."""
        silent = {fs.resource(self._cluster_id, one.address) for one in look.failed}
        states: t.Dict[str, t.Any] = {
            resource: NOT_ALIVE for resource in self._past if "/freeze/" in resource and resource not in silent
        }
        states.update({fs.resource(self._cluster_id, one.address): value for one, value in look.values.items()})
        return states

    def _kept(self, look: fs.SwitchLook, jobs: Jobs) -> t.Iterator[str]:
        for one, value in look.values.items():
            if fp.switch_decision(self._past, self._cluster_id, one.address, value).action == "keep_theirs":
                yield fs.resource(self._cluster_id, one.address)
        for resource in fp.job_resources(self._past):
            if resource in jobs and fp.job_decision(self._past, resource, jobs[resource]).action == "keep_theirs":
                yield resource


def _job_states(jobs: Jobs) -> t.Dict[str, t.Any]:
    return {resource: None if job is None else job.as_state() for resource, job in jobs.items()}


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

    def seen(self, states: t.Mapping[str, t.Any], past: fp.PastOf) -> fp.PastOf:
        """There is no journal that could tell something new."""
        return past
