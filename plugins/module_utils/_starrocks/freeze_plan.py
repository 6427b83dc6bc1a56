# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a freeze or its end is going to send, from what is seen and what the journal knows. Pure.

Order of a freeze: running load jobs are paused first, each at a clean offset, then the switch is set. Order of its end:
the switch first, as a job that is resumed under it stops again, then exactly the jobs that the freeze has stopped.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING, RESTORE, Recorded, decide
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import UNKNOWN, Decision
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_jobs as fj
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

PastOf = t.Mapping[str, Recorded]


@dataclasses.dataclass(frozen=True)
class JobStep:
    """One job to be paused or resumed."""

    job: fj.LoadJob
    change: Change

    @property
    def sql(self) -> str:
        """The statement."""
        return str(self.change.request["sql"])


@dataclasses.dataclass(frozen=True)
class SwitchStep:
    """One request, and its effect on every frontend that it covers."""

    request: fs.SwitchRequest
    changes: t.Tuple[Change, ...]


def pause_steps(cluster_id: str, jobs: t.Sequence[fj.LoadJob]) -> t.List[JobStep]:
    """Pause everything that runs."""
    return [_job_step(cluster_id, job, fj.PAUSED, "pause", job.pause_sql()) for job in jobs if job.state == fj.RUNNING]


def set_steps(
    cluster_id: str, profile: Profile, look: fs.SwitchLook, action: str = "freeze", each: bool = False
) -> t.List[SwitchStep]:
    """Set the switch wherever it is off. ``each``: the others could not tell these, so each is told by itself."""
    off = look.differing(fs.ON)
    requests = fs.tell_each(profile, off, fs.ON) if each else fs.tell_all(profile, look, off, fs.ON)
    return [_switch_step(cluster_id, one, fs.OFF, action) for one in requests]


@dataclasses.dataclass(frozen=True)
class Held:
    """Who refuses loads because of whom. ``ours``: seen to do so because of us. ``silent``: because of us too, as far
    as the journal knows; as a switch has two values only, off is right whatever it has by now. ``theirs``: seen to do
    so because of somebody else. ``doubtful``: silent, and not known as ours.
    """

    ours: t.Tuple[Frontend, ...]
    silent: t.Tuple[Frontend, ...]
    theirs: t.Tuple[Frontend, ...]
    doubtful: t.Tuple[Frontend, ...]


def held(cluster_id: str, look: fs.SwitchLook, past: PastOf) -> Held:
    """Sort the frontends of a look."""

    def is_ours(one: Frontend) -> bool:
        return switch_decision(past, cluster_id, one.address, fs.ON).action == RESTORE

    on = [one for one, value in look.values.items() if value == fs.ON]
    return Held(
        ours=tuple(one for one in on if is_ours(one)),
        silent=tuple(one for one in look.failed if is_ours(one)),
        theirs=tuple(one for one in on if not is_ours(one)),
        doubtful=tuple(one for one in look.failed if not is_ours(one)),
    )


def unset_steps(
    cluster_id: str, profile: Profile, look: fs.SwitchLook, past: PastOf, told: t.Collection[str] = ()
) -> t.List[SwitchStep]:
    """Take the switch off where it is ours. One that was on before the freeze is somebody else's.

    A silent frontend keeps nobody else from being told, and is told by the others. ``told``: the resources of those
    that have been told so already.
    """
    now = held(cluster_id, look, past)
    if now.theirs or now.doubtful:
        # The leader would tell these as well.
        requests = fs.tell_each(profile, now.ours, fs.OFF, others_stay=True)
    else:
        requests = fs.tell_all(profile, look, (*now.ours, *_untold(cluster_id, now, told)), fs.OFF)
    return [_switch_step(cluster_id, one, fs.ON, RESTORE) for one in requests]


