# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a commit needs to be true, looked at again while what stands against it may pass by itself.

Clients are on the target already. So a frontend that does not answer for a moment, or one transaction that was begun
before the freeze, must not make the commit fail, or the guard opens the source behind them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_end import NOT_QUIESCENT, End
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord

MARGIN = 10.0
"""Seconds before the guard begins to lift by which the last look is over."""
UNGUARDED = 60.0
"""Seconds for which it is tried where no guard lifts anything."""
_PASSING = (
    NOT_QUIESCENT,
    "starrocks.freeze_unproved",
    "starrocks.unreachable",
    "starrocks.not_leader",
    "starrocks.no_alive_node",
)
_HOLD_SECONDS = 30.0


class CommitCheck:
    """``opening``: opens the record of the call; None in check mode, which writes and sets nothing."""

    def __init__(
        self, eyes: Eyes, end: End, clock: Clock, opening: t.Optional[t.Callable[[], FreezeRecord]] = None
    ) -> None:
        self._eyes = eyes
        self._end = end
        self._clock = clock
        self._opening = opening
        self._record: t.Optional[FreezeRecord] = None
        self._since: t.Dict[str, str] = {}

    def prove(self) -> ChangeList:
        """Until nothing stands against the commit, or there is no time for another look. What cannot pass fails.

        :returns: in check mode, what a real run sends before it commits
        :raises MigrationError: ``starrocks.freeze_was_lifted``, ``starrocks.source_moved``, or what has not passed
        """
        self._end.require_handed_over()
        patience = Deadline(self._clock, self._patience(), "the commit")
        while True:
            began = self._clock.monotonic()
            try:
                return self._look(patience)
            except MigrationError as error:
                if error.code not in _PASSING:
                    raise
                again = self._eyes.request.poll_interval
                if patience.remaining() <= again + (self._clock.monotonic() - began):
                    raise self._too_late(error, patience) from error
                self._tell(error)
            self._clock.sleep(again)
            self._end.ask_guard()
            self._end.require_handed_over()

    def _patience(self) -> float:
        lifts_at = self._end.lifts_at
        if lifts_at is None:
            return UNGUARDED
        return max(0.0, (lifts_at - self._clock.now()).total_seconds() - MARGIN)

    def _look(self, patience: Deadline) -> ChangeList:
        eyes = self._eyes
        if self._opening is not None and self._record is None:
            # It is named by the cluster's id, which has to be asked for.
            self._record = self._opening()
        look = eyes.freeze.look()
        self._end.require_held(look)
        if self._record is None:
            ahead = eyes.freeze.predict(look)
            if ahead.changed:
                return ahead
        elif not look.frozen:
            # A frontend was restarted under the operator's switch. The versions will tell whether anything came in.
            seconds = min(_HOLD_SECONDS, patience.remaining())
            eyes.freeze.hold(self._record, Deadline(self._clock, seconds, "the proof of the freeze"))
            look = eyes.freeze.look()
        self._end.require_unmoved(eyes.conditions(look), eyes.readers)
        return ChangeList()

    def _tell(self, error: MigrationError) -> None:
        if self._record is None:
            return
        quiet = error.code == NOT_QUIESCENT
        reason = "starrocks.wait.quiescence" if quiet else "starrocks.wait.unreachable"
        worst = error.details["evidence"] if quiet else [error.message]
        since = self._since.setdefault(reason, iso(self._clock.now()))
        what = "the source to come to rest" if quiet else "the source's frontends to answer"
        ends = "no transaction and no job is under way" if quiet else "every living frontend answers"
        self._record.waiting(Wait(reason, what, ends, since, worst, len(worst)))

    def _too_late(self, error: MigrationError, patience: Deadline) -> MigrationError:
        spent = format_duration(patience.seconds - patience.remaining())
        then = (
            f"It was looked at for {spent}, and the guard is about to lift the freeze. Send the clients that you have "
            "switched back to the source, and run the cutover again."
            if self._end.lifts_at is not None
            else f"It was looked at for {spent}. No guard lifts the freeze: put that right, and commit again."
        )
        return MigrationError(
            error.code, f"{error.message} {then}", server_text=error.server_text, details=error.details
        )
