# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What one look at a table's duplication means: done, waiting for something that has a name, or failed for good."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import ReasonRegistry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_past import FAIL_SKIP
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import (
    RUNNING,
    STARTING,
    UNKNOWN,
    PartitionView,
    ProgressView,
    Track,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Cause
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Duplication

SPREADING = "pegasus.wait.fail_mode_spreading"
SETTLING = "pegasus.wait.backlog_settling"

REASONS = ReasonRegistry(
    frozenset(
        (
            SETTLING,
            "pegasus.wait.backlog",
            "pegasus.wait.checkpoint_copying",
            "pegasus.wait.checkpoint_preparing",
            "pegasus.wait.cluster_unreachable",
            "pegasus.wait.duplication_starting",
            "pegasus.wait.fail_mode_spreading",
            "pegasus.wait.nothing_shipped",
            "pegasus.wait.partition_without_primary",
            "pegasus.wait.pausing",
            "pegasus.wait.pipeline_starting",
            "pegasus.wait.progress_frozen",
            "pegasus.wait.progress_unknown",
            "pegasus.wait.removing",
            "pegasus.wait.target_creating",
            "pegasus.wait.target_freezed",
            "pegasus.wait.target_partition_count",
            "pegasus.wait.target_reply_lost",
            "pegasus.wait.target_secondaries_missing",
            "pegasus.wait.target_single_replica",
            "pegasus.wait.target_table_exists",
            "pegasus.wait.target_table_gone",
            "pegasus.wait.target_too_few_nodes",
            "pegasus.wait.target_unreachable",
            "pegasus.wait.turn",
            "pegasus.wait.unconfirmed",
            # Of tables that are not begun, because people want it so.
            "control.paused",
            "control.unreadable",
        )
    )
)


@dataclasses.dataclass(frozen=True)
class Gate:
    """When a table counts as caught up: the largest backlog of a partition, at how many looks in a row, and how many
    mutations of an idle partition are never shipped.
    """

    limit: int
    samples: int
    held_back: int


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where one table stands. ``cause`` None: done. ``failure``: it cannot be done any more."""

    table: str
    cause: t.Optional[Cause] = None
    failure: t.Optional[MigrationError] = None

    @property
    def done(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.cause is None and self.failure is None


def gone_or_other(table: str, before: int, there: t.Optional[Duplication]) -> t.Optional[MigrationError]:
    """Whether the duplication that was followed up to now (``before``) is no longer the one that is there."""
    if there is None:
        return MigrationError(
            "pegasus.dup_gone",
            f"{table}: duplication {before} is gone; somebody removed it, or dropped or renamed the table, while this "
            "run "
            "waited for it. Find out who, then run again.",
        )
    if there.dupid != before:
        return MigrationError(
            "pegasus.dup_replaced",
            f"{table}: duplication {before} was replaced by {there.dupid} while this run waited for it. Find out who "
            "did "
            "that, then run again.",
        )
    return None


def skipped(table: str, dupid: int) -> MigrationError:
    """A duplication that was in FAIL_SKIP once: its counters do not tell what was left out, so they prove nothing."""
    return MigrationError(
        "pegasus.dup_fail_mode",
        f"{table}: duplication {dupid} is or was in FAIL_SKIP, with which writes are lost without a word, so nothing "
        "proves any more that the copy is whole. Start anew: give this table's migration up (the rollback removes the "
        "duplication and drops the copy), then migrate again.",
        details={"table": table, "dupid": dupid, "skipped": True},
    )


def present(
    table: str,
    there: Duplication,
    cause: t.Optional[Cause],
    view: t.Optional[ProgressView],
    track: Track,
    gate: Gate,
    mode: str = "FAIL_SLOW",
) -> Standing:
    """Whether the table's duplication ships everything. ``cause`` is the watchdog's, before DS_LOG; ``view`` the
    primaries' word in DS_LOG, and ``track`` what it was over the last looks. ``mode``: the fail mode that was asked
    for. In another one than FAIL_SLOW nothing counts as shipped, so it is only looked whether every primary runs in it.
    """
    if there.status == "DS_PAUSE":
        return Standing(
            table,
            failure=MigrationError(
                "pegasus.dup_paused",
                f"{table}: duplication {there.dupid} was paused by somebody else while this run waited for it. Find "
                "out "
                "why, then run again, which resumes it.",
            ),
        )
    slow = mode == "FAIL_SLOW"
    failure = _lossy(table, there, view) if slow else None
    if failure is not None:
        return Standing(table, failure=failure)
    if there.status != "DS_LOG":
        waiting = cause or Cause(
            "pegasus.wait.duplication_starting",
            f"duplication {there.dupid} of {table} is in {there.status}",
            "the replica servers have heard of it (10 s)",
        )
        return Standing(table, waiting, _hopeless(table, there, waiting))
    if view is None:
        raise ValueError("in DS_LOG the primaries must be asked")
    if there.fail_mode != mode:
        return Standing(
            table,
            Cause(
                SPREADING,
                f"duplication {there.dupid} of {table} is in {there.fail_mode}, not in {mode}",
                "the next call has set it; one that is added begins in FAIL_SLOW",
            ),
        )
    return Standing(table, _running(table, view, mode) or (_caught_up(table, view, track, gate) if slow else None))


def _lossy(table: str, there: Duplication, view: t.Optional[ProgressView]) -> t.Optional[MigrationError]:
    """A mode in which it must not go on, when FAIL_SLOW was asked for."""
    if there.fail_mode == FAIL_SKIP or (view is not None and any(one.fail_mode == FAIL_SKIP for one in view.losing)):
        return skipped(table, there.dupid)
    if there.fail_mode == "FAIL_SLOW":
        return None
    return MigrationError(
        "pegasus.dup_fail_mode",
        f"{table}: duplication {there.dupid} was set to {there.fail_mode} by somebody else, with which replica servers "
        "end when the target does not take a write. Set it back with fail_mode=slow.",
    )


def _hopeless(table: str, there: Duplication, cause: Cause) -> t.Optional[MigrationError]:
    if not cause.hopeless:
        return None
    return MigrationError(
        "pegasus.dup_stuck",
        f"{table}: duplication {there.dupid} is stuck in {there.status}: {cause.what}. What ends it: "
        f"{cause.ends_when}.",
        details={"table": table, "dupid": there.dupid, "status": there.status, "cause": cause.reason},
    )


def _running(table: str, view: ProgressView, mode: str) -> t.Optional[Cause]:
    unknown = view.having(UNKNOWN)
    if unknown or not view.partitions:
        return Cause(
            "pegasus.wait.progress_unknown",
            f"nobody tells how far {len(unknown)} of {len(view.partitions)} partitions of {table} are",
            "every partition is reported by its primary, once",
            worst=tuple(f"partition {one.index}: {one.why}" for one in unknown[:5]),
        )
    starting = view.having(STARTING)
    if starting:
        return Cause(
            "pegasus.wait.pipeline_starting",
            f"{len(starting)} partitions of {table} do not ship yet",
            "every primary ships (it hears of the status at its next duplication sync, 10 s)",
            worst=tuple(f"partition {one.index}: {one.why}" for one in starting[:5]),
        )
    others = [one for one in view.partitions if one.fail_mode != mode]
    if others:
        return Cause(
            SPREADING,
            f"{len(others)} partitions of {table} are not in {mode} yet",
            "every primary has heard of the fail mode (10 s)",
            worst=tuple(f"partition {one.index}: {one.fail_mode}" for one in others[:5]),
        )
    return None


def _caught_up(table: str, view: ProgressView, track: Track, gate: Gate) -> t.Optional[Cause]:
    frozen = track.frozen(gate.samples)
    if frozen:
        return Cause(
            "pegasus.wait.progress_frozen",
            f"the counters of {len(frozen)} partitions of {table} stand still while writes go in, so they are not "
            "believed",
            "the counters move with the writes",
            worst=tuple(f"partition {index}" for index in frozen[:5]),
        )
    above = view.above(gate.limit)
    if above:
        return Cause(
            "pegasus.wait.backlog",
            f"{len(above)} partitions of {table} have more than {gate.limit} mutations to ship",
            f"no partition has more than {gate.limit}",
            worst=tuple(_backlog(one) for one in above[:5]),
        )
    if track.good < gate.samples:
        return Cause(
            SETTLING,
            f"{table} is within the limit at {track.good} of {gate.samples} looks in a row",
            f"it is at {gate.samples} looks in a row",
        )
    behind = track.behind(gate.held_back)
    if behind:
        return Cause(
            "pegasus.wait.nothing_shipped",
            f"{len(behind)} partitions of {table} have not shipped what was written before the first of {track.good} "
            "looks",
            "every partition has shipped it; if that does not come, see whether the target takes writes",
            worst=tuple(f"partition {index}" for index in behind[:5]),
        )
    return None


def _backlog(one: PartitionView) -> str:
    return f"partition {one.index}: {one.backlog}"


def paused(table: str, there: Duplication, view: ProgressView) -> Standing:
    """Whether every primary has stopped shipping."""
    if there.status == "DS_PAUSE" and view.stopped:
        return Standing(table)
    running, unknown = view.having(RUNNING), view.having(UNKNOWN)
    worst = [f"partition {one.index}: still ships" for one in running]
    worst += [f"partition {one.index}: {one.why}" for one in unknown]
    return Standing(
        table,
        Cause(
            "pegasus.wait.pausing",
            f"{len(worst)} partitions of {table} have not stopped shipping for certain",
            "every primary has heard of it (10 s)",
            worst=tuple(worst[:5]),
        ),
    )


def removed(table: str, still: t.Sequence[int], silent: t.Sequence[str]) -> Standing:
    """Whether no primary ships any more. ``still``: partitions that report it; ``silent``: servers that do not tell."""
    if not still and not silent:
        return Standing(table)
    worst = [f"partition {index}: still there" for index in still] + [f"{node} does not tell" for node in silent]
    return Standing(
        table,
        Cause(
            "pegasus.wait.removing",
            f"not every primary of {table} has let go of the duplication",
            "every primary has heard of it (10 s)",
            worst=tuple(worst[:5]),
        ),
    )