def unset_again_steps(
    cluster_id: str, profile: Profile, look: fs.SwitchLook, past: PastOf, told: t.Collection[str] = ()
) -> t.List[SwitchStep]:
    """What is left to do after ``unset_steps``: those that the others could not tell are told by themselves.

    Where HTTP was no way to spare somebody else's switch, and the leader refuses loads because of us, everybody is
    told after all: loads must not be refused because of us, and another's switch that does not lead has no effect. A
    silent frontend of which nothing is known spares nobody either, once HTTP was tried.
    """
    now = held(cluster_id, look, past)
    if not now.theirs and not now.doubtful:
        requests = fs.tell_each(profile, now.ours, fs.OFF)
    else:
        wanted = (*now.ours, *_untold(cluster_id, now, told))
        heeded = wanted if look.leader in wanted or (now.ours and not now.theirs) else ()
        requests = fs.tell_all(profile, look, heeded, fs.OFF, besides=now.theirs)
    return [_switch_step(cluster_id, one, fs.ON, RESTORE) for one in requests]


def _untold(cluster_id: str, now: Held, told: t.Collection[str]) -> t.List[Frontend]:
    return [one for one in now.silent if fs.resource(cluster_id, one.address) not in told]


def resume_steps(
    cluster_id: str,
    now: t.Mapping[str, t.Optional[fj.LoadJob]],
    past: PastOf,
    stopped_before: t.Collection[str],
    refused: bool,
) -> t.List[JobStep]:
    """Resume what we paused and is still paused, ``now`` by resource, and what the switch itself made stop.

    ``stopped_before``: jobs that some switch had made stop before this freeze began. ``refused``: somebody else's
    switch stays on at the leader, and makes whatever is resumed stop again; that is theirs to end.
    """
    steps = []
    for resource, job in sorted(now.items()):
        if job is None or (refused and job.stopped_by_freeze):
            continue
        ours = job_decision(past, resource, job).action == "restore"
        if ours or stopped_with_us(past, stopped_before, resource, job):
            steps.append(_job_step(cluster_id, job, fj.RUNNING, RESTORE, job.resume_sql()))
    return steps


def stopped_with_us(past: PastOf, stopped_before: t.Collection[str], resource: str, job: fj.LoadJob) -> bool:
    """Whether a job was made to stop by our switch: one that somebody made or resumed after we had looked."""
    frozen = any("/freeze/" in name and one.changes for name, one in past.items())
    return job.stopped_by_freeze and frozen and resource not in stopped_before


def switch_decision(past: PastOf, cluster_id: str, frontend: str, now: t.Optional[str]) -> Decision:
    """What to do about one frontend's switch, ``now`` None where it is not known."""
    one = past.get(fs.resource(cluster_id, frontend), NOTHING)
    return decide(one, UNKNOWN if now is None else now)


def job_decision(past: PastOf, resource: str, now: t.Optional[fj.LoadJob]) -> Decision:
    """What to do about one job. One that is gone, ended, or another of the same name, is theirs."""
    return decide(past.get(resource, NOTHING), None if now is None else now.as_state())


def job_resources(past: PastOf) -> t.List[str]:
    """The jobs that a freeze changed and that were not put back yet."""
    return sorted(name for name, one in past.items() if one.changes and is_job(name))


def is_job(resource: str) -> bool:
    """Whether a resource of a freeze is a load job, and not a frontend's switch."""
    return "/routine_load/" in resource or "/pipe/" in resource


def _job_step(cluster_id: str, job: fj.LoadJob, wanted: str, action: str, sql: str) -> JobStep:
    after = {**job.as_state(), "state": wanted}
    return JobStep(job, Change(job.resource(cluster_id), action, job.as_state(), after, {"sql": sql}))


def _switch_step(cluster_id: str, request: fs.SwitchRequest, before: str, action: str) -> SwitchStep:
    return SwitchStep(
        request,
        tuple(
            Change(fs.resource(cluster_id, one.address), action, before, request.value, request.as_result())
            for one in request.covers
        ),
    )
