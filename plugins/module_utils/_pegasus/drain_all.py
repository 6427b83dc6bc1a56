# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Waiting until every table of a fence is drained, or there is no time left."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.drain_watch import DrainedTable, DrainWatch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import POLL, Beat

_PATIENT_AFTER = 15.0
_PATIENT_POLL = 0.6
"""Once a drain takes long (the empty write of 2.5 and before), fewer looks find the end just as well."""


def drain_all(
    watches: t.Sequence[DrainWatch],
    clock: Clock,
    deadline: Deadline,
    beat: Beat,
    waiting: t.Callable[[Wait], None],
    held_back: bool,
) -> t.List[DrainedTable]:
    """Drain several tables that share a fence. ``pegasus.not_drained`` at the deadline, with the worst partitions."""
    begun = clock.monotonic()
    since = iso(clock.now())
    behind: t.List[str] = []
    done: t.Dict[str, DrainedTable] = {}
    while True:
        # Before the guard is asked, which gives up a moment later and knows no reason.
        if behind and deadline.expired:
            raise _not_drained(behind, since, held_back)
        beat()
        for watch in watches:
            if watch.table not in done:
                found = watch.step()
                if found is not None:
                    done[watch.table] = found
        if len(done) == len(watches):
            return [done[watch.table] for watch in watches]
        behind = [text for watch in watches if watch.table not in done for text in watch.behind()]
        waiting(drain_wait(behind, since, held_back))
        deadline.sleep(POLL if clock.monotonic() - begun < _PATIENT_AFTER else _PATIENT_POLL)


def drain_wait(behind: t.Sequence[str], since: str, held_back: bool) -> Wait:
    """What a drain waits for, in words."""
    return Wait(
        reason="pegasus.wait.last_mutation" if held_back else "pegasus.wait.drain",
        waiting_for="every partition's confirmed decree to pass its position at the fence",
        ends_when="the group check's empty write has pushed the last mutation out, and the duplication sync confirms it"
        if held_back
        else "the duplication sync of every primary has confirmed it",
        since=since,
        worst=list(behind),
        count=len(behind),
    )


def _not_drained(behind: t.Sequence[str], since: str, held_back: bool) -> MigrationError:
    wait = drain_wait(behind, since, held_back)
    return MigrationError(
        "pegasus.not_drained",
        f"Not drained in time: {len(behind)} partitions have mutations that are not proved to be on the target: "
        f"{', '.join(wait.worst)}.",
        details={"wait": wait.as_result()},
    )
