# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Freezing the writes of a cluster: what runs is recorded and paused, the switch set, and proved on every frontend."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_jobs as fj
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_plan as fp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend

FOUND_KIND = "freeze.found"
"""The journal entry of what a freeze found before it changed anything: {cluster_id, frontends, jobs}."""
POLL = 0.5
ROUNDS = 5
Beat = t.Callable[[], None]


def _nothing() -> None:
    """No guard has to be asked."""


@dataclasses.dataclass(frozen=True)
class FreezeLook:
    """The switch on every frontend, and every load job that has not ended."""

    switch: fs.SwitchLook
    jobs: t.Tuple[fj.LoadJob, ...]

    @property
    def running(self) -> t.List[fj.LoadJob]:
        """The jobs that load."""
        return [job for job in self.jobs if job.state == fj.RUNNING]

    @property
    def frozen(self) -> bool:
        """Whether the switch is on everywhere, and no job runs."""
        return self.switch.everywhere == fs.ON and not self.running

    def after(self, cluster_id: str, changes: t.Iterable[Change]) -> FreezeLook:
        """As it will look when these changes of the switch and of jobs have been made."""
        made = {change.resource: change.after for change in changes}
        values = {
            one: made.get(fs.resource(cluster_id, one.address), value) for one, value in self.switch.values.items()
        }
        jobs = [
            dataclasses.replace(job, state=str(made[job.resource(cluster_id)]["state"]), reason="")
            if job.resource(cluster_id) in made
            else job
            for job in self.jobs
        ]
        return FreezeLook(dataclasses.replace(self.switch, values=values), tuple(jobs))

    def states(self, cluster_id: str) -> t.Dict[str, t.Any]:
        """By resource, as the journal keeps them."""
        states: t.Dict[str, t.Any] = {
            fs.resource(cluster_id, one.address): value for one, value in self.switch.values.items()
        }
        states.update({job.resource(cluster_id): job.as_state() for job in self.jobs})
        return states

    def told(self, cluster_id: str) -> t.Dict[str, t.Any]:
        """For the journal."""
        return {
            "cluster_id": cluster_id,
            "frontends": self.switch.told(),
            "jobs": {
                job.resource(cluster_id): {**job.as_state(), "word": job.word, "by_freeze": job.stopped_by_freeze}
                for job in self.jobs
            },
        }


