# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Taking fences off, with the journal, and proving that they are off."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import LIFTED_KIND
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_KEY, DENY_WRITE

_EXTRA = 30.0


class Liftable(t.Protocol):
    """A table of a cutover, as far as lifting needs it."""

    fence: Fence
    state: str
    lifted: t.Optional[float]


def lift_command(table: str, meta_servers: t.Sequence[str]) -> str:
    """The one line that lifts a fence without this collection, with the shell that comes with Pegasus."""
    return f"printf 'use {table}\\ndel_app_envs {DENY_KEY}\\n' | ./run.sh shell --cluster {','.join(meta_servers)}"


def lift_all(tracks: t.Sequence[Liftable], record: CutoverRecord, clock: Clock, usual_seconds: float) -> None:
    """Lift every fence, and prove each lifted; the first problem is raised after all were tried."""
    problem: t.Optional[MigrationError] = None
    sent: t.List[Liftable] = []
    for track in tracks:
        try:
            _take_off(track.fence, record)
            sent.append(track)
        except MigrationError as error:
            problem = problem or error
    for track in sent:
        try:
            prove_lifted(track, record, clock, usual_seconds)
        except MigrationError as error:
            problem = problem or error
    if problem is not None:
        raise MigrationError(
            "pegasus.not_lifted",
            f"The fence could not be lifted, or not be proved lifted: {problem.message} The guard goes on trying.",
            server_text=problem.server_text,
            details={"cause": problem.code, **problem.details},
        )


def _take_off(fence: Fence, record: CutoverRecord) -> None:
    past = record.past(fence.resource)
    now = fence.value()
    if now not in (DENY_WRITE, DENY_ALL):
        if past.changes:
            record.put_back(fence.resource, past, now)
        return
    record.send(fence.call(now, t.cast("t.Optional[str]", past.original), RESTORE))
    record.put_back(fence.resource, past, fence.value())


def prove_lifted(track: Liftable, record: CutoverRecord, clock: Clock, usual_seconds: float) -> None:
    """Wait until every primary takes writes; of a table that does not duplicate any more, until it must by time."""
    fence = track.fence
    deadline = Deadline(clock, 2 * usual_seconds + _EXTRA, f"the lift of {fence.table}")
    proved = True
    try:
        record.proof("lift", fence.prove(model.WRITES_OPEN, deadline).items(fence.table))
    except MigrationError as error:
        if error.code != "pegasus.fence_unprovable":
            raise
        proved = False
        _wait_for_every_pull(fence, record, clock, usual_seconds)
    track.lifted = clock.monotonic()
    track.state = "lifted"
    record.append(LIFTED_KIND, {"table": fence.table, "at": iso(clock.now()), "proved": proved})


def _wait_for_every_pull(fence: Fence, record: CutoverRecord, clock: Clock, seconds: float) -> None:
    """Asking would write into the table, so the time is waited for in which every server pulls the app envs."""
    record.waiting(
        Wait(
            "pegasus.wait.lift_by_time",
            f"every replica server to pull the app envs of {fence.table}, which says no more whether it takes writes",
            f"one config-sync interval is over ({seconds:.0f} s with its margin)",
            iso(clock.now()),
            [fence.table],
            1,
        )
    )
    clock.sleep(seconds)
    if fence.value() in (DENY_WRITE, DENY_ALL):
        raise MigrationError("pegasus.not_lifted", f"The deny env of {fence.table} is set again.")
