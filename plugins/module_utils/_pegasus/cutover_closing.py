# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the source refuses readers too behind the commit, asked of every primary.

The meta server says yes as soon as it has written the env down; a replica server whose config sync hangs goes on
serving the old table. This is looked at once in a call, when all its tables are committed and the config-sync intervals
are still short: the clients are on the target and the guards are done, so it delays neither a commit nor the next
group, and nothing is undone for it. Most servers have pulled the env long before.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import PASSING, Fence

CLOSE_UNPROVED = "pegasus.cutover.close_unproved"
_MARGIN = 2.0
"""Seconds above one config-sync interval: for a sync that takes its time, and for the look itself."""
_POLL = 0.5
_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Closing:
    """A committed table. ``at``: when it was closed by then, seconds of the clock."""

    fence: Fence
    at: float

    @property
    def table(self) -> str:
        """Its name."""
        return self.fence.table


class Told(t.Protocol):
    """Where waits and proofs are written."""

    def waiting(self, wait: Wait) -> None:
        """Write what is waited for."""

    def proof(self, kind: str, items: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write what was seen."""


def prove(closings: t.Iterable[Closing], record: Told, clock: Clock, interval: float) -> t.List[Finding]:
    """A proof for each, or a finding. ``interval``: of the slowest config sync, in seconds. Raises nothing of servers.

    Every table is looked at once at least; together they take no more than one interval since the last was closed.
    """
    found = [_prove(one, record, clock, one.at + interval + _MARGIN) for one in closings]
    return [one for one in found if one is not None]


def _prove(closing: Closing, record: Told, clock: Clock, end: float) -> t.Optional[Finding]:
    since = iso(clock.now())
    while True:
        problem, lasting = "", False
        config: t.Optional[model.TableConfig] = None
        words: t.Mapping[int, str] = {}
        try:
            config, words = closing.fence.look_at_reads()
        except MigrationError as error:
            problem, lasting = error.message, error.code not in PASSING
        left = {index: word for index, word in words.items() if word != model.WRITES_DENIED}
        if config is not None and not left:
            record.proof("close", _items(closing.table, config, iso(clock.now())))
            return None
        if lasting or clock.monotonic() >= end:
            return _unproved(closing.table, config, left, problem)
        record.waiting(_wait(closing.table, left, problem, since))
        clock.sleep(max(0.0, min(_POLL, end - clock.monotonic())))


def _items(table: str, config: model.TableConfig, at: str) -> t.List[t.Dict[str, t.Any]]:
    return [
        {
            "subject": f"{table}/{partition.index}",
            "primary": partition.primary,
            "ballot": partition.ballot,
            "reads": model.WRITES_DENIED,
            "at": at,
        }
        for partition in config.partitions
    ]


def _wait(table: str, left: t.Mapping[int, str], problem: str, since: str) -> Wait:
    worst = [f"{table}/{index}: {word}" for index, word in sorted(left.items())] or [problem]
    return Wait(
        reason="pegasus.wait.close",
        waiting_for=f"every primary of {table} on the source to refuse reads; it is committed, and its clients are on "
        "the target",
        ends_when="each replica server has pulled the app envs (config_sync_interval_ms), or one interval is over",
        since=since,
        worst=worst,
        count=len(worst),
    )


def _unproved(table: str, config: t.Optional[model.TableConfig], left: t.Mapping[int, str], problem: str) -> Finding:
    servers = {part.primary for part in config.partitions if part.index in left and part.primary} if config else set()
    evidence: t.Dict[str, t.Any] = {
        "partitions": {str(index): left[index] for index in sorted(left)[:_SHOWN]},
        "count": len(left),
        "servers": sorted(servers),
    }
    if problem:
        evidence["problem"] = problem
    return Finding(
        CLOSE_UNPROVED,
        "warning",
        table,
        evidence,
        f"{table} is committed and its clients are on the target, but not every primary of the source"
        f"{' (' + ', '.join(sorted(servers)) + ')' if servers else ''} was seen to refuse reads within one config-sync "
        "interval. A client that holds on to the source may go on reading the old "
        "table there. See why these replica servers do not pull the app envs (restart one that hangs), and make sure "
        "that no client reads from them.",
    )