class Freeze:
    """The freeze of one cluster. Nothing is kept of it but what ``record`` writes."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self.cluster = cluster
        self.switch = fs.LoadSwitch(cluster)
        self.jobs = fj.JobReader(cluster)
        self._clock = clock
        self.reasserted = 0
        """How often the switch was found off on some frontend after it had been proved, and set again."""

    def look(self) -> FreezeLook:
        """Everything that a freeze may change. MigrationError when a living frontend does not answer."""
        switch = self.switch.look()
        switch.require_known()
        return FreezeLook(switch, tuple(self.jobs.jobs()))

    def predict(self, look: FreezeLook) -> ChangeList:
        """What ``apply`` sends, in order."""
        changes = ChangeList()
        for step in fp.pause_steps(self.cluster.cluster_id, look.jobs):
            changes.add(step.change)
        for one in self._set_steps(look.switch):
            for change in one.changes:
                changes.add(change)
        return changes

    def to_be_ours(self, look: FreezeLook) -> t.Dict[str, Recorded]:
        """What the journal will say of a freeze from here, for a guard that has no journal."""
        found: t.Dict[str, Recorded] = {}
        for change in self.predict(look):
            found[change.resource] = Recorded(change.before, change.after, 1)
        return found

    def apply(self, look: FreezeLook, record: FreezeRecord, deadline: Deadline, beat: Beat = _nothing) -> None:
        """Pause, set and prove.

        :raises MigrationError: ``starrocks.job_not_paused``, ``starrocks.freeze_unproved``, or what a server says
        """
        record.append(FOUND_KIND, look.told(self.cluster.cluster_id))
        for step in fp.pause_steps(self.cluster.cluster_id, look.jobs):
            beat()
            self._pause(step, record)
        for one in self._set_steps(look.switch):
            beat()
            self._set(one, record)
        self.prove(record, deadline, beat)

    def _pause(self, step: fp.JobStep, record: FreezeRecord) -> None:
        job = step.job

        def send() -> None:
            self.cluster.execute(step.sql, f"pause {job.subject}")

        def look() -> t.List[t.Any]:
            now = self.jobs.job(job)
            return [None if now is None else now.as_state()]

        state = record.send([step.change], send, look)[0]
        if isinstance(state, dict) and state.get("state") == fj.RUNNING:
            raise MigrationError(
                "starrocks.job_not_paused",
                f"The {job.subject} was told to pause, and still runs. Pause it by hand, or see what its server says.",
                details={"job": job.subject, "state": state},
            )

    def _set_steps(self, look: fs.SwitchLook, action: str = "freeze", each: bool = False) -> t.List[fp.SwitchStep]:
        return fp.set_steps(self.cluster.cluster_id, self.switch.profile(), look, action, each)

    def _set(self, step: fp.SwitchStep, record: FreezeRecord) -> None:
        send_switch(self.switch, step, record)

    def prove(self, record: FreezeRecord, deadline: Deadline, beat: Beat = _nothing) -> fs.SwitchLook:
        """Until every living frontend is seen with the switch on; those that missed it are told again."""
        since = iso(self._clock.now())
        rounds = 0
        problem: t.Optional[MigrationError] = None
        while True:
            beat()
            look = self.switch.look()
            if look.everywhere == fs.ON:
                record.proof(
                    "freeze",
                    [{"subject": address, fs.KEY: value, "at": iso(self._clock.now())}
                     for address, value in look.told().items()],
                )  # fmt: skip
                return look
            lacking = [one.address for one in look.differing(fs.ON)] + [one.address for one in look.failed]
            record.waiting(
                Wait(
                    "starrocks.wait.freeze",
                    f"every living frontend to have {fs.KEY} on",
                    "each of them tells so itself",
                    since,
                    lacking,
                    len(lacking),
                )
            )
            if deadline.expired or rounds >= ROUNDS * 4:
                raise _unproved(lacking, look, problem)
            # One that the others could not tell is told by itself, and where that is refused, once more by the others.
            for step in self._set_steps(look, each=rounds % 2 == 0):
                try:
                    self._set(step, record)
                except MigrationError as error:
                    problem = error
            rounds += 1
            deadline.sleep(POLL)

    def hold(self, record: FreezeRecord, deadline: Deadline, beat: Beat = _nothing) -> bool:
        """Look whether it still holds, and set it again where a frontend was restarted; False if it had not held.

        Writes may have come in meanwhile, so whatever was concluded from the freeze is to be concluded anew then.
        """
        look = self.switch.look()
        if look.everywhere == fs.ON:
            return True
        if not look.differing(fs.ON):
            # A frontend that does not answer for a moment has not lost its switch; the proofs ask it again.
            return True
        self.reasserted += 1
        for step in self._set_steps(look, "freeze_again"):
            self._set(step, record)
        self.prove(record, deadline, beat)
        return False


def _unproved(lacking: t.Sequence[str], look: fs.SwitchLook, problem: t.Optional[MigrationError]) -> MigrationError:
    return MigrationError(
        "starrocks.freeze_unproved",
        f"Not every frontend was seen to refuse loads: {', '.join(lacking)}. From 3.5 on, one that shares a host with "
        "the leader, or that the leader cannot tell, is told over HTTP, for which the user needs the role root. What "
        "cannot be reached needs an address_map.",
        server_text=None if problem is None else problem.server_text,
        details={
            "lacking": lacking,
            "frontends": look.told(),
            **({} if problem is None else {"cause": problem.code, "problem": problem.message}),
        },
    )


def send_switch(switch: fs.LoadSwitch, step: fp.SwitchStep, sender: Sender) -> t.List[Frontend]:
    """Send one request for the switch, and read it back where it is to count.

    Returns those that have been told by the word of the server that it was sent to, whether they answer here or not.
    """
    covers = step.request.covers
    missed: t.List[t.FrozenSet[str]] = []
    sender.send(step.changes, lambda: missed.append(switch.send(step.request)), lambda: switch.read(covers))
    return [one for one in covers if missed and one.host not in missed[-1]]


class Sender(t.Protocol):
    """Who sends: the record of a call with its journal, or a guard without one."""

    def send(
        self,
        changes: t.Sequence[Change],
        send: t.Callable[[], t.Any],
        look: t.Callable[[], t.Sequence[t.Any]],
    ) -> t.List[t.Any]:
        """Send one request with all its effects, and return the states that are read back."""

    def seen(self, states: t.Mapping[str, t.Any], past: fp.PastOf) -> fp.PastOf:
        """Be told what is there by resource before anything is sent; what the journal says of ``past`` then."""
