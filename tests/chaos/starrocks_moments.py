# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a whole run, each recognised by a request that the lab then holds, or by an entry of the journal."""

from __future__ import annotations

import dataclasses
import pathlib
import time
import typing as t

from lab.client import LabClient

REACH = 150.0
"""Real seconds in which a whole run must come to a phase."""
_GLANCE = 0.005
REQUEST, READ, JOURNAL = "request", "read", "journal"


@dataclasses.dataclass(frozen=True)
class Moment:
    """``how``: REQUEST and READ hold a request with this text, on its ``surface`` and ``side``; JOURNAL none."""

    phase: str
    how: str
    text: str
    surface: str = ""
    side: str = "after"


PREPARE, SYNC, GATE, FREEZE, DRAIN, PROOF, SWITCH, RESTORE = (
    "prepare", "sync", "gate", "freeze", "drain", "proof", "switch", "restore",
)  # fmt: skip
MOMENTS = {
    one.phase: one
    for one in (
        Moment(PREPARE, REQUEST, '("lake_compaction_max_tasks" = "0")', "target-mysql"),
        Moment(SYNC, REQUEST, "startTableReplication", "target-rpc"),
        # Why a job is paused is asked by the cutover only, and first at its gate.
        Moment(GATE, READ, "REASONS_OF_STATE_CHANGED FROM", "source-mysql"),
        Moment(FREEZE, REQUEST, '("disable_load_job" = "true")', "source-mysql"),
        Moment(DRAIN, JOURNAL, "The sync tool in "),
        Moment(PROOF, JOURNAL, '"replications_drained"'),
        Moment(SWITCH, JOURNAL, '"cutover.handed_over"'),
        Moment(RESTORE, JOURNAL, '"cutover.committed"'),
    )
}
PHASES = tuple(MOMENTS)


class Watch:
    """Waits for one moment of a run: set before the run begins."""

    def __init__(self, lab: LabClient, journal: pathlib.Path, moment: Moment) -> None:
        self._lab = lab
        self._journal = journal
        self._moment = moment
        if moment.how != JOURNAL:
            lab.breakpoint(moment.text, moment.side, surface=moment.surface, reads=moment.how == READ)

    def wait(self, ended: t.Callable[[], bool]) -> bool:
        """True when it has come; False when the run has ended without it, or has not come there in time."""
        end = time.monotonic() + REACH
        while time.monotonic() < end and not ended():
            if self._moment.how == JOURNAL:
                if self._journal.exists() and self._moment.text in self._journal.read_text(encoding="utf-8"):
                    return True
                time.sleep(_GLANCE)
            elif self._lab.wait_breakpoint(1.0):
                return True
        return False

    def release(self) -> None:
        """Let the held request go on."""
        self._lab.clear_breakpoints()
